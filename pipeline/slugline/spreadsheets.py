"""Text in spreadsheets, so that no program runs it as a formula or turns it into a number.

An apostrophe in front says that a cell is text: https://owasp.org/www-community/attacks/CSV_Injection. In sheets that
come back from people, an id of digits has one too, which would lose some of them as a number. In tables it has none:
programs join them by such ids. Every CSV file that Slugline writes goes through here.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = r"[=+\-@\t\r\n＝＋－＠]"
_FORMULA_OR_NUMBER = rf"({_FORMULA}|(0\d+|\d{{16,}}|\d+[eE]\d+)\Z)"
_RISKY, _ESCAPED = re.compile(f"'*{_FORMULA_OR_NUMBER}"), re.compile(f"'+{_FORMULA_OR_NUMBER}")
_GUARDED = re.compile(f"'+{_FORMULA}")


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


def guard(cell: Any) -> Any:
    """Return a cell of a table, with an apostrophe in front where a spreadsheet would take text for a formula."""
    return f"'{cell}" if isinstance(cell, str) and _GUARDED.match(f"'{cell}") else cell


def unguard(cell: Any) -> Any:
    """Return a cell as it was before `guard`."""
    return cell[1:] if isinstance(cell, str) and _GUARDED.match(cell) else cell


def to_csv(rows: Iterable[Sequence[Any]], change_cell: Callable[[Any], Any] = guard) -> str:
    """Return rows as CSV (RFC 4180), each cell changed first: by `guard`, or in sheets for people by `escape`."""
    stream = io.StringIO(newline="")
    csv.writer(stream).writerows([change_cell(cell) for cell in row] for row in rows)
    return stream.getvalue()


def table_to_csv(table: "pd.DataFrame", *, index: bool = False) -> str:
    r"""Return a table as CSV, text in cells, names of columns and index guarded.

    Examples
    --------
    >>> import pandas as pd
    >>> table_to_csv(pd.DataFrame({"topic": ["war", "=1+1"], "difference": [-0.5, 0.5]}))
    "topic,difference\r\nwar,-0.5\r\n'=1+1,0.5\r\n"
    """
    cells = table.rename(columns=guard, index=guard if index else None)
    cells.index.name = guard(table.index.name)
    for place, kind in enumerate(table.dtypes):
        if not hasattr(kind, "itemsize") or kind.kind == "O":  # no plain numbers or dates
            cells.isetitem(place, table.iloc[:, place].map(guard).array)
    return cells.to_csv(index=index, lineterminator="\r\n")  # else a lone \r would end a row: Python does not quote it


def write_table(table: "pd.DataFrame", file: Path, *, index: bool = False) -> None:
    """Write a table as a CSV file, see `table_to_csv`."""
    file.write_text(table_to_csv(table, index=index), encoding="utf-8", errors="backslashreplace", newline="")
