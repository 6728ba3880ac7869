"""Tracking: everything that is said to MLflow, and models fetched from it."""

from pipeline.tracking.runs import Mlflow, Off
from pipeline.tracking.store import PARENT, abandon_sweep, connect, in_sweep, model_folder, serve_ui

__all__ = ["PARENT", "Mlflow", "Off", "abandon_sweep", "connect", "in_sweep", "model_folder", "serve_ui"]
