"""The threshold of each topic."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from slugline.errors import InputError
from slugline.scoring.scores import cut_points, precision_recall_f1

_POWERS = np.linspace(0, 1, 21)  # of shares of topics, tried as thresholds where each sentence has one topic


@dataclass(frozen=True)
class TunedThreshold:
    """A threshold per topic: for a high F1, for the best recall at a target precision, or the other way round.

    Where each sentence has one topic (multiclass): for a high macro F1, see `share_thresholds`.

    Parameters
    ----------
    target_precision, target_recall : float, optional
        At most one of them, above 0, to 1; without one F1 decides. Not for multiclass.
    part : {"train", "dev"}
        Which predictions thresholds are chosen on: those for train, out of fold, or those for dev.
    tolerance : float
        How far below the best F1 a threshold may be to count, in standard errors of that F1. The mean of all that count
        is taken, the better the heavier, so that chance in the fit does not move it from one near-tie to another.
        0: the best one alone. Not used with a target.

    Examples
    --------
    >>> Y = np.array([[True], [False], [True], [False]])
    >>> probabilities = np.array([[0.9], [0.5], [0.4], [0.2]])
    >>> TunedThreshold(target_precision=1.0)(Y, probabilities).tolist()
    [0.7]
    """

    target_precision: float | None = None
    target_recall: float | None = None
    part: str = "train"
    tolerance: float = 0.5

    def __post_init__(self) -> None:
        _check_part(self.part)
        if not 0 <= self.tolerance < np.inf:
            raise InputError(f"threshold.tolerance={self.tolerance}; allowed: 0 or more")
        for name in ("target_precision", "target_recall"):
            target = getattr(self, name)
            if target is not None and not 0 < target <= 1:
                raise InputError(f"threshold.{name}={target}; allowed: above 0, to 1")
        if None not in (self.target_precision, self.target_recall):
            both = "target_precision and target_recall are both set"
            raise InputError(f"threshold: {both}; allowed: one of them or neither")

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray, mode: str = "multilabel") -> np.ndarray:
        """Return the threshold of each topic, shape (topics,), from labels and probabilities (sentences, topics).

        Raises `InputError` for a target where `mode` is "multiclass".
        """
        if mode == "multiclass":
            check_target(self, mode)
            return share_thresholds(Y, probabilities, tolerance=self.tolerance)
        pairs = zip(Y.T, probabilities.T, strict=True)
        targets = self.target_precision, self.target_recall
        return np.array([best_threshold(y, p, *targets, tolerance=self.tolerance) for y, p in pairs])


@dataclass(frozen=True)
class FixedThreshold:
    """One threshold for all topics; where each sentence has one topic (multiclass) it gets the likeliest.

    Parameters
    ----------
    value : float
        The threshold, from 0 to 1.
    part : {"train", "dev"}
        As in `TunedThreshold`.
    """

    value: float = 0.5
    part: str = "train"

    def __post_init__(self) -> None:
        _check_part(self.part)
        if not 0 <= self.value <= 1:
            raise InputError(f"threshold.value={self.value}; allowed: from 0 to 1")

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray, mode: str = "multilabel") -> np.ndarray:
        """Return the threshold of each topic, shape (topics,)."""
        return np.full(Y.shape[1], 1 / Y.shape[1] if mode == "multiclass" else self.value)


def choose_thresholds(rule: Any, Y: np.ndarray, probabilities: np.ndarray, rows: np.ndarray, mode: str) -> np.ndarray:
    """Return the threshold of each topic, shape (topics,), by a `TunedThreshold`, `FixedThreshold` or one's own rule.

    `rows`, booleans (sentences, topics), say on which sentences each is chosen; in "multiclass" all are chosen on the
    same, those that are used for every topic.
    """
    if mode == "multiclass":
        used = rows.all(axis=1)
        return np.asarray(rule(Y[used], probabilities[used], mode))
    columns = zip(rows.T, Y.T, probabilities.T, strict=True)
    return np.concatenate([rule(y[used, None], p[used, None]) for used, y, p in columns])


def check_target(rule: Any, mode: str) -> None:
    """Raise `InputError` where a rule has a target and each sentence one topic, `mode` being "multiclass"."""
    for name in ("target_precision", "target_recall"):
        if mode == "multiclass" and (target := getattr(rule, name, None)) is not None:
            problem = f"threshold.{name}={target}, but each sentence has one topic (labels.mode=multiclass)"
            raise InputError(f"{problem}; allowed: null, or labels.mode=multilabel")


def share_thresholds(Y: np.ndarray, probabilities: np.ndarray, *, tolerance: float = 0.0) -> np.ndarray:
    """Return a threshold per topic where each sentence has one, shape (topics,): its share to some power.

    They sum to 1. A sentence gets the topic whose probability is the largest multiple of its threshold. With power 0
    that is the likeliest topic, with power 1 the one that is most above its share, as balanced accuracy wants it
    (Menon et al. 2021, "Long-tail learning via logit adjustment"). Rare topics are hardly ever the likeliest where a
    model is unsure, and macro F1 counts them like others: the power is the one with the best macro F1, or the mean of
    all that are nearly as good, by a tolerance in standard errors, as in `TunedThreshold`.

    Parameters
    ----------
    Y : ndarray of bool, shape (sentences, topics)
        The labels, one a sentence.
    probabilities : ndarray of shape (sentences, topics)
        Of a model that did not learn from these sentences.

    Examples
    --------
    >>> Y = np.array([[True, False], [True, False], [True, False], [False, True]])
    >>> P = np.array([[0.9, 0.1], [0.8, 0.2], [0.8, 0.2], [0.6, 0.4]])
    >>> (P / share_thresholds(Y, P)).argmax(axis=1).tolist()
    [0, 0, 0, 1]
    """
    shares = np.maximum(probabilities.mean(axis=0), 1e-9)
    carried = Y.any(axis=0)
    F1 = np.array([_f1_of_one_topic(Y, probabilities / shares**power)[carried] for power in _POWERS])
    macro = F1.mean(axis=1)
    best = int(macro.argmax())
    error = np.sqrt((_f1_error(F1[best], Y.sum(axis=0)[carried]) ** 2).sum()) / carried.sum()

    weights = np.maximum(macro - (macro[best] - tolerance * error), 0)
    power = np.average(_POWERS, weights=weights) if np.count_nonzero(weights) > 1 else _POWERS[best]
    return np.asarray(shares**power / (shares**power).sum())


def _f1_of_one_topic(Y: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return the F1 of each topic, shape (topics,), where a sentence gets the one with the highest score."""
    given = scores.argmax(axis=1)[:, None] == np.arange(Y.shape[1])
    return precision_recall_f1((Y & given).sum(axis=0), given.sum(axis=0), Y.sum(axis=0), undefined=0.0)["f1"]


