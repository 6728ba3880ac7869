"""Zip archives: their members are files `a.zip/b.txt`; nothing is unpacked to disk by the names in them."""

import stat
import struct
import zipfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from slugline.data.opening import InputFile
from slugline.data.unpacking import limit_unpacking

ARCHIVE_ENDING = ".zip"
_MAX_MEMBERS = 100_000  # of one archive
_MAX_DIRECTORY = 32 << 20  # bytes of the list of members, which is held in memory
_END = b"PK\5\6"  # how the record begins that ends an archive and says where that list is


def open_members(archive: InputFile) -> Iterator[InputFile | tuple[str, str]]:
    """Yield the members of an archive as files, in its order, or the name of one with why it cannot be read.

    Read a member before the next one is asked for. Raises `OSError` where the archive cannot be read.
    """
    with archive.open_seekable() as stream:
        _check_directory(stream)
        try:
            opened = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise OSError(f"no zip archive: {error}") from error
        with opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            _check_total(archive, members)
            for member in members:
                name = f"{archive.name}/{member.filename}"
                problem = _find_problem(member)
                yield (name, problem) if problem else _member_file(archive, opened, member, name)


def _check_directory(stream: BinaryIO) -> None:
    """Raise `OSError` for an archive whose list of members is too large to be held in memory."""
    size = stream.seek(0, 2)
    stream.seek(max(size - (1 << 16) - 22, 0))  # a comment of at most 64 KB may follow the record of 22 bytes
    tail = stream.read()
    end = tail.rfind(_END)
    if 0 <= end <= len(tail) - 22 and (stated := struct.unpack_from("<I", tail, end + 12)[0]) > _MAX_DIRECTORY:
        raise OSError(f"a list of members of {stated >> 20} MB; allowed: {_MAX_DIRECTORY >> 20} MB")


def _check_total(archive: InputFile, members: list[zipfile.ZipInfo]) -> None:
    """Raise `OSError` for an archive with too many members, or whose members are too large together."""
    if len(members) > _MAX_MEMBERS:
        raise OSError(f"{len(members)} files in one archive; allowed: {_MAX_MEMBERS}")
    limits = archive.unpacking_limits
    if (total := sum(member.file_size for member in members)) > limits.size:
        raise OSError(f"unpacks to {total >> 20} MB; allowed: {limits.size >> 20}{limits.size_advice}")


def _find_problem(member: zipfile.ZipInfo) -> str | None:
    """Return why a member of an archive is not read; None for one that can be."""
    path = PurePosixPath(member.filename.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts:
        return "a path that leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a link"
    if member.flag_bits & 1:
        return "encrypted; unpack it with its password and give the files"
    if path.suffix.lower() == ARCHIVE_ENDING:
        return "an archive inside an archive; unpack it first"
    return None


def _member_file(archive: InputFile, opened: zipfile.ZipFile, member: zipfile.ZipInfo, name: str) -> InputFile:
    """Return a member as a file of its own."""
    path = Path(PurePosixPath(member.filename).name)
    opener = partial(_open_member, archive, opened, member)
    return InputFile(path, name, archive.options, key=archive.key, open_member=opener)


def _open_member(archive: InputFile, opened: zipfile.ZipFile, member: zipfile.ZipInfo) -> BinaryIO:
    """Open a member within the limits; what zipfile finds wrong with it is an `OSError`."""
    try:
        stream = cast(BinaryIO, opened.open(member))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise OSError(f"cannot be unpacked: {error}") from error
    return limit_unpacking(stream, lambda: member.compress_size, archive.unpacking_limits)
