"""`slugline review`: which sentences to label next, and which labels look wrong, as a file of tasks for annotators."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from slugline import report
from slugline.annotate import check_output, write_tasks
from slugline.cache import Stages
from slugline.config.labelling import ReviewSettings
from slugline.duplicates import add_groups
from slugline.errors import InputError, listing
from slugline.launch import Launch
from slugline.model import load_model
from slugline.model.used_model import describe_used_model
from slugline.report.next_steps import describe_next, name_file
from slugline.review.candidates import Candidates, ReviewTasks, read_candidates
from slugline.review.label_errors import find_errors
from slugline.review.queue import QueueOptions, find_queue
from slugline.splits import check_seed
from slugline.tracking import model_folder, name_model

KINDS = ("queue", "errors")


def review(settings: ReviewSettings, launch: Launch) -> None:
    """Write the sentences to label next, or those whose labels look wrong, as tasks; print how they were chosen."""
    options = _check_options(settings)
    output = Path(settings.output)
    task_format = check_output(output, settings.format, "output")
    candidates = read_candidates(settings.data, settings.labels)
    for line in report.describe_notes(candidates.notes):
        print(line)
    tasks = (
        _find_queue(settings, candidates, options) if settings.what == "queue" else _find_errors(settings, candidates)
    )
    beside = write_tasks(
        output,
        task_format,
        tasks.sentences,
        tasks.definitions,
        probabilities=tasks.probabilities,
        reasons=tasks.reasons,
        mode=tasks.mode,
    )
    print("\n".join([*tasks.summary, f"written {output} ({task_format})", *(f"beside  {file}" for file in beside)]))
    print(describe_next(launch, "label", name_file("annotations", settings.output)))


def _check_options(settings: ReviewSettings) -> QueueOptions:
    """Return the options of the queue; raise `InputError` for options that are out of range."""
    if settings.what not in KINDS:
        raise InputError(f"what: '{settings.what}'; allowed: {listing(KINDS)}")
    check_seed(settings.seed)
    if settings.folds < 2:
        raise InputError(f"folds: {settings.folds}; allowed: from 2")
    return QueueOptions(settings.size, settings.uncertainty, settings.disagreement, settings.rarity, settings.diversity)


def _find_queue(settings: ReviewSettings, candidates: Candidates, options: QueueOptions) -> ReviewTasks:
    """Load the models and choose the sentences to label next."""
    previous = settings.previous_model_uri
    uris = [previous] if isinstance(previous, str) else list(previous or [])
    folders = [model_folder(uri, settings.tracking_uri) for uri in [settings.model_uri, *uris]]
    model, *previous_models = map(load_model, folders)
    name = name_model(settings.model_uri, settings.tracking_uri)
    _check_topics(name, model.topics, list(settings.labels.topics))
    print(describe_used_model(name, model.topics, model.info))
    return find_queue(candidates, model, settings.labels, options, list(zip(uris, previous_models, strict=True)))


def _check_topics(name: str, known: Sequence[str], wanted: Sequence[str]) -> None:
    """Raise `InputError` for a model with topics that the taxonomy lacks; print which it was not trained on."""
    if wanted and (unknown := [topic for topic in known if topic not in wanted]):
        raise InputError(
            f"the model {name} has the topics {listing(known, 5)}, the labels have {listing(wanted, 5)}, without "
            f"{listing(unknown, 3)}; give the labels that it was trained with by labels=, or a model of these labels: "
            "slugline train labels=..., then model_uri=models:/NAME/VERSION"
        )
    if missing := [topic for topic in wanted if topic not in known]:
        print(f"caution the model {name} was not trained on {listing(missing)}: it chooses no sentences for them")


def _find_errors(settings: ReviewSettings, candidates: Candidates) -> ReviewTasks:
    """Cross-validate a model and find the labels that look wrong."""
    from slugline.training.chosen_features import choose_features  # late: scikit-learn takes a second to import
    from slugline.training.fit import predict_out_of_fold
    from slugline.training.settings import TrainSettings

    features, notes = choose_features(settings.features, settings.labels, by_rules=False)
    for line in report.describe_notes(notes):
        print(line)

    options = {name: getattr(settings, name) for name in ("labels", "model", "folds", "seed", "n_jobs")}
    trained = TrainSettings(features=features, **options)

    def predict(sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        return predict_out_of_fold(add_groups(sentences, "near", Stages()), Y, trained)

    return find_errors(candidates, settings.labels, settings.size, predict)
