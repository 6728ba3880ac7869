"""CSV (RFC 4180): a row a sentence, a column a topic to put an x in."""

import csv
import io

from slugline.annotate.formats.escaping import escape
from slugline.annotate.formats.sheets import fits, read, to_table
from slugline.annotate.tasks import Tasks

__all__ = ["encode", "fits", "read"]


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as CSV with a byte-order mark, without which Excel does not recognise UTF-8."""
    stream = io.StringIO(newline="")
    escaped = ([escape(cell) for cell in row] for row in to_table(tasks))
    csv.writer(stream).writerows(escaped)
    return {"": ("\ufeff" + stream.getvalue()).encode(errors="backslashreplace")}
