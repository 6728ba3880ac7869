"""Tables as text: CSV and TSV, whose first line names the columns."""

import csv
import re
import sys
from collections.abc import Iterator, Sequence
from itertools import chain

from slugline.data.opening import InputFile, read_lines
from slugline.data.schema import Row, Rows

_UNDECODED = re.compile("[\udc80-\udcff]")  # bytes outside the encoding, as `surrogateescape` keeps them


def read_tsv(file: InputFile) -> Rows:
    """Yield the records of a file whose fields stand between tabs, as `read_csv` does."""
    return read_csv(file, "\t")


def read_csv(file: InputFile, delimiter: str | None = None) -> Rows:
    """Yield the records of a CSV file under the names in its first line, each with `name:line` where it begins.

    `delimiter` stands between fields; None: the first line tells, `,`, `;`, `|` or a tab. In place of a record that
    cannot be read comes the reason, a string; blank lines are skipped.
    """
    csv.field_size_limit(sys.maxsize)
    with file.open_text("surrogateescape") as stream:
        lines = _Lines(read_lines(stream, file.row_limit), file.row_limit)
        first = next(lines, "")
        if lines.too_long:
            yield f"{file.name}:1", file.too_long
            return
        records = csv.reader(chain([first], lines), delimiter=delimiter or find_delimiter(first), strict=True)

        header = next(records, [])
        if repeated := [column for column in header if column and header.count(column) > 1]:
            yield f"{file.name}:1", f"column '{repeated[0]}' stands {header.count(repeated[0])} times in the first line"
            return

        while True:
            line = records.line_num + 1
            lines.begin_record()
            try:
                record = next(records, None)
            except csv.Error as error:  # costs one record; the next one is read again from its start
                yield f"{file.name}:{line}", f"no record up to line {records.line_num}: {error}"
                continue
            if record is None:
                return
            if record or lines.too_long:
                yield f"{file.name}:{line}", file.too_long if lines.too_long else _to_row(header, record, file.encoding)


class _Lines:
    """Lines of which it is known whether one of those that a record took, or all of them, are too long."""

    def __init__(self, lines: Iterator[str], limit: int) -> None:
        self._lines, self._limit = lines, limit
        self.begin_record()

    def begin_record(self) -> None:
        """Forget the lines of the record before."""
        self._size, self.too_long = 0, False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        """Return the next line; an empty one in place of what is too long."""
        line = next(self._lines)
        self._size += len(line)
        self.too_long |= not line or self._size > self._limit
        return "" if self.too_long and self._size > 2 * self._limit else line


def find_delimiter(first: str) -> str:
    """Return what stands between the fields of a first line: what makes the most of them, a comma if in doubt."""
    return max(",;\t|", key=lambda sign: len(next(csv.reader([first], delimiter=sign), [])))


def _to_row(header: Sequence[str], record: Sequence[str], encoding: str) -> Row | str:
    """Return a record under the names of its fields, or what is wrong with it."""
    if len(record) != len(header):
        return f"{len(record)} fields where the first line has {len(header)}"
    if undecoded := _UNDECODED.search("".join(record)):
        return f"not {encoding}: byte 0x{ord(undecoded[0]) - 0xDC00:02x}"
    return dict(zip(header, record, strict=True))
