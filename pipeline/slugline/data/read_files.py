"""How files were read: what was found out about each, and one line for those that were read alike."""

from collections.abc import Iterable
from typing import NamedTuple

from slugline.errors import listing

_NAMED = 3  # files of one kind that are named


class ReadFile(NamedTuple):
    """A file that was read: its name, its format, and what its reader found out about it, such as its encoding."""

    name: str
    format: str
    notes: list[str]


def describe_files(files: Iterable[ReadFile]) -> list[str]:
    """Return one line for each kind of file of which there is something to tell.

    Examples
    --------
    >>> describe_files([ReadFile("a.csv", "csv", ["cp1252", "';'"]), ReadFile("b.csv", "csv", [])])
    ["a.csv: cp1252, ';'"]
    """
    kinds: dict[str, dict[str, None]] = {}
    for file in files:
        if file.notes:
            kinds.setdefault(", ".join(file.notes), {})[file.name] = None
    return [f"{_name(list(names))}: {notes}" for notes, names in kinds.items()]


def _name(names: list[str]) -> str:
    """Return the name of one file, or how many there are and the first of them."""
    return names[0] if len(names) == 1 else f"{len(names)} files ({listing(names, _NAMED)})"
