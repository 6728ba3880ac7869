"""The result of a training."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from slugline.dataset import Dataset
from slugline.model.topic_model import TopicModel
from slugline.scoring import Scores, tabulate
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
        """The part that the model is judged by: test, or dev where there is no test."""
        return self.dataset.evaluated_part

    @property
    def scores(self) -> pd.DataFrame:
        """Precision, recall, F1, average precision and support of each topic, and their averages."""
        return tabulate(self.metrics, self.part, self.dataset.topics)

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
        sentences = int(self.dataset.rows(self.part).sum())
        return (
            f"TrainingRun '{self.name}': macro F1 {self.metrics.get(key, float('nan')):.3f} "
            f"({ends[0]:.3f} to {ends[1]:.3f}) on {sentences} sentences of {self.part}, "
            f"{len(self.dataset.topics)} topics\n"
            f"  model   {self.model_uri}\n"
            f"  folder  {self.folder}"
        )
