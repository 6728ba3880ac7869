"""Several annotators: their labels merged into one set a sentence, and how far they agree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.annotate.annotation import Annotation, shorten
from slugline.annotate.tasks import MODES
from slugline.errors import InputError, listing

_METHODS = ("majority", "adjudicated")


class MergedLabels(NamedTuple):
    """The labels of a sentence by all its annotators together.

    `annotators` are those who labelled the sentence, the adjudicator too; `votes` count how many gave each topic,
    without the adjudicator; `ties` are the topics left open. A sentence is `resolved` when somebody labelled it and no
    topic is left open; in multiclass also, when it has one topic.
    """

    sentence_id: str
    labels: tuple[str, ...]
    annotators: tuple[str, ...]
    votes: dict[str, int]
    ties: tuple[str, ...]
    resolved: bool


def keep_latest(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Return the latest annotation of each annotator on each sentence.

    The later in time counts; where one of two has no time, the one that comes later in `annotations`.
    """
    latest: dict[tuple[str, str], Annotation] = {}
    for annotation in annotations:
        key = (annotation.sentence_id, annotation.annotator)
        if key not in latest or not _is_earlier(annotation, latest[key]):
            latest[key] = annotation
    return list(latest.values())


def _is_earlier(annotation: Annotation, other: Annotation) -> bool:
    """Tell whether both annotations have a time and the first one's is earlier."""
    if annotation.when is None or other.when is None:
        return False
    return _to_datetime(annotation.when) < _to_datetime(other.when)


