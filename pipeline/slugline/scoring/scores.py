"""Scores of predictions against labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

Scores = dict[str, float]


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
