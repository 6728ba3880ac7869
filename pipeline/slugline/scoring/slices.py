"""Scores of slices of the sentences: where a model is worse than elsewhere, beyond chance.

A slice holds the sentences with one value of a column, or of what their text, place and date say.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing
from slugline.scoring import bootstrap
from slugline.scoring.articles import Groups, article_sums, number_articles
from slugline.scoring.bootstrap import Resampled
from slugline.scoring.intervals import holm
from slugline.scoring.sums import f1_micro_sums

_DERIVED = ("period", "length", "place")  # slices by values derived from the sentences
_MAX_SLICES = 12  # by one column; the rest form one slice
_MIN_ARTICLES = 5  # of a slice of its own
_MAX_P = 0.05  # corrected: a slice with a lower score is called worse up to here
_PERIODS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
_COLUMNS = ["sentences", "articles", "score", "low", "high"]
_COLUMNS_OF_REST = ["rest", "difference", "difference_low", "difference_high", "p"]


def score_all_slices(
    sentences: pd.DataFrame, Y: np.ndarray, predicted: np.ndarray, topics: Sequence[str], by: Sequence[str]
) -> pd.DataFrame:
    """Return micro F1 of each slice, a row, and of the rest: columns `by`, `slice` and those of `score_slices`.

    `by` names columns of the sentences, or `period`, `length` and `place`; those with one slice alone are left out. p
    is corrected for all slices together.
    """
    articles = sentences["article_id"].to_numpy()
    slices: dict[tuple[str, object], np.ndarray] = {}
    for name in by:
        values = _merge_rare(pd.Series(list(slice_values(sentences, name)), dtype=object), articles)
        parts = _divide(values)
        slices |= {(name, value): inside for value, inside in parts.items()} if len(parts) > 1 else {}
    if not slices:
        return pd.DataFrame()
    rows = _score(Y, predicted, articles, list(slices.values()), resamples=1000, seed=0, level=0.95)
    table = pd.DataFrame(rows, columns=_COLUMNS + _COLUMNS_OF_REST)
    table.insert(0, "by", [name for name, _ in slices])
    table.insert(1, "slice", [value for _, value in slices])
    return _judge(table)


def score_slices(
    Y: np.ndarray,
    predicted: np.ndarray,
    topics: Sequence[str],
    *,
    groups: Groups,
    values: Any,
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return micro F1 of the sentences with each value, and its difference from that of all other sentences.

    `values`, shape (sentences,), make the slices. All else as in `score_intervals`; slice and rest are compared on the
    same resamples of articles.

    Returns
    -------
    DataFrame
        A slice a row, by its value; columns `sentences, articles, score, low, high, rest, difference, difference_low,
        difference_high, p, p_holm, worse`. One slice alone has no rest: NaN.
    """
    slices = _divide(values)
    rows = _score(Y, predicted, groups, list(slices.values()), resamples=resamples, seed=seed, level=level)
    table = pd.DataFrame(rows, index=list(slices), columns=_COLUMNS + _COLUMNS_OF_REST)
    return _judge(table.rename_axis("slice"))


def _divide(values: Any) -> dict[Any, np.ndarray]:
    """Return which sentences, bool (sentences,), have each value."""
    # By place, whatever the index of `values`; a category that no sentence has is not a slice.
    values = pd.Series(values).reset_index(drop=True)
    places = pd.Series(range(len(values))).groupby(values, dropna=False, observed=True)
    return {value: np.isin(np.arange(len(values)), part) for value, part in places}


def _score(
    Y: np.ndarray,
    predicted: np.ndarray,
    groups: Groups,
    slices: Sequence[np.ndarray],
    *,
    resamples: int,
    seed: int,
    level: float,
) -> list[list[float]]:
    """Return a row of `score_slices` for each slice, bool (sentences,); all are scored on the same resamples."""
    article, n_articles = number_articles(groups)
    to_articles = article_sums(article, n_articles)
    sides = [
        [f1_micro_sums(Y[side], predicted[side], to_articles[:, side]) for side in (inside, ~inside)]
        for inside in slices
    ]
    here: list[list[Resampled]] = [[] for _ in slices]
    gap: list[list[Resampled]] = [[] for _ in slices]
    random = np.random.default_rng(seed)
    for weights in bootstrap.weight_batches(n_articles, resamples, random):
        alone, beside, rest = (bootstrap.draw_prior(len(weights), random) for _ in range(3))
        for number, (inner, outer) in enumerate(sides):
            ratio = inner.weigh(weights)
            here[number].append(bootstrap.smooth_score(ratio, alone).resampled(weights))
            compared = bootstrap.smooth_score(ratio, beside)
            compared = compared.add(bootstrap.smooth_score(outer.weigh(weights), rest), -1.0)
            gap[number].append(compared.resampled(weights))

    rows = []
    for inside, here_parts, gap_parts in zip(slices, here, gap, strict=True):
        score, difference = bootstrap.join(here_parts), bootstrap.join(gap_parts)
        interval = bootstrap.studentised_interval(score, level)
        comparison = [score.score - difference.score, difference.score]
        comparison += bootstrap.studentised_difference(difference, level)
        size = [int(inside.sum()), len(np.unique(article[inside]))]
        rows.append([*size, score.score, *interval, *([np.nan] * 5 if inside.all() else comparison)])
    return rows


