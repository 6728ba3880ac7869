"""The store: where runs and models lie, and how they are fetched."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from slugline.errors import InputError, listing, one_line
from slugline.project import SAMPLE_MODEL
from slugline.tracking.new_store import make_store
from slugline.tracking.paging import experiment_ids, search_all
from slugline.tracking.processes import end_dead_runs
from slugline.tracking.scored_runs import check_whole
from slugline.tracking.store_errors import (
    StoreError,
    asking_once,
    check_answered,
    check_database,
    describe_store_error,
    explain_store_errors,
    store_exceptions,
)

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

_STORE = "sqlite:///experiments/mlflow.db"
MODEL_FOLDER = "data/topic_model"  # our files inside a logged model
PARENT = "SLUGLINE_PARENT_RUN"  # environment variable: the run of the sweep that a job belongs to
ONLY_SCORED = (
    "SLUGLINE_ONLY_SCORED"  # environment variable: that a job is only scored; how many of all are evaluated in full
)
SCORED_RUN = "SLUGLINE_SCORED_RUN"  # environment variable: the run of a scored job, which is now evaluated in full
CLEARED: set[str] = set()  # stores in which this process looked for runs of dead processes
REGISTERED = re.compile(r"models:/([^/@]+)(?:/(\d+)|@([^/@]+))")  # the name, and the version or the alias
URI = re.compile(r"(models|runs|file|mlflow-artifacts|https?|s3|gs|dbfs):/.+")


def in_sweep() -> bool:
    """Tell whether this run is a job of a sweep."""
    return PARENT in os.environ


def is_only_scored() -> bool:
    """Tell whether this job of a sweep is only scored; the best are evaluated in full when all are."""
    return in_sweep() and ONLY_SCORED in os.environ and scored_run() is None


def count_evaluated() -> int:
    """Return how many jobs of this sweep are evaluated in full after all are scored."""
    return int(os.environ[ONLY_SCORED])


def scored_run() -> str | None:
    """Return the id of the run that this job of a sweep began when it was scored; None where it did not."""
    return os.environ.get(SCORED_RUN) if in_sweep() else None


def abandon_sweep() -> None:
    """Mark the run of a sweep that is being interrupted as KILLED."""
    if in_sweep():
        from mlflow import MlflowClient

        with suppress(*store_exceptions()):  # the store may be why
            MlflowClient().set_terminated(os.environ.pop(PARENT), "KILLED")


def store_uri(uri: str | None) -> str:
    """Return which store is meant: the one given, else that of the environment, else the one in `experiments/`."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or _STORE


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def connect(uri: str | None = None) -> Any:
    """Return the `mlflow` module set to a store, which is made where it is a file that is not there yet.

    Raises
    ------
    StoreError
        When the store cannot be reached, or is none.
    """
    import mlflow

    store = store_uri(uri)
    try:
        if database := sqlite_file(store):
            check_database(database)
            make_store(database)
        mlflow.set_tracking_uri(store)
        with asking_once():
            client = mlflow.MlflowClient()
            experiments = experiment_ids(client)
    except store_exceptions(OSError, ImportError) as error:
        raise StoreError(describe_store_error(store, error)) from error
    if store not in CLEARED:
        CLEARED.add(store)
        with suppress(*store_exceptions()), asking_once():  # a store that is only read is none to be cleared
            end_dead_runs(client, experiments)
    return mlflow


def check_writable(uri: str | None = None) -> None:
    """Raise `StoreError` for a store that nothing can be logged to, before the work that is to be logged begins."""
    store = store_uri(uri)
    if database := sqlite_file(store):
        check_database(database, write=True)  # without MLflow, which is slow to import
    else:
        connect(uri)


@contextmanager
def explained(uri: str | None = None, *others: type[Exception]) -> Iterator[None]:
    """Raise `StoreError`, one line, for what goes wrong with a store in the block, and for errors of other types."""
    with explain_store_errors(store_uri(uri), *others):
        yield


def open_existing(uri: str | None, missing: str) -> Any:
    """Return the `mlflow` module set to a store that exists: looking for something must not make a store.

    Parameters
    ----------
    uri : str, optional
        Of the store.
    missing : str
        What the message begins with where there is no store, such as `no run 'abc'`.
    """
    database = sqlite_file(store_uri(uri))
    if database and not database.is_file():
        raise InputError(f"{missing}: there is no store {store_uri(uri)}; slugline train makes one")
    return connect(uri)


def model_folder(source: str, tracking_uri: str | None = None) -> Path:
    """Return the folder with the files of a topic model.

    Parameters
    ----------
    source : str
        A folder, as it is; or an MLflow URI, whose files are fetched, and which alone imports MLflow.
    tracking_uri : str, optional
        Of the store.

    Raises
    ------
    InputError
        When there is no such model.
    """
    folder = Path(source) if source and Path(source).is_dir() else _fetch(source, tracking_uri)
    return folder / MODEL_FOLDER if (folder / MODEL_FOLDER).is_dir() else folder


def _fetch(source: str, tracking_uri: str | None) -> Path:
    """Fetch the files behind an MLflow URI and return their folder; none of them is executed."""
    if not URI.fullmatch(source):
        raise InputError(
            f"no model at '{source}'; "
            "allowed: a model folder, models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/model"
        )
    in_store = source.startswith(("models:/", "runs:/"))
    mlflow = open_existing(tracking_uri, f"no model at '{source}'") if in_store else connect(tracking_uri)
    try:
        return Path(mlflow.artifacts.download_artifacts(source))
    except store_exceptions(OSError, ValueError) as error:
        check_answered(mlflow.get_tracking_uri(), error)
        _check_whole(mlflow, source)
        raise InputError(
            f"no model at '{source}' in the store {mlflow.get_tracking_uri()}: {one_line(error)}; {list_models(mlflow)}"
        ) from error


def _check_whole(mlflow: Any, source: str) -> None:
    """Raise `InputError` where a URI names a run that its sweep only scored."""
    if source.startswith("runs:/"):
        with suppress(*store_exceptions()):  # there may be no such run
            check_whole(mlflow.get_run(source.removeprefix("runs:/").partition("/")[0]))


def list_models(mlflow: Any) -> str:
    """Return what registered models a store has, for a message."""
    names = [str(model.name) for model in search_all(mlflow.MlflowClient().search_registered_models)]
    if names == [SAMPLE_MODEL]:  # nothing was trained yet but the sample
        sample = f"model_uri=models:/{SAMPLE_MODEL}@champion, or registered_model={SAMPLE_MODEL} for promote"
        return f"it has that of the sample alone, which is taken when it is named: {sample}"
    return f"it has the registered models {listing(names)}" if names else "it has no registered model"
