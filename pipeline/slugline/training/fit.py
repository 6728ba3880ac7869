"""Fitting: a dataset becomes a topic model."""

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from slugline.cache import Stages, Values, digest, recall_rows, versions
from slugline.data.context import read_context
from slugline.dataset import Dataset
from slugline.duplicates import article_groups
from slugline.encoder import SentenceEncoder, TextEncoder, library
from slugline.errors import InputError
from slugline.finetune import FineTuned, FineTunedEncoder, LabelledTexts
from slugline.labels import Labels
from slugline.model.context_features import ContextFeatures
from slugline.model.encoder_features import EncoderFeatures
from slugline.model.features import Features
from slugline.model.heads import Head, LinearHead, to_probabilities
from slugline.model.rule_votes import RuleFeatures
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import from_estimator, from_values, side_by_side, to_values
from slugline.scoring import check_target, choose_thresholds
from slugline.training.chosen_features import bind, choose_for, least_frequency
from slugline.training.fine_tuning import fine_tune
from slugline.training.fold_features import Block
from slugline.training.heads import Examples, OnFold, as_input_error, fit_head
from slugline.training.settings import TrainSettings
from slugline.training.teaching import teach

_MANY_TEXTS = 500  # take so long to encode that one wants to see it go on


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
    texts, train = dataset.sentences["text"].to_numpy(), dataset.rows("train")
    taught = None
    if settings.teacher is not None:
        if any(isinstance(vectorizer, FineTunedEncoder) for vectorizer in settings.features.values()):
            raise InputError(
                "teacher: a fine-tuned encoder cannot be taught; allowed: teacher=encoder_finetuned with other features"
            )
        with stages.timed("teacher"):
            taught = teach(dataset, settings, stages, fit_model)
    further = [] if taught is None else taught.texts
    with stages.timed("features"):
        chosen, _ = choose_for(settings, dataset.sentences)
        fitted = [
            _fine_tune(stages, name, vectorizer, dataset)
            if isinstance(vectorizer, FineTunedEncoder)
            else _fit_features(
                stages, name, bind(vectorizer, name, settings.labels), [*texts[train], *further], list(texts[~train])
            )
            for name, vectorizer in chosen.items()
        ]
        if settings.context is not None:
            weight = settings.context.weight
            fitted = [one if one.learned else _add_context(stages, one, dataset, weight) for one in fitted]
        vectorizers = tuple(one.features for one in fitted)

    with stages.timed("fit"):
        examples = Examples(
            blocks=[_to_block(one, component) for one, component in zip(fitted, chosen.values(), strict=True)],
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

    head = _apply_projections(head, fitted)
    probabilities = np.empty(dataset.Y.shape)
    probabilities[train] = out_of_fold
    probabilities[~train] = to_probabilities(head.log_odds(side_by_side([one.rest for one in fitted])), dataset.mode)

    with stages.timed("thresholds"):
        rows = dataset.calibration_rows(settings.threshold.part)
        thresholds = choose_thresholds(settings.threshold, dataset.Y, probabilities, rows, dataset.mode)
    model = TopicModel(dataset.topics, dataset.mode, vectorizers, head, thresholds)
    train_features = tuple(one.train[: train.sum()] for one in fitted)
    return FittedModel(model, probabilities, train_features, classifier, {} if taught is None else taught.metrics)


def predict_out_of_fold(
    texts: list[str],
    Y: np.ndarray,
    groups: np.ndarray,
    *,
    features: Mapping[str, Any],
    classifier: Any,
    labels: Labels | None = None,
    mode: str = "multilabel",
    **options: Any,
) -> np.ndarray:
    """Return out-of-fold probabilities for labelled texts, shape (texts, topics).

    `Y` are booleans (texts, topics), `groups` a key per text that cross-validation never splits, `features` vectorizers
    by name; `options` are those of `fit_head`.
    """
    blocks: list[Block] = []
    for name, vectorizer in features.items():
        if isinstance(vectorizer, FineTunedEncoder):
            blocks.append(Block(csr_array(vectorizer.fit(LabelledTexts(texts, Y, groups), mode=mode).out_of_fold)))
            continue
        part = bind(vectorizer, name, labels)
        if isinstance(part, RuleFeatures):
            blocks.append(Block(part.transform(texts)))
            continue
        with as_input_error(f"features.{name}"):
            X = csr_array(vectorizer.fit_transform(texts))
        blocks.append(Block(X, from_estimator(name, vectorizer).norm, least_frequency(vectorizer)))
    return fit_head(classifier, Examples(blocks, Y, groups, mode), **options).probabilities


class _FittedFeatures(NamedTuple):
    """Fitted features, and those of the texts to learn from and of the others, shape (texts, features) each.

    Where there is a fine-tuned encoder, its log-odds out of fold are what is learned from.
    """

    features: Features
    train: csr_array
    rest: csr_array
    learned: FineTuned | None = None


def _to_block(one: _FittedFeatures, component: Any) -> Block:
    """Return what a head learns from."""
    if one.learned is not None:
        return Block(csr_array(one.learned.out_of_fold))
    context = one.features.weight if isinstance(one.features, ContextFeatures) else None
    return Block(one.train, one.features.norm, least_frequency(component), context)


def _fit_features(stages: Stages, name: str, vectorizer: Any, texts: list[str], held_out: list[str]) -> _FittedFeatures:
    """Return a fitted vectorizer, with the features of the texts to learn from and of the others."""
    if isinstance(vectorizer, RuleFeatures):
        return _FittedFeatures(vectorizer, vectorizer.transform(texts), vectorizer.transform(held_out))
    if isinstance(vectorizer, SentenceEncoder):
        return _encode(stages, name, vectorizer, texts, held_out)

    def fit() -> Values:
        with as_input_error(f"features.{name}"):
            block = csr_array(vectorizer.fit_transform(texts))
        fitted = from_estimator(name, vectorizer)
        return {**to_values(fitted), "train": block, "rest": fitted.transform(held_out)}

    options = {key: repr(value) for key, value in vectorizer.get_params().items()}
    digests = {"texts to learn from": digest("\0".join(texts)), "other texts": digest("\0".join(held_out))}
    key = {"features": name, "class": type(vectorizer).__qualname__, **options, **digests, **versions(vectorizer)}
    values = stages.run(f"features.{name}", key, fit)
    return _FittedFeatures(from_values(values), values["train"], values["rest"])


def _add_context(stages: Stages, one: _FittedFeatures, dataset: Dataset, weight: float) -> _FittedFeatures:
    """Return features of sentences with what stands beside them."""
    inner, train = one.features, dataset.rows("train")

    def read(texts: list[str]) -> csr_array:
        if isinstance(inner, EncoderFeatures):
            return _encode_parts(stages, inner, texts, [])[0]
        return inner.transform(texts)

    features = ContextFeatures(inner, weight)
    sides = [read_context(dataset.sentences[rows]) for rows in (train, ~train)]
    return _FittedFeatures(
        features, features.add_to(one.train, sides[0], read), features.add_to(one.rest, sides[1], read)
    )


def _encode(
    stages: Stages, name: str, encoder: SentenceEncoder, texts: list[str], held_out: list[str]
) -> _FittedFeatures:
    """Return the vectors of an encoder, which learns nothing here; each text is encoded once for all trainings."""
    with as_input_error(f"features.{name}"):
        features = EncoderFeatures(name, encoder.fit(texts).encoder_, float(encoder.weight))
    return _FittedFeatures(features, *_encode_parts(stages, features, texts, held_out))


def _encode_parts(
    stages: Stages, features: EncoderFeatures, texts: list[str], held_out: list[str]
) -> tuple[csr_array, csr_array]:
    """Return the vectors of the texts to learn from and of the others."""
    options = {"encoder": features.encoder.digest(), "library": library(), **versions()}
    vectors = recall_rows(stages.cache, "vectors", options, [*texts, *held_out], partial(_encode_all, features.encoder))
    X = features.to_matrix(vectors)
    return X[: len(texts)], X[len(texts) :]


def _fine_tune(stages: Stages, name: str, encoder: FineTunedEncoder, dataset: Dataset) -> _FittedFeatures:
    """Return the vectors of an encoder that learned from the labels."""
    train, learned = dataset.rows("train"), fine_tune(stages, name, encoder, dataset)
    features = EncoderFeatures(name, learned.encoder)
    parts = [dataset.sentences["text"][rows].tolist() for rows in (train, ~train)]
    return _FittedFeatures(features, *_encode_parts(stages, features, *parts), learned)


def _apply_projections(head: Head, fitted: Sequence[_FittedFeatures]) -> Head:
    """Return a head over vectors for one that learned from log-odds, which fine-tuned encoders make of them."""
    if all(one.learned is None for one in fitted):
        return head
    if not isinstance(head, LinearHead):
        raise InputError("features: a fine-tuned encoder needs a linear model; allowed: model=linear_svc and the like")
    widths = [one.train.shape[1] if one.learned is None else len(one.learned.offset) for one in fitted]
    parts = np.split(head.weights.astype(np.float64), np.cumsum(widths)[:-1], axis=1)
    intercept = head.intercept.copy()
    for number, one in enumerate(fitted):
        if one.learned is not None:
            intercept += parts[number] @ one.learned.offset
            parts[number] = parts[number] @ one.learned.projection
    return LinearHead(np.hstack(parts).astype(np.float32), intercept)


def _encode_all(encoder: TextEncoder, texts: list[str]) -> np.ndarray:
    """Return the vectors of texts; a terminal shows how many are done and the time that is left."""
    from tqdm import tqdm

    is_hidden = len(texts) < _MANY_TEXTS or not sys.stderr.isatty()
    with tqdm(total=len(texts), desc="encoding", unit=" sentences", disable=is_hidden, file=sys.__stderr__) as bar:
        return encoder.encode(texts, bar.update)
