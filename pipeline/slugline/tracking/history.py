"""Runs that were logged before: what is read of them. Others may write to the store, so nothing of it is trusted."""

from collections.abc import Collection, Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from slugline.errors import InputError, listing, one_line
from slugline.launch import TABLES
from slugline.tracking.finished_run import METRICS, read_numbers
from slugline.tracking.keys import to_mlflow_key
from slugline.tracking.paging import search_all
from slugline.tracking.scored_runs import is_whole
from slugline.tracking.store import connect, explained, open_existing, sqlite_file, store_uri
from slugline.tracking.store_errors import check_answered, store_exceptions

_FINISHED = "attributes.status = 'FINISHED'"
_SPLIT = "split._target_"  # a parameter that trainings alone have


class Record(NamedTuple):
    """A finished run, since `started` (seconds from 1970); `digests` are of its training, validation, testing data.

    Of a training `metrics` are the headlines alone: `read_metrics` gives all.
    """

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
        check_answered(store_uri(uri), error)
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


def read_metrics(run: Record, uri: str | None = None) -> dict[str, float]:
    """Return all metrics of a run by their MLflow keys: those of its `metrics.json`, and what the store has beside it.

    A run that was logged before there was such a file has all of them in the store.
    """
    client = connect(uri).MlflowClient()
    if METRICS not in {file.path for file in client.list_artifacts(run.run_id)}:
        return dict(run.metrics)
    with TemporaryDirectory() as folder:
        (Path(folder) / METRICS).write_bytes(read_artifact(run.run_id, METRICS, uri))
        written = read_numbers(Path(folder))
    return {to_mlflow_key(key): value for key, value in written.items()} | dict(run.metrics)


def last_runs(experiment: str, count: int, tables: Collection[str], uri: str | None = None) -> list[str]:
    """Return the ids of the last finished runs of an experiment that have one of some tables, the oldest first."""
    mlflow = open_existing(uri, f"no experiment '{experiment}'")
    logged = mlflow.get_experiment_by_name(experiment)
    if logged is None:
        raise InputError(f"no experiment '{experiment}' in {store_uri(uri)}")
    client = mlflow.MlflowClient()
    ids = (
        str(run.info.run_id)
        for run in search_all(client.search_runs, [logged.experiment_id], _FINISHED)
        if not table_names(str(run.info.run_id), uri).isdisjoint(tables)
    )
    return list(islice(ids, count))[::-1]


def last_training(experiment: str, data_path: str, uri: str | None = None) -> tuple[str, Mapping[str, str]] | None:
    """Return the id and the parameters of the last finished training of an experiment on some data, if there is one."""
    database = sqlite_file(store_uri(uri))
    if database and not database.is_file():
        return None
    mlflow = connect(uri)
    logged = mlflow.get_experiment_by_name(experiment)
    if logged is None:
        return None
    for run in search_all(mlflow.MlflowClient().search_runs, [logged.experiment_id], _FINISHED):
        if run.data.params.get("data.path") == data_path and _SPLIT in run.data.params and is_whole(run):
            return str(run.info.run_id), run.data.params
    return None


def table_names(run_id: str, uri: str | None = None) -> set[str]:
    """Return the names of the tables of a run; of one of before, of all its files."""
    client = connect(uri).MlflowClient()
    return {file.path.rpartition("/")[2] for folder in (TABLES, None) for file in client.list_artifacts(run_id, folder)}


def read_artifact(run_id: str, name: str, uri: str | None = None) -> bytes:
    """Return the bytes of an artifact of a run; raise `InputError` where it is not there."""
    mlflow = connect(uri)
    try:
        with TemporaryDirectory() as folder:
            return Path(
                mlflow.artifacts.download_artifacts(run_id=run_id, artifact_path=name, dst_path=folder)
            ).read_bytes()
    except store_exceptions(OSError) as error:
        check_answered(store_uri(uri), error)
        raise InputError(f"run {run_id} has no artifact {name}: {one_line(error)}") from error


def read_table(run_id: str, name: str, uri: str | None = None) -> bytes:
    """Return the bytes of a table of a run; raise `InputError` where it is not there."""
    with explained(uri):
        place = _find_table(connect(uri).MlflowClient(), run_id, name)
    return read_artifact(run_id, place or f"{TABLES}/{name}", uri)


def _find_table(client: Any, run_id: str, name: str) -> str | None:
    """Return where a run has a table: in their folder, or beside it, as older versions have it; None for nowhere."""
    for folder, place in ((TABLES, f"{TABLES}/{name}"), (None, name)):
        if any(file.path == place for file in client.list_artifacts(run_id, folder)):
            return place
    return None


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
