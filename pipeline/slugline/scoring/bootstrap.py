"""Intervals of scores, and tests of their differences, by the bootstrap over articles.

Sentences of one article are alike, so whole articles are resampled: a resample is a weight per article. Resamples are
studentised: the difference from the sample is divided by the resample's own standard error, by linearisation over
articles (bootstrap-t: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 12). Intervals are found
on the arcsine scale, where the error hardly depends on the score and no interval leaves 0 to 1.

A topic that stands in three articles, all of them right, is wrong in no resample. So each score gets two articles more,
one right and one wrong, of the mean size; each weighs a quarter, in a resample a random quarter (gamma), as a prior
does in the Bayesian bootstrap (Rubin 1981, doi:10.1214/aos/1176345338). A difference of two models gets four: both
right, both wrong, and one of them right, as is done for matched proportions (Agresti and Min 2005, "Simple improved
confidence intervals for comparing matched proportions"). The weights were chosen by measured coverage:
`experiments/coverage.py`.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.scoring.scores import score
from slugline.scoring.sums import Measure, Sums, measure

PRIOR = 0.25  # of an article more that is right, and of one that is wrong
APART = 0.1  # of one on which a model is right and the other wrong
FLOOR = (
    0.5  # of the sample's standard error: that of a resample without the few articles that tell is taken for no less
)
AT_ONCE = 1 << 22  # weights of articles that are held at once
Interval = tuple[float, float]


class Draws(NamedTuple):
    """A score of the sample, and what it is in the sample, first, and in each resample, with the articles more.

    `values` have shape (1 + resamples,). `influence` says how they change with the weight of an article, (1 +
    resamples, articles); `prior` is what the articles more give to their variance, (1 + resamples,).
    """

    score: float
    values: np.ndarray
    influence: np.ndarray
    prior: np.ndarray

    def plus(self, other: "Draws", factor: float) -> "Draws":
        """Return the sum of this and so many times another, whose articles more are others."""
        return Draws(
            self.score + factor * other.score,
            self.values + factor * other.values,
            self.influence + factor * other.influence,
            self.prior + factor**2 * other.prior,
        )

    def errors(self, weights: np.ndarray) -> np.ndarray:
        """Return the standard error in the sample and in each resample, shape (1 + resamples,)."""
        return np.asarray(np.sqrt(np.einsum("ra,ra,ra->r", weights, self.influence, self.influence) + self.prior))


class Resampled(NamedTuple):
    """A score, and its value and standard error in the sample, first, and in each resample, (1 + resamples,)."""

    score: float
    values: np.ndarray
    errors: np.ndarray


class Rated(NamedTuple):
    """A ratio with articles more: as `Draws`, and how it changes with the weight of one that is right, or wrong."""

    score: float
    values: np.ndarray
    influence: np.ndarray
    right: np.ndarray
    wrong: np.ndarray


def rate(sums: Sums, right: np.ndarray, wrong: np.ndarray) -> Rated:
    """Return a ratio with articles more that are right, and wrong, of these weights, shape (1 + resamples,)."""
    size = sums.sizes.sum() / max(1, np.count_nonzero(sums.sizes)) or 1.0
    of = sums.of + size * (right + wrong)
    values = (sums.hits + size * right) / of
    found = float(sums.hits[0] / sums.of[0]) if sums.of[0] else 0.0
    return Rated(found, values, sums.moved(values) / of[:, None], (1 - values) * size / of, -values * size / of)


def draw_more(shapes: Sequence[float], size: int, random: np.random.Generator) -> np.ndarray:
    """Return the weights of articles more, in the sample and in each resample, shape (articles more, size)."""
    drawn = random.gamma(np.array(shapes)[:, None], size=(len(shapes), size))
    drawn[:, 0] = shapes
    return drawn


def draw_one(measured: Measure, weights: np.ndarray, random: np.random.Generator) -> Draws:
    """Return the score of a model."""
    right, wrong = draw_more([PRIOR, PRIOR], len(weights), random)
    rated = rate(measured.sums(weights), right, wrong)
    return Draws(*rated[:3], right * rated.right**2 + wrong * rated.wrong**2)


def draw_difference(measured: Measure, other: Measure, weights: np.ndarray, random: np.random.Generator) -> Draws:
    """Return the difference of the scores of two models on the same sentences."""
    both, neither, first, second = draw_more([PRIOR, PRIOR, APART, APART], len(weights), random)
    a = rate(measured.sums(weights), both + first, neither + second)
    b = rate(other.sums(weights), both + second, neither + first)
    prior = both * (a.right - b.right) ** 2 + neither * (a.wrong - b.wrong) ** 2
    prior += first * (a.right - b.wrong) ** 2 + second * (a.wrong - b.right) ** 2
    return Draws(a.score - b.score, a.values - b.values, a.influence - b.influence, prior)


def draw_weights(articles: int, resamples: int, random: np.random.Generator) -> np.ndarray:
    """Return how often each article stands in the sample, once, and in each resample, (1 + resamples, articles)."""
    drawn = random.multinomial(articles, np.full(articles, 1 / articles), size=resamples)
    return np.vstack([np.ones(articles), drawn])


def draw_scores(
    drawers: Mapping[str, Callable[..., Draws]], weights: np.ndarray, random: np.random.Generator
) -> Iterator[tuple[str, Draws]]:
    """Yield each score with its name, and at the end the means over topics."""
    topics = Counter(name.partition("/")[0] for name in drawers if "/" in name)
    nothing = Draws(0.0, np.zeros(1), np.zeros((1, 1)), np.zeros(1))
    macro = dict.fromkeys(topics, nothing)
    for name, drawer in drawers.items():
        draws = drawer(weights=weights, random=random)
        yield name, draws
        if (kind := name.partition("/")[0]) in macro:
            macro[kind] = macro[kind].plus(draws, 1 / topics[kind])
    yield from ((f"{kind}_macro", draws) for kind, draws in macro.items())


def resample(
    drawers: Mapping[str, Callable[..., Draws]], articles: int, resamples: int, random: np.random.Generator
) -> dict[str, Resampled]:
    """Return what each score, and each mean over topics, is in resamples of so many articles; see `draw_scores`."""
    found: dict[str, Resampled] = {}
    step = max(1, AT_ONCE // articles)
    for begin in range(0, resamples, step):
        weights = draw_weights(articles, min(step, resamples - begin), random)
        for name, draws in draw_scores(drawers, weights, random):
            errors, before = draws.errors(weights), found.get(name)
            found[name] = (
                Resampled(draws.score, draws.values, errors)
                if before is None
                else Resampled(
                    draws.score, np.append(before.values, draws.values[1:]), np.append(before.errors, errors[1:])
                )
            )
    return found


def find_interval(found: Resampled, level: float) -> Interval:
    """Return the interval of a score between 0 and 1; the score itself is always inside."""
    values = np.clip(found.values, 1e-12, 1 - 1e-12)
    angles, errors = np.arcsin(np.sqrt(values)), found.errors / (2 * np.sqrt(values * (1 - values)))
    tail = (1 - level) / 2
    far = (angles[1:] - angles[0]) / np.maximum(errors[1:], FLOOR * errors[0])
    ends = angles[0] - errors[0] * np.quantile(far, [1 - tail, tail])
    low, high = np.sin(np.clip(ends, 0, np.pi / 2)) ** 2
    return min(float(low), found.score), max(float(high), found.score)


def find_difference(found: Resampled, level: float) -> tuple[float, float, float]:
    """Return low, high and p of a difference of two scores; p is below 1 - level where 0 is outside.

    Symmetric bootstrap-t (Hall 1988, "On symmetric bootstrap confidence intervals"); p counts the sample as a resample
    (Davison and Hinkley 1997, "Bootstrap methods and their application", section 4.2).
    """
    errors = np.maximum(found.errors, 1e-12)
    far = np.abs(found.values[1:] - found.values[0]) / np.maximum(errors[1:], FLOOR * errors[0])
    reach = errors[0] * np.quantile(far, level)
    low, high = min(found.values[0] - reach, found.score), max(found.values[0] + reach, found.score)
    p = (1 + np.count_nonzero(far >= abs(found.values[0]) / errors[0])) / (1 + len(far))
    return max(float(low), -1.0), min(float(high), 1.0), p


def number(groups: Sequence[object] | np.ndarray) -> tuple[np.ndarray, int]:
    """Return the number of each sentence's article, from 0, and how many there are."""
    numbers, names = pd.factorize(np.asarray(groups, dtype=object), use_na_sentinel=False)
    return numbers, len(names)


