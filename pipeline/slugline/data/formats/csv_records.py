"""The records of CSV, each with the lines that it stands on, so that a broken one costs no other."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from slugline.data.formats.loose_quotes import is_balanced, read_loosely
from slugline.data.formats.separators import Dialect

MAX_RECORD = 1 << 24  # characters; in a longer record a quote was never closed
MAX_FIELD = (1 << 31) - 1  # characters; the most that `csv` takes on every system
_MOST_LINES = 1 << 20  # of a record
_MAX_AHEAD, _MAX_AHEAD_SIZE = 50, 1 << 16  # lines, and characters, in which the end of loose quotes is looked for
_FREE_AHEAD, _AHEAD_BY_LINE = 100_000, 2  # lines that may be read again: at first, and for each that is read
Record = tuple[list[str] | str, list[str]]  # fields, or why there are none, and the lines


class CsvRecords:
    """Reads records from lines, all with as many fields as the first.

    Parameters
    ----------
    lines : iterable of str
        The lines, with their ends.
    dialect : Dialect
        How fields are separated.
    max_record : int
        The largest record, in characters. A line that is longer comes as an empty one, which is a record of its own.
    """

    def __init__(self, lines: Iterable[str], dialect: Dialect, max_record: int = MAX_RECORD) -> None:
        csv.field_size_limit(MAX_FIELD)  # it is records that have a limit here
        self._max_record, self._ahead_left = max_record, _FREE_AHEAD
        self._lines, self._dialect = self._counted(lines), dialect
        self._again: deque[str] = deque()  # lines that a broken record took and that are read again
        self._taken: list[str] = []  # the lines of the record that is read
        self._records = self._read()
        self.loose = 0  # records read though their quotes are not those of RFC 4180
        self.overran = False  # whether the last broken record was larger than it may be

    def __iter__(self) -> Iterator[Record]:
        """Yield the fields of each record, or why they cannot be read, and its lines, which are then taken back.

        A blank line has no fields.
        """
        width, taken = 0, self._taken
        while True:
            try:
                fields = next(self._records, None)
            except csv.Error:
                yield self._mend(width), taken
            else:
                if fields is None:
                    return
                if len(fields) == width or not fields:
                    yield fields, taken
                elif not width:
                    width = len(fields)
                    yield fields, taken
                else:
                    yield [] if "".join(taken).isspace() else self._mend(width), taken
            taken.clear()

    def _read(self) -> Iterator[list[str]]:
        """Return a reader of what comes next."""
        separator, skip = self._dialect.separator, self._dialect.skip_blanks
        return csv.reader(self._feed(), delimiter=separator, skipinitialspace=skip, strict=True)

    def _feed(self) -> Iterator[str]:
        """Yield the lines that come next, first those to read again, and remember them.

        Raises `csv.Error` where a record goes on too long for one whose quotes close.
        """
        again, taken = self._again, self._taken
        size = 0
        while again:
            most = _MAX_AHEAD if self._ahead_left > 0 else 1
            if len(taken) >= most or (taken and not again[0]):
                raise csv.Error("an open quote")
            taken.append(again.popleft())
            size += len(taken[-1])
            yield taken[-1]
        for line in self._lines:
            size = size if taken else 0
            if taken and (not line or size > self._max_record or len(taken) > _MOST_LINES):
                again.append(line)
                raise csv.Error("an open quote")
            taken.append(line)
            size += len(line)
            yield line

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        """Yield lines; each allows that some more are read again, so that all together takes time by the lines."""
        for line in lines:
            self._ahead_left += _AHEAD_BY_LINE
            yield line

    def _mend(self, width: int) -> list[str] | str:
        """Return the fields of a broken record, or why there are none; what it took of others is read again."""
        lines = self._taken
        self.overran = sum(map(len, lines)) > self._max_record
        self._ahead_left -= min(len(lines) - 1, _MAX_AHEAD)
        fields, count = read_loosely(_strip_end(lines[0]), self._dialect.separator, width), 1
        if not is_balanced(lines[0]) and self._ahead_left > 0:
            self._look_ahead()
            fields, count = self._find_end(lines[:_MAX_AHEAD], width) or (fields, 1)

        self._again.extendleft(reversed(lines[count:]))
        del lines[count:]
        self._records = self._read()
        self.loose += not isinstance(fields, str)
        return fields

    def _look_ahead(self) -> None:
        """Take as many lines as the end of a broken record is looked for in."""
        room = _MAX_AHEAD_SIZE - sum(map(len, self._taken))
        while room > 0 and len(self._taken) < _MAX_AHEAD:
            line = self._again.popleft() if self._again else next(self._lines, None)
            if line is None:
                return
            self._taken.append(line)
            room -= len(line)

    def _find_end(self, lines: list[str], width: int) -> tuple[list[str], int] | None:
        """Return the fields of a record that goes on over lines that are no records themselves, and how many these are.

        None where its first line has to be taken by itself.
        """
        room = _MAX_AHEAD_SIZE - len(lines[0])
        for count in range(2, len(lines) + 1):
            line = _strip_end(lines[count - 1])
            room -= len(lines[count - 1])
            self._ahead_left -= 1
            if room < 0 or not lines[count - 1] or line.lstrip(" ").startswith('"'):
                return None
            if is_balanced(line) and self._is_record(line, width):
                return None
            text = _strip_end("".join(lines[:count]))
            fields = read_loosely(text, self._dialect.separator, width) if is_balanced(text) else ""
            if not isinstance(fields, str):
                return fields, count
        return None

    def _is_record(self, line: str, width: int) -> bool:
        """Tell whether a line is a record by itself."""
        return bool(line.strip()) and not isinstance(read_loosely(line, self._dialect.separator, width), str)


def take_lines(lines: Iterable[str], count: int, size: int) -> list[str]:
    """Return the first lines, `count` or fewer, up to the one with which they have more than `size` characters."""
    taken = []
    for line in islice(lines, count):
        taken.append(line)
        size -= len(line)
        if size < 0:
            break
    return taken


def _strip_end(text: str) -> str:
    """Return text without its line end."""
    return text.removesuffix("\n").removesuffix("\r")
