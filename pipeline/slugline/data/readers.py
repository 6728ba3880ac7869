"""The rows of the files that a path stands for, one at a time and each with its place."""

import csv
import zlib
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from slugline.data.encodings import DoubtError
from slugline.data.formats import FORMATS
from slugline.data.formats.tables import NO_HEADER
from slugline.data.input_files import find_files, format_of, sibling_key
from slugline.data.opening import InputFile, ReadOptions
from slugline.data.predictions import undo_guard
from slugline.data.read_files import ReadFile
from slugline.data.schema import Rejected, Rows
from slugline.errors import InputError

REJECTED_FILE = "rejected.jsonl"
READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError, csv.Error)


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
    one row with `article_id` and `text`, or what `columns` calls these. `key` is the setting that names the path; to
    `opened` each file is added that is read, with what was found out about it.
    """
    options = options or ReadOptions()
    for path_of_file, name in find_files(path, options, key=key):
        file = InputFile(path_of_file, name, options)
        file_format = options.format or format_of(path_of_file)
        if opened is not None:
            opened.append(ReadFile(name, file_format, file.notes))
        count = 0
        try:
            for where, row in _read_file(file, file_format, columns):
                count += 1
                yield where, f"{row}{_advice(row, options, key)}" if isinstance(row, str) else row
        except DoubtError as doubt:
            yield name, f"cannot be read as {file_format}: {describe_doubt(doubt, key)}"
        except READ_ERRORS as error:
            beyond = f" beyond row {count}" if count else ""
            yield name, f"cannot be read as {file_format}{beyond}: {error}"
        else:
            if not count:
                yield name, "empty: no row in it"


def _read_file(file: InputFile, file_format: str, columns: Mapping[str, str]) -> Rows:
    """Yield the rows of a file: predictions without guards, text under the names that its columns are to have."""
    rows = FORMATS[file_format].read(file)
    if file_format in ("csv", "tsv"):
        return undo_guard(rows)
    return rows if FORMATS[file_format].has_columns else _rename(rows, columns)


def _rename(rows: Rows, columns: Mapping[str, str]) -> Rows:
    """Yield rows with other names of columns."""
    for where, row in rows:
        yield where, row if isinstance(row, str) else {columns.get(name) or name: cell for name, cell in row.items()}


def describe_doubt(doubt: DoubtError, key: str) -> str:
    """Return the settings that a file in doubt may be read with, and what each makes of it; `key` names its path."""
    setting = sibling_key(key, doubt.setting)
    return "in doubt; " + " or ".join(f"{setting}={value} ({text})" for value, text in doubt.readings.items())


def check_rejected(rejected: Iterable[Rejected], options: ReadOptions, key: str) -> None:
    """Raise `InputError` at the first of what was rejected, if `options.on_error` is `stop`.

    `key` is the setting that names the path, beside which that of `on_error` stands.
    """
    setting = sibling_key(key, "on_error")
    if options.on_error not in ("reject", "stop"):
        raise InputError(f"{setting}={options.on_error}; allowed: reject, stop")
    for item in rejected:
        if options.on_error == "stop":
            raise InputError(f"{item.where}: {item.reason}; {setting}=reject goes on without it, and lists all such")


def describe_rejected(rejected: Sequence[Rejected]) -> list[str]:
    """Return in a line how much was rejected, and the first of it; no line for nothing."""
    if not rejected:
        return []
    first = f"{rejected[0].where}: {rejected[0].reason}"
    return [f"rejected {len(rejected)}, the first {first}; a training lists all in {REJECTED_FILE} of its run"]


def check_any_read(read: Sequence[object], rejected: Sequence[Rejected], noun: str) -> None:
    """Raise `InputError` with the first rejection when nothing at all could be read; `noun` says what was to be."""
    if not read:
        reason = f"{rejected[0].where}: {rejected[0].reason}" if rejected else "the files are empty"
        raise InputError(f"no {noun} could be read; {reason}")


def _advice(reason: str, options: ReadOptions, key: str) -> str:
    """Return what to give for a row that is not UTF-8, or a table without header; `key` names the path."""
    if reason.startswith(NO_HEADER):
        return f"; give {sibling_key(key, 'header')}=false, and columns are called 0, 1, 2 and so on"
    if options.encoding not in (None, "utf-8") or "not utf-8" not in reason:
        return ""
    return f"; files from Windows are often read with {sibling_key(key, 'encoding')}=cp1252"
