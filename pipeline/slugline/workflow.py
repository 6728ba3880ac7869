"""The whole flow of a training: from settings to a recorded run with a registered model."""

import shlex
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from slugline import __version__, report
from slugline.candidates import SWEEP_MEMORY, Candidate, Fit
from slugline.components import settings_to_config, to_yaml
from slugline.dataset import Dataset
from slugline.fitting import fit_job, recall_fit
from slugline.job import Job, begin_job
from slugline.known_sentences import pack_sentences
from slugline.launch import Launch
from slugline.monitoring import profile_sentences
from slugline.recording import record
from slugline.scoring import Scores, pack_counts
from slugline.tracking import count_evaluated
from slugline.training.evaluation import evaluate, reference_counts, score_judged
from slugline.training.heads import OnFold
from slugline.training.judged import CROSS_VALIDATED
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
    with begin_job(settings, launch or Launch(), show or (lambda text: None)) as job:
        fit = recall_fit(job) or fit_job(job, on_fold)
        dataset, fitted = fit.dataset, fit.fitted
        metrics, tables = _evaluate(job, fit)
        settings = _with_decisions(job.recorded, fit)
        active = job.start()
        run = TrainingRun(
            name=job.origin.name,
            settings=settings,
            dataset=dataset,
            model=replace(fitted.model, info=_describe_model(settings, fit, active.run_id)),
            probabilities=fitted.probabilities,
            judged=fit.judged,
            train_features=fitted.train_features,
            digests=fit.digests,
            folder=job.launch.folder,
            config=to_yaml(settings_to_config(settings)),
            metrics=metrics,
            tables=tables,
            overrides=job.command_line(),
            run_id=active.run_id,
            location=active.where(),
        )
        notes = report.describe_judged(run)
        dataset.notes.extend(notes)
        job.show("\n".join(report.describe_notes(notes)))
        job.show(report.describe_scores(metrics, dataset.topics, run.part))
        job.show(report.describe_tables(tables))
        job.show(f"chance  {report.describe_chance(run)}")
        return record(run, active, job.origin, job.stages, job.show)


def score_candidate(
    settings: TrainSettings, launch: Launch, *, number: int, on_fold: OnFold | None = None
) -> tuple[str, Scores]:
    """Train as a job of a sweep, and log no more than the scores by which jobs are ranked.

    Parameters
    ----------
    settings : TrainSettings
        What to train, with a store.
    launch : Launch
        How the job was launched.
    number : int
        Which job of the sweep it is.
    on_fold : callable, optional
        See `fit_model`.

    Returns
    -------
    name : str
        The name of the run.
    metrics : dict of str to float
        Those that are logged.

    Raises
    ------
    InputError
        As `train`.
    """
    with begin_job(settings, launch, lambda text: None) as job:
        fit = fit_job(job, on_fold)
        active = job.start()
        with job.stages.timed("evaluate"):
            scores = score_judged(fit.dataset, fit.fitted, fit.judged)
        seconds = job.stages.all_seconds()
        metrics = scores | report.count_metrics(fit.dataset) | seconds
        active.log_scores(metrics, number, shlex.join(["slugline", "train", *(job.command_line() or ())]))
        SWEEP_MEMORY.add(str(active.run_id), Candidate(fit, objective(metrics), seconds), count_evaluated())
        return job.origin.name, metrics


def objective(metrics: Scores) -> float:
    """Return what a sweep maximises: macro F1 cross-validated, on dev where it is not, else on test."""
    return next((metrics[f"{part}/f1_macro"] for part in _MAXIMISED if f"{part}/f1_macro" in metrics), float("nan"))


_MAXIMISED = (CROSS_VALIDATED, "dev", "test")  # the first that a job has


def _with_decisions(settings: TrainSettings, fit: Fit) -> TrainSettings:
    """Return the settings with what was left to the data, so that a run from them makes the same of it.

    Where a model is judged by cross-validation, its `C` stays left to the data, as each fold decides for itself.
    """
    dataset, classifier = fit.dataset, fit.fitted.classifier
    data = replace(settings.data, **dataset.decided) if dataset.decided else settings.data
    labels = replace(settings.labels, mode=dataset.mode) if settings.labels.mode is None else settings.labels
    model = settings.model if classifier is None or fit.judged.part == CROSS_VALIDATED else classifier
    return replace(settings, data=data, labels=labels, model=model)


def _evaluate(job: Job, fit: Fit) -> tuple[Scores, dict[str, pd.DataFrame]]:
    """Score the model; also on other splits and on fewer articles, where that is asked for."""
    settings, stages, dataset, fitted = job.settings, job.stages, fit.dataset, fit.fitted
    with stages.timed("evaluate"):
        metrics, tables = evaluate(dataset, fitted, fit.judged, settings.labels, settings.evaluation)
        metrics |= fitted.teacher_metrics
        tables |= {"cleaned": dataset.cleaned} if len(dataset.cleaned) else {}

    if settings.evaluation.repeats > 1:
        with stages.timed("repeats"):
            repeats = repeat_splits(dataset, fitted, settings.split, job.refit, settings.evaluation.repeats)
        scores = repeats.select_dtypes("number").drop(columns="seed")
        tables["repeats"] = repeats
        metrics |= {f"repeats/{key}_mean": float(value) for key, value in scores.mean().items()}
        metrics |= {f"repeats/{key}_std": float(value) for key, value in scores.std().items()}
    if settings.evaluation.learning_curve:
        with stages.timed("learning_curve"):
            shares = settings.evaluation.learning_curve
            tables["learning_curve"] = draw_learning_curve(dataset, fitted, job.refit, shares, settings.seed)
    return metrics, tables


def _describe_model(settings: TrainSettings, fit: Fit, run_id: str | None) -> dict[str, Any]:
    """Return the model's `info`: where it comes from, its topics' definitions, the reference profile of `monitor`."""
    dataset, fitted, judged = fit.dataset, fit.fitted, fit.judged
    rows, P = judged.rows, judged.probabilities
    if (held_out := ~dataset.rows("train")).any():  # is like new text: neither terms nor thresholds were chosen on it
        rows, P = held_out, fitted.probabilities[held_out]
    reference = profile_sentences(fitted.model, dataset.sentences[rows], P)
    if not held_out.any():  # of what it learned from a model knows nearly every word
        reference["shares"].pop("share of unknown words", None)
    return {
        "slugline": __version__,
        "run_id": run_id,
        "trained": f"{datetime.now():%Y-%m-%dT%H:%M}",
        "labels": {
            "train": _count_sources(dataset, dataset.rows("train")),
            "judged": _count_sources(dataset, judged.rows),
        },
        "data_digest": fit.digests["train"],
        "definitions": {name: topic.definition for name, topic in settings.labels.topics.items()},
        "learned_from": pack_sentences(dataset.sentences["text"][dataset.rows("train")]),
        "reference": reference | {"counts": pack_counts(reference_counts(dataset, fitted))},
    }


def _count_sources(dataset: Dataset, rows: np.ndarray) -> dict[str, int]:
    """Return how many labels of some sentences came from where; out of core, where train is not kept, of all."""
    sources = dataset.sentences["label_source"]
    return {str(source): int(count) for source, count in sources[rows if rows.any() else ~rows].value_counts().items()}
