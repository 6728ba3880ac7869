"""The rows of files that annotators or their tools wrote, each with its place: JSON, JSON lines, CSV, workbooks."""

import json
from dataclasses import replace
from pathlib import Path
from typing import cast

from slugline.annotate.formats.xlsx import read_workbook
from slugline.data.encodings import DoubtError, decode
from slugline.data.formats.json_lines import read_json_lines
from slugline.data.formats.json_values import read_json, split_values
from slugline.data.formats.tables import read_csv
from slugline.data.opening import InputFile, describe_doubt
from slugline.data.readers import READ_ERRORS
from slugline.data.schema import Rows
from slugline.errors import InputError, one_line
from slugline.spreadsheets import unescape

_ARCHIVE, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_JSON_ENDINGS, _WORKBOOK_ENDINGS = (".json", ".jsonl", ".ndjson"), (".xlsx", ".xlsm")


def read_file(file: InputFile, kind: str) -> Rows:
    """Yield the rows of a file of a kind by `find_kind`, each with its place, or why there is none.

    Raises `InputError` where the file cannot be read on.
    """
    readers = {"json": _read_json, "csv": _read_csv, "xlsx": _read_workbook}
    path = file.path
    try:
        yield from readers[kind](file)
    except DoubtError as doubt:
        raise InputError(one_line(f"{path}: {describe_doubt(doubt, 'annotations')}")) from doubt
    except READ_ERRORS as error:
        raise InputError(one_line(f"{path}: cannot be read as {kind}: {error}")) from error


def find_kind(path: Path, format: str | None, encoding: str | None = None) -> str:
    """Return whether a file is `json` (also lines of it), `csv` or `xlsx`, by its format, ending and first bytes."""
    head = _read_head(path)
    if head.startswith(_OLD_OFFICE):
        raise InputError(f"{path}: an old or encrypted Office file; save it as .xlsx without a password")
    is_archive = head.startswith(_ARCHIVE)
    if format == "xlsx" or (is_archive and format is None):
        return "xlsx"
    if is_archive:
        raise InputError(f"{path}: an archive, not {format}; unpack it and give the files in it")

    ending = path.suffix.lower()
    text = _decode_head(head, encoding).lstrip()
    is_json = text.startswith(("[", "{")) or ending in _JSON_ENDINGS
    if format != "csv" and is_json:
        return "json"
    return "xlsx" if ending in _WORKBOOK_ENDINGS and format is None else "csv"


def _read_head(path: Path) -> bytes:
    """Return the first bytes of a file; raise `InputError` where there is none."""
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except OSError as error:
        raise InputError(one_line(f"{path}: cannot be read: {error.strerror or error}")) from error


def _decode_head(head: bytes, encoding: str | None) -> str:
    """Return the text that first bytes are, none where that cannot be told."""
    try:
        return decode(head, encoding)
    except (DoubtError, UnicodeError):
        return ""


def _read_json(file: InputFile) -> Rows:
    """Yield the objects of a JSON list or of several values, each with its number, or of lines of JSON."""
    if _is_lines(file):
        yield from read_json_lines(file)
        return
    for where, row in read_json(file):
        yield where.replace(f"{file.name}:", f"{file.name}, record "), row


def _is_lines(file: InputFile) -> bool:
    """Tell whether each line is to be read by itself: the first value is in no list, and is broken or a whole line."""
    with replace(file, notes=[]).open_text() as stream:
        try:
            value, around = next(split_values(stream, file.row_limit), (None, "["))
            if around == "{" and value is not None and "\n" in value:
                json.loads(value)
                return False
            return around == "{"
        except (OSError, ValueError, RecursionError):  # broken; it costs the first line, not the file
            return True


def _read_workbook(file: InputFile) -> Rows:
    """Yield the rows of a workbook."""
    return read_workbook(cast(Path, file.path))


def _read_csv(file: InputFile) -> Rows:
    """Yield the rows of a CSV file, cells as they were before they were escaped."""
    for where, row in read_csv(file):
        if isinstance(row, str):
            yield where, row
            continue
        names = [unescape(name).strip() for name in row]
        cells = [cell if name == "sentence_id" else unescape(cell) for name, cell in row.items()]
        yield where, dict(zip(names, cells, strict=True))
