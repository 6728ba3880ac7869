"""Fitting: a dataset becomes a topic model."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

from slugline.cache import Stages
from slugline.dataset import Dataset
from slugline.duplicates import article_groups
from slugline.errors import InputError
from slugline.finetune import FineTunedEncoder
from slugline.model.heads import to_probabilities
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import side_by_side
from slugline.scoring import check_target, choose_thresholds
from slugline.splits import Leakage
from slugline.training.fitted_features import apply_projections, fit_features
from slugline.training.heads import Examples, OnFold, fit_head
from slugline.training.settings import TrainSettings
from slugline.training.teaching import teach


class FittedModel(NamedTuple):
    """A model, and its probability for every sentence and topic of the dataset, out of fold for train.

    `train_features` are those of the training sentences by each vectorizer, where they are in memory; `classifier` is
    what was fitted, its `C` chosen where that was left to the data; `teacher_metrics` are those of its teacher.
    """

    model: TopicModel
    probabilities: np.ndarray
    train_features: tuple[csr_array, ...] = ()
    classifier: Any = None
    teacher_metrics: Mapping[str, float] = MappingProxyType({})


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
        When a vectorizer or the classifier cannot learn from the dataset, the model could not be saved, or thresholds
        have a target where each sentence has one topic.
    """
    check_target(settings.threshold, dataset.mode)
    train, taught = dataset.rows("train"), None
    if settings.teacher is not None:
        if any(isinstance(vectorizer, FineTunedEncoder) for vectorizer in settings.features.values()):
            raise InputError(
                "teacher: a fine-tuned encoder cannot be taught; allowed: teacher=encoder_finetuned with other features"
            )
        with stages.timed("teacher"):
            taught = teach(dataset, settings, stages, fit_model)
    with stages.timed("features"):
        fitted = fit_features(dataset, settings, stages, [] if taught is None else taught.texts)

    with stages.timed("fit"):
        examples = Examples(
            blocks=[one.to_block() for one in fitted],
            Y=dataset.Y[train],
            groups=article_groups(dataset.sentences)[train],
            mode=dataset.mode,
            weights=None if dataset.weights is None else dataset.weights[train],
            calibration_rows=dataset.calibration_rows("train")[train],
            soft=None if taught is None else taught.probabilities,
            soft_weight=1.0 if taught is None else settings.teacher.weight,
        )
        head, out_of_fold, classifier = fit_head(
            settings.model,
            examples,
            folds=settings.folds if taught is None else taught.folds,
            seed=settings.seed,
            n_jobs=settings.n_jobs,
            on_fold=on_fold,
        )

    head = apply_projections(head, fitted)
    probabilities = np.empty(dataset.Y.shape)
    probabilities[train] = out_of_fold
    probabilities[~train] = to_probabilities(head.log_odds(side_by_side([one.rest for one in fitted])), dataset.mode)

    with stages.timed("thresholds"):
        rows = dataset.calibration_rows(settings.threshold.part)
        thresholds = choose_thresholds(settings.threshold, dataset.Y, probabilities, rows, dataset.mode)
    model = TopicModel(dataset.topics, dataset.mode, tuple(one.features for one in fitted), head, thresholds)
    train_features = tuple(one.train[: train.sum()] for one in fitted)
    return FittedModel(model, probabilities, train_features, classifier, {} if taught is None else taught.metrics)


def predict_out_of_fold(sentences: pd.DataFrame, Y: np.ndarray, settings: TrainSettings) -> np.ndarray:
    """Return probabilities of labelled sentences by models that did not learn from them, shape (sentences, topics).

    `Y` are booleans of that shape; `settings` are used as by `fit_model`.
    """
    dataset = Dataset(
        sentences=sentences.assign(split="train"),
        Y=Y,
        topics=tuple(f"topic {column}" for column in range(Y.shape[1])),
        mode=settings.labels.asked_mode,
        leakage=Leakage(0, {}, {}),
        counts={},
        notes=[],
        sizes={"train": len(Y)},
        label_counts=pd.DataFrame(),
    )
    return fit_model(dataset, settings, Stages()).probabilities
