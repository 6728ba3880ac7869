"""Runs: what is logged of a run to MLflow."""

import json
import os
import re
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from slugline.errors import InputError, Stopped
from slugline.project import SAMPLE_MODEL, default_name
from slugline.tracking.finished_run import METRICS, MODEL, DataSet, FinishedRun, find_report
from slugline.tracking.headlines import headline_metrics, headline_tags
from slugline.tracking.keys import to_mlflow_key
from slugline.tracking.local_runs import LocalRun
from slugline.tracking.origin import origin_tags
from slugline.tracking.processes import process_tags
from slugline.tracking.registered_model import register_version, write_description
from slugline.tracking.scored_runs import COMMAND_IN_FULL, JOB_NUMBER, describe_only_scored
from slugline.tracking.store import PARENT, check_writable, connect, explained, in_sweep, sqlite_file
from slugline.tracking.store_errors import asking_once, store_exceptions
from slugline.tracking.uploads import NOTE, naming, read_card, upload_files, upload_model

if TYPE_CHECKING:  # keeps pandas out of prediction's imports
    from slugline.cache import Stages

_CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
_COLUMNS = ["sentence_id", "article_id", "text", "labels"]  # of a data set
_MODEL_ID = re.compile(r"models:/(m-\w+)")
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
        started: float | None = None,
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
        started : float, optional
            When what it records began, in seconds from 1970; by default now.
        """
        with explained(self.uri):
            mlflow = self.connect()
            tags = (origin_tags() if tags is None else dict(tags)) | process_tags()
            if run_id is None:
                run_id = self._create_run(mlflow, name, tags, started or time.time())
            active = mlflow.start_run(run_id=run_id, tags=tags)
            try:
                run = MlflowRun(self, mlflow, active.info.run_id)
                run.log_params(params)
                yield run
            except BaseException as error:
                self._fail(mlflow, active.info.run_id, error)
                raise
            mlflow.end_run()

    def _create_run(self, mlflow: Any, name: str, tags: Mapping[str, str], started: float) -> str:
        """Make a run that began at a time, which `start_run` cannot, and return its id."""
        from mlflow.tracking.context.registry import resolve_tags
        from mlflow.utils.mlflow_tags import MLFLOW_PARENT_RUN_ID

        parent = {MLFLOW_PARENT_RUN_ID: os.environ[PARENT]} if in_sweep() else {}
        experiment = mlflow.get_experiment_by_name(self.experiment)
        run = mlflow.MlflowClient().create_run(
            experiment.experiment_id, int(started * 1000), resolve_tags({**tags, **parent}), name
        )
        return str(run.info.run_id)

    def _fail(self, mlflow: Any, run_id: str, error: BaseException) -> None:
        """End a run after an error; where the store cannot be told, which may be the error, add a note that says so."""
        try:
            with asking_once():
                status = "KILLED" if isinstance(error, KeyboardInterrupt | Stopped) else "FAILED"
                mlflow.end_run(status)
                mlflow.MlflowClient().set_terminated(run_id, status)  # also where its end was what failed
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
        from mlflow.entities import Dataset, DatasetInput, InputTag
        from mlflow.utils.mlflow_tags import MLFLOW_DATASET_CONTEXT

        inputs = []
        for part in data:
            dataset = Dataset(**(self._describe_columns(part) | {"profile": _profile(part)}))
            inputs.append(DatasetInput(dataset, [InputTag(MLFLOW_DATASET_CONTEXT, _CONTEXTS[part.part])]))
        self.mlflow.MlflowClient().log_inputs(self.run_id, inputs)

    def _describe_columns(self, data: DataSet) -> dict[str, str]:
        """Return what MLflow records of a data set, of a single row: it would look at each value of all."""
        import pandas as pd

        frame = pd.DataFrame("", index=range(1), columns=_COLUMNS)
        # A path "can be interpreted in multiple ways": MLflow has that source twice
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "The specified dataset source", UserWarning)
            dataset = self.mlflow.data.from_pandas(frame, source=data.source, name=data.name, digest=data.digest)
        return dict(dataset.to_dict())

    def log_files(self, folder: Path, description: str, tables: Sequence[str] = ()) -> None:
        """Log the files of a folder, and the description that the UI shows, a link to the page above it."""
        upload_files(self.mlflow, folder, tables)
        if page := find_report(folder):
            place = f"#/experiments/{self.mlflow.get_run(self.run_id).info.experiment_id}/runs/{self.run_id}"
            description = f"[The report]({place}/artifacts/{page})\n\n{description}"
        self.mlflow.set_tag(NOTE, description)

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters in as few calls as the server allows."""
        from mlflow.entities import Param

        client, entities = self.mlflow.MlflowClient(), [Param(key, str(value)[:6000]) for key, value in params.items()]
        for start in range(0, len(entities), _BATCH_PARAMS):
            client.log_batch(self.run_id, params=entities[start : start + _BATCH_PARAMS])

    def log_metrics(self, metrics: Mapping[str, float], model_uri: str = "", data: Sequence[DataSet] = ()) -> None:
        """Log metrics in as few calls as the server allows, those of a part also to the logged model, with its data."""
        from mlflow.entities import Metric

        now, client = int(time.time() * 1000), self.mlflow.MlflowClient()
        model = _MODEL_ID.fullmatch(model_uri)
        links = {
            part.part: {"model_id": model[1], "dataset_name": part.name, "dataset_digest": part.digest}
            for part in data
            if model
        }
        entities = [
            Metric(to_mlflow_key(key), value, now, 0, **links.get(key.partition("/")[0], {}))
            for key, value in metrics.items()
        ]
        for start in range(0, len(entities), _BATCH_METRICS):
            client.log_batch(self.run_id, metrics=entities[start : start + _BATCH_METRICS])

    def log_scores(self, metrics: Mapping[str, float], job: int, command: str) -> None:
        """Log all that is known of a job of a sweep that is only scored, with the command that trains it in full."""
        from mlflow.entities import RunTag

        client = self.mlflow.MlflowClient()
        client.log_dict(self.run_id, dict(metrics), METRICS)
        self.log_metrics(headline_metrics(metrics))
        tags = {JOB_NUMBER: str(job), COMMAND_IN_FULL: command, NOTE: describe_only_scored(command)}
        tags |= headline_tags(metrics)
        client.log_batch(self.run_id, tags=[RunTag(key, text[:8000]) for key, text in tags.items()])

    def log_model(self, folder: Path) -> str:
        """Log a saved model as a pyfunc of data alone; return its URI."""
        return upload_model(self.mlflow, folder)

    def log_finished(self, run: FinishedRun, stages: "Stages | None" = None) -> str:
        """Log all that the folder of a finished run holds, register its model, and end the run; return the model's URI.

        A model that is there already, of an attempt that failed, is not logged twice. The stages of a training under
        way give its seconds up to the end of this; else they are those that it had when it was finished.
        """
        with stages.timed("log") if stages else nullcontext():
            self.log_data(run.data)
            logged = self.mlflow.get_run(self.run_id)
            tags = logged.data.tags
            with naming(run, self.run_id) as folder:
                uri = str(tags.get("model_uri") or self.log_model(folder / MODEL))
                self.log_files(folder, run.description, run.tables)
                card = read_card(folder / MODEL)
        metrics = run.metrics() | (stages.all_seconds() if stages else {})
        self.mlflow.set_tags(headline_tags(metrics))
        self.log_metrics(headline_metrics(metrics), uri, run.data)
        if COMMAND_IN_FULL in tags:
            self.mlflow.MlflowClient().delete_tag(self.run_id, COMMAND_IN_FULL)
        # Last, so that no model is registered whose run is not whole
        registered = self.register_model(uri, card, self.run_id, run.folder / MODEL)
        self.mlflow.end_run()
        end = logged.info.start_time + round(1000 * metrics.get("time/total", 0))  # the duration that MLflow shows
        self.mlflow.MlflowClient().set_terminated(self.run_id, end_time=end)
        return registered

    def register_model(self, uri: str, card: str, run_id: str, folder: Path | None = None) -> str:
        """Register the logged model of a run as the next version, the first one as champion; return the version's URI.

        Where no registered model is named, or in a sweep, whose best model alone is registered at its end, nothing is
        registered, and the URI stays as it is. `folder` is that of the saved model, where it is at hand.
        """
        if self.settings.registered_model is None or in_sweep():
            return uri
        name, alias, client = self.settings.registered_model, self.settings.alias, self.mlflow.MlflowClient()
        number = register_version(self.mlflow, name, uri, card, client.get_run(run_id))
        if alias in client.get_registered_model(name).aliases:
            return f"models:/{name}/{number}"
        client.set_registered_model_alias(name, alias, number)
        write_description(client, name, alias, folder)
        return f"models:/{name}@{alias}"

    def forget_error(self) -> None:
        """Remove what an attempt that failed left as the tag `error`."""
        if "error" in self.mlflow.get_run(self.run_id).data.tags:
            self.mlflow.MlflowClient().delete_tag(self.run_id, "error")

    def where(self) -> str:
        """Say which run this is, in which store."""
        return f"{self.run_id} in experiment {self.settings.experiment} of {self.mlflow.get_tracking_uri()}"


def _profile(data: DataSet) -> str:
    """Return the size of a data set as MLflow writes that of a frame."""
    return json.dumps({"num_rows": data.rows, "num_elements": data.rows * len(_COLUMNS)})


ActiveRun = MlflowRun | LocalRun
