"""How good a model is and how sure that is: scores with intervals, calibration, ranking, articles, slices, counts.

No input or output: what is found are metrics and tables.
"""

from pipeline.evaluation.evaluate import Evaluated, Evaluation, evaluate, reference_counts
from pipeline.evaluation.slices import period_bins, slice_all
from pipeline.evaluation.splits import Refit, draw_learning_curve, repeat_splits

__all__ = [
    "Evaluated",
    "Evaluation",
    "Refit",
    "draw_learning_curve",
    "evaluate",
    "period_bins",
    "reference_counts",
    "repeat_splits",
    "slice_all",
]
