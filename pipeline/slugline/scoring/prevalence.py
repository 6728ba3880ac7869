"""How many sentences carry a topic, period by period, corrected for the errors of the model.

What a model counts is off by its errors. Sentences that people labelled, with what the model gave them without having
learned from them (out of fold), say by how much.

* `difference`: less what was given too much to labelled sentences, for each sentence (difference estimator: Särndal,
  Swensson and Wretman 1992, "Model assisted survey sampling", section 6.3; Angelopoulos et al. 2023,
  "Prediction-powered inference").
* `adjusted`: `(counted - fpr * n) / (tpr - fpr)`, adjusted classify-and-count (Forman 2008, "Quantifying counts and
  costs via classification"), with probabilities as in Bella et al. 2010, "Quantification via probability estimators".
  Right also where a topic becomes more or less common while the rates of errors stay; a weak model makes it uncertain.

Which is better when was measured: `experiments/prevalence.py`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.errors import InputError, listing
from slugline.scoring.bootstrap import AT_ONCE, number

METHODS = ("difference", "adjusted")
LEAST = 0.01  # of true less false positive rate: below, a model cannot tell the topic
Keys = Sequence[object] | np.ndarray


class Counts(NamedTuple):
    """Numbers of articles, or samples of them: sentences (articles, 1); given, true and both, (articles, topics)."""

    sentences: np.ndarray
    given: np.ndarray
    true: np.ndarray
    both: np.ndarray


class Rates(NamedTuple):
    """What turns what is given into a number of sentences: `(given - offset * sentences) / scale`, per topic."""

    offset: np.ndarray
    scale: np.ndarray

    def correct(self, sentences: np.ndarray, given: np.ndarray) -> np.ndarray:
        """Return the corrected number of sentences."""
        return np.asarray((given - self.offset * sentences) / self.scale)


def require_method(method: str, key: str) -> None:
    """Raise `InputError` for a method that there is not; `key` is where it was given."""
    if method not in METHODS:
        raise InputError(f"{key}={method}; allowed: {listing(METHODS)}")


def prevalence(
    given: np.ndarray,
    periods: Keys,
    groups: Keys,
    known: Counts,
    topics: Sequence[str],
    *,
    method: str = "difference",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the number of sentences of each period that carry each topic.

    Columns: `period, topic, sentences, counted, corrected, low, high`. `given` holds decisions or probabilities
    (sentences, topics), `periods` and `groups` the period and the article of each sentence; `known` is what
    `count_articles` says of sentences that people labelled. The interval is for the true number among these very
    sentences, in whole sentences. It holds two bootstraps over labelled articles: one learns the rates of errors anew,
    one draws the errors that the articles of the period may have. NaN where no labelled sentence has the topic. Raises
    `InputError` for another method.
    """
    require_method(method, "prevalence: method")
    random = np.random.default_rng(seed)
    rates = learn(Counts(*(part.sum(axis=0, keepdims=True) for part in known)), method)
    drawn = draw_sums(np.hstack(known), len(known.true), resamples, random)
    others = learn(Counts(*np.split(drawn, np.cumsum([part.shape[1] for part in known[:-1]]), axis=1)), method)
    tail, unknown, rows = (1 - level) / 2, known.true.sum(axis=0) == 0, []
    for period, part in pd.Series(range(len(given))).groupby(pd.Series(list(periods), dtype=object), dropna=False):
        here = count_articles(given[part], np.asarray(groups, dtype=object)[part])
        n, counted = here.sentences.sum(), here.given.sum(axis=0)
        samples = others.correct(n, counted) - draw_errors(here, known, rates, resamples, random)
        low, high = np.quantile(samples, [tail, 1 - tail], axis=0)
        found = np.clip([rates.correct(n, counted)[0], np.floor(low), np.ceil(high)], 0, n)
        found[:, unknown] = np.nan
        rows += [(period, topic, int(n), *values) for topic, *values in zip(topics, counted, *found, strict=True)]
    return pd.DataFrame(rows, columns=["period", "topic", "sentences", "counted", "corrected", "low", "high"])


def count_articles(given: np.ndarray, groups: Keys, Y: np.ndarray | None = None) -> Counts:
    """Return the sums of each article, from (sentences, topics); without labels none is true."""
    article, articles = number(groups)
    true = np.zeros(given.shape) if Y is None else Y.astype(float)
    to_article = csr_array((np.ones(len(given)), (article, np.arange(len(given)))), (articles, len(given)))
    parts = (np.ones((len(given), 1)), given.astype(float), true, given * true)
    return Counts(*(to_article @ part for part in parts))


def draw_sums(rows: np.ndarray, size: int, samples: int, random: np.random.Generator) -> np.ndarray:
    """Return the sums of rows (articles, n) in samples of this size with replacement, shape (samples, n)."""
    parts, step = [], max(1, AT_ONCE // size)
    for begin in range(0, samples, step):
        here = min(step, samples - begin)
        picked = random.integers(len(rows), size=here * size)
        parts.append(csr_array((np.ones(len(picked)), picked, np.arange(here + 1) * size), (here, len(rows))) @ rows)
    return np.concatenate(parts)


def learn(sums: Counts, method: str) -> Rates:
    """Return the rates of labelled samples, (samples, topics); a sample without the topic counts as all found."""
    if method == "difference":
        return Rates((sums.given - sums.true) / sums.sentences, np.ones(sums.true.shape))
    found = np.divide(sums.both, sums.true, out=np.ones_like(sums.true), where=sums.true > 0)
    wrong = (sums.given - sums.both) / np.maximum(sums.sentences - sums.true, 1)
    return Rates(wrong, np.maximum(found - wrong, LEAST))


def draw_errors(here: Counts, known: Counts, rates: Rates, samples: int, random: np.random.Generator) -> np.ndarray:
    """Return how far the corrected number of a period may be off, (samples, topics).

    Errors of as many labelled articles, scaled to what the period's articles may be off: the variance of an error is
    taken to go with what is given to an article and what is missed in as many sentences.
    """
    missed = (known.true - known.both).sum(axis=0) / known.sentences.sum()
    spread = [part.given + missed * part.sentences for part in (here, known)]
    off = rates.correct(known.sentences, known.given) - known.true
    drawn = draw_sums(np.hstack([off, spread[1]]), len(here.true), samples, random)
    errors, size = np.split(drawn, 2, axis=1)
    return np.asarray(errors * np.sqrt(spread[0].sum(axis=0) / np.where(size > 0, size, np.inf)))
