"""Readers: the rows of text files, JSON lines, CSV, TSV and Parquet, one at a time and each with its place."""

import csv
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from slugline.data.input_files import find_files, format_of, open_bytes, open_text, sibling_key
from slugline.data.predictions import undo_guard
from slugline.data.schema import Rejected
from slugline.errors import InputError

Row = Mapping[str, Any]  # the name of each column and what it holds
Rows = Iterator[tuple[str, Row | str]]  # a place (`file` or `file:line`) with a row, or with why there is none

READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError, csv.Error)
_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes outside the encoding, as `surrogateescape` keeps them


def read_rows(path: Any, format: str | None = None, encoding: str = "utf-8", *, key: str = "data.path") -> Rows:
    """Read the rows of the files that `find_files` finds, one at a time, each with its place (`file` or `file:line`).

    In place of a row that cannot be read comes the reason, a string. A text file is one row with `article_id` and
    `text`. `key` is the setting that names the path.
    """
    for file, name in find_files(path, format, encoding, key=key):
        file_format = format or format_of(file)
        count = 0
        try:
            rows = _READERS[file_format](file, name, encoding)
            for where, row in undo_guard(rows) if file_format in ("csv", "tsv") else rows:
                count += 1
                yield where, f"{row}{_encoding_advice(row, encoding, key)}" if isinstance(row, str) else row
        except READ_ERRORS as error:
            beyond = f" beyond row {count}" if count else ""
            advice = _encoding_advice(str(error), encoding, key)
            yield name, f"cannot be read as {file_format}{beyond}: {error}{advice}"
        else:
            if not count:
                yield name, "empty: no row in it"


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


# ---- formats


def _read_text(file: Path, name: str, encoding: str) -> Rows:
    """Yield the whole file as one row."""
    with open_text(file, encoding) as stream:
        text = stream.read()
    yield name, {"article_id": name, "text": text}


def _read_jsonl(file: Path, name: str, encoding: str) -> Rows:
    """Yield one row a line, blank lines skipped."""
    if "\n".encode(encoding) != b"\n":  # UTF-16 and the like have no byte that ends a line
        with open_text(file, encoding) as text:
            lines = text.read().encode().split(b"\n")
        yield from parse_lines(lines, name, "utf-8")
    else:
        with open_bytes(file) as stream:
            yield from parse_lines(stream, name, encoding)


def parse_lines(lines: Iterable[bytes], name: str, encoding: str) -> Rows:
    """Yield the row of each line of JSON, or why there is none, blank lines skipped; `name` is that of the file."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode(encoding).removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            yield f"{name}:{number}", f"not JSON: {error}"
        else:
            yield f"{name}:{number}", row if isinstance(row, dict) else f"a JSON {type(row).__name__}, not an object"


def read_csv(file: Path, name: str, encoding: str, delimiter: str | None = None) -> Rows:
    """Yield the records of a CSV file under the names in its first line, each with `name:line` where it begins.

    `delimiter` stands between fields; None: the first line tells, `,`, `;`, `|` or a tab. In place of a record that
    cannot be read comes the reason, a string; blank lines are skipped.
    """
    csv.field_size_limit(sys.maxsize)
    with open_text(file, encoding, "surrogateescape") as stream:
        first = stream.readline()
        records = csv.reader(chain([first], stream), delimiter=delimiter or find_delimiter(first), strict=True)

        header = next(records, [])
        if repeated := [column for column in header if column and header.count(column) > 1]:
            yield f"{name}:1", f"column '{repeated[0]}' stands {header.count(repeated[0])} times in the first line"
            return

        while True:
            line = records.line_num + 1
            try:
                record = next(records, None)
            except csv.Error as error:  # costs one record; the next one is read again from its start
                yield f"{name}:{line}", f"no record up to line {records.line_num}: {error}"
                continue
            if record is None:
                return
            if record:
                yield f"{name}:{line}", _to_row(header, record, encoding)


def find_delimiter(first: str) -> str:
    """Return what stands between the fields of a first line: what makes the most of them, a comma if in doubt."""
    return max(",;\t|", key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))


def _to_row(header: Sequence[str], record: Sequence[str], encoding: str) -> Row | str:
    """Return a record under the names of its fields, or what is wrong with it."""
    if len(record) != len(header):
        return f"{len(record)} fields where the first line has {len(header)}"
    if undecoded := _UNDECODED.search("".join(record)):
        return f"not {encoding}: byte 0x{ord(undecoded[0]) - 0xDC00:02x}"
    return dict(zip(header, record, strict=True))


def _read_parquet(file: Path, name: str, encoding: str) -> Rows:
    """Yield one row a record; the file is read in batches."""
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    try:
        with open_bytes(file) as stream:
            source = io.BytesIO(stream.read()) if file.suffix == ".gz" else file
            for batch in parquet.ParquetFile(source).iter_batches(4096):  # rows held at once
                for row in batch.to_pylist():
                    number += 1
                    yield f"{name}:{number}", row
    except (pa.ArrowException, ValueError, OverflowError) as error:  # the latter two: dates that Python cannot hold
        raise OSError(str(error).splitlines()[0]) from error


_READERS: dict[str, Callable[[Path, str, str], Rows]] = {
    "text": _read_text,
    "jsonl": _read_jsonl,
    "csv": read_csv,
    "tsv": partial(read_csv, delimiter="\t"),
    "parquet": _read_parquet,
}
