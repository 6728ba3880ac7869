"""Annotation: sentences go out as tasks to the tools that people label with, and come back by `sentence_id`."""

from slugline.annotate.agreement import check_merge, krippendorff_alpha, merge_annotations
from slugline.annotate.annotation import Annotation, match_annotations
from slugline.annotate.codebook_files import (
    CodebookUpdate,
    GoldFile,
    find_own_taxonomies,
    find_topics,
    read_changes,
    update_codebook,
)
from slugline.annotate.collect import CollectedGold, collect_gold, find_annotation_files, read_written_gold, write_gold
from slugline.annotate.formats import FORMATS
from slugline.annotate.history import append_history, read_history
from slugline.annotate.reader import read_annotations
from slugline.annotate.tasks import draw_tasks, select_unlabelled
from slugline.annotate.writer import check_output, write_tasks

__all__ = [
    "FORMATS",
    "Annotation",
    "CodebookUpdate",
    "CollectedGold",
    "GoldFile",
    "append_history",
    "check_merge",
    "check_output",
    "collect_gold",
    "draw_tasks",
    "find_annotation_files",
    "find_own_taxonomies",
    "find_topics",
    "krippendorff_alpha",
    "match_annotations",
    "merge_annotations",
    "read_annotations",
    "read_changes",
    "read_history",
    "read_written_gold",
    "select_unlabelled",
    "update_codebook",
    "write_gold",
    "write_tasks",
]
