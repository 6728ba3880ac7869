"""How files are read, and a file as a reader of a format gets it: named, and opened as bytes or text."""

import io
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO, cast

from slugline.data.encodings import (
    LOOKED_AT,
    DoubtError,
    describe_undecoded,
    find_encoding,
    is_plain,
    is_text_encoding,
)
from slugline.data.remote import RemoteFile
from slugline.data.streams import EncodedStream, WholeStream
from slugline.data.unpacking import UnpackingLimits, compression, unpack
from slugline.errors import InputError, listing

# Names of signs, as a shell takes them
SEPARATORS = {"comma": ",", "semicolon": ";", "pipe": "|", "tab": "\t", "\\t": "\t"}


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How files are read, whatever is in them.

    Parameters
    ----------
    format : str, optional
        What the files are (text, markdown, html, eml, json, jsonl, csv, tsv, xlsx, parquet, feed, warc); None: the
        ending of each file tells.
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
    follow_links : bool
        Whether to follow links in a folder that lead out of it; those that stay inside are always read.
    max_row_mb : int
        The largest row in megabytes: a line of JSON lines, a record of CSV, an object of JSON, the text cells of a
        Parquet row, a page in a WARC file; a row of a workbook, with its markup, may have a quarter of it.
    max_file_mb : int
        The largest file in megabytes, unpacked, that is read as a whole: a text, or the texts of a workbook. What takes
        many times its size when it is parsed may have less: a mail half of it, a page or feed an 8th, Markdown a 32nd.
    max_unpacked_mb : int
        How many megabytes a compressed file, or all of an archive, may unpack to.
    max_ratio : int
        How many times its own size a compressed file may unpack to; up to 16 MB it may be more.
    on_error : {"reject", "stop"}
        What becomes of a row or file that cannot be read: left out, counted and listed, or an error.
    """

    dates: str | None = None
    on_error: str = "reject"
    follow_links: bool = False
    max_row_mb: int = 16
    max_file_mb: int = 32
    max_unpacked_mb: int = 1 << 14
    max_ratio: int = 200

    def check(self, key: str) -> None:
        """Raise `InputError` for options that cannot be, such as a limit that allows nothing; `key` names the path."""
        self.check_text(sibling_key(key, "encoding"), sibling_key(key, "separator"))
        if self.on_error not in ("reject", "stop"):
            raise InputError(f"{sibling_key(key, 'on_error')}={self.on_error}; allowed: reject, stop")
        for name in ("max_row_mb", "max_file_mb", "max_unpacked_mb", "max_ratio"):
            if (limit := getattr(self, name)) < 1:
                raise InputError(f"{sibling_key(key, name)}: {limit}; allowed: 1 or more")


class PartLimits(NamedTuple):
    """How many megabytes a workbook may have unpacked, how many of them in memory and in a row, and what to say."""

    all_mb: int
    held_mb: int
    row_mb: int
    all_advice: str
    held_advice: str
    row_advice: str
    ratio: int = 200  # how many times its packed size a part may unpack to
    ratio_advice: str = ""


def describe_doubt(doubt: DoubtError, key: str) -> str:
    """Return the settings that a file in doubt may be read with, and what each makes of it; `key` names its path."""
    setting = sibling_key(key, doubt.setting)
    return "in doubt; " + " or ".join(f"{setting}={value} ({text})" for value, text in doubt.readings.items())


def sibling_key(key: str, name: str) -> str:
    """Return the key of the setting beside another: `data.format` beside `data.path`, `format` beside `input`."""
    return f"{key[: key.rfind('.') + 1]}{name}"


@dataclass(frozen=True)
class InputFile:
    """A file, the name it goes by in messages and ids, and how it is read.

    Readers put into `notes` what they found out about it, such as its encoding. `key` is the setting that names the
    path; `open_member` opens a file that lies in an archive, of which `path` then has only the name.
    """

    path: Path | RemoteFile
    name: str
    options: ReadOptions = field(default_factory=ReadOptions)
    notes: list[str] = field(default_factory=list)
    key: str = "data.path"
    open_member: Callable[[], BinaryIO] | None = None

    @property
    def row_limit(self) -> int:
        """The largest row in bytes, or in characters where text is read."""
        return self.options.max_row_mb << 20

    @property
    def too_long(self) -> str:
        """Why a row beyond the limit is not read."""
        return f"a row of more than {self.options.max_row_mb} MB{self._advice('max_row_mb')}"

    @property
    def page_advice(self) -> str:
        """What to say of a page in an archive that is too large to be parsed."""
        return self._advice("max_row_mb and max_file_mb").replace("raises it", "together raise it")

    def open_bytes(self) -> BinaryIO:
        """Open a file, a compressed file or standard input for reading bytes."""
        if str(self.path) == "-":
            return sys.stdin.buffer
        packed = self.open_member() if self.open_member else self.path.open("rb")
        return unpack(packed, self.path.name, self.unpacking_limits)

    def open_encoded(self) -> "EncodedStream":
        """Open it with its encoding, which is found from the first bytes unless it is given; note one beside UTF-8."""
        stream = io.BufferedReader(WholeStream(self.open_bytes()), LOOKED_AT)
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

    def open_seekable(self) -> BinaryIO:
        """Open bytes that can be read in any order: the file itself, or a copy on disk of what is unpacked."""
        if isinstance(self.path, Path) and self.path.is_file() and not compression(self.path.name):
            return self.path.open("rb")
        with self.open_bytes() as stream, ExitStack() as stack:
            copy = cast(BinaryIO, stack.enter_context(tempfile.TemporaryFile()))
            shutil.copyfileobj(stream, copy, 1 << 20)
            copy.seek(0)
            stack.pop_all()  # it is closed by who reads it
        return copy

    def read_bytes(self, share: int = 1) -> bytes:
        """Return all bytes of a file; raise `OSError` for more than the limit, of which it has the `share`th part."""
        limit = self._check_size(share)
        with self.open_bytes() as stream:
            data = stream.read(limit + 1)
        if len(data) > limit:
            raise OSError(self._too_large("more", share))
        return data

    def read_text(self, share: int = 1) -> tuple[str, str | None]:
        """Return all text of a file, and what of it could not be decoded; raise `OSError` as `read_bytes` does."""
        limit = self._check_size(share)
        with self.open_text() as stream:
            text = stream.read(limit + 1)
        if len(text) > limit:
            raise OSError(self._too_large("more", share))
        return text, describe_undecoded(text, stream.encoding)

    @property
    def unpacking_limits(self) -> UnpackingLimits:
        """How far the file, or an archive, is unpacked."""
        advice = self._advice("max_unpacked_mb"), self._advice("max_ratio")
        return UnpackingLimits(self.options.max_unpacked_mb << 20, self.options.max_ratio, *advice)

    @property
    def part_limits(self) -> PartLimits:
        """How far a workbook is unpacked, and how much of it may be held in memory, in all and of a row."""
        options = self.options
        return PartLimits(
            all_mb=options.max_unpacked_mb,
            held_mb=options.max_file_mb,
            row_mb=max(options.max_row_mb // 4, 1),
            all_advice=self._advice("max_unpacked_mb"),
            held_advice=self._advice("max_file_mb"),
            row_advice=self._advice("max_row_mb"),
            ratio=options.max_ratio,
            ratio_advice=self._advice("max_ratio"),
        )

    def file_limit(self, share: int = 1) -> int:
        """Return how many bytes of a file are read as a whole, where it has the `share`th part of the limit."""
        return (self.options.max_file_mb << 20) // share

    def _check_size(self, share: int) -> int:
        """Return the limit of what is read as a whole; raise `OSError` for a file on disk that is larger."""
        limit = self.file_limit(share)
        if not self.open_member and not compression(self.path.name) and isinstance(self.path, Path):
            size = self.path.stat().st_size if self.path.is_file() else 0
            if size > limit:
                raise OSError(self._too_large(f"{size / (1 << 20):.1f} MB", share))
        return limit

    def _too_large(self, size: str, share: int) -> str:
        """Return that a file is too large to be read as a whole."""
        of_limit = f", 1/{share} of max_file_mb={self.options.max_file_mb}" if share > 1 else ""
        allowed = f"{self.file_limit(share) / (1 << 20):g} MB{of_limit}"
        return f"{size} in one file; allowed: {allowed}{self._advice('max_file_mb')}"

    def _advice(self, limit: str) -> str:
        """Return which setting raises a limit; gold labels and annotations have none."""
        return "" if self.key.startswith(("labels.", "annotations")) else f"; {sibling_key(self.key, limit)} raises it"
