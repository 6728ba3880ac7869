"""The rows of the files that a path stands for, one at a time and each with its place."""

import csv
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any

from slugline.data.archives import open_members
from slugline.data.formats import FORMATS
from slugline.data.input_files import (
    describe_left_out,
    find_files,
    format_of,
    is_archive,
    known_format,
    sibling_key,
    unknown_ending,
)
from slugline.data.opening import InputFile, ReadOptions
from slugline.data.read_files import ReadFile
from slugline.data.schema import Rejected, Rows
from slugline.data.unpacking import UNPACKING_ERRORS
from slugline.errors import InputError

READ_ERRORS = (OSError, zlib.error, zipfile.BadZipFile, UnicodeError, csv.Error, *UNPACKING_ERRORS)


def read_rows(
    path: Any, options: ReadOptions | None = None, *, key: str = "data.path", opened: list[ReadFile] | None = None
) -> Rows:
    """Read the rows of the files that `find_files` finds, one at a time, each with its place (`file` or `file:line`).

    In place of a row that cannot be read comes the reason, a string. A text file is one row with `article_id` and
    `text`. `key` is the setting that names the path; to `opened` each file is added that is read, with what was found
    out about it, and what was left out beside the files.
    """
    options, opened = options or ReadOptions(), [] if opened is None else opened
    files = find_files(path, options, key=key)
    if files.left_out:
        opened.append(ReadFile(str(path), "folder", [describe_left_out(files.left_out)]))
    for place, name in files:
        file = InputFile(place, name, options, key=key)
        yield from _read_archive(file, opened) if is_archive(place) else _read_file(file, opened)


def _read_archive(archive: InputFile, opened: list[ReadFile]) -> Rows:
    """Yield the rows of the members of an archive; those of unknown endings are counted in its notes."""
    opened.append(ReadFile(archive.name, "zip", archive.notes))
    left_out: Counter[str] = Counter()
    count = 0
    try:
        for member in open_members(archive):
            if isinstance(member, InputFile) and (reason := _why_left_out(member)):
                left_out[reason] += 1
                continue
            count += 1
            yield from _read_file(member, opened) if isinstance(member, InputFile) else [member]
    except READ_ERRORS as error:
        yield archive.name, f"cannot be read as an archive: {error}"
        return
    if left_out:
        archive.notes.append(describe_left_out(left_out))
    if not count:
        yield (
            archive.name,
            f"no readable file in it; {describe_left_out(left_out)}" if left_out else "empty: no file in it",
        )


def _why_left_out(member: InputFile) -> str:
    """Return as what a member of an archive is counted that is not read, `""` for one that is."""
    if "__MACOSX/" in member.name:
        return "of macOS's own"
    is_known = member.options.format or known_format(member.path.name)
    return "" if is_known else unknown_ending(member.path.name)


def _read_file(file: InputFile, opened: list[ReadFile]) -> Rows:
    """Yield the rows of a file; what breaks off is told as the last one."""
    file_format = file.options.format or format_of(file.path)
    opened.append(ReadFile(file.name, file_format, file.notes))
    count = 0
    try:
        for where, row in FORMATS[file_format].read(file):
            count += 1
            advice = _encoding_advice(row, file.options.encoding, file.key) if isinstance(row, str) else ""
            yield where, f"{row}{advice}" if isinstance(row, str) else row
    except READ_ERRORS as error:
        beyond = f" beyond row {count}" if count else ""
        advice = _encoding_advice(str(error), file.options.encoding, file.key)
        yield file.name, f"cannot be read as {file_format}{beyond}: {error}{advice}"
    else:
        if not count:
            yield file.name, "empty: no row in it"


def check_any_read(read: Sequence[object], rejected: Sequence[Rejected], noun: str) -> None:
    """Raise `InputError` with the first rejection when nothing at all could be read; `noun` says what was to be."""
    if not read:
        reason = f"{rejected[0].where}: {rejected[0].reason}" if rejected else "the files are empty"
        raise InputError(f"no {noun} could be read; {reason}")


def _encoding_advice(reason: str, encoding: str, key: str) -> str:
    """Return what to give for a file that is not UTF-8, where `key`, which names its path, has such a setting."""
    undecoded = encoding == "utf-8" and ("not utf-8" in reason or "'utf-8' codec" in reason)
    advice = f"; files from Windows are often read with {sibling_key(key, 'encoding')}=cp1252"
    return advice if undecoded and not key.startswith("labels.") else ""
