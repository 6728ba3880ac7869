"""Articles that are copies of each other, by the sentences that they share."""

from collections.abc import Sequence

import numpy as np

from slugline.duplicates.texts import connect, first_rows

# Two articles are copies where sentences that at most so many articles have in common make up this share of the shorter
# one. What many articles have may be boilerplate, which must not glue a corpus together. Why these, see
# experiments/duplicates.py
RULES = ((5, 0.2), (200, 0.5))
_SEED = 0


def group_articles(
    articles: np.ndarray, sentences: np.ndarray, lengths: np.ndarray, rules: Sequence[tuple[int, float]] = RULES
) -> np.ndarray:
    """Return the group of each article: the first number of an article in it, shape (articles,).

    Parameters
    ----------
    articles, sentences : ndarray of int, shape (sentences,)
        The number of its article, from 0, and the group of each sentence.
    lengths : ndarray of int, shape (sentences,)
        How many characters of it count; 0 for debris, which makes no copies.
    rules : sequence of (int, float)
        Copies share sentences that at most so many articles have, from this share of the shorter one.

    Examples
    --------
    >>> group_articles(np.array([0, 0, 1, 1, 2]), np.array([0, 1, 0, 3, 4]), np.array([60, 30, 60, 50, 40])).tolist()
    [0, 0, 2]
    """
    same = first_rows(_sign(articles, sentences))  # first, as a text in thousands of articles has millions of pairs
    kept = (same[articles] == articles) & (lengths > 0)
    links = [_link(articles[kept], sentences[kept], lengths[kept], *rule) for rule in rules]
    whole = np.column_stack([np.arange(len(same)), same])
    return first_rows(connect(np.concatenate([whole, *links]), len(same)))


def _sign(articles: np.ndarray, sentences: np.ndarray) -> np.ndarray:
    """Return 64 bits for each article, the same where its sentences are of the same groups, in whatever order."""
    bits = np.random.default_rng(_SEED).integers(2**64, size=len(sentences), dtype=np.uint64)
    signs = np.zeros(articles.max(initial=-1) + 1, np.uint64)
    np.add.at(signs, articles, bits[sentences])
    return signs


def _link(articles: np.ndarray, sentences: np.ndarray, lengths: np.ndarray, most: int, share: float) -> np.ndarray:
    """Return pairs of articles that share what at most `most` have, from a share of the shorter, shape (pairs, 2)."""
    from scipy.sparse import coo_array

    size = articles.max(initial=-1) + 1, sentences.max(initial=-1) + 1
    characters = coo_array((lengths, (articles, sentences)), shape=size).tocsr()
    has = characters.astype(np.bool_).astype(np.int64)
    total, spread = characters.sum(axis=1), has.sum(axis=0)
    some = np.flatnonzero((spread > 1) & (spread <= most))
    shared = (characters[:, some] @ has[:, some].T).tocoo()
    enough = shared.data >= share * np.minimum(total[shared.row], total[shared.col])
    return np.column_stack([shared.row[enough], shared.col[enough]])
