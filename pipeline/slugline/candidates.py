"""What a process keeps of the jobs of a sweep, from one to the next: what their stages made, and the best fits."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slugline.cache import Memory
from slugline.dataset import Dataset
from slugline.training.fit import FittedModel
from slugline.training.judged import Judged

_MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class Fit:
    """A fitted model with the dataset it was fitted on.

    Parameters
    ----------
    dataset : Dataset
        What it learned from.
    fitted : FittedModel
        The model, and its probabilities for the sentences of the dataset.
    digests : mapping of str to str
        A digest of each part.
    judged : Judged
        What the model is judged by.
    """

    dataset: Dataset
    fitted: FittedModel
    digests: Mapping[str, str]
    judged: Judged


@dataclass(frozen=True)
class Candidate:
    """A job of a sweep that was scored: its fit, the score that the sweep maximises, and the seconds of its stages."""

    fit: Fit
    score: float
    seconds: Mapping[str, float]


@dataclass
class SweepMemory:
    """What is kept between the jobs of a sweep.

    Parameters
    ----------
    stages : Memory
        Datasets and features, up to a gigabyte.
    candidates : dict of str to Candidate
        The best jobs so far, by the ids of their runs.
    """

    stages: Memory = field(default_factory=lambda: Memory(_MAX_BYTES))
    candidates: dict[str, Candidate] = field(default_factory=dict)

    def add(self, run_id: str, candidate: Candidate, count: int) -> None:
        """Keep a job unless `count` others are better; of equal ones the first."""
        ranked = sorted([*self.candidates.items(), (run_id, candidate)], key=lambda item: -item[1].score)
        self.candidates = dict(ranked[:count])

    def clear(self) -> None:
        """Forget everything."""
        self.stages.clear()
        self.candidates.clear()


SWEEP_MEMORY = SweepMemory()
