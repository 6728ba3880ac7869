"""The store: where runs and models lie, and how they are fetched."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slugline.errors import InputError, listing, one_line
from slugline.files import write_atomically
from slugline.project import SAMPLE_MODEL
from slugline.tracking.processes import end_dead_runs
from slugline.tracking.store_errors import (
    StoreError,
    asking_once,
    check_database,
    describe_store_error,
    explain_store_errors,
    is_new,
    store_exceptions,
)

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

_STORE = "sqlite:///experiments/mlflow.db"
MODEL_FOLDER = "data/topic_model"  # our files inside a logged model
PARENT = "SLUGLINE_PARENT_RUN"  # environment variable: the run of the sweep that a job belongs to
CLEARED: set[str] = set()  # stores in which this process looked for runs of dead processes
REGISTERED = re.compile(r"models:/([^/@]+)(?:/(\d+)|@([^/@]+))")  # the name, and the version or the alias
URI = re.compile(r"(models|runs|file|mlflow-artifacts|https?|s3|gs|dbfs):/.+")


def in_sweep() -> bool:
    """Tell whether this run is a job of a sweep."""
    return PARENT in os.environ


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
            _make_store(database)
        mlflow.set_tracking_uri(store)
        with asking_once():
            client = mlflow.MlflowClient()
            experiments = [experiment.experiment_id for experiment in client.search_experiments()]
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
        raise InputError(
            f"no model at '{source}' in the store {mlflow.get_tracking_uri()}: {one_line(error)}; {list_models(mlflow)}"
        ) from error


def list_models(mlflow: Any) -> str:
    """Return what registered models a store has, for a message."""
    names = [str(model.name) for model in mlflow.MlflowClient().search_registered_models()]
    if names == [SAMPLE_MODEL]:  # nothing was trained yet but the sample
        sample = f"model_uri=models:/{SAMPLE_MODEL}@champion, or registered_model={SAMPLE_MODEL} for promote"
        return f"it has that of the sample alone, which is taken when it is named: {sample}"
    return f"it has the registered models {listing(names)}" if names else "it has no registered model"


def serve_ui(host: str, port: int, uri: str | None = None) -> None:
    """Serve the MLflow UI, in two processes of ours, until it ends; raise `InputError` when that is with an error."""
    mlflow = connect(uri)
    options = {"backend-store-uri": mlflow.get_tracking_uri(), "host": host, "port": str(port), "workers": "1"}
    command = [sys.executable, "-m", "mlflow", "server"]
    for name, value in options.items():
        command += [f"--{name}", value]
    environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}  # else it starts ten processes
    ended = subprocess.run(command, env=environment, check=False)
    if ended.returncode > 0:
        raise InputError(f"the MLflow UI ended with {ended.returncode}; is port {port} of {host} taken?")


def check_ui(host: str, port: int, uri: str | None = None) -> None:
    """Raise `InputError` for a store with a UI of its own, or an address that is taken: MLflow then ends with 0."""
    store = store_uri(uri)
    if store.startswith("http"):
        raise InputError(f"{store} is a server, which shows its own UI: open {store} in a browser")
    try:
        socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET).close()
    except (OSError, OverflowError) as error:
        reason = str(error.strerror if isinstance(error, OSError) else error).partition(" (")[0]
        raise InputError(
            f"the MLflow UI cannot listen on port {port} of {host}: {reason}; give another port="
        ) from error


def _make_store(file: Path) -> None:
    """Make a SQLite store where there is none, under another name first: half of one could never be used."""
    from filelock import FileLock
    from mlflow import MlflowClient

    if not is_new(file):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):  # opened new by several processes at once it is left broken
        if not is_new(file):
            return
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            made = Path(folder) / "mlflow.db"
            MlflowClient(f"sqlite:///{made}").search_experiments(max_results=1)
            with write_atomically(file) as draft:  # now: this took long, and one that is killed leaves its draft
                shutil.copyfile(made, draft)  # a copy, since MLflow keeps what it has opened
