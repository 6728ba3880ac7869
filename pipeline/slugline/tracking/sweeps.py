"""The parent run of a sweep's jobs, and what it takes over from the best of them but its metrics."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from slugline.launch import TABLES
from slugline.spreadsheets import table_to_csv
from slugline.tracking.choosing import choose_job, first_score, shared_scores
from slugline.tracking.headlines import AGAINST_BEST, INTERVAL
from slugline.tracking.local_runs import Off
from slugline.tracking.origin import origin_tags
from slugline.tracking.paging import find_jobs
from slugline.tracking.processes import process_tags
from slugline.tracking.runs import Mlflow, MlflowRun
from slugline.tracking.scored_runs import JOB_NUMBER, is_whole

if TYPE_CHECKING:
    import pandas as pd

_CROSS_VALIDATED = "cross_validated/f1_macro"
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


def find_best(tracking: Mlflow, parent: str, scores: Sequence[str], count: int) -> dict[int, str]:
    """Return those of the best `count` jobs of a sweep that were only scored: the ids of their runs by job number."""
    client = tracking.connect().MlflowClient()
    jobs = find_jobs(client, client.get_run(parent))
    done = [job for job in jobs if job.info.status == "FINISHED"]
    ranked_by = shared_scores(done, scores)
    best = sorted(done, key=lambda job: -first_score(job.data.metrics, ranked_by))[:count]
    return {int(job.data.tags[JOB_NUMBER]): str(job.info.run_id) for job in best if not is_whole(job)}


class SweepResult(NamedTuple):
    """What came of a sweep.

    `jobs` has a row for each job, with its status and scores, and `in_full` is how many were evaluated in full; `best`
    names the one of these that was chosen, for `reasons` in words, with the score that jobs are chosen by, and
    `model_uri` is that of its model: both None when every job failed.
    """

    jobs: "pd.DataFrame"
    in_full: int
    reasons: list[str]
    best: str | None
    model_uri: str | None


def end_sweep(
    tracking: Mlflow, parent: str, scores: Sequence[str], to_experiment: Callable[[str, str], str], rule: str
) -> SweepResult:
    """End the parent run of a sweep, with the config of the best job, whose model is registered.

    Parameters
    ----------
    tracking : Mlflow
        Where the sweep is logged.
    parent : str
        The id of the parent run.
    scores : sequence of str
        Metrics for the table; the best job is chosen by the first of them that all have.
    to_experiment : callable
        Makes an experiment file of a job's config and a note.
    rule : str
        How to choose, see `choose_job`.

    Returns
    -------
    SweepResult
    """
    import pandas as pd

    mlflow = tracking.connect()
    client = mlflow.MlflowClient()
    jobs = find_jobs(client, client.get_run(parent))

    rows = []
    for job in jobs:
        values = {key: job.data.metrics.get(key) for key in scores}
        interval = job.data.tags.get(INTERVAL, "")  # of what it is judged by
        rows.append({"job": job.info.run_name, "status": job.info.status} | values | {INTERVAL: interval})
    columns = [key for key in scores if key != _CROSS_VALIDATED or any(key in job.data.metrics for job in jobs)]
    columns.insert(columns.index(_CROSS_VALIDATED if _CROSS_VALIDATED in columns else "test/f1_macro") + 1, INTERVAL)
    table = pd.DataFrame(rows, columns=["job", "status", *columns])
    params = [job.data.params for job in jobs]
    varied = pd.DataFrame(params, columns=find_varied(params))

    done = [job for job in jobs if job.info.status == "FINISHED" and is_whole(job)]
    uri, description, reasons = None, None, list[str]()
    if done:
        scores = shared_scores([job for job in jobs if job.info.status == "FINISHED"], scores)
        best, reasons, against_best = choose_job(done, scores, rule, tracking.uri)
        for run_id, words in against_best.items():
            client.set_tag(run_id, AGAINST_BEST, words)
        if tracking.registered_model is not None:  # a job knows what it trained on, and so the name that is meant
            name = best.data.params.get("tracking.registered_model", tracking.registered_model)
            tracking = replace(tracking, registered_model=name)
        description = f"{best.info.run_name} ({best.info.run_id[:8]}){_describe_score(best.data.metrics, scores)}"
        uri = _take_best(MlflowRun(tracking, mlflow, parent), best, table.join(varied), reasons, to_experiment)
    client.set_terminated(parent, "FINISHED" if done else "FAILED")
    return SweepResult(table, len(done), reasons, description, uri)


def find_varied(params: Sequence[Mapping[str, str]]) -> list[str]:
    """Return the parameters that are not the same in all runs; the runs' names do not count."""
    names = dict.fromkeys(name for job in params for name in job if name != "name")
    return [name for name in names if len({job.get(name) for job in params}) > 1]


def _describe_score(metrics: Mapping[str, float], scores: Sequence[str]) -> str:
    """Return the score that a job was chosen by, "" where it has none."""
    return next((f": {key} {metrics[key]:.3f}" for key in scores if key in metrics), "")


def _take_best(
    run: MlflowRun, best: Any, table: "pd.DataFrame", reasons: Sequence[str], to_experiment: Callable[[str, str], str]
) -> str:
    """Log the best job's parameters and config, and a table of all, in the parent run; register its model."""
    run.log_params({f"best/{key}": value for key, value in best.data.params.items()})
    client, parent = run.mlflow.MlflowClient(), run.run_id
    client.set_tag(parent, "best_run", best.info.run_id)
    client.set_tag(
        parent,
        "mlflow.note.content",
        "\n".join([f"Best of {len(table)} jobs: **{best.info.run_name}**", "", *(f"* {reason}" for reason in reasons)]),
    )
    client.log_text(parent, table_to_csv(table), f"{TABLES}/jobs.csv")
    config = run.mlflow.artifacts.load_text(f"{best.info.artifact_uri}/config.yaml")
    client.log_text(parent, to_experiment(config, _NEXT_STEP), "best.yaml")
    card = run.mlflow.artifacts.load_text(f"{best.info.artifact_uri}/model_card.md")
    return run.register_model(best.data.tags["model_uri"], card, best.info.run_id)
