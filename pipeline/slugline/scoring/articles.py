"""Scores on articles: an article has a topic where one of its sentences has."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from slugline.scoring.scores import Scores, score


def by_article(values: np.ndarray, groups: Sequence[object] | np.ndarray) -> np.ndarray:
    """Return the largest value of each article's sentences, in order of appearance, shape (articles, topics).

    Of booleans: whether any is true; of probabilities (sentences, topics): what articles are ranked by.
    """
    article, names = pd.factorize(np.asarray(groups, dtype=object), use_na_sentinel=False)
    order = np.argsort(article, kind="stable")
    starts = np.searchsorted(article[order], np.arange(len(names)))
    return np.asarray(np.maximum.reduceat(values[order], starts, axis=0)) if len(names) else values


def article_level(
    part: str,
    Y: np.ndarray,
    predicted: np.ndarray,
    groups: Sequence[object] | np.ndarray,
    topics: Sequence[str],
    probabilities: np.ndarray | None = None,
) -> Scores:
    """Return all scores of one part on articles, under `test/article/f1_macro`, `test/article/f1/<topic>`, ...

    Takes labels, decisions and probabilities of sentences, (sentences, topics), and a key of each one's article.
    """
    ranked = None if probabilities is None else by_article(probabilities, groups)
    return score(f"{part}/article", by_article(Y, groups), by_article(predicted, groups), ranked, topics)
