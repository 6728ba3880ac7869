"""Heads: what turns features into one log-odds per topic: data (weights), or scikit-learn estimators where need be."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse


@dataclass(frozen=True)
class LinearHead:
    """Log-odds are `X @ weights.T + intercept`, calibration folded in.

    `weights` have shape (topics, features), float32; `intercept` (topics,), float64.
    """

    weights: np.ndarray
    intercept: np.ndarray

    def log_odds(self, X: csr_array) -> np.ndarray:
        """Return calibrated log-odds, shape (sentences, topics)."""
        return np.asarray(X @ self.by_feature + self.intercept)

    @cached_property
    def by_feature(self) -> np.ndarray:
        """The weights in the form that products are quick with: (features, topics), float64."""
        return np.ascontiguousarray(self.weights.T, dtype=np.float64)


@dataclass(frozen=True)
class EstimatorHead:
    """One fitted scikit-learn classifier per topic; log-odds are `slope * decision + offset`, (topics,) each."""

    estimators: list[Any]
    slope: np.ndarray
    offset: np.ndarray

    def log_odds(self, X: csr_array) -> np.ndarray:
        """Return calibrated log-odds, shape (sentences, topics)."""
        if X.shape[0] == 0:  # scikit-learn decides on nothing less than one sentence
            return np.empty((0, len(self.estimators)))
        decisions = np.column_stack([decide(estimator, X) for estimator in self.estimators])
        return np.asarray(self.slope * decisions + self.offset)


Head = LinearHead | EstimatorHead


def decide(estimator: Any, X: csr_array) -> np.ndarray:
    """Return the decision values of a fitted two-class classifier, shape (sentences,).

    For a classifier that has only probabilities they are its log-odds.
    """
    if (linear := linear_parts(estimator)) is not None:
        return np.asarray(X @ linear[0]) + linear[1]
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X))
    p = np.clip(estimator.predict_proba(X)[:, 1], 1e-6, 1 - 1e-6)
    return np.asarray(np.log(p) - np.log1p(-p))


def linear_parts(estimator: Any) -> tuple[np.ndarray, float] | None:
    """Return weights and intercept of a fitted two-class linear classifier or naive Bayes, None for any other."""
    coef = getattr(estimator, "coef_", None)
    if coef is not None:
        coef = np.atleast_2d(
            coef.toarray() if issparse(coef) else coef
        )  # sparse from SVC, one-dimensional from RidgeClassifier
        return (np.asarray(coef[0]), float(np.ravel(estimator.intercept_)[0])) if len(coef) == 1 else None
    kind = type(estimator).__name__
    if kind in ("ComplementNB", "MultinomialNB"):
        prior = estimator.class_log_prior_ if kind == "MultinomialNB" else np.zeros(2)
        terms = estimator.feature_log_prob_
        return terms[1] - terms[0], float(prior[1] - prior[0])
    return None


def to_probabilities(log_odds: np.ndarray, mode: str) -> np.ndarray:
    """Return probabilities, shape (sentences, topics): each for itself, or summing to 1 where `mode` is multiclass."""
    with np.errstate(over="ignore"):  # surely not: 1 / inf is 0
        probabilities = np.asarray(1.0 / (1.0 + np.exp(-log_odds)))
    if mode == "multiclass":
        probabilities = probabilities / probabilities.sum(axis=1, keepdims=True)
    return probabilities
