"""The bootstrap over articles: what scores, and differences of scores, are in resamples of the articles.

Sentences of one article are alike, so whole articles are resampled: a resample is a weight per article. Resamples are
studentised: the difference from the sample is divided by the resample's own standard error, by linearisation over
articles (bootstrap-t: Efron and Tibshirani 1993, "An introduction to the bootstrap", chapter 12). Intervals are made on
the arcsine scale, where the error hardly depends on the score and no interval leaves 0 to 1.

A topic that occurs in three articles, all of them right, is wrong in no resample. So each score gets two
pseudo-articles, one right and one wrong, of the mean size; each weighs a quarter, in a resample a random quarter
(gamma), as a prior does in the Bayesian bootstrap (Rubin 1981, doi:10.1214/aos/1176345338). A difference of two models
gets four: both right, both wrong, and two where one of the models is right, as is done for matched proportions (Agresti
and Min 2005, "Simple improved confidence intervals for comparing matched proportions"). The weights were chosen by
measured coverage: `experiments/interval_coverage.py`.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from slugline.scoring.sums import Measure, WeightedRatio

WEIGHTS_AT_ONCE = 1 << 22  # weights of articles that are held in memory
_AGREED = 0.25  # weight of the pseudo-article that is right, and of the one that is wrong
_DISCORDANT = 0.1  # weight of a pseudo-article on which one model is right and the other wrong
# A resample without the few articles that matter has hardly any error; it counts as this share of the sample's.
_ERROR_FLOOR = 0.5
Interval = tuple[float, float]


class Draws(NamedTuple):
    """A score of the sample, and its values with pseudo-articles: of the sample, first, and of each resample.

    `values` and `prior_variance`, what the pseudo-articles add to the variance, have shape (1 + resamples,);
    `influence`, how the values change with the weight of each article, has shape (1 + resamples, articles).
    """

    score: float
    values: np.ndarray
    influence: np.ndarray
    prior_variance: np.ndarray

    def add(self, other: "Draws", factor: float) -> "Draws":
        """Return the sum of this and `factor` times another score, whose pseudo-articles are independent."""
        return Draws(
            self.score + factor * other.score,
            self.values + factor * other.values,
            self.influence + factor * other.influence,
            self.prior_variance + factor**2 * other.prior_variance,
        )

    def standard_errors(self, weights: np.ndarray) -> np.ndarray:
        """Return the standard error in the sample and in each resample, shape (1 + resamples,)."""
        variance = np.einsum("ra,ra,ra->r", weights, self.influence, self.influence)
        return np.asarray(np.sqrt(variance + self.prior_variance))

    def resampled(self, weights: np.ndarray) -> "Resampled":
        """Return the values with their standard errors, under the weights that they were drawn with."""
        return Resampled(self.score, self.values, self.standard_errors(weights))


Sampler = Callable[[np.ndarray, np.random.Generator], Draws]  # of the weights that `draw_weights` gives


class Resampled(NamedTuple):
    """A score, and its value and standard error in the sample, first, and in each resample, shape (1 + resamples,)."""

    score: float
    values: np.ndarray
    errors: np.ndarray


def draw_weights(articles: int, resamples: int, random: np.random.Generator) -> np.ndarray:
    """Return how often each article is in the sample (once) and in each resample, (1 + resamples, articles)."""
    counts = random.multinomial(articles, np.full(articles, 1 / articles), size=resamples)
    return np.vstack([np.ones(articles), counts])


def draw_score(measure: Measure, weights: np.ndarray, random: np.random.Generator) -> Draws:
    """Return the score of a model under weights of shape (1 + resamples, articles)."""
    return smooth_score(measure.weigh(weights), draw_prior(len(weights), random))


def draw_prior(size: int, random: np.random.Generator) -> np.ndarray:
    """Draw the weights of the pseudo-articles of a score, the right one and the wrong one, shape (2, size)."""
    return _draw_pseudo_weights([_AGREED, _AGREED], size, random)


def smooth_score(ratio: WeightedRatio, prior: np.ndarray) -> Draws:
    """Return a score, under weights of shape (1 + resamples, articles), with its pseudo-articles from `draw_prior`."""
    right, wrong = prior
    smooth = _smooth(ratio, right, wrong)
    prior_variance = right * smooth.if_right**2 + wrong * smooth.if_wrong**2
    return Draws(smooth.score, smooth.values, smooth.influence, prior_variance)


def draw_difference(first: Measure, second: Measure, weights: np.ndarray, random: np.random.Generator) -> Draws:
    """Return the difference of the scores of two models on the same sentences, the first less the second."""
    shapes = [_AGREED, _AGREED, _DISCORDANT, _DISCORDANT]
    both, neither, only_first, only_second = _draw_pseudo_weights(shapes, len(weights), random)
    a = _smooth(first.weigh(weights), both + only_first, neither + only_second)
    b = _smooth(second.weigh(weights), both + only_second, neither + only_first)

    prior_variance = both * (a.if_right - b.if_right) ** 2 + neither * (a.if_wrong - b.if_wrong) ** 2
    prior_variance += only_first * (a.if_right - b.if_wrong) ** 2 + only_second * (a.if_wrong - b.if_right) ** 2
    return Draws(a.score - b.score, a.values - b.values, a.influence - b.influence, prior_variance)


def draw_no_difference(weights: np.ndarray, random: np.random.Generator) -> Draws:
    """Return the difference of the scores of two models that are the same: none, and no doubt about it."""
    nothing = np.zeros(len(weights))
    return Draws(0.0, nothing, np.zeros(weights.shape), nothing)


def _draw_with_means(
    samplers: Mapping[str, Sampler], weights: np.ndarray, random: np.random.Generator
) -> Iterator[tuple[str, Draws]]:
    """Yield each score with its name, and at the end the means over topics: `f1_macro` of all `f1/<topic>`."""
    topics = Counter(name.partition("/")[0] for name in samplers if "/" in name)
    nothing = Draws(0.0, np.zeros(1), np.zeros((1, 1)), np.zeros(1))
    means = dict.fromkeys(topics, nothing)

    for name, sampler in samplers.items():
        draws = sampler(weights, random)
        yield name, draws
        kind = name.partition("/")[0]
        if kind in means:
            # Means are summed up on the way: the influences of all scores together would take too much memory.
            means[kind] = means[kind].add(draws, 1 / topics[kind])

    for kind, draws in means.items():
        yield f"{kind}_macro", draws


def resample(
    samplers: Mapping[str, Sampler], articles: int, resamples: int, random: np.random.Generator
) -> dict[str, Resampled]:
    """Return what each score, by its name, and each mean over topics is in resamples of the articles."""
    batches: dict[str, list[Resampled]] = defaultdict(list)
    for weights in weight_batches(articles, resamples, random):
        for name, draws in _draw_with_means(samplers, weights, random):
            batches[name].append(draws.resampled(weights))
    return {name: join(parts) for name, parts in batches.items()}


def weight_batches(articles: int, resamples: int, random: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield what `draw_weights` does in steps, since the weights of many articles do not fit into memory at once."""
    step = max(1, WEIGHTS_AT_ONCE // articles)
    for begin in range(0, resamples, step):
        yield draw_weights(articles, min(step, resamples - begin), random)


def join(batches: Sequence[Resampled]) -> Resampled:
    """Join batches of resamples, each of which has the sample first."""
    first, *others = batches
    values = np.concatenate([first.values, *(batch.values[1:] for batch in others)])
    errors = np.concatenate([first.errors, *(batch.errors[1:] for batch in others)])
    return Resampled(first.score, values, errors)


def studentised_interval(resampled: Resampled, level: float) -> Interval:
    """Return the bootstrap-t interval of a score between 0 and 1, on the arcsine scale; it always holds the score."""
    values = np.clip(resampled.values, 1e-12, 1 - 1e-12)
    angles = np.arcsin(np.sqrt(values))
    errors = resampled.errors / (2 * np.sqrt(values * (1 - values)))  # by the derivative of the arcsine (delta method)
    tail = (1 - level) / 2

    # The upper tail of t makes the lower end.
    t = (angles[1:] - angles[0]) / np.maximum(errors[1:], _ERROR_FLOOR * errors[0])
    ends = angles[0] - errors[0] * np.quantile(t, [1 - tail, tail])
    low, high = np.sin(np.clip(ends, 0, np.pi / 2)) ** 2
    return min(float(low), resampled.score), max(float(high), resampled.score)


def studentised_difference(resampled: Resampled, level: float) -> tuple[float, float, float]:
    """Return low, high and p of a difference of two scores; p is below 1 - level where 0 is outside.

    Symmetric bootstrap-t (Hall 1988, "On symmetric bootstrap confidence intervals"); p counts the sample as a resample
    (Davison and Hinkley 1997, "Bootstrap methods and their application", section 4.2).
    """
    values, errors = resampled.values, np.maximum(resampled.errors, 1e-12)  # equal models have no error at all
    t = np.abs(values[1:] - values[0]) / np.maximum(errors[1:], _ERROR_FLOOR * errors[0])

    reach = errors[0] * np.quantile(t, level)
    low, high = min(values[0] - reach, resampled.score), max(values[0] + reach, resampled.score)
    p = (1 + np.count_nonzero(t >= abs(values[0]) / errors[0])) / (1 + len(t))
    return max(float(low), -1.0), min(float(high), 1.0), p


class _SmoothedRatio(NamedTuple):
    """A ratio with pseudo-articles: as `Draws`, and how it changes with the weight of one that is right, or wrong."""

    score: float
    values: np.ndarray
    influence: np.ndarray
    if_right: np.ndarray
    if_wrong: np.ndarray


def _smooth(ratio: WeightedRatio, right: np.ndarray, wrong: np.ndarray) -> _SmoothedRatio:
    """Add pseudo-articles that are right, and wrong, of these weights, shape (1 + resamples,), to a ratio."""
    size = ratio.sizes.sum() / max(1, np.count_nonzero(ratio.sizes)) or 1.0  # the mean of an article
    totals = ratio.totals + size * (right + wrong)
    values = (ratio.hits + size * right) / totals
    score = float(ratio.hits[0] / ratio.totals[0]) if ratio.totals[0] else 0.0
    # The derivatives of hits / totals by the weight of an article, of a right one and of a wrong one.
    influence = ratio.residuals(values) / totals[:, None]
    return _SmoothedRatio(score, values, influence, (1 - values) * size / totals, -values * size / totals)


def _draw_pseudo_weights(shapes: Sequence[float], size: int, random: np.random.Generator) -> np.ndarray:
    """Draw weights of pseudo-articles, fixed in the sample, gamma in each resample, shape (pseudo-articles, size)."""
    weights = random.gamma(np.array(shapes)[:, None], size=(len(shapes), size))
    weights[:, 0] = shapes
    return weights
