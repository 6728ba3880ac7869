"""Scores as sums over articles: what each article adds to a score is all that its value under weights needs."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from slugline.scoring.scores import rates


class Sums(NamedTuple):
    """A ratio under weights: `hits` and `of`, (1 + resamples,) each.

    `moved(values)` says how an article moves `hits - values * of`, (1 + resamples, articles); `sizes` is what it adds
    to `of`, (articles,).
    """

    hits: np.ndarray
    of: np.ndarray
    moved: Callable[[np.ndarray], np.ndarray]
    sizes: np.ndarray


class Ratio(NamedTuple):
    """A score that is a ratio of sums over articles, `hits` to `of`, shape (articles,) each."""

    hits: np.ndarray
    of: np.ndarray

    def sums(self, weights: np.ndarray) -> Sums:
        """Return the ratio under weights (1 + resamples, articles), of which the first are all 1."""

        def moved(values: np.ndarray) -> np.ndarray:
            return self.hits - np.outer(values, self.of)

        return Sums(weights @ self.hits, weights @ self.of, moved, self.of)


class Ranking(NamedTuple):
    """Average precision: how many positive sentences, and how many in all, each article has in each run of a ranking.

    A run ends with the sentences of one probability, some of them positive; shape (runs, articles) both.
    """

    positive: csr_array
    all: csr_array

    def sums(self, weights: np.ndarray) -> Sums:
        """Return the ratio under weights (1 + resamples, articles), of which the first are all 1."""
        across = np.ascontiguousarray(weights.T)
        positive = self.positive @ across
        above = np.maximum(np.cumsum(self.all @ across, axis=0), np.finfo(float).tiny)
        precision = np.cumsum(positive, axis=0) / above
        gain = from_below(positive / above)  # what one positive more gives to the precisions from there on
        loss = from_below(positive * precision / above)  # and what one sentence more takes
        change = (self.positive.T @ (precision + gain) - self.all.T @ loss).T
        sizes = np.asarray(self.positive.sum(axis=0))

        def moved(values: np.ndarray) -> np.ndarray:
            return np.asarray(change - np.outer(values, sizes))

        return Sums((positive * precision).sum(axis=0), weights @ sizes, moved, sizes)


def from_below(values: np.ndarray) -> np.ndarray:
    """Return cumulative sums from the last row up."""
    return np.cumsum(values[::-1], axis=0)[::-1]


Measure = Ratio | Ranking


def measure(
    Y: np.ndarray,
    predicted: np.ndarray,
    groups: np.ndarray,
    topics: Sequence[str],
    probabilities: np.ndarray | None = None,
    articles: int | None = None,
) -> dict[str, Measure]:
    """Return what each article adds to each score that is no mean over topics, under the name that `score` gives it.

    `Y`, `predicted` and `probabilities` have shape (sentences, topics), `groups` the number of each one's article,
    below `articles`.
    """
    articles = articles or int(groups.max()) + 1
    both, every = Y & predicted, np.ones(len(Y))
    fractions = {"precision": (both, predicted), "recall": (both, Y), "f1": (2 * both, Y.astype(int) + predicted)}
    samples = rates(both.sum(axis=1), predicted.sum(axis=1), Y.sum(axis=1), undefined=1.0)
    columns = {
        f"{kind}/{topic}": (one, other)
        for kind, (hits, of) in fractions.items()
        for topic, one, other in zip(topics, hits.T, of.T, strict=True)
    }
    columns |= {f"{kind}_micro": (hits.sum(axis=1), of.sum(axis=1)) for kind, (hits, of) in fractions.items()}
    columns |= {f"{kind}_samples": (values, every) for kind, values in samples.items()}
    columns["accuracy"] = ((predicted == Y).all(axis=1), every)
    article = csr_array((every, (groups, np.arange(len(groups)))), (articles, len(groups)))
    found: dict[str, Measure] = {name: Ratio(article @ hits, article @ of) for name, (hits, of) in columns.items()}
    if probabilities is not None:
        by_topic = zip(topics, Y.T, probabilities.T, strict=True)
        found |= {f"ap/{topic}": rank(y, p, groups, articles) for topic, y, p in by_topic}
    return found


def rank(y: np.ndarray, p: np.ndarray, groups: np.ndarray, articles: int) -> Ranking:
    """Return the ranking of sentences by `p`, from high to low; what stands below all positives is left out."""
    run = np.unique(-p, return_inverse=True)[1]
    ends = np.unique(run[y])
    place = np.searchsorted(ends, run)
    shape, above = (len(ends), articles), place < len(ends)
    positive = csr_array((np.ones(int(y.sum())), (place[y], groups[y])), shape)
    return Ranking(positive, csr_array((np.ones(int(above.sum())), (place[above], groups[above])), shape))
