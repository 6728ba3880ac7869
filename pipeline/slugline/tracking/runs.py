"""Runs: what is logged of a run, to MLflow or to a folder."""

import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr
from dataclasses import dataclass, field, replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slugline.errors import InputError, Stopped
from slugline.files import write_atomically
from slugline.project import SAMPLE_MODEL, default_name
from slugline.tracking.finished_run import METRICS, MODEL, DataSet, FinishedRun
from slugline.tracking.keys import to_mlflow_key
from slugline.tracking.origin import origin_tags
from slugline.tracking.processes import process_tags
from slugline.tracking.store import PARENT, check_writable, connect, explained, in_sweep, sqlite_file
from slugline.tracking.store_errors import asking_once, store_exceptions
from slugline.tracking.uploads import naming, upload_files, upload_model

if TYPE_CHECKING:  # keeps pandas out of prediction's imports
    from slugline.cache import Stages

_CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
_COLUMNS = ["sentence_id", "article_id", "text", "labels"]  # of a data set
_BATCH_METRICS, _BATCH_PARAMS = 1000, 100  # what one `log_batch` takes


@dataclass(frozen=True)
class Mlflow:
    """Log runs and models to MLflow.

    Parameters
    ----------
    uri : str, optional
        Of the store; by default `MLFLOW_TRACKING_URI`, else the store in `experiments/`.
    experiment : str
        The experiment that runs belong to, by default named like the project.
    registered_model : str, optional
        The registered model that models become versions of, by default named like the project; None registers none.
        Trained on the sample, a model goes to `slugline-sample` by default.
    alias : str
        The alias of the version in use, which the first version gets.
    """

    uri: str | None = None
    experiment: str = field(default_factory=default_name)
    registered_model: str | None = field(default_factory=default_name)
    alias: str = "champion"

    def __post_init__(self) -> None:
        name = self.registered_model
        if name is not None and (not name.strip() or set("/:") & set(name)):
            raise InputError(f"registered_model: '{name}'; allowed: a name without / and :, or null to register none")
        if not self.experiment.strip():
            raise InputError("experiment: its name is empty; allowed: a name")

    def for_sample(self) -> "Mlflow":
        """Return the same, but that nobody takes the model of the sample for their own, unless they name it so."""
        is_default = self.registered_model == default_name()
        return replace(self, registered_model=SAMPLE_MODEL) if is_default else self

    @contextmanager
    def run(
        self,
        name: str,
        folder: Path,
        params: Mapping[str, Any],
        *,
        tags: Mapping[str, str] | None = None,
        run_id: str | None = None,
    ) -> Iterator["MlflowRun"]:
        """Start a run, a child of the sweep's if there is one; an error marks it FAILED and becomes its tag `error`.

        Parameters
        ----------
        name : str
            The name of the run.
        folder : Path
            Its folder.
        params : mapping of str to object
            Its parameters.
        tags : mapping of str to str, optional
            Where it comes from; by default what `origin_tags` tells of this process.
        run_id : str, optional
            Of a run that is there and is gone on with.
        """
        with explained(self.uri):
            mlflow = self.connect()
            tags = (origin_tags() if tags is None else dict(tags)) | process_tags()
            parent = None if run_id else os.environ.get(PARENT)
            active = mlflow.start_run(run_id=run_id, run_name=name, parent_run_id=parent, tags=tags)
            try:
                run = MlflowRun(self, mlflow, active.info.run_id)
                run.log_params(params)
                yield run
            except BaseException as error:
                self._fail(mlflow, active.info.run_id, error)
                raise
            mlflow.end_run()

    def _fail(self, mlflow: Any, run_id: str, error: BaseException) -> None:
        """End a run after an error; where the store cannot be told, which may be the error, add a note that says so."""
        try:
            with asking_once():
                mlflow.end_run("KILLED" if isinstance(error, KeyboardInterrupt | Stopped) else "FAILED")
                text = f"{type(error).__name__}: {error}"[:4000]
                mlflow.MlflowClient().set_tag(run_id, "error", text)
        except store_exceptions(OSError):
            error.add_note(f"run {run_id} may be left RUNNING there, until the next command that reaches the store")

    def check(self) -> None:
        """Raise `StoreError` for a store that nothing can be logged to; called before the work begins."""
        check_writable(self.uri)

    def connect(self) -> Any:
        """Return the `mlflow` module, set to the store and the experiment, which are made where need be."""
        mlflow = connect(self.uri)
        if mlflow.get_experiment_by_name(self.experiment) is None:
            self._create_experiment(mlflow)
        mlflow.set_experiment(self.experiment)
        return mlflow

    def _create_experiment(self, mlflow: Any) -> None:
        database = sqlite_file(mlflow.get_tracking_uri())  # else MLflow would put artifacts into the current folder
        try:
            mlflow.create_experiment(
                self.experiment, (database.parent / "artifacts").resolve().as_uri() if database else None
            )
        except mlflow.exceptions.MlflowException:
            if mlflow.get_experiment_by_name(self.experiment) is None:  # else another process was quicker
                raise


