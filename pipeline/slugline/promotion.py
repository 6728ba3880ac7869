"""Promotion: whether a model may take the place of the champion, judged on the same sentences.

A model may be a little worse than the champion, since scores vary by chance. So that many small steps do not add up, it
is also judged against the best of the champions before.
"""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slugline.data.context import Context
from slugline.errors import InputError, listing
from slugline.model import TopicModel
from slugline.scoring import absent_topics, expected_calibration_error, paired_differences, score


@dataclass(frozen=True)
class Gate:
    """What a model must be to become the champion.

    Parameters
    ----------
    max_macro_drop : float
        Largest drop in macro F1 against the champion, and against the best one before it, measured at the lower end of
        the 95 % interval.
    min_topic_f1 : float
        Lowest F1 that any topic may have.
    max_calibration_error : float
        Largest expected calibration error, as the mean over topics.
    max_milliseconds : float
        Longest time per sentence, in a batch, in milliseconds.
    max_megabytes : float
        Largest size of the model on disk, in MB.
    """

    max_macro_drop: float = 0.02
    min_topic_f1: float = 0.0
    max_calibration_error: float = 0.1
    max_milliseconds: float = 10.0
    max_megabytes: float = 500.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value >= 0:  # NaN, too
                raise InputError(f"gate.{name}={value}; allowed: from 0")

    def failures(self, figures: "Figures") -> list["Failure"]:
        """Return what a model fails by itself, without the champion."""
        weak = {topic: f1 for topic, f1 in figures.topics.items() if f1 < self.min_topic_f1}
        found = [
            Failure(f"F1 of {topic} is {f1:.3f}", "min_topic_f1", self.min_topic_f1, f1) for topic, f1 in weak.items()
        ]
        limits = {
            "max_calibration_error": ("calibration error", figures.calibration),
            "max_milliseconds": ("milliseconds for a sentence", figures.milliseconds),
            "max_megabytes": ("megabytes", figures.megabytes),
        }
        for key, (name, value) in limits.items():
            if value > (limit := getattr(self, key)):
                found.append(Failure(f"{name} {value:.3g}", key, limit, value))
        return found


class Failure(NamedTuple):
    """A limit of the gate that a model does not keep: in words, the gate's key, its limit, and the model's value."""

    reason: str
    key: str
    limit: float
    value: float

    def __str__(self) -> str:
        """Return the reason with the limit."""
        return f"{self.reason} (gate.{self.key}={self.limit:g})"


@dataclass(frozen=True)
class Figures:
    """What the gate looks at: macro F1, F1 of each topic, and the rest as in `Gate`."""

    macro: float
    topics: dict[str, float]
    calibration: float
    milliseconds: float
    megabytes: float


class Contender(NamedTuple):
    """A version of a registered model, and the folder that it was loaded from."""

    version: str
    folder: Path
    model: TopicModel

    def check_topics(self, topics: Sequence[str]) -> None:
        """Raise `InputError` for a topic that the model does not give."""
        if missing := [topic for topic in topics if topic not in self.model.topics]:
            raise InputError(
                f"version {self.version} has no topic '{missing[0]}', which the data has; it has: "
                f"{listing(self.model.topics, 40)}; give data= and labels= with these topics, or train with other "
                "topics under another name: slugline train tracking.registered_model=NAME"
            )


@dataclass(frozen=True)
class Reference:
    """A champion that a candidate was judged against, on so many sentences.

    `difference` is macro F1 of the candidate less the champion's: `one, other, difference, low, high, p`.
    """

    version: str
    figures: Figures
    difference: dict[Any, float]
    sentences: int

    def describe(self, limit: float) -> str:
        """Return in words by how much the candidate is better or worse, and whether a limit allows it."""
        gap, low, high = (self.difference[name] for name in ("difference", "low", "high"))
        if low == high == 0:
            return "the same predictions"
        by_how_much = "equal" if gap == 0 else f"{'better' if gap > 0 else 'worse'} by {abs(gap):.3f}"
        if low >= 0:
            return f"{by_how_much}, beyond chance"
        kept = "within" if low >= -limit else "beyond"
        again = "" if gap < 0 else "worse "
        worst = _round_off(-low, limit)
        return f"{by_how_much}, at the lower end of its interval {again}by {worst}: {kept} the tolerance of {limit:g}"


def _round_off(value: float, limit: float) -> str:
    """Return a value in three digits, or as many more as tell it from a limit."""
    texts = (f"{value:.{digits}f}" for digits in range(3, 16))
    return next((text for text in texts if float(text) != limit), f"{value:.3f}")


@dataclass(frozen=True)
class EvaluationSet:
    """The labelled sentences that models are judged on: of a part of the split, or of `all`; and their context."""

    part: str
    texts: Sequence[str]
    Y: np.ndarray
    topics: tuple[str, ...]
    articles: np.ndarray
    context: Context | None = None

    def __post_init__(self) -> None:
        if not len(self.texts):
            raise InputError(f"part={self.part}: it has no sentences")
        if not self.Y.any():
            raise InputError(f"part={self.part}: none of its sentences has a topic")

    @property
    def absent(self) -> list[str]:
        """The topics that no sentence has, by which no model can be judged."""
        return absent_topics(self.Y, self.topics)

    def without_absent(self) -> "EvaluationSet":
        """Return the same sentences with those topics alone that some of them have."""
        topics = tuple(topic for topic in self.topics if topic not in self.absent)
        return replace(self, Y=self.Y[:, self.Y.any(axis=0)], topics=topics)


