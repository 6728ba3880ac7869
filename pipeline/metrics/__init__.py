"""Scores of predictions against labels, the threshold of each topic, and how sure all that is. No input or output."""

from pipeline.metrics.articles import article_level, by_article
from pipeline.metrics.bootstrap import holm, intervals, paired
from pipeline.metrics.calibration import brier_score, calibration, expected_calibration_error, reliability
from pipeline.metrics.prevalence import Counts, count_articles, prevalence, require_method
from pipeline.metrics.ranking import reading_budget, reading_curve, work_saved
from pipeline.metrics.scores import Scores, average_precision, cut_points, rates, score, score_topics, tabulate
from pipeline.metrics.slices import WORSE, length_bins, score_slices
from pipeline.metrics.thresholds import FixedThreshold, TunedThreshold, best_threshold, check_part

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
