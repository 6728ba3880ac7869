"""Tracking: everything that is said to MLflow, and models fetched from it."""

from slugline.tracking.finished_run import MODEL, DataSet, FinishedRun, Origin
from slugline.tracking.history import (
    Record,
    describe_version_changes,
    last_runs,
    last_training,
    read_artifact,
    read_run,
    set_tags,
)
from slugline.tracking.late_log import LoggedRun, log_folder
from slugline.tracking.model_names import name_model
from slugline.tracking.registry import Registry, Version
from slugline.tracking.run_names import find_run
from slugline.tracking.runs import ActiveRun, LocalRun, Mlflow, Off
from slugline.tracking.side_runs import SideRun, log_side_run
from slugline.tracking.store import (
    PARENT,
    abandon_sweep,
    check_ui,
    connect,
    explained,
    in_sweep,
    model_folder,
    serve_ui,
)
from slugline.tracking.store_errors import StoreError
from slugline.tracking.sweeps import end_sweep, start_sweep

__all__ = [
    "MODEL",
    "PARENT",
    "ActiveRun",
    "DataSet",
    "FinishedRun",
    "LocalRun",
    "LoggedRun",
    "Mlflow",
    "Off",
    "Origin",
    "Record",
    "Registry",
    "SideRun",
    "StoreError",
    "Version",
    "abandon_sweep",
    "check_ui",
    "connect",
    "describe_version_changes",
    "end_sweep",
    "explained",
    "find_run",
    "in_sweep",
    "last_runs",
    "last_training",
    "log_folder",
    "log_side_run",
    "model_folder",
    "name_model",
    "read_artifact",
    "read_run",
    "serve_ui",
    "set_tags",
    "start_sweep",
]
