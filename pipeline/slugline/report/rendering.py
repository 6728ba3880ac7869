"""Pages as HTML, from the Jinja2 templates in `report/templates/`, which escape every text that they are given."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from slugline.report.scores import format_p

_P_VALUES = ("p", "p_holm")


@dataclass(frozen=True)
class Table:
    """A table of a page.

    Attributes
    ----------
    columns : sequence of str
        The heading of each column.
    rows : sequence of sequences
        The cells, a row each, as they are to be shown.
    numbers : collection of int
        The positions of the columns that hold numbers, which are aligned at the right.

    Examples
    --------
    >>> Table.from_frame(pd.DataFrame({"topic": ["truce"], "f1": [0.5]}), decimals=2)
    Table(columns=['topic', 'f1'], rows=[['truce', '0.50']], numbers=[1])
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    numbers: Collection[int] = ()

    @classmethod
    def from_frame(cls, frame: pd.DataFrame, decimals: int = 3) -> "Table":
        """Return a frame as a table, floats with so many decimal places; missing values are left blank.

        Columns `p` and `p_holm` hold p-values, which are never shown as 0.
        """
        numbers = [place for place, name in enumerate(frame) if frame[name].dtype.kind in "if"]
        names = [str(name) for name in frame.columns]
        rows = [
            [_show(cell, decimals, name in _P_VALUES) for name, cell in zip(names, row, strict=True)]
            for row in frame.to_numpy(dtype=object)
        ]
        return cls(names, rows, numbers)


def render(template: str, **values: Any) -> str:
    """Return the page that a template of `report/templates/` makes of some values."""
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    """Return the templates; a value that a template asks for and does not get is an error."""
    return Environment(
        loader=PackageLoader("slugline.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _show(cell: object, decimals: int, is_p: bool) -> object:
    """Return a cell of a frame as it is shown."""
    if cell is None or cell != cell:  # NaN
        return ""
    if is_p and isinstance(cell, float):
        return format_p(cell)
    return f"{cell:.{decimals}f}" if isinstance(cell, float) else cell
