"""Splits: which sentences are train, dev and test; which parts stay as they were; leakage."""

from slugline.splits.leakage import Leakage, count_labels, leakage_notes, measure_leakage
from slugline.splits.parts import HELD_OUT, PARTS, PARTS_FILE, describe_known, read_parts
from slugline.splits.splitters import (
    ByArticle,
    ByTime,
    Given,
    Random,
    check_seed,
    describe_kept,
    share_out_people,
)
from slugline.splits.stratification import stratify

__all__ = [
    "HELD_OUT",
    "PARTS",
    "PARTS_FILE",
    "ByArticle",
    "ByTime",
    "Given",
    "Leakage",
    "Random",
    "check_seed",
    "count_labels",
    "describe_kept",
    "describe_known",
    "leakage_notes",
    "measure_leakage",
    "read_parts",
    "share_out_people",
    "stratify",
]
