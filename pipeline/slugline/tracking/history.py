"""Runs that were logged before: what is read of them. Others may write to the store, so nothing of it is trusted."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from slugline.errors import InputError, listing, one_line
from slugline.tracking.store import connect, open_existing, sqlite_file, store_uri
from slugline.tracking.store_errors import store_exceptions

_SPLIT = "split._target_"  # a parameter that trainings alone have


class Record(NamedTuple):
    """A finished run, since `started` (seconds from 1970); `digests` are of its training, validation, testing data."""

    run_id: str
    name: str
    experiment: str
    metrics: Mapping[str, float]
    params: Mapping[str, str]
    tags: Mapping[str, str]
    digests: Mapping[str, str]
    started: float


def read_run(run_id: str, uri: str | None = None) -> Record:
    """Return what a store holds of a finished run; raise `InputError` where there is none."""
    mlflow = open_existing(uri, f"no run '{run_id}'")
    try:
        run = mlflow.get_run(run_id)
    except mlflow.exceptions.MlflowException as error:
        raise InputError(f"no run '{run_id}' in {mlflow.get_tracking_uri()}: {one_line(error)}") from error
    if run.info.status != "FINISHED":
        raise InputError(f"run {run_id}: its status is {run.info.status}; allowed: FINISHED")

    digests = {}
    for logged in run.inputs.dataset_inputs:
        contexts = [tag.value for tag in logged.tags if tag.key == "mlflow.data.context"]
        digests["".join(contexts[:1])] = logged.dataset.digest
    experiment = mlflow.get_experiment(run.info.experiment_id).name
    data, started = run.data, run.info.start_time / 1000
    return Record(run_id, run.info.run_name, experiment, data.metrics, data.params, data.tags, digests, started)


def last_runs(experiment: str, count: int, artifact: str, uri: str | None = None) -> list[str]:
    """Return the ids of the last finished runs of an experiment that have an artifact, the oldest first."""
    mlflow = open_existing(uri, f"no experiment '{experiment}'")
    logged = mlflow.get_experiment_by_name(experiment)
    if logged is None:
        raise InputError(f"no experiment '{experiment}' in {store_uri(uri)}")
    client = mlflow.MlflowClient()
    ids: list[str] = []
    for run in client.search_runs([logged.experiment_id], "attributes.status = 'FINISHED'", max_results=1000):
        if len(ids) < count and artifact in {file.path for file in client.list_artifacts(run.info.run_id)}:
            ids.append(run.info.run_id)
    return ids[::-1]


def last_training(experiment: str, data_path: str, uri: str | None = None) -> tuple[str, Mapping[str, str]] | None:
    """Return the id and the parameters of the last finished training of an experiment on some data, if there is one."""
    database = sqlite_file(store_uri(uri))
    if database and not database.is_file():
        return None
    mlflow = connect(uri)
    logged = mlflow.get_experiment_by_name(experiment)
    if logged is None:
        return None
    runs = mlflow.MlflowClient().search_runs([logged.experiment_id], "attributes.status = 'FINISHED'", max_results=1000)
    trained = [run for run in runs if run.data.params.get("data.path") == data_path and _SPLIT in run.data.params]
    return (str(trained[0].info.run_id), trained[0].data.params) if trained else None


def read_artifact(run_id: str, name: str, uri: str | None = None) -> bytes:
    """Return the bytes of an artifact of a run; raise `InputError` where it is not there."""
    mlflow = connect(uri)
    try:
        with TemporaryDirectory() as folder:
            return Path(
                mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=folder)
            ).read_bytes()
    except store_exceptions(OSError) as error:
        raise InputError(f"run {run_id} has no artifact {name}: {one_line(error)}") from error


def set_tags(run_id: str, tags: Mapping[str, Any], uri: str | None = None) -> None:
    """Set tags of a run that has ended."""
    client = connect(uri).MlflowClient()
    for key, value in tags.items():
        client.set_tag(run_id, key, str(value))


def describe_version_changes(one: Record, other: Record) -> str:
    """Return in which versions of code and libraries two runs differ, "" where in none."""
    keys = ("versions", "git.commit", "git.dirty")
    before, after = ({part for key in keys for part in run.tags.get(key, "").split(", ")} for run in (one, other))
    return "" if before == after else f"{listing(sorted(before - after))} -> {listing(sorted(after - before))}"
