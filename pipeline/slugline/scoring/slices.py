"""Scores of slices: where a model is worse than elsewhere, beyond chance."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd

from slugline.errors import InputError, listing
from slugline.scoring.bootstrap import (
    Draws,
    draw_one,
    draw_scores,
    find_difference,
    find_interval,
    holm,
    number,
    resample,
)
from slugline.scoring.sums import Measure, measure

COLUMNS = ["sentences", "articles", "score", "low", "high", "rest"]
COLUMNS += ["difference", "difference_low", "difference_high", "p"]
WORSE = 0.05  # the corrected p from which on a slice is called worse


def score_slices(
    Y: np.ndarray,
    predicted: np.ndarray,
    groups: Sequence[object] | np.ndarray,
    values: Any,
    topics: Sequence[str],
    *,
    metric: str = "f1_micro",
    resamples: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return a score of the sentences of each value, and of all others: a slice a row, by its value.

    `Y` and `predicted` have shape (sentences, topics); `groups` is a key of each sentence's article, `values` its
    source, its month, or its `length_bins`. Columns: `sentences, articles, score, low, high, rest, difference,
    difference_low, difference_high, p, p_holm, worse`. The difference is from the rest, on the same resamples of
    articles; p is two-sided, p_holm corrected for the number of slices; worse means lower than the rest with a p_holm
    of at most 0.05. `metric` is a name of `intervals` but for average precision; a macro average counts 0 for a topic
    that a slice has not. One slice alone has no rest: NaN. Raises `InputError` for another metric.
    """
    article, articles = number(groups)
    found = {}
    slices = pd.Series(range(len(Y))).groupby(pd.Series(values).reset_index(drop=True), dropna=False, observed=True)
    for value, part in slices:
        inside = np.isin(np.arange(len(Y)), part)
        sides = [measure(Y[rows], predicted[rows], article[rows], topics, None, articles) for rows in (inside, ~inside)]
        drawers = {"here": partial(draw_metric, sides[0], metric), "gap": partial(draw_gap, sides, metric)}
        here, gap = resample(drawers, articles, resamples, np.random.default_rng(seed)).values()
        against = [here.score - gap.score, gap.score, *find_difference(gap, level)]
        scores = [here.score, *find_interval(here, level), *(against if len(slices) > 1 else [np.nan] * 5)]
        found[value] = [len(part), len(np.unique(article[inside])), *scores]
    table = pd.DataFrame.from_dict(found, orient="index", columns=COLUMNS).rename_axis("slice")
    table["p_holm"] = holm(table["p"])
    return table.assign(worse=(table["difference"] < 0) & (table["p_holm"] <= WORSE))


def draw_metric(measures: dict[str, Measure], metric: str, weights: np.ndarray, random: np.random.Generator) -> Draws:
    """Return one score of a part of the sentences; raise `InputError` for a metric that there is not."""
    kind, _, macro = metric.partition("_")
    wanted = [name for name in measures if name == metric or (macro == "macro" and name.startswith(f"{kind}/"))]
    drawn = dict(draw_scores({name: partial(draw_one, measures[name]) for name in wanted}, weights, random))
    if metric not in drawn:
        names = [name for name in measures if "/" not in name]
        raise InputError(f"slices: metric={metric}; allowed: {listing([*names, 'f1_macro', 'f1/TOPIC'])}, ...")
    return drawn[metric]


def draw_gap(
    sides: Sequence[dict[str, Measure]], metric: str, weights: np.ndarray, random: np.random.Generator
) -> Draws:
    """Return how much higher one score of a part of the sentences is than that of the others."""
    here, rest = (draw_metric(side, metric, weights, random) for side in sides)
    return here.plus(rest, -1.0)


def length_bins(texts: Sequence[str], edges: Sequence[int] = (10, 20, 40)) -> pd.Categorical:
    """Return a bin by the number of words for each text: `under 10 words`, `10 to 19 words`, `40 words or more`."""
    names = [f"under {edges[0]} words", *(f"{low} to {high - 1} words" for low, high in pairwise(edges))]
    words = [float(len(text.split())) for text in texts]
    return pd.cut(words, [-np.inf, *edges, np.inf], right=False, labels=[*names, f"{edges[-1]} words or more"])
