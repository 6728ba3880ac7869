"""The records of CSV, each with the lines that it stands on, so that a broken one costs no other."""

import csv
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice

from slugline.data.formats.loose_quotes import is_balanced, read_loosely
from slugline.data.formats.separators import Dialect

MAX_FIELD = 1 << 24  # characters; in a longer field a quote was never closed
_MAX_AHEAD = 50  # lines in which the end of a record with loose quotes is looked for
Record = tuple[list[str] | str, list[str]]  # fields, or why there are none, and the lines


class CsvRecords:
    """Reads records from lines, all with as many fields as the first.

    Parameters
    ----------
    lines : iterable of str
        The lines, with their ends.
    dialect : Dialect
        How fields are separated.
    """

    def __init__(self, lines: Iterable[str], dialect: Dialect) -> None:
        csv.field_size_limit(MAX_FIELD)
        self._lines, self._dialect = iter(lines), dialect
        self._again: deque[str] = deque()  # lines that a broken record took and that are read again
        self._taken: list[str] = []  # the lines of the record that is read
        self._records = self._read()
        self.loose = 0  # records read though their quotes are not those of RFC 4180

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
        """Yield the lines that come next, first those to read again, and remember them."""
        again, taken = self._again, self._taken
        while again:
            taken.append(again.popleft())
            yield taken[-1]
        for line in self._lines:
            taken.append(line)
            yield line

    def _mend(self, width: int) -> list[str] | str:
        """Return the fields of a broken record, or why there are none; what it took of others is read again."""
        lines = self._taken
        fields, count = read_loosely(_strip_end(lines[0]), self._dialect.separator, width), 1
        if not is_balanced(lines[0]):
            self._look_ahead()
            fields, count = self._find_end(lines[:_MAX_AHEAD], width) or (fields, 1)

        self._again.extendleft(reversed(lines[count:]))
        del lines[count:]
        self._records = self._read()
        self.loose += not isinstance(fields, str)
        return fields

    def _look_ahead(self) -> None:
        """Take as many lines as the end of a broken record is looked for in."""
        while len(self._taken) < _MAX_AHEAD and self._again:
            self._taken.append(self._again.popleft())
        self._taken.extend(islice(self._lines, max(0, _MAX_AHEAD - len(self._taken))))

    def _find_end(self, lines: list[str], width: int) -> tuple[list[str], int] | None:
        """Return the fields of a record that goes on over lines that are no records themselves, and how many these are.

        None where its first line has to be taken by itself.
        """
        for count in range(2, len(lines) + 1):
            line = _strip_end(lines[count - 1])
            if line.lstrip(" ").startswith('"') or (is_balanced(line) and self._is_record(line, width)):
                return None
            text = _strip_end("".join(lines[:count]))
            fields = read_loosely(text, self._dialect.separator, width) if is_balanced(text) else ""
            if not isinstance(fields, str):
                return fields, count
        return None

    def _is_record(self, line: str, width: int) -> bool:
        """Tell whether a line is a record by itself."""
        return bool(line.strip()) and not isinstance(read_loosely(line, self._dialect.separator, width), str)


def _strip_end(text: str) -> str:
    """Return text without its line end."""
    return text.removesuffix("\n").removesuffix("\r")
