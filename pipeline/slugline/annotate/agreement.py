"""Several annotators: what they say together, and how far they agree."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.annotate.annotation import Annotation, shown
from slugline.annotate.tasks import MODES
from slugline.errors import InputError, listing

WAYS = ("majority", "adjudicated")


class Merged(NamedTuple):
    """A sentence as its annotators see it together.

    `annotators` are those who labelled it, `votes` how many of them saw each topic, `ties` the topics that are left
    open; it is `resolved` where none is and somebody labelled it, in multiclass with one topic.
    """

    sentence_id: str
    labels: tuple[str, ...]
    annotators: tuple[str, ...]
    votes: dict[str, int]
    ties: tuple[str, ...]
    resolved: bool


def latest(annotations: Iterable[Annotation]) -> list[Annotation]:
    """Return the latest annotation of each annotator on each sentence.

    The later in time counts; where one of two has no time, the one that comes later here.
    """
    found: dict[tuple[str, str], Annotation] = {}
    for annotation in annotations:
        key = (annotation.sentence_id, annotation.annotator)
        if key not in found or not _precedes(annotation, found[key]):
            found[key] = annotation
    return list(found.values())


def _precedes(one: Annotation, other: Annotation) -> bool:
    return one.when is not None and other.when is not None and _moment(one.when) < _moment(other.when)


def _moment(when: str) -> datetime:
    try:
        moment = datetime.fromisoformat(when)
    except ValueError as error:
        raise InputError(f"when: {shown(when)} is no time; allowed: ISO 8601") from error
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def merge(
    annotations: Iterable[Annotation], how: str = "majority", adjudicator: str | None = None, mode: str = "multilabel"
) -> pd.DataFrame:
    """Return one row a sentence, the columns of `Merged`, from the latest annotation of each annotator.

    `majority`: a topic is given when more than half of those who labelled the sentence gave it, in multiclass the topic
    that most gave; a tie is left open, unless the adjudicator, who has no vote, labelled the sentence. `adjudicated`:
    what the adjudicator said counts; without it a topic counts when all gave it, and is left open when only some did.
    A skipped sentence has no vote, and one that all skipped is not resolved.
    """
    if how not in WAYS:
        raise InputError(f"how: {shown(how)}; allowed: {listing(WAYS)}")
    if mode not in MODES:
        raise InputError(f"mode: {shown(mode)}; allowed: {listing(MODES)}")
    if how == "adjudicated" and adjudicator is None:
        raise InputError("how=adjudicated: no adjudicator; say which annotator decides")
    sentences: dict[str, list[Annotation]] = {}
    for annotation in latest(annotations):
        sentences.setdefault(annotation.sentence_id, []).append(annotation)
    rows = [_merged(key, found, how, adjudicator, mode) for key, found in sentences.items()]
    return pd.DataFrame(rows, columns=list(Merged._fields))


def _merged(key: str, found: Sequence[Annotation], how: str, adjudicator: str | None, mode: str) -> Merged:
    said = {one.annotator: one.labels for one in found if one.labels is not None}
    verdict = said.get(adjudicator) if adjudicator is not None else None
    voters = [labels for annotator, labels in said.items() if annotator != adjudicator]
    votes = Counter(topic for labels in voters for topic in labels)
    labels, ties = _counted(votes, len(voters), how, mode)
    if verdict is not None:
        decides = how == "adjudicated" or not voters or (mode == "multiclass" and ties)
        labels, ties = list(verdict) if decides else [*labels, *(topic for topic in ties if topic in verdict)], []
    resolved = bool(said) and not ties and (mode == "multilabel" or len(labels) == 1)
    return Merged(key, tuple(sorted(labels)), tuple(said), dict(votes), tuple(ties), resolved)


def _counted(votes: Counter[str], voters: int, how: str, mode: str) -> tuple[list[str], list[str]]:
    """Return the topics that are given and those that are left open."""
    if how == "adjudicated":
        return [topic for topic in votes if votes[topic] == voters], sorted(t for t in votes if votes[t] < voters)
    if mode == "multiclass":
        most = [topic for topic in votes if votes[topic] == max(votes.values())]
        return (most, []) if len(most) == 1 else ([], sorted(most))
    given = [topic for topic in votes if 2 * votes[topic] > voters]
    return given, sorted(topic for topic in votes if 2 * votes[topic] == voters)


def krippendorff_alpha(annotations: Iterable[Annotation], topics: Sequence[str]) -> pd.Series:
    """Return Krippendorff's alpha of every topic, each a yes or no of its own, from the latest annotations.

    1 is perfect agreement, 0 what chance gives. A sentence that fewer than two labelled counts for nothing; NaN where
    none is left, or all say the same of all, so that chance cannot be told. K. Krippendorff (2011), Computing
    Krippendorff's alpha-reliability, for nominal data, any number of observers and missing data:
    https://repository.upenn.edu/asc_papers/43
    """
    said = [annotation for annotation in latest(annotations) if annotation.labels is not None]
    units = pd.factorize(np.array([one.sentence_id for one in said], dtype=object))[0]
    values = np.array([[topic in (one.labels or ()) for topic in topics] for one in said], dtype=float)
    counts = np.bincount(units) if said else np.zeros(0)
    yes = np.zeros((len(counts), len(topics)))
    np.add.at(yes, units, values.reshape(len(said), len(topics)))
    pairable = counts > 1
    counts, yes = counts[pairable, None].astype(float), yes[pairable]
    no = counts - yes
    disagreeing = (yes * no / (counts - 1)).sum(axis=0)  # o_01 of the coincidence matrix, and o_10
    total_yes, total_no, total = yes.sum(axis=0), no.sum(axis=0), counts.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        alpha = 1 - (total - 1) * disagreeing / (total_yes * total_no)
    return pd.Series(np.where(total_yes * total_no > 0, alpha, np.nan), index=list(topics), name="alpha")
