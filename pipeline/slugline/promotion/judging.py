"""A model against the champion, on the same sentences: by what it predicts now, or what its cross-validation did."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.data.context import Context
from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing
from slugline.model import TopicModel
from slugline.promotion.gate import Failure, Figures, Gate
from slugline.scoring import absent_topics, expected_calibration_error, paired_differences, score
from slugline.scoring.comparison import shared_sentences, topic_columns


class Contender(NamedTuple):
    """A version of a registered model, and the folder that it was loaded from.

    `cross_validated` are the predictions of its run by cross-validation, if it is judged by those: as
    `scoring.compare_predictions` takes them, with the probability of each topic.
    """

    version: str
    folder: Path
    model: TopicModel
    cross_validated: pd.DataFrame | None = None

    def predictions(self) -> pd.DataFrame:
        """Return what its run predicted by cross-validation; raise `InputError` where it did not."""
        if self.cross_validated is None:
            raise InputError(f"version {self.version} was not judged by cross-validation")
        return self.cross_validated

    def check_topics(self, topics: Sequence[str]) -> None:
        """Raise `InputError` for a topic that the model does not give."""
        known = self.model.topics if self.cross_validated is None else self.cross_validated.columns
        if missing := [topic for topic in topics if topic not in known]:
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
    """The labelled sentences that models are judged on: of a part of the split, or of `all`; and their context.

    `sentence_ids` are needed where models are judged by the predictions of their runs.
    """

    part: str
    texts: Sequence[str]
    Y: np.ndarray
    topics: tuple[str, ...]
    articles: np.ndarray
    context: Context | None = None
    sentence_ids: Sequence[str] = ()

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


def share_predictions(part: str, candidate: Contender, champion: Contender | None = None) -> EvaluationSet:
    """Return the sentences that a candidate's run cross-validated, as did that of the champion with the same labels.

    Raises `InputError` where there is none.
    """
    frames = {f"version {one.version}": one.predictions() for one in (candidate, champion) if one is not None}
    shared = shared_sentences(frames)[0].sort_values("sentence_id")  # p as `slugline compare` has it
    topics = topic_columns(shared)
    return EvaluationSet(
        part,
        shared["text"].tolist(),
        to_matrix(shared["labels"], topics),
        topics,
        shared["article_id"].to_numpy(),
        sentence_ids=shared["sentence_id"].tolist(),
    )


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
    if contender.cross_validated is None:
        # The model may have topics that the data lacks.
        columns = [model.topics.index(topic) for topic in topics]
        P, predicted = probabilities[:, columns], model.decide(probabilities)[:, columns]
    else:
        made = contender.cross_validated.set_index("sentence_id").loc[[*evaluation_set.sentence_ids]]
        P, predicted = made[[*topics]].to_numpy(float), to_matrix(made["topics"], topics)

    scores = score(Y, predicted, topics, probabilities=P)
    figures = Figures(
        macro=scores["f1_macro"],
        topics={topic: scores[f"f1/{topic}"] for topic in topics},
        calibration=float(np.mean([expected_calibration_error(y, p) for y, p in zip(Y.T, P.T, strict=True)])),
        milliseconds=1000 * seconds / len(evaluation_set.texts),
        megabytes=sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / 1e6,
    )
    return _Measured(figures, predicted, P)
