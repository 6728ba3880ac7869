"""How files are read, and a file as a reader of a format gets it: named, and opened as bytes or text."""

import codecs
import gzip
import io
import sys
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import BinaryIO, TextIO, cast

from slugline.errors import InputError


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """How files are read: the options that all commands share which read articles or sentences.

    Parameters
    ----------
    format : str, optional
        What the files are (text, jsonl, csv, tsv, parquet); None: the ending of each file tells.
    encoding : str
        How the text in the files is encoded.
    dates : {"day_first", "month_first"}, optional
        How 03/04/2024 is read in the column of dates; None: as the other dates of the data tell.
    """

    format: str | None = None
    encoding: str = "utf-8"
    dates: str | None = None

    @property
    def reading(self) -> "ReadOptions":
        """These options alone, of a component that has them among others."""
        return ReadOptions(**{option.name: getattr(self, option.name) for option in fields(ReadOptions)})

    def check_encoding(self, setting: str) -> None:
        """Raise `InputError` for an unknown encoding, which `setting` gives."""
        try:
            codecs.lookup(self.encoding)
        except LookupError as error:
            allowed = "Python's, such as utf-8, latin-1, cp1252"
            raise InputError(f"{setting}: there is no '{self.encoding}'; allowed: {allowed}") from error


@dataclass(frozen=True)
class InputFile:
    """A file, the name it goes by in messages and ids, and how it is read.

    Readers put into `notes` what they found out about it, such as its encoding.
    """

    path: Path
    name: str
    options: ReadOptions = field(default_factory=ReadOptions)
    notes: list[str] = field(default_factory=list)

    @property
    def encoding(self) -> str:
        """The encoding of the text in it."""
        return self.options.encoding

    def open_bytes(self) -> BinaryIO:
        """Open a file, a gzip file or standard input for reading bytes."""
        if str(self.path) == "-":
            return sys.stdin.buffer
        return cast(BinaryIO, gzip.open(self.path)) if self.path.suffix == ".gz" else self.path.open("rb")

    def open_text(self, errors: str = "strict") -> TextIO:
        """Open a file, a gzip file or standard input as text, without its byte-order mark, line ends as they are."""
        encoding = "utf-8-sig" if codecs.lookup(self.encoding).name == "utf-8" else self.encoding
        return io.TextIOWrapper(self.open_bytes(), encoding=encoding, errors=errors, newline="")
