"""Atomic writes, and the folders that ship with Slugline."""

import json
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from slugline.errors import InputError, one_line

to_json = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes an encoder for every call


@contextmanager
def write_atomically(target: Path) -> Iterator[Path]:
    """Give a path to write to, which becomes `target` once the block ends without an error.

    Parameters
    ----------
    target : Path
        A file or a folder, which need not exist; neither do the folders above it. What is there before stays until the
        new one takes its place by a rename. A folder is never replaced by a file.

    Yields
    ------
    Path
        A path on the same disk, in a folder of its own, for the block to make a file or a folder at.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    workplace = Path(mkdtemp(prefix=f".{target.name[:100]}-", suffix=".tmp", dir=target.parent))
    try:
        draft = workplace / target.name
        yield draft
        if target.is_dir() and draft.is_dir():
            target.rename(workplace / "before")  # a rename replaces files, but no folder that holds something
        draft.replace(target)
    finally:
        shutil.rmtree(workplace, ignore_errors=True)


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write several files: all are written beside their places before the first takes its own.

    Parameters
    ----------
    contents : mapping of Path to bytes
        What each file is to hold.

    Raises
    ------
    InputError
        When one of them cannot be written, or is a folder; then no file is changed.
    """
    target = None
    try:
        with ExitStack() as stack:
            for target, content in contents.items():
                stack.enter_context(write_atomically(target)).write_bytes(content)
                if target.is_dir():
                    raise IsADirectoryError(21, "Is a directory")
    except OSError as error:
        raise InputError(f"cannot write {target}: {error.strerror or error}") from error


def to_json_lines(rows: Iterable[Mapping[Any, Any]]) -> bytes:
    """Return rows as lines of JSON in UTF-8; what UTF-8 cannot hold, a lone surrogate, is escaped."""
    return "".join(to_json(row) + "\n" for row in rows).encode(errors="backslashreplace")


def read_yaml(file: Path) -> Any:
    """Return what a YAML file holds; raise `InputError` with file and line when it cannot be read."""
    import yaml

    try:
        return yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise InputError(f"{file}: cannot be read as YAML: {one_line(error)}") from error
    except yaml.YAMLError as error:
        raise InputError(describe_yaml_error(error, file)) from error


def describe_yaml_error(error: Exception, file: object = "") -> str:
    """Return an error of PyYAML as one sentence, with file, line, and what to do about a star."""
    mark, problem = getattr(error, "problem_mark", None), str(getattr(error, "problem", None) or one_line(error))
    if mark is not None:
        file, problem = file or mark.name, f"line {mark.line + 1}: {problem}"
    star = "alias" in f"{getattr(error, 'context', '')} {problem}"
    advice = '; text that begins with * must be quoted, as in ["*flood"]' if star else ""
    return f"{file}: cannot be read as YAML: {problem}{advice}"


def shipped_folder(name: str) -> Path:
    """Return a folder that ships with Slugline: inside the package when installed from a wheel, else beside it."""
    package = Path(__file__).parent
    inside = package / Path(name).name
    return inside if inside.is_dir() else package.parents[1] / name
