"""Hydra finds sweepers in the namespace package `hydra_plugins` alone, so this one lives there."""

from typing import Any

from hydra._internal.core_plugins import basic_sweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper


class GridSweeper(basic_sweeper.BasicSweeper):
    """Run all combinations of the values given, score each, and evaluate the best in full."""

    def __init__(
        self, max_batch_size: int | None, params: dict[str, str] | None, evaluate: int | str, choose: str
    ) -> None:
        super().__init__(max_batch_size, params)  # `choose` is for the callback that ends the sweep
        self.evaluate = evaluate

    def sweep(self, arguments: list[str]) -> list[Any]:
        """Run and score all jobs, then evaluate the best."""
        from slugline.config.sweep import check_evaluate, evaluate_best

        self.count = check_evaluate(self.evaluate)
        returned: list[Any] = super().sweep(arguments)
        jobs = dict(enumerate(job for batch in self.overrides or () for job in batch))
        config: Any = self.config
        return [*returned, evaluate_best(self.launcher, config, jobs, self.count)]

    def get_job_batch(self) -> list[list[str]]:
        """Return the next jobs, which are only scored where fewer are to be evaluated than there are."""
        from slugline.config.sweep import only_score

        total = sum(map(len, self.overrides or ()))
        count = None if self.count is None or self.count >= total else self.count
        return [only_score(job, count) for job in super().get_job_batch()]

    def validate_batch_is_legal(self, batch: Any) -> None:
        """Compose, of jobs that are to be run, so many that every value of an override is tried."""
        seen: set[str] = set()
        chosen = []
        for job in batch:
            if new := set(job) - seen:
                seen |= new
                chosen.append(job)
        super().validate_batch_is_legal(chosen)


class OptunaSweeper(Sweeper):
    """Run jobs with values that Optuna proposes; see `slugline.training.search`."""

    def __init__(self, n_trials: int, n_jobs: int, evaluate: int | str, choose: str, **study: Any) -> None:
        self.n_trials, self.n_jobs, self.evaluate, self.study = n_trials, n_jobs, evaluate, study

    def setup(self, *, hydra_context: Any, task_function: Any, config: Any) -> None:
        """Take what Hydra gives to a sweeper."""
        self.hydra_context, self.config = hydra_context, config
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> list[Any]:
        """Run jobs until `n_trials` of the study have ended, then evaluate the best."""
        from slugline.config.sweep import check_evaluate, evaluate_best
        from slugline.training.search import StudySettings, count_ended, search

        self.count = check_evaluate(self.evaluate)
        context: Any = self.hydra_context
        overrides = OverridesParser.create(context.config_loader).parse_overrides(arguments)
        settings = StudySettings(**self.study)
        print(f"study   {settings.study_name} in {settings.storage}: {count_ended(settings.open())} trials so far")
        jobs = search(settings, overrides, self._launch, n_trials=self.n_trials, n_jobs=self.n_jobs)
        config: Any = self.config
        return evaluate_best(self.launcher, config, jobs, self.count)

    def _launch(self, jobs: list[list[str]], first: int) -> Any:
        from slugline.config.sweep import only_score

        launcher: Any = self.launcher
        jobs = [only_score(job, self.count) for job in jobs]
        self.validate_batch_is_legal(jobs)
        return launcher.launch(jobs, initial_job_idx=first)
