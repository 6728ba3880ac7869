"""The threshold of each topic."""

from dataclasses import dataclass

import numpy as np

from slugline.errors import InputError
from slugline.scoring.scores import cut_points


@dataclass(frozen=True)
class TunedThreshold:
    """A threshold per topic: for the best F1, the best recall at a wanted precision, or precision at a wanted recall.

    `part` says on which predictions: those for train, out of fold (`train`), or those for `dev`.
    """

    target_precision: float | None = None
    target_recall: float | None = None
    part: str = "train"

    def __post_init__(self) -> None:
        """Raise `InputError` for a target that is no share, and for another part."""
        check_part(self.part)
        for name in ("target_precision", "target_recall"):
            target = getattr(self, name)
            if target is not None and not 0 < target <= 1:
                raise InputError(f"threshold.{name}={target}; allowed: above 0, to 1")

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the threshold of each topic, shape (topics,), from labels and probabilities (sentences, topics)."""
        if self.target_precision is not None and self.target_recall is not None:
            raise InputError(
                "threshold: target_precision and target_recall are both set; allowed: one of them or neither"
            )
        pairs = zip(Y.T, probabilities.T, strict=True)
        return np.array([best_threshold(y, p, self.target_precision, self.target_recall) for y, p in pairs])


@dataclass(frozen=True)
class FixedThreshold:
    """One threshold for all topics."""

    value: float = 0.5
    part: str = "train"

    def __post_init__(self) -> None:
        """Raise `InputError` for another part."""
        check_part(self.part)

    def __call__(self, Y: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Return the threshold of each topic, shape (topics,)."""
        return np.full(Y.shape[1], self.value)


def check_part(part: str) -> None:
    """Raise `InputError` for a part that thresholds are not chosen on."""
    if part not in ("train", "dev"):
        raise InputError(f"threshold.part={part}; allowed: train (out of fold), dev")


def best_threshold(
    y: np.ndarray, p: np.ndarray, target_precision: float | None = None, target_recall: float | None = None
) -> float:
    """Return the threshold on `p` that is best for one topic; the middle between the two probabilities it parts.

    Where no threshold reaches the wanted precision, the one with the highest precision is taken; 0.5 where `y` has no
    positive.
    """
    if not y.any():
        return 0.5
    ranked, ends, hits = cut_points(y, p)
    precision, recall = hits / (ends + 1), hits / y.sum()
    if target_precision is not None:
        value = np.where(precision >= target_precision, 2 + recall, precision)
    elif target_recall is not None:
        value = np.where(recall >= target_recall, precision, -1.0)
    else:
        value = 2 * hits / (ends + 1 + y.sum())
    last = ends[int(value.argmax())]
    below = ranked[last + 1] if last + 1 < len(ranked) else 0.0
    middle = (ranked[last] + below) / 2
    return float(middle if middle > below else ranked[last])  # next to each other, two floats have no middle
