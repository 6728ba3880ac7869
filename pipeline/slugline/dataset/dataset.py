"""The dataset of a training: sentences in parts, with their labels."""

from collections.abc import Mapping, Sequence
from itertools import compress
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.data.read_files import ReadFile
from slugline.data.schema import Rejected
from slugline.labels import by_people
from slugline.splits import PARTS, Leakage, count_labels

_MIN_PEOPLE_LABELS = 10  # sentences labelled by people that carry a topic, from which they suffice to judge it


class Dataset(NamedTuple):
    """What a model is trained and tested on.

    Attributes
    ----------
    sentences : DataFrame
        Sentence columns, with `labels`, `label_source` and `split`.
    Y : ndarray of bool, shape (sentences, topics)
        Which sentence carries which topic.
    topics : tuple of str
        The names of the columns of `Y`.
    mode : str
        `multilabel` (several topics or none), or `multiclass` (exactly one).
    leakage : Leakage
        How far the parts share articles and sentences.
    counts : dict of str to int
        What was read, and what was left out and why.
    notes : list of str
        Warnings for whoever reads the scores.
    sizes : dict of str to int
        Sentences by part: of all data, also of what training out of core does not keep in memory.
    label_counts : DataFrame
        Sentences that carry a topic (rows) by part (columns), likewise of all data.
    weights : ndarray of shape (sentences, topics), or None
        How sure each label is, from 0 to 1, where a label model says so; None: all are.
    decided : dict
        Options of the reader that it found itself.
    read_as : sequence of str
        Those of the notes that say how the files were read and understood.
    files : sequence of ReadFile
        The files that were read, and how.
    copies : DataFrame, or None
        Articles and sentences that have copies, see `list_copies`; None: they were not listed.
    copy_leakage : Leakage, or None
        How far the parts share copies of articles and sentences; None: they were not looked for.
    rejected : sequence of Rejected
        The files and rows that could not be read.
    cleaned : DataFrame
        What cleaning found, as `list_cleaned` returns it.
    unlabelled : DataFrame
        Sentence columns of those that nobody labelled, without debris.
    """

    sentences: pd.DataFrame
    Y: np.ndarray
    topics: tuple[str, ...]
    mode: str
    leakage: Leakage
    counts: dict[str, int]
    notes: list[str]
    sizes: dict[str, int]
    label_counts: pd.DataFrame
    weights: np.ndarray | None = None
    decided: Mapping[str, Any] = MappingProxyType({})
    read_as: Sequence[str] = ()
    files: Sequence[ReadFile] = ()
    copies: pd.DataFrame | None = None
    copy_leakage: Leakage | None = None
    rejected: Sequence[Rejected] = ()
    cleaned: pd.DataFrame = pd.DataFrame()
    unlabelled: pd.DataFrame = pd.DataFrame()

    def rows(self, part: str) -> np.ndarray:
        """Return which sentences make a part, shape (sentences,).

        Where people labelled any sentences, those labelled by rules are not in dev and test.
        """
        return rows_of(self.sentences, part)

    def with_split(self, parts: np.ndarray) -> "Dataset":
        """Return the dataset with another split, shape (sentences,); what is in none of the parts is not used."""
        divided = self._replace(
            sentences=self.sentences.assign(split=parts), label_counts=count_labels(self.Y, parts, self.topics)
        )
        return divided._replace(sizes={part: int(divided.rows(part).sum()) for part in PARTS})

    def with_topics(self, kept: np.ndarray) -> "Dataset":
        """Return the dataset with some of its topics alone, booleans of shape (topics,)."""
        return self._replace(
            Y=self.Y[:, kept],
            topics=tuple(compress(self.topics, kept)),
            weights=None if self.weights is None else self.weights[:, kept],
            label_counts=self.label_counts[kept],
        )

    @property
    def evaluated_part(self) -> str:
        """The part that the model is judged by: test, or dev where there is no test."""
        return "test" if self.rows("test").any() else "dev"

    def labelled_by_people(self) -> np.ndarray:
        """Return which sentences people labelled, shape (sentences,)."""
        return by_people(self.sentences)

    def calibration_rows(self, part: str) -> np.ndarray:
        """Return on which sentences of a part each topic is calibrated, shape (sentences, topics).

        On those that people labelled, where at least `_MIN_PEOPLE_LABELS` of them carry the topic; else on all.
        """
        rows = self.rows(part)
        labelled = rows & self.labelled_by_people()
        enough = self.Y[labelled].sum(axis=0) >= _MIN_PEOPLE_LABELS
        return np.where(enough, labelled[:, None], rows[:, None])


def judged_rows(dataset: Dataset) -> np.ndarray:
    """Return which sentences people labelled; all, where they labelled none."""
    labelled = dataset.labelled_by_people()
    return labelled if labelled.any() else np.ones_like(labelled)


def rows_of(sentences: pd.DataFrame, part: str) -> np.ndarray:
    """Return which labelled sentences make a part; see `Dataset.rows`."""
    rows, labelled = (sentences["split"] == part).to_numpy(), by_people(sentences)
    return np.asarray(rows & labelled if part != "train" and labelled.any() else rows)
