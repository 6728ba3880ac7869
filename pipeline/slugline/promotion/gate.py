"""The gate: what a model must be to become the champion."""

from dataclasses import asdict, dataclass
from typing import NamedTuple

from slugline.errors import InputError


@dataclass(frozen=True)
class Gate:
    """What a model must be to become the champion.

    Parameters
    ----------
    max_macro_drop : float
        Largest drop in macro F1 against the champion, and against the best one before it, measured at the lower end of
        the 95 % interval.
    min_topic_f1 : float
        Lowest F1 that any topic may have.
    max_calibration_error : float
        Largest expected calibration error, as the mean over topics.
    max_milliseconds : float
        Longest time per sentence, in a batch, in milliseconds.
    max_megabytes : float
        Largest size of the model on disk, in MB.
    """

    max_macro_drop: float = 0.02
    min_topic_f1: float = 0.0
    max_calibration_error: float = 0.1
    max_milliseconds: float = 10.0
    max_megabytes: float = 500.0

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not value >= 0:  # NaN, too
                raise InputError(f"gate.{name}={value}; allowed: from 0")

    def failures(self, figures: "Figures") -> list["Failure"]:
        """Return what a model fails by itself, without the champion."""
        weak = {topic: f1 for topic, f1 in figures.topics.items() if f1 < self.min_topic_f1}
        found = [
            Failure(f"F1 of {topic} is {f1:.3f}", "min_topic_f1", self.min_topic_f1, f1) for topic, f1 in weak.items()
        ]
        limits = {
            "max_calibration_error": ("calibration error", figures.calibration),
            "max_milliseconds": ("milliseconds for a sentence", figures.milliseconds),
            "max_megabytes": ("megabytes", figures.megabytes),
        }
        for key, (name, value) in limits.items():
            if value > (limit := getattr(self, key)):
                found.append(Failure(f"{name} {value:.3g}", key, limit, value))
        return found


class Failure(NamedTuple):
    """A limit of the gate that a model does not keep: in words, the gate's key, its limit, and the model's value."""

    reason: str
    key: str
    limit: float
    value: float

    def __str__(self) -> str:
        """Return the reason with the limit."""
        return f"{self.reason} (gate.{self.key}={self.limit:g})"


@dataclass(frozen=True)
class Figures:
    """What the gate looks at: macro F1, F1 of each topic, and the rest as in `Gate`."""

    macro: float
    topics: dict[str, float]
    calibration: float
    milliseconds: float
    megabytes: float
