"""The predictions that a run keeps of the sentences that it was judged by, under today's names of topics."""

from io import BytesIO

import pandas as pd

from slugline import annotate
from slugline.errors import InputError
from slugline.labels.codebook_change import CodebookChange
from slugline.scoring.comparison import PREDICTION_COLUMNS, topic_columns
from slugline.tracking.history import Record, read_table

CROSS_VALIDATED_PREDICTIONS = "predictions_cross_validated.parquet"
TEST_PREDICTIONS = "predictions_test.parquet"


def read_predictions(run: Record, file: str, uri: str | None = None) -> pd.DataFrame:
    """Return the predictions in a file of a run, with the changes of the codebook since; refuse where there are none.

    They have `scoring.comparison.PREDICTION_COLUMNS` and a column of probabilities for each topic.
    """
    predictions = pd.read_parquet(BytesIO(read_table(run.run_id, file, uri)))
    if missing := [column for column in PREDICTION_COLUMNS if column not in predictions]:
        raise InputError(f"run {run.run_id}: {file} has no column '{missing[0]}'")
    for change in annotate.read_changes(run.started):
        predictions = _apply_change(predictions, change)
    return predictions


def _apply_change(predictions: pd.DataFrame, change: CodebookChange) -> pd.DataFrame:
    """Return predictions as if the topics had been those after a change; the surest part speaks for a merged topic."""
    topics = topic_columns(predictions)
    changed = predictions.drop(columns=[*topics]).assign(
        labels=predictions["labels"].map(change.apply_to_labels),
        topics=predictions["topics"].map(change.apply_to_labels),
    )
    for target in dict.fromkeys(map(change.apply_to_topic, topics)):
        if target is not None:
            parts = [topic for topic in topics if change.apply_to_topic(topic) == target]
            changed[target] = predictions[parts].max(axis=1)
    return changed
