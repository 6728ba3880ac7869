"""Trainings under way: settings that can begin, and the run of the tracking that begins once."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache

from slugline.cache import Stages
from slugline.candidates import SWEEP_MEMORY
from slugline.components import settings_to_config, to_params
from slugline.dataset import Dataset
from slugline.launch import Launch
from slugline.recording import data_sets, reads_sample
from slugline.tracking import (
    ActiveRun,
    Mlflow,
    Origin,
    StoreError,
    UnreachedRun,
    explained,
    in_sweep,
    is_only_scored,
    scored_run,
)
from slugline.tracking.kept_parts import pin_kept, resolve_kept
from slugline.training.fit import FittedModel, fit_model
from slugline.training.settings import TrainSettings


@dataclass(frozen=True)
class Job:
    """A training under way: `start` begins the run of the tracking once, and returns it.

    `recorded` are its settings as they are recorded; `settings` hold the parts of `split.keep` themselves.
    """

    settings: TrainSettings
    recorded: TrainSettings
    launch: Launch
    stages: Stages
    start: Callable[[], ActiveRun]
    show: Callable[[str], object]
    origin: Origin

    def command_line(self) -> list[str] | None:
        """Return what was given on the command line; None where there was none."""
        return None if self.launch.overrides is None else [*self.launch.options, *self.launch.overrides]

    def refit(self, dataset: Dataset) -> FittedModel:
        """Fit a model with the same settings on another dataset; its stages are not counted."""
        return fit_model(dataset, self.settings, Stages(self.settings.cache, self.stages.memory))

    def log_data(self, dataset: Dataset, digests: Mapping[str, str]) -> None:
        """Log what is trained and tested on, unless the job is only scored."""
        if is_only_scored():
            return
        with self.stages.timed("log"):
            active = self.start()
            try:
                with explained(getattr(self.settings.tracking, "uri", None)):
                    active.log_data(data_sets(dataset, digests, self.settings.data, self.origin))
            except StoreError as error:  # all is logged once more at the end
                self.show(_caution(error, self.launch))


@contextmanager
def begin_job(settings: TrainSettings, launch: Launch, show: Callable[[str], object]) -> Iterator[Job]:
    """Give a training that can begin; its run ends with the block."""
    tracking = Mlflow() if settings.tracking is None else settings.tracking
    if isinstance(tracking, Mlflow) and reads_sample(settings.data):
        tracking = tracking.for_sample()
        settings = replace(settings, tracking=tracking)
    tracking.check()
    settings = replace(settings, split=pin_kept(settings.split, getattr(tracking, "uri", None)))
    chosen = {f"choice/{group}": option for group, option in launch.choices.items()}
    origin = Origin.now(settings.name or launch.name, to_params(settings_to_config(settings)) | chosen)
    at_once = in_sweep() or getattr(settings.data, "chunk_rows", None) is not None
    with ExitStack() as stack:

        @cache
        def start() -> ActiveRun:
            run: AbstractContextManager[ActiveRun] = tracking.run(
                origin.name,
                launch.folder,
                origin.params,
                tags=origin.tags,
                run_id=scored_run(),
                started=origin.started,
            )
            try:
                return stack.enter_context(run)
            except StoreError as error:
                if at_once:
                    raise
                show(_caution(error, launch))
                return UnreachedRun(launch.folder, error)

        if at_once:
            start()  # a job that fails is recorded, too; and what takes long does not begin without a run
        known = replace(settings, split=resolve_kept(settings.split, getattr(tracking, "uri", None)))
        stages = Stages(settings.cache, SWEEP_MEMORY.stages if in_sweep() else None)
        yield Job(known, settings, launch, stages, start, show, origin)


def _caution(error: StoreError, launch: Launch) -> str:
    """Say that a training goes on without its store."""
    return f"caution {error}; the training goes on, and its results will be in {launch.folder}"
