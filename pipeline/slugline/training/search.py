"""Optuna searches: Optuna proposes the values of a sweep's jobs, and a job reports how it goes.

Hydra's side of it is `hydra_plugins.slugline`; `hydra-optuna-sweeper` is held at Optuna 2.10.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slugline.errors import InputError, Stopped

_TRIAL = "SLUGLINE_TRIAL"  # environment variable: which trial a job is, and of which study, as JSON
PRUNED = float("-inf")  # what a job returns that was ended early

_LaunchJobs = Callable[[list[list[str]], int], Sequence[Any]]  # overrides of each job, and the number of the first


@dataclass(frozen=True)
class StudySettings:
    """An Optuna study.

    Parameters
    ----------
    study_name : str
        The name of an earlier study takes it up again.
    storage : str
        Where it is kept, such as `sqlite:///experiments/optuna.db`.
    prune : bool
        Whether a job whose first folds are worse than the median of those before is ended.
    seed : int
        Of the sampler.
    """

    study_name: str
    storage: str
    prune: bool = True
    seed: int = 0

    def open(self) -> Any:
        """Return the study, a new one or one to be taken up again."""
        optuna = import_optuna()
        if self.storage.startswith("sqlite:///"):
            Path(self.storage.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        study = optuna.create_study(
            study_name=self.study_name,
            storage=self.storage,
            pruner=self._pruner(),
            direction="maximize",
            load_if_exists=True,
        )
        # Each time another seed, or it would draw the same values again
        study.sampler = optuna.samplers.TPESampler(seed=self.seed + count_ended(study))
        return study

    def load_trial(self, number: int) -> Any:
        """Return a trial of the study that is under way."""
        optuna = import_optuna()
        study = optuna.load_study(study_name=self.study_name, storage=self.storage, pruner=self._pruner())
        return optuna.trial.Trial(study, study.get_trials(deepcopy=False)[number]._trial_id)

    def _pruner(self) -> Any:
        """Return what ends a job early: from the second fold on, below the median of at least five jobs."""
        pruners = import_optuna().pruners
        return pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1) if self.prune else pruners.NopPruner()


def search(
    settings: StudySettings, overrides: Sequence[Any], launch: _LaunchJobs, *, n_trials: int, n_jobs: int
) -> dict[int, list[str]]:
    """Run jobs until enough trials of a study have ended.

    Parameters
    ----------
    settings : StudySettings
        The study.
    overrides : sequence of hydra Override
        Those that sweep are drawn from, the others are the same for all jobs.
    launch : callable
        Runs some jobs, and returns their results.
    n_trials : int
        How many trials are to have ended, those of earlier calls counted.
    n_jobs : int
        How many jobs run at a time.

    Returns
    -------
    dict of int to list of str
        The overrides of each job by its number, without the marker of its trial.

    Raises
    ------
    InputError
        For numbers below 1, or values that the study drew otherwise before.
    """
    if n_trials < 1 or n_jobs < 1:
        raise InputError(f"hydra.sweeper: n_trials={n_trials} n_jobs={n_jobs}; allowed: 1 or more")
    fixed = [str(override.input_line) for override in overrides if not override.is_sweep_override()]
    varied = [override for override in overrides if override.is_sweep_override()]
    space = {override.get_key_element(): to_distribution(override) for override in varied}
    study = settings.open()
    _check_space(study, space)

    done: dict[int, list[str]] = {}
    while (ended := count_ended(study)) < n_trials:
        trials = [study.ask(space) for _ in range(min(n_jobs, n_trials - ended))]
        jobs = [[*fixed, *(f"{key}={value}" for key, value in trial.params.items())] for trial in trials]
        marked = [[*job, _mark(settings, trial.number)] for job, trial in zip(jobs, trials, strict=True)]
        returned = launch(marked, trials[0].number)
        for trial, result in zip(trials, returned, strict=True):
            _finish(study, trial, result.return_value)
        done |= {trial.number: job for trial, job in zip(trials, jobs, strict=True)}
    return done


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


def import_optuna() -> Any:
    """Return the `optuna` module; raise `InputError` that names the extra where it is not installed."""
    try:
        import optuna
    except ImportError as error:
        raise InputError('hydra/sweeper=optuna needs Optuna: pip install "slugline[sweep]"') from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def report_fold(step: int, value: float) -> None:
    """Report to the search how good this job is after a fold; outside a search do nothing.

    Raises
    ------
    Stopped
        When the job is not good enough to go on.
    """
    if _TRIAL not in os.environ:
        return
    settings = json.loads(os.environ[_TRIAL])
    trial = StudySettings(**settings["study"]).load_trial(settings["number"])
    trial.report(value, step)
    if trial.should_prune():
        raise Stopped(f"pruned after {step + 1} folds at {value:.3f}, below the median of earlier jobs")


def _mark(settings: StudySettings, number: int) -> str:
    """Return the override that tells a job which trial it is."""
    marker = json.dumps({"study": asdict(settings), "number": number}).replace("'", "\\'")
    return f"+hydra.job.env_set.{_TRIAL}='{marker}'"


def _check_space(study: Any, space: Mapping[str, Any]) -> None:
    """Raise `InputError` where a study drew from other choices before."""
    check = import_optuna().distributions.check_distribution_compatibility
    for trial in study.get_trials(deepcopy=False):
        for key in space.keys() & trial.distributions.keys():
            try:
                check(trial.distributions[key], space[key])
            except ValueError as error:
                raise InputError(
                    f"{key}: study {study.study_name} drew from {trial.distributions[key]} before; give the same, "
                    "or another hydra.sweeper.study_name"
                ) from error


def _finish(study: Any, trial: Any, value: float) -> None:
    """Tell Optuna what a job returned: its value, that it was pruned, or (NaN) that it failed."""
    states = import_optuna().trial.TrialState
    if value == PRUNED:
        study.tell(trial, state=states.PRUNED)
    elif value != value:
        study.tell(trial, state=states.FAIL)
    else:
        study.tell(trial, value)
