"""JSON lines: an object in each line."""

import json
from collections.abc import Iterable

from slugline.data.opening import InputFile, read_lines
from slugline.data.schema import Rows


def read_json_lines(file: InputFile) -> Rows:
    """Yield one row a line, blank lines skipped."""
    if "\n".encode(file.encoding) != b"\n":  # UTF-16 and the like have no byte that ends a line
        with file.open_text() as text:
            lines = (line.encode() for line in read_lines(text, file.row_limit))
            yield from parse_lines(lines, file.name, "utf-8", file.too_long)
    else:
        with file.open_bytes() as stream:
            yield from parse_lines(read_lines(stream, file.row_limit), file.name, file.encoding, file.too_long)


def parse_lines(lines: Iterable[bytes], name: str, encoding: str, too_long: str = "") -> Rows:
    """Yield the row of each line of JSON, or why there is none, blank lines skipped; `name` is that of the file.

    `too_long` is the reason in place of a line that is empty, without even an end.
    """
    for number, line in enumerate(lines, start=1):
        if not line and too_long:
            yield f"{name}:{number}", too_long
            continue
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode(encoding).removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            yield f"{name}:{number}", f"not JSON: {error}"
        else:
            yield f"{name}:{number}", row if isinstance(row, dict) else f"a JSON {type(row).__name__}, not an object"
