"""Sweeps: the parent run of the jobs of `slugline train -m`, and the table at the end."""

import os
import sys
from typing import Any

from omegaconf import DictConfig

from slugline import tracking
from slugline.config import Callback, instantiate

SCORES = ("dev/f1_macro", "test/f1_macro")


class Sweep(Callback):
    """A run that is the parent of all jobs of a sweep, with the scores and the config of the best."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Start the parent run and tell the jobs by an environment variable."""
        settings = instantiate(config.tracking, "tracking")
        name = "sweep " + " ".join(config.hydra.overrides.task)
        parent = settings.start_sweep(name)
        if parent:
            os.environ[tracking.PARENT] = parent

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Give the parent run the best job's scores and config, and print all jobs; leave with 1 when a job failed."""
        parent = os.environ.pop(tracking.PARENT, None)
        if parent is None:
            return
        settings = instantiate(config.tracking, "tracking")
        jobs, uri = settings.end_sweep(parent, SCORES)
        print(jobs.to_string(index=False))
        print(f"sweep   {parent}\nmodel   {uri or 'none: every job failed'}")
        if jobs["status"].isin(["FAILED", "RUNNING"]).any():  # those that were pruned are KILLED
            sys.exit(1)
