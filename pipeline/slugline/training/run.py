"""The result of a training."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.dataset import Dataset
from slugline.model.topic_model import TopicModel
from slugline.scoring import Scores, tabulate
from slugline.splits import HELD_OUT
from slugline.training.fit import FittedModel
from slugline.training.judged import Judged, judge_part
from slugline.training.settings import TrainSettings


@dataclass(frozen=True, repr=False)
class TrainingRun:
    """What a training gives, in one object.

    Parameters
    ----------
    name : str
        The name of the run.
    settings : TrainSettings
        What decided it.
    dataset : Dataset
        What was learned from and scored.
    model : TopicModel
        The model.
    probabilities : ndarray of shape (sentences, topics)
        The model's probability for every sentence of the dataset, out of fold for train.
    metrics : dict of str to float
        Scores, counts and seconds by their metric keys, such as `test/f1_macro`.
    tables : dict of str to DataFrame
        What does not fit into numbers: calibration, slices, counts over time, ...
    judged : Judged
        What the model is judged by.
    train_features : tuple of csr_array of shape (sentences, terms)
        The features of the training sentences by each vectorizer; empty after training out of core.
    digests : mapping of str to str
        A digest of the sentences and labels of each part.
    folder : Path
        Where the tables, plots and the page of the run are.
    config : str
        The settings as YAML.
    overrides : sequence of str, optional
        What was given on the command line, options such as `--config-dir` first; None where there was none.
    run_id : str, optional
        Of the MLflow run, where there is one.
    model_uri : str
        Where the model is: an MLflow URI, or a folder.
    location : str
        Where the run is, in words.
    """

    name: str
    settings: TrainSettings
    dataset: Dataset
    model: TopicModel
    probabilities: np.ndarray
    judged: Judged
    train_features: tuple[csr_array, ...]
    digests: Mapping[str, str]
    folder: Path
    config: str
    metrics: Scores = field(default_factory=dict)
    tables: dict[str, pd.DataFrame] = field(default_factory=dict)
    overrides: Sequence[str] | None = None
    run_id: str | None = None
    model_uri: str = ""
    location: str = ""

    @property
    def part(self) -> str:
        """What the model is judged by: `test`, `dev` where there is no test, or `cross_validated`."""
        return self.judged.part

    @property
    def scores(self) -> pd.DataFrame:
        """Precision, recall, F1, average precision and support of each topic, and their averages."""
        return tabulate(self.metrics, self.part, self.dataset.topics)

    def all_judged(self) -> list[Judged]:
        """Return what the model is judged by, and the other parts that are held out."""
        fitted = FittedModel(self.model, self.probabilities)
        parts = [part for part in HELD_OUT if part != self.part and self.dataset.rows(part).any()]
        return [self.judged, *(judge_part(self.dataset, fitted, part) for part in parts)]

    def describe_judged(self) -> str:
        """Return by how many sentences, and which, the model is judged."""
        count = int(self.judged.rows.sum())
        return f"{count} sentences of {self.part}" if self.part in HELD_OUT else f"{count} cross-validated sentences"

    @property
    def definitions(self) -> dict[str, str]:
        """What each topic of the taxonomy means."""
        return {name: topic.definition for name, topic in self.settings.labels.topics.items()}

    def commands(self) -> list[str]:
        """Return the commands that train it again."""
        train = [] if self.overrides is None else [shlex.join(["slugline", "train", *self.overrides])]
        reproduce = [f"slugline reproduce run_id={self.run_id}"] if self.run_id else []
        return train + reproduce

    def __repr__(self) -> str:
        """Describe the run in a few lines."""
        key = f"{self.part}/f1_macro"
        ends = [self.metrics.get(f"{key}_{end}", float("nan")) for end in ("low", "high")]
        return (
            f"TrainingRun '{self.name}': macro F1 {self.metrics.get(key, float('nan')):.3f} "
            f"({ends[0]:.3f} to {ends[1]:.3f}) on {self.describe_judged()}, "
            f"{len(self.dataset.topics)} topics\n"
            f"  model   {self.model_uri}\n"
            f"  folder  {self.folder}"
        )