def intervals(
    Y: np.ndarray,
    predicted: np.ndarray,
    groups: Sequence[object] | np.ndarray,
    topics: Sequence[str],
    probabilities: np.ndarray | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Return low and high of each score, by the names of `score` without the part (`f1_macro`, `f1/<topic>`, ...).

    All arrays have shape (sentences, topics), `groups` a key of each sentence's article. Average precision comes with
    `probabilities`. A topic that no sentence has may have any score: 0 to 1.
    """
    article, articles = number(groups)
    measures = measure(Y, predicted, article, topics, probabilities)
    unseen = [topic for topic, y in zip(topics, Y.T, strict=True) if not y.any()]
    return find_intervals(measures, unseen, articles, resamples, np.random.default_rng(seed), level)


def find_intervals(
    measures: Mapping[str, Measure],
    unseen: Collection[str],
    articles: int,
    resamples: int,
    random: np.random.Generator,
    level: float,
) -> dict[str, Interval]:
    """Return the interval of each measure and of the means over topics.

    Topics `unseen`, those that no sentence has, may have any score. Means are no wider than the mean of the topics'
    intervals.
    """
    drawers = {name: partial(draw_one, part) for name, part in measures.items() if name.partition("/")[2] not in unseen}
    drawn = resample(drawers, articles, resamples, random)
    known = {name: find_interval(one, level) for name, one in drawn.items()}
    found = {name: known.get(name, (0.0, 1.0)) for name in measures}
    for kind in dict.fromkeys(name.partition("/")[0] for name in measures if "/" in name):
        names = [name for name in measures if name.startswith(f"{kind}/")]
        share = sum(name in known for name in names) / len(names)
        least, most = np.mean([found[name] for name in names], axis=0).tolist()
        low, high = known.get(f"{kind}_macro", (0.0, 1.0))
        found[f"{kind}_macro"] = max(least, share * low), min(most, share * high + 1 - share)
    return found


def paired(
    Y: np.ndarray,
    one: np.ndarray,
    other: np.ndarray,
    groups: Sequence[object] | np.ndarray,
    topics: Sequence[str],
    probabilities: tuple[np.ndarray, np.ndarray] | None = None,
    *,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return each score of two models on the same sentences, and by how much that of `one` is higher: metrics down.

    Columns: `one, other, difference, low, high, p, p_holm`. The last is corrected for the number of topics, each of
    precision, recall, F1 and average precision for itself; averages stand alone.
    """
    article, articles = number(groups)
    pairs = list(zip((one, other), probabilities or (None, None), strict=True))
    a, b = (measure(Y, decided, article, topics, ranked) for decided, ranked in pairs)
    drawers = {name: partial(draw_difference, a[name], b[name]) for name in a}
    drawn = resample(drawers, articles, resamples, np.random.default_rng(seed))
    found = {name: (one.score, *find_difference(one, level)) for name, one in drawn.items()}
    table = pd.DataFrame(found, index=["difference", "low", "high", "p"]).T.rename_axis("metric")
    for place, (side, (decided, ranked)) in enumerate(zip(("one", "other"), pairs, strict=True)):
        scores = score("", Y, decided, ranked, topics)
        table.insert(place, side, [scores[f"/{name}"] for name in table.index])
    kinds = [name.partition("/")[0] if "/" in name else name for name in table.index]
    return table.assign(p_holm=table["p"].groupby(kinds).transform(holm))


def holm(p: Sequence[float] | np.ndarray | pd.Series) -> np.ndarray:
    """Return p-values corrected for their number.

    Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    found = np.empty_like(values)
    found[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return found
