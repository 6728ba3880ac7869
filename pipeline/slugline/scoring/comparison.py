"""Runs side by side on the sentences that they share: scores, paired differences, and the decisions that changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pandas as pd

from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing
from slugline.scoring.intervals import paired_differences

PREDICTION_COLUMNS = ("sentence_id", "article_id", "text", "labels", "topics")
_PLACE = ("position", "start", "end")  # further columns of predictions that are no topics


@dataclass(frozen=True)
class Comparison:
    """The first of several runs against each of the others, on the sentences and articles that they share.

    `scores` has metrics down and runs across; `differences` for each other run by how much its scores are higher than
    those of the first; `changes` a row for each decision that is not that of the first run. `absent` are the topics
    that no sentence has, though a run gives them: of these there are no scores.
    """

    first: str
    sentences: int
    articles: int
    scores: pd.DataFrame
    differences: Mapping[str, pd.DataFrame]
    changes: pd.DataFrame
    absent: Sequence[str] = ()

    def tally_changes(self) -> pd.DataFrame:
        """Count the changed decisions by run and topic: in which direction, and whether they are right now."""
        kinds = self.changes["change"] + ", " + self.changes["right"]
        return pd.crosstab([self.changes["run"], self.changes["topic"]], kinds).rename_axis(columns=None)


def compare_predictions(predictions: Mapping[str, pd.DataFrame]) -> Comparison:
    """Compare the predictions of the first run with those of each other run, all by the runs' names.

    Each is a frame with `PREDICTION_COLUMNS` and, for average precision, a column of probabilities for each topic.
    Raises `InputError` when no sentence has the same labels in all runs.
    """
    frames = dict(zip(predictions, shared_sentences(predictions), strict=True))
    (first, reference), *others = frames.items()
    topics = sorted({topic for frame in frames.values() for topic in chain(*frame["labels"], *frame["topics"])})

    differences = {name: _compare_pair(frame, reference, topics) for name, frame in others}
    # The scores of the first run are the same in all tables.
    scores = {first: next(iter(differences.values()))["other"]}
    scores |= {name: table["one"] for name, table in differences.items()}
    rows = chain.from_iterable(_changed_decisions(name, reference, frame) for name, frame in others)
    changes = pd.DataFrame(rows, columns=["run", "topic", "change", "right", "sentence_id", "text"])

    articles = reference["article_id"].nunique()
    labelled = set(chain(*reference["labels"]))
    absent = [topic for topic in topics if topic not in labelled]
    return Comparison(first, len(reference), articles, pd.DataFrame(scores), differences, changes, absent)


def topic_columns(predictions: pd.DataFrame) -> tuple[str, ...]:
    """Return the topics that predictions have a column of probabilities for."""
    return tuple(str(column) for column in predictions if column not in (*PREDICTION_COLUMNS, *_PLACE))


def shared_sentences(predictions: Mapping[str, pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the sentences that are in all frames with the same labels, in the order of the first.

    Raises `InputError` where there is none.
    """
    frames = list(predictions.values())
    labels_by_id = [dict(zip(frame["sentence_id"], map(set, frame["labels"]), strict=True)) for frame in frames]
    first, *others = labels_by_id
    shared = list(frames[0]["sentence_id"])
    for other in others:
        shared = [key for key in shared if other.get(key) == first[key]]
    if not shared:
        sizes = listing(f"{name} has {len(frame)}" for name, frame in predictions.items())
        raise InputError(f"the runs have no sentence with the same labels in common: {sizes}")
    return [frame.set_index("sentence_id").loc[shared].reset_index() for frame in frames]


def _compare_pair(frame: pd.DataFrame, reference: pd.DataFrame, topics: Sequence[str]) -> pd.DataFrame:
    """Return F1 of two runs and their differences, and average precision where both have probabilities."""
    frame, reference = (run.sort_values("sentence_id") for run in (frame, reference))  # resampled in this order
    Y = to_matrix(frame["labels"], topics)
    first, second = (to_matrix(run["topics"], topics) for run in (frame, reference))
    probabilities: tuple[np.ndarray, np.ndarray] | None = None
    if all(topic in frame and topic in reference for topic in topics):
        probabilities = frame[topics].to_numpy(), reference[topics].to_numpy()

    articles = frame["article_id"].to_numpy()
    table = paired_differences(Y, first, second, topics, groups=articles, probabilities=probabilities)
    averages = [name for name in ("f1_macro", "f1_micro", "ap_macro") if name in table.index]
    return table.loc[[*(name for topic in topics if (name := f"f1/{topic}") in table.index), *averages]]


def _changed_decisions(name: str, reference: pd.DataFrame, frame: pd.DataFrame) -> Iterator[tuple[str, ...]]:
    """Yield the decisions of a run that are not those of the reference: run, topic, change, who is right, sentence."""
    for before, after in zip(reference.to_dict("records"), frame.to_dict("records"), strict=True):
        for topic in sorted({*before["topics"]} ^ {*after["topics"]}):
            gained = topic in after["topics"]
            change = "gained" if gained else "lost"
            # The runs disagree, so exactly one of them is right.
            right = "now right" if gained == (topic in before["labels"]) else "now wrong"
            yield name, topic, change, right, before["sentence_id"], before["text"]
