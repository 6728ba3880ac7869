"""The rows of the files that a path stands for, one at a time and each with its place."""

import csv
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from slugline.data.archives import open_members
from slugline.data.encodings import DoubtError
from slugline.data.formats import FORMATS
from slugline.data.formats.tables import NO_HEADER
from slugline.data.input_files import (
    describe_left_out,
    find_files,
    format_of,
    is_archive,
    known_format,
    unknown_ending,
)
from slugline.data.opening import InputFile, ReadOptions, describe_doubt, sibling_key
from slugline.data.predictions import undo_guard
from slugline.data.read_files import ReadFile, describe_files
from slugline.data.schema import NO_TEXT, Rejected, Rows
from slugline.data.unpacking import UNPACKING_ERRORS
from slugline.errors import InputError, listing, one_line
from slugline.launch import TABLES

REJECTED_FILE = "rejected.jsonl"
READ_ERRORS = (OSError, zlib.error, zipfile.BadZipFile, UnicodeError, csv.Error, *UNPACKING_ERRORS)


def read_rows(
    path: Any,
    options: ReadOptions | None = None,
    *,
    key: str = "data.path",
    columns: Mapping[str, str] = MappingProxyType({}),
    opened: list[ReadFile] | None = None,
) -> Rows:
    """Read the rows of the files that `find_files` finds, one at a time, each with its place (`file` or `file:line`).

    In place of a row that cannot be read comes the reason, a string. A text file, which has no columns of its own, is
    one row with `article_id` and `text`, or what `columns` calls these; a page, a mail and the like are alike. `key` is
    the setting that names the path; to `opened` each file is added that is read, with what was found out about it, and
    what was left out beside the files.
    """
    options, opened = options or ReadOptions(), [] if opened is None else opened
    files = find_files(path, options, key=key)
    if files.left_out:
        opened.append(ReadFile(_name_path(path), "folder", [describe_left_out(files.left_out)]))
    for place, name in files:
        file = InputFile(place, name, options, key=key)
        yield from (_read_archive if is_archive(place) else _read_file)(file, columns, opened)


def _name_path(path: Any) -> str:
    """Return what was given as a path."""
    return listing(path) if isinstance(path, (list, tuple)) else str(path)


def _read_archive(archive: InputFile, columns: Mapping[str, str], opened: list[ReadFile]) -> Rows:
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
            yield from _read_file(member, columns, opened) if isinstance(member, InputFile) else [member]
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


def _read_file(file: InputFile, columns: Mapping[str, str], opened: list[ReadFile]) -> Rows:
    """Yield the rows of a file; what breaks off is told as the last one."""
    file_format = file.options.format or format_of(file.path)
    opened.append(ReadFile(file.name, file_format, file.notes))
    count = 0
    try:
        for where, row in _read_rows(file, file_format, columns):
            count += 1
            yield where, f"{row}{_advice(row, file)}" if isinstance(row, str) else row
    except DoubtError as doubt:
        yield file.name, f"cannot be read as {file_format}: {describe_doubt(doubt, file.key)}"
    except READ_ERRORS as error:
        beyond = f" beyond row {count}" if count else ""
        yield file.name, f"cannot be read as {file_format}{beyond}: {one_line(error)}"
    else:
        if not count:
            yield file.name, "empty: no row in it"


def _read_rows(file: InputFile, file_format: str, columns: Mapping[str, str]) -> Rows:
    """Yield the rows of a file: predictions without guards, text under the names that its columns are to have."""
    rows = FORMATS[file_format].read(file)
    if file_format in ("csv", "tsv"):
        return undo_guard(rows)
    return rows if FORMATS[file_format].has_columns else _rename(rows, columns)


def _rename(rows: Rows, columns: Mapping[str, str]) -> Rows:
    """Yield rows under other names of columns, but for those that a row has already, as in its front matter."""
    for where, row in rows:
        if not isinstance(row, str):
            names = {name: columns.get(name) or name for name in row}
            row = {name if names[name] in row else names[name]: cell for name, cell in row.items()}
        yield where, row


def check_rejected(rejected: Iterable[Rejected], options: ReadOptions, key: str) -> None:
    """Raise `InputError` at the first of what was rejected, if `options.on_error` is `stop`.

    `key` is the setting that names the path, beside which that of `on_error` stands.
    """
    if options.on_error == "stop":
        for item in rejected:
            advice = f"{sibling_key(key, 'on_error')}=reject goes on without it, and lists all such"
            raise InputError(f"{item}; {advice}")


def describe_reading(files: Iterable[ReadFile], notes: Iterable[str], rejected: Sequence[Rejected]) -> list[str]:
    """Return how files were read, what else is noted, and in a line how much was rejected, with the first of it."""
    lines = [*describe_files(files), *notes]
    if rejected:
        all_listed = f"a training lists all in {TABLES}/{REJECTED_FILE} of its run"
        lines.append(f"rejected {len(rejected)}, the first {rejected[0]}; {all_listed}")
    return lines


def check_any_read(read: Sequence[object], rejected: Sequence[Rejected], noun: str, key: str = "data.path") -> None:
    """Raise `InputError` with the first rejection when nothing at all could be read.

    `noun` says what was to be, `key` is the setting that names the path.
    """
    if not read:
        reason = str(rejected[0]) if rejected else "the files are empty"
        advice = f"; give {sibling_key(key, 'columns')}.text=COLUMN" if NO_TEXT in reason else ""
        raise InputError(f"no {noun} could be read; {reason}{advice}")


def _advice(reason: str, file: InputFile) -> str:
    """Return what to give for a row that is not UTF-8, or a table without header."""
    if reason.startswith(NO_HEADER):
        return f"; give {sibling_key(file.key, 'header')}=false, and columns are called 0, 1, 2 and so on"
    if file.options.encoding not in (None, "utf-8") or "not utf-8" not in reason:
        return ""
    return f"; files from Windows are often read with {sibling_key(file.key, 'encoding')}=cp1252"
