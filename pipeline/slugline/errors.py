"""The errors that a user can mend, and how their messages are worded."""

from collections.abc import Iterable


class InputError(ValueError):
    """Something in the user's input or config is wrong.

    One sentence with what was found, where, and what is allowed.
    """


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
