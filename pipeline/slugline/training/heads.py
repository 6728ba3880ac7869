"""Heads: a classifier per topic, calibrated by cross-validation that never splits an article."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from slugline.errors import InputError, one_line
from slugline.model.heads import EstimatorHead, Head, LinearHead, decision_values, linear_coefficients, to_probabilities
from slugline.model.vectorizers import side_by_side
from slugline.scoring import average_precision
from slugline.splits import stratify
from slugline.svm import LinearSVC
from slugline.training.calibration import calibrate
from slugline.training.fold_features import Block, FoldFeatures, repeat_last

# The decision in a fold that has no example of a topic to learn from: a sure "no" on the scale of a margin
_SURE_NO = -1.0
C_VALUES = (
    0.3,
    0.1,
    1.0,
)  # what a C that is left to the data may become, the usual one first: `experiments/defaults.py C`
_MARGIN = 0.005  # of macro average precision, by which another must be better: less is chance

OnFold = Callable[[int, float], None]
_TopicLabels = tuple[np.ndarray, np.ndarray | None]  # of one topic: labels and their weights, shape (sentences,) each


class FittedHead(NamedTuple):
    """A head, the out-of-fold probabilities of the training sentences (sentences, topics), and what was fitted."""

    head: Head
    probabilities: np.ndarray
    classifier: Any


@dataclass(frozen=True)
class Examples:
    """What a head learns from.

    Parameters
    ----------
    blocks : sequence of Block
        The features by each vectorizer.
    Y : ndarray of bool, shape (sentences, topics)
        The labels.
    groups : ndarray of shape (sentences,)
        A key per sentence, at least two different ones; cross-validation never splits a group.
    mode : str
        `multilabel` or `multiclass`.
    weights : ndarray of shape (sentences, topics), optional
        How much each label counts; None: all the same.
    calibration_rows : ndarray of bool, shape (sentences, topics), optional
        On which sentences each topic is calibrated; None: on all.
    soft : ndarray of shape (1 + folds, further sentences, topics), optional
        Probabilities of the topics in further sentences, the last rows of each block, which have no labels: those to
        learn from with all labels, and those for each fold of `divide_folds`.
    soft_weight : float
        How much a further sentence counts, where one with labels counts 1.
    """

    blocks: Sequence[Block]
    Y: np.ndarray
    groups: np.ndarray
    mode: str = "multilabel"
    weights: np.ndarray | None = None
    calibration_rows: np.ndarray | None = None
    soft: np.ndarray | None = None
    soft_weight: float = 1.0

    @property
    def n_further(self) -> int:
        """The number of sentences that have probabilities in place of labels."""
        return 0 if self.soft is None else self.soft.shape[1]


def divide_folds(Y: np.ndarray, groups: np.ndarray, folds: int, seed: int) -> np.ndarray:
    """Return the number of the fold that each sentence is held out in, shape (sentences,); see `Examples`."""
    folds = min(folds, len(np.unique(groups)))
    return stratify(Y, groups, [1 / folds] * folds, seed)


def fit_head(
    classifier: Any,
    examples: Examples,
    *,
    folds: int = 5,
    seed: int = 0,
    n_jobs: int = -1,
    on_fold: OnFold | None = None,
) -> FittedHead:
    """Fit a classifier per topic and calibrate it by cross-validation that never splits a group.

    Parameters
    ----------
    classifier : estimator
        A scikit-learn classifier, which stays unfitted: copies of it are fitted. The `C` of a `slugline.svm.LinearSVC`
        may be "auto": 0.3, or 0.1 or 1 where its macro average precision out of fold is higher by more than 0.005.
    examples : Examples
        What it learns from.
    folds : int
        Of the cross-validation; no more than there are groups.
    seed : int
        Of the division into folds.
    n_jobs : int
        Threads, over the same features; -1: all cores.
    on_fold : callable, optional
        See `fit_model`.

    Raises
    ------
    InputError
        When the classifier cannot learn from the examples, or could not be saved.
    """
    fold_of_row = divide_folds(examples.Y, examples.groups, folds, seed)
    X = repeat_last(side_by_side([block.X for block in examples.blocks]), examples.n_further)
    is_quick = isinstance(classifier, LinearSVC) and classifier.is_quick(X)
    X = X.astype(np.float32) if is_quick else X
    blocks = [block._replace(X=block.X.astype(X.dtype, copy=False)) for block in examples.blocks]
    features = FoldFeatures(blocks, examples.n_further)
    labels = _label_topics(classifier, examples, folds)
    parallel = Parallel(n_jobs=n_jobs if is_quick else _count_threads(classifier, n_jobs), prefer="threads")
    cross_fit = partial(_cross_fit, X=X, features=features, labels=labels, fold_of_row=fold_of_row, parallel=parallel)

    usual, *others = [clone(classifier).set_params(C=C) for C in C_VALUES] if leaves_C(classifier) else [classifier]
    fit = cross_fit(usual, on_fold=on_fold)
    if others:
        fits = [fit, *map(cross_fit, others)]
        scores = [_rank(examples.Y, fit.decisions) for fit in fits]
        fit = fits[int(np.argmax(scores))] if max(scores) > scores[0] + _MARGIN else fit
    slope, offset = calibrate(fit.decisions, examples.Y, examples.calibration_rows)
    probabilities = to_probabilities(slope * fit.decisions + offset, examples.mode)
    return FittedHead(to_head(fit.estimators, slope, offset), probabilities, fit.classifier)


def leaves_C(classifier: Any) -> bool:  # noqa: N802 - it is called so
    """Tell whether the `C` of a classifier is left to the data."""
    return isinstance(classifier, LinearSVC) and classifier.C == "auto"


class _CrossFit(NamedTuple):
    """A classifier, its copies fitted on all sentences, one per topic, and the decisions out of fold."""

    classifier: Any
    estimators: list[Any]
    decisions: np.ndarray  # shape (sentences, topics)


def _cross_fit(
    classifier: Any,
    *,
    X: csr_array,
    features: FoldFeatures,
    labels: Sequence[Sequence[_TopicLabels]],
    fold_of_row: np.ndarray,
    parallel: Parallel,
    on_fold: OnFold | None = None,
) -> _CrossFit:
    """Fit a classifier per topic on all sentences, whose features are `X`, and on those outside of each fold."""
    estimators = parallel(delayed(_fit_topic)(classifier, X, y, weight) for y, weight in labels[0])
    if linear_coefficients(estimators[0]) is None:  # tell before the cross-validation what could not be saved after it
        from slugline.model.estimators import check_can_be_saved  # late: skops takes a second to import

        check_can_be_saved(classifier)

    decisions = _decide_out_of_fold(features, classifier, labels, fold_of_row, parallel, on_fold=on_fold)
    return _CrossFit(classifier, estimators, decisions)


def _rank(Y: np.ndarray, decisions: np.ndarray) -> float:
    """Return the macro average precision of decision values (sentences, topics)."""
    return float(np.mean([average_precision(y, column) for y, column in zip(Y.T, decisions.T, strict=True)]))


def to_head(estimators: list[Any], slope: np.ndarray, offset: np.ndarray) -> Head:
    """Return weights with the calibration folded in where all classifiers are linear, else a head of estimators."""
    parts = [linear_coefficients(estimator) for estimator in estimators]
    linear = [part for part in parts if part is not None]
    if len(linear) < len(parts):
        return EstimatorHead(estimators, slope, offset)
    weights = np.array([weight for weight, _ in linear]) * slope[:, None]
    return LinearHead(weights.astype(np.float32), np.array([intercept for _, intercept in linear]) * slope + offset)


@contextmanager
def as_input_error(what: str) -> Iterator[None]:
    """Turn scikit-learn's error inside the block into an `InputError` that begins with `what`."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: {one_line(error)}") from error


