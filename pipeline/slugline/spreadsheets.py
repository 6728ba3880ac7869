"""Text in spreadsheets, so that no program runs it as a formula or turns it into a number.

An apostrophe in front says that a cell is text: https://owasp.org/www-community/attacks/CSV_Injection. An id of digits
would lose some of them as a number. Every CSV file that Slugline writes goes through here.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FORMULA_OR_NUMBER = r"([=+\-@\t\r\n＝＋－＠]|(0\d+|\d{16,}|\d+[eE]\d+)\Z)"
_RISKY, _ESCAPED = re.compile(f"'*{_FORMULA_OR_NUMBER}"), re.compile(f"'+{_FORMULA_OR_NUMBER}")


def is_risky(text: str) -> bool:
    """Tell whether a spreadsheet would take text for a formula or a number, apostrophes in front set aside."""
    return bool(_RISKY.match(text))


def escape(text: str) -> str:
    """Return text with an apostrophe in front where it is risky."""
    return f"'{text}" if is_risky(text) else text


def escape_ambiguous(text: str) -> str:
    """Return text with an apostrophe in front where `unescape` would otherwise take one off."""
    return f"'{text}" if _ESCAPED.match(text) else text


def unescape(text: str) -> str:
    """Return text as it was before `escape` or `escape_ambiguous`."""
    return text[1:] if _ESCAPED.match(text) else text


def to_csv(rows: Iterable[Sequence[Any]], *, guard: bool = True) -> str:
    """Return rows as CSV (RFC 4180), text escaped unless `guard` is false."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([_escape_cell(cell) for cell in row] if guard else row for row in rows)
    return stream.getvalue()


def table_to_csv(table: "pd.DataFrame", *, index: bool = False) -> str:
    r"""Return a table as CSV, text in cells, names of columns and index escaped.

    Examples
    --------
    >>> import pandas as pd
    >>> table_to_csv(pd.DataFrame({"topic": ["war", "=1+1"], "difference": [-0.5, 0.5]}))
    "topic,difference\r\nwar,-0.5\r\n'=1+1,0.5\r\n"
    """
    cells = table.rename(columns=_escape_cell, index=_escape_cell if index else None)
    cells.index.name = _escape_cell(table.index.name)
    for place, kind in enumerate(table.dtypes):
        if not hasattr(kind, "itemsize") or kind.kind == "O":  # no plain numbers or dates
            cells.isetitem(place, table.iloc[:, place].map(_escape_cell).array)
    return cells.to_csv(index=index, lineterminator="\r\n")  # else a lone \r would end a row: Python does not quote it


def write_table(table: "pd.DataFrame", file: Path, *, index: bool = False) -> None:
    """Write a table as a CSV file, see `table_to_csv`."""
    file.write_text(table_to_csv(table, index=index), encoding="utf-8", errors="backslashreplace", newline="")


def _escape_cell(cell: Any) -> Any:
    """Return a cell, escaped where it is text."""
    return escape(cell) if isinstance(cell, str) else cell
