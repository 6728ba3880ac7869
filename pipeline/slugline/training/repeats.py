"""The same model on other splits, and on fewer articles: how far scores depend on them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from slugline.dataset import Material, require_examples
from slugline.errors import InputError
from slugline.scoring import score, score_intervals
from slugline.training.fit import Outcome

AVERAGES = ("f1_macro", "f1_micro", "ap_macro")
Refit = Callable[[Material], Outcome]


def repeat_splits(material: Material, outcome: Outcome, split: Any, refit: Refit, repeats: int) -> pd.DataFrame:
    """Return the scores on so many splits, the first the given one, the others with the next seeds: a split a row.

    One from which nothing can be learned has no scores but a `note`.
    """
    rows = [{"seed": split.seed} | judge(material, outcome)]
    for seed in range(split.seed + 1, split.seed + repeats):
        parts = replace(split, seed=seed)(material.sentences, material.Y)
        again = material._replace(sentences=material.sentences.assign(split=parts))
        rows.append({"seed": seed} | learn_again(again, refit))
    return pd.DataFrame(rows)


def draw_learning_curve(
    material: Material, outcome: Outcome, refit: Refit, shares: Sequence[float], seed: int
) -> pd.DataFrame:
    """Return the scores with each share of the training articles: a share a row, macro F1 with its interval.

    Smaller shares are parts of larger ones. One from which nothing can be learned has no scores but a `note`.
    """
    train, articles = material.rows("train"), material.sentences["article_id"]
    order = np.random.default_rng(seed).permutation(articles[train].unique())
    rows: list[dict[str, Any]] = []
    for share in sorted(shares):
        kept = articles.isin(order[: max(1, round(share * len(order)))]).to_numpy() & train
        size = {"share": share, "articles": articles[kept].nunique(), "sentences": int(kept.sum())}
        parts = np.where(train & ~kept, "left out", material.sentences["split"])
        again = material._replace(sentences=material.sentences.assign(split=parts))
        rows.append(size | (judge(again, outcome) if kept.sum() == train.sum() else learn_again(again, refit)))
    return pd.DataFrame(rows)


def learn_again(material: Material, refit: Refit) -> dict[str, Any]:
    """Return the scores of a model of other material, or a `note` that says why there is none."""
    try:
        require_examples(material, "train")
    except InputError as error:
        return {"note": str(error)}
    return judge(material, refit(material))


def judge(material: Material, outcome: Outcome) -> dict[str, float]:
    """Return the averages with the interval of macro F1, and F1 of each topic."""
    rows = material.rows(material.judged)
    Y, P, topics = material.Y[rows], outcome.probabilities[rows], material.topics
    decided, articles = outcome.model.decide(P), material.sentences["article_id"][rows].to_numpy()
    found = score("", Y, decided, P, topics)
    low, high = score_intervals(Y, decided, articles, topics)["f1_macro"]
    averages = {name: found[f"/{name}"] for name in AVERAGES}
    by_topic = {f"f1/{topic}": found[f"/f1/{topic}"] for topic in topics}
    return averages | {"f1_macro_low": low, "f1_macro_high": high} | by_topic
