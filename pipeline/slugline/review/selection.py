"""Sampling: which sentences teach a model most when they are labelled next, and which labels look wrong. No I/O."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from slugline.errors import InputError

TINY = 1e-9  # how near to 0 and 1 a probability counts, so that log-odds are finite
STABLE = 0.99  # kappa between successive models from which their predictions count as stable,
TIMES = 3  # and how many times in a row: Bloodgood and Vijay-Shanker 2009
BLOCK = 1024  # candidates that are compared at once,
CHUNK = 4096  # and with how many rows


def rivals(probabilities: np.ndarray) -> np.ndarray:
    """Return what each topic must beat where a sentence gets just one, its likeliest other topic: (sentences, topics).

    In place of thresholds these make `uncertainty` the margin between the two likeliest topics (Scheffer, Decomain and
    Wrobel 2001, "Active hidden Markov models for information extraction"), and `disagreement` hold for multiclass too.
    """
    best = probabilities.argmax(axis=1)
    ranked = np.sort(probabilities, axis=1)
    is_best = np.arange(probabilities.shape[1]) == best[:, None]
    return np.asarray(np.where(is_best, ranked[:, -2:-1], ranked[:, -1:]))


def recentre(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return probabilities moved in log-odds so that each threshold comes to be 0.5, same shape.

    Elkan 2001, "The foundations of cost-sensitive learning", theorem 2: deciding at a threshold t is deciding at 0.5
    once the odds of the classes are multiplied by (1 - t) / t. `thresholds` have shape (topics,) or that of
    `probabilities`.
    """
    return np.asarray(1 / (1 + np.exp(log_odds(thresholds) - log_odds(probabilities))))


def log_odds(probabilities: np.ndarray) -> np.ndarray:
    """Return the logarithm of p / (1 - p), finite also for 0 and 1."""
    p = np.clip(np.asarray(probabilities, dtype=np.float64), TINY, 1 - TINY)
    return np.asarray(np.log(p) - np.log1p(-p))


