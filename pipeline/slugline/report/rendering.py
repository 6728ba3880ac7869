"""Pages as HTML, from the Jinja2 templates in `report/templates/`, which escape every text that they are given."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined


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
    def from_frame(cls, frame: pd.DataFrame, decimals: int = 4) -> "Table":
        """Return a frame as a table, floats with so many decimal places; missing values are left blank."""
        numbers = [place for place, name in enumerate(frame) if frame[name].dtype.kind in "if"]
        rows = [[_show(cell, decimals) for cell in row] for row in frame.to_numpy(dtype=object)]
        return cls([str(name) for name in frame.columns], rows, numbers)


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


def _show(cell: object, decimals: int) -> object:
    """Return a cell of a frame as it is shown."""
    if cell is None or cell != cell:  # NaN
        return ""
    return f"{cell:.{decimals}f}" if isinstance(cell, float) else cell
