"""Runs side by side on the sentences that they share: scores, paired differences, and the decisions that changed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slugline.data.schema import to_matrix
from slugline.errors import InputError
from slugline.scoring.intervals import paired_differences

PREDICTION_COLUMNS = ("sentence_id", "article_id", "text", "labels", "topics")
_AVERAGES = ("f1_macro", "f1_micro", "ap_macro")
_CHANGE_COLUMNS = ["run", "topic", "change", "right", "sentence_id", "text"]


@dataclass(frozen=True)
class Comparison:
    """The first of several runs against each of the others.

    Attributes
    ----------
    first
        Name of the run that the others are compared with.
    sentences, articles
        How many the runs share.
    scores
        Metrics down, runs across.
    differences
        For each other run, by how much its scores are higher than those of the first; see `paired_differences`.
    changes
        A row for each decision that is not that of the first run: `run, topic, change, right, sentence_id, text`.
    """

    first: str
    sentences: int
    articles: int
    scores: pd.DataFrame
    differences: Mapping[str, pd.DataFrame]
    changes: pd.DataFrame

    def tally_changes(self) -> pd.DataFrame:
        """Count the changed decisions by run and topic: in which direction, and whether they are right now."""
        kinds = self.changes["change"] + ", " + self.changes["right"]
        return pd.crosstab([self.changes["run"], self.changes["topic"]], kinds).rename_axis(columns=None)


def compare_predictions(predictions: Mapping[str, pd.DataFrame]) -> Comparison:
    """Compare the predictions of the first run with those of each other run.

    Parameters
    ----------
    predictions
        For each run, by its name, a frame with `PREDICTION_COLUMNS` and, for average precision, a column of
        probabilities for each topic.

    Raises
    ------
    InputError
        When no sentence has the same labels in all runs.
    """
    frames = dict(zip(predictions, _shared_sentences(list(predictions.values())), strict=True))
    (first, reference), *others = frames.items()
    topics = _all_topics(frames.values())

    differences = {name: _compare_pair(frame, reference, topics) for name, frame in others}
    # The scores of the first run are the same in all tables.
    scores = {first: next(iter(differences.values()))["other"]}
    scores |= {name: table["one"] for name, table in differences.items()}
    changes: list[dict[str, str]] = []
    for name, frame in others:
        changes += _changed_decisions(name, reference, frame)
    return Comparison(
        first=first,
        sentences=len(reference),
        articles=reference["article_id"].nunique(),
        scores=pd.DataFrame(scores),
        differences=differences,
        changes=pd.DataFrame(changes, columns=_CHANGE_COLUMNS),
    )


def _shared_sentences(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the sentences that are in all frames with the same labels, in the order of the first."""
    labels_by_id = [dict(zip(frame["sentence_id"], map(set, frame["labels"]), strict=True)) for frame in frames]
    first, *others = labels_by_id
    shared = list(frames[0]["sentence_id"])
    for other in others:
        shared = [key for key in shared if other.get(key) == first[key]]
    if not shared:
        raise InputError("the runs have no test sentence with the same labels in common")
    return [frame.set_index("sentence_id").loc[shared].reset_index() for frame in frames]


def _all_topics(frames: Iterable[pd.DataFrame]) -> list[str]:
    """Return all topics that a sentence has, by label or prediction."""
    topics: set[str] = set()
    for frame in frames:
        topics.update(*frame["labels"], *frame["topics"])
    return sorted(topics)


def _compare_pair(frame: pd.DataFrame, reference: pd.DataFrame, topics: Sequence[str]) -> pd.DataFrame:
    """Return F1 of two runs and their differences, and average precision where both have probabilities."""
    Y = to_matrix(frame["labels"], topics)
    first, second = (to_matrix(run["topics"], topics) for run in (frame, reference))
    probabilities: tuple[np.ndarray, np.ndarray] | None = None
    if all(topic in frame and topic in reference for topic in topics):
        probabilities = frame[topics].to_numpy(), reference[topics].to_numpy()

    articles = frame["article_id"].to_numpy()
    table = paired_differences(Y, first, second, articles, topics, probabilities=probabilities)
    return table.loc[[f"f1/{topic}" for topic in topics] + [name for name in _AVERAGES if name in table.index]]


def _changed_decisions(name: str, reference: pd.DataFrame, frame: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Yield the decisions of a run that are not those of the reference, with who is right."""
    for before, after in zip(reference.to_dict("records"), frame.to_dict("records"), strict=True):
        for topic in sorted({*before["topics"]} ^ {*after["topics"]}):
            gained = topic in after["topics"]
            # The runs disagree, so exactly one of them is right.
            yield {
                "run": name,
                "topic": topic,
                "change": "gained" if gained else "lost",
                "right": "now right" if gained == (topic in before["labels"]) else "now wrong",
                "sentence_id": before["sentence_id"],
                "text": before["text"],
            }
