"""Fitting: a dataset becomes a topic model."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from slugline.cache import Stages, Values, digest, versions
from slugline.dataset import Dataset
from slugline.duplicates import article_groups
from slugline.model.heads import to_probabilities
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import from_estimator, from_values, side_by_side, to_values
from slugline.training.heads import Examples, OnFold, as_input_error, fit_head
from slugline.training.settings import TrainSettings


class FittedModel(NamedTuple):
    """A model, and its probability for every sentence and topic of the dataset, out of fold for train."""

    model: TopicModel
    probabilities: np.ndarray


def fit_model(
    dataset: Dataset, settings: TrainSettings, stages: Stages, *, on_fold: OnFold | None = None
) -> FittedModel:
    """Fit a topic model on the train part of a dataset.

    Parameters
    ----------
    dataset : Dataset
        One that passes `check_dataset`.
    settings : TrainSettings
        Of which `features`, `model`, `threshold`, `folds`, `seed` and `n_jobs` are used.
    stages : Stages
        Times features, fit and thresholds, and keeps the features for the next run.
    on_fold : callable, optional
        Called after each fold with its number, from 0, and the macro average precision on the folds so far; an
        exception that it raises ends the fit.

    Raises
    ------
    InputError
        When a vectorizer or the classifier cannot learn from the dataset, or the model could not be saved.
    """
    texts, train = dataset.sentences["text"].to_numpy(), dataset.rows("train")
    with stages.timed("features"):
        fitted = [
            _fit_features(stages, name, vectorizer, list(texts[train]), list(texts[~train]))
            for name, vectorizer in settings.features.items()
        ]
        vectorizers = tuple(from_values(values) for values in fitted)

    with stages.timed("fit"):
        examples = Examples(
            blocks=[values["train"] for values in fitted],
            norms=[vectorizer.norm for vectorizer in vectorizers],
            Y=dataset.Y[train],
            groups=article_groups(dataset.sentences)[train],
            mode=dataset.mode,
            weights=None if dataset.weights is None else dataset.weights[train],
            calibration_rows=dataset.calibration_rows("train")[train],
        )
        head, out_of_fold = fit_head(
            settings.model,
            examples,
            folds=settings.folds,
            seed=settings.seed,
            n_jobs=settings.n_jobs,
            on_fold=on_fold,
        )

    probabilities = np.empty(dataset.Y.shape)
    probabilities[train] = out_of_fold
    held_out = side_by_side([values["rest"] for values in fitted])
    probabilities[~train] = to_probabilities(head.log_odds(held_out), dataset.mode)

    with stages.timed("thresholds"):
        rows_by_topic = dataset.calibration_rows(settings.threshold.part).T
        columns = zip(rows_by_topic, dataset.Y.T, probabilities.T, strict=True)
        thresholds = np.concatenate([settings.threshold(y[rows, None], p[rows, None]) for rows, y, p in columns])
    return FittedModel(TopicModel(dataset.topics, dataset.mode, vectorizers, head, thresholds), probabilities)


def predict_out_of_fold(
    texts: list[str],
    Y: np.ndarray,
    groups: np.ndarray,
    *,
    features: Mapping[str, Any],
    classifier: Any,
    mode: str = "multilabel",
    **options: Any,
) -> np.ndarray:
    """Return out-of-fold probabilities for labelled texts, shape (texts, topics).

    `Y` are booleans (texts, topics), `groups` a key per text that cross-validation never splits, `features` vectorizers
    by name; `options` are those of `fit_head`.
    """
    blocks, norms = [], []
    for name, vectorizer in features.items():
        with as_input_error(f"features.{name}"):
            blocks.append(csr_array(vectorizer.fit_transform(texts)))
        norms.append(from_estimator(name, vectorizer).norm)
    return fit_head(classifier, Examples(blocks, norms, Y, groups, mode), **options).probabilities


def _fit_features(stages: Stages, name: str, vectorizer: Any, texts: list[str], held_out: list[str]) -> Values:
    """Return a fitted vectorizer as values, with the features of the texts to learn from and of the others."""

    def fit() -> Values:
        with as_input_error(f"features.{name}"):
            block = csr_array(vectorizer.fit_transform(texts))
        fitted = from_estimator(name, vectorizer)
        return {**to_values(fitted), "train": block, "rest": fitted.transform(held_out)}

    options = {key: repr(value) for key, value in vectorizer.get_params().items()}
    digests = {"texts to learn from": digest("\0".join(texts)), "other texts": digest("\0".join(held_out))}
    key = {"features": name, "class": type(vectorizer).__qualname__, **options, **digests, **versions(vectorizer)}
    return stages.run(f"features.{name}", key, fit)
