"""Scores of predictions against labels, the threshold of each topic, and how sure all that is. No input or output."""

from slugline.scoring.articles import article_level, by_article
from slugline.scoring.bootstrap import holm, intervals, paired
from slugline.scoring.calibration import brier_score, calibration, expected_calibration_error, reliability
from slugline.scoring.prevalence import Counts, count_articles, prevalence, require_method
from slugline.scoring.ranking import reading_budget, reading_curve, work_saved
from slugline.scoring.scores import Scores, average_precision, cut_points, rates, score, score_topics, tabulate
from slugline.scoring.slices import WORSE, length_bins, score_slices
from slugline.scoring.thresholds import FixedThreshold, TunedThreshold, best_threshold, check_part

__all__ = [
    "WORSE",
    "Counts",
    "FixedThreshold",
    "Scores",
    "TunedThreshold",
    "article_level",
    "average_precision",
    "best_threshold",
    "brier_score",
    "by_article",
    "calibration",
    "check_part",
    "count_articles",
    "cut_points",
    "expected_calibration_error",
    "holm",
    "intervals",
    "length_bins",
    "paired",
    "prevalence",
    "rates",
    "reading_budget",
    "reading_curve",
    "reliability",
    "require_method",
    "score",
    "score_slices",
    "score_topics",
    "tabulate",
    "work_saved",
]
