"""Tracking: everything that is said to MLflow, and models fetched from it."""

from slugline.tracking.choosing import BEST, ONE_STANDARD_ERROR
from slugline.tracking.finished_run import MODEL, DataSet, FinishedRun, Origin
from slugline.tracking.headlines import headline_metrics
from slugline.tracking.history import (
    Record,
    describe_version_changes,
    last_runs,
    last_training,
    read_artifact,
    read_metrics,
    read_run,
    read_table,
    set_tags,
    table_names,
)
from slugline.tracking.landing import landing_path
from slugline.tracking.late_log import LoggedRun, log_folder
from slugline.tracking.local_runs import LocalRun, Off, UnreachedRun
from slugline.tracking.model_names import name_model
from slugline.tracking.registry import Registry, Version
from slugline.tracking.run_names import find_run
from slugline.tracking.runs import ActiveRun, Mlflow
from slugline.tracking.side_runs import SideRun, log_side_run
from slugline.tracking.store import (
    ONLY_SCORED,
    PARENT,
    SCORED_RUN,
    abandon_sweep,
    connect,
    count_evaluated,
    explained,
    in_sweep,
    is_only_scored,
    model_folder,
    scored_run,
)
from slugline.tracking.store_errors import StoreError
from slugline.tracking.sweeps import end_sweep, find_best, find_varied, start_sweep
from slugline.tracking.ui_server import listen, serve_ui

__all__ = [
    "BEST",
    "MODEL",
    "ONE_STANDARD_ERROR",
    "ONLY_SCORED",
    "PARENT",
    "SCORED_RUN",
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
    "UnreachedRun",
    "Version",
    "abandon_sweep",
    "connect",
    "count_evaluated",
    "describe_version_changes",
    "end_sweep",
    "explained",
    "find_best",
    "find_run",
    "find_varied",
    "headline_metrics",
    "in_sweep",
    "is_only_scored",
    "landing_path",
    "last_runs",
    "last_training",
    "listen",
    "log_folder",
    "log_side_run",
    "model_folder",
    "name_model",
    "read_artifact",
    "read_metrics",
    "read_run",
    "read_table",
    "scored_run",
    "serve_ui",
    "set_tags",
    "start_sweep",
    "table_names",
]
