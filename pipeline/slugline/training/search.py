"""Searches: Optuna proposes the values of a sweep's jobs, and a job tells Optuna how it goes.

The sweeper itself is `hydra_plugins.slugline`; `hydra-optuna-sweeper` is held at Optuna 2.10.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from slugline.config import HydraConfig
from slugline.errors import InputError, Stopped

TRIAL = "SLUGLINE_TRIAL"  # environment variable: which trial a job is, as study/number
PRUNED = float("-inf")  # what a job returns that was ended early


def search(
    study: Any, overrides: Sequence[Any], n_trials: int, n_jobs: int, launch: Callable[..., Sequence[Any]]
) -> list[Any]:
    """Run jobs, `n_jobs` at a time, until `n_trials` trials of a study have ended; return what became of them.

    `overrides` are Hydra's: those that sweep are drawn from, the others are the same for all jobs. Raises `InputError`
    for numbers that cannot be.
    """
    if n_trials < 1 or n_jobs < 1:
        raise InputError(f"hydra.sweeper: n_trials={n_trials} n_jobs={n_jobs}; allowed: 1 or more")
    fixed = [str(override.input_line) for override in overrides if not override.is_sweep_override()]
    varied = [override for override in overrides if override.is_sweep_override()]
    space = {override.get_key_element(): to_distribution(override) for override in varied}
    check_space(study, space)
    ended: list[Any] = []
    while (number := count_ended(study)) < n_trials:
        trials = [study.ask(space) for _ in range(min(n_jobs, n_trials - number))]
        jobs = [[*fixed, *(f"{key}={value}" for key, value in trial.params.items())] for trial in trials]
        told = [f"+hydra.job.env_set.{TRIAL}='{study.study_name}/{trial.number}'" for trial in trials]
        returned = launch(jobs, told, trials[0].number)
        for trial, job in zip(trials, returned, strict=True):
            finish(study, trial, job.return_value)
        ended += returned
    return ended


def check_space(study: Any, space: Mapping[str, Any]) -> None:
    """Raise `InputError` where a study drew from other choices before."""
    for trial in study.get_trials(deepcopy=False):
        for key in space.keys() & trial.distributions.keys():
            try:
                import_optuna().distributions.check_distribution_compatibility(trial.distributions[key], space[key])
            except ValueError as error:
                raise InputError(
                    f"{key}: study {study.study_name} drew from {trial.distributions[key]} before; give the same, "
                    "or another hydra.sweeper.study_name"
                ) from error


def import_optuna() -> Any:
    """Return the `optuna` module; raise `InputError` that names the extra where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise InputError('hydra/sweeper=optuna needs Optuna: pip install "slugline[sweep]"') from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def open_study(study_name: str, storage: str, prune: bool, seed: int) -> Any:
    """Return a study, a new one or one to be taken up again, and say where it is."""
    optuna = import_optuna()
    if storage.startswith("sqlite:///"):
        Path(storage.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
    study = optuna.create_study(
        study_name=study_name,
        storage=storage,
        pruner=make_pruner(prune),
        direction="maximize",
        load_if_exists=True,
    )
    study.sampler = optuna.samplers.TPESampler(seed=seed + count_ended(study))  # or it would draw the same again
    print(f"study   {study_name} in {storage}: {count_ended(study)} trials so far", flush=True)
    return study


def make_pruner(prune: bool) -> Any:
    """Return what decides on ending a job early: from the second fold on, below the median of at least five jobs."""
    pruners = import_optuna().pruners
    return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1) if prune else pruners.NopPruner()


def to_distribution(override: Any) -> Any:
    """Return what Optuna draws from for an override such as `interval(0.1, 10)`, `range(1, 5)` or `a,b`."""
    distributions, sweep = import_optuna().distributions, override.value()
    if override.is_interval_sweep():
        return distributions.FloatDistribution(sweep.start, sweep.end, log="log" in sweep.tags)
    numbers = sweep.range() if override.is_range_sweep() else None
    if isinstance(numbers, range):
        return distributions.IntDistribution(numbers[0], numbers[-1], step=numbers.step)
    return distributions.CategoricalDistribution(list(override.sweep_string_iterator()))


def count_ended(study: Any) -> int:
    """Return how many trials of a study have ended, whichever way."""
    return sum(trial.state.is_finished() for trial in study.get_trials(deepcopy=False))


def finish(study: Any, trial: Any, value: float) -> None:
    """Tell Optuna what a job returned: its value, that it was pruned, or (NaN) that it failed."""
    states = import_optuna().trial.TrialState
    if value == PRUNED:
        study.tell(trial, state=states.PRUNED)
    elif value != value:
        study.tell(trial, state=states.FAIL)
    else:
        study.tell(trial, value)


class Trial:
    """The trial of a search that this process is a job of; outside a search it does nothing."""

    def __init__(self) -> None:
        self.trial: Any = None
        if TRIAL in os.environ:
            optuna, settings = import_optuna(), HydraConfig.get().sweeper
            name, _, number = os.environ[TRIAL].rpartition("/")
            study = optuna.load_study(study_name=name, storage=settings.storage, pruner=make_pruner(settings.prune))
            self.trial = optuna.trial.Trial(study, study.get_trials(deepcopy=False)[int(number)]._trial_id)

    def report(self, step: int, value: float) -> None:
        """Tell how good the job is after so many folds; raise `Stopped` when that is not good enough to go on."""
        if self.trial is None:
            return
        self.trial.report(value, step)
        if self.trial.should_prune():
            raise Stopped(f"pruned after {step + 1} folds at {value:.3f}, below the median of earlier jobs")
