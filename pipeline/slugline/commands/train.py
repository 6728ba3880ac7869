"""`slugline train`: articles to a registered model, in one run."""

import sys

from slugline import report
from slugline.config.build import describe_error
from slugline.errors import Stopped
from slugline.launch import Launch
from slugline.report.next_steps import describe_next, describe_prediction, describe_promotion, new_file
from slugline.tracking import in_sweep
from slugline.training.run import TrainingRun
from slugline.training.search import PRUNED, report_fold
from slugline.training.settings import TrainSettings
from slugline.workflow import train as train_model


def train(settings: TrainSettings, launch: Launch) -> float:
    """Train, evaluate and log a model; return macro F1 on dev (else on test), which a sweep maximises."""
    if in_sweep():
        return _train_in_sweep(settings, launch)
    run = train_model(settings, launch, show=_show)
    print(f"run     {run.location}\nmodel   {run.model_uri}")
    print("\n".join(_describe_next_steps(run, launch)))
    return _objective(run)


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
        run = train_model(settings, launch, on_fold=report_fold)
    except Stopped as error:
        print(f"stopped {error}")
        return PRUNED
    except Exception as error:
        print(f"slugline: {type(error).__name__}: {describe_error(error)}", file=sys.stderr)
        return float("nan")
    print(f"job     {run.name}: {report.describe_job(run.metrics)}, {run.metrics['time/total']:.1f} s", flush=True)
    return _objective(run)


def _objective(run: TrainingRun) -> float:
    """Return what a sweep maximises."""
    return run.metrics.get("dev/f1_macro", run.metrics.get("test/f1_macro", float("nan")))


def _show(text: str) -> None:
    """Print what there is to tell."""
    if text:
        print(text, flush=True)
