"""The whole flow of a training: from settings to a recorded run with a registered model."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Thread
from typing import Any

import pandas as pd

from slugline import __version__, report
from slugline.cache import Stages
from slugline.components import settings_to_config, to_params, to_yaml
from slugline.data.digests import digest_sentences
from slugline.data.languages import describe_unspaced
from slugline.dataset import Dataset, build_dataset, check_dataset
from slugline.files import shipped_folder
from slugline.launch import Launch
from slugline.monitoring import profile_sentences
from slugline.scoring import Scores, pack_counts
from slugline.splits import PARTS
from slugline.tracking import ActiveRun, LocalRun, Mlflow, StoreError, explained, in_sweep
from slugline.training.evaluation import CROSS_VALIDATED, check_evaluation, evaluate, reference_counts
from slugline.training.fit import FittedModel, fit_model
from slugline.training.heads import OnFold
from slugline.training.repeats import draw_learning_curve, repeat_splits
from slugline.training.run import TrainingRun
from slugline.training.settings import TrainSettings

_COMPARED_TABLES = ("calibration", "slices")  # beside the mistakes, in MLflow's evaluation view


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
    if isinstance(tracking, Mlflow) and _reads_sample(settings.data):
        tracking = tracking.for_sample()
        settings = replace(settings, tracking=tracking)
    tracking.check()
    config = settings_to_config(settings)
    params = to_params(config) | {f"choice/{group}": chosen for group, chosen in launch.choices.items()}
    name = settings.name or launch.name
    with ExitStack() as stack:
        start = cache(lambda: stack.enter_context(tracking.run(name, launch.folder, params)))
        if in_sweep():
            start()  # a job that fails is recorded, too
        job = _Job(settings, launch, Stages(settings.cache), start, show or (lambda text: None))
        if getattr(settings.data, "chunk_rows", None) is None:
            dataset, fitted, digests = _fit_in_memory(job, on_fold)
        else:
            dataset, fitted, digests = _fit_out_of_core(job)
        metrics, tables = _evaluate(job, dataset, fitted)
        settings = _with_decisions(settings, dataset)
        active = start()
        run = TrainingRun(
            name=name,
            settings=settings,
            dataset=dataset,
            model=replace(fitted.model, info=_describe_origin(settings, dataset, fitted, digests, active.run_id)),
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
        shown = run.part
        if f"{CROSS_VALIDATED}/f1_macro" in metrics:
            shown = CROSS_VALIDATED
            dataset.notes.append(report.describe_few(metrics, dataset))
            job.show(f"note    {dataset.notes[-1]}")
        job.show(report.describe_scores(metrics, dataset.topics, shown))
        job.show(report.describe_tables(tables))
        return _record(job, active, run)


def _with_decisions(settings: TrainSettings, dataset: Dataset) -> TrainSettings:
    """Return the settings with what was left to the data, so that a run from them makes the same of it."""
    data = replace(settings.data, **dataset.decided) if dataset.decided else settings.data
    labels = replace(settings.labels, mode=dataset.mode) if settings.labels.mode is None else settings.labels
    return replace(settings, data=data, labels=labels)


def _reads_sample(data: Any) -> bool:
    """Tell whether a reader reads the sample that ships with Slugline."""
    path = getattr(data, "path", None)
    return isinstance(path, str) and Path(path).is_relative_to(shipped_folder("data/sample"))


@dataclass(frozen=True)
class _Job:
    """A training under way: `start` begins the run of the tracking once, and returns it."""

    settings: TrainSettings
    launch: Launch
    stages: Stages
    start: Callable[[], ActiveRun]
    show: Callable[[str], object]


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
        frames = {part: report.to_mlflow_frame(sentences) for part, sentences in parts.items()}
        source = str(Path(str(getattr(job.settings.data, "path", ""))).resolve())
        active.log_data(frames, job.launch.choices.get("data", "data"), source, digests)
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


def _describe_origin(
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


def _record(job: _Job, active: ActiveRun, run: TrainingRun) -> TrainingRun:
    """Write and log all that is to be known of a run, and its model; return the run with the model's URI."""
    run.folder.mkdir(parents=True, exist_ok=True)
    with job.stages.timed("report"):
        card = report.describe_model(run)
        (run.folder / "config.yaml").write_text(run.config, encoding="utf-8")
        (run.folder / "model_card.md").write_text(card, encoding="utf-8")
        report.write_tables(run)
        report.write_top_terms(run)
        compared = {name: table for name, table in run.tables.items() if name in _COMPARED_TABLES}
        if job.settings.plots:
            report.write_plots(run)
            compared["errors"] = report.find_mistakes(run)
            compared["errors"].to_csv(run.folder / "errors.csv", index=False)
            report.write_page(run, compared["errors"])

    try:
        with explained(getattr(job.settings.tracking, "uri", None)):
            return _log(job, active, run, compared, card)
    except StoreError as error:  # nothing that was computed is lost
        model = _log(job, LocalRun(run.folder), run, compared, card).model_uri
        raise StoreError(f"{error}; all results of this run are in {run.folder}, its model is {model}") from error


def _log(
    job: _Job, active: ActiveRun, run: TrainingRun, compared: Mapping[str, pd.DataFrame], card: str
) -> TrainingRun:
    """Log the model, files, tables and metrics of a run; return the run with the model's URI."""
    description = report.describe_run(run)
    with job.stages.timed("log"):
        active.log_tables(compared)
        model_uri = active.log_model(run.model, card)
        active.log_files(run.folder, description)
    metrics = run.metrics | report.count_metrics(run.dataset) | job.stages.all_seconds()
    active.log_metrics(metrics)
    # Last, so that no model is registered whose run is not whole
    return replace(run, metrics=metrics, model_uri=active.register_model(model_uri, description))
