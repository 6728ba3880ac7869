"""How files are read, and a file as a reader of a format gets it: named, and opened as bytes or text."""

import gzip
import io
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, BinaryIO, TextIO, cast

from slugline.data.encodings import KEEP_BYTES, LOOKED_AT, find_encoding, is_plain, is_text_encoding
from slugline.errors import InputError, listing

# Names of signs, as a shell takes them
SEPARATORS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t", "\\t": "\t"}
_PIECE = 1 << 13  # bytes read at once, so that few are lost where a file breaks off


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How files are read, whatever is in them.

    Parameters
    ----------
    format : str, optional
        What the files are (text, jsonl, csv, tsv, parquet); None: the ending of each file tells.
    encoding : str, optional
        How text in the files is encoded: Python's name, such as utf-8, cp1252 or utf-16; None: the bytes of each tell.
    separator : str, optional
        What stands between the columns of CSV and TSV: a sign, or comma, semicolon, pipe, tab; None: it is found.
    header : bool
        Whether the first line of CSV and TSV names the columns; false: their names are 0, 1, 2 and so on.
    """

    format: str | None = None
    encoding: str | None = None
    separator: str | None = None
    header: bool = True

    @property
    def reading(self) -> "ReadOptions":
        """The options of reading alone, of a component that has them among others."""
        names = [option.name for option in fields(ReadOptions) if hasattr(self, option.name)]
        return ReadOptions(**{name: getattr(self, name) for name in names})

    @property
    def separator_sign(self) -> str | None:
        """The sign that `separator` gives or names."""
        return None if self.separator is None else SEPARATORS.get(self.separator, self.separator)

    def check_text(self, encoding: str, separator: str) -> None:
        """Raise `InputError` for an encoding or a separator that cannot be; the settings that give them have names."""
        if self.encoding is not None and not is_text_encoding(self.encoding):
            allowed = "Python's for text, such as utf-8, latin-1, cp1252, or null, to find it from the bytes"
            raise InputError(f"{encoding}: there is no '{self.encoding}'; allowed: {allowed}")
        sign = self.separator_sign
        if sign is not None and (len(sign) != 1 or sign in '"\r\n\0'):
            allowed = f"{listing(name for name in SEPARATORS if name.isalpha())}, another sign, or null, to find it"
            raise InputError(f"{separator}: {self.separator!r}; allowed: {allowed}")


@dataclass(frozen=True, kw_only=True)
class ReadOptions(FileOptions):
    """How articles and sentences are read from files: the options that all commands share which read such.

    Parameters
    ----------
    dates : {"day_first", "month_first"}, optional
        How 03/04/2024 is read in the column of dates; None: as the other dates of the data tell.
    on_error : {"reject", "stop"}
        What becomes of a row or file that cannot be read: left out, counted and listed, or an error.
    """

    dates: str | None = None
    on_error: str = "reject"


@dataclass(frozen=True)
class InputFile:
    """A file, the name it goes by in messages and ids, and how it is read.

    Readers put into `notes` what they found out about it, such as its encoding.
    """

    path: Path
    name: str
    options: ReadOptions = field(default_factory=ReadOptions)
    notes: list[str] = field(default_factory=list)

    def open_bytes(self) -> BinaryIO:
        """Open a file, a gzip file or standard input for reading bytes."""
        if str(self.path) == "-":
            return sys.stdin.buffer
        return cast(BinaryIO, gzip.open(self.path)) if self.path.suffix == ".gz" else self.path.open("rb")

    def open_encoded(self) -> "EncodedStream":
        """Open it with its encoding, which is found from the first bytes unless it is given; note one beside UTF-8."""
        stream = io.BufferedReader(_Whole(self.open_bytes()), LOOKED_AT)
        try:
            encoding = self.options.encoding or find_encoding(stream.peek())
        except BaseException:
            stream.close()
            raise
        if is_plain(encoding):
            return EncodedStream(stream, "utf-8")
        self.notes.append(encoding)
        return EncodedStream(stream, encoding)

    def open_text(self) -> TextIO:
        """Open it as `open_encoded` does, as text."""
        return self.open_encoded().text()


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


class _Whole(io.RawIOBase):
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
