"""What annotators said of sentences: checked, matched with the sentences there are, whatever file it came in."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from reprlib import Repr
from typing import Any, NamedTuple

import pandas as pd

from slugline.data.schema import Rejected
from slugline.errors import InputError, listing

Row = Mapping[str, Any]
_short = Repr()
_short.maxlevel, _short.maxstring, _short.maxother = 2, 60, 60


class Annotation(NamedTuple):
    """What an annotator said of a sentence.

    `labels` is None where the sentence was skipped, `when` is ISO 8601 in UTC, `where` the place in the file.
    """

    sentence_id: str
    labels: tuple[str, ...] | None
    annotator: str
    when: str | None
    text: str | None
    where: str


class Said(NamedTuple):
    """The same as it stands in a file: nothing is checked, and `labels` is None for a sentence that was skipped."""

    where: str
    sentence_id: object
    labels: object
    annotator: object = None
    when: object = None
    text: object = None


class BadValueError(ValueError):
    """A value in a row is none that an annotation can have; the rest of the file goes on."""


def shown(value: object) -> str:
    """Return a value of a file for a message: on one line, cut short, however deep or long it is."""
    return one_line(_short.repr(value))


def one_line(text: str) -> str:
    """Return a text with every run of blanks, line ends too, as one blank."""
    return " ".join(text.split())


def check(said: Said, topics: Mapping[str, int], annotator: str) -> Annotation | Rejected:
    """Return what was said as an annotation, or why it is none.

    `topics` maps each to its place; labels come in that order. `annotator` is who said it where the file does not tell.
    """
    try:
        labels = None if said.labels is None else check_labels(said.labels, topics)
        who, when = check_name(said.annotator, "annotator"), check_time(said.when)
        text = said.text
        if text is not None and not isinstance(text, str):
            raise BadValueError(f"the text is {shown(text)}; allowed: text")
        if (key := check_name(said.sentence_id, "sentence_id")) is None:
            raise BadValueError("no sentence_id")
    except BadValueError as error:
        return Rejected(said.where, one_line(str(error)))
    return Annotation(key, labels, who or annotator, when, text, said.where)


def check_labels(value: object, topics: Mapping[str, int]) -> tuple[str, ...]:
    """Return labels in the order of the topics, each once; raise `BadValueError` for what is none."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(label, str) for label in value):
        raise BadValueError(f"labels are {shown(value)}; allowed: a list of topics")
    if unknown := [label for label in value if label not in topics]:
        raise BadValueError(f"{shown(unknown[0])} is no topic; allowed: {listing(topics, 40)}")
    return tuple(sorted(set(value), key=topics.__getitem__))


def check_name(value: object, what: str) -> str | None:
    """Return an id or a name as text, None for an empty one; raise `BadValueError` for anything else."""
    if value is None or value == "":
        return None
    if isinstance(value, float) and value.is_integer():  # what a spreadsheet makes of 7
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise BadValueError(f"{what} is {shown(value)}; allowed: text or a whole number")
    return str(value)


def check_time(value: object) -> str | None:
    """Return a time as ISO 8601 in UTC, None for an empty one; raise `BadValueError` for what is no time.

    A text is ISO 8601, a number counts seconds from 1970; where no time zone is named, UTC is meant.
    """
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
        raise BadValueError(f"{shown(value)} is no time; allowed: ISO 8601, or seconds from 1970") from error


def match_annotations(
    annotations: Iterable[Annotation], sentences: pd.DataFrame
) -> tuple[list[Annotation], list[tuple[Annotation, str]]]:
    """Part annotations whose sentence is still there as it was from those whose sentence is not, each with the reason.

    `sentences` has `sentence_id` and `text`. Texts are compared without regard to blanks, line ends and apostrophes in
    front, which browsers and spreadsheets change; an annotation without a text is matched by its id alone, which stands
    for the text too.
    """
    texts = dict(zip(sentences["sentence_id"], map(_plain, sentences["text"]), strict=True))
    ids = {text: key for key, text in texts.items()}
    matched, unmatched = [], []
    for annotation in annotations:
        if reason := _difference(annotation, texts, ids):
            unmatched.append((annotation, reason))
        else:
            matched.append(annotation)
    return matched, unmatched


def _difference(annotation: Annotation, texts: Mapping[str, str], ids: Mapping[str, str]) -> str | None:
    then = None if annotation.text is None else _plain(annotation.text)
    now = texts.get(annotation.sentence_id)
    if now is None:
        moved = ids.get(then) if then is not None else None
        return "gone: no sentence has its id" + (f"; its text now stands in sentence {moved}" if moved else "")
    return None if then in (None, now) else f"changed: the text was {shown(then)} and is {shown(now)}"


def _plain(text: str) -> str:
    return one_line(text.encode("utf-8", "backslashreplace").decode()).lstrip("'")


def topic_places(topics: Iterable[str]) -> dict[str, int]:
    """Return each topic's place; raise `InputError` when there is none."""
    places = {topic: place for place, topic in enumerate(dict.fromkeys(topics))}
    if not places:
        raise InputError("no topic: annotations say which topics a sentence has; give at least one")
    return places
