"""Calibration: decision values become log-odds."""

import numpy as np
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits


def calibrate(decisions: np.ndarray, Y: np.ndarray, rows: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and offset per topic that turn decision values into log-odds.

    Platt scaling with his smoothed targets: Platt 1999, "Probabilistic outputs for support vector machines",
    section 2.2. A soft target is an example of each class, weighted.

    Parameters
    ----------
    decisions : ndarray of shape (sentences, topics)
        From classifiers that did not learn from the sentence.
    Y : ndarray of bool, shape (sentences, topics)
        The labels.
    rows : ndarray of bool, shape (sentences, topics), optional
        The sentences to use for each topic; None: all.

    Returns
    -------
    slope, offset : ndarray of shape (topics,)
    """
    used = np.ones(Y.shape, np.bool_) if rows is None else rows
    with threadpool_limits(1, "blas"):  # of one column, threads only wait for each other: five times the CPU seconds
        fits = [_fit_sigmoid(d[some], y[some]) for d, y, some in zip(decisions.T, Y.T, used.T, strict=True)]
    slope, offset = np.array(fits).T
    return slope, offset


def _fit_sigmoid(decision: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return slope and offset of one topic; see `calibrate`."""
    positive = int(y.sum())
    target = np.where(y, (positive + 1) / (positive + 2), 1 / (len(y) - positive + 2))
    classes = np.repeat([True, False], len(y))
    weight = np.concatenate([target, 1 - target])
    regression = LogisticRegression(C=np.inf, solver="newton-cholesky")
    regression.fit(np.tile(decision, 2)[:, None], classes, sample_weight=weight)
    return float(regression.coef_[0, 0]), float(regression.intercept_[0])
