"""What other libraries raise, each in its own way, as the one error that costs a file and no more."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from slugline.errors import one_line


class MissingExtra(OSError):  # noqa: N818 - it says what is missing
    """A file needs a library that is not installed."""


def missing_extra(library: str, extra: str) -> MissingExtra:
    """Return the error for a library that is not installed, and which extra brings it."""
    return MissingExtra(f'needs {library}: pip install "slugline[{extra}]"')


def silence(*loggers: str) -> None:
    """Let libraries log nothing about what is broken in a file: its reader says it."""
    for name in loggers:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def foreign_errors(problem: str) -> Iterator[None]:
    """Make any error of a library an `OSError`: what is broken in a file may make it raise anything."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as error:
        raise OSError(one_line(f"{problem}: {type(error).__name__}: {error}")) from error