def slice_values(sentences: pd.DataFrame, name: str) -> Sequence[object] | np.ndarray:
    """Return the value of each sentence by which it is sliced: a column's, or its `period`, `length` or `place`."""
    if name == "period":
        return period_bins(sentences["published"], most=_MAX_SLICES)
    if name == "length":
        return [str(value) for value in length_bins(sentences["text"].tolist())]
    if name == "place":
        return _places(sentences)
    if name not in sentences:
        allowed = listing([*_DERIVED, *sentences.columns], 40)
        raise InputError(f"evaluation.slices: no '{name}'; allowed: {allowed}; data.keep reads further columns")
    return sentences[name].map(str, na_action="ignore").tolist()


def length_bins(texts: Sequence[str], edges: Sequence[int] = (10, 20, 40)) -> pd.Categorical:
    """Return a bin by the number of words for each text: `under 10 words`, `10 to 19 words`, `40 words or more`."""
    between = [f"{low} to {high - 1} words" for low, high in pairwise(edges)]
    names = [f"under {edges[0]} words", *between, f"{edges[-1]} words or more"]
    words = [float(len(text.split())) for text in texts]
    return pd.cut(words, [-np.inf, *edges, np.inf], right=False, labels=names)


def period_bins(published: pd.Series, period: str | None = None, most: int = 31) -> np.ndarray:
    """Return the period of each date (ISO 8601), None where there is none.

    Without a `period` (day, week, month, quarter or year) it is the finest that gives at most `most`, or else decades.

    Examples
    --------
    >>> period_bins(pd.Series(["2016-10-06", None]), "quarter").tolist()
    ['2016Q4', None]
    """
    check_period(period, "period")
    dates = pd.to_datetime(published, errors="coerce", utc=True, format="ISO8601")
    dates = dates.dt.tz_localize(None)  # pandas' periods have no time zone
    for frequency in [_PERIODS[period]] if period else _PERIODS.values():
        bins = dates.dt.to_period(frequency)
        if period or bins.nunique() <= most:
            break
    else:
        bins = (dates.dt.year // 10 * 10).map("{:.0f}s".format)
    return bins.astype(str).astype(object).where(dates.notna(), None).to_numpy()


def check_period(period: str | None, key: str) -> None:
    """Raise `InputError` for an unknown period; `key` is the setting that names it."""
    if period is not None and period not in _PERIODS:
        raise InputError(f"{key}={period}; allowed: {listing(_PERIODS)}")


def _places(sentences: pd.DataFrame) -> list[str]:
    """Return whether each sentence is its article's title, its first sentence, or a later one."""
    titles = sentences["title"].map(normal_form, na_action="ignore")
    conditions = [titles == sentences["text"].map(normal_form), sentences["position"].astype(bool)]
    places: list[str] = np.select(conditions, ["title", "later sentences"], "first sentence").tolist()
    return places


def _merge_rare(values: pd.Series, articles: np.ndarray) -> list[object]:
    """Return the values, `(none)` for none; those beyond the commonest, or of few articles, become `(others)`."""
    named = values.where(values.notna(), "(none)")
    n_articles = pd.Series(articles).groupby(named.to_numpy()).nunique()
    kept = n_articles[n_articles >= _MIN_ARTICLES].nlargest(_MAX_SLICES).index
    return named.where(named.isin(kept), "(others)").tolist()


def _judge(table: pd.DataFrame) -> pd.DataFrame:
    """Correct p for the number of slices, and say which slices are worse."""
    table["p_holm"] = holm(table["p"])
    return table.assign(worse=(table["difference"] < 0) & (table["p_holm"] <= _MAX_P))
