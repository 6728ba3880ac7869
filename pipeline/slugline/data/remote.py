"""Files elsewhere, such as `s3://bucket/news.jsonl`: found and opened by fsspec, which is imported for them alone."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from glob import has_magic
from pathlib import PurePosixPath
from typing import Any, BinaryIO, cast

from slugline.errors import InputError, one_line


@dataclass(frozen=True)
class RemoteFile:
    """A file at a URL: what of `Path` the readers use."""

    url: str

    def __str__(self) -> str:
        return self.url

    @property
    def name(self) -> str:
        """The last part of the URL."""
        return PurePosixPath(self.url).name

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of the URL."""
        return PurePosixPath(self.url).parts

    def open(self, mode: str = "rb") -> BinaryIO:
        """Open the file; what goes wrong there is an `OSError`."""
        filesystem, path = _filesystem(self.url)
        with _as_os_error():
            return cast(BinaryIO, io.BufferedReader(_Remote(filesystem.open(path, mode)), 1 << 16))

    def state(self) -> str:
        """Return what changes with the content, such as size and ETag; `InputError` where there is no such file."""
        filesystem, path = _filesystem(self.url)
        with _as_input_error(self.url):
            return str(filesystem.ukey(path))


class _Remote(io.RawIOBase):
    """A stream of fsspec that can be sought in, whose errors are `OSError`."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _as_os_error():
            data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self._stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self._stream.tell())

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def is_remote(path: str) -> bool:
    """Tell whether a path is a URL."""
    return "://" in path


def find_remote(url: str) -> list[tuple[RemoteFile, str]]:
    """Return the files at a URL, in the folder there, or that it matches as a glob, each with its name below that."""
    filesystem, path = _filesystem(url)
    with _as_input_error(url):
        if filesystem.isfile(path):
            return [(RemoteFile(url), PurePosixPath(path).name)]
        found = filesystem.glob(path) if has_magic(path) else filesystem.find(path)
        files = sorted(file for file in found if not has_magic(path) or filesystem.isfile(file))
    root = _folder(path)
    return [(RemoteFile(filesystem.unstrip_protocol(file)), _below(file, root)) for file in files]


def _filesystem(url: str) -> tuple[Any, str]:
    """Return the file system of a URL and the path in it."""
    try:
        import fsspec
    except ImportError as error:
        raise InputError(f'{url}: needs fsspec: pip install "slugline[remote]"') from error
    try:
        filesystem, path = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise InputError(one_line(f'{url}: {error}; s3:// comes with pip install "slugline[remote]"')) from error
    except ValueError as error:
        raise InputError(one_line(f"{url}: {error}")) from error
    return filesystem, str(path)


def _folder(path: str) -> PurePosixPath:
    """Return the folder that names are told below: all before the first wildcard."""
    parts = PurePosixPath(path).parts
    return PurePosixPath(*parts[: next((at for at, part in enumerate(parts) if has_magic(part)), len(parts))])


def _below(file: str, root: PurePosixPath) -> str:
    """Return the path of a file below a folder."""
    path = PurePosixPath(file)
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.name


@contextmanager
def _as_os_error() -> Iterator[None]:
    """Make what a file system raises, each in its own way, an `OSError`."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise OSError(one_line(f"{type(error).__name__}: {error}")) from error


@contextmanager
def _as_input_error(url: str) -> Iterator[None]:
    """Make what a file system raises an `InputError`."""
    try:
        yield
    except Exception as error:
        raise InputError(one_line(f"{url}: cannot be read: {type(error).__name__}: {error}")) from error
