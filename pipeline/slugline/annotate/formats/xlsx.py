"""XLSX: a workbook of the same rows and columns as in CSV, and a second sheet with the topics and how to fill it in.

Cells are text, and openpyxl, which reads and writes them, evaluates no formula.
"""

import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slugline.annotate.annotation import Row, shorten
from slugline.annotate.formats.sheets import BESIDE, FORMULA, HOW_TO, INSTRUCTIONS, fits, read, to_table
from slugline.annotate.tasks import Tasks
from slugline.data.formats.foreign import foreign_errors
from slugline.data.formats.workbook import MAX_COLUMNS, MAX_ROWS, UNREADABLE, open_workbook, text_of
from slugline.data.opening import PartLimits
from slugline.data.schema import Rows
from slugline.errors import InputError, one_line
from slugline.spreadsheets import escape_ambiguous, is_risky, unescape

__all__ = ["BESIDE", "HOW_TO", "encode", "fits", "read", "read_workbook"]

_SHEET, _NOTES_SHEET = "sentences", "topics"
_MAX_CHARACTERS = 32767  # of a cell
_LIMITS = PartLimits(256, 32, 4, "; use CSV", "; use CSV", "; use CSV")
# What XML cannot hold is written as _xHHHH_ (ECMA-376, 22.9.2.19), and so is what looks like such a sign already
_UNWRITABLE = re.compile("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as a workbook; raise `InputError` without openpyxl and for what a sheet cannot hold."""
    book = _import_openpyxl().Workbook(write_only=True)
    rows = _to_rows(tasks)

    sheet, notes = book.create_sheet(_SHEET), book.create_sheet(_NOTES_SHEET)
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["C"].width = 90
    notes.column_dimensions["B"].width = 120
    _offer_choices(sheet, rows, len(tasks.topics))
    for row in rows:
        sheet.append([_text_cell(sheet, text) for text in row])
    for row in [*map(list, tasks.topics.items()), [""], *([line] for line in INSTRUCTIONS)]:
        notes.append([_text_cell(notes, text) for text in row])

    stream = io.BytesIO()
    book.save(stream)
    return {"": stream.getvalue()}


def _import_openpyxl() -> Any:
    """Return the package openpyxl; raise `InputError` where it is not installed."""
    try:
        import openpyxl
    except ImportError as error:
        raise InputError('XLSX needs openpyxl: pip install "slugline[xlsx]", or use CSV') from error
    return openpyxl


def _to_rows(tasks: Tasks) -> list[list[str]]:
    """Return the header and the rows; raise `InputError` for more than a sheet or a cell can hold."""
    names, *cells = to_table(tasks)
    rows = [[escape_ambiguous(name) for name in names]]
    rows += [[escape_ambiguous(key), *row] for key, *row in cells]

    if len(rows) > MAX_ROWS:
        raise InputError(f"{len(tasks.rows)} sentences; a sheet of XLSX has {MAX_ROWS} rows; use CSV")
    if long := [cell for row in rows for cell in row if len(cell) > _MAX_CHARACTERS]:
        size = f"{shorten(long[0])} has {len(long[0])} characters"
        raise InputError(f"{size}; a cell of XLSX holds {_MAX_CHARACTERS}; use CSV")
    return rows


def _offer_choices(sheet: Any, rows: Sequence[Sequence[str]], topics: int) -> None:
    """Offer x below each topic, and what status may be, to pick from a list; `topics` is how many there are.

    A cell may hold something else too: what is read is said by the instructions.
    """
    from openpyxl.utils import get_column_letter
    from openpyxl.worksheet.datavalidation import DataValidation

    status = len(rows[0]) - 2  # the columns before it, counted from 1, are those of the topics
    for first, last, choices in ((status - topics, status - 1, "x"), (status, status, "done,skipped")):
        validation = DataValidation(type="list", formula1=f'"{choices}"', allow_blank=True, showErrorMessage=False)
        validation.add(f"{get_column_letter(first)}2:{get_column_letter(last)}{max(len(rows), 2)}")
        sheet.data_validations.append(validation)


def _text_cell(sheet: Any, text: str) -> Any:
    """Return a cell that is text whatever it begins with, even when someone edits it."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment

    cell = WriteOnlyCell(sheet, value=None)
    if text:
        cell.value = ""
        cell._value = _UNWRITABLE.sub(lambda sign: f"_x{ord(sign[0]):04X}_", text)  # openpyxl would look for formulas
        cell.data_type = "s"
        cell.quotePrefix = is_risky(text)
    cell.alignment = Alignment(wrap_text=True, vertical="top")
    return cell


def read_workbook(path: Path) -> Rows:
    """Yield the rows of the sheet `sentences`, or else of the first, by the names in its first row."""
    _import_openpyxl()
    try:
        with (
            path.open("rb") as stream,
            open_workbook(stream, _LIMITS) as book,
            foreign_errors(UNREADABLE),
        ):
            sheet = book[_SHEET] if _SHEET in book.sheetnames else book[book.sheetnames[0]]
            yield from _read_sheet(sheet, path.name)
    except OSError as error:
        raise InputError(one_line(f"{path}: {error}")) from error


def _read_sheet(sheet: Any, name: str) -> Iterator[tuple[str, Row]]:
    """Yield the rows of a sheet that are not blank, under the names of its first row."""
    sheet.reset_dimensions()  # the file may state wrong ones
    header = [_read_name(cell) for cell in next(sheet.iter_rows(max_row=1), ())[:MAX_COLUMNS]]
    if repeated := [column for column in header if column and header.count(column) > 1]:
        raise InputError(f"{name}:1: column {shorten(repeated[0])} stands {header.count(repeated[0])} times")
    if not any(header):
        raise InputError(f"{name}: no names of columns in the first row")

    rows = sheet.iter_rows(min_row=2, max_row=MAX_ROWS, max_col=len(header))
    for number, row in enumerate(rows, start=2):
        values = [_read_cell(cell) for cell in row]
        if any(value not in (None, "") for value in values):
            yield f"{name}:{number}", {key: value for key, value in zip(header, values, strict=False) if key}


def _read_name(cell: Any) -> str:
    """Return the name of a column, "" where the cell is not text."""
    text = _read_cell(cell)
    return unescape(text).strip() if isinstance(text, str) else ""


def _read_cell(cell: Any) -> Any:
    """Return the value of a cell, text as it was before it was written."""
    return FORMULA if cell.data_type == "f" else text_of(cell.value)
