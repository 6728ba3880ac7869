"""Fitting.

Features, a classifier per topic, its calibration and its threshold, from one set of out-of-fold decisions.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.utils.validation import has_fit_parameter

from slugline.cache import Stages, Values, digest, versions
from slugline.dataset import Clock, Material
from slugline.errors import InputError
from slugline.model.heads import EstimatorHead, Head, LinearHead, decision_values, linear_coefficients, to_probabilities
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import from_estimator, from_values, normalize, side_by_side, to_values
from slugline.scoring import average_precision
from slugline.splits import stratify

NEVER = (
    -1.0
)  # the decision in a fold that has no example of a topic to learn from: a sure "no" on the scale of a margin


class Outcome(NamedTuple):
    """A fitted model, and a probability per sentence and topic of the material, out of fold for train."""

    model: TopicModel
    probabilities: np.ndarray


Told = Callable[[int, float], None]
Pair = tuple[np.ndarray, np.ndarray | None]  # the labels of a topic and their weights, shape (sentences,) each


class Fitted(NamedTuple):
    """A fitted head, and the out-of-fold probabilities of the training sentences, shape (sentences, topics)."""

    head: Head
    probabilities: np.ndarray


def fit_model(
    material: Material,
    features: Mapping[str, Any],
    classifier: Any,
    threshold: Any,
    clock: Clock,
    stages: Stages,
    *,
    folds: int,
    seed: int,
    n_jobs: int,
    told: Told | None = None,
) -> Outcome:
    """Fit a topic model on the train part of the material; see `corpus.require_examples` for what it must hold.

    After each fold `told` hears its number, from 0 on, and the macro average precision on the folds so far; what it
    raises ends the fit.
    """
    texts, train = material.sentences["text"].to_numpy(), material.rows("train")
    with clock("features"):
        made = [make_features(stages, *item, list(texts[train]), list(texts[~train])) for item in features.items()]
        vectorizers = tuple(from_values(values) for values in made)
        blocks, X_rest = [values["train"] for values in made], side_by_side([values["rest"] for values in made])
    with clock("fit"):
        groups = material.sentences["article_id"].factorize()[0][train]
        norms = [part.norm for part in vectorizers]
        head, out_of_fold = fit_head(
            classifier,
            blocks,
            norms,
            material.Y[train],
            groups,
            material.mode,
            folds,
            seed,
            n_jobs,
            told,
            None if material.weights is None else material.weights[train],
            material.judges("train")[train],
        )
    probabilities = np.empty(material.Y.shape)
    probabilities[train] = out_of_fold
    probabilities[~train] = to_probabilities(head.log_odds(X_rest), material.mode)
    with clock("thresholds"):
        judges = material.judges(threshold.part).T
        pairs = zip(judges, material.Y.T, probabilities.T, strict=True)
        thresholds = np.concatenate([threshold(y[rows, None], p[rows, None]) for rows, y, p in pairs])
    return Outcome(TopicModel(material.topics, material.mode, vectorizers, head, thresholds), probabilities)


def make_features(stages: Stages, name: str, vectorizer: Any, texts: list[str], rest: list[str]) -> Values:
    """Return a fitted vectorizer as values, with the features of the texts to learn from and of the rest."""

    def make() -> Values:
        block = fit_features(name, vectorizer, texts)
        fitted = from_estimator(name, vectorizer)
        return {**to_values(fitted), "train": block, "rest": fitted.transform(rest)}

    options = {key: repr(value) for key, value in vectorizer.get_params().items()}
    read = {"texts to learn from": digest("\0".join(texts)), "other texts": digest("\0".join(rest))}
    key = {"features": name, "class": type(vectorizer).__qualname__, **options, **read, **versions(vectorizer)}
    return stages.run(f"features.{name}", key, make)


def fit_features(name: str, vectorizer: Any, texts: list[str]) -> csr_array:
    """Fit a vectorizer and return the features of its texts.

    Raise `InputError` with scikit-learn's reason when it cannot.
    """
    with reason(f"features.{name}"):
        return csr_array(vectorizer.fit_transform(texts))


@contextmanager
def reason(what: str) -> Iterator[None]:
    """Raise `InputError` with scikit-learn's reason when it cannot do what is in the block."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise InputError(f"{what}: {' '.join(str(error).split())}") from error


