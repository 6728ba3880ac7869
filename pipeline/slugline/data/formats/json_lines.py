"""JSON lines: an object in each line."""

import json
from collections.abc import Iterable

from slugline.data.encodings import describe_undecoded
from slugline.data.opening import InputFile
from slugline.data.schema import Rows
from slugline.data.streams import read_lines


def read_json_lines(file: InputFile) -> Rows:
    """Yield one row a line, blank lines skipped."""
    with file.open_encoded() as stream:
        if "\n".encode(stream.encoding) == b"\n" and not _ends_lines_as_mac(stream.bytes.peek()):
            lines: Iterable[bytes | str] = read_lines(stream.bytes, file.row_limit)
        else:  # UTF-16 and the like have no byte that ends a line
            lines = read_lines(stream.text(), file.row_limit)
        yield from parse_lines(lines, file.name, stream.encoding, file.too_long)


def parse_lines(lines: Iterable[bytes | str], name: str, encoding: str, too_long: str = "") -> Rows:
    """Yield the row of each line of JSON, or why there is none, blank lines skipped; `name` is that of the file.

    In lines of text, what could not be decoded stands as lone surrogates. `too_long` is the reason in place of a line
    that is empty, without even an end.
    """
    for number, line in enumerate(lines, start=1):
        if not line and too_long:
            yield f"{name}:{number}", too_long
            continue
        if not line.strip():
            continue
        try:
            text = line.decode(encoding) if isinstance(line, bytes) else _check(line, encoding)
            row = json.loads(text.removeprefix("\ufeff"))
        except UnicodeDecodeError as error:
            yield f"{name}:{number}", f"not JSON: not {encoding}: byte 0x{error.object[error.start]:02x}"
        except (ValueError, RecursionError) as error:
            yield f"{name}:{number}", f"not JSON: {error}"
        else:
            yield f"{name}:{number}", row if isinstance(row, dict) else f"a JSON {type(row).__name__}, not an object"


def _check(line: str, encoding: str) -> str:
    """Return a line; raise `ValueError` where some of it could not be decoded."""
    if problem := describe_undecoded(line, encoding):
        raise ValueError(problem)
    return line


def _ends_lines_as_mac(head: bytes) -> bool:
    """Tell whether carriage returns alone end lines."""
    return b"\r" in head and b"\n" not in head
