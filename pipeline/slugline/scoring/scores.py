"""Scores of predictions against labels."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

Scores = dict[str, float]
_COLUMNS = ["precision", "recall", "f1", "ap", "support"]


def absent_topics(Y: np.ndarray, topics: Sequence[str]) -> list[str]:
    """Return the topics that no sentence has, by labels (sentences, topics)."""
    return [topic for topic, y in zip(topics, Y.T, strict=True) if not y.any()]


def score(
    Y: np.ndarray, predicted: np.ndarray, topics: Sequence[str], *, probabilities: np.ndarray | None = None
) -> Scores:
    """Return all scores by name: `f1_macro`, `f1/<topic>`, ...; `prefixed` makes metric keys of them.

    Scores of each topic, and averages: `macro` over the topics that any sentence carries, `micro` over all decisions,
    `samples` over sentences. The definitions are scikit-learn's. Where a score is undefined it counts as 0 for a topic;
    in `samples` as 1, so that a sentence without topics is right when none is predicted. Average precision is left out
    without probabilities.

    Examples
    --------
    >>> Y = np.array([[True, False], [True, True], [False, False]])
    >>> predicted = np.array([[True, False], [True, False], [False, False]])
    >>> scores = score(Y, predicted, ["aid", "war"])
    >>> scores["f1/aid"], scores["f1/war"], scores["f1_macro"]
    (1.0, 0.0, 0.5)
    """
    scores: Scores = {}
    by_topic = _score_topics(Y, predicted, probabilities)
    for name, values in by_topic.items():
        scores |= {f"{name}/{topic}": value for topic, value in zip(topics, values, strict=True)}
    carried = Y.any(axis=0) if Y.any() else np.ones(Y.shape[1], np.bool_)
    means = {name: np.array(values)[carried].mean() for name, values in by_topic.items() if name != "support"}
    scores |= {f"{name}_macro": float(mean) for name, mean in means.items()}

    hits = Y & predicted
    micro = precision_recall_f1(hits.sum(), predicted.sum(), Y.sum(), undefined=0.0)
    scores |= {f"{name}_micro": float(value) for name, value in micro.items()}

    samples = precision_recall_f1(hits.sum(axis=1), predicted.sum(axis=1), Y.sum(axis=1), undefined=1.0)
    scores |= {f"{name}_samples": float(value.mean()) for name, value in samples.items()}

    scores["accuracy"] = float((predicted == Y).all(axis=1).mean())
    return scores


def prefixed(part: str, scores: Mapping[str, float]) -> Scores:
    """Return scores under the metric keys of a part: `test/f1_macro` for `f1_macro`."""
    return {f"{part}/{name}": value for name, value in scores.items()}


def precision_recall_f1(
    hits: np.ndarray, predicted: np.ndarray, actual: np.ndarray, undefined: float
) -> dict[str, np.ndarray]:
    """Return precision, recall and F1 from counts of any one shape; `undefined` is the value where one divides by 0."""
    fractions = {"precision": (hits, predicted), "recall": (hits, actual), "f1": (2 * hits, predicted + actual)}
    return {
        name: np.where(denominator > 0, numerator / np.maximum(denominator, 1), undefined)
        for name, (numerator, denominator) in fractions.items()
    }


def average_precision(y: np.ndarray, p: np.ndarray) -> float:
    """Return the average precision of a ranking by `p`: precisions weighted by the gain in recall, as in scikit-learn.

    0 without a positive.
    """
    if not y.any():
        return 0.0
    _, ends, hits = cut_points(y, p)
    return float(np.sum(np.diff(hits, prepend=0) * hits / (ends + 1)) / y.sum())


def cut_points(y: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return where a ranking can be cut: between sentences of different probabilities.

    The probabilities from high to low, shape (sentences,); the last place of each run of equal ones, shape (runs,); and
    how many positives come up to there, shape (runs,).
    """
    order = np.argsort(-p, kind="stable")
    ranked = p[order]
    # Sentences of one probability cannot be separated, so a cut is possible after the last of them.
    ends = np.flatnonzero(np.append(ranked[1:] < ranked[:-1], True))
    return ranked, ends, np.cumsum(y[order])[ends]


def tabulate(scores: Mapping[str, float], part: str, topics: Sequence[str]) -> pd.DataFrame:
    """Return the scores of one part as a table: topics down, then the averages; NaN where there is no score."""

    def row(ending: str) -> list[float]:
        return [scores.get(f"{part}/{name}{ending}", np.nan) for name in _COLUMNS]

    rows = {topic: row(f"/{topic}") for topic in topics}
    rows |= {average: row(f"_{average}") for average in ("macro", "micro", "samples")}
    return pd.DataFrame(rows, index=_COLUMNS).T


def tabulate_intervals(scores: Mapping[str, float], part: str, topics: Sequence[str]) -> pd.DataFrame:
    """Return what `tabulate` does, with the ends of the interval after each score: `f1, f1_low, f1_high, ...`."""
    tables = [tabulate(scores, part, topics)]
    for end in ("_low", "_high"):
        ends = {key.removesuffix(end): value for key, value in scores.items() if key.endswith(end)}
        tables.append(tabulate(ends, part, topics).drop(columns="support").add_suffix(end))
    columns = [f"{name}{end}" for name in ("f1", "precision", "recall", "ap") for end in ("", "_low", "_high")]
    return pd.concat(tables, axis="columns")[[*columns, "support"]]


def _score_topics(Y: np.ndarray, predicted: np.ndarray, probabilities: np.ndarray | None) -> dict[str, list[float]]:
    """Return precision, recall, F1, average precision (given probabilities) and support, each a list over topics."""
    hits = (Y & predicted).sum(axis=0)
    fractions = precision_recall_f1(hits, predicted.sum(axis=0), Y.sum(axis=0), undefined=0.0)
    by_topic = {name: values.tolist() for name, values in fractions.items()}
    if probabilities is not None:
        by_topic["ap"] = [average_precision(y, p) for y, p in zip(Y.T, probabilities.T, strict=True)]
    by_topic["support"] = Y.sum(axis=0).astype(float).tolist()
    return by_topic
