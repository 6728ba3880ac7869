"""Scores of predictions against labels, the threshold of each topic, and how sure all that is. No input or output.

Arguments are named alike in all modules: `Y` (labels) and `predicted` are booleans, `probabilities` floats, each of
shape (sentences, topics); `y` and `p` are the labels and probabilities of one topic, shape (sentences,); `topics` names
the columns; `groups` holds the key of each sentence's article, shape (sentences,).
"""

from slugline.scoring.articles import max_by_article, score_articles
from slugline.scoring.calibration import expected_calibration_error, reliability_curve, score_calibration
from slugline.scoring.comparison import Comparison, compare_predictions
from slugline.scoring.intervals import (
    difference_by_chance,
    flatten_intervals,
    holm,
    macro_interval,
    paired_differences,
    score_intervals,
)
from slugline.scoring.prevalence import (
    Counts,
    check_method,
    count_articles,
    estimate_prevalence,
    pack_counts,
    unpack_counts,
)
from slugline.scoring.ranking import reading_budget, work_saved
from slugline.scoring.resampled_curves import budget_intervals, calibration_intervals
from slugline.scoring.scores import (
    Scores,
    absent_topics,
    average_precision,
    cut_points,
    prefixed,
    score,
    tabulate,
    tabulate_intervals,
)
from slugline.scoring.slices import check_period, period_bins, score_all_slices, slice_values
from slugline.scoring.thresholds import FixedThreshold, TunedThreshold, check_target, choose_thresholds

__all__ = [
    "Comparison",
    "Counts",
    "FixedThreshold",
    "Scores",
    "TunedThreshold",
    "absent_topics",
    "average_precision",
    "budget_intervals",
    "calibration_intervals",
    "check_method",
    "check_period",
    "check_target",
    "choose_thresholds",
    "compare_predictions",
    "count_articles",
    "cut_points",
    "difference_by_chance",
    "estimate_prevalence",
    "expected_calibration_error",
    "flatten_intervals",
    "holm",
    "macro_interval",
    "max_by_article",
    "pack_counts",
    "paired_differences",
    "period_bins",
    "prefixed",
    "reading_budget",
    "reliability_curve",
    "score",
    "score_all_slices",
    "score_articles",
    "score_calibration",
    "score_intervals",
    "slice_values",
    "tabulate",
    "tabulate_intervals",
    "unpack_counts",
    "work_saved",
]
