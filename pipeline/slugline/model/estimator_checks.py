"""The checks of estimators that were read from a file, before they are used.

scikit-learn's compiled code trusts indices and counts in neighbours and support vectors, which the audit of the file
does not see.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

from slugline.model.skops_audit import CLASSIFIERS, TREE_REGRESSOR, refuse_unless


def check_estimators(estimators: Any, n_topics: int, n_features: int) -> None:
    """Raise `RefusedError` unless these are as many classifiers as topics, over as many features, each sound.

    What was not saved, such as the loss of gradient boosting, is created again.
    """
    is_list = type(estimators) is list and len(estimators) == n_topics
    refuse_unless(is_list, f"it does not hold {n_topics} classifiers")
    for estimator in estimators:
        kind = type(estimator).__name__
        refuse_unless(type_name(type(estimator)) in CLASSIFIERS, f"{kind} is not a classifier of the list")
        refuse_unless(list(estimator.classes_) == [False, True], f"{kind} does not have the classes no and yes")
        for part in _iterate_parts(estimator, set()):
            _check_part(part, n_features)


def type_name(kind: type) -> str:
    """Return the full name of a type."""
    return f"{kind.__module__}.{kind.__qualname__}"


def _iterate_parts(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield all estimators and sparse matrices inside a value, each once."""
    if id(value) in seen:
        return
    if isinstance(value, BaseEstimator) or issparse(value):
        seen.add(id(value))
        yield value
    for item in _contents(value):
        yield from _iterate_parts(item, seen)


def _contents(value: Any) -> Iterable[Any]:
    """Return what an estimator or a container holds."""
    if isinstance(value, BaseEstimator):
        return list(vars(value).values())
    if isinstance(value, dict):
        return value.values()
    if isinstance(value, np.ndarray) and value.dtype == object:
        return list(value.flat)
    return value if isinstance(value, list | tuple) else ()


def _check_part(part: Any, n_features: int) -> None:
    """Check one estimator or sparse matrix."""
    if issparse(part):
        part.check_format(full_check=True)
        return

    name, attributes = type(part).__name__, vars(part)
    hidden = [attribute for attribute in attributes if hasattr(type(part), attribute)]
    refuse_unless(not hidden, f"{name} whose {hidden[:1]} is replaced")
    has_features = attributes.get("n_features_in_", n_features) == n_features
    refuse_unless(has_features, f"{name} over other features than the model's")

    classes, outputs = attributes.get("n_classes_", 2), attributes.get("n_outputs_", 1)
    has_one_output = np.ndim(classes) == np.ndim(outputs) == 0 and classes in (1, 2) and outputs == 1
    refuse_unless(has_one_output, f"{name} of more than two classes")

    jobs = attributes.get("n_jobs")
    has_few_jobs = jobs is None or (type(jobs) is int and abs(jobs) <= 256)
    refuse_unless(has_few_jobs, f"{name} with n_jobs={jobs!r:.20}")
    if name in _CHECKS:
        _CHECKS[name](part, n_features)


def _check_neighbours(part: Any, n_features: int) -> None:
    """Refuse neighbours without a class each: compiled code counts their classes without checks."""
    rows = part._fit_X.shape[0]
    is_sparse = issparse(part._fit_X) and part._fit_X.shape == (rows, n_features)
    refuse_unless(is_sparse, "neighbours that are not sparse rows")

    is_brute_force = part._fit_method == "brute" and part._tree is None and isinstance(part.metric, str)
    refuse_unless(is_brute_force, "neighbours in a tree")
    has_rows = type(part.n_neighbors) is int and 0 < part.n_neighbors <= rows == part.n_samples_fit_
    refuse_unless(has_rows, "fewer rows than neighbours")

    y = part._y
    has_classes = y.shape == (rows,) and y.dtype.kind == "i" and set(np.unique(y)) <= {0, 1}
    refuse_unless(has_classes, "neighbours without a class each")


def _check_support(part: Any, n_features: int) -> None:
    """Refuse support vectors without a weight and a class each: compiled code copies as many as the counts say."""
    vectors, weights, counts = part.support_vectors_, part._dual_coef_, part._n_support
    is_sparse = part._sparse is True and part.kernel in ("linear", "poly", "rbf", "sigmoid")
    refuse_unless(is_sparse, "support vectors that are not sparse")
    has_features = issparse(vectors) and vectors.shape == (len(vectors.indptr) - 1, n_features)
    refuse_unless(has_features, "support vectors over other features")
    has_weights = issparse(weights) and weights.data.shape == (vectors.shape[0],)
    refuse_unless(has_weights, "support vectors without a weight each")

    is_complete = counts.shape == (2,) and bool((counts >= 0).all()) and int(counts.sum()) == vectors.shape[0]
    refuse_unless(is_complete and part._intercept_.shape == (1,), "support vectors without a class each")
    has_probabilities = part._probA.shape == part._probB.shape and part._probA.size <= 1
    refuse_unless(has_probabilities, "support vectors with odd probabilities")
    refuse_unless(part.class_weight_.shape == (2,), "support vectors with odd class weights")


def _check_boosting(part: Any, n_features: int) -> None:
    """Refuse anything but one tree a stage, which compiled code takes for granted; create the loss again."""
    stages = part.estimators_
    has_one_tree = stages.shape == (len(stages), 1) and part.n_trees_per_iteration_ == 1
    refuse_unless(has_one_tree, "more than one tree a stage")
    are_trees = all(type_name(type(tree)) == TREE_REGRESSOR for tree in stages.flat)
    refuse_unless(are_trees and part.loss in ("log_loss", "exponential"), "stages that are not trees")
    part._loss = part._get_loss(sample_weight=None)


_CHECKS = {
    "KNeighborsClassifier": _check_neighbours,
    "SVC": _check_support,
    "NuSVC": _check_support,
    "GradientBoostingClassifier": _check_boosting,
}
