"""The errors that a user can mend, and how their messages are worded."""

import errno
import re
from collections.abc import Iterable

# What the computer refuses, and a user can mend; any other OSError is a bug
_REFUSALS = {
    getattr(errno, name)
    for name in ("EACCES", "EDQUOT", "EFBIG", "EIO", "EMFILE", "ENFILE", "ENOSPC", "EPERM", "EROFS", "ESTALE")
    if hasattr(errno, name)
}


class InputError(ValueError):
    """Something in the user's input or config is wrong.

    One sentence with what was found, where, and what is allowed; on one line, also where a name in it has several.
    """

    def __init__(self, message: object) -> None:
        super().__init__(" ".join(str(message).splitlines()))


class Stopped(Exception):  # noqa: N818 - not an error
    """A run was ended on purpose, before its end, because it was not worth going on."""


def one_line(message: object, limit: int = 500) -> str:
    """Return a message, or that of an error, on one line of at most `limit` characters; an empty one by its type."""
    return " ".join(str(message).split())[:limit] or type(message).__name__


def listing(names: Iterable[object], limit: int = 12) -> str:
    """Return names as one line for a message: `a, b, c and 7 more`."""
    found = [str(name) for name in names]
    more = f" and {len(found) - limit} more" if len(found) > limit else ""
    return ", ".join(found[:limit]) + more


def describe_refusal(error: BaseException) -> str | None:
    """Return in a line what the computer refused: a full or read-only disk, a lack of permission; None for a bug."""
    if not isinstance(error, OSError):
        return None
    if error.errno is None and re.search(r"requested and \d+ written", str(error)):  # NumPy's, on a full disk
        return f"the disk is full: {one_line(error)}"
    if error.errno not in _REFUSALS:
        return None
    reason = one_line(error.strerror or error)
    return f"cannot use {error.filename}: {reason}" if error.filename else f"the disk or system refused: {reason}"
