"""The threshold of each topic."""

from dataclasses import dataclass

import numpy as np

from slugline.errors import InputError
from slugline.scoring.scores import cut_points


@dataclass(frozen=True)
class TunedThreshold:
    """A threshold per topic: for the best F1, for the best recall at a target precision, or the other way round.

    Parameters
    ----------
    target_precision, target_recall : float, optional
        At most one of them, above 0, to 1; without one F1 is maximised.
    part : {"train", "dev"}
        Which predictions thresholds are chosen on: those for train, out of fold, or those for dev.

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

    def __post_init__(self) -> None:
        _check_part(self.part)
        for name in ("target_precision", "target_recall"):
            target = getattr(self, name)
            if target is not None and not 0 < target <= 1:
                raise InputError(f"threshold.{name}={target}; allowed: above 0, to 1")
        if None not in (self.target_precision, self.target_recall):
            both = "target_precision and target_recall are both set"
            raise InputError(f"threshold: {both}; allowed: one of them or neither")

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the threshold of each topic, shape (topics,), from labels and probabilities (sentences, topics)."""
        pairs = zip(Y.T, probabilities.T, strict=True)
        return np.array([best_threshold(y, p, self.target_precision, self.target_recall) for y, p in pairs])


@dataclass(frozen=True)
class FixedThreshold:
    """One threshold for all topics.

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

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the threshold of each topic, shape (topics,)."""
        return np.full(Y.shape[1], self.value)


def best_threshold(
    y: np.ndarray, p: np.ndarray, target_precision: float | None = None, target_recall: float | None = None
) -> float:
    """Return the best threshold for one topic: the middle between the two probabilities that it separates.

    By F1 without a target; by recall with at least the target precision, or by precision where no threshold reaches
    that; or by precision with at least the target recall. 0.5 where `y` has no positive.
    """
    if not y.any():
        return 0.5

    # A threshold can only separate sentences of different probabilities: each place is tried once.
    ranked, ends, hits = cut_points(y, p)
    precision, recall = hits / (ends + 1), hits / y.sum()
    if target_precision is not None:
        goodness = np.where(precision >= target_precision, 2 + recall, precision)  # above any precision where reached
    elif target_recall is not None:
        goodness = np.where(recall >= target_recall, precision, -1.0)
    else:
        goodness = 2 * hits / (ends + 1 + y.sum())

    last = ends[int(goodness.argmax())]
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    middle = (ranked[last] + below) / 2
    return float(middle if middle > below else ranked[last])  # two adjacent floats have no middle


def _check_part(part: str) -> None:
    """Raise `InputError` for a part that thresholds are not chosen on."""
    if part not in ("train", "dev"):
        raise InputError(f"threshold.part={part}; allowed: train (out of fold), dev")
