"""Sweeps: the parent run of the jobs of `slugline train -m`, and the table at the end."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from slugline import tracking
from slugline.components import flatten
from slugline.config.build import CONFIG_ERRORS, describe_error, instantiate, is_explained
from slugline.config.launch import read_launch
from slugline.config.recorded import to_experiment
from slugline.errors import InputError

_SCORES = ("dev/f1_macro", "test/f1_macro")


class Sweep(Callback):
    """A run that is the parent of all jobs of a sweep, with the scores and the config of the best."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Start the parent run, and hand it to the jobs in an environment variable."""
        with _ending_all():
            settings = instantiate(config.tracking, "tracking")
            settings.check()
            parent = tracking.start_sweep(settings, "sweep " + " ".join(config.hydra.overrides.task))
        if parent:
            os.environ[tracking.PARENT] = parent

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Give the parent run the best job's scores and config, and print all jobs; leave with 1 when a job failed."""
        parent = os.environ.pop(tracking.PARENT, None)
        if parent is None:
            return
        from slugline.report.next_steps import describe_comparison, describe_promotion  # late: they import pandas

        with _ending_all():
            settings = instantiate(config.tracking, "tracking")
            jobs, best, uri = tracking.end_sweep(settings, parent, _SCORES, to_experiment)
        print(jobs.to_string(index=False))
        print(f"sweep   {parent}\nbest    {best or 'none: every job failed'}\nmodel   {uri or 'none'}")
        if (jobs["status"] == "FINISHED").sum() > 1:
            print(describe_comparison(settings.experiment, settings.uri))
        if promotion := describe_promotion(uri or "", settings.uri):
            print(promotion)
        if jobs["status"].isin(["FAILED", "RUNNING"]).any():  # those that were pruned are KILLED
            sys.exit(1)


@contextmanager
def _ending_all() -> Iterator[None]:
    """Say what is wrong in one line and leave with 1: Hydra makes a warning of an error, and goes on."""
    try:
        with tracking.explained():
            yield
    except Exception as error:
        if not is_explained(error):
            raise
        print("slugline:", *describe_error(error).split(), file=sys.stderr)
        sys.exit(1)


def record_failure(config: DictConfig, error: Exception) -> float:
    """Log a job of a sweep that failed before its run began, and return NaN, so that the sweep goes on."""
    message = describe_error(error)
    print(f"slugline: {type(error).__name__}: {message}", file=sys.stderr)
    launch = read_launch()
    params: Any = OmegaConf.to_container(config, resolve=False)
    with suppress(InputError, *CONFIG_ERRORS):
        settings = instantiate(config.tracking, "tracking")
        with settings.run(config.name or launch.name, launch.folder, flatten(params)):
            raise error  # which marks the run as FAILED, with the error as a tag
    return float("nan")
