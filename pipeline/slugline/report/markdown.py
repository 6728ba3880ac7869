"""Text from config or data inside Markdown."""

import re
from collections.abc import Iterable, Sequence
from itertools import accumulate

_MARKS = re.compile(r"([\\`*_\[\]<>|#~$])")  # that mean something in Markdown or HTML


def plain(text: object) -> str:
    r"""Return a text that comes from config or data as one line that Markdown shows as it is.

    Examples
    --------
    >>> print(plain("a <b>bold</b> *topic*"))
    a \<b\>bold\</b\> \*topic\*
    """
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))


def table_row(cells: Iterable[str]) -> str:
    """Return a row of a table; MLflow leaves no room between columns, and cuts blanks."""
    return f"| {' | &ensp;'.join(cells)} |"


def cut_lines(lines: Sequence[str], limit: int, more: str) -> str:
    """Return as many lines as fit into a limit of characters, and how many `more` there are and where.

    Examples
    --------
    >>> print(cut_lines(["a line"] * 9, 30, "of them"))
    a line
    a line
    <BLANKLINE>
    And 7 of them.
    """
    if len(whole := "\n".join(lines)) <= limit:
        return whole
    room = limit - len(f"\n\nAnd {len(lines)} {more}.")
    lengths = accumulate(len(line) + 1 for line in lines)
    kept = [line for line, length in zip(lines, lengths, strict=True) if length <= room]
    return "\n".join([*kept, "", f"And {len(lines) - len(kept)} {more}."])
