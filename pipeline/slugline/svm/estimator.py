"""Scikit-learn's `LinearSVC`, fitted without copies and in threads."""

import warnings
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse
from sklearn import svm
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

_FEW_VALUES = 1 << 18  # fewer are fitted by liblinear before numba is loaded
_LIBLINEAR_LOCK = (
    Lock()
)  # its random numbers are those of the process: of two fits at once, each would disturb the other


class LinearSVC(svm.LinearSVC):  # type: ignore[misc]
    """Linear support vector classification: scikit-learn's `LinearSVC`, faster.

    With numba installed (the extra `fast`), sparse features are used as they are, where liblinear first copies them for
    each fit. Fits in several threads do not disturb each other. The solution is liblinear's to the tolerance.
    Without numba, and where it would gain nothing (dense or few values, or the primal or another problem is asked for),
    liblinear fits.

    Parameters are those of `sklearn.svm.LinearSVC`.

    Attributes
    ----------
    coef_, intercept_, classes_, n_features_in_, n_iter_
        As in scikit-learn.
    """

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (samples, features)
            The features.
        y : array-like of shape (samples,)
            The classes.
        sample_weight : array-like of shape (samples,), optional
            How much each sample counts; None: all the same.
        """
        if not self.is_quick(X):
            with _LIBLINEAR_LOCK:
                return super().fit(X, y, sample_weight)  # type: ignore[no-any-return]
        self._validate_params()
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=[np.float64, np.float32], accept_large_sparse=False)
        check_classification_targets(y)
        self.classes_, targets = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(
                f"This solver needs samples of at least 2 classes, but the data contains only {self.classes_[0]!r}"
            )
        cost = self.C * _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        importance = compute_class_weight(self.class_weight, classes=self.classes_, y=y, sample_weight=sample_weight)

        is_binary = len(self.classes_) == 2
        positive = [1] if is_binary else range(len(self.classes_))
        random = check_random_state(self.random_state)
        fits = []
        for number in positive:
            is_positive = targets == number
            others = importance[0] if is_binary else 1.0  # as liblinear has it: the others' weights do not count
            own_cost = cost * np.where(is_positive, importance[number], others)
            target = np.where(is_positive, 1.0, -1.0)
            fits.append(self._descend(X, target, own_cost, random.randint(1 << 31)))
        weights, iterations = (np.array(part) for part in zip(*fits, strict=True))
        self.coef_, self.n_iter_ = weights[:, :-1], int(iterations.max())
        self.intercept_ = weights[:, -1] * self.intercept_scaling if self.fit_intercept else np.zeros(len(positive))
        return self

    def is_quick(self, X: Any) -> bool:
        """Tell whether numba fits these features, so that fits may run in several threads."""
        is_ours = self.penalty == "l2" and self.loss == "squared_hinge" and self.multi_class == "ovr"
        return is_ours and bool(self.dual) and issparse(X) and X.nnz >= _FEW_VALUES and _has_numba()

    def _descend(self, X: Any, y: np.ndarray, cost: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
        """Return weights (features + 1,) and the passes of one two-class problem."""
        from slugline.svm.descent import descend

        scale = float(self.intercept_scaling) if self.fit_intercept else 0.0
        columns = X.indices.view(np.uint32)  # numba need not look for negative ones, which saves a fifth of the time
        weights = np.zeros(X.shape[1] + 1)
        iterations, converged = descend(
            X.indptr, columns, X.data, y, cost, weights, scale, self.tol, self.max_iter, seed
        )
        if not converged:
            warnings.warn(
                "The dual problem did not converge, increase the number of iterations.",
                ConvergenceWarning,
                stacklevel=3,
            )
        return weights, iterations


@cache
def _has_numba() -> bool:
    """Tell whether numba is installed; it is loaded only once it is needed."""
    return find_spec("numba") is not None
