"""What a model says of sentences that it is fitted without."""

from collections.abc import Callable
from typing import Any

import numpy as np

from slugline.dataset import Dataset


def fit_and_predict(dataset: Dataset, rows: np.ndarray, fit: Callable[[Dataset], Any]) -> tuple[np.ndarray, np.ndarray]:
    """Fit a model of those topics that train has and lacks, and return probabilities and decisions for some sentences.

    A topic that all sentences of train have, or none, is given to all or none.

    Parameters
    ----------
    dataset : Dataset
        On whose train part the model is fitted.
    rows : ndarray of bool, shape (all sentences,)
        Which sentences are predicted.
    fit : callable
        Fits a model, a `FittedModel`, on a dataset of some of the topics; not called where there are none.

    Returns
    -------
    probabilities, decided : ndarray of shape (sentences, topics)
    """
    Y = dataset.Y[dataset.rows("train")]
    learned = Y.any(axis=0) & ~Y.all(axis=0)
    probabilities = np.tile(Y.all(axis=0).astype(np.float64), (int(rows.sum()), 1))
    decided = probabilities > 0.5
    if learned.any():
        fitted = fit(dataset.with_topics(learned))
        probabilities[:, learned] = fitted.probabilities[rows]
        decided[:, learned] = fitted.model.decide(fitted.probabilities[rows])
    return probabilities, decided
