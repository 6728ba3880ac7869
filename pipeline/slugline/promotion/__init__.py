"""Promotion: whether a model may take the place of the champion, judged on the same sentences.

A model may be a little worse than the champion, since scores vary by chance. So that many small steps do not add up, it
is also judged against the best of the champions before.
"""

from slugline.promotion.gate import Failure, Figures, Gate
from slugline.promotion.judging import Contender, EvaluationSet, Reference, Verdict, judge, share_predictions

__all__ = [
    "Contender",
    "EvaluationSet",
    "Failure",
    "Figures",
    "Gate",
    "Reference",
    "Verdict",
    "judge",
    "share_predictions",
]