def _label_topics(classifier: Any, examples: Examples, folds: int) -> Sequence[Sequence[_TopicLabels]]:
    """Return the labels of each topic to learn from with all sentences, and those for each fold.

    A further sentence is an example of the topic with the weight of its probability, and one without with the rest.
    Raises `InputError` for a classifier that takes no weights where there are some.
    """
    Y, weights, soft = examples.Y, examples.weights, examples.soft
    if weights is None and soft is None:
        return [[(y, None) for y in Y.T]] * (1 + folds)
    if not has_fit_parameter(classifier, "sample_weight"):
        kind, key = (
            ("labels by rules have", "labels.soft=false") if soft is None else ("a teacher gives", "teacher=null")
        )
        raise InputError(
            f"model {type(classifier).__name__} takes no sample weights, which {kind}; allowed: {key}, or another model"
        )
    weights = np.ones(Y.shape) if weights is None else weights
    if soft is None:
        return [list(zip(Y.T, weights.T, strict=True))] * (1 + folds)
    stacked = np.concatenate([Y, np.ones(soft.shape[1:], np.bool_), np.zeros(soft.shape[1:], np.bool_)])
    further = examples.soft_weight * np.concatenate([soft, 1 - soft], axis=1)
    return [list(zip(stacked.T, np.concatenate([weights, fold]).T, strict=True)) for fold in further]


