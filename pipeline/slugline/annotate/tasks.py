"""Tasks for annotators: sentences with what is known and suggested of each, ready to be written in any format."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.annotate.annotation import shown
from slugline.data.articles import cell_text
from slugline.errors import InputError, listing

MODES = ("multilabel", "multiclass")
NEEDED = ("sentence_id", "article_id", "text")
ABOUT = ("title", "published", "source")
LIKELY = 0.5  # from here on a topic is suggested where a sentence may have several


class Task(NamedTuple):
    """A sentence to be labelled.

    `about` says where it comes from and why it is asked for, `given` the labels it has, `scores` how likely a model
    finds each topic, and `suggested` the topics that follow from these.
    """

    sentence_id: str
    article_id: str
    text: str
    about: dict[str, str]
    given: tuple[str, ...] | None
    scores: dict[str, float] | None
    suggested: tuple[str, ...] | None

    @property
    def proposed(self) -> tuple[str, ...] | None:
        """The labels to begin with: those given, else those suggested."""
        return self.suggested if self.given is None else self.given

    def confidence(self, mode: str) -> float | None:
        """Return how sure the model is of all it suggests: of its least sure topic, or of the one it chose."""
        if not self.scores:
            return None
        scores = list(self.scores.values())
        return max(scores) if mode == "multiclass" else min(max(score, 1 - score) for score in scores)


class Tasks(NamedTuple):
    """The tasks, the definition of each topic, and whether a sentence may have several."""

    rows: list[Task]
    topics: dict[str, str]
    mode: str


def to_tasks(
    sentences: pd.DataFrame,
    topics: Mapping[str, str],
    probabilities: np.ndarray | None,
    reasons: Sequence[str] | None,
    mode: str,
) -> Tasks:
    """Make tasks of sentences; raise `InputError` for a topic, label or sentence that no format could bring back."""
    if mode not in MODES:
        raise InputError(f"mode: {shown(mode)}; allowed: {listing(MODES)}")
    if missing := [column for column in NEEDED if column not in sentences]:
        raise InputError(f"sentences to be labelled have no column '{missing[0]}'; found: {listing(sentences)}")
    check_topics(topics)
    check_ids(sentences["sentence_id"])
    count = len(sentences)
    if reasons is not None and len(reasons) != count:
        raise ValueError(f"{len(reasons)} reasons for {count} sentences")
    scores = _scores(probabilities, topics, count)
    about = _about(sentences, reasons)
    labels = sentences["labels"] if "labels" in sentences else [None] * count
    columns = zip(sentences["sentence_id"], sentences["article_id"], sentences["text"], labels, strict=True)
    rows = [
        Task(key, article, text, about[row], _given(given, topics, key), scores[row], _likely(scores[row], mode))
        for row, (key, article, text, given) in enumerate(columns)
    ]
    return Tasks(rows, dict(topics), mode)


def check_topics(topics: Mapping[str, str]) -> None:
    """Raise `InputError` for a topic whose name would not come back as it was."""
    if not topics:
        raise InputError("no topic to label sentences with; give at least one")
    for topic in topics:
        if not topic or topic != topic.strip() or any(unicodedata.category(sign) in ("Cc", "Cs") for sign in topic):
            raise InputError(f"topic {shown(topic)} cannot be written: it is empty, or has blanks around or line ends")


def check_ids(keys: pd.Series) -> None:
    """Raise `InputError` for a sentence without an id of its own."""
    if empty := [key for key in keys if not isinstance(key, str) or not key]:
        raise InputError(f"sentence_id {shown(empty[0])}; allowed: text")
    if len(twice := keys[keys.duplicated()]):
        raise InputError(f"sentence_id {shown(twice.iloc[0])} stands more than once; each sentence is asked for once")


def _scores(
    probabilities: np.ndarray | None, topics: Mapping[str, str], count: int
) -> Sequence[dict[str, float] | None]:
    if probabilities is None:
        return [None] * count
    if probabilities.shape != (count, len(topics)) or not np.isfinite(probabilities).all():
        raise ValueError(
            f"probabilities of shape {probabilities.shape}; wanted: finite, of shape {(count, len(topics))}"
        )
    return [dict(zip(topics, row, strict=True)) for row in probabilities.astype(float).tolist()]


def _likely(scores: dict[str, float] | None, mode: str) -> tuple[str, ...] | None:
    if scores is None:
        return None
    if mode == "multiclass":
        return (max(scores, key=scores.__getitem__),)
    return tuple(topic for topic, score in scores.items() if score >= LIKELY)


def _about(sentences: pd.DataFrame, reasons: Sequence[str] | None) -> list[dict[str, str]]:
    columns: dict[str, Any] = {name: sentences[name] for name in ABOUT if name in sentences}
    if reasons is not None:
        columns["reason"] = reasons
    cells = [[cell_text(value) or "" for value in column] for column in columns.values()]
    rows = zip(*cells, strict=True) if cells else [()] * len(sentences)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _given(labels: object, topics: Mapping[str, str], key: str) -> tuple[str, ...] | None:
    if not isinstance(labels, (tuple, list)):
        return None
    if unknown := [label for label in labels if label not in topics]:
        raise InputError(f"sentence {key}: its label {shown(unknown[0])} is no topic; allowed: {listing(topics, 40)}")
    return tuple(labels)
