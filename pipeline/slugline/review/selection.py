"""Sampling for labelling: scores by sentence and topic, rankings that take turns, batches without near-duplicates."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

_TINY = 1e-9  # how near to 0 and 1 a probability counts, so that log-odds are finite
# How many candidates are compared at once, and with how many other sentences
_BLOCK_ROWS, _CHUNK_ROWS = 1024, 4096


def rivals(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return what each topic must beat where a sentence carries just one, same shape.

    A sentence gets the topic whose probability is the largest multiple of its threshold: what a topic must beat is
    its own threshold times the largest multiple among the others; where all thresholds are the same, the probability
    of the likeliest other. At most 1. In place of thresholds these make `uncertainty` the margin between the two
    likeliest topics (Scheffer, Decomain and Wrobel 2001, "Active hidden Markov models for information extraction"),
    and `disagreement` hold for multiclass too.
    """
    multiples = probabilities / thresholds
    best = multiples.argmax(axis=1)
    ranked = np.sort(multiples, axis=1)
    is_best = np.arange(probabilities.shape[1]) == best[:, None]
    return np.asarray(np.minimum(thresholds * np.where(is_best, ranked[:, -2:-1], ranked[:, -1:]), 1.0))


def _recentre(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return probabilities moved in log-odds so that each threshold comes to be 0.5, same shape.

    Elkan 2001, "The foundations of cost-sensitive learning", theorem 2: deciding at a threshold t is deciding at 0.5
    once the odds of the classes are multiplied by (1 - t) / t.
    """
    return np.asarray(1 / (1 + np.exp(_log_odds(thresholds) - _log_odds(probabilities))))


def _log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithm of p / (1 - p), finite also for 0 and 1."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), _TINY, 1 - _TINY)
    return np.asarray(np.log(p) - np.log1p(-p))


def uncertainty(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Score how unsure a model is of each topic: 1 at the threshold, towards 0 far from it.

    Once the threshold is moved to 0.5 (Elkan 2001, "The foundations of cost-sensitive learning"), the score is twice
    the smaller of p and 1 - p: the uncertainty sampling of Lewis and Gale 1994, "A sequential algorithm for training
    text classifiers". The distance to the threshold is measured in log-odds: those of a linear model grow with the
    distance to its hyperplane, which is what to sample by (Tong and Koller 2001, "Support vector machine active
    learning with applications to text classification"). By the difference of probabilities, all sentences near 0 would
    be as unsure as one at 0.2 where the threshold is 0.1.

    `probabilities` have shape (sentences, topics), `thresholds` that or (topics,).

    Examples
    --------
    >>> import numpy as np
    >>> uncertainty(np.array([[0.25, 0.5], [0.9, 0.1]]), np.array([0.25, 0.5])).round(2).tolist()
    [[1.0, 1.0], [0.07, 0.2]]
    """
    centred = _recentre(probabilities, thresholds)
    return np.asarray(2 * np.minimum(centred, 1 - centred))


def disagreement(probabilities: np.ndarray, thresholds: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Score how far rules contradict a model, shape (sentences, topics): 0 where they agree or say nothing.

    Towards 1 the surer the model is of the contrary of `votes`, which are 1 for the topic, -1 against it, 0 for
    nothing. Two views that disagree are query by committee (Seung, Opper and Sompolinsky 1992).
    """
    centred = _recentre(probabilities, thresholds)
    contradicted = np.select([votes > 0, votes < 0], [1 - centred, centred], 0.0)
    return np.asarray(np.maximum(2 * contradicted - 1, 0.0))


def rarity(probabilities: np.ndarray) -> np.ndarray:
    """Score how rare each topic is among sentences, shape (topics,): 0 where all carry it, 1 where one does.

    The logarithm of the share that calibrated probabilities expect, as in inverse document frequency, over that of one
    sentence.
    """
    count = len(probabilities)
    if count <= 1:
        return np.zeros(probabilities.shape[1])
    expected = np.clip(probabilities.sum(axis=0), 1.0, None)
    return np.asarray(np.log(count / expected) / np.log(count))


class Priorities(NamedTuple):
    """How soon each sentence's turn is, and what asks for it; all arrays have shape (sentences,).

    `score` is 1 for the first, towards 0; `strategy` and `topic` are the indices of what asks for the sentence, without
    meaning where the score is 0.
    """

    score: np.ndarray
    strategy: np.ndarray
    topic: np.ndarray


def take_turns(
    scores_by_strategy: Sequence[np.ndarray], weights: Sequence[float], topic_weights: np.ndarray
) -> Priorities:
    """Combine scores: each topic of each strategy ranks the sentences, and the rankings take turns.

    A batch holds as many sentences of a ranking as its weight, that of the strategy times that of the topic, is of all
    weights, rounded as Sainte-Laguë does for seats. So no topic crowds out another, whatever the scale of its scores:
    the round robin of Esuli and Sebastiani 2009, "Active learning strategies for multi-label text classification".

    The scores of each strategy have shape (sentences, topics); scores of 0 and less ask for nothing.
    """
    pairs = zip(scores_by_strategy, weights, strict=True)
    weighted = [_rank(scores) * weight * topic_weights for scores, weight in pairs]
    all_turns = np.hstack(weighted)
    best = all_turns.argmax(axis=1)
    strategy, topic = np.divmod(best, len(topic_weights))
    return Priorities(all_turns[np.arange(len(all_turns)), best], strategy, topic)


def _rank(scores: np.ndarray) -> np.ndarray:
    """Return 1, 1/3, 1/5, ... for the first, second, ... sentence of each topic, ties in order, 0 for a score of 0."""
    order = np.argsort(-scores, axis=0, kind="stable")
    turns = np.empty(scores.shape)
    np.put_along_axis(turns, order, 1 / np.arange(1.0, 2 * len(scores), 2)[:, None], axis=0)
    return np.asarray(np.where(scores > 0, turns, 0.0))


class Selection(NamedTuple):
    """The rows chosen, the best first, and how many with better scores than the last were left out as too similar."""

    rows: np.ndarray
    put_off: int


def select_batch(
    scores: np.ndarray, X: csr_array, size: int, limit: float = 1.0, X_seen: csr_array | None = None
) -> Selection:
    """Choose the rows with the highest scores, but none that is too similar to one chosen or seen before.

    `scores` have shape (sentences,), `X` and `X_seen`, of sentences seen before, (sentences, features); their rows have
    length 1, so that products are cosines, and are too similar above `limit`; 1 puts nothing off. Of equal scores the
    first row comes first. When nothing else is left, the rows put off are taken in their order.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> X = csr_array(np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    >>> batch = select_batch(np.array([0.9, 0.8, 0.1]), X, size=2, limit=0.8)
    >>> batch.rows.tolist(), batch.put_off
    ([0, 2], 1)
    """
    order = np.argsort(-scores, kind="stable")
    if limit >= 1:
        return Selection(order[:size], 0)

    chosen = order[:0]
    for start in range(0, len(order), _BLOCK_ROWS):
        block = order[start : start + _BLOCK_ROWS]
        near = _is_near(X[block], X[chosen], limit)
        if X_seen is not None:
            near |= _is_near(X[block], X_seen, limit)
        free = block[~near]
        chosen = np.concatenate([chosen, free[_keep_apart(X[free], limit)]])[:size]
        if len(chosen) == size:  # what comes after the last one chosen was not put off
            order = order[: np.flatnonzero(order == chosen[-1])[0]]
            break

    put_off = order[~np.isin(order, chosen)]
    taken = put_off[: size - len(chosen)]
    return Selection(np.concatenate([chosen, taken]), len(put_off) - len(taken))


def _is_near(X: csr_array, X_others: csr_array, limit: float) -> np.ndarray:
    """Return which rows are more similar than the limit to at least one of the others."""
    near = np.zeros(X.shape[0], dtype=bool)
    for start in range(0, X_others.shape[0], _CHUNK_ROWS):
        near[_similar_pairs(X, X_others[start : start + _CHUNK_ROWS], limit)[0]] = True
    return near


def _keep_apart(X: csr_array, limit: float) -> np.ndarray:
    """Return which rows are left once each, from the first on, has put off those after it that are too similar."""
    kept = np.ones(X.shape[0], dtype=bool)
    for row, other in zip(*_similar_pairs(X, X, limit), strict=True):
        if row < other and kept[row]:
            kept[other] = False
    return kept


def _similar_pairs(X: csr_array, X_others: csr_array, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of rows whose product is above the limit, in the order of the first."""
    product = csr_array(X @ X_others.T)
    rows = np.repeat(np.arange(X.shape[0]), np.diff(product.indptr))
    above = product.data > limit
    return rows[above], product.indices[above]
