"""Scores on articles: an article has a topic where one of its sentences has."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.scoring.scores import Scores, score

Groups = Sequence[object] | np.ndarray  # the key of each sentence's article, as scikit-learn's `groups`


def number_articles(groups: Groups) -> tuple[np.ndarray, int]:
    """Return the number of each sentence's article, from 0 in order of appearance, and how many articles there are."""
    numbers, keys = pd.factorize(np.asarray(groups, dtype=object), use_na_sentinel=False)
    return numbers, len(keys)


def article_sums(article: np.ndarray, n_articles: int) -> csr_array:
    """Return the matrix (articles, sentences) that turns values of sentences into sums over articles."""
    n_sentences = len(article)
    return csr_array((np.ones(n_sentences), (article, np.arange(n_sentences))), (n_articles, n_sentences))


def max_by_article(values: np.ndarray, groups: Groups) -> np.ndarray:
    """Return the largest value among each article's sentences, shape (articles, topics), in order of appearance.

    Of booleans: whether any is true. Of probabilities: what articles are ranked by.
    """
    article, n_articles = number_articles(groups)
    if not n_articles:
        return values
    # `reduceat` takes the maximum from each start to the next, so the sentences of an article must stand together.
    order = np.argsort(article, kind="stable")
    starts = np.searchsorted(article[order], np.arange(n_articles))
    return np.asarray(np.maximum.reduceat(values[order], starts, axis=0))


def score_articles(
    Y: np.ndarray,
    predicted: np.ndarray,
    topics: Sequence[str],
    *,
    groups: Groups,
    probabilities: np.ndarray | None = None,
) -> Scores:
    """Return what `score` does, on articles instead of sentences."""
    ranked = None if probabilities is None else max_by_article(probabilities, groups)
    return score(max_by_article(Y, groups), max_by_article(predicted, groups), topics, probabilities=ranked)