def best_threshold(
    y: np.ndarray,
    p: np.ndarray,
    target_precision: float | None = None,
    target_recall: float | None = None,
    *,
    tolerance: float = 0.0,
) -> float:
    """Return the best threshold for one topic: the middle between the two probabilities that it separates.

    By F1 without a target, where a tolerance takes the mean of all that are nearly as good, see `TunedThreshold`; by
    recall with at least the target precision, or by precision where no threshold reaches that; or by precision with at
    least the target recall. 0.5 where `y` has no positive.
    """
    if not y.any():
        return 0.5

    # A threshold can only separate sentences of different probabilities: each place is tried once.
    ranked, ends, hits = cut_points(y, p)
    given, positives = ends + 1, int(y.sum())
    above, below = ranked[ends], np.append(ranked[ends[:-1] + 1], 0.0)
    middle = (above + below) / 2
    cuts = np.where(middle > below, middle, above)  # two adjacent floats have no middle

    precision, recall = hits / given, hits / positives
    if target_precision is not None:
        goodness = np.where(precision >= target_precision, 2 + recall, precision)  # above any precision where reached
    elif target_recall is not None:
        goodness = np.where(recall >= target_recall, precision, -1.0)
    else:
        goodness = 2 * hits / (given + positives)
        best = float(goodness.max())
        weights = np.maximum(goodness - (best - tolerance * _f1_error(best, positives)), 0)
        if np.count_nonzero(weights) > 1:
            return float(np.average(cuts, weights=weights))
    return float(cuts[int(goodness.argmax())])


def _f1_error(f1: Any, positives: Any) -> Any:
    """Return the standard error of an F1, or of several, as if as many sentences were given the topic as carry it.

    By the delta method for 2 * hits / (given + positives), sentences being independent. It depends on the F1 alone, so
    that it does not jump between near-ties as the sentences given do.
    """
    return np.sqrt(f1 * (1 - f1) * (2 - f1) / (2 * positives))


def _check_part(part: str) -> None:
    """Raise `InputError` for a part that thresholds are not chosen on."""
    if part not in ("train", "dev"):
        raise InputError(f"threshold.part={part}; allowed: train (out of fold), dev")
