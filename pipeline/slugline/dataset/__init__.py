"""Datasets: what is trained and tested on: read, labelled, divided into parts, counted."""

from slugline.dataset.build import NO_LABELS, build_dataset
from slugline.dataset.checks import check_dataset, check_examples
from slugline.dataset.dataset import Dataset
from slugline.dataset.labelled import count_sentences, read_labelled, select_labelled

__all__ = [
    "NO_LABELS",
    "Dataset",
    "build_dataset",
    "check_dataset",
    "check_examples",
    "count_sentences",
    "read_labelled",
    "select_labelled",
]
