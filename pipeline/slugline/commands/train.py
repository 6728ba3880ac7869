"""`slugline train`: articles to a registered model, in one run."""

import sys

from slugline import report
from slugline.config.build import describe_error
from slugline.config.launch import read_job_number
from slugline.errors import Stopped
from slugline.launch import REPORT, Launch
from slugline.report.next_steps import describe_next, describe_prediction, describe_promotion, new_file
from slugline.tracking import Off, in_sweep, is_only_scored, scored_run
from slugline.training.run import TrainingRun
from slugline.training.search import PRUNED, report_fold
from slugline.training.settings import TrainSettings
from slugline.workflow import objective, score_candidate
from slugline.workflow import train as train_model


def train(settings: TrainSettings, launch: Launch) -> float:
    """Train, evaluate and log a model; return macro F1 on dev (else on test), which a sweep maximises."""
    if in_sweep():
        return _train_in_sweep(settings, launch)
    run = train_model(settings, launch, show=_show)
    print(f"run     {run.location}\nmodel   {run.model_uri}")
    if run.settings.plots:
        print(f"page    {run.folder / REPORT}")
    if launch.verbose:
        print(report.describe_seconds(run.metrics))
    print("\n".join(_describe_next_steps(run, launch)))
    return objective(run.metrics)


def _describe_next_steps(run: TrainingRun, launch: Launch) -> list[str]:
    """Return what to type next: to have people label, to promote a version that is not in use, to predict."""
    steps = []
    if set(run.dataset.sentences["label_source"]) == {"rules"}:
        steps.append(describe_next(launch, "label", f"tasks={new_file('tasks.csv')}", "size=150"))
    store = getattr(run.settings.tracking, "uri", None)
    if promotion := describe_promotion(run.model_uri, store):
        steps.append(promotion)
    steps.append(describe_prediction(run.settings.data, run.model_uri, store, launch))
    return steps


def _train_in_sweep(settings: TrainSettings, launch: Launch) -> float:
    """Train as a job of a sweep: its scores are one line, and after a failure, which is recorded, the sweep goes on."""
    try:
        if is_only_scored() and _can_be_only_scored(settings):
            name, metrics = score_candidate(settings, launch, number=read_job_number(), on_fold=report_fold)
        else:
            run = train_model(settings, launch, on_fold=report_fold)
            name, metrics = run.name, run.metrics
    except Stopped as error:
        print(f"stopped {error}")
        return PRUNED
    except Exception as error:
        print(f"slugline: {type(error).__name__}: {describe_error(error)}", file=sys.stderr)
        return float("nan")
    word = "in full" if scored_run() else "job"
    print(f"{word:<8}{name}: {report.describe_job(metrics)}, {metrics['time/total']:.1f} s", flush=True)
    if launch.verbose:
        print(report.describe_seconds(metrics), flush=True)
    return objective(metrics)


def _can_be_only_scored(settings: TrainSettings) -> bool:
    """Tell whether a job of a sweep can be left at its scores: a store has them, and no more fits were asked for."""
    evaluation = settings.evaluation
    return not isinstance(settings.tracking, Off) and evaluation.repeats == 1 and not evaluation.learning_curve


def _show(text: str) -> None:
    """Print what there is to tell."""
    if text:
        print(text, flush=True)
