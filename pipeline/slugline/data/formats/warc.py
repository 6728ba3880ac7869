"""Web archives (WARC): an article each page that a server answered with, with its URL and the date of the crawl."""

from collections import Counter
from math import inf
from typing import Any, BinaryIO

from slugline.data.encodings import DoubtError
from slugline.data.formats.foreign import foreign_errors, missing_extra, silence
from slugline.data.formats.html import PAGE_SHARE, page_row
from slugline.data.opening import InputFile, describe_doubt
from slugline.data.schema import Row, Rows

_PAGES = ("text/html", "application/xhtml+xml")
_DONE = object()
_MAX_HEADER = 1 << 20  # bytes, of one record
_GZIP = b"\x1f\x8b"  # how such a file begins


def read_warc(file: InputFile) -> Rows:
    """Yield the pages of an archive; records of other kinds are counted in the notes."""
    try:
        from warcio import ArchiveIterator
    except ImportError as error:
        raise missing_extra("warcio", "web") from error

    silence("warcio")
    others: Counter[str] = Counter()
    with file.open_bytes() as opened:
        stream = _Stream(opened)
        with foreign_errors("no WARC that can be read"):
            records = ArchiveIterator(stream, arc2warc=True)
        records.INC_RECORD = ""  # what it prints for a record of another length than it says; they are counted below
        number = 0
        while True:
            with foreign_errors("no WARC record"):
                record = next(records, _DONE)
            if record is _DONE:
                break
            number += 1
            stream.header_left = inf
            if kind := _other_kind(record):
                others[kind] += 1
            else:
                yield f"{file.name}:{number}", _to_row(record, file)
            _pass_over(record, stream)
    if others:
        counts = ", ".join(f"{count} {kind}" for kind, count in others.most_common())
        file.notes.append(f"records left out: {counts}")
    if records.err_count:
        file.notes.append(f"records of another length than they say: {records.err_count}")


class _Stream:
    """A stream of bytes in which headers have an end: warcio would hold one of any length."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream, self._is_first = stream, True
        self.header_left: float = _MAX_HEADER  # bytes

    def read(self, size: int = -1) -> bytes:
        """Return some bytes; raise `OSError` where a header does not end."""
        data = self._stream.read(size)
        if self._is_first and data.startswith(_GZIP):  # warcio would unpack it without limits
            raise OSError("compressed; its name must end with .gz")
        self._is_first = False
        self.header_left -= len(data)
        if self.header_left < 0:
            raise OSError(f"a header of more than {_MAX_HEADER >> 20} MB")
        return data

    def close(self) -> None:
        """Close it."""
        self._stream.close()


def _pass_over(record: Any, stream: _Stream) -> None:
    """Read what is left of a record, which may be of any length, so that only headers come next."""
    with foreign_errors("no WARC record"):
        while record.raw_stream.read(1 << 16):
            pass
    stream.header_left = _MAX_HEADER


def _other_kind(record: Any) -> str:
    """Return what a record is if not a page, `""` for a page."""
    if record.rec_type not in ("response", "resource"):
        return str(record.rec_type)
    headers = record.http_headers or record.rec_headers
    kind = (headers.get_header("Content-Type") or "without type").partition(";")[0].strip().lower()
    if kind not in _PAGES:
        return kind
    status = record.http_headers.get_statuscode() if record.http_headers else "200"
    return "" if status == "200" else f"with status {status}"


def _to_row(record: Any, file: InputFile) -> Row | str:
    """Return a page as a row, or why there is none; it has no date of its own where the page names none."""
    with foreign_errors("no page that can be unpacked"):
        limit = min(file.row_limit, file.file_limit(PAGE_SHARE))
        data = record.content_stream().read(limit + 1)
    if len(data) > limit:
        return f"a page of more than {limit >> 20} MB{file.page_advice}"
    try:
        row = page_row(data, file.options.encoding, record.rec_headers.get_header("WARC-Target-URI"))
    except DoubtError as doubt:
        return describe_doubt(doubt, file.key)
    except UnicodeError as error:
        return f"no page that can be read: {error}"
    return row if isinstance(row, str) else {**row, "crawled": record.rec_headers.get_header("WARC-Date")}
