"""Scores of predictions against labels, and the threshold of each topic. No input or output."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipeline.tables import InputError

Scores = dict[str, float]


@dataclass(frozen=True)
class TunedThreshold:
    """A threshold per topic: for the best F1, the best recall at a wanted precision, or precision at a wanted recall.

    `part` says on which predictions: those for train, out of fold (`train`), or those for `dev`.
    """

    target_precision: float | None = None
    target_recall: float | None = None
    part: str = "train"

    def __post_init__(self) -> None:
        """Raise `InputError` for a target that is no share, and for another part."""
        check_part(self.part)
        for name in ("target_precision", "target_recall"):
            target = getattr(self, name)
            if target is not None and not 0 < target <= 1:
                raise InputError(f"threshold.{name}={target}; allowed: above 0, to 1")

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the threshold of each topic, shape (topics,), from labels and probabilities (sentences, topics)."""
        if self.target_precision is not None and self.target_recall is not None:
            raise InputError(
                "threshold: target_precision and target_recall are both set; allowed: one of them or neither"
            )
        pairs = zip(Y.T, probabilities.T, strict=True)
        return np.array([best_threshold(y, p, self.target_precision, self.target_recall) for y, p in pairs])


@dataclass(frozen=True)
class FixedThreshold:
    """One threshold for all topics."""

    value: float = 0.5
    part: str = "train"

    def __post_init__(self) -> None:
        """Raise `InputError` for another part."""
        check_part(self.part)

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the threshold of each topic, shape (topics,)."""
        return np.full(Y.shape[1], self.value)


def check_part(part: str) -> None:
    """Raise `InputError` for a part that thresholds are not chosen on."""
    if part not in ("train", "dev"):
        raise InputError(f"threshold.part={part}; allowed: train (out of fold), dev")


def best_threshold(
    y: np.ndarray, p: np.ndarray, target_precision: float | None = None, target_recall: float | None = None
) -> float:
    """Return the threshold on `p` that is best for one topic; the middle between the two probabilities it parts.

    Where no threshold reaches the wanted precision, the one with the highest precision is taken; 0.5 where `y` has no
    positive.
    """
    if not y.any():
        return 0.5
    ranked, ends, hits = cut_points(y, p)
    precision, recall = hits / (ends + 1), hits / y.sum()
    if target_precision is not None:
        value = np.where(precision >= target_precision, 2 + recall, precision)
    elif target_recall is not None:
        value = np.where(recall >= target_recall, precision, -1.0)
    else:
        value = 2 * hits / (ends + 1 + y.sum())
    last = ends[int(value.argmax())]
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    middle = (ranked[last] + below) / 2
    return float(middle if middle > below else ranked[last])  # next to each other, two floats have no middle


def score(
    part: str, Y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None, topics: Sequence[str]
) -> Scores:
    """Return all scores of one part under their metric keys (`test/f1_macro`, `test/f1/<topic>`, ...).

    All arrays have shape (sentences, topics). Averages over topics are macro, over all decisions micro, over sentences
    samples. Definitions are
    scikit-learn's: what is undefined counts as 0 for a topic; in `samples` as 1, so that a sentence without topics,
    predicted so, is right.
    """
    table = score_topics(Y, predicted, probabilities)
    scores = {
        f"{part}/{name}/{topic}": value
        for name, values in table.items()
        for topic, value in zip(topics, values, strict=True)
    }
    scores |= {f"{part}/{name}_macro": float(np.mean(values)) for name, values in table.items() if name != "support"}
    micro = rates((Y & predicted).sum(), predicted.sum(), Y.sum(), undefined=0.0)
    samples = rates((Y & predicted).sum(axis=1), predicted.sum(axis=1), Y.sum(axis=1), undefined=1.0)
    scores |= {f"{part}/{name}_micro": float(value) for name, value in micro.items()}
    scores |= {f"{part}/{name}_samples": float(value.mean()) for name, value in samples.items()}
    return scores | {f"{part}/accuracy": float((predicted == Y).all(axis=1).mean())}


def score_topics(Y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None) -> dict[str, list[float]]:
    """Return precision, recall, F1, average precision (given probabilities) and support, a list over topics each."""
    found = rates((Y & predicted).sum(axis=0), predicted.sum(axis=0), Y.sum(axis=0), undefined=0.0)
    table = {name: values.tolist() for name, values in found.items()}
    if probabilities is not None:
        table["ap"] = [average_precision(y, p) for y, p in zip(Y.T, probabilities.T, strict=True)]
    return table | {"support": Y.sum(axis=0).astype(float).tolist()}


def rates(hits: np.ndarray, found: np.ndarray, wanted: np.ndarray, undefined: float) -> dict[str, np.ndarray]:
    """Return precision, recall and F1 from counts of any one shape, `undefined` where the denominator is 0."""
    fractions = {"precision": (hits, found), "recall": (hits, wanted), "f1": (2 * hits, found + wanted)}
    return {
        name: np.where(under > 0, over / np.maximum(under, 1), undefined) for name, (over, under) in fractions.items()
    }


def average_precision(y: np.ndarray, p: np.ndarray) -> float:
    """Return the average precision of a ranking, as scikit-learn defines it.

    Precisions weighted by gain in recall; 0 without a positive.
    """
    if not y.any():
        return 0.0
    ends, hits = cut_points(y, p)[1:]
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / y.sum())


def expected_calibration_error(y: np.ndarray, p: np.ndarray, bins: int = 10) -> float:
    """Return how far probabilities are from the share of positives: the mean over bins of as many sentences each.

    Naeini, Cooper and Hauskrecht 2015, "Obtaining well calibrated probabilities using Bayesian binning", with bins of
    equal size (Nixon et al. 2019, "Measuring calibration in deep learning"), since most sentences are near 0.
    """
    parts = np.array_split(np.argsort(p, kind="stable"), min(bins, max(1, len(p))))
    return float(sum(len(part) * abs(y[part].mean() - p[part].mean()) for part in parts if len(part)) / max(1, len(p)))


def cut_points(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return probabilities from high to low, the last place of each run of equals, and the positives up to there."""
    order = np.argsort(-p, kind="stable")
    ranked = p[order]
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    return ranked, ends, np.cumsum(y[order])[ends]


def tabulate(scores: Mapping[str, float], part: str, topics: Sequence[str]) -> pd.DataFrame:
    """Return the scores of one part as a table: topics down, then the averages; scores across."""
    names = ["precision", "recall", "f1", "ap", "support"]
    rows = {topic: [scores.get(f"{part}/{name}/{topic}", np.nan) for name in names] for topic in topics}
    rows |= {
        average: [scores.get(f"{part}/{name}_{average}", np.nan) for name in names]
        for average in ("macro", "micro", "samples")
    }
    return pd.DataFrame(rows, index=names).T
