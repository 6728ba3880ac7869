"""The same settings on other splits, and on fewer articles: how far scores depend on them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from slugline.dataset import Dataset, check_dataset
from slugline.errors import InputError
from slugline.scoring import score, score_intervals
from slugline.training.fit import FittedModel

AVERAGES = ("f1_macro", "f1_micro", "ap_macro")
_Refit = Callable[[Dataset], FittedModel]


def repeat_splits(dataset: Dataset, fitted: FittedModel, split: Any, refit: _Refit, repeats: int) -> pd.DataFrame:
    """Return the scores on several splits, a split a row.

    Parameters
    ----------
    dataset, fitted
        The first split and its model.
    split : callable
        The splitter; each further split has its next seed.
    refit : callable
        Fits a model of a dataset.
    repeats : int
        The number of splits.

    Returns
    -------
    DataFrame
        `seed` and scores; a split from which nothing can be learned has no scores but a `note`.
    """
    rows = [{"seed": split.seed} | _score(dataset, fitted)]
    for seed in range(split.seed + 1, split.seed + repeats):
        parts = replace(split, seed=seed)(dataset.sentences, dataset.Y)
        rows.append({"seed": seed} | _fit_and_score(dataset.with_split(parts), refit))
    return pd.DataFrame(rows)


def draw_learning_curve(
    dataset: Dataset, fitted: FittedModel, refit: _Refit, shares: Sequence[float], seed: int
) -> pd.DataFrame:
    """Return the scores with shares of the training articles, a share a row; smaller shares are parts of larger ones.

    Parameters
    ----------
    dataset, fitted
        All articles, and the model that learned from them.
    refit : callable
        Fits a model of a dataset.
    shares : sequence of float
        Above 0, to 1.
    seed : int
        Of the order in which articles are drawn.

    Returns
    -------
    DataFrame
        `share, articles, sentences` and scores, macro F1 with its interval; a share from which nothing can be learned
        has no scores but a `note`.
    """
    train, articles = dataset.rows("train"), dataset.sentences["article_id"]
    order = np.random.default_rng(seed).permutation(articles[train].unique())
    rows: list[dict[str, Any]] = []
    for share in sorted(shares):
        drawn = order[: max(1, round(share * len(order)))]
        kept = articles.isin(drawn).to_numpy() & train
        size = {"share": share, "articles": articles[kept].nunique(), "sentences": int(kept.sum())}
        if kept.sum() == train.sum():
            rows.append(size | _score(dataset, fitted))
        else:
            parts = np.where(train & ~kept, "left out", dataset.sentences["split"])
            rows.append(size | _fit_and_score(dataset.with_split(parts), refit))
    return pd.DataFrame(rows)


def _fit_and_score(dataset: Dataset, refit: _Refit) -> dict[str, Any]:
    """Return the scores of a model of a dataset, or a `note` that says why there is none."""
    try:
        check_dataset(dataset, "train")
    except InputError as error:
        return {"note": str(error)}
    return _score(dataset, refit(dataset))


def _score(dataset: Dataset, fitted: FittedModel) -> dict[str, float]:
    """Return the averages with the interval of macro F1, and F1 of each topic."""
    rows, topics = dataset.rows(dataset.evaluated_part), dataset.topics
    Y, P = dataset.Y[rows], fitted.probabilities[rows]
    decided, articles = fitted.model.decide(P), dataset.sentences["article_id"][rows].to_numpy()

    scores = score(Y, decided, topics, probabilities=P)
    low, high = score_intervals(Y, decided, topics, groups=articles)["f1_macro"]
    averages = {name: scores[name] for name in AVERAGES}
    by_topic = {f"f1/{topic}": scores[f"f1/{topic}"] for topic in topics}
    return averages | {"f1_macro_low": low, "f1_macro_high": high} | by_topic