def fit_head(
    classifier: Any,
    blocks: Sequence[csr_array],
    norms: Sequence[str | None],
    Y: np.ndarray,
    groups: np.ndarray,
    mode: str,
    folds: int = 5,
    seed: int = 0,
    n_jobs: int = -1,
    told: Told | None = None,
    weights: np.ndarray | None = None,
    judges: np.ndarray | None = None,
) -> Fitted:
    """Fit a classifier per topic and calibrate it by cross-validation that never splits a group.

    `blocks` are the features (sentences, terms) of each vectorizer, `norms` how each scales its rows, `Y` booleans
    (sentences, topics), `groups` a key per sentence, at least two of them. `weights` (sentences, topics) say how much
    each label counts (None: all the same), `judges` in that shape on which a topic is calibrated (None: all). Fits run
    as threads over the same features. Raises `InputError` when the classifier cannot learn from them, or could not be
    saved.
    """
    folds = min(folds, len(np.unique(groups)))
    parallel = Parallel(n_jobs=count_threads(classifier, n_jobs), prefer="threads")
    X = side_by_side(blocks)
    pairs = list(zip(Y.T, weights_of(classifier, weights, Y), strict=True))
    estimators = parallel(delayed(fit_one)(classifier, X, y, weight) for y, weight in pairs)
    if linear_coefficients(estimators[0]) is None:  # before the long part, say what could not be saved after it
        from slugline.model.estimators import check_can_be_saved  # late: skops takes a second to import

        check_can_be_saved(classifier)
    fold = stratify(Y, groups, [1 / folds] * folds, seed)
    decisions = decide_out_of_fold(classifier, blocks, norms, pairs, fold, parallel, told)
    slope, offset = calibrate(decisions, Y, judges)
    return Fitted(to_head(estimators, slope, offset), to_probabilities(slope * decisions + offset, mode))


def weights_of(classifier: Any, weights: np.ndarray | None, Y: np.ndarray) -> Sequence[np.ndarray | None]:
    """Return the weights of each topic's labels; raise `InputError` for a classifier that takes none."""
    if weights is None:
        return [None] * Y.shape[1]
    if not has_fit_parameter(classifier, "sample_weight"):
        raise InputError(
            f"model {type(classifier).__name__} takes no sample weights, which labels by rules have; allowed: "
            "labels.soft=false, or another model"
        )
    return list(weights.T)


def count_threads(classifier: Any, n_jobs: int) -> int:
    """Return how many threads may fit at once: one for liblinear's dual solver, since threads share its random numbers.

    It is the quicker one all the same: measured on two cores, one thread of it beats two of the primal solver.
    """
    parts = (classifier, *classifier.get_params().values())
    return 1 if any(getattr(part, "dual", False) for part in parts) else n_jobs


def decide_out_of_fold(
    classifier: Any,
    blocks: Sequence[csr_array],
    norms: Sequence[str | None],
    pairs: Sequence[Pair],
    fold: np.ndarray,
    parallel: Parallel,
    told: Told | None,
) -> np.ndarray:
    """Return decision values (sentences, topics) from classifiers that did not see the sentence's fold."""
    masks = [fold == k for k in np.unique(fold)]
    decisions, seen = np.empty((len(fold), len(pairs))), np.zeros(len(fold), np.bool_)
    with ThreadPoolExecutor(1) as ahead:  # features of the next folds are made while classifiers fit
        folded = ahead.map(lambda mask: part(without(blocks, norms, mask), mask), masks)
        for step, (mask, (X, X_new)) in enumerate(zip(masks, folded, strict=True)):
            some = [(y[~mask], None if weight is None else weight[~mask]) for y, weight in pairs]
            columns = parallel(delayed(fit_and_decide)(classifier, X, y, weight, X_new) for y, weight in some)
            decisions[mask] = np.column_stack(columns)
            seen |= mask
            if told is not None:
                ranked = zip(pairs, decisions[seen].T, strict=True)
                told(step, float(np.mean([average_precision(y[seen], d) for (y, _), d in ranked])))
    return decisions


