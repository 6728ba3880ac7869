"""Excel workbooks (`.xlsx`): the rows of a sheet; openpyxl reads them, which evaluates no formula."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO, Any, BinaryIO
from xml.parsers import expat

from slugline.data.formats.foreign import foreign_errors, missing_extra
from slugline.data.opening import InputFile, PartLimits
from slugline.data.schema import Rows, describe_repeated
from slugline.data.unpacking import SMALL
from slugline.errors import listing

MAX_ROWS, MAX_COLUMNS = 1 << 20, 1024  # of a sheet
# What XML cannot hold is written as _xHHHH_ (ECMA-376, 22.9.2.19), and so is what looks like such a sign already
_WRITTEN = re.compile(r"_x([0-9A-Fa-f]{4})_")
_SHEET_NAME = re.compile(r"xl/worksheets/[^/]+")
_ROW = "http://schemas.openxmlformats.org/spreadsheetml/2006/main row"
_ROW_DEPTH = 3  # a row of a sheet stands in its data, these in the sheet
_CHUNK = 1 << 16
UNREADABLE = "no workbook that can be read"


def read_workbook(file: InputFile) -> Rows:
    """Yield the rows of the first sheet under the names in its first row; formulas are what they gave when saved."""
    with file.open_seekable() as stream, open_workbook(stream, file.part_limits, values=True) as book:
        sheets = book.sheetnames
        if len(sheets) > 1:
            file.notes.append(f"sheet '{sheets[0]}'; left out: {listing(sheets[1:])}")
        rows = sheet_rows(book[sheets[0]])
        header = next(rows, (1, []))[1]
        names = [text_of(value) for value in header]
        yield from _read_rows(rows, ["" if name is None else str(name).strip() for name in names], file)


def _read_rows(rows: Iterator[tuple[int, list[Any]]], names: list[str], file: InputFile) -> Rows:
    """Yield the rows below the names of columns."""
    if problem := describe_repeated([name for name in names if name]):
        yield f"{file.name}:1", f"{problem} in the first row"
        return
    if not any(names):
        yield f"{file.name}:1", "no names of columns in the first row"
        return
    for number, cells in rows:
        values = [text_of(value) for value in cells[: len(names)]]
        if any(value not in (None, "") for value in values):
            yield f"{file.name}:{number}", {name: value for name, value in zip(names, values, strict=False) if name}


@contextmanager
def open_workbook(stream: BinaryIO, limits: PartLimits, *, values: bool = False) -> Iterator[Any]:
    """Open a workbook of openpyxl; raise `OSError` for what is none, or would unpack to more than its limits.

    `values`: formulas give their saved values.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise missing_extra("openpyxl", "xlsx") from error
    import warnings

    _check_parts(stream, limits)
    with foreign_errors(UNREADABLE), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns of what it leaves out: charts, validations, extensions
        book = openpyxl.load_workbook(stream, read_only=True, keep_links=False, data_only=values)
    try:
        yield book
    finally:
        book.close()


def sheet_rows(sheet: Any, max_columns: int = MAX_COLUMNS) -> Iterator[tuple[int, list[Any]]]:
    """Yield the rows of a sheet with their numbers, from 1, as lists of values; raise `OSError` where it is broken."""
    with foreign_errors(UNREADABLE):
        sheet.reset_dimensions()  # the file may state wrong ones
        for number, row in enumerate(sheet.iter_rows(max_row=MAX_ROWS, max_col=max_columns, values_only=True), start=1):
            yield number, list(row)


def text_of(value: Any) -> Any:
    """Return the value of a cell, text as it was before it was written.

    openpyxl takes `x005F_` out of shared strings, so a text that spells out `_x000D_` comes back with that sign.
    """
    return _WRITTEN.sub(lambda sign: chr(int(sign[1], 16)), value) if isinstance(value, str) else value


def _check_parts(stream: BinaryIO, limits: PartLimits) -> None:
    """Raise `OSError` for what is no workbook, unpacks to more than it may, or has a row of more than it may.

    The sizes that the archive states can be trusted: `zipfile` reads no more of a part than its stated size.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            _check_sizes(archive.infolist(), limits)
            for part in archive.infolist():
                if part.filename.lower().endswith((".xml", ".rels")):
                    with archive.open(part) as xml:
                        _PartCheck(limits).read(xml)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError) as error:
        raise OSError(f"no XLSX workbook: {error}") from error


def _check_sizes(parts: list[zipfile.ZipInfo], limits: PartLimits) -> None:
    """Raise `OSError` for an archive whose parts are no workbook or too large."""
    names = [part.filename for part in parts]
    if "xl/workbook.xml" not in names:
        raise OSError(f"an archive without a workbook; found: {listing(names, 4)}")
    size = sum(part.file_size for part in parts)
    held = sum(part.file_size for part in parts if not _SHEET_NAME.fullmatch(part.filename))
    if size > limits.all_mb << 20:
        raise OSError(f"unpacks to {size >> 20} MB; allowed: {limits.all_mb} MB{limits.all_advice}")
    if held > limits.held_mb << 20:
        raise OSError(f"unpacks to {held >> 20} MB of texts; allowed: {limits.held_mb} MB{limits.held_advice}")
    if any(part.file_size > max(SMALL, limits.ratio * part.compress_size) for part in parts):
        raise OSError(f"a part unpacks to more than {limits.ratio} times its size{limits.ratio_advice}")


class _PartCheck:
    """A look at a part before openpyxl reads it, which holds a row of a sheet, and all that stands in none, at once."""

    def __init__(self, limits: PartLimits) -> None:
        self._limits = limits
        self._depth = self._rows = 0
        self._in_row = False
        self._since = self._outside = 0  # bytes: where the row began or the last one ended; what stands in no row
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._end
        self._parser.StartDoctypeDeclHandler = _refuse_document_type

    def read(self, xml: IO[bytes]) -> None:
        """Read a part; raise `OSError` for more than is allowed. What is no XML is left to openpyxl to refuse."""
        size = 0
        with suppress(expat.ExpatError):
            while chunk := xml.read(_CHUNK):
                size += len(chunk)
                self._parser.Parse(chunk)
                self._check(size)

    def _start(self, name: str, _: object) -> None:
        self._depth += 1
        if self._depth == _ROW_DEPTH and name == _ROW:
            self._move(is_in_row=True)
            self._rows += 1
            if self._rows > MAX_ROWS:
                raise OSError(f"more than {MAX_ROWS} rows in a sheet")

    def _end(self, _: str) -> None:
        self._depth -= 1
        if self._in_row and self._depth < _ROW_DEPTH:
            self._move(is_in_row=False)

    def _move(self, *, is_in_row: bool) -> None:
        """Go into a row or out of it."""
        place = self._parser.CurrentByteIndex
        self._check(place)
        self._outside += 0 if self._in_row else place - self._since
        self._since, self._in_row = place, is_in_row

    def _check(self, place: int) -> None:
        """Raise `OSError` where the row, or what stands in none, has become too large by a place in bytes."""
        size, limits = place - self._since, self._limits
        if self._in_row and size > limits.row_mb << 20:
            raise OSError(f"a row of more than {limits.row_mb} MB in a sheet{limits.row_advice}")
        if not self._in_row and self._outside + size > limits.held_mb << 20:
            raise OSError(f"more than {limits.held_mb} MB beside the rows of a sheet{limits.held_advice}")


def _refuse_document_type(*_: object) -> None:
    """Raise `OSError`: entities may grow without end, and no workbook has any (ECMA-376-2, 7.2)."""
    raise OSError("a document type, which no workbook has")
