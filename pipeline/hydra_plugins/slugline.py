"""Hydra finds sweepers in the namespace package `hydra_plugins` alone, so this one lives there."""

from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


class OptunaSweeper(Sweeper):
    """Run jobs with values that Optuna proposes; see `slugline.training.search`."""

    def __init__(self, n_trials: int, n_jobs: int, **study: Any) -> None:
        self.n_trials, self.n_jobs, self.study = n_trials, n_jobs, study

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        """Take what Hydra gives to a sweeper."""
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Any]:
        """Run jobs until `n_trials` of the study have ended."""
        from slugline.training.search import StudySettings, count_ended, search

        context: Any = self.hydra_context
        overrides = OverridesParser.create(context.config_loader).parse_overrides(arguments)
        settings = StudySettings(**self.study)
        print(f"study   {settings.study_name} in {settings.storage}: {count_ended(settings.open())} trials so far")
        return search(settings, overrides, self._launch, n_trials=self.n_trials, n_jobs=self.n_jobs)

    def _launch(self, jobs: list[list[str]], first: int) -> Any:
        launcher: Any = self.launcher
        self.validate_batch_is_legal(jobs)
        return launcher.launch(jobs, initial_job_idx=first)
