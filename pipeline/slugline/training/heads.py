"""Heads: a classifier per topic, calibrated by cross-validation that never splits an article."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.utils.validation import has_fit_parameter

from slugline.errors import InputError, one_line
from slugline.model.heads import EstimatorHead, Head, LinearHead, decision_values, linear_coefficients, to_probabilities
from slugline.model.vectorizers import normalize, side_by_side
from slugline.scoring import average_precision
from slugline.splits import stratify
from slugline.training.calibration import calibrate

# The decision in a fold that has no example of a topic to learn from: a sure "no" on the scale of a margin
_SURE_NO = -1.0

OnFold = Callable[[int, float], None]
_TopicLabels = tuple[np.ndarray, np.ndarray | None]  # of one topic: labels and their weights, shape (sentences,) each


class FittedHead(NamedTuple):
    """A head, and the out-of-fold probabilities of the training sentences, shape (sentences, topics)."""

    head: Head
    probabilities: np.ndarray


@dataclass(frozen=True)
class Examples:
    """What a head learns from.

    Parameters
    ----------
    blocks : sequence of csr_array of shape (sentences, terms)
        The features by each vectorizer.
    norms : sequence of {"l1", "l2", None}
        How each vectorizer scales its rows.
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
    """

    blocks: Sequence[csr_array]
    norms: Sequence[str | None]
    Y: np.ndarray
    groups: np.ndarray
    mode: str = "multilabel"
    weights: np.ndarray | None = None
    calibration_rows: np.ndarray | None = None


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
        A scikit-learn classifier, which stays unfitted: copies of it are fitted.
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
    folds = min(folds, len(np.unique(examples.groups)))
    parallel = Parallel(n_jobs=_count_threads(classifier, n_jobs), prefer="threads")
    topics = list(zip(examples.Y.T, _topic_weights(classifier, examples), strict=True))

    X = side_by_side(examples.blocks)
    estimators = parallel(delayed(_fit_topic)(classifier, X, y, weight) for y, weight in topics)
    if linear_coefficients(estimators[0]) is None:  # tell before the cross-validation what could not be saved after it
        from slugline.model.estimators import check_can_be_saved  # late: skops takes a second to import

        check_can_be_saved(classifier)

    fold_of_row = stratify(examples.Y, examples.groups, [1 / folds] * folds, seed)
    decisions = _decide_out_of_fold(classifier, examples, topics, fold_of_row, parallel, on_fold=on_fold)
    slope, offset = calibrate(decisions, examples.Y, examples.calibration_rows)
    return FittedHead(to_head(estimators, slope, offset), to_probabilities(slope * decisions + offset, examples.mode))


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


def _topic_weights(classifier: Any, examples: Examples) -> Sequence[np.ndarray | None]:
    """Return the weights of each topic's labels; raise `InputError` for a classifier that takes none."""
    if examples.weights is None:
        return [None] * examples.Y.shape[1]
    if not has_fit_parameter(classifier, "sample_weight"):
        raise InputError(
            f"model {type(classifier).__name__} takes no sample weights, which labels by rules have; allowed: "
            "labels.soft=false, or another model"
        )
    return list(examples.weights.T)


def _count_threads(classifier: Any, n_jobs: int) -> int:
    """Return how many threads may fit at once: one for liblinear's dual solver, whose threads share random numbers.

    It is the quicker one all the same: measured on two cores, one thread of it beats two of the primal solver.
    """
    parts = (classifier, *classifier.get_params().values())
    return 1 if any(getattr(part, "dual", False) for part in parts) else n_jobs


def _decide_out_of_fold(
    classifier: Any,
    examples: Examples,
    topics: Sequence[_TopicLabels],
    fold_of_row: np.ndarray,
    parallel: Parallel,
    *,
    on_fold: OnFold | None,
) -> np.ndarray:
    """Return decision values (sentences, topics) from classifiers that did not see the sentence's fold."""
    masks = [fold_of_row == fold for fold in np.unique(fold_of_row)]
    decisions, decided = np.empty(examples.Y.shape), np.zeros(len(fold_of_row), np.bool_)

    with ThreadPoolExecutor(1) as executor:  # makes the features of the next folds while classifiers fit
        divided = executor.map(lambda mask: _divide(examples, mask), masks)
        for fold, (mask, (X, X_held_out)) in enumerate(zip(masks, divided, strict=True)):
            labels = [(y[~mask], None if weight is None else weight[~mask]) for y, weight in topics]
            columns = parallel(delayed(_fit_and_decide)(classifier, X, y, weight, X_held_out) for y, weight in labels)
            decisions[mask] = np.column_stack(columns)
            decided |= mask

            if on_fold is not None:
                ranked = zip(topics, decisions[decided].T, strict=True)
                on_fold(fold, float(np.mean([average_precision(y[decided], column) for (y, _), column in ranked])))
    return decisions


def _divide(examples: Examples, held_out: np.ndarray) -> tuple[csr_array, csr_array]:
    """Return the features of the rows to learn from and of those held out.

    They are as if the held-out rows had not been there when the vocabulary was learned. Else a held-out sentence would
    have known terms where a new one has none, and thresholds would be chosen on other numbers than they are used on.
    Document frequencies stay those of all sentences.
    """
    blocks = zip(examples.blocks, examples.norms, strict=True)
    X = side_by_side([normalize(_drop_unknown_terms(block, held_out), norm) for block, norm in blocks])
    return X[~held_out], X[held_out]


def _drop_unknown_terms(block: csr_array, held_out: np.ndarray) -> csr_array:
    """Return a copy of a block without the terms that would fall below min_df without the held-out rows."""
    frequency = np.bincount(block.indices, minlength=block.shape[1])
    remaining = frequency - np.bincount(block[held_out].indices, minlength=block.shape[1])
    known = remaining >= frequency.min()  # the rarest term of the vocabulary shows what min_df was
    copy = csr_array((block.data * known[block.indices], block.indices.copy(), block.indptr.copy()), block.shape)
    copy.eliminate_zeros()
    return copy


def _fit_and_decide(
    classifier: Any, X: csr_array, y: np.ndarray, weight: np.ndarray | None, X_held_out: csr_array
) -> np.ndarray:
    """Return decision values for the held-out sentences, shape (held-out sentences,)."""
    if y.any() and not y.all():
        return decision_values(_fit_topic(classifier, X, y, weight), X_held_out)
    return np.full(X_held_out.shape[0], _SURE_NO if not y.any() else -_SURE_NO)


def _fit_topic(classifier: Any, X: csr_array, y: np.ndarray, weight: np.ndarray | None = None) -> Any:
    """Fit a copy of a classifier on one topic."""
    with as_input_error(f"model {type(classifier).__name__} cannot be fitted"):
        return clone(classifier).fit(X, y, **({} if weight is None else {"sample_weight": weight}))
