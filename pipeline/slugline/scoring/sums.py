"""Scores as sums over articles: from what each article adds to a score follows its value under weights of articles."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from slugline.scoring.articles import article_sums
from slugline.scoring.scores import precision_recall_f1


class WeightedRatio(NamedTuple):
    """A score, the ratio `hits / totals`, each of shape (weightings,), under several weightings of the articles.

    `gains` and `sizes` are what each article adds to hits and to totals, shape (articles,); gains may differ by
    weighting, shape (weightings, articles).
    """

    hits: np.ndarray
    totals: np.ndarray
    gains: np.ndarray
    sizes: np.ndarray

    def residuals(self, values: np.ndarray) -> np.ndarray:
        """Return how each article moves `hits - values * totals`, shape (weightings, articles)."""
        return np.asarray(self.gains - np.outer(values, self.sizes))


class Ratio(NamedTuple):
    """A score that is a ratio of sums over articles, `hits` to `totals`, each of shape (articles,)."""

    hits: np.ndarray
    totals: np.ndarray

    def weigh(self, weights: np.ndarray) -> WeightedRatio:
        """Return the ratio under weights of shape (weightings, articles), the first of which are all 1."""
        return WeightedRatio(weights @ self.hits, weights @ self.totals, self.hits, self.totals)


class Ranking(NamedTuple):
    """Average precision, from the runs of a ranking: each ends with the sentences of one probability.

    How many positive sentences, and how many in all, each article has in each run, shape (runs, articles).
    """

    positive: csr_array
    all: csr_array

    def weigh(self, weights: np.ndarray) -> WeightedRatio:
        """Return the ratio under weights of shape (weightings, articles), the first of which are all 1."""
        by_article = np.ascontiguousarray(weights.T)
        positive = self.positive @ by_article
        # A resample may have no sentence down to a run: then its precision is 0, not undefined.
        above = np.maximum(np.cumsum(self.all @ by_article, axis=0), np.finfo(float).tiny)
        precision = np.cumsum(positive, axis=0) / above

        gain = _cumulate_from_last(positive / above)  # of the precisions from there on by one more positive
        loss = _cumulate_from_last(positive * precision / above)  # of the same by one more sentence
        gains = (self.positive.T @ (precision + gain) - self.all.T @ loss).T
        sizes = np.asarray(self.positive.sum(axis=0))
        return WeightedRatio((positive * precision).sum(axis=0), weights @ sizes, gains, sizes)


Measure = Ratio | Ranking


def build_measures(
    Y: np.ndarray,
    predicted: np.ndarray,
    article: np.ndarray,
    topics: Sequence[str],
    probabilities: np.ndarray | None = None,
    *,
    n_articles: int | None = None,
) -> dict[str, Measure]:
    """Return what each article adds to each score that is not a mean over topics: `f1/<topic>`, `f1_micro`, ...

    `article` is the number of each sentence's article, from 0. Without `n_articles` the last is one with a sentence.
    """
    n_articles = n_articles or int(article.max()) + 1
    to_articles = article_sums(article, n_articles)
    ones, both = np.ones(len(Y)), Y & predicted

    def ratio(hits: np.ndarray, totals: np.ndarray) -> Ratio:
        return Ratio(to_articles @ hits, to_articles @ totals)

    measures: dict[str, Measure] = {}
    fractions = {"precision": (both, predicted), "recall": (both, Y), "f1": (2 * both, Y.astype(int) + predicted)}
    for kind, (hits, totals) in fractions.items():
        for topic, topic_hits, topic_totals in zip(topics, hits.T, totals.T, strict=True):
            measures[f"{kind}/{topic}"] = ratio(topic_hits, topic_totals)

    for kind, (hits, totals) in fractions.items():
        measures[f"{kind}_micro"] = ratio(hits.sum(axis=1), totals.sum(axis=1))
    samples = precision_recall_f1(both.sum(axis=1), predicted.sum(axis=1), Y.sum(axis=1), undefined=1.0)
    measures |= {f"{kind}_samples": ratio(values, ones) for kind, values in samples.items()}
    measures["accuracy"] = ratio((predicted == Y).all(axis=1), ones)

    if probabilities is not None:
        for topic, y, p in zip(topics, Y.T, probabilities.T, strict=True):
            measures[f"ap/{topic}"] = rank_sentences(y, p, article, n_articles)
    return measures


def f1_micro_sums(Y: np.ndarray, predicted: np.ndarray, to_articles: csr_array) -> Ratio:
    """Return what each article adds to `f1_micro` alone; `to_articles` are those of `article_sums`."""
    hits, totals = 2 * (Y & predicted).sum(axis=1), Y.sum(axis=1) + predicted.sum(axis=1)
    return Ratio(to_articles @ hits.astype(float), to_articles @ totals.astype(float))


def rank_sentences(y: np.ndarray, p: np.ndarray, article: np.ndarray, n_articles: int) -> Ranking:
    """Rank sentences by `p`, from high to low, leaving out those below all positives."""
    # Runs without a positive are merged into the next with one: precision is looked at where recall grows.
    run = np.unique(-p, return_inverse=True)[1]
    ends = np.unique(run[y])
    place = np.searchsorted(ends, run)
    above = place < len(ends)

    shape = (len(ends), n_articles)
    positive = csr_array((np.ones(int(y.sum())), (place[y], article[y])), shape)
    return Ranking(positive, csr_array((np.ones(int(above.sum())), (place[above], article[above])), shape))


def _cumulate_from_last(values: np.ndarray) -> np.ndarray:
    """Return cumulative sums from the last row up."""
    return np.cumsum(values[::-1], axis=0)[::-1]
