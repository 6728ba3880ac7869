"""The store: where runs and models lie, and how they are fetched."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from slugline.errors import InputError

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

STORE = "sqlite:///experiments/mlflow.db"
MODEL_FOLDER = "data/topic_model"  # our files inside a logged model
PARENT = "SLUGLINE_PARENT_RUN"  # environment variable: the run of the sweep that a job belongs to
URI = re.compile(r"(models|runs|file|mlflow-artifacts|https?|s3|gs|dbfs):/.+")


def in_sweep() -> bool:
    """Tell whether this run is a job of a sweep."""
    return PARENT in os.environ


def abandon_sweep() -> None:
    """Mark the run of a sweep that is being interrupted as KILLED."""
    if in_sweep():
        from mlflow import MlflowClient

        MlflowClient().set_terminated(os.environ.pop(PARENT), "KILLED")


def connect(uri: str | None = None) -> Any:
    """Return the `mlflow` module, set to a store that exists; raise `InputError` when it cannot be reached."""
    import mlflow

    found = store_uri(uri)
    mlflow.set_tracking_uri(found)
    try:
        if database := sqlite_file(found):
            make_store(mlflow, database)
    except (mlflow.exceptions.MlflowException, OSError) as error:
        raise InputError(f"no MLflow store at {found}: {first_line(error)}") from error
    return mlflow


def store_uri(uri: str | None) -> str:
    """Return which store is meant."""
    return uri or os.environ.get("MLFLOW_TRACKING_URI") or STORE


def sqlite_file(uri: str) -> Path | None:
    """Return the file of a SQLite store, None for any other."""
    return Path(uri.removeprefix("sqlite:///")) if uri.startswith("sqlite:///") else None


def make_store(mlflow: Any, file: Path) -> None:
    """Create or migrate a SQLite store, one process at a time: opened new by several at once it is left broken."""
    from filelock import FileLock

    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):
        mlflow.MlflowClient().search_experiments(max_results=1)


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def model_folder(source: str, tracking_uri: str | None = None) -> Path:
    """Return the folder of a topic model: a path as it is, an MLflow URI after fetching its files.

    MLflow is imported for a URI alone. Raises `InputError` when there is no such model.
    """
    folder = Path(source) if Path(source).is_dir() else fetch(source, tracking_uri)
    return folder / MODEL_FOLDER if (folder / MODEL_FOLDER).is_dir() else folder


def fetch(source: str, tracking_uri: str | None) -> Path:
    """Fetch the files behind an MLflow URI and return their folder; none of them is executed."""
    if not URI.fullmatch(source):
        raise InputError(
            f"no model at '{source}'; "
            "allowed: a model folder, models:/NAME@ALIAS, models:/NAME/VERSION, runs:/RUN_ID/model"
        )
    store = store_uri(tracking_uri)
    database = sqlite_file(store) if source.startswith(("models:/", "runs:/")) else None
    if database and not database.is_file():  # and looking for a model must not make it
        raise InputError(f"no model at '{source}': there is no store {store}; slugline train makes one")
    mlflow = connect(tracking_uri)
    try:
        return Path(mlflow.artifacts.download_artifacts(source))
    except (mlflow.exceptions.MlflowException, OSError, ValueError) as error:
        raise InputError(
            f"no model at '{source}' in the store {mlflow.get_tracking_uri()}: {first_line(error)}"
        ) from error


def serve_ui(host: str, port: int, uri: str | None = None) -> None:
    """Serve the MLflow UI, in two processes of ours, until it ends; raise `InputError` when it ends with an error."""
    mlflow = connect(uri)
    command = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--backend-store-uri",
        mlflow.get_tracking_uri(),
        "--host",
        host,
        "--port",
        str(port),
    ]
    ended = subprocess.run(
        [*command, "--workers", "1"], env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, check=False
    )
    if ended.returncode > 0:
        raise InputError(f"the MLflow UI ended with {ended.returncode}; is port {port} of {host} taken?")
