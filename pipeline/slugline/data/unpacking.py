"""Compressed files: opened by their endings, and read no further than limits on size and ratio allow."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import PurePosixPath
from typing import Any, BinaryIO, NamedTuple, cast

SMALL = 16 << 20  # bytes that any file may unpack to, whatever its ratio: small files of one word are honest


def _open_zstd(packed: BinaryIO) -> BinaryIO:
    """Open a Zstandard stream; Arrow refuses windows of more than 128 MB."""
    import pyarrow as pa

    return cast(BinaryIO, pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd"))


COMPRESSIONS: dict[str, Callable[[BinaryIO], Any]] = {
    ".gz": gzip.open,
    ".bz2": bz2.open,
    ".xz": lzma.open,
    ".zst": _open_zstd,
}
UNPACKING_ERRORS = (EOFError, lzma.LZMAError)  # beside OSError and zlib.error


class UnpackingLimits(NamedTuple):
    """How many bytes a file may unpack to, how many times its own size, and what to say beyond that."""

    size: int
    ratio: int
    size_advice: str
    ratio_advice: str


def compression(name: str) -> str:
    """Return the ending of a compressed file's name, `""` where it is not compressed.

    Examples
    --------
    >>> compression("news.jsonl.GZ"), compression("news.jsonl")
    ('.gz', '')
    """
    ending = PurePosixPath(name).suffix.lower()
    return ending if ending in COMPRESSIONS else ""


def without_compression(name: str) -> str:
    """Return the name that a file has once it is unpacked.

    Examples
    --------
    >>> without_compression("news.jsonl.gz")
    'news.jsonl'
    """
    return name[: len(name) - len(compression(name))]


def unpack(packed: BinaryIO, name: str, limits: UnpackingLimits) -> BinaryIO:
    """Return a file's stream, unpacked as the ending of its name tells; reading beyond the limits raises `OSError`."""
    if not (ending := compression(name)):
        return packed
    return limit_unpacking(COMPRESSIONS[ending](packed), packed.tell, limits, [packed])


def limit_unpacking(
    stream: BinaryIO, packed_size: Callable[[], int], limits: UnpackingLimits, beneath: list[BinaryIO] | None = None
) -> BinaryIO:
    """Return an unpacking stream that raises `OSError` beyond the limits.

    `packed_size` tells the bytes read so far of the packed file; the streams `beneath` are closed with this one.
    """
    return cast(BinaryIO, io.BufferedReader(_Unpacked(stream, packed_size, limits, beneath or []), 1 << 16))


class _Unpacked(io.RawIOBase):
    """Unpacked bytes, counted as they are read."""

    def __init__(
        self, stream: BinaryIO, packed_size: Callable[[], int], limits: UnpackingLimits, beneath: list[BinaryIO]
    ) -> None:
        self._stream, self._packed_size, self._limits, self._beneath = stream, packed_size, limits, beneath
        self._total = 0

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._total

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        data = self._stream.read(len(view))
        view[: len(data)] = data
        self._total += len(data)
        self._check()
        return len(data)

    def _check(self) -> None:
        """Raise `OSError` beyond the limits."""
        limits = self._limits
        if self._total > limits.size:
            raise OSError(f"unpacks to more than {limits.size >> 20} MB{limits.size_advice}")
        if self._total > SMALL and self._total > limits.ratio * max(self._packed_size(), 1):
            raise OSError(f"unpacks to more than {limits.ratio} times its size{limits.ratio_advice}")

    def close(self) -> None:
        if not self.closed:
            for stream in (self._stream, *self._beneath):
                stream.close()
        super().close()
