"""Input files: which files a path stands for, and what format each has."""

import os
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from slugline.data.archives import ARCHIVE_ENDING
from slugline.data.folders import SPECIAL, find_link_problem, walk_folder
from slugline.data.formats import FORMAT_OF_ENDING, FORMATS
from slugline.data.opening import ReadOptions, sibling_key
from slugline.data.remote import RemoteFile, find_remote, is_remote
from slugline.data.unpacking import COMPRESSIONS, without_compression
from slugline.errors import InputError, listing

NamedFile = tuple[Path | RemoteFile, str]  # a file and the name it goes by in messages and ids
_ENDINGS_READ = f"{listing(FORMAT_OF_ENDING, 30)}, each also with {listing(COMPRESSIONS)}, and {ARCHIVE_ENDING}"


class FoundFiles(list[NamedFile]):
    """The files that a path stands for; `left_out` counts what lies beside them and is not read, by ending or kind."""

    def __init__(self) -> None:
        super().__init__()
        self.left_out: Counter[str] = Counter()

    def take(self, file: Path | RemoteFile, name: str, format: str | None) -> None:
        """Add a file; one of an unknown ending is only counted."""
        if format or is_archive(file) or known_format(file.name):
            self.append((file, name))
        else:
            self.left_out[unknown_ending(file.name)] += 1


def find_files(path: Any, options: ReadOptions | None = None, *, key: str = "data.path") -> FoundFiles:
    """Find the files that a path stands for, each with the name it goes by in messages and ids.

    `path` is a file, a folder, a glob, a URL that fsspec opens (of a file, a folder, a glob), `-` for standard input,
    or a list of these; `options.format` is needed where endings do not tell; `key` is the setting that names the path,
    beside which those of `ReadOptions` stand. An archive is one file here; its members come with its rows.
    The name is the path below the folder, or below what comes before the first wildcard of a glob, or the file's name;
    files of one name get as many folders before it as tell them apart. So it is the same from any working folder, by an
    absolute and by a relative path. Raises `InputError` for no file, and for options that cannot be.
    """
    options = options or ReadOptions()
    if options.format is not None and options.format not in FORMATS:
        problem = f"unknown format '{options.format}'; allowed: {listing(FORMATS, 20)}"
        raise InputError(f"{sibling_key(key, 'format')}: {problem}")
    options.check(key)

    paths = list(path) if isinstance(path, (list, tuple)) else [path]
    if wrong := [item for item in paths or [paths] if not isinstance(item, (str, Path)) or item == ""]:
        raise InputError(f"{key}: {wrong[0]!r}; allowed: a file, a folder, a glob, a URL, - or a list of these")

    found = FoundFiles()
    for item in paths:
        _expand(str(item), options, key, found)
    found[:] = _tell_apart(found)
    if not found:
        beside = f"; {describe_left_out(found.left_out)}" if found.left_out else ""
        raise InputError(f"{key}: no readable file at {listing(paths)}; endings read: {_ENDINGS_READ}{beside}")
    if options.format is None:
        for file, _ in found:
            if not is_archive(file):
                format_of(file)
    return found


def find_local_files(path: Any, options: ReadOptions | None = None, *, key: str) -> list[Path]:
    """Return the files that `find_files` finds, all of this machine; raise `InputError` for one at a URL."""
    files = [file for file, _ in find_files(path, options, key=key)]
    if remote := [file for file in files if isinstance(file, RemoteFile)]:
        raise InputError(f"{key}: {remote[0]} is not on this machine; copy it here and give its path")
    return [file for file in files if isinstance(file, Path)]


def file_state(file: Path | RemoteFile) -> object:
    """Return what changes when a file does: its size and time, or what its server says; None for what is no file."""
    if isinstance(file, RemoteFile):
        return file.state()
    state = file.stat() if file.exists() else None
    return state and (state.st_size, state.st_mtime_ns)


def describe_left_out(left_out: "Counter[str]") -> str:
    """Return how many files were left out, by their endings or kinds.

    Examples
    --------
    >>> describe_left_out(Counter({".docx": 1, ".pdf": 3}))
    'left out: 3 .pdf, 1 .docx'
    """
    most_first = sorted(left_out.items(), key=lambda item: (-item[1], item[0]))
    return f"left out: {listing(f'{count} {kind}' for kind, count in most_first)}"


def is_archive(file: Path | RemoteFile) -> bool:
    """Tell whether a file is an archive by its ending."""
    return file.name.lower().endswith(ARCHIVE_ENDING)


