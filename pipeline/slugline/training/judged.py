"""What a model is judged by: sentences, and what models that did not learn from their articles say of them."""

from typing import NamedTuple

import numpy as np

from slugline.dataset import Dataset
from slugline.training.fit import FittedModel

CROSS_VALIDATED = "cross_validated"  # the part that is judged by cross-validation, in metric keys and names of files


class Judged(NamedTuple):
    """Sentences that a model is judged by, and their predictions.

    Attributes
    ----------
    part : str
        `test`, `dev` or `cross_validated`, the first words of metric keys.
    rows : ndarray of bool, shape (all sentences,)
        Which sentences of the dataset they are.
    probabilities : ndarray of shape (sentences, topics)
        Of a model that did not learn from the sentence, or, cross-validated, from any of its article.
    decided : ndarray of bool, shape (sentences, topics)
        Which topics it gives, by its own thresholds.
    """

    part: str
    rows: np.ndarray
    probabilities: np.ndarray
    decided: np.ndarray


def judge_part(dataset: Dataset, fitted: FittedModel, part: str) -> Judged:
    """Return what a fitted model says of a part that is held out."""
    rows = dataset.rows(part)
    P = fitted.probabilities[rows]
    return Judged(part, rows, P, fitted.model.decide(P))
