"""JSON lines: an object in each line."""

import json
from collections.abc import Iterable

from slugline.data.opening import InputFile
from slugline.data.schema import Rows


def read_json_lines(file: InputFile) -> Rows:
    """Yield one row a line, blank lines skipped."""
    if "\n".encode(file.encoding) != b"\n":  # UTF-16 and the like have no byte that ends a line
        with file.open_text() as text:
            lines = text.read().encode().split(b"\n")
        yield from parse_lines(lines, file.name, "utf-8")
    else:
        with file.open_bytes() as stream:
            yield from parse_lines(stream, file.name, file.encoding)


def parse_lines(lines: Iterable[bytes], name: str, encoding: str) -> Rows:
    """Yield the row of each line of JSON, or why there is none, blank lines skipped; `name` is that of the file."""
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode(encoding).removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            yield f"{name}:{number}", f"not JSON: {error}"
        else:
            yield f"{name}:{number}", row if isinstance(row, dict) else f"a JSON {type(row).__name__}, not an object"
