"""Datasets: what is trained and tested on: read, labelled, divided into parts, counted."""

from slugline.dataset.build import NO_LABELS, build_dataset, dataset_key
from slugline.dataset.checks import check_dataset, check_examples
from slugline.dataset.dataset import Dataset, judged_rows
from slugline.dataset.labelled import (
    check_matched,
    count_sentences,
    describe_no_topic,
    read_labelled,
    select_labelled,
)
from slugline.dataset.notes import absent_notes, data_notes, topic_notes

__all__ = [
    "NO_LABELS",
    "Dataset",
    "absent_notes",
    "build_dataset",
    "check_dataset",
    "check_examples",
    "check_matched",
    "count_sentences",
    "data_notes",
    "dataset_key",
    "describe_no_topic",
    "judged_rows",
    "read_labelled",
    "select_labelled",
    "topic_notes",
]