def uncertainty(probabilities: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Return how unsure a model is of each topic: 1 at the threshold, towards 0 far from it, shape (sentences, topics).

    The distance is one of log-odds: once the threshold stands at 0.5 (`recentre`), the score is twice the smaller of
    p and 1 - p, the uncertainty sampling of Lewis and Gale 1994, "A sequential algorithm for training text
    classifiers". In log-odds since those of a linear model grow with the distance to its hyperplane, which is what to
    sample by (Tong and Koller 2001, "Support vector machine active learning with applications to text classification");
    and since by the difference of probabilities all sentences near 0 are as unsure as one at 0.2, where the threshold
    is 0.1.
    """
    q = recentre(probabilities, thresholds)
    return np.asarray(2 * np.minimum(q, 1 - q))


def disagreement(probabilities: np.ndarray, thresholds: np.ndarray, votes: np.ndarray) -> np.ndarray:
    """Return how far rules contradict a model: 0 where they agree or say nothing, to 1, shape (sentences, topics).

    `votes` are +1 (for), -1 (against) and 0 (none), int8, (sentences, topics). Where a model that says no is very sure
    of it, the contradiction is 1. Two views that disagree are query by committee (Seung, Opper and Sompolinsky 1992).
    """
    q = recentre(probabilities, thresholds)
    against = np.select([votes > 0, votes < 0], [1 - q, q], 0.0)
    return np.asarray(np.maximum(2 * against - 1, 0.0))


def rarity(probabilities: np.ndarray) -> np.ndarray:
    """Return how rare each topic is among sentences: 0 where all carry it, 1 where one does, shape (topics,).

    The logarithm of the share that calibrated probabilities expect, as in inverse document frequency, over that of one
    sentence.
    """
    count = len(probabilities)
    expected = np.clip(probabilities.sum(axis=0), 1.0, None)
    return np.asarray(np.log(count / expected) / np.log(count) if count > 1 else np.zeros(probabilities.shape[1]))


class Priorities(NamedTuple):
    """How soon each sentence's turn is (1 is first, towards 0), and which part and which topic ask for it.

    All have shape (sentences,); `part` and `topic` are indices, and mean nothing where the score is 0.
    """

    score: np.ndarray
    part: np.ndarray
    topic: np.ndarray


def take_turns(parts: Sequence[np.ndarray], weights: Sequence[float], topic_weights: np.ndarray) -> Priorities:
    """Put scores together: each topic of each part ranks the sentences, and the rankings take turns.

    `parts` are scores (sentences, topics), of which 0 and less ask for nothing. A batch holds as many sentences of a
    ranking as its weight, that of the part times that of the topic, is of all weights, rounded as Sainte-Laguë does for
    seats. So no topic crowds out another, whatever the scale of its scores: the round robin of Esuli and Sebastiani
    2009, "Active learning strategies for multi-label text classification".
    """
    turns = [turns_of(scores) * weight * topic_weights for scores, weight in zip(parts, weights, strict=True)]
    every = np.hstack(turns)
    best = every.argmax(axis=1)
    topics = len(topic_weights)
    return Priorities(every[np.arange(len(every)), best], best // topics, best % topics)


def turns_of(scores: np.ndarray) -> np.ndarray:
    """Return 1, 1/3, 1/5, ... for the first, second, third, ... sentence of each topic, 0 where its score is 0.

    Of equal scores the first comes first.
    """
    order = np.argsort(-scores, axis=0, kind="stable")
    turns = np.empty(scores.shape)
    np.put_along_axis(turns, order, 1 / np.arange(1.0, 2 * len(scores), 2)[:, None], axis=0)
    return np.asarray(np.where(scores > 0, turns, 0.0))


class Batch(NamedTuple):
    """The rows chosen, the best first, and how many with better scores than the last were left out as too similar."""

    rows: np.ndarray
    put_off: int


def select_batch(
    scores: np.ndarray, X: csr_array, size: int, limit: float = 1.0, seen: csr_array | None = None
) -> Batch:
    """Choose the rows with the highest scores, but none that is more similar than `limit` to one chosen or `seen`.

    `scores` has shape (sentences,); `X` and `seen` hold l2-normed features, so that their products are cosines. Of
    equal scores the first row comes first. Where nothing else is left, what was put off is taken, in its order. A
    limit of 1 puts nothing off.
    """
    order = np.argsort(-scores, kind="stable")
    if limit >= 1:
        return Batch(order[:size], 0)
    chosen = order[:0]
    for start in range(0, len(order), BLOCK):
        block = order[start : start + BLOCK]
        near = is_near(X[block], X[chosen], limit)
        if seen is not None:
            near |= is_near(X[block], seen, limit)
        free = block[~near]
        chosen = np.concatenate([chosen, free[keep_apart(X[free], limit)]])[:size]
        if len(chosen) == size:
            order = order[: np.flatnonzero(order == chosen[-1])[0]]
            break
    put_off = order[~np.isin(order, chosen)]
    taken = put_off[: size - len(chosen)]
    return Batch(np.concatenate([chosen, taken]), len(put_off) - len(taken))


def is_near(X: csr_array, others: csr_array, limit: float) -> np.ndarray:
    """Return which rows are more similar than the limit to one of the others at least."""
    near = np.zeros(X.shape[0], dtype=bool)
    for start in range(0, others.shape[0], CHUNK):
        near[similar(X, others[start : start + CHUNK], limit)[0]] = True
    return near


def keep_apart(X: csr_array, limit: float) -> np.ndarray:
    """Return which rows are left once each, from the first on, has put off those after it that are too similar."""
    kept = np.ones(X.shape[0], dtype=bool)
    for row, other in zip(*similar(X, X, limit), strict=True):
        if row < other and kept[row]:
            kept[other] = False
    return kept


def similar(X: csr_array, others: csr_array, limit: float) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of rows whose product is above the limit, in the order of the first."""
    product = csr_array(X @ others.T)
    rows = np.repeat(np.arange(X.shape[0]), np.diff(product.indptr))
    above = product.data > limit
    return rows[above], product.indices[above]


class Stability(NamedTuple):
    """How far two models decide alike: Cohen's kappa of each topic (topics,), their mean, the share that changed.

    Kappa is NaN for a topic that both models give all sentences or none: there is nothing to agree on. The mean is over
    the others.
    """

    kappa: np.ndarray
    mean: float
    changed: float


def stopping(previous_decisions: np.ndarray, decisions: np.ndarray) -> Stability:
    """Compare what successive models decide on the same unlabelled sentences, booleans (sentences, topics).

    Bloodgood and Vijay-Shanker 2009, "A method for stopping active learning based on stabilizing predictions and the
    need for user-adjustable stopping": labelling more changes little once this kappa (Cohen 1960) stays high; see
    `is_stable`. They took 2,000 sentences drawn at random, and the same ones each time.
    """
    share, before = decisions.mean(axis=0), previous_decisions.mean(axis=0)
    observed = (decisions == previous_decisions).mean(axis=0)
    expected = share * before + (1 - share) * (1 - before)
    kappa = np.where(expected < 1, (observed - expected) / np.where(expected < 1, 1 - expected, 1.0), np.nan)
    known = kappa[~np.isnan(kappa)]
    mean = float(known.mean()) if len(known) else float("nan")
    return Stability(kappa, mean, float((decisions != previous_decisions).mean()))


def is_stable(means: Sequence[float]) -> bool:
    """Tell whether labelling can stop: the last three mean kappas, from old to new, are 0.99 or more."""
    return len(means) >= TIMES and all(mean >= STABLE for mean in means[-TIMES:])


class LabelErrors(NamedTuple):
    """Labels that look wrong, the surest first: row, column, and the probability that the label is right."""

    rows: np.ndarray
    columns: np.ndarray
    quality: np.ndarray


def find_label_errors(Y: np.ndarray, probabilities: np.ndarray) -> LabelErrors:
    """Find labels that look wrong by confident learning, each topic for itself.

    `Y` are booleans and `probabilities` out of fold, both (sentences, topics). Northcutt, Jiang and Chuang 2021,
    "Confident learning: estimating uncertainty in dataset labels", by cleanlab: flagged are the pairs off the diagonal
    of the confident joint. Raises `InputError` without cleanlab.
    """
    try:
        from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
    except ImportError as error:
        raise InputError('what=errors needs cleanlab: pip install "slugline[review]"') from error
    labels = [np.flatnonzero(row).tolist() for row in Y]
    flagged = find_multilabel_issues_per_class(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    rows, columns = np.nonzero(flagged)
    quality = np.where(Y, probabilities, 1 - probabilities)[rows, columns]
    order = np.argsort(quality, kind="stable")
    return LabelErrors(rows[order], columns[order], quality[order])