@dataclass(frozen=True)
class Verdict:
    """The judgement of a candidate, against the champion where there is one, and the best champion before it.

    The candidate may become the champion if it `failed` nothing.
    """

    candidate: Figures
    gate: Gate
    evaluation_set: EvaluationSet
    version: str
    failed: list[Failure]
    champion: Reference | None = None
    best_before: Reference | None = None

    def references(self) -> list[Reference]:
        """Return the champions that the candidate was judged against."""
        return [reference for reference in (self.champion, self.best_before) if reference is not None]

    def reasons(self) -> list[str]:
        """Return in words why it passes or does not."""
        if self.failed:
            return list(map(str, self.failed))
        limit = self.gate.max_macro_drop
        against = [f"against version {one.version}: {one.describe(limit)}" for one in self.references()]
        return against or ["there is no champion to be better than"]

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON can hold it."""
        values: dict[str, Any] = {"candidate": asdict(self.candidate), "gate": asdict(self.gate)}
        evaluated = self.evaluation_set
        values |= {"sentences": len(evaluated.texts), "part": evaluated.part, "absent": evaluated.absent}
        for name, reference in (("champion", self.champion), ("best_before", self.best_before)):
            if reference is not None:
                sizes = {"sentences": reference.sentences, "difference": reference.difference}
                values[name] = asdict(reference.figures) | {"version": reference.version} | sizes
        return values | {"version": self.version, "failed": list(map(str, self.failed)), "reasons": self.reasons()}


def judge(
    gate: Gate,
    evaluation_set: EvaluationSet,
    candidate: Contender,
    champion: Contender | None,
    before: Sequence[tuple[Contender, EvaluationSet]] = (),
) -> Verdict:
    """Judge a candidate by itself, against the champion where there is one, and against the best champion before it.

    No model should have been trained on the sentences that it is judged on; so champions `before` have each their own.
    Raises `InputError` when a model lacks one of the topics.
    """
    judged = evaluation_set.without_absent()
    ours = _measure(candidate, judged)
    present = champion and _compare(ours, champion, judged)
    # Each has other sentences, so the best is the one that the candidate is farthest below
    own = [(former, judged_on.without_absent()) for former, judged_on in before]
    earlier = [_compare(_measure(candidate, judged_on), former, judged_on) for former, judged_on in own]
    best = min(earlier, key=lambda reference: reference.difference["difference"], default=None)
    verdict = Verdict(ours.figures, gate, evaluation_set, candidate.version, gate.failures(ours.figures), present, best)
    drops = [drop for reference in verdict.references() for drop in _find_drop(gate, reference)]
    return replace(verdict, failed=[*verdict.failed, *drops])


def _compare(ours: "_Measured", champion: Contender, judged: EvaluationSet) -> Reference:
    """Compare a candidate, measured on the sentences, with a champion on the same."""
    theirs = _measure(champion, judged)
    table = paired_differences(
        judged.Y,
        ours.predicted,
        theirs.predicted,
        judged.topics,
        groups=judged.articles,
        probabilities=(ours.probabilities, theirs.probabilities),
    )
    difference = table.drop(columns="p_holm").loc["f1_macro"].to_dict()
    return Reference(champion.version, theirs.figures, difference, len(judged.texts))


def _find_drop(gate: Gate, reference: Reference) -> list[Failure]:
    """Return that macro F1 may be lower than a champion's by more than the gate allows; nothing, if it may not."""
    difference, limit = reference.difference, gate.max_macro_drop
    if difference["low"] >= -limit:
        return []
    scores = f"macro F1 {difference['one']:.3f} against {difference['other']:.3f} of version {reference.version}"
    return [Failure(f"{scores}: {reference.describe(limit)}", "max_macro_drop", limit, -difference["low"])]


class _Measured(NamedTuple):
    """The figures of a model, and its predictions and probabilities, both of shape (sentences, topics)."""

    figures: Figures
    predicted: np.ndarray
    probabilities: np.ndarray


def _measure(contender: Contender, evaluation_set: EvaluationSet) -> _Measured:
    """Return what a model does on an evaluation set."""
    model, folder, Y, topics = contender.model, contender.folder, evaluation_set.Y, evaluation_set.topics
    contender.check_topics(topics)
    start = time.perf_counter()
    probabilities = model.predict_proba(evaluation_set.texts, evaluation_set.context)
    seconds = time.perf_counter() - start
    # The model may have topics that the data lacks.
    columns = [model.topics.index(topic) for topic in topics]
    P, predicted = probabilities[:, columns], model.decide(probabilities)[:, columns]

    scores = score(Y, predicted, topics, probabilities=P)
    figures = Figures(
        macro=scores["f1_macro"],
        topics={topic: scores[f"f1/{topic}"] for topic in topics},
        calibration=float(np.mean([expected_calibration_error(y, p) for y, p in zip(Y.T, P.T, strict=True)])),
        milliseconds=1000 * seconds / len(evaluation_set.texts),
        megabytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6,
    )
    return _Measured(figures, predicted, P)
