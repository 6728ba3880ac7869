"""The whole flow of a training: from settings to a recorded run with a registered model."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import import_module
from threading import Thread
from typing import Any

import pandas as pd

from slugline import __version__, report
from slugline.cache import Stages
from slugline.components import settings_to_config, to_params, to_yaml
from slugline.data.digests import digest_sentences
from slugline.data.languages import describe_unspaced
from slugline.dataset import Dataset, build_dataset, check_dataset
from slugline.launch import Launch
from slugline.monitoring import profile_sentences
from slugline.recording import data_sets, reads_sample, record
from slugline.scoring import Scores, pack_counts
from slugline.splits import PARTS
from slugline.tracking import ActiveRun, Mlflow, Origin, StoreError, explained, in_sweep
from slugline.tracking.kept_parts import pin_kept, resolve_kept
from slugline.training.evaluation import CROSS_VALIDATED, check_evaluation, evaluate, reference_counts
from slugline.training.fit import FittedModel, fit_model
from slugline.training.heads import OnFold
from slugline.training.repeats import draw_learning_curve, repeat_splits
from slugline.training.run import TrainingRun
from slugline.training.settings import TrainSettings


def train(
    settings: TrainSettings,
    launch: Launch | None = None,
    *,
    show: Callable[[str], object] | None = None,
    on_fold: OnFold | None = None,
) -> TrainingRun:
    """Read, label, split, train, evaluate and record.

    Parameters
    ----------
    settings : TrainSettings
        What to train.
    launch : Launch, optional
        Where to write; by default a new folder in `experiments/runs`.
    show : callable, optional
        Called with what there is to tell while it goes on, some lines at a time.
    on_fold : callable, optional
        See `fit_model`.

    Returns
    -------
    TrainingRun

    Raises
    ------
    InputError
        For settings or data that cannot be trained on, before anything is logged; in a sweep its run is logged first.
    """
    launch = launch or Launch()
    tracking = Mlflow() if settings.tracking is None else settings.tracking
    if isinstance(tracking, Mlflow) and reads_sample(settings.data):
        tracking = tracking.for_sample()
        settings = replace(settings, tracking=tracking)
    tracking.check()
    settings = replace(settings, split=pin_kept(settings.split, getattr(tracking, "uri", None)))
    chosen = {f"choice/{group}": option for group, option in launch.choices.items()}
    origin = Origin.now(settings.name or launch.name, to_params(settings_to_config(settings)) | chosen)
    with ExitStack() as stack:
        start = cache(
            lambda: stack.enter_context(tracking.run(origin.name, launch.folder, origin.params, tags=origin.tags))
        )
        if in_sweep() or getattr(settings.data, "chunk_rows", None) is not None:
            start()  # a job that fails is recorded, too; and what takes long does not begin without a run
        known = replace(settings, split=resolve_kept(settings.split, getattr(tracking, "uri", None)))
        job = _Job(known, launch, Stages(settings.cache), start, show or (lambda text: None), origin)
        if getattr(settings.data, "chunk_rows", None) is None:
            dataset, fitted, digests = _fit_in_memory(job, on_fold)
        else:
            dataset, fitted, digests = _fit_out_of_core(job)
        metrics, tables = _evaluate(job, dataset, fitted)
        settings = _with_decisions(settings, dataset)
        active = start()
        run = TrainingRun(
            name=origin.name,
            settings=settings,
            dataset=dataset,
            model=replace(fitted.model, info=_describe_model(settings, dataset, fitted, digests, active.run_id)),
            probabilities=fitted.probabilities,
            digests=digests,
            folder=launch.folder,
            config=to_yaml(settings_to_config(settings)),
            metrics=metrics,
            tables=tables,
            overrides=None if launch.overrides is None else [*launch.options, *launch.overrides],
            run_id=active.run_id,
            location=active.where(),
        )
        shown = CROSS_VALIDATED if f"{CROSS_VALIDATED}/f1_macro" in metrics else run.part
        if few := report.describe_few(metrics, dataset):
            dataset.notes.append(few)
            job.show(f"note    {few}")
        job.show(report.describe_scores(metrics, dataset.topics, shown))
        job.show(report.describe_tables(tables))
        return record(run, active, origin, job.stages, job.show)


def _with_decisions(settings: TrainSettings, dataset: Dataset) -> TrainSettings:
    """Return the settings with what was left to the data, so that a run from them makes the same of it."""
    data = replace(settings.data, **dataset.decided) if dataset.decided else settings.data
    labels = replace(settings.labels, mode=dataset.mode) if settings.labels.mode is None else settings.labels
    return replace(settings, data=data, labels=labels)


@dataclass(frozen=True)
class _Job:
    """A training under way: `start` begins the run of the tracking once, and returns it."""

    settings: TrainSettings
    launch: Launch
    stages: Stages
    start: Callable[[], ActiveRun]
    show: Callable[[str], object]
    origin: Origin


def _fit_in_memory(job: _Job, on_fold: OnFold | None) -> tuple[Dataset, FittedModel, dict[str, str]]:
    """Build the dataset and fit a model, while MLflow, which is slow to start, begins."""
    settings, stages = job.settings, job.stages
    dataset = build_dataset(settings.data, settings.labels, settings.split, stages)
    if settings.threshold.part == dataset.evaluated_part:
        dataset.notes.append(
            f"thresholds are chosen on {dataset.evaluated_part}, by which the model is judged: scores flatter"
        )
    dataset.notes.extend(describe_unspaced(dataset.sentences["language"].dropna(), settings.features))
    job.show(report.describe_dataset(dataset))
    check_dataset(dataset, settings.threshold.part)
    check_evaluation(settings.evaluation, dataset, settings.split)

    fitting = _in_thread(lambda: fit_model(dataset, settings, stages, on_fold=on_fold))
    digests = _log_data(job, dataset)
    if settings.plots:
        import_module("matplotlib.figure")  # a large import, at no cost while the fits go on
    fitted = fitting.result()
    job.show(report.describe_stages(stages.notes))
    return dataset, fitted, digests


def _fit_out_of_core(job: _Job) -> tuple[Dataset, FittedModel, dict[str, str]]:
    """Read the data a chunk at a time and fit a model."""
    from slugline.training.out_of_core import fit_out_of_core

    dataset, fitted, train_digest = fit_out_of_core(job.settings, job.stages)
    job.show(report.describe_dataset(dataset))
    check_evaluation(job.settings.evaluation, dataset, job.settings.split)
    return dataset, fitted, _log_data(job, dataset) | {"train": train_digest}


def _in_thread(function: Callable[[], FittedModel]) -> "Future[FittedModel]":
    """Call a function in a thread that nobody waits for when the program ends."""
    future: Future[FittedModel] = Future()

    def call() -> None:
        try:
            future.set_result(function())
        except BaseException as error:
            future.set_exception(error)

    Thread(target=call, daemon=True).start()
    return future


def _log_data(job: _Job, dataset: Dataset) -> dict[str, str]:
    """Log what is trained and tested on; return the digest of each part."""
    active = job.start()
    with job.stages.timed("log"):
        parts = {part: dataset.sentences[dataset.rows(part)] for part in PARTS if dataset.rows(part).any()}
        digests = {part: digest_sentences(sentences) for part, sentences in parts.items()}
        try:
            with explained(getattr(job.settings.tracking, "uri", None)):
                active.log_data(data_sets(dataset, digests, job.settings.data, job.origin))
        except StoreError as error:  # all is logged once more at the end
            job.show(f"caution {error}; the training goes on, and its results will be in {job.launch.folder}")
    return digests


def _evaluate(job: _Job, dataset: Dataset, fitted: FittedModel) -> tuple[Scores, dict[str, pd.DataFrame]]:
    """Score the model; also on other splits and on fewer articles, where that is asked for."""
    settings, stages = job.settings, job.stages
    with stages.timed("evaluate"):
        metrics, tables = evaluate(dataset, fitted, settings.labels, settings.evaluation)
        tables |= {"cleaned": dataset.cleaned} if len(dataset.cleaned) else {}

    def refit(other: Dataset) -> FittedModel:
        return fit_model(other, settings, Stages(settings.cache))

    if settings.evaluation.repeats > 1:
        with stages.timed("repeats"):
            repeats = repeat_splits(dataset, fitted, settings.split, refit, settings.evaluation.repeats)
        scores = repeats.select_dtypes("number").drop(columns="seed")
        tables["repeats"] = repeats
        metrics |= {f"repeats/{key}_mean": float(value) for key, value in scores.mean().items()}
        metrics |= {f"repeats/{key}_std": float(value) for key, value in scores.std().items()}
    if settings.evaluation.learning_curve:
        with stages.timed("learning_curve"):
            shares = settings.evaluation.learning_curve
            tables["learning_curve"] = draw_learning_curve(dataset, fitted, refit, shares, settings.seed)
    return metrics, tables


def _describe_model(
    settings: TrainSettings, dataset: Dataset, fitted: FittedModel, digests: Mapping[str, str], run_id: str | None
) -> dict[str, Any]:
    """Return the model's `info`: where it comes from, its topics' definitions, the reference profile of `monitor`."""
    held_out = ~dataset.rows("train")  # is like new text: neither terms nor thresholds were chosen on it
    reference = profile_sentences(fitted.model, dataset.sentences[held_out], fitted.probabilities[held_out])
    return {
        "slugline": __version__,
        "run_id": run_id,
        "trained": f"{datetime.now():%Y-%m-%dT%H:%M}",
        "labels": {
            "train": _count_sources(dataset, "train"),
            "judged": _count_sources(dataset, dataset.evaluated_part),
        },
        "data_digest": digests["train"],
        "definitions": {name: topic.definition for name, topic in settings.labels.topics.items()},
        "reference": reference | {"counts": pack_counts(reference_counts(dataset, fitted))},
    }


def _count_sources(dataset: Dataset, part: str) -> dict[str, int]:
    """Return how many labels of a part came from where; out of core, where train is not kept, of all that is."""
    rows = dataset.rows(part)
    sources = dataset.sentences["label_source"]
    return {str(source): int(count) for source, count in sources[rows if rows.any() else ~rows].value_counts().items()}
