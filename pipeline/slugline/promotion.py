"""Promotion: whether a model may take the place of the champion, judged on the same sentences."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slugline.errors import InputError, listing
from slugline.model import TopicModel
from slugline.scoring import expected_calibration_error, paired_differences, score


@dataclass(frozen=True)
class Gate:
    """What a model must be to become the champion.

    Parameters
    ----------
    max_macro_drop : float
        Largest drop in macro F1 against the champion, measured at the lower end of the 95 % interval.
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


@dataclass(frozen=True)
class EvaluationSet:
    """The labelled sentences that models are judged on: of a part of the split, or of `all`."""

    part: str
    texts: Sequence[str]
    Y: np.ndarray
    topics: tuple[str, ...]
    articles: np.ndarray

    def __post_init__(self) -> None:
        if not len(self.texts):
            raise InputError(f"part={self.part}: it has no sentences")
        if not self.Y.any():
            raise InputError(f"part={self.part}: none of its sentences has a topic")

    @property
    def absent(self) -> list[str]:
        """The topics that no sentence has, by which no model can be judged."""
        return [topic for topic, y in zip(self.topics, self.Y.T, strict=True) if not y.any()]

    def without_absent(self) -> "EvaluationSet":
        """Return the same sentences with those topics alone that some of them have."""
        topics = tuple(topic for topic in self.topics if topic not in self.absent)
        return replace(self, Y=self.Y[:, self.Y.any(axis=0)], topics=topics)


@dataclass(frozen=True)
class Verdict:
    """The judgement of a candidate, against the champion where there is one.

    `difference` is macro F1 of the candidate less the champion's: `one, other, difference, low, high, p`. The candidate
    may become the champion if it `failed` nothing.
    """

    candidate: Figures
    gate: Gate
    evaluation_set: EvaluationSet
    version: str
    failed: list[Failure]
    champion: Figures | None = None
    champion_version: str | None = None
    difference: dict[Any, float] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the verdict as JSON can hold it."""
        values: dict[str, Any] = {"candidate": asdict(self.candidate), "gate": asdict(self.gate)}
        evaluated = self.evaluation_set
        values |= {"sentences": len(evaluated.texts), "part": evaluated.part, "absent": evaluated.absent}
        if self.champion is not None:
            values["champion"] = asdict(self.champion) | {"version": self.champion_version}
            values["difference"] = self.difference
        return values | {"version": self.version, "failed": list(map(str, self.failed))}


def judge(gate: Gate, evaluation_set: EvaluationSet, candidate: Contender, champion: Contender | None) -> Verdict:
    """Judge a candidate by itself, and against the champion where there is one.

    Neither should have been trained on the evaluation set. Raises `InputError` when a model lacks one of its topics.
    """
    judged = evaluation_set.without_absent()
    figures, *ours = _measure(candidate, judged)
    verdict = Verdict(figures, gate, evaluation_set, candidate.version, gate.failures(figures))
    if champion is None:
        return verdict

    champion_figures, *theirs = _measure(champion, judged)
    (predicted, P), (champion_predicted, champion_P) = ours, theirs
    table = paired_differences(
        judged.Y,
        predicted,
        champion_predicted,
        judged.topics,
        groups=judged.articles,
        probabilities=(P, champion_P),
    )
    difference = table.drop(columns="p_holm").loc["f1_macro"].to_dict()
    return replace(
        verdict,
        failed=[*verdict.failed, *_find_drop(gate, difference, champion)],
        champion=champion_figures,
        champion_version=champion.version,
        difference=difference,
    )


def _find_drop(gate: Gate, difference: Mapping[Any, float], champion: Contender) -> list[Failure]:
    """Return that macro F1 may be lower than the champion's by more than the gate allows; nothing, if it may not."""
    low, limit = difference["low"], gate.max_macro_drop
    if low >= -limit:
        return []
    reason = (
        f"macro F1 {difference['one']:.3f} against {difference['other']:.3f} of version {champion.version} may, at the "
        f"lower end of its interval, be lower by {-low:.3f}"
    )
    return [Failure(reason, "max_macro_drop", limit, -low)]


def _measure(contender: Contender, evaluation_set: EvaluationSet) -> tuple[Figures, np.ndarray, np.ndarray]:
    """Return the figures of a model, and its predictions and probabilities, both of shape (sentences, topics)."""
    model, folder, Y, topics = contender.model, contender.folder, evaluation_set.Y, evaluation_set.topics
    if missing := [topic for topic in topics if topic not in model.topics]:
        raise InputError(
            f"version {contender.version} has no topic '{missing[0]}', which the data has; it has: "
            f"{listing(model.topics, 40)}; give data= and labels= with these topics, or train with other topics under "
            "another name: slugline train tracking.registered_model=NAME"
        )

    start = time.perf_counter()
    probabilities = model.predict_proba(evaluation_set.texts)
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
    return figures, predicted, P