def part(X: csr_array, held_out: np.ndarray) -> tuple[csr_array, csr_array]:
    """Return the rows to learn from and those held out."""
    return X[~held_out], X[held_out]


def without(blocks: Sequence[csr_array], norms: Sequence[str | None], held_out: np.ndarray) -> csr_array:
    """Return the features as they would be had some sentences not been there when the vocabulary was learned.

    Terms that without them stand in fewer sentences than the rarest term of the whole vocabulary does are taken out,
    and rows scaled anew. Else a held-out sentence would have known terms where a new one has none, and thresholds would
    be chosen on other numbers than they are used on. Document frequencies stay those of all sentences.
    """
    return side_by_side(
        [normalize(only_known(block, held_out), norm) for block, norm in zip(blocks, norms, strict=True)]
    )


def only_known(block: csr_array, held_out: np.ndarray) -> csr_array:
    """Return a copy of a block without the terms that would not make its vocabulary were some rows not there."""
    frequency = np.bincount(block.indices, minlength=block.shape[1])
    known = frequency - np.bincount(block[held_out].indices, minlength=block.shape[1]) >= frequency.min()
    kept = csr_array((block.data * known[block.indices], block.indices.copy(), block.indptr.copy()), block.shape)
    kept.eliminate_zeros()
    return kept


def fit_and_decide(
    classifier: Any, X: csr_array, y: np.ndarray, weight: np.ndarray | None, X_new: csr_array
) -> np.ndarray:
    """Return decision values for new sentences, shape (new sentences,)."""
    return (
        decision_values(fit_one(classifier, X, y, weight), X_new)
        if y.any() and not y.all()
        else np.full(X_new.shape[0], NEVER if not y.any() else -NEVER)
    )


def fit_one(classifier: Any, X: csr_array, y: np.ndarray, weight: np.ndarray | None = None) -> Any:
    """Fit a copy of a classifier on one topic; raise `InputError` with scikit-learn's reason when it cannot."""
    with reason(f"model {type(classifier).__name__} cannot be fitted"):
        return clone(classifier).fit(X, y, **({} if weight is None else {"sample_weight": weight}))


def calibrate(decisions: np.ndarray, Y: np.ndarray, judges: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return slope and offset per topic that turn decision values into log-odds, shape (topics,) each.

    On the sentences that `judges` (sentences, topics) marks for a topic, or on all.

    Platt scaling with his smoothed targets: Platt 1999, "Probabilistic outputs for support vector machines", section
    2.2. A soft target is an
    example of each class, weighted.
    """
    rows = np.ones(Y.shape, np.bool_) if judges is None else judges
    fits = [platt(d[some], y[some]) for d, y, some in zip(decisions.T, Y.T, rows.T, strict=True)]
    slope, offset = np.array(fits).T
    return slope, offset


def platt(decision: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Return slope and offset for one topic."""
    positive = int(y.sum())
    target = np.where(y, (positive + 1) / (positive + 2), 1 / (len(y) - positive + 2))
    classes = np.repeat([True, False], len(y))
    weight = np.concatenate([target, 1 - target])
    fitted = LogisticRegression(C=np.inf, solver="newton-cholesky").fit(
        np.tile(decision, 2)[:, None], classes, sample_weight=weight
    )
    return float(fitted.coef_[0, 0]), float(fitted.intercept_[0])


def to_head(estimators: list[Any], slope: np.ndarray, offset: np.ndarray) -> Head:
    """Make a head of data where all classifiers are linear, calibration folded into their weights.

    Else one of estimators.
    """
    parts = [linear_coefficients(estimator) for estimator in estimators]
    linear = [part for part in parts if part is not None]
    if len(linear) < len(parts):
        return EstimatorHead(estimators, slope, offset)
    weights = np.array([weight for weight, _ in linear]) * slope[:, None]
    return LinearHead(weights.astype(np.float32), np.array([intercept for _, intercept in linear]) * slope + offset)
