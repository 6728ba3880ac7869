"""The parent run of a sweep's jobs, and what it takes over from the best of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from slugline.spreadsheets import table_to_csv
from slugline.tracking.origin import origin_tags
from slugline.tracking.processes import process_tags
from slugline.tracking.runs import Mlflow, MlflowRun, Off

if TYPE_CHECKING:
    import pandas as pd

_NEXT_STEP = "put this file into FOLDER/experiment, then: slugline train --config-dir=FOLDER experiment=best"


def start_sweep(tracking: Mlflow | Off, name: str) -> str:
    """Start the parent run of a sweep's jobs and return its id; "" without MLflow, where each job is alone."""
    if isinstance(tracking, Off):
        return ""
    mlflow = tracking.connect()
    experiment = mlflow.get_experiment_by_name(tracking.experiment)
    tags = origin_tags() | process_tags()
    run = mlflow.MlflowClient().create_run(experiment.experiment_id, run_name=name, tags=tags)
    return str(run.info.run_id)


class SweepResult(NamedTuple):
    """What came of a sweep.

    `jobs` has a row for each job, with its status and scores; `best` names the best of them with the score that it was
    chosen by, and `model_uri` is that of its model: both None when every job failed.
    """

    jobs: "pd.DataFrame"
    best: str | None
    model_uri: str | None


def end_sweep(
    tracking: Mlflow, parent: str, scores: Sequence[str], to_experiment: Callable[[str, str], str]
) -> SweepResult:
    """End the parent run of a sweep, with the metrics of the best job, whose model is registered.

    Parameters
    ----------
    tracking : Mlflow
        Where the sweep is logged.
    parent : str
        The id of the parent run.
    scores : sequence of str
        Metrics for the table; the best job is chosen by the first of them that it has.
    to_experiment : callable
        Makes an experiment file of a job's config and a note.

    Returns
    -------
    SweepResult
    """
    import pandas as pd

    mlflow = tracking.connect()
    client = mlflow.MlflowClient()
    experiment = client.get_run(parent).info.experiment_id
    jobs = client.search_runs([experiment], f"tags.`mlflow.parentRunId` = '{parent}'", order_by=["start_time"])

    rows = []
    for job in jobs:
        values = {key: job.data.metrics.get(key) for key in scores}
        rows.append({"job": job.info.run_name, "status": job.info.status} | values)
    table = pd.DataFrame(rows, columns=["job", "status", *scores])
    params = [job.data.params for job in jobs]
    varied = pd.DataFrame(params, columns=_find_varied(params))

    done = [job for job in jobs if job.info.status == "FINISHED"]
    uri = description = None
    if done:
        best = max(done, key=lambda job: _first_score(job.data.metrics, scores))
        if tracking.registered_model is not None:  # a job knows what it trained on, and so the name that is meant
            name = best.data.params.get("tracking.registered_model", tracking.registered_model)
            tracking = replace(tracking, registered_model=name)
        description = f"{best.info.run_name} ({best.info.run_id[:8]}){_describe_score(best.data.metrics, scores)}"
        uri = _take_best(MlflowRun(tracking, mlflow, parent), best, table.join(varied), to_experiment)
    client.set_terminated(parent, "FINISHED" if done else "FAILED")
    return SweepResult(table, description, uri)


def _find_varied(params: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the parameters that are not the same in all jobs; the jobs' names do not count."""
    names = dict.fromkeys(name for job in params for name in job if name != "name")
    return [name for name in names if len({job.get(name) for job in params}) > 1]


def _first_score(metrics: Mapping[str, float], scores: Sequence[str]) -> float:
    """Return the first of the scores that a job has, 0 where it has none."""
    return next((metrics[key] for key in scores if key in metrics), 0.0)


def _describe_score(metrics: Mapping[str, float], scores: Sequence[str]) -> str:
    """Return the score that a job was chosen by, "" where it has none."""
    return next((f": {key} {metrics[key]:.4f}" for key in scores if key in metrics), "")


def _take_best(run: MlflowRun, best: Any, table: "pd.DataFrame", to_experiment: Callable[[str, str], str]) -> str:
    """Log the best job's metrics and config, and a table of all, in the parent run; register its model."""
    run.log_params({f"best/{key}": value for key, value in best.data.params.items()})
    run.log_metrics(best.data.metrics)
    client, parent = run.mlflow.MlflowClient(), run.run_id
    client.set_tag(parent, "best_run", best.info.run_id)
    client.set_tag(parent, "mlflow.note.content", f"Best of {len(table)} jobs: **{best.info.run_name}**")
    client.log_text(parent, table_to_csv(table), "jobs.csv")
    config = run.mlflow.artifacts.load_text(f"{best.info.artifact_uri}/config.yaml")
    client.log_text(parent, to_experiment(config, _NEXT_STEP), "best.yaml")
    return run.register_model(best.data.tags["model_uri"], best.data.tags.get("mlflow.note.content", ""))
