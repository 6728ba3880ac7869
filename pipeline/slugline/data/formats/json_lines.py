"""JSON lines: an object in each line."""

import json
from collections.abc import Iterable

from slugline.data.encodings import describe_undecoded
from slugline.data.opening import InputFile
from slugline.data.schema import Rows


def read_json_lines(file: InputFile) -> Rows:
    """Yield one row a line, blank lines skipped."""
    with file.open_text("\n") as lines:
        yield from parse_lines(lines, file.name, lines.encoding)


def parse_lines(lines: Iterable[str], name: str, encoding: str) -> Rows:
    """Yield the row of each line of JSON, or why there is none, blank lines skipped; `name` is that of the file.

    What could not be decoded stands in the lines as lone surrogates.
    """
    for number, line in enumerate(lines, start=1):
        if line.isspace() or not line:
            continue
        if undecoded := describe_undecoded(line, encoding):
            yield f"{name}:{number}", f"not JSON: {undecoded}"
            continue
        try:
            row = json.loads(line.removeprefix("\ufeff"))
        except (ValueError, RecursionError) as error:
            yield f"{name}:{number}", f"not JSON: {error}"
        else:
            yield f"{name}:{number}", row if isinstance(row, dict) else f"a JSON {type(row).__name__}, not an object"
