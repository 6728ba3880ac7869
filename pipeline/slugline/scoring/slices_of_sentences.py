"""Slices of the sentences that a model is judged on: by a column, or by what their text and date say."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing
from slugline.scoring import WORSE, holm, length_bins, score_slices

MOST = 12  # slices by one column; the rest are one together
FEWEST = 5  # articles of a slice of its own
PERIODS = {"day": "D", "week": "W", "month": "M", "quarter": "Q", "year": "Y"}
Values = Sequence[object] | np.ndarray


def slice_all(
    sentences: pd.DataFrame, Y: np.ndarray, decided: np.ndarray, topics: Sequence[str], by: Sequence[str]
) -> pd.DataFrame:
    """Return micro F1 of each slice and of the rest; see `score_slices`, p corrected for all slices together.

    `by` names columns of the sentences, or `period`, `length` and `place`; columns with one slice alone are left out.
    """
    tables = []
    for name in by:
        articles = sentences["article_id"].to_numpy()
        values = commonest(pd.Series(list(slice_values(sentences, name)), dtype=object), articles)
        if len(set(values)) > 1:
            table = score_slices(Y, decided, articles, values, topics)
            tables.append(table.reset_index().assign(by=name))
    if not tables:
        return pd.DataFrame()
    found = pd.concat(tables, ignore_index=True).assign(p_holm=lambda table: holm(table["p"]))
    found["worse"] = (found["difference"] < 0) & (found["p_holm"] <= WORSE)
    return found[["by", *(column for column in found if column != "by")]]


def slice_values(sentences: pd.DataFrame, name: str) -> Values:
    """Return the value of each sentence; raise `InputError` for what sentences have not."""
    derived: dict[str, Callable[[], Values]] = {
        "period": lambda: period_bins(sentences["published"], most=MOST),
        "length": lambda: [str(value) for value in length_bins(sentences["text"].tolist())],
        "place": lambda: places(sentences),
    }
    if name in derived:
        return derived[name]()
    if name not in sentences:
        allowed = listing([*derived, *sentences.columns], 40)
        raise InputError(f"evaluation.slices: no '{name}'; allowed: {allowed}; data.keep reads further columns")
    return sentences[name].map(str, na_action="ignore").tolist()


def places(sentences: pd.DataFrame) -> list[str]:
    """Return whether each sentence is its article's title, its first sentence, or a later one."""
    rows = zip(sentences["text"], sentences["title"], sentences["position"], strict=True)
    return [
        "title"
        if isinstance(title, str) and normal_form(title) == normal_form(text)
        else ("later sentences" if position else "first sentence")
        for text, title, position in rows
    ]


def period_bins(published: pd.Series, period: str | None = None, most: int = 31) -> np.ndarray:
    """Return the period of each date (ISO 8601), None where there is none.

    `period` is day, week, month, quarter or year; else the finest with at most so many, or decades.
    """
    if period is not None and period not in PERIODS:
        raise InputError(f"period={period}; allowed: {listing(PERIODS)}")
    dates = pd.to_datetime(published, errors="coerce", utc=True, format="ISO8601").dt.tz_localize(None)
    for frequency in [PERIODS[period]] if period else PERIODS.values():
        found = dates.dt.to_period(frequency)
        if period or found.nunique() <= most:
            break
    else:
        found = (dates.dt.year // 10 * 10).map("{:.0f}s".format)
    return found.astype(str).astype(object).where(dates.notna(), None).to_numpy()


def commonest(values: pd.Series, articles: np.ndarray) -> list[object]:
    """Return the values, `(none)` for none; those beyond the commonest, or of few articles, are `(others)`."""
    named = values.where(values.notna(), "(none)")
    in_articles = pd.Series(articles).groupby(named.to_numpy()).nunique()
    kept = in_articles[in_articles >= FEWEST].nlargest(MOST).index
    return named.where(named.isin(kept), "(others)").tolist()
