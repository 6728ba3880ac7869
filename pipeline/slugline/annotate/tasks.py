"""Tasks for annotators: sentences with the labels known and suggested for each, ready to be written in any format."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.annotate.annotation import shorten
from slugline.data.articles import cell_text
from slugline.errors import InputError, listing
from slugline.labels import by_people

MODES = ("multilabel", "multiclass")
ORDERS = ("random", "source", "topic", "first")
REQUIRED_COLUMNS = ("sentence_id", "article_id", "text")
METADATA_COLUMNS = ("title", "published", "source")
NO_TOPIC = "none of these"  # the label for no topic, in tools that cannot say that a sentence without labels is done
_SUGGESTED_FROM = 0.5  # the probability from which on a topic is suggested where a sentence may have several


class Task(NamedTuple):
    """A sentence to be labelled.

    `metadata` says where it comes from (`METADATA_COLUMNS`) and why it is asked for (`reason`), as far as known;
    `given` are the labels that it has already, `scores` the probability of each topic by a model, `suggested` the
    topics that follow from these.
    """

    sentence_id: str
    article_id: str
    text: str
    metadata: dict[str, str]
    given: tuple[str, ...] | None
    scores: dict[str, float] | None
    suggested: tuple[str, ...] | None

    @property
    def preselected(self) -> tuple[str, ...] | None:
        """The labels to start from: those given, else those suggested."""
        return self.suggested if self.given is None else self.given

    def confidence(self, mode: str) -> float | None:
        """Return how sure the model is: of the least sure topic, in multiclass of the topic it chose."""
        if not self.scores:
            return None
        scores = list(self.scores.values())
        return max(scores) if mode == "multiclass" else min(max(score, 1 - score) for score in scores)


class Tasks(NamedTuple):
    """All tasks, the definition of each topic, and whether a sentence may have several (`mode`)."""

    rows: list[Task]
    topics: dict[str, str]
    mode: str


def select_unlabelled(sentences: pd.DataFrame) -> pd.DataFrame:
    """Return the sentences that no person has labelled; labels by rules count as none."""
    return sentences[~by_people(sentences)]


def check_no_topic(topics: Mapping[str, str], tool: str) -> None:
    """Raise `InputError` for a topic with the name of the label for no topic."""
    if NO_TOPIC in topics:
        raise InputError(f"topic '{NO_TOPIC}' is what {tool}'s option for no topic is called; rename it")


def draw_tasks(sentences: pd.DataFrame, size: int | None, order: str, seed: int) -> pd.DataFrame:
    """Draw sentences to be labelled.

    Parameters
    ----------
    sentences : DataFrame
        With `source` and `labels`, which may be None.
    size : int or None
        How many; None, or more than there are: all.
    order : {"random", "source", "topic", "first"}
        At random; at random and as many of each source, or of each topic that labels by rules suggest, as there are; or
        the first ones.
    seed : int
        Seed of the draw.

    Returns
    -------
    DataFrame
        In the order in which they are to be labelled, so that labelling may stop at any of them.
    """
    if order not in ORDERS:
        raise InputError(f"order: {shorten(order)}; allowed: {listing(ORDERS)}")
    if size is not None and size < 1:
        raise InputError(f"size={size}; allowed: 1 or more, or null for all")
    if order == "first":
        return sentences.head(len(sentences) if size is None else size)
    drawn = sentences.sample(frac=1, random_state=seed)
    if order != "random":
        first_topic = drawn["labels"].map(lambda labels: labels[0] if labels else "")
        group = first_topic if order == "topic" else drawn["source"].fillna("")
        drawn = drawn.iloc[drawn.groupby(group).cumcount().argsort(kind="stable")]
    return drawn.head(len(drawn) if size is None else size)


def to_tasks(
    sentences: pd.DataFrame,
    topics: Mapping[str, str],
    probabilities: np.ndarray | None,
    reasons: Sequence[str] | None,
    mode: str,
) -> Tasks:
    """Turn sentences into tasks, with the arguments of `write_tasks`.

    Raises `InputError` for a topic, label or sentence that could not be read back from any format.
    """
    if mode not in MODES:
        raise InputError(f"mode: {shorten(mode)}; allowed: {listing(MODES)}")
    if missing := [column for column in REQUIRED_COLUMNS if column not in sentences]:
        raise InputError(f"sentences to be labelled have no column '{missing[0]}'; found: {listing(sentences)}")
    _check_topics(topics)
    _check_ids(sentences["sentence_id"])
    count = len(sentences)
    if reasons is not None and len(reasons) != count:
        raise ValueError(f"{len(reasons)} reasons for {count} sentences")

    scores = _to_scores(probabilities, topics, count)
    metadata = _to_metadata(sentences, reasons)
    labels = sentences["labels"] if "labels" in sentences else [None] * count
    columns = zip(*(sentences[name] for name in REQUIRED_COLUMNS), labels, metadata, scores, strict=True)
    rows = [
        Task(key, article, text, about, _check_labels(given, topics, key), by_topic, _suggest(by_topic, mode))
        for key, article, text, given, about, by_topic in columns
    ]
    return Tasks(rows, dict(topics), mode)


def _check_topics(topics: Mapping[str, str]) -> None:
    """Raise `InputError` for a topic whose name could not be read back as it is."""
    if not topics:
        raise InputError("no topic to label sentences with; give at least one")
    for topic in topics:
        has_control_characters = any(unicodedata.category(sign) in ("Cc", "Cs") for sign in topic)
        if not topic or topic != topic.strip() or has_control_characters:
            reason = "it is empty, or has blanks around or line ends"
            raise InputError(f"topic {shorten(topic)} cannot be written: {reason}")


def _check_ids(ids: pd.Series) -> None:
    """Raise `InputError` for a sentence without an id of its own."""
    if invalid := [key for key in ids if not isinstance(key, str) or not key]:
        raise InputError(f"sentence_id {shorten(invalid[0])}; allowed: text")
    if len(repeated := ids[ids.duplicated()]):
        key = shorten(repeated.iloc[0])
        raise InputError(f"sentence_id {key} is repeated; each sentence is asked for once")


def _check_labels(labels: object, topics: Mapping[str, str], key: str) -> tuple[str, ...] | None:
    """Return the labels that a sentence has, None where it has none; raise `InputError` for an unknown topic."""
    if not isinstance(labels, (tuple, list)):
        return None
    if unknown := [label for label in labels if label not in topics]:
        raise InputError(
            f"sentence {key}: its label {shorten(unknown[0])} is not a topic; allowed: {listing(topics, 40)}"
        )
    return tuple(labels)


def _to_scores(
    probabilities: np.ndarray | None, topics: Mapping[str, str], count: int
) -> Sequence[dict[str, float] | None]:
    """Return the probabilities of each sentence by topic."""
    if probabilities is None:
        return [None] * count
    shape = (count, len(topics))
    if probabilities.shape != shape or not np.isfinite(probabilities).all():
        raise ValueError(f"probabilities of shape {probabilities.shape}; wanted: finite, of shape {shape}")
    return [dict(zip(topics, row, strict=True)) for row in probabilities.astype(float).tolist()]


def _suggest(scores: dict[str, float] | None, mode: str) -> tuple[str, ...] | None:
    """Return the topics that a model suggests."""
    if scores is None:
        return None
    if mode == "multiclass":
        return (max(scores, key=scores.__getitem__),)
    return tuple(topic for topic, score in scores.items() if score >= _SUGGESTED_FROM)


def _to_metadata(sentences: pd.DataFrame, reasons: Sequence[str] | None) -> list[dict[str, str]]:
    """Return where each sentence comes from and why it is asked for."""
    columns: dict[str, Any] = {name: sentences[name] for name in METADATA_COLUMNS if name in sentences}
    if reasons is not None:
        columns["reason"] = reasons

    metadata: list[dict[str, str]] = [{} for _ in range(len(sentences))]
    for name, column in columns.items():
        for texts, value in zip(metadata, column, strict=True):
            texts[name] = cell_text(value) or ""
    return metadata
