"""Intervals of scores, and differences between two models with their p-values, by the bootstrap over articles."""

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from slugline.scoring import bootstrap
from slugline.scoring.articles import Groups, number_articles
from slugline.scoring.bootstrap import Interval
from slugline.scoring.scores import Scores, score
from slugline.scoring.sums import Measure, build_measures

_ANYTHING = (0.0, 1.0)  # the interval of a score of which nothing is known


def score_intervals(
    Y: np.ndarray,
    predicted: np.ndarray,
    topics: Sequence[str],
    *,
    groups: Groups,
    probabilities: np.ndarray | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> dict[str, Interval]:
    """Return the interval of each score; see `slugline.scoring.bootstrap` for the method.

    Parameters
    ----------
    Y, predicted : ndarray of bool, shape (sentences, topics)
        Labels and predictions.
    topics : sequence of str
        The names of the columns.
    groups : array-like, shape (sentences,)
        The key of each sentence's article.
    probabilities : ndarray of float, shape (sentences, topics), optional
        Average precision is left out without them.
    resamples, seed : int
        Of the bootstrap.
    level : float
        How often an interval holds the true score.

    Returns
    -------
    dict of str to tuple of float
        Low and high by the names of `score`: `f1_macro`, `f1/<topic>`, ... A topic that no sentence has may have any
        score: 0 to 1.

    Examples
    --------
    >>> Y = np.array([[True], [True], [False], [True]] * 10)
    >>> predicted = np.array([[True], [False], [False], [True]] * 10)
    >>> low, high = score_intervals(Y, predicted, ["aid"], groups=np.arange(40) // 4)["f1/aid"]
    >>> low < 0.8 < high
    True
    """
    article, articles = number_articles(groups)
    measures = build_measures(Y, predicted, article, topics, probabilities)
    unseen = [topic for topic, y in zip(topics, Y.T, strict=True) if not y.any()]
    random = np.random.default_rng(seed)
    return measure_intervals(measures, unseen, articles=articles, resamples=resamples, random=random, level=level)


def flatten_intervals(intervals: Mapping[str, Interval]) -> Scores:
    """Return the ends of intervals by the names of their scores with `_low` and `_high`."""
    low = {f"{name}_low": ends[0] for name, ends in intervals.items()}
    return low | {f"{name}_high": ends[1] for name, ends in intervals.items()}


def measure_intervals(
    measures: Mapping[str, Measure],
    unseen: Collection[str],
    *,
    articles: int,
    resamples: int,
    random: np.random.Generator,
    level: float,
) -> dict[str, Interval]:
    """Return the interval of each of `build_measures`, and of the means over topics.

    The `unseen` topics, which no sentence has, may have any score, and are left out of means. These are no wider than
    the topics' intervals on average.
    """
    seen = [name for name in measures if name.partition("/")[2] not in unseen]
    samplers = {name: partial(bootstrap.draw_score, measures[name]) for name in seen}
    resampled = bootstrap.resample(samplers, articles, resamples, random)
    known = {name: bootstrap.studentised_interval(values, level) for name, values in resampled.items()}
    intervals = {name: known.get(name, _ANYTHING) for name in measures}

    for kind in dict.fromkeys(name.partition("/")[0] for name in measures if "/" in name):
        names = [name for name in measures if name.startswith(f"{kind}/") and name in known]
        if names:
            least, most = np.mean([intervals[name] for name in names], axis=0).tolist()
            low, high = known[f"{kind}_macro"]
            intervals[f"{kind}_macro"] = max(least, low), min(most, high)
        else:
            intervals[f"{kind}_macro"] = _ANYTHING
    return intervals


def paired_differences(
    Y: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    topics: Sequence[str],
    *,
    groups: Groups,
    probabilities: tuple[np.ndarray, np.ndarray] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return each score of two models on the same sentences, and by how much that of the first is higher.

    Takes the predictions, `first` and `second`, and the probabilities of both models; all else as in `score_intervals`.
    Where the models predict the same, and with the same probabilities if these are given, they are taken for equal: a
    difference of 0 from 0 to 0.

    Returns
    -------
    DataFrame
        A row for each metric; columns `one, other, difference, low, high, p, p_holm`. The last is corrected for the
        number of topics, for precision, recall, F1 and average precision separately; averages are not corrected.
    """
    article, articles = number_articles(groups)
    models = list(zip((first, second), probabilities or (None, None), strict=True))
    a, b = (build_measures(Y, predicted, article, topics, ranked) for predicted, ranked in models)
    equal = (first == second).all(axis=0)
    if probabilities is not None:
        equal &= (probabilities[0] == probabilities[1]).all(axis=0)
    is_equal = dict(zip(topics, equal.tolist(), strict=True))
    samplers: dict[str, bootstrap.Sampler] = {
        name: bootstrap.draw_no_difference
        if is_equal.get(name.partition("/")[2], equal.all())
        else partial(bootstrap.draw_difference, a[name], b[name])
        for name in a
    }
    resampled = bootstrap.resample(samplers, articles, resamples, np.random.default_rng(seed))

    rows = {name: (gap.score, *bootstrap.studentised_difference(gap, level)) for name, gap in resampled.items()}
    table = pd.DataFrame(rows, index=["difference", "low", "high", "p"]).T.rename_axis("metric")
    for place, (column, (predicted, ranked)) in enumerate(zip(("one", "other"), models, strict=True)):
        scores = score(Y, predicted, topics, probabilities=ranked)
        table.insert(place, column, [scores[name] for name in table.index])

    # Topics are many tests of one kind; an average is a kind of its own.
    kinds = [name.partition("/")[0] if "/" in name else name for name in table.index]
    return table.assign(p_holm=table["p"].groupby(kinds).transform(holm))


def holm(p: Sequence[float] | np.ndarray | pd.Series) -> np.ndarray:
    """Return p-values corrected for their number.

    Holm 1979, "A simple sequentially rejective multiple test procedure".

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=float)
    order = np.argsort(values, kind="stable")
    corrected = np.empty_like(values)
    corrected[order] = np.minimum(1, np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)))
    return corrected
