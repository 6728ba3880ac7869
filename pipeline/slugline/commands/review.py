"""`slugline review`: which sentences to label next, and which labels look wrong, as a file of tasks for annotators."""

from pathlib import Path

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from slugline.annotate import FORMATS, write_tasks
from slugline.config import instantiate
from slugline.errors import InputError, listing
from slugline.labels import Labels
from slugline.model import TopicModel
from slugline.review.candidates import Candidates, ReviewTasks, read_candidates
from slugline.review.label_errors import OutOfFold, find_errors
from slugline.review.queue import QueueOptions, find_queue
from slugline.tracking import model_folder

_KINDS = ("queue", "errors")
_FORMAT_OF_ENDING = {".csv": "csv", ".xlsx": "xlsx", ".json": "label_studio"}


def review(config: DictConfig) -> None:
    """Write the sentences to label next, or those whose labels look wrong, as tasks; print how they were chosen."""
    options = _check_options(config)
    output, kind = Path(config.output), _find_format(config)
    allowed = tuple(config.allowed_modules)
    labels: Labels = instantiate(config.labels, "labels", allowed)
    candidates = read_candidates(instantiate(config.data, "data", allowed), labels)

    if config.what == "queue":
        tasks = _find_queue(config, candidates, labels, options)
    else:
        tasks = find_errors(candidates, labels, config.size, _cross_validation(config, labels.mode))
    write_tasks(
        output,
        kind,
        tasks.sentences,
        tasks.definitions,
        probabilities=tasks.probabilities,
        reasons=tasks.reasons,
        mode=tasks.mode,
    )
    print("\n".join([*tasks.summary, f"written {config.output} ({kind})"]))


def _check_options(config: DictConfig) -> QueueOptions:
    """Return the options of the queue; raise `InputError` for options that are out of range."""
    if config.what not in _KINDS:
        raise InputError(f"what: '{config.what}'; allowed: {listing(_KINDS)}")
    if config.folds < 2:
        raise InputError(f"folds: {config.folds}; allowed: from 2")
    return QueueOptions(config.size, config.uncertainty, config.disagreement, config.rarity, config.diversity)


def _find_format(config: DictConfig) -> str:
    """Return the format to write; raise `InputError` for an unknown one, and where the file is there already."""
    output = Path(config.output)
    if output.exists():
        raise InputError(f"output: {output} is there already and may hold labels; give another file")
    kind = config.format or _FORMAT_OF_ENDING.get(output.suffix.lower())
    if kind not in FORMATS:
        unknown = f"'{config.format}'" if config.format else f"none, and the ending of {output} does not tell"
        raise InputError(f"format: {unknown}; allowed: {listing(FORMATS)}")
    return str(kind)


def _find_queue(config: DictConfig, candidates: Candidates, labels: Labels, options: QueueOptions) -> ReviewTasks:
    """Load the models and choose the sentences to label next."""
    previous = config.previous_model_uri
    uris = [previous] if isinstance(previous, str) else list(previous or [])
    model, *previous_models = (
        TopicModel.load(model_folder(uri, config.tracking_uri)) for uri in [config.model_uri, *uris]
    )
    return find_queue(candidates, model, labels, options, list(zip(uris, previous_models, strict=True)))


def _cross_validation(config: DictConfig, mode: str) -> OutOfFold:
    """Return a function that cross-validates the model that `features` and `model` describe."""
    from slugline.model.vectorizers import from_estimator
    from slugline.training.fit import fit_features, fit_head

    allowed = tuple(config.allowed_modules)
    features = {str(key): instantiate(node, f"features.{key}", allowed) for key, node in config.features.items()}
    classifier = instantiate(config.model, "model", allowed)

    def predict_out_of_fold(sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        texts, groups = sentences["text"].tolist(), sentences["article_id"].factorize()[0]
        blocks = [fit_features(key, vectorizer, texts) for key, vectorizer in features.items()]
        norms = [from_estimator(key, vectorizer).norm for key, vectorizer in features.items()]
        options = (config.folds, config.seed, config.n_jobs)
        return fit_head(classifier, blocks, norms, Y, groups, mode, *options).probabilities

    return predict_out_of_fold
