"""Regular expressions of rules. Each search has a time limit, since no text may keep a command busy for ever.

The package `regex` reads Python's syntax and can be stopped; how it compares with Python's own module and with RE2 is
measured in `experiments/README.md`.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import regex

from slugline.errors import InputError

_SECONDS = 1.0  # of a search in one sentence, which usually takes some microseconds
_MOST_LATE = 10  # sentences on which the patterns of a rule may take longer


class Found(NamedTuple):
    """Which texts hold a pattern, and on which a search took too long; both booleans, shape (texts,)."""

    texts: np.ndarray
    late: np.ndarray


def compile_pattern(key: str, pattern: str) -> Any:
    """Return a regular expression; raise `InputError` for what is none."""
    try:
        return regex.compile(pattern, regex.IGNORECASE | regex.VERSION0)
    except (regex.error, RecursionError, OverflowError, MemoryError) as error:
        raise InputError(f"{key}.patterns: '{pattern}' is not a regular expression: {error}") from error


def search_texts(key: str, patterns: Sequence[Any], texts: Sequence[str]) -> Found:
    """Search each text for any of some patterns; a search that takes too long has found nothing.

    Raises `InputError` where more than a few take too long: then it is the pattern that must be mended.
    """
    found = Found(*np.zeros((2, len(texts)), np.bool_))
    for number, text in enumerate(texts):
        for pattern in patterns:
            try:
                found.texts[number] = pattern.search(text, timeout=_SECONDS) is not None
            except TimeoutError:
                found.late[number] = True
                _check_late(key, pattern.pattern, found.late, texts)
            if found.texts[number]:
                break
    return found


def _check_late(key: str, pattern: str, late: np.ndarray, texts: Sequence[str]) -> None:
    """Refuse a pattern once searches of its rule took too long on more than a few sentences."""
    if late.sum() > _MOST_LATE:
        first = texts[int(late.argmax())]
        raise InputError(
            f"{key}.patterns: '{pattern}' took more than {_SECONDS:g} s on {int(late.sum())} sentences, the first: "
            f"{first[:60]!r}; repeats within repeats, as (a+)+, do that: write it without"
        )
