"""Heads turn features into one log-odds per topic: weights, or scikit-learn estimators where need be."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse


@dataclass(frozen=True)
class LinearHead:
    """Log-odds are `X @ weights.T + intercept`; calibration is folded into both.

    `weights` (topics, features) are float32, `intercept` (topics,) float64.
    """

    weights: np.ndarray
    intercept: np.ndarray

    def log_odds(self, X: csr_array) -> np.ndarray:
        """Return calibrated log-odds, shape (sentences, topics)."""
        return np.asarray(X @ self.weights_by_feature + self.intercept)

    @cached_property
    def weights_by_feature(self) -> np.ndarray:
        """The weights as (features, topics), float64: the form in which products are quick."""
        return np.ascontiguousarray(self.weights.T, dtype=np.float64)


@dataclass(frozen=True)
class EstimatorHead:
    """Log-odds are `slope * decision value + offset`, with one two-class scikit-learn classifier per topic.

    `slope` and `offset`, both (topics,), are the calibration.
    """

    estimators: list[Any]
    slope: np.ndarray
    offset: np.ndarray

    def log_odds(self, X: csr_array) -> np.ndarray:
        """Return calibrated log-odds, shape (sentences, topics)."""
        if X.shape[0] == 0:  # scikit-learn refuses to predict for no sentences
            return np.empty((0, len(self.estimators)))
        decisions = np.column_stack([decision_values(estimator, X) for estimator in self.estimators])
        return np.asarray(self.slope * decisions + self.offset)


Head = LinearHead | EstimatorHead


def decision_values(estimator: Any, X: csr_array) -> np.ndarray:
    """Return the decision values of a fitted two-class classifier, shape (sentences,).

    For a classifier that has only probabilities they are its log-odds.
    """
    if (coefficients := linear_coefficients(estimator)) is not None:
        weights, intercept = coefficients
        return np.asarray(X @ weights) + intercept
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X))
    p = np.clip(estimator.predict_proba(X)[:, 1], 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p) - np.log1p(-p))


def linear_coefficients(estimator: Any) -> tuple[np.ndarray, float] | None:
    """Return weights (features,) and intercept of a fitted two-class linear classifier or naive Bayes.

    None for any other.
    """
    coef = getattr(estimator, "coef_", None)
    if coef is not None:
        # SVC has sparse coefficients, RidgeClassifier one-dimensional ones
        coef = np.atleast_2d(coef.toarray() if issparse(coef) else coef)
        return (np.asarray(coef[0]), float(np.ravel(estimator.intercept_)[0])) if len(coef) == 1 else None

    kind = type(estimator).__name__
    if kind in ("ComplementNB", "MultinomialNB"):
        prior = estimator.class_log_prior_ if kind == "MultinomialNB" else np.zeros(2)
        log_prob = estimator.feature_log_prob_
        return log_prob[1] - log_prob[0], float(prior[1] - prior[0])
    return None


def to_probabilities(log_odds: np.ndarray, mode: str) -> np.ndarray:
    """Turn log-odds into probabilities, shape (sentences, topics); where `mode` is "multiclass", rows sum to 1."""
    with np.errstate(over="ignore"):  # 1 / inf is 0, as it should be
        probabilities = np.asarray(1.0 / (1.0 + np.exp(-log_odds)))
    if mode == "multiclass":
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    return probabilities


def decide(probabilities: np.ndarray, thresholds: np.ndarray, mode: str) -> np.ndarray:
    """Return which topics are given, bool (texts, topics): those that reach their threshold.

    In "multiclass" the one whose probability is the largest multiple of its threshold.
    """
    if mode == "multiclass":
        best = (probabilities / thresholds).argmax(axis=1)
        return np.asarray(best[:, None] == np.arange(len(thresholds)))
    return np.asarray(probabilities >= thresholds)
