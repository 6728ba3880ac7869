"""Sweeps: the parent run of the jobs of `slugline train -m`, those evaluated in full, the table at the end."""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from slugline import tracking
from slugline.components import flatten
from slugline.config.build import CONFIG_ERRORS, describe_error, instantiate, is_explained
from slugline.config.launch import read_launch
from slugline.config.recorded import to_experiment
from slugline.config.run_name import SEPARATOR, SWEPT, name_run
from slugline.errors import InputError, listing

_SCORES = ("cross_validated/f1_macro", "dev/f1_macro", "test/f1_macro", "out_of_fold/f1_macro")
_KEY = "hydra.sweeper.evaluate"


class Sweep(Callback):
    """A run that is the parent of all jobs of a sweep, with the config of the best."""

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """Start the parent run, and hand it to the jobs in an environment variable, with what varies between them."""
        overrides: Any = OmegaConf.to_container(config.hydra.overrides.task, resolve=False)
        parsed = OverridesParser.create().parse_overrides(overrides)
        swept = [override.key_or_group for override in parsed if override.is_sweep_override()]
        options = config.hydra.runtime.choices.items()
        choices = {str(group): str(option) for group, option in options if option is not None}
        os.environ[SWEPT] = " ".join(swept)
        with _ending_all():
            settings = instantiate(config.tracking, "tracking")
            settings.check()
            check_choose(config.hydra.sweeper.choose)
            parent = tracking.start_sweep(settings, f"sweep{SEPARATOR}{name_run(overrides, choices, swept)}")
        if parent:
            os.environ[tracking.PARENT] = parent

    def on_multirun_end(self, config: DictConfig, **_: Any) -> None:
        """Give the parent run the best job's config, and print all jobs; leave with 1 when a job failed."""
        os.environ.pop(SWEPT, None)
        parent = os.environ.pop(tracking.PARENT, None)
        if parent is None:
            return
        from slugline.candidates import SWEEP_MEMORY  # late: these import pandas
        from slugline.report.next_steps import describe_comparison, describe_promotion

        SWEEP_MEMORY.clear()

        with _ending_all():
            settings = instantiate(config.tracking, "tracking")
            rule = check_choose(config.hydra.sweeper.choose)
            jobs, in_full, reasons, best, uri = tracking.end_sweep(settings, parent, _SCORES, to_experiment, rule)
        print(jobs.to_string(index=False, float_format="{:.3f}".format))
        finished = int((jobs["status"] == "FINISHED").sum())
        if in_full < finished:
            print(f"in full {in_full} of {finished} jobs; the others were only scored ({_KEY}=all: all)")
        for reason in reasons:
            print(f"chosen  {reason}")
        print(f"sweep   {parent}\nbest    {best or 'none: every job failed'}\nmodel   {uri or 'none'}")
        if in_full > 1:
            print(describe_comparison(settings.experiment, settings.uri))
        if promotion := describe_promotion(uri or "", settings.uri):
            print(promotion)
        if jobs["status"].isin(["FAILED", "RUNNING"]).any():  # those that were pruned are KILLED
            sys.exit(1)


def check_evaluate(value: Any) -> int | None:
    """Return how many jobs are evaluated in full, as the sweeper has it; None for all."""
    if value == "all":
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise InputError(f"{_KEY}={value}; allowed: a number from 1, or all")
    return value


def check_choose(value: Any) -> str:
    """Return how the job is chosen, as the sweeper has it."""
    if value not in (allowed := (tracking.ONE_STANDARD_ERROR, tracking.BEST)):
        raise InputError(f"hydra.sweeper.choose={value}; allowed: {listing(allowed)}")
    return str(value)


def only_score(job: Sequence[str], count: int | None) -> list[str]:
    """Return the overrides of a job so that it is only scored, as all are of which `count` are evaluated in full."""
    return [*job, *([] if count is None else [f"+hydra.job.env_set.{tracking.ONLY_SCORED}='{count}'"])]


def evaluate_best(launcher: Any, config: DictConfig, jobs: Mapping[int, Sequence[str]], count: int | None) -> list[Any]:
    """Evaluate the best jobs of a sweep in full.

    Parameters
    ----------
    launcher : hydra Launcher
        Runs jobs.
    config : DictConfig
        The config of the sweep.
    jobs : mapping of int to sequence of str
        The overrides of all jobs, by their numbers.
    count : int or None
        How many are the best; None: none was only scored.

    Returns
    -------
    list of hydra JobReturn
    """
    parent = os.environ.get(tracking.PARENT)
    if count is None or parent is None:
        return []
    with _ending_all():
        best = tracking.find_best(instantiate(config.tracking, "tracking"), parent, _SCORES, count)
    returned: list[Any] = []
    for number, run_id in best.items():  # one by one: each has its number again, which its config may name
        job = [*jobs[number], f"+hydra.job.env_set.{tracking.SCORED_RUN}='{run_id}'"]
        returned.extend(launcher.launch([job], initial_job_idx=number))
    return returned


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
    run_id = tracking.scored_run()  # that has its parameters
    params: Any = {} if run_id else OmegaConf.to_container(config, resolve=False)
    with suppress(InputError, *CONFIG_ERRORS):
        settings = instantiate(config.tracking, "tracking")
        with settings.run(config.name or launch.name, launch.folder, flatten(params), run_id=run_id):
            raise error  # which marks the run as FAILED, with the error as a tag
    return float("nan")