def _count_threads(classifier: Any, n_jobs: int) -> int:
    """Return how many threads may fit at once: one for liblinear's dual solver, whose threads share random numbers.

    It is the quicker one all the same: measured on two cores, one thread of it beats two of the primal solver. Our own
    `LinearSVC` fits in as many as are asked for.
    """
    parts = (classifier, *classifier.get_params().values())
    return 1 if any(getattr(part, "dual", False) for part in parts) else n_jobs


def _decide_out_of_fold(
    features: FoldFeatures,
    classifier: Any,
    labels: Sequence[Sequence[_TopicLabels]],
    fold_of_row: np.ndarray,
    parallel: Parallel,
    *,
    on_fold: OnFold | None,
) -> np.ndarray:
    """Return decision values (sentences, topics) from copies of a classifier that did not see the sentence's fold."""
    folds, n_rows = np.unique(fold_of_row), len(fold_of_row)
    masks = [fold_of_row == fold for fold in folds]
    decisions, decided = np.empty((n_rows, len(labels[0]))), np.zeros(n_rows, np.bool_)

    with ThreadPoolExecutor(1) as executor:  # makes the features of the next folds while classifiers fit
        divided = executor.map(features.divide, masks)
        for fold, mask, (X, X_held_out) in zip(folds, masks, divided, strict=True):
            learned = np.pad(~mask, (0, len(labels[0][0][0]) - n_rows), constant_values=True)
            columns = parallel(
                delayed(_fit_and_decide)(classifier, X, *of_topic, X_held_out, learned) for of_topic in labels[1 + fold]
            )
            decisions[mask] = np.column_stack(columns)
            decided |= mask

            if on_fold is not None:
                Y = np.column_stack([y[:n_rows] for y, _ in labels[0]])
                on_fold(int(fold), _rank(Y[decided], decisions[decided]))
    return decisions


def _fit_and_decide(
    classifier: Any, X: csr_array, y: np.ndarray, weight: np.ndarray | None, X_held_out: csr_array, learned: np.ndarray
) -> np.ndarray:
    """Return decision values for the held-out sentences, shape (held-out sentences,).

    Of a copy of a classifier that is fitted on the others; `learned` says which of all sentences these are.
    """
    y, weight = y[learned], None if weight is None else weight[learned]
    if not y.any() or y.all():
        return np.full(X_held_out.shape[0], -_SURE_NO if y.any() else _SURE_NO)
    return decision_values(_fit_topic(classifier, X, y, weight), X_held_out)


def _fit_topic(classifier: Any, X: csr_array, y: np.ndarray, weight: np.ndarray | None = None) -> Any:
    """Fit a copy of a classifier on one topic."""
    options = {} if weight is None else {"sample_weight": weight}
    with as_input_error(f"model {type(classifier).__name__} cannot be fitted"):
        return clone(classifier).fit(X, y, **options)
