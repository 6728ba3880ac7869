"""Excel workbooks (`.xlsx`): the rows of a sheet; openpyxl reads them, which evaluates no formula."""

import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

from slugline.data.formats.foreign import foreign_errors, missing_extra
from slugline.data.opening import InputFile, PartLimits
from slugline.data.schema import Rows, describe_repeated
from slugline.data.unpacking import SMALL
from slugline.errors import listing

MAX_ROWS, MAX_COLUMNS = 1 << 20, 1024  # of a sheet
# What XML cannot hold is written as _xHHHH_ (ECMA-376, 22.9.2.19), and so is what looks like such a sign already
_WRITTEN = re.compile(r"_x([0-9A-Fa-f]{4})_")
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
    while True:
        with foreign_errors(UNREADABLE):
            number, cells = next(rows, (0, []))
        if not number:
            return
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
    """Yield the rows of a sheet with their numbers, from 1, as lists of values."""
    sheet.reset_dimensions()  # the file may state wrong ones
    for number, row in enumerate(sheet.iter_rows(max_row=MAX_ROWS, max_col=max_columns, values_only=True), start=1):
        yield number, list(row)


def text_of(value: Any) -> Any:
    """Return the value of a cell, text as it was before it was written.

    openpyxl takes `x005F_` out of shared strings, so a text that spells out `_x000D_` comes back with that sign.
    """
    return _WRITTEN.sub(lambda sign: chr(int(sign[1], 16)), value) if isinstance(value, str) else value


def _check_parts(stream: BinaryIO, limits: PartLimits) -> None:
    """Raise `OSError` for what is no workbook or unpacks to more than it may.

    The sizes that the archive states can be trusted: `zipfile` reads no more of a part than its stated size.
    """
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise OSError(f"no XLSX workbook: {error}") from error
    names = [part.filename for part in parts]
    if "xl/workbook.xml" not in names:
        raise OSError(f"an archive without a workbook; found: {listing(names, 4)}")
    size = sum(part.file_size for part in parts)
    held = sum(part.file_size for part in parts if not part.filename.startswith("xl/worksheets/"))
    if size > limits.all_mb << 20:
        raise OSError(f"unpacks to {size >> 20} MB; allowed: {limits.all_mb} MB{limits.all_advice}")
    if held > limits.held_mb << 20:
        raise OSError(f"unpacks to {held >> 20} MB of texts; allowed: {limits.held_mb} MB{limits.held_advice}")
    if any(part.file_size > max(SMALL, limits.ratio * part.compress_size) for part in parts):
        raise OSError(f"a part unpacks to more than {limits.ratio} times its size{limits.ratio_advice}")
