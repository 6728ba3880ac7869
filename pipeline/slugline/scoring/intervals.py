"""Intervals of scores, and differences between two models with their p-values, by the bootstrap over articles."""

import math
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np
import pandas as pd

from slugline.scoring import bootstrap
from slugline.scoring.articles import Groups, number_articles
from slugline.scoring.bootstrap import Interval
from slugline.scoring.scores import Scores, absent_topics, score
from slugline.scoring.sums import Measure, build_measures

_Model = tuple[np.ndarray, np.ndarray | None]  # its predictions and its probabilities
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
    unseen, random = absent_topics(Y, topics), np.random.default_rng(seed)
    return measure_intervals(measures, unseen, articles=articles, resamples=resamples, random=random, level=level)


def macro_interval(
    Y: np.ndarray,
    predicted: np.ndarray,
    topics: Sequence[str],
    *,
    groups: Groups,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """Return the interval of macro F1 alone, at a third of the cost of `score_intervals`, which see."""
    article, articles = number_articles(groups)
    measures = build_measures(Y, predicted, article, topics)
    of_topics = {name: measure for name, measure in measures.items() if name.startswith("f1/")}
    unseen, random = absent_topics(Y, topics), np.random.default_rng(seed)
    found = measure_intervals(of_topics, unseen, articles=articles, resamples=resamples, random=random, level=level)
    return found["f1_macro"]


def difference_by_chance(low: float, high: float) -> float:
    """Return by how much two scores differ by chance at most, 95 times in 100, from the ends of the interval of one.

    On two samples of as many articles each, of the same kind: the standard error of a difference of two independent
    scores is the square root of two times that of one.

    Examples
    --------
    >>> round(difference_by_chance(0.5, 0.7), 3)
    0.141
    """
    return math.sqrt(2) * (high - low) / 2


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
    Where the models predict the same, and with the same probabilities if these are given, they are taken for equal, in
    average precision where the probabilities are the same: a difference of 0 from 0 to 0. Exchanged, they differ by the
    same with the other sign, and have the same p.

    Returns
    -------
    DataFrame
        A row for each metric; columns `one, other, difference, low, high, p, p_holm`. Topics that no sentence has are
        left out, of means, too. The last column is corrected for the number of topics, for precision, recall, F1 and
        average precision separately; averages are not corrected.
    """
    # Which of two models is called the first must not matter: they are resampled in an order of their own.
    models = [(first, probabilities and probabilities[0]), (second, probabilities and probabilities[1])]
    keys = [[b"" if values is None else values.tobytes() for values in model] for model in models]
    swapped = keys[0] > keys[1]
    table = _resample_difference(Y, models[::-1] if swapped else models, topics, groups, resamples, seed, level)
    if swapped:
        table = table.assign(difference=0 - table["difference"], low=0 - table["high"], high=0 - table["low"])
    for place, (column, (predicted, ranked)) in enumerate(zip(("one", "other"), models, strict=True)):
        scores = score(Y, predicted, topics, probabilities=ranked)
        table.insert(place, column, [scores[name] for name in table.index])

    # Topics are many tests of one kind; an average is a kind of its own.
    kinds = [name.partition("/")[0] if "/" in name else name for name in table.index]
    return table.assign(p_holm=table["p"].groupby(kinds).transform(holm))


def _resample_difference(
    Y: np.ndarray,
    models: Sequence[_Model],
    topics: Sequence[str],
    groups: Groups,
    resamples: int,
    seed: int,
    level: float,
) -> pd.DataFrame:
    """Return by how much each score of the first of two models is higher: `difference, low, high, p`."""
    article, articles = number_articles(groups)
    (first, first_ranked), (second, second_ranked) = models
    a, b = (build_measures(Y, predicted, article, topics, ranked) for predicted, ranked in models)
    unseen = [topic for topic, y in zip(topics, Y.T, strict=True) if not y.any() and Y.any()]
    decided = (first == second).all(axis=0)
    ranked = decided
    if first_ranked is not None and second_ranked is not None:
        ranked = (first_ranked == second_ranked).all(axis=0)

    def is_equal(name: str) -> bool:
        """Tell whether a score is of equal models; average precision asks for the same probabilities alone."""
        equal = ranked if name.startswith("ap") else decided & ranked
        topic = name.partition("/")[2]
        return bool(equal[topics.index(topic)] if topic else equal.all())

    samplers: dict[str, bootstrap.Sampler] = {
        name: bootstrap.draw_no_difference if is_equal(name) else partial(bootstrap.draw_difference, a[name], b[name])
        for name in a
        if name.partition("/")[2] not in unseen
    }
    resampled = bootstrap.resample(samplers, articles, resamples, np.random.default_rng(seed))
    rows = {name: (gap.score, *bootstrap.studentised_difference(gap, level)) for name, gap in resampled.items()}
    return pd.DataFrame(rows, index=["difference", "low", "high", "p"]).T.rename_axis("metric")


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
