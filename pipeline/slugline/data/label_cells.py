"""Label cells: the topics of a sentence as a cell of a file spells them, or as one 0/1 column for each topic."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from slugline.errors import InputError, listing

_MARKS = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True, "": False}


def parse_labels(value: object, delimiter: str, where: str) -> tuple[str, ...] | None:
    """Read the labels in a cell, each once: a list, a JSON list as text, or one string with a delimiter between topics.

    None, which means unlabelled, stands for an empty cell (None or NaN). `where` is the place of the cell, for the
    error.

    Examples
    --------
    >>> parse_labels("war, aid", ",", "news.csv:2")
    ('war', 'aid')
    >>> parse_labels("[]", ",", "news.csv:3")
    ()
    """
    if value is None or value != value:  # NaN alone differs from itself
        return None

    labels = _split_labels(value, delimiter, where) if isinstance(value, str) else value
    if not isinstance(labels, (list, tuple)) or not all(isinstance(label, str) for label in labels):
        allowed = f"a list of names or one string with '{delimiter}' between names"
        raise InputError(f"{where}: labels are {labels!r}; allowed: {allowed}")
    return tuple(dict.fromkeys(label.strip() for label in labels if label.strip()))


def read_marks(row: Mapping[str, Any], topic_columns: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the topics whose 0/1 column holds a 1; raise `InputError` for a missing column or another mark."""
    if missing := [topic for topic in topic_columns if topic not in row]:
        raise InputError(f"{where}: no column '{missing[0]}' of data.topic_columns; found: {listing(row)}")

    marks = {topic: str(row[topic]).strip().lower() for topic in topic_columns}
    if wrong := [topic for topic, mark in marks.items() if mark not in _MARKS]:
        raise InputError(f"{where}: column '{wrong[0]}' holds '{row[wrong[0]]}'; allowed: 0, 1, true, false")
    return tuple(topic for topic, mark in marks.items() if _MARKS[mark])


def _split_labels(text: str, delimiter: str, where: str) -> Any:
    """Return what a JSON list holds, or the parts of a delimited string."""
    stripped = text.strip()
    if not stripped.startswith("["):
        return stripped.split(delimiter)
    try:
        return json.loads(stripped)
    except ValueError as error:
        raise InputError(f"{where}: labels {stripped[:40]!r} begin like a JSON list but are not one") from error
