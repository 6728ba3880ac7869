"""Annotations: what annotators answered, checked, and matched with the sentences, whatever file it came in."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from reprlib import Repr
from typing import Any, NamedTuple

import pandas as pd

from slugline.data.schema import Rejected
from slugline.errors import listing, one_line

Row = Mapping[str, Any]
_short = Repr()
_short.maxlevel, _short.maxstring, _short.maxother = 2, 60, 60


class Annotation(NamedTuple):
    """The answer of one annotator on one sentence.

    `labels` are in the order of the taxonomy, None where the annotator skipped the sentence; `when` is ISO 8601 in UTC;
    `text` is what the annotator saw; `where` is the place in the file, for messages.
    """

    sentence_id: str
    labels: tuple[str, ...] | None
    annotator: str
    when: str | None
    text: str | None
    where: str


class RawAnnotation(NamedTuple):
    """An annotation as it is in a file, unchecked; `labels` is None for a sentence that was skipped."""

    where: str
    sentence_id: object
    labels: object
    annotator: object = None
    when: object = None
    text: object = None


class Unanswered(NamedTuple):
    """A task in a file that nobody has answered yet; `where` is its place."""

    where: str


class BadValueError(ValueError):
    """A value that no annotation can have; its row is rejected and the rest of the file is read."""


def shorten(value: object) -> str:
    """Return the representation of a value for a message: one line, cut short however long or deep the value is."""
    return one_line(_short.repr(value))


def with_nested(row: Row, *fields: str) -> dict[str, Any]:
    """Return the values of a row, and in their place those of the objects in some of its fields."""
    values = dict(row)
    for field in fields:
        if isinstance(nested := row.get(field), dict):
            values |= nested
    return values


def validate(raw: RawAnnotation, topics: Mapping[str, int], default_annotator: str) -> Annotation | Rejected:
    """Turn a raw annotation into an annotation, its labels in the order of the topics, or say why it is not one."""
    try:
        labels = None if raw.labels is None else _parse_labels(raw.labels, topics)
        annotator, when = _parse_name(raw.annotator, "annotator"), _parse_time(raw.when)
        if raw.text is not None and not isinstance(raw.text, str):
            raise BadValueError(f"the text is {shorten(raw.text)}; allowed: text")
        if (sentence_id := _parse_name(raw.sentence_id, "sentence_id")) is None:
            raise BadValueError("no sentence_id")
    except BadValueError as error:
        return Rejected(raw.where, str(error))

    return Annotation(sentence_id, labels, annotator or default_annotator, when, raw.text, raw.where)


def _parse_labels(value: object, topics: Mapping[str, int]) -> tuple[str, ...]:
    """Return labels in the order of the topics, each once."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(label, str) for label in value):
        raise BadValueError(f"labels are {shorten(value)}; allowed: a list of topics")
    if unknown := [label for label in value if label not in topics]:
        raise BadValueError(f"{shorten(unknown[0])} is not a topic; allowed: {listing(topics, 40)}")
    return tuple(sorted(set(value), key=topics.__getitem__))


def _parse_name(value: object, field: str) -> str | None:
    """Return an id or a name as text, None where it is empty."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():  # a spreadsheet turns 7 into 7.0
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadValueError(f"{field} is {shorten(value)}; allowed: text or a whole number")
    return str(value)


def _parse_time(value: object) -> str | None:
    """Return a time, ISO 8601 or seconds from 1970, as ISO 8601; None where it is empty, UTC where it has no zone."""
    if value is None or value == "":
        return None
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return datetime.fromtimestamp(value, UTC).isoformat()
        if isinstance(value, date) and not isinstance(value, datetime):
            value = value.isoformat()
        moment = value if isinstance(value, datetime) else datetime.fromisoformat(value)  # type: ignore[arg-type]
        return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC).isoformat()
    except (ValueError, TypeError, OverflowError, OSError) as error:
        raise BadValueError(f"{shorten(value)} is not a time; allowed: ISO 8601, or seconds from 1970") from error


def match_annotations(
    annotations: Iterable[Annotation], sentences: pd.DataFrame
) -> tuple[list[Annotation], list[tuple[Annotation, str]]]:
    """Separate annotations of sentences that still exist unchanged from the others, each of these with the reason.

    Texts are compared without regard to blanks, line ends and leading apostrophes, which browsers and spreadsheets
    change. An annotation without a text is matched by its id alone: the id stands for the text too.
    """
    texts = dict(zip(sentences["sentence_id"], map(_comparable, sentences["text"]), strict=True))
    id_of_text = {text: key for key, text in texts.items()}

    matched, unmatched = [], []
    for annotation in annotations:
        if reason := _find_difference(annotation, texts, id_of_text):
            unmatched.append((annotation, reason))
        else:
            matched.append(annotation)
    return matched, unmatched


def _find_difference(annotation: Annotation, texts: Mapping[str, str], id_of_text: Mapping[str, str]) -> str | None:
    """Return why an annotation's sentence is not the one that was annotated, None where it is."""
    before = None if annotation.text is None else _comparable(annotation.text)
    now = texts.get(annotation.sentence_id)
    if now is None:
        moved = id_of_text.get(before) if before is not None else None
        return "gone: no sentence has its id" + (f"; its text is now in sentence {moved}" if moved else "")
    lossy = now.encode("cp1252", "replace").decode("cp1252")  # as spreadsheets save what Windows has no letter for
    return None if before in (None, now, lossy) else f"changed: the text was {shorten(before)} and is {shorten(now)}"


def _comparable(text: str) -> str:
    """Return a text without what browsers and spreadsheets change."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return " ".join(whole.split()).lstrip("'")
