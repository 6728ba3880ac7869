"""What stands between the columns of a table as text, found from its first lines."""

import csv
import re
from collections.abc import Sequence
from typing import NamedTuple

from slugline.data.encodings import DoubtError
from slugline.data.opening import SEPARATORS
from slugline.errors import listing

_DECLARED = re.compile(r'\s*"?sep=(.)"?[\s,;]*', re.IGNORECASE)  # as Excel reads it
_SIGNS = ",;\t|"  # the likeliest first
_MANY = 10  # rows


class Dialect(NamedTuple):
    """How a table separates its fields: by which sign, and whether blanks after it are none of a field.

    `declared` tells that the first line, `sep=;`, says so and is no row; `has_columns`, that there are several.
    """

    separator: str
    skip_blanks: bool = False
    declared: bool = False
    has_columns: bool = True

    def describe(self, plain: str) -> list[str]:
        """Return notes for what differs from a table with the sign `plain`."""
        blanks = ["blanks after it"] if self.skip_blanks else []
        differs = self.has_columns and (blanks or self.separator != plain)
        return [repr(self.separator), *blanks] if differs else []


class _Trial(NamedTuple):
    """What a dialect makes of lines.

    Whether they have several columns, how many rows have all, how many columns there are, and whether their names begin
    without a blank.
    """

    has_columns: bool
    matching: int
    width: int
    is_tidy: bool
    names: list[str]


def find_dialect(lines: Sequence[str], given: str | None = None) -> Dialect:
    """Find how the first lines of a table separate fields; `given` is the sign where it is known.

    It is the sign with which most lines have as many fields as the first, several; of equal ones, that with the most
    fields. Raises `DoubtError` where two are equal in that, too.

    Examples
    --------
    >>> find_dialect(["id;text", "1;Rain, wind."]).separator, find_dialect(["sep=|", "id|text"]).declared
    (';', True)
    """
    declared = _DECLARED.fullmatch(lines[0]) if lines else None
    sign, rows = given or (declared[1] if declared else None), lines[1 if declared else 0 :]
    trials = {(one, blanks): _try(rows, one, blanks) for one in (sign or _SIGNS) for blanks in (False, True)}
    best = max(trials, key=lambda dialect: trials[dialect][:4])  # the first of equal ones
    rival = next((one for one in trials if one[0] != best[0] and trials[one][:3] == trials[best][:3]), None)
    if rival and trials[best].has_columns:
        raise DoubtError("separator", {_name(one[0]): _describe(trials[one].names) for one in (best, rival)})
    return Dialect(*best, declared=bool(declared), has_columns=trials[best].has_columns)


def _try(lines: Sequence[str], sign: str, skip_blanks: bool) -> _Trial:
    """Read lines with a separator; the last of many may be cut and is left out."""
    rows = [row for row in csv.reader(lines, delimiter=sign, skipinitialspace=skip_blanks) if row]
    names = rows[0] if rows else []
    matching = sum(len(row) == len(names) for row in (rows[:-1] if len(rows) > _MANY else rows))
    return _Trial(len(names) > 1, matching, len(names), not any(name[:1] == " " for name in names), names)


def _name(sign: str) -> str:
    """Return the name of a separator."""
    return next((name for name, known in SEPARATORS.items() if known == sign), sign)


def _describe(names: Sequence[str]) -> str:
    """Return which columns there would be."""
    return f"columns {listing(repr(name.strip()) for name in names)}"
