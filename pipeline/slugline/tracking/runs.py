"""Runs: what is logged of a run, to MLflow or to a folder."""

import json
import os
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr, suppress
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from slugline.errors import InputError, Stopped
from slugline.project import SAMPLE_MODEL, default_name
from slugline.tracking.keys import to_mlflow_key
from slugline.tracking.origin import origin_tags
from slugline.tracking.store import MODEL_FOLDER, PARENT, check_writable, connect, explained, in_sweep, sqlite_file
from slugline.tracking.store_errors import store_exceptions

if TYPE_CHECKING:  # keeps pandas out of prediction's imports
    import pandas as pd

    from slugline.model import TopicModel

_REQUIREMENTS = ("slugline", "mlflow", "numpy", "scipy", "pyarrow", "pandas")  # what loading and serving a model needs
_CONTEXTS = {"train": "training", "dev": "validation", "test": "testing"}
EXAMPLE = "The two sides agreed to a ceasefire after talks in Geneva, officials said."
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
    def run(self, name: str, folder: Path, params: Mapping[str, Any]) -> Iterator["MlflowRun"]:
        """Start a run, a child of the sweep's if there is one; an error marks it FAILED and becomes its tag `error`."""
        with explained(self.uri):
            mlflow = self.connect()
            active = mlflow.start_run(run_name=name, parent_run_id=os.environ.get(PARENT), tags=origin_tags())
            try:
                run = MlflowRun(self, mlflow, active.info.run_id)
                run.log_params(params)
                yield run
            except BaseException as error:
                with suppress(*store_exceptions()):  # the store may be what failed
                    mlflow.set_tag("error", f"{type(error).__name__}: {error}"[:4000])
                    mlflow.end_run("KILLED" if isinstance(error, KeyboardInterrupt | Stopped) else "FAILED")
                raise
            mlflow.end_run()

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

    def log_data(
        self, frames: "Mapping[str, pd.DataFrame]", name: str, source: str, digests: Mapping[str, str]
    ) -> None:
        """Record the sentences of each part as a data set, under the digest of its texts and labels."""
        for part, frame in frames.items():
            # A path "can be interpreted in multiple ways": MLflow has that source twice
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "The specified dataset source", UserWarning)
                dataset = self.mlflow.data.from_pandas(
                    frame, source=source, name=f"{name}-{part}", digest=digests[part]
                )
            self.mlflow.log_input(dataset, context=_CONTEXTS[part])

    def log_files(self, folder: Path, description: str) -> None:
        """Log the files of a folder, and the description that the UI shows."""
        self.mlflow.log_artifacts(str(folder))
        self.mlflow.set_tag("mlflow.note.content", description)

    def log_tables(self, tables: "Mapping[str, pd.DataFrame]") -> None:
        """Log tables in the form that the UI's evaluation view compares across runs."""
        for name, table in tables.items():
            self.mlflow.log_table(table, f"{name}.json")

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

    def log_model(self, model: "TopicModel", card: str) -> str:
        """Log a model as a pyfunc of data alone, its card beside it; return its URI."""
        import pandas as pd

        from slugline.model.store import digest_model, save_model

        with TemporaryDirectory() as folder:
            saved = save_model(model, Path(folder) / Path(MODEL_FOLDER).name, card)
            info = self.mlflow.pyfunc.log_model(
                name="model",
                loader_module="slugline.model.pyfunc",
                data_path=str(saved),
                signature=_signature(model.topics),
                input_example=pd.DataFrame({"text": [EXAMPLE]}),
                pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
            )
            self.mlflow.set_tags({"model_uri": info.model_uri, "model_digest": digest_model(saved)})
        return str(info.model_uri)

    def register_model(self, uri: str, description: str) -> str:
        """Register a logged model as the next version, the first one as the champion; return the version's URI.

        Where no registered model is named, or in a sweep, whose best model alone is registered at its end, nothing is
        registered, and the URI stays as it is.
        """
        if self.settings.registered_model is None or in_sweep():
            return uri
        name, alias, client = self.settings.registered_model, self.settings.alias, self.mlflow.MlflowClient()
        with redirect_stderr(StringIO()):  # MLflow prints there what we say ourselves
            registered = self.mlflow.register_model(uri, name)
        client.update_model_version(name, registered.version, description)
        if alias in client.get_registered_model(name).aliases:
            return f"models:/{name}/{registered.version}"
        client.set_registered_model_alias(name, alias, registered.version)
        return f"models:/{name}@{alias}"

    def where(self) -> str:
        """Say which run this is, in which store."""
        return f"{self.run_id} in experiment {self.settings.experiment} of {self.mlflow.get_tracking_uri()}"


@dataclass(frozen=True)
class Off:
    """No tracking: files and model stay in the folder of the run."""

    def check(self) -> None:
        """Check nothing: there is no store."""

    @contextmanager
    def run(self, name: str, folder: Path, params: Mapping[str, Any]) -> Iterator["LocalRun"]:
        """Start a run that is a folder."""
        yield LocalRun(folder)


@dataclass(frozen=True)
class LocalRun:
    """A run without MLflow."""

    folder: Path
    run_id: None = None

    def log_data(
        self, frames: "Mapping[str, pd.DataFrame]", name: str, source: str, digests: Mapping[str, str]
    ) -> None:
        """Keep nothing: the config in the folder says what was read."""

    def log_files(self, folder: Path, description: str) -> None:
        """Keep nothing: the files are in the folder."""

    def log_metrics(self, metrics: Mapping[str, float]) -> None:
        """Write the metrics beside the other files."""
        (self.folder / "metrics.json").write_text(json.dumps(dict(metrics), indent=1) + "\n", encoding="utf-8")

    def log_tables(self, tables: "Mapping[str, pd.DataFrame]") -> None:
        """Keep nothing: the same tables are in the folder."""

    def log_model(self, model: "TopicModel", card: str) -> str:
        """Save the model with its card and return its folder."""
        from slugline.model import save_model

        return str(save_model(model, self.folder / "model", card))

    def register_model(self, uri: str, description: str) -> str:
        """Register nothing, and return where the model is."""
        return uri

    def where(self) -> str:
        """Say where the run is."""
        return str(self.folder)


ActiveRun = MlflowRun | LocalRun


def _signature(topics: Sequence[str]) -> Any:
    """Return what a logged model takes (`text`) and gives (`topics`, a probability per topic)."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    outputs: Any = [ColSpec(Array(DataType.string), "topics"), *(ColSpec(DataType.double, topic) for topic in topics)]
    return ModelSignature(inputs=Schema([ColSpec(DataType.string, "text")]), outputs=Schema(outputs))
