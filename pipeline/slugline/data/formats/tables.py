"""Tables as text: CSV and TSV, whose first line names the columns."""

import csv
import re
import sys
from collections.abc import Sequence
from itertools import chain

from slugline.data.opening import InputFile
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
        first = stream.readline()
        records = csv.reader(chain([first], stream), delimiter=delimiter or find_delimiter(first), strict=True)

        header = next(records, [])
        if repeated := [column for column in header if column and header.count(column) > 1]:
            yield f"{file.name}:1", f"column '{repeated[0]}' stands {header.count(repeated[0])} times in the first line"
            return

        while True:
            line = records.line_num + 1
            try:
                record = next(records, None)
            except csv.Error as error:  # costs one record; the next one is read again from its start
                yield f"{file.name}:{line}", f"no record up to line {records.line_num}: {error}"
                continue
            if record is None:
                return
            if record:
                yield f"{file.name}:{line}", _to_row(header, record, file.encoding)


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
