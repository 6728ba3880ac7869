"""Runs without MLflow: all that is known of one stays in its folder."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from slugline.files import write_atomically
from slugline.tracking.finished_run import METRICS, MODEL, DataSet, FinishedRun
from slugline.tracking.store_errors import StoreError

if TYPE_CHECKING:  # keeps pandas out of prediction's imports
    from slugline.cache import Stages


@dataclass(frozen=True)
class Off:
    """No tracking: files and model stay in the folder of the run."""

    def check(self) -> None:
        """Check nothing: there is no store."""

    @contextmanager
    def run(
        self,
        name: str,
        folder: Path,
        params: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        run_id: str | None = None,
        started: float | None = None,
    ) -> Iterator["LocalRun"]:
        """Start a run that is a folder."""
        yield LocalRun(folder)


@dataclass(frozen=True)
class LocalRun:
    """A run without MLflow."""

    folder: Path
    run_id: ClassVar[None] = None

    def log_data(self, data: Sequence[DataSet]) -> None:
        """Keep nothing: the config in the folder says what was read."""

    def log_files(self, folder: Path, description: str) -> None:
        """Keep nothing: the files are in the folder."""

    def log_finished(self, run: FinishedRun, stages: "Stages | None" = None) -> str:
        """Keep nothing: all is in the folder; return that of the model."""
        return str(run.folder / MODEL)

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Write the metrics beside the other files."""
        text = json.dumps(dict(metrics), indent=1)
        with write_atomically(self.folder / METRICS) as draft:
            draft.write_text(text + "\n", encoding="utf-8")

    def log_scores(self, metrics: Mapping[str, float], job: int, command: str) -> None:
        """Keep the metrics: which job of a sweep a folder belongs to, its name says."""
        self.log_metrics(metrics)

    def where(self) -> str:
        """Say where the run is."""
        return str(self.folder)


@dataclass(frozen=True)
class UnreachedRun(LocalRun):
    """A run that the store could not begin; its training goes on, and is left in its folder.

    `error` says why; it is raised when all is to be logged.
    """

    error: StoreError

    def log_finished(self, run: FinishedRun, stages: "Stages | None" = None) -> NoReturn:
        """Raise the error of the store."""
        raise self.error