@dataclass(frozen=True)
class MlflowRun:
    """A run that is under way."""

    settings: Mlflow
    mlflow: Any
    run_id: str

    def log_data(self, data: Sequence[DataSet]) -> None:
        """Record the sentences of each part as a data set, under the digest of its texts and labels."""
        import pandas as pd

        for part in data:
            # MLflow describes a frame by its columns and its length, and keeps nothing else of it
            frame = pd.DataFrame("", index=range(part.rows), columns=_COLUMNS)
            # A path "can be interpreted in multiple ways": MLflow has that source twice
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The specified dataset source", UserWarning)
                dataset = self.mlflow.data.from_pandas(frame, source=part.source, name=part.name, digest=part.digest)
            self.mlflow.log_input(dataset, context=_CONTEXTS[part.part])

    def log_files(self, folder: Path, description: str, tables: Sequence[str] = ()) -> None:
        """Log the files of a folder, and the description that the UI shows."""
        upload_files(self.mlflow, folder, tables)
        self.mlflow.set_tag("mlflow.note.content", description)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters in as few calls as the server allows."""
        from mlflow.entities import Param

        client, entities = self.mlflow.MlflowClient(), [Param(key, str(value)[:6000]) for key, value in params.items()]
        for start in range(0, len(entities), _BATCH_PARAMS):
            client.log_batch(self.run_id, params=entities[start : start + _BATCH_PARAMS])

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Log metrics in as few calls as the server allows."""
        from mlflow.entities import Metric

        now, client = int(time.time() * 1000), self.mlflow.MlflowClient()
        entities = [Metric(to_mlflow_key(key), value, now, 0) for key, value in metrics.items()]
        for start in range(0, len(entities), _BATCH_METRICS):
            client.log_batch(self.run_id, metrics=entities[start : start + _BATCH_METRICS])

    def log_model(self, folder: Path) -> str:
        """Log a saved model as a pyfunc of data alone; return its URI."""
        return upload_model(self.mlflow, folder)

    def log_finished(self, run: FinishedRun, stages: "Stages | None" = None) -> str:
        """Log all that the folder of a finished run holds, and register its model; return the model's URI.

        A model that is there already, of an attempt that failed, is not logged twice. The stages of a training under
        way give its seconds up to the end of this; else they are those that it had when it was finished.
        """
        with stages.timed("log") if stages else nullcontext():
            self.log_data(run.data)
            known = self.mlflow.get_run(self.run_id).data.tags.get("model_uri")
            with naming(run, self.run_id) as folder:
                uri = str(known or self.log_model(folder / MODEL))
                self.log_files(folder, run.description, run.tables)
        self.log_metrics(run.metrics() | (stages.all_seconds() if stages else {}))
        # Last, so that no model is registered whose run is not whole
        return self.register_model(uri, run.description)

    def register_model(self, uri: str, description: str) -> str:
        """Register a logged model as the next version, the first one as the champion; return the version's URI.

        Where no registered model is named, or in a sweep, whose best model alone is registered at its end, nothing is
        registered, and the URI stays as it is.
        """
        if self.settings.registered_model is None or in_sweep():
            return uri
        name, alias, client = self.settings.registered_model, self.settings.alias, self.mlflow.MlflowClient()
        registered = self._registered(client) or self._register(uri)
        client.update_model_version(name, registered.version, description)
        if alias in client.get_registered_model(name).aliases:
            return f"models:/{name}/{registered.version}"
        client.set_registered_model_alias(name, alias, registered.version)
        return f"models:/{name}@{alias}"

    def _registered(self, client: Any) -> Any:
        """Return the version that this run registered before, None where there is none."""
        versions = client.search_model_versions(f"run_id='{self.run_id}'")
        return next((version for version in versions if version.name == self.settings.registered_model), None)

    def _register(self, uri: str) -> Any:
        """Register a logged model and return its version."""
        with redirect_stderr(StringIO()):  # MLflow prints there what we say ourselves
            return self.mlflow.register_model(uri, self.settings.registered_model)

    def forget_error(self) -> None:
        """Remove what an attempt that failed left as the tag `error`."""
        if "error" in self.mlflow.get_run(self.run_id).data.tags:
            self.mlflow.MlflowClient().delete_tag(self.run_id, "error")

    def where(self) -> str:
        """Say which run this is, in which store."""
        return f"{self.run_id} in experiment {self.settings.experiment} of {self.mlflow.get_tracking_uri()}"


@dataclass(frozen=True)
class Off:
    """No tracking: files and model stay in the folder of the run."""

    def check(self) -> None:
        """Check nothing: there is no store."""

    @contextmanager
    def run(
        self, name: str, folder: Path, params: Mapping[str, Any], *, tags: Mapping[str, str] | None = None
    ) -> Iterator["LocalRun"]:
        """Start a run that is a folder."""
        yield LocalRun(folder)


@dataclass(frozen=True)
class LocalRun:
    """A run without MLflow."""

    folder: Path
    run_id: None = None

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

    def where(self) -> str:
        """Say where the run is."""
        return str(self.folder)


ActiveRun = MlflowRun | LocalRun
