"""Features of the settings are fitted on the train part of a dataset, each kind in its own way."""

import sys
from collections.abc import Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from slugline.cache import Stages, Values, digest, recall_rows, versions
from slugline.data.context import read_context
from slugline.dataset import Dataset
from slugline.encoder import SentenceEncoder, TextEncoder, library
from slugline.errors import InputError
from slugline.finetune import FineTuned, FineTunedEncoder
from slugline.model.context_features import ContextFeatures
from slugline.model.encoder_features import EncoderFeatures
from slugline.model.features import Features
from slugline.model.heads import Head, LinearHead
from slugline.model.rule_votes import RuleVotes
from slugline.model.vectorizers import from_estimator, from_values, to_values
from slugline.training.chosen_features import choose_for, least_frequency, to_features
from slugline.training.fine_tuning import fine_tune
from slugline.training.fold_features import Block
from slugline.training.heads import as_input_error
from slugline.training.settings import TrainSettings

_MANY_TEXTS = 500  # take so long to encode that one wants to see it go on


class FittedFeatures(NamedTuple):
    """Fitted features, and those of the texts to learn from and of the others, shape (texts, features) each.

    `min_df` is as in `Block`. Where there is a fine-tuned encoder, its log-odds out of fold are what is learned from.
    """

    features: Features
    train: csr_array
    rest: csr_array
    min_df: float | None = None
    learned: FineTuned | None = None

    def to_block(self) -> Block:
        """Return what a head learns from."""
        if self.learned is not None:
            return Block(csr_array(self.learned.out_of_fold))
        context = self.features.weight if isinstance(self.features, ContextFeatures) else None
        return Block(self.train, self.features.norm, self.min_df, context)


def fit_features(
    dataset: Dataset, settings: TrainSettings, stages: Stages, further: Sequence[str]
) -> list[FittedFeatures]:
    """Fit the features that can be learned from.

    Parameters
    ----------
    dataset : Dataset
        On whose train part they are fitted.
    settings : TrainSettings
        Of which `features`, `labels` and `context` are used.
    stages : Stages
        Keep what is made for the next run.
    further : sequence of str
        Texts without labels, which are fitted on, too, and come last among those to learn from.

    Raises
    ------
    InputError
        When a vectorizer cannot learn from the texts.
    """
    texts, train = dataset.sentences["text"].to_numpy(), dataset.rows("train")
    parts = [*texts[train], *further], list(texts[~train])
    fitted = []
    for name, component in choose_for(settings, dataset.sentences)[0].items():
        if isinstance(component, FineTunedEncoder):
            learned = fine_tune(stages, name, component, dataset)
            one = _transform_parts(stages, EncoderFeatures(name, learned.encoder), *parts)._replace(learned=learned)
        elif isinstance(component, RuleVotes | SentenceEncoder):
            one = _transform_parts(stages, to_features(component, name, settings.labels), *parts)
        else:
            one = _fit_vectorizer(stages, name, component, *parts)
        alone = settings.context is None or one.learned is not None
        fitted.append(one if alone else _add_context(stages, one, dataset, settings.context.weight))
    return fitted


def apply_projections(head: Head, fitted: Sequence[FittedFeatures]) -> Head:
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


def _fit_vectorizer(stages: Stages, name: str, vectorizer: Any, texts: list[str], rest: list[str]) -> FittedFeatures:
    """Return a fitted vectorizer, with the features of the texts to learn from and of the others."""

    def fit() -> Values:
        with as_input_error(f"features.{name}"):
            block = csr_array(vectorizer.fit_transform(texts))
        fitted = from_estimator(name, vectorizer)
        return {**to_values(fitted), "train": block, "rest": fitted.transform(rest)}

    options = {key: repr(value) for key, value in vectorizer.get_params().items()}
    digests = {"texts to learn from": digest("\0".join(texts)), "other texts": digest("\0".join(rest))}
    key = {"features": name, "class": type(vectorizer).__qualname__, **options, **digests, **versions(vectorizer)}
    values = stages.run(f"features.{name}", key, fit)
    return FittedFeatures(from_values(values), values["train"], values["rest"], least_frequency(vectorizer))


def _add_context(stages: Stages, one: FittedFeatures, dataset: Dataset, weight: float) -> FittedFeatures:
    """Return features of sentences with what stands beside them."""
    features, train = ContextFeatures(one.features, weight), dataset.rows("train")
    sides = [read_context(dataset.sentences[rows]) for rows in (train, ~train)]
    read = partial(_transform, stages, one.features)
    return one._replace(
        features=features,
        train=features.add_to(one.train, sides[0], read),
        rest=features.add_to(one.rest, sides[1], read),
    )


def _transform_parts(stages: Stages, features: Features, texts: list[str], rest: list[str]) -> FittedFeatures:
    """Return features that need no more fitting, with those of the texts to learn from and of the others."""
    X = _transform(stages, features, [*texts, *rest])
    return FittedFeatures(features, X[: len(texts)], X[len(texts) :])


def _transform(stages: Stages, features: Features, texts: list[str]) -> csr_array:
    """Return the features of texts; a text is encoded once for all trainings."""
    if not isinstance(features, EncoderFeatures):
        return features.transform(texts)
    options = {"encoder": features.encoder.digest(), "library": library(), **versions()}
    vectors = recall_rows(stages.cache, "vectors", options, texts, partial(_encode, features.encoder))
    return features.to_matrix(vectors)


def _encode(encoder: TextEncoder, texts: list[str]) -> np.ndarray:
    """Return the vectors of texts; a terminal shows how many are done and the time that is left."""
    from tqdm import tqdm

    is_hidden = len(texts) < _MANY_TEXTS or not sys.stderr.isatty()
    with tqdm(total=len(texts), desc="encoding", unit=" sentences", disable=is_hidden, file=sys.__stderr__) as bar:
        return encoder.encode(texts, bar.update)
