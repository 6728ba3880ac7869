"""Input files: which files a path stands for, and what format each has."""

import os
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from slugline.data.formats import FORMAT_OF_ENDING, FORMATS
from slugline.data.opening import ReadOptions
from slugline.errors import InputError, listing

NamedFile = tuple[Path, str]  # a file and the name it goes by in messages and ids


def find_files(path: Any, options: ReadOptions | None = None, *, key: str = "data.path") -> list[NamedFile]:
    """Find the files that a path stands for, each with the name it goes by in messages and ids.

    `path` is a file, a folder, a glob, `-` for standard input, or a list of these; `options.format` is needed where
    endings do not tell; `key` is the setting that names the path, beside which those of `ReadOptions` stand.
    The name is the path below the folder, or below what comes before the first wildcard of a glob, or the file's name;
    files of one name get as many folders before it as tell them apart. So it is the same from any working folder, by an
    absolute and by a relative path. Raises `InputError` for no file, and for options that cannot be.
    """
    options = options or ReadOptions()
    if options.format is not None and options.format not in FORMATS:
        problem = f"unknown format '{options.format}'; allowed: {listing(FORMATS)}"
        raise InputError(f"{sibling_key(key, 'format')}: {problem}")
    options.check_text(sibling_key(key, "encoding"), sibling_key(key, "separator"))

    paths = list(path) if isinstance(path, (list, tuple)) else [path]
    if wrong := [item for item in paths or [paths] if not isinstance(item, (str, Path)) or item == ""]:
        raise InputError(f"{key}: {wrong[0]!r}; allowed: a file, a folder, a glob, - or a list of these")

    files = _tell_apart([file for item in paths for file in _expand(str(item), options.format, key)])
    if not files:
        endings = listing(FORMAT_OF_ENDING)
        raise InputError(f"{key}: no readable file at {listing(paths)}; endings read: {endings}, each also with .gz")
    if options.format is None:
        for file, _ in files:
            format_of(file)
    return files


def sibling_key(key: str, name: str) -> str:
    """Return the key of the setting beside another: `data.format` beside `data.path`, `format` beside `input`."""
    return f"{key[: key.rfind('.') + 1]}{name}"


def format_of(file: Path) -> str:
    """Return the format of a file by its ending, or "text" for standard input; refuse an unknown ending."""
    file_format = "text" if str(file) == "-" else _known_format(file)
    if file_format is None:
        endings = listing(FORMAT_OF_ENDING)
        raise InputError(f"{file}: unknown ending; endings read: {endings}, each also with .gz, or say `format=`")
    return file_format


def _expand(path: str, format: str | None, key: str) -> list[NamedFile]:
    """Return the files that one path stands for, sorted; skip files of unknown endings inside folders."""
    if path == "-":
        return [(Path("-"), "stdin")]

    place = Path(path)
    if place.is_dir():
        inside = sorted(file for file in place.rglob("*") if file.is_file())
        return [(file, file.relative_to(place).as_posix()) for file in inside if format or _known_format(file)]
    if place.exists():
        return [(place, place.name)]  # also where its name looks like a glob
    if has_magic(path):
        matches = [Path(match) for match in sorted(glob(path, recursive=True))]
        parts = place.parts
        folder = Path(*parts[: next(number for number, part in enumerate(parts) if has_magic(part))])
        return [(file, file.relative_to(folder).as_posix()) for file in matches if file.is_file()]
    raise InputError(f"{key}: no such file or folder: {path}")


def _tell_apart(files: list[NamedFile]) -> list[NamedFile]:
    """Put as many folders before a name that several files share as tell them apart."""
    places: dict[str, set[Path]] = {}
    for file, name in files:
        places.setdefault(name, set()).add(_absolute(file))
    lengths = {name: _distinct_length(shared) for name, shared in places.items() if len(shared) > 1}
    return [
        (file, "/".join(_absolute(file).parts[-lengths[name] :]) if name in lengths else name) for file, name in files
    ]


def _absolute(file: Path) -> Path:
    """Return the path from the root, without `..`; links are kept."""
    return Path(os.path.abspath(file))  # noqa: PTH100 - `resolve` follows links


def _distinct_length(paths: set[Path]) -> int:
    """Return how many parts at the end of paths tell them apart."""
    length = 1
    while len({path.parts[-length:] for path in paths}) < len(paths):
        length += 1
    return length


def _known_format(file: Path) -> str | None:
    """Return the format that a file's ending stands for, `.gz` set aside."""
    name = Path(file.stem if file.suffix == ".gz" else file.name)
    return FORMAT_OF_ENDING.get(name.suffix.lower())
