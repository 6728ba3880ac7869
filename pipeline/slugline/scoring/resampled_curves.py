"""Intervals of calibration error and reading budget, which are no ratios of sums, by resamples of the articles."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
from scipy.sparse import csr_array

from slugline.scoring import bootstrap
from slugline.scoring.articles import Groups, article_sums, number_articles
from slugline.scoring.bootstrap import Interval
from slugline.scoring.calibration import folded_normal_mean, number_bins
from slugline.scoring.sums import Ranking, rank_sentences

_Statistic = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def calibration_intervals(
    Y: np.ndarray,
    probabilities: np.ndarray,
    topics: Sequence[str],
    *,
    groups: Groups,
    bins: int = 10,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Return the interval of each topic's calibration error less what chance adds, as `ece_debiased/<topic>`.

    Symmetric basic bootstrap (Davison and Hinkley 1997, "Bootstrap methods and their application", section 5.2): what
    is found in a resample is off from the error of the sample as what is found in the sample is from the true one. The
    bins are those of the sample. Topics that no sentence has are left out.

    Parameters
    ----------
    Y, probabilities : ndarray of shape (sentences, topics)
        Labels (bool), and what a model said of sentences that it had not learned from.
    topics : sequence of str
        The names of the columns.
    groups : array-like, shape (sentences,)
        The key of each sentence's article.
    bins : int
        As for `expected_calibration_error`.
    resamples, seed : int
        Of the bootstrap.
    level : float
        How often an interval holds the true error.
    """
    article, n_articles = number_articles(groups)
    to_articles = article_sums(article, n_articles)
    columns = zip(topics, Y.T, probabilities.T, strict=True)
    statistics = {
        topic: partial(_weigh_calibration, _bin_sums(y, p, to_articles, bins)) for topic, y, p in columns if y.any()
    }
    values = _resample("ece_debiased", statistics, n_articles, resamples, seed)
    return {name: _symmetric_interval(found, level) for name, found in values.items()}


def budget_intervals(
    Y: np.ndarray,
    probabilities: np.ndarray,
    topics: Sequence[str],
    *,
    groups: Groups,
    recall: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Return the interval of each topic's reading budget, as `reading_budget/<topic>`; see `reading_budget`.

    Percentiles of resamples, each with two pseudo-articles of a random quarter of the mean size, as scores have them
    (see `slugline.scoring.bootstrap`): one whose sentences with the topic are ranked first, one where they are last. Of
    a topic in few articles one that is hard to find may be missing in the sample: then all may have to be read. All
    else as in `calibration_intervals`, with the share to find, `recall`.
    """
    article, n_articles = number_articles(groups)
    columns, sizes = zip(topics, Y.T, probabilities.T, strict=True), np.bincount(article)
    statistics = {
        topic: partial(_weigh_budget, rank_sentences(y, p, article, n_articles), sizes, recall)
        for topic, y, p in columns
        if y.any()
    }
    values = _resample("reading_budget", statistics, n_articles, resamples, seed)
    tails = [(1 - level) / 2, (1 + level) / 2]
    found = {name: (budgets[0], *np.quantile(budgets[1:], tails)) for name, budgets in values.items()}
    return {name: (float(min(ends)), float(max(ends))) for name, ends in found.items()}


def _resample(
    kind: str, statistics: Mapping[str, _Statistic], n_articles: int, resamples: int, seed: int
) -> dict[str, np.ndarray]:
    """Return what the statistic of each topic gives in the sample, first, and in each resample."""
    random = np.random.default_rng(seed)
    batches: dict[str, list[np.ndarray]] = {name: [] for name in statistics}
    for number, weights in enumerate(bootstrap.weight_batches(n_articles, resamples, random)):
        for name, statistic in statistics.items():
            batches[name].append(statistic(weights, random)[..., min(number, 1) :])  # each begins with the sample
    return {f"{kind}/{topic}": np.concatenate(parts, axis=-1) for topic, parts in batches.items()}


def _bin_sums(y: np.ndarray, p: np.ndarray, to_articles: csr_array, bins: int) -> np.ndarray:
    """Return positives, sums of probabilities, and sentences of each article in each bin, shape (3, articles, bins)."""
    is_in_bin = np.unique(number_bins(p, bins), return_inverse=True)[1][:, None] == np.arange(bins)
    return np.array([to_articles @ (values[:, None] * is_in_bin) for values in (y, p, np.ones(len(p)))])


def _weigh_calibration(sums: np.ndarray, weights: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Return the calibration error, and that less chance, under each row of weights, shape (2, rows)."""
    positives, probabilities, sentences = weights @ sums
    size = np.maximum(sentences, np.finfo(float).tiny)
    share = np.clip(positives / size, 0, 1)
    gap = np.abs(share - probabilities / size)
    noise = np.sqrt(share * (1 - share) / np.maximum(sentences - 1, 1))
    debiased = gap - (folded_normal_mean(gap, noise) - gap)
    errors = np.array([gap, debiased]) * sentences
    return np.asarray(np.maximum(0, errors.sum(axis=2) / sentences.sum(axis=1)))


def _symmetric_interval(values: np.ndarray, level: float) -> Interval:
    """Return the interval of an error, from values of `_weigh_calibration`; it holds the error less chance."""
    (truth, _), estimate = values[:, 0], float(values[1, 0])  # of resamples the sample is the truth
    reach = float(np.quantile(np.abs(values[1, 1:] - truth), level))
    return max(0.0, estimate - reach), min(1.0, estimate + reach)


def _weigh_budget(
    ranking: Ranking, sizes: np.ndarray, recall: float, weights: np.ndarray, random: np.random.Generator
) -> np.ndarray:
    """Return the share to read under each row of weights, shape (rows,); the first has no pseudo-articles."""
    by_article = np.ascontiguousarray(weights.T)
    found = np.cumsum(ranking.positive @ by_article, axis=0)
    read = np.cumsum(ranking.all @ by_article, axis=0)
    by_size = np.asarray(ranking.positive.sum(axis=0))
    right, wrong = bootstrap.draw_prior(len(weights), random) * by_size.sum() / np.count_nonzero(by_size)
    right[0] = wrong[0] = 0
    wanted = recall * (found[-1] + right + wrong) - 1e-9
    is_enough = found + right >= wanted
    place = is_enough.argmax(axis=0)
    total = weights @ sizes + right + wrong
    share = (np.take_along_axis(read, place[None], axis=0)[0] + right) / total
    return np.asarray(np.where(is_enough.any(axis=0), share, 1.0))
