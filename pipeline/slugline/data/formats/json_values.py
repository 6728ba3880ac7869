"""JSON: an article each object of an array, or of several objects one after another, or the file's only one."""

import json
import re
from collections.abc import Generator, Iterator
from itertools import chain
from typing import TextIO

from slugline.data.encodings import describe_undecoded
from slugline.data.opening import InputFile
from slugline.data.schema import Row, Rows

_MAX_DEPTH = 1000  # of brackets; Python's own reader goes no deeper
_MAX_SIGNS = 2_000_000  # of a value: each takes some time
_CHUNK = 1 << 20  # characters read at once
_STRING = re.compile(r'[^"\\]*+(?:\\.[^"\\]*+)*+', re.S)  # up to its closing quote
_SIGN = re.compile(r'["{}\[\],]')


def read_json(file: InputFile) -> Rows:
    """Yield the objects of a file, each with its number; one by one, so that a large file takes little memory."""
    with file.open_text() as stream:
        values = split_values(stream, file.row_limit)
        first, second = next(values, None), next(values, None)
        if first is not None and second is None and first[1] == "{":
            yield file.name, _to_row(first[0], file, stream.encoding)
            return
        begun = [value for value in (first, second) if value is not None]
        for number, (text, _) in enumerate(chain(begun, values), start=1):
            yield f"{file.name}:{number}", _to_row(text, file, stream.encoding)


def _to_row(text: str | None, file: InputFile, encoding: str) -> Row | str:
    """Return the object that a text is, or why it is none."""
    if text is None:
        return file.too_long
    if not text:
        return "the file ends before its array does"
    if undecoded := describe_undecoded(text, encoding):
        return f"not JSON: {undecoded}"
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return row if isinstance(row, dict) else f"a JSON {type(row).__name__}, not an object"


def split_values(stream: TextIO, limit: int) -> Iterator[tuple[str | None, str]]:
    """Yield the text of each value and what it stands in: `[` for an array, `{` for nothing.

    None stands in place of a value of more than `limit` characters, "" for the end that an array lacks.
    """
    values = _Values(limit)
    rest = ""
    while more := stream.read(_CHUNK):
        rest = yield from values.split(rest + more)
    values.keep(rest)
    yield from values.end()
    if values.in_array:
        yield "", "["


class _Values:
    """Values as they come, in pieces; only their brackets, commas and strings are looked at."""

    def __init__(self, limit: int) -> None:
        self.in_array = False
        self._limit, self._pieces, self._size = limit, list[str](), 0
        self._depth, self._in_string, self._signs = 0, False, 0

    def split(self, text: str) -> Generator[tuple[str | None, str], None, str]:
        """Yield the values that end in a text; return what of it must be read again with what follows."""
        begin = at = 0
        while at < len(text):
            if self._in_string:
                inside = _STRING.match(text, at)
                at = inside.end() if inside else at
                if text[at : at + 1] != '"':
                    break  # the string goes on, maybe after a backslash
                self._in_string, at = False, at + 1
                continue
            sign = _SIGN.search(text, at)
            if sign is None:
                at = len(text)
                break
            at = sign.end()
            self._signs += 1
            if self._signs > _MAX_SIGNS:
                raise OSError(f"more than {_MAX_SIGNS} brackets, commas and strings in one value")
            may_start = sign[0] == "[" and not self.in_array and not self._depth
            if may_start and self._is_start(text[begin : at - 1]):
                begin = at
            elif self._depth == 0 and sign[0] in "],}":  # after a value of an array
                self.keep(text[begin : at - 1])
                yield from self.end()
                begin = at
                self.in_array = self.in_array and sign[0] == ","
            elif self._move(sign[0]) and not self.in_array:
                self.keep(text[begin:at])
                yield from self.end()
                begin = at
        self.keep(text[begin:at])
        return text[at:]

    def keep(self, text: str) -> None:
        """Add a piece to the value that is being read, unless it is too long already."""
        self._size += len(text)
        if self._size <= self._limit:
            self._pieces.append(text)

    def end(self) -> Iterator[tuple[str | None, str]]:
        """Yield the value that has been read, if there is any, and begin another."""
        text = "".join(self._pieces).strip()
        is_long = self._size > self._limit
        self._pieces, self._size, self._depth, self._signs = [], 0, 0, 0
        if text or is_long:
            yield None if is_long else text, "[" if self.in_array else "{"

    def _is_start(self, before: str) -> bool:
        """Tell whether a bracket begins the array that the values stand in."""
        if "".join([*self._pieces, before]).strip():
            return False
        self._pieces, self._size, self.in_array = [], 0, True
        return True

    def _move(self, sign: str) -> bool:
        """Note a sign; tell whether it closes the outermost bracket of a value."""
        self._in_string = sign == '"'
        self._depth += (sign in "{[") - (sign in "}]")
        if self._depth > _MAX_DEPTH:
            raise OSError(f"brackets more than {_MAX_DEPTH} deep")
        return self._depth == 0 and sign in "}]"
