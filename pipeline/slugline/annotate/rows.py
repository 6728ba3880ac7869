"""The rows of files that annotators or their tools wrote, each with its place: JSON, JSON lines, CSV, workbooks."""

import json
from pathlib import Path
from typing import cast

from slugline.annotate.annotation import Row
from slugline.annotate.formats.xlsx import read_workbook
from slugline.data.encodings import DoubtError, decode, describe_undecoded
from slugline.data.formats.json_lines import parse_lines
from slugline.data.formats.tables import read_csv
from slugline.data.opening import InputFile, describe_doubt
from slugline.data.readers import READ_ERRORS
from slugline.data.schema import Rejected, Rows
from slugline.errors import InputError, one_line
from slugline.spreadsheets import unescape

_ARCHIVE, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_JSON_ENDINGS, _WORKBOOK_ENDINGS = (".json", ".jsonl", ".ndjson"), (".xlsx", ".xlsm")


def read_file(file: InputFile, kind: str) -> tuple[list[tuple[str, Row]], list[Rejected]]:
    """Read the rows of a file of a kind by `find_kind`, each with its place; raise `InputError` without any."""
    readers = {"json": _read_json, "csv": _read_csv, "xlsx": _read_workbook}
    path = file.path
    try:
        items = list(readers[kind](file))
    except DoubtError as doubt:
        raise InputError(one_line(f"{path}: {describe_doubt(doubt, 'annotations')}")) from doubt
    except READ_ERRORS as error:
        raise InputError(one_line(f"{path}: cannot be read as {kind}: {error}")) from error

    rows = [(where, row) for where, row in items if not isinstance(row, str)]
    rejected = [Rejected(where, reason) for where, reason in items if isinstance(reason, str)]
    if not rows:
        first = rejected[0] if rejected else "it is empty"
        raise InputError(one_line(f"{path}: no row could be read as {kind}; {first}"))
    return rows, rejected


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
    """Yield the objects of a JSON list, of lines of JSON, or a single one; the place in a list is a number."""
    with file.open_text() as stream:
        text = stream.read()
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        is_list = text.lstrip().startswith("[")
        lines = [] if is_list else list(parse_lines(text.split("\n"), file.name, stream.encoding))
        if not any(isinstance(row, dict) for _, row in lines):
            raise InputError(one_line(f"{file.path}: not JSON: {error}")) from error
        yield from lines
        return

    if isinstance(document, dict):
        yield file.name, describe_undecoded(text, stream.encoding) or document
        return
    is_whole = describe_undecoded(text, stream.encoding) is None
    for number, item in enumerate(document if isinstance(document, list) else [document], start=1):
        undecoded = None if is_whole else describe_undecoded(json.dumps(item, ensure_ascii=False), stream.encoding)
        wrong = undecoded or (None if isinstance(item, dict) else f"a JSON {type(item).__name__}, not an object")
        yield f"{file.name}, record {number}", wrong or item


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
