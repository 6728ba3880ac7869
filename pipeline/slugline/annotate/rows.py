"""The rows of files that annotators or their tools wrote, each with its place: JSON, JSON lines, CSV, workbooks."""

import codecs
import csv
import json
from pathlib import Path

from slugline.annotate.annotation import Row
from slugline.annotate.formats.xlsx import read_workbook
from slugline.data.formats.json_lines import parse_lines
from slugline.data.formats.tables import read_csv
from slugline.data.opening import InputFile, ReadOptions
from slugline.data.readers import READ_ERRORS
from slugline.data.schema import Rejected, Rows
from slugline.errors import InputError, one_line
from slugline.spreadsheets import unescape

_ENCODINGS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_ARCHIVE, _OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_JSON_ENDINGS, _WORKBOOK_ENDINGS = (".json", ".jsonl", ".ndjson"), (".xlsx", ".xlsm")


def read_file(path: Path, kind: str) -> tuple[list[tuple[str, Row]], list[Rejected]]:
    """Read the rows of a file of a kind by `find_kind`, each with its place; raise `InputError` without any."""
    readers = {"json": _read_json, "csv": _read_csv, "xlsx": read_workbook}
    try:
        items = list(readers[kind](path))
    except READ_ERRORS as error:
        raise InputError(one_line(f"{path}: cannot be read as {kind}: {error}")) from error

    rows = [(where, row) for where, row in items if not isinstance(row, str)]
    rejected = [Rejected(where, reason) for where, reason in items if isinstance(reason, str)]
    if not rows:
        first = f"{rejected[0].where}: {rejected[0].reason}" if rejected else "it is empty"
        raise InputError(one_line(f"{path}: no row could be read as {kind}; {first}"))
    return rows, rejected


def find_kind(path: Path, format: str | None) -> str:
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
    text = head.decode(_find_encoding(head), "ignore").lstrip()
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


def _find_encoding(head: bytes) -> str:
    """Return the encoding that a byte-order mark names, else UTF-8."""
    return next((encoding for mark, encoding in _ENCODINGS.items() if head.startswith(mark)), "utf-8")


def _read_json(path: Path) -> Rows:
    """Yield the objects of a JSON list, of lines of JSON, or a single one; the place in a list is a number."""
    data = path.read_bytes()
    encoding = _find_encoding(data)
    if encoding != "utf-8":
        data = data.decode(encoding).encode()

    try:
        document = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        is_list = data.lstrip().startswith(b"[")
        lines = [] if is_list else list(parse_lines(data.split(b"\n"), path.name, "utf-8"))
        if not any(isinstance(row, dict) for _, row in lines):
            raise InputError(one_line(f"{path}: not JSON: {error}")) from error
        yield from lines
        return

    if isinstance(document, dict):
        yield path.name, document
        return
    for number, item in enumerate(document if isinstance(document, list) else [document], start=1):
        where = f"{path.name}, record {number}"
        yield where, item if isinstance(item, dict) else f"a JSON {type(item).__name__}, not an object"


def _read_csv(path: Path) -> Rows:
    """Yield the rows of a CSV file with any of three delimiters, cells as they were before they were escaped."""
    encoding = _find_text_encoding(path)
    file = InputFile(path, path.name, ReadOptions(encoding=encoding))
    for where, row in read_csv(file, _find_delimiter(path, encoding)):
        if isinstance(row, str):
            yield where, row
            continue
        names = [unescape(name).strip() for name in row]
        cells = [cell if name == "sentence_id" else unescape(cell) for name, cell in row.items()]
        yield where, dict(zip(names, cells, strict=True))


def _find_text_encoding(path: Path) -> str:
    """Return the encoding of a CSV file: what its mark says, UTF-8, or Windows' own where it is not UTF-8."""
    data = path.read_bytes()
    encoding = _find_encoding(data).removesuffix("-sig")
    try:
        data.decode(encoding)
    except UnicodeError:
        return "cp1252" if encoding == "utf-8" else encoding
    return encoding


def _find_delimiter(path: Path, encoding: str) -> str:
    """Return the delimiter with which the first line has a `sentence_id`, else that with which it has most columns."""
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        first = stream.readline(1 << 20)
    headers = {delimiter: next(csv.reader([first], delimiter=delimiter), []) for delimiter in ",;\t"}
    return max(headers, key=lambda delimiter: ("sentence_id" in headers[delimiter], len(headers[delimiter])))
