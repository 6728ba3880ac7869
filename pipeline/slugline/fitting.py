"""Jobs are fitted and judged: in memory or out of core, in a sweep with what earlier jobs left in memory."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread

from slugline import report
from slugline.candidates import SWEEP_MEMORY, Fit
from slugline.data.digests import digest_sentences
from slugline.data.languages import describe_unspaced
from slugline.dataset import Dataset, build_dataset, check_dataset, dataset_key
from slugline.errors import InputError, listing
from slugline.job import Job
from slugline.splits import PARTS
from slugline.tracking import scored_run
from slugline.training.chosen_features import choose_for
from slugline.training.cross_validation import cross_validate, is_cross_validated
from slugline.training.evaluation import check_evaluation
from slugline.training.fit import FittedModel, fit_model
from slugline.training.heads import C_VALUES, OnFold, leaves_C
from slugline.training.judged import Judged, judge_part
from slugline.training.teaching import describe_taught


def recall_fit(job: Job) -> Fit | None:
    """Return the fit of a job that this process has scored before, and go on from its seconds; None for any other."""
    candidate = SWEEP_MEMORY.candidates.pop(scored_run() or "", None)
    if candidate is None:
        return None
    job.stages.resume(candidate.seconds)
    job.log_data(candidate.fit.dataset, candidate.fit.digests)
    return candidate.fit


def fit_job(job: Job, on_fold: OnFold | None) -> Fit:
    """Make the dataset and fit a model."""
    if getattr(job.settings.data, "chunk_rows", None) is None:
        return _fit_in_memory(job, on_fold)
    return _fit_out_of_core(job)


def _fit_in_memory(job: Job, on_fold: OnFold | None) -> Fit:
    """Build the dataset and fit a model, while MLflow, which is slow to start, begins."""
    settings, stages = job.settings, job.stages
    made_of, context = (settings.data, settings.labels, settings.split), settings.context is not None
    key = dataset_key(*made_of, context=context) if stages.memory else None
    made = stages.recall("dataset", key, lambda: build_dataset(*made_of, stages, context=context))
    dataset = made._replace(notes=list(made.notes))  # that of an earlier job of a sweep keeps its own
    by_cross_validation = is_cross_validated(dataset, settings)
    if settings.threshold.part == dataset.evaluated_part and not by_cross_validation:
        dataset.notes.append(
            f"thresholds are chosen on {dataset.evaluated_part}, by which the model is judged: scores flatter"
        )
    dataset.notes.extend(describe_unspaced(dataset.sentences["language"].dropna(), settings.features))
    dataset.notes.extend(choose_for(settings, dataset.sentences)[1])
    job.show(report.describe_dataset(dataset))
    check_dataset(dataset, settings.threshold.part, needs_held_out=not by_cross_validation)
    check_evaluation(settings.evaluation, dataset, settings.split)

    fitting = _in_thread(lambda: fit_model(dataset, settings, stages, on_fold=on_fold))
    digests = stages.recall("digests", key, lambda: _digest_parts(dataset))
    job.log_data(dataset, digests)
    fitted = fitting.result()
    job.show(report.describe_stages(stages.notes))
    if settings.teacher is not None:
        dataset.notes.append(describe_taught(settings, fitted.teacher_metrics))
        job.show(f"teacher {dataset.notes[-1]}")
    if leaves_C(settings.model):
        job.show(f"model   C={fitted.classifier.C:g}, of {listing(sorted(C_VALUES))} by average precision out of fold")
    return Fit(dataset, fitted, digests, _judge(job, dataset, fitted))


def _judge(job: Job, dataset: Dataset, fitted: FittedModel) -> Judged:
    """Return what a model is judged by: sentences that are cross-validated, or a part that is held out."""
    settings, stages = job.settings, job.stages
    if not is_cross_validated(dataset, settings):
        return judge_part(dataset, fitted, dataset.evaluated_part)

    with stages.timed("cross_validation"):
        try:
            return cross_validate(dataset, settings, job.refit)
        except InputError as error:
            if settings.evaluation.cross_validation or not dataset.rows(dataset.evaluated_part).any():
                raise
            dataset.notes.append(f"not cross-validated: {error}")
            return judge_part(dataset, fitted, dataset.evaluated_part)


def _digest_parts(dataset: Dataset) -> dict[str, str]:
    """Return the digest of each part that has sentences."""
    return {part: digest_sentences(dataset.sentences[dataset.rows(part)]) for part in PARTS if dataset.rows(part).any()}


def _fit_out_of_core(job: Job) -> Fit:
    """Read the data a chunk at a time and fit a model."""
    from slugline.training.out_of_core import fit_out_of_core

    dataset, fitted, train_digest = fit_out_of_core(job.settings, job.stages)
    job.show(report.describe_dataset(dataset))
    check_evaluation(job.settings.evaluation, dataset, job.settings.split)
    digests = _digest_parts(dataset)
    job.log_data(dataset, digests)
    judged = judge_part(dataset, fitted, dataset.evaluated_part)
    return Fit(dataset, fitted, digests | {"train": train_digest}, judged)


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