def _to_datetime(when: str) -> datetime:
    """Return a time with its time zone, UTC where none is named."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError as error:
        raise InputError(f"when: {shorten(when)} is not a time; allowed: ISO 8601") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def check_merge(method: str, adjudicator: str | None, mode: str) -> None:
    """Raise `InputError` for options that `merge_annotations` cannot merge by."""
    if method not in _METHODS:
        raise InputError(f"resolve: {shorten(method)}; allowed: {listing(_METHODS)}")
    if mode not in MODES:
        raise InputError(f"mode: {shorten(mode)}; allowed: {listing(MODES)}")
    if method == "adjudicated" and adjudicator is None:
        raise InputError("resolve=adjudicated: no adjudicator; say which annotator decides")


def merge_annotations(
    annotations: Iterable[Annotation],
    method: str = "majority",
    adjudicator: str | None = None,
    mode: str = "multilabel",
) -> pd.DataFrame:
    """Merge the latest annotations of all annotators into a row a sentence, with the columns of `MergedLabels`.

    With `method="majority"` a topic is given when more than half of those who labelled the sentence gave it, in
    multiclass the topic that most gave; a tie is left open, unless the adjudicator labelled the sentence. With
    `"adjudicated"` the adjudicator's labels count; without them a topic is given when all gave it, and is left open
    when only some did. The adjudicator has no vote, nor has a skipped sentence; one that all skipped is not resolved.
    `mode` is `"multilabel"` or `"multiclass"`.

    Examples
    --------
    >>> from slugline.annotate import Annotation, merge_annotations
    >>> answers = {"ann": ("aid", "talks"), "bob": ("aid",), "eve": ("aid", "talks")}
    >>> annotations = [Annotation("s1", labels, name, None, None, "file:1") for name, labels in answers.items()]
    >>> merge_annotations(annotations)[["sentence_id", "labels", "ties", "resolved"]].values.tolist()
    [['s1', ('aid', 'talks'), (), True]]
    """
    check_merge(method, adjudicator, mode)
    by_sentence: dict[str, list[Annotation]] = {}
    for annotation in keep_latest(annotations):
        by_sentence.setdefault(annotation.sentence_id, []).append(annotation)

    rows = [_merge_sentence(answers, method, adjudicator, mode) for answers in by_sentence.values()]
    return pd.DataFrame(rows, columns=list(MergedLabels._fields)).astype({"resolved": bool})


def _merge_sentence(annotations: Sequence[Annotation], method: str, adjudicator: str | None, mode: str) -> MergedLabels:
    """Merge the annotations of one sentence."""
    labels_by = {answer.annotator: answer.labels for answer in annotations if answer.labels is not None}
    verdict = labels_by.get(adjudicator) if adjudicator is not None else None
    voters = [labels for annotator, labels in labels_by.items() if annotator != adjudicator]
    votes = Counter(topic for labels in voters for topic in labels)
    labels, ties = _count_votes(votes, len(voters), method, mode)

    if verdict is not None:
        replaces_votes = method == "adjudicated" or not voters or (mode == "multiclass" and ties)
        labels = list(verdict) if replaces_votes else labels + [topic for topic in ties if topic in verdict]
        ties = []

    resolved = bool(labels_by) and not ties and (mode == "multilabel" or len(labels) == 1)
    key = annotations[0].sentence_id
    return MergedLabels(key, tuple(sorted(labels)), tuple(labels_by), dict(votes), tuple(ties), resolved)


def _count_votes(votes: Counter[str], voters: int, method: str, mode: str) -> tuple[list[str], list[str]]:
    """Return the topics that are given and those that are left open."""
    if method == "adjudicated":
        unanimous = [topic for topic in votes if votes[topic] == voters]
        return unanimous, sorted(topic for topic in votes if votes[topic] < voters)

    if mode == "multiclass":
        leading = [topic for topic in votes if votes[topic] == max(votes.values())]
        return (leading, []) if len(leading) == 1 else ([], sorted(leading))

    given = [topic for topic in votes if 2 * votes[topic] > voters]
    return given, sorted(topic for topic in votes if 2 * votes[topic] == voters)


def krippendorff_alpha(annotations: Iterable[Annotation], topics: Sequence[str]) -> pd.Series:
    """Compute Krippendorff's alpha of every topic, each taken as a yes or no question, from the latest annotations.

    K. Krippendorff (2011), Computing Krippendorff's alpha-reliability, for nominal data, any number of observers and
    missing data: https://repository.upenn.edu/asc_papers/43. A sentence that fewer than two annotators labelled does
    not count. 1 is perfect agreement, 0 that of chance; NaN where no sentence counts, or where all answers are the
    same, so that chance cannot be told.

    Examples
    --------
    >>> from slugline.annotate import Annotation, krippendorff_alpha
    >>> answers = {("s1", "ann"): ("aid",), ("s1", "bob"): ("aid",), ("s2", "ann"): (), ("s2", "bob"): ()}
    >>> annotations = [Annotation(key, labels, name, None, None, "") for (key, name), labels in answers.items()]
    >>> krippendorff_alpha(annotations, ["aid"]).to_dict()
    {'aid': 1.0}
    """
    answers = [annotation for annotation in keep_latest(annotations) if annotation.labels is not None]
    marks = [[topic in (answer.labels or ()) for topic in topics] for answer in answers]
    ids = pd.Index([answer.sentence_id for answer in answers], dtype=object)
    by_sentence = pd.DataFrame(marks, index=ids, columns=range(len(topics)), dtype=float).groupby(level=0, sort=False)

    # How many annotators labelled each sentence, and how many of them gave each topic
    counts, yes = by_sentence.size().to_numpy(float)[:, None], np.ascontiguousarray(by_sentence.sum())
    pairable = counts[:, 0] > 1
    counts, yes = counts[pairable], yes[pairable]
    no = counts - yes

    disagreeing = (yes * no / (counts - 1)).sum(axis=0)  # o_01 of the coincidence matrix, which is o_10 too
    total_yes, total_no, total = yes.sum(axis=0), no.sum(axis=0), counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = 1 - (total - 1) * disagreeing / (total_yes * total_no)
    return pd.Series(np.where(total_yes * total_no > 0, alpha, np.nan), index=list(topics), name="alpha")
