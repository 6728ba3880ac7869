"""How many sentences carry a topic, period by period, corrected for the errors of the model.

What a model counts is off by its errors. Labelled sentences, with what the model predicts for them without having
learned from them (out of fold), say by how much.

* `difference`: subtract what was predicted too often in labelled sentences, for each sentence (difference estimator:
  Särndal, Swensson and Wretman 1992, "Model assisted survey sampling", section 6.3; Angelopoulos et al. 2023,
  "Prediction-powered inference").
* `adjusted`: `(counted - fpr * n) / (tpr - fpr)`, adjusted classify-and-count (Forman 2008, "Quantifying counts and
  costs via classification"), with probabilities as in Bella et al. 2010, "Quantification via probability estimators".
  Right also where a topic becomes more or less common while the rates of errors stay; a weak model makes it uncertain.

Which is better when was measured: `experiments/prevalence.py`.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.errors import InputError, listing
from slugline.scoring.articles import Groups, article_sums, number_articles
from slugline.scoring.bootstrap import WEIGHTS_AT_ONCE

METHODS = ("difference", "adjusted")
_MAX_ARTICLES, _MAX_NUMBERS = 2000, 500_000  # of packed counts: they go with every model
_MAX_SENTENCES = 1_000_000  # of an article
_MIN_RATE = 0.01  # of true less false positive rate: below, a model cannot tell the topic


class Counts(NamedTuple):
    """Numbers of sentences, in each article or in each sample of articles.

    All `sentences`, shape (articles, 1); and those with a topic, shape (articles, topics): as `given` by the model (or
    the sum of its probabilities), `true` by the labels, and by `both`.
    """

    sentences: np.ndarray
    given: np.ndarray
    true: np.ndarray
    both: np.ndarray


def check_method(method: str, key: str) -> None:
    """Raise `InputError` for an unknown method; `key` is the setting that names it."""
    if method not in METHODS:
        raise InputError(f"{key}={method}; allowed: {listing(METHODS)}")


def estimate_prevalence(
    predicted: np.ndarray,
    periods: Sequence[object] | np.ndarray,
    groups: Groups,
    labelled: Counts,
    topics: Sequence[str],
    *,
    method: str = "difference",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the number of sentences of each period that carry each topic.

    The interval is for the true number among these very sentences, in whole sentences. It combines two bootstraps over
    labelled articles: one estimates the rates of errors anew, one draws the errors that the articles of the period may
    have.

    Parameters
    ----------
    predicted : ndarray of bool or float, shape (sentences, topics)
        Predictions, or probabilities.
    periods : array-like, shape (sentences,)
        The period of each sentence; no period (None) is a period of its own.
    labelled : Counts
        What `count_articles` returns for labelled sentences.
    method : {"difference", "adjusted"}
        How counts are corrected; see `slugline.scoring.prevalence`.
    groups, topics, resamples, seed, level
        As in `score_intervals`.

    Returns
    -------
    DataFrame
        Columns `period, topic, sentences, counted, corrected, low, high`; the last three are NaN where no labelled
        sentence has the topic.
    """
    check_method(method, "prevalence: method")
    random = np.random.default_rng(seed)
    rates = _estimate_rates(Counts(*(part.sum(axis=0, keepdims=True) for part in labelled)), method)
    resampled_rates = _estimate_rates(_resample_counts(labelled, resamples, random), method)
    unseen = labelled.true.sum(axis=0) == 0  # nothing is known of the errors on these topics
    tail = (1 - level) / 2

    rows: list[tuple[object, ...]] = []
    by_period = pd.Series(range(len(predicted))).groupby(pd.Series(list(periods), dtype=object), dropna=False)
    for period, part in by_period:
        counts = count_articles(predicted[part], np.asarray(groups, dtype=object)[part])
        n, counted = counts.sentences.sum(), counts.given.sum(axis=0)
        errors = _draw_errors(counts, labelled, rates, resamples, random)
        # An error is what a corrected number has too much of: the true number is that less the error.
        low, high = np.quantile(resampled_rates.correct(n, counted) - errors, [tail, 1 - tail], axis=0)

        estimates = np.clip([rates.correct(n, counted)[0], np.floor(low), np.ceil(high)], 0, n)
        estimates[:, unseen] = np.nan
        by_topic = zip(topics, counted, *estimates, strict=True)
        rows += [(period, topic, int(n), *values) for topic, *values in by_topic]
    return pd.DataFrame(rows, columns=["period", "topic", "sentences", "counted", "corrected", "low", "high"])


