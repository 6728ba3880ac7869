"""Hydra finds sweepers in the namespace package `hydra_plugins` alone, so this one lives there."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


class OptunaSweeper(Sweeper):
    """Run jobs with values that Optuna proposes; `slugline.training.search` says how."""

    def __init__(self, n_trials: int, n_jobs: int, study_name: str, storage: str, prune: bool, seed: int) -> None:
        self.n_trials, self.n_jobs = n_trials, n_jobs
        self.study: dict[str, Any] = {"study_name": study_name, "storage": storage, "prune": prune, "seed": seed}

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        """Take what Hydra gives to a sweeper."""
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Any]:
        """Run jobs until `n_trials` of the study have ended."""
        from slugline.training.search import open_study, search

        context: Any = self.hydra_context
        overrides = OverridesParser.create(context.config_loader).parse_overrides(arguments)
        return search(open_study(**self.study), overrides, self.n_trials, self.n_jobs, self._launch)

    def _launch(self, jobs: list[list[str]], told: list[str], first: int) -> Any:
        launcher: Any = self.launcher
        self.validate_batch_is_legal(jobs)
        return launcher.launch([[*job, tell] for job, tell in zip(jobs, told, strict=True)], initial_job_idx=first)
