"""The errors that a user can mend, and how they name what is allowed."""

from collections.abc import Iterable


class InputError(ValueError):
    """Something in the user's input or config is wrong.

    One sentence with what was found, where, and what is allowed.
    """


class Stopped(Exception):  # noqa: N818 - it is no error
    """A run was ended on purpose, before its end, because it was not worth going on."""


def listing(names: Iterable[object], limit: int = 12) -> str:
    """Return names as one line for a message: `a, b, c and 7 more`."""
    found = [str(name) for name in names]
    more = f" and {len(found) - limit} more" if len(found) > limit else ""
    return ", ".join(found[:limit]) + more