def count_articles(predicted: np.ndarray, groups: Groups, Y: np.ndarray | None = None) -> Counts:
    """Return the sums of each article's predictions or probabilities, and of its labels: 0 where none are given."""
    to_articles = article_sums(*number_articles(groups))
    true = np.zeros(predicted.shape) if Y is None else Y.astype(float)
    parts = (np.ones((len(predicted), 1)), predicted.astype(float), true, predicted * true)
    return Counts(*(to_articles @ part for part in parts))


def pack_counts(counts: Counts) -> dict[str, list[str]]:
    """Return counts by articles as JSON can hold them: for each column its whole numbers, blanks between.

    A random sample of the articles where they are many, or have many topics.
    """
    most = min(_MAX_ARTICLES, _MAX_NUMBERS // sum(values.shape[1] for values in counts))
    rows = np.sort(np.random.default_rng(0).permutation(len(counts.true))[: max(1, most)])
    packed = {}
    for name, values in counts._asdict().items():
        columns = values[rows].astype(int).T.tolist()
        packed[name] = [" ".join(map(str, column)) for column in columns]
    return packed


def unpack_counts(packed: Mapping[str, Sequence[str]], topics: int) -> Counts:
    """Return the counts that `pack_counts` packed; raise ValueError where they are not counts of so many topics."""
    parts = []
    for name in Counts._fields:
        columns = [column.split() for column in packed[name]]
        parts.append(np.array(columns, float).T)
    counts = Counts(*parts)
    articles, shapes = len(counts.true), [values.shape for values in counts]
    if not 0 < articles <= _MAX_ARTICLES or shapes != [(articles, 1), *[(articles, topics)] * 3]:
        raise ValueError(f"counts of {topics} topics have shapes {shapes}")

    sentences, given, true, both = counts
    possible = (sentences >= 1) & (sentences <= _MAX_SENTENCES) & (np.maximum(given, true) <= sentences)
    if not (possible & (both >= 0) & (both <= np.minimum(given, true))).all():  # NaN is refused by this too
        raise ValueError("some numbers cannot be counts of sentences")
    return counts


class _Rates(NamedTuple):
    """The rates of errors: the number of sentences with a topic is `(given - offset * sentences) / scale`."""

    offset: np.ndarray
    scale: np.ndarray

    def correct(self, sentences: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Return the corrected number of sentences."""
        return np.asarray((given - self.offset * sentences) / self.scale)


def _estimate_rates(sums: Counts, method: str) -> _Rates:
    """Estimate the rates of labelled samples, (samples, topics); where none has the topic, all count as found."""
    if method == "difference":
        return _Rates((sums.given - sums.true) / sums.sentences, np.ones(sums.true.shape))
    true_positive = np.divide(sums.both, sums.true, out=np.ones_like(sums.true), where=sums.true > 0)
    false_positive = (sums.given - sums.both) / np.maximum(sums.sentences - sums.true, 1)
    return _Rates(false_positive, np.maximum(true_positive - false_positive, _MIN_RATE))


def _resample_counts(counts: Counts, samples: int, random: np.random.Generator) -> Counts:
    """Draw samples of the articles, with replacement, and return the sums of each."""
    sums = _sum_samples(np.hstack(counts), len(counts.true), samples, random)
    widths = [part.shape[1] for part in counts]
    return Counts(*np.split(sums, np.cumsum(widths[:-1]), axis=1))


def _draw_errors(new: Counts, labelled: Counts, rates: _Rates, samples: int, random: np.random.Generator) -> np.ndarray:
    """Draw how far the corrected number of a period may be off, shape (samples, topics).

    Errors of as many labelled articles, scaled to what the period's articles may be off: the variance of an error is
    taken to go with what is predicted for an article and what is missed in as many sentences.
    """
    missed = (labelled.true - labelled.both).sum(axis=0) / labelled.sentences.sum()
    spread_new, spread_labelled = (part.given + missed * part.sentences for part in (new, labelled))
    errors = rates.correct(labelled.sentences, labelled.given) - labelled.true

    sums = _sum_samples(np.hstack([errors, spread_labelled]), len(new.true), samples, random)
    errors, spread = np.split(sums, 2, axis=1)
    return np.asarray(errors * np.sqrt(spread_new.sum(axis=0) / np.where(spread > 0, spread, np.inf)))


def _sum_samples(rows: np.ndarray, size: int, samples: int, random: np.random.Generator) -> np.ndarray:
    """Draw samples of rows (articles, n) of this size with replacement, and return their sums, shape (samples, n)."""
    sums, step = [], max(1, WEIGHTS_AT_ONCE // size)
    for begin in range(0, samples, step):
        n_samples = min(step, samples - begin)
        picked = random.integers(len(rows), size=n_samples * size)
        starts = np.arange(n_samples + 1) * size
        sums.append(csr_array((np.ones(len(picked)), picked, starts), (n_samples, len(rows))) @ rows)
    return np.concatenate(sums)