def format_of(file: Path | RemoteFile) -> str:
    """Return the format of a file by its ending, or "text" for standard input; refuse an unknown ending."""
    file_format = "text" if str(file) == "-" else known_format(file.name)
    if file_format is None:
        raise InputError(f"{file}: unknown ending; endings read: {_ENDINGS_READ}, or say `format=`")
    return file_format


def known_format(name: str) -> str | None:
    """Return the format that the ending of a file's name stands for, that of compression set aside."""
    return FORMAT_OF_ENDING.get(Path(without_compression(name)).suffix.lower())


def unknown_ending(name: str) -> str:
    """Return the ending of a name, as files are counted that are left out."""
    return Path(without_compression(name)).suffix.lower() or "without ending"


def _expand(path: str, options: ReadOptions, key: str, found: FoundFiles) -> None:
    """Add the files that one path stands for, sorted; those of unknown endings in folders are only counted."""
    place = Path(path)
    if path == "-":
        found.append((Path("-"), "stdin"))
    elif is_remote(path):
        for remote, name in find_remote(path):
            found.take(remote, name, options.format)
    elif place.is_dir():
        for file in sorted(walk_folder(place, options.follow_links, found.left_out)):
            name = file.relative_to(place).as_posix()
            if not _is_hidden(name) or known_format(name):  # .gitkeep, .DS_Store and the like are nobody's articles
                found.take(file, name, options.format)
    elif place.exists():
        found.append((place, place.name))  # also where its name looks like a glob
    elif has_magic(path):
        parts = place.parts
        folder = Path(*parts[: next(number for number, part in enumerate(parts) if has_magic(part))])
        for match in sorted(_glob(place, folder, options, found)):
            found.take(match, match.relative_to(folder).as_posix(), options.format)
    else:
        raise InputError(f"{key}: no such file or folder: {path}")


def _is_hidden(name: str) -> bool:
    """Tell whether a path has a part that begins with a dot."""
    return any(part.startswith(".") for part in name.split("/"))


def _glob(pattern: Path, folder: Path, options: ReadOptions, found: FoundFiles) -> Iterator[Path]:
    """Yield the files that a glob matches below a folder."""
    if "**" in pattern.parts:  # Python's glob would follow loops of links
        wanted = pattern.parts[len(folder.parts) :]
        for file in walk_folder(folder, options.follow_links, found.left_out) if folder.is_dir() else ():
            if _matches(file.relative_to(folder).parts, wanted):
                yield file
        return
    root = folder.resolve()
    for file in map(Path, glob(str(pattern))):
        places = [file, *file.parents][: len(file.parts) - len(folder.parts)]
        problems = [find_link_problem(place, root, options.follow_links) for place in places if place.is_symlink()]
        if reasons := [problem for problem in problems if problem]:
            found.left_out[reasons[0]] += 1
        elif file.is_file():
            yield file
        elif not file.is_dir():
            found.left_out[SPECIAL] += 1


def _matches(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Tell whether a path matches a glob, part by part; hidden ones must be named, `**` is any number of folders."""
    if not pattern or not parts:
        return not parts and set(pattern) <= {"**"}
    hidden = parts[0].startswith(".")
    if pattern[0] == "**":
        return _matches(parts, pattern[1:]) or (not hidden and _matches(parts[1:], pattern))
    is_match = fnmatch(parts[0], pattern[0]) and (not hidden or pattern[0].startswith("."))
    return is_match and _matches(parts[1:], pattern[1:])


def _tell_apart(files: list[NamedFile]) -> list[NamedFile]:
    """Put as many folders before a name that several files share as tell them apart."""
    places: dict[str, set[tuple[str, ...]]] = {}
    for file, name in files:
        places.setdefault(name, set()).add(_parts(file))
    lengths = {name: _distinct_length(shared) for name, shared in places.items() if len(shared) > 1}
    return [(file, "/".join(_parts(file)[-lengths[name] :]) if name in lengths else name) for file, name in files]


def _parts(file: Path | RemoteFile) -> tuple[str, ...]:
    """Return the parts of the path from the root, without `..`; links are kept."""
    return file.parts if isinstance(file, RemoteFile) else Path(os.path.abspath(file)).parts  # noqa: PTH100 - `resolve` follows links


def _distinct_length(paths: set[tuple[str, ...]]) -> int:
    """Return how many parts at the end of paths tell them apart."""
    length = 1
    while len({path[-length:] for path in paths}) < len(paths):
        length += 1
    return length
