"""Scores of a saved model on labelled data."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slugline.cache import Stages
from slugline.data.context import read_context
from slugline.data.schema import to_matrix
from slugline.dataset import NO_LABELS, read_labelled, select_labelled
from slugline.errors import InputError, listing
from slugline.labels import Labels
from slugline.model.topic_model import TopicModel
from slugline.scoring import Scores, flatten_intervals, prefixed, score, score_intervals, tabulate


@dataclass(frozen=True, repr=False)
class ModelScores:
    """How good a model is on some sentences.

    Parameters
    ----------
    topics : tuple of str
        The topics that are scored: those of the model.
    sentences, articles : int
        How many were scored.
    metrics : dict of str to float
        By the names of the run's metrics without the part: `f1_macro`, `f1/TOPIC`, ..., intervals with `_low`, `_high`.
    """

    topics: tuple[str, ...]
    sentences: int
    articles: int
    metrics: Scores

    @property
    def table(self) -> pd.DataFrame:
        """Precision, recall, F1, average precision and support of each topic, and their averages."""
        return tabulate(prefixed("data", self.metrics), "data", self.topics)

    def __repr__(self) -> str:
        """Return the table, and what was scored."""
        low, high = self.metrics["f1_macro_low"], self.metrics["f1_macro_high"]
        absent = [topic for topic in self.topics if not self.metrics[f"support/{topic}"]]
        return (
            f"ModelScores: macro F1 {self.metrics['f1_macro']:.3f} ({low:.3f} to {high:.3f}) "
            f"on {self.sentences} sentences of {self.articles} articles\n"
            f"{self.table.to_string(float_format='{:.3f}'.format, na_rep='')}"
            + (f"\nno sentence has, so not judged: {listing(absent)}" if absent else "")
        )


def score_model(model: TopicModel, data: Any, labels: Labels) -> ModelScores:
    """Score a model on labelled sentences; see `slugline.evaluate`."""
    _, labelled = read_labelled(data, labels, Stages(), context=model.reads_context)
    sentences = select_labelled(labelled)
    if sentences.empty:
        raise InputError(NO_LABELS)
    if unknown := [topic for topic in labelled.topics if topic not in model.topics]:
        raise InputError(
            f"the model has no topic '{unknown[0]}', which the labels have; it has: {listing(model.topics, 40)}"
        )

    Y = to_matrix(sentences["labels"], model.topics)
    context = read_context(sentences) if model.reads_context else None
    P = model.predict_proba(sentences["text"].tolist(), context)
    decided, articles = model.decide(P), sentences["article_id"].to_numpy()
    intervals = score_intervals(Y, decided, model.topics, groups=articles, probabilities=P)
    metrics = score(Y, decided, model.topics, probabilities=P) | flatten_intervals(intervals)
    return ModelScores(model.topics, len(sentences), len(np.unique(articles)), metrics)
