"""Tracking: everything that is said to MLflow, and models fetched from it."""

from pipeline.tracking.history import Record, last_runs, read_artifact, read_run, same_versions, set_tags
from pipeline.tracking.registry import Registry, Version
from pipeline.tracking.runs import Mlflow, Off
from pipeline.tracking.store import PARENT, abandon_sweep, connect, in_sweep, model_folder, serve_ui

__all__ = [
    "PARENT",
    "Mlflow",
    "Off",
    "Record",
    "Registry",
    "Version",
    "abandon_sweep",
    "connect",
    "in_sweep",
    "last_runs",
    "model_folder",
    "read_artifact",
    "read_run",
    "same_versions",
    "serve_ui",
    "set_tags",
]
