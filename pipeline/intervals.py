"""Intervals and tests by bootstrap over articles: sentences of one article are not independent, articles are.

Efron and Tibshirani 1993, "An introduction to the bootstrap"; resampling whole clusters: Field and Welsh 2007,
"Bootstrapping clustered data". No input or output.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from pipeline.metrics import Scores, rates

RESAMPLES = 1000
LEVEL = 0.95
AT_ONCE = 1 << 22  # draws that are held in memory
RATES = ("precision", "recall", "f1")


class Draws(NamedTuple):
    """Scores of resamples: `topics` (resamples, rates, topics), `macro` and `micro` (resamples, rates)."""

    topics: np.ndarray
    macro: np.ndarray
    micro: np.ndarray


def count_articles(Y: np.ndarray, predicted: np.ndarray, articles: Sequence[Any] | np.ndarray) -> np.ndarray:
    """Return hits, predictions and labels of each article, shape (articles, 3, topics); takes (sentences, topics)."""
    group, names = pd.factorize(np.asarray(articles, dtype=object))
    counts = np.zeros((len(names), 3, Y.shape[1]))
    np.add.at(counts, group, np.stack([Y & predicted, predicted, Y], axis=1))
    return counts


def draw(counts: np.ndarray, weights: np.ndarray) -> Draws:
    """Return the scores of samples that hold each article so many times; `weights` have shape (samples, articles)."""
    totals = (weights @ counts.reshape(len(counts), -1)).reshape(len(weights), 3, -1)
    hits, given, wanted = np.moveaxis(totals, 1, 0)
    found = rates(hits, given, wanted, undefined=0.0)
    topics = np.stack([found[name] for name in RATES], axis=1)
    micro = rates(hits.sum(axis=1), given.sum(axis=1), wanted.sum(axis=1), undefined=0.0)
    return Draws(topics, topics.mean(axis=2), np.stack([micro[name] for name in RATES], axis=1))


def resample(counts: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> Draws:
    """Return the scores of samples of as many articles, drawn with replacement; the same for the same seed."""
    random, articles = np.random.default_rng(seed), len(counts)
    step = max(1, AT_ONCE // articles)
    parts = [
        draw(counts, times_drawn(random, min(step, resamples - start), articles)) for start in range(0, resamples, step)
    ]
    return Draws(*map(np.concatenate, zip(*parts, strict=True)))


def times_drawn(random: np.random.Generator, samples: int, articles: int) -> np.ndarray:
    """Return how often each article is in each sample, shape (samples, articles)."""
    drawn = random.integers(articles, size=(samples, articles)) + np.arange(samples)[:, None] * articles
    return np.bincount(drawn.ravel(), minlength=samples * articles).reshape(samples, articles).astype(float)


def named(part: str, draws: Draws, topics: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the scores of resamples under their metric keys, shape (resamples,) each."""
    found = {
        f"{part}/{rate}/{topic}": draws.topics[:, place, column]
        for place, rate in enumerate(RATES)
        for column, topic in enumerate(topics)
    }
    for average, values in (("macro", draws.macro), ("micro", draws.micro)):
        found |= {f"{part}/{rate}_{average}": values[:, place] for place, rate in enumerate(RATES)}
    return found


