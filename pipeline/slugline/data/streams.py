"""Streams of bytes and text: read up to where they break, with their encoding, and by lines within a limit."""

import io
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any, AnyStr, BinaryIO, TextIO

from slugline.data.encodings import KEEP_BYTES

_PIECE = 1 << 13  # bytes read at once, so that few are lost where a file breaks off


@dataclass(frozen=True)
class EncodedStream:
    """Bytes, of which `peek` gives the first, and the encoding of the text in them."""

    bytes: "io.BufferedReader[Any]"
    encoding: str

    def text(self) -> TextIO:
        """Return it as text without byte-order mark, line ends as they are, lone surrogates for what is not decoded."""
        encoding = "utf-8-sig" if self.encoding == "utf-8" else self.encoding
        return io.TextIOWrapper(self.bytes, encoding=encoding, errors=KEEP_BYTES, newline="")

    def __enter__(self) -> "EncodedStream":
        return self

    def __exit__(self, *_: object) -> None:
        self.bytes.close()


class WholeStream(io.RawIOBase):
    """A stream that fills what it is asked for as long as there is something; it may be one that cannot be sought in.

    What was read before an error is handed on first.
    """

    def __init__(self, stream: BinaryIO) -> None:
        super().__init__()
        self._stream = stream
        self._error: Exception | None = None

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer, less only at the end or before an error."""
        filled = 0
        while filled < len(buffer) and (piece := self._read(min(len(buffer) - filled, _PIECE))):
            buffer[filled : filled + len(piece)] = piece
            filled += len(piece)
        if self._error and not filled:
            raise self._error
        return filled

    def _read(self, size: int) -> bytes:
        """Return some bytes; none at the end, or where an error is kept."""
        try:
            return b"" if self._error else self._stream.read(size)
        except Exception as error:
            self._error = error
            return b""

    def close(self) -> None:
        """Close the stream too, unless it is standard input."""
        if not self.closed and self._stream is not sys.stdin.buffer:
            self._stream.close()
        super().close()


def read_lines(stream: IO[AnyStr], limit: int) -> Iterator[AnyStr]:
    """Yield the lines of a stream, what is empty in place of each that is longer than a limit."""
    while line := stream.readline(limit + 1):
        is_whole = len(line) <= limit or _ends(line)
        yield line if is_whole else line[:0]
        while not is_whole and (line := stream.readline(1 << 20)):
            is_whole = _ends(line)


def _ends(line: AnyStr) -> bool:
    """Tell whether a line has its end."""
    return line[-1:] in (b"\n", "\n", "\r")