def score_intervals(
    part: str,
    Y: np.ndarray,
    predicted: np.ndarray,
    articles: Sequence[Any] | np.ndarray,
    topics: Sequence[str],
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Scores:
    """Return the 95 % interval of precision, recall and F1 under `KEY_low` and `KEY_high`.

    Bias-corrected percentiles (Efron 1981, "Nonparametric standard errors and confidence intervals"): macro F1 of a
    resample is lower than that of the sample, since it is a curved function of its counts, and plain percentiles
    would move twice as far. Thresholds count as given: that they were chosen is no part of the interval.
    """
    counts = count_articles(Y, predicted, articles)
    found = named(part, resample(counts, resamples, seed), topics)
    here = named(part, draw(counts, np.ones((1, len(counts)))), topics)
    return {
        f"{key}_{side}": value
        for key, values in found.items()
        for side, value in zip(("low", "high"), interval(values, float(here[key][0])), strict=True)
    }


def interval(values: np.ndarray, estimate: float) -> tuple[float, float]:
    """Return the bias-corrected percentile interval of an estimate from its values on resamples."""
    below = (np.mean(values < estimate) + np.mean(values <= estimate)) / 2
    shift = 2 * norm.ppf(np.clip(below, 1 / len(values), 1 - 1 / len(values)))
    sides = norm.cdf(shift + norm.ppf([(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
    low, high = np.quantile(values, sides)
    return float(low), float(high)


class Difference(NamedTuple):
    """How far one model is better than another: the difference of a score, its interval, and p, two-sided."""

    metric: str
    difference: float
    low: float
    high: float
    p: float


def paired(
    Y: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    articles: Sequence[Any] | np.ndarray,
    topics: Sequence[str],
    resamples: int = 10 * RESAMPLES,
    seed: int = 0,
) -> list[Difference]:
    """Return the differences in F1 (`one` less `other`) of each topic, then macro, with p corrected over the topics.

    Intervals by bootstrap over articles, the same resamples for both; p by exchanging the two models' predictions on
    whole articles at random (Noreen 1989, "Computer-intensive methods for testing hypotheses", chapter 2), Holm's
    correction over the topics; that of macro F1 stands alone.
    """
    a, b = (count_articles(Y, predicted, articles) for predicted in (one, other))
    observed = difference(a, b, np.ones((1, len(a))), topics)
    random, step = np.random.default_rng(seed), max(1, AT_ONCE // len(a))
    drawn: dict[str, list[np.ndarray]] = {key: [] for key in observed}
    swapped: dict[str, list[np.ndarray]] = {key: [] for key in observed}
    for start in range(0, resamples, step):
        samples = min(step, resamples - start)
        swap = random.integers(2, size=(samples, len(a))).astype(float)
        for into, found in (
            (drawn, difference(a, b, times_drawn(random, samples, len(a)), topics)),
            (swapped, exchange(a, b, swap, topics)),
        ):
            for key, values in found.items():
                into[key].append(values)
    rows = []
    for key, (value,) in observed.items():
        far = np.abs(np.concatenate(swapped[key])) >= abs(value) - 1e-12
        low, high = interval(np.concatenate(drawn[key]), float(value))
        rows.append(Difference(key, float(value), low, high, float((far.sum() + 1) / (len(far) + 1))))
    corrected = holm(np.array([row.p for row in rows[:-1]]))
    return [row._replace(p=float(p)) for row, p in zip(rows[:-1], corrected, strict=True)] + rows[-1:]


def difference(a: np.ndarray, b: np.ndarray, weights: np.ndarray, topics: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the differences in F1 of weighted articles."""
    return subtract(draw(a, weights), draw(b, weights), topics)


def exchange(a: np.ndarray, b: np.ndarray, swap: np.ndarray, topics: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the differences in F1 where the two models change places on the articles marked in each sample."""
    both = np.concatenate([a, b])
    one, other = (draw(both, np.hstack(weights)) for weights in ((1 - swap, swap), (swap, 1 - swap)))
    return subtract(one, other, topics)


def subtract(one: Draws, other: Draws, topics: Sequence[str]) -> dict[str, np.ndarray]:
    """Return the differences in F1 of each topic, then of the macro average, shape (samples,) each."""
    place = RATES.index("f1")
    gap = one.topics[:, place] - other.topics[:, place]
    macro = one.macro[:, place] - other.macro[:, place]
    return {f"f1/{topic}": gap[:, column] for column, topic in enumerate(topics)} | {"f1_macro": macro}


def holm(p: np.ndarray) -> np.ndarray:
    """Return p-values corrected for their number (Holm 1979, "A simple sequentially rejective multiple test")."""
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    found = np.empty(len(p))
    found[order] = np.minimum(corrected, 1)
    return found
