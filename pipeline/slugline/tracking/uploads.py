"""Uploads of what a folder holds: a model as MLflow takes it, the files of a run."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slugline.tracking.finished_run import METRICS, MODEL, RECORD, FinishedRun
from slugline.tracking.store import MODEL_FOLDER

_REQUIREMENTS = ("slugline", "mlflow", "numpy", "scipy", "pyarrow", "pandas")  # what loading and serving a model needs
EXAMPLE = "The two sides agreed to a ceasefire after talks in Geneva, officials said."
_NAMING_RUN = ("report.html", "model_card.md", f"{MODEL}/README.md")  # files that name their run


def upload_model(mlflow: Any, folder: Path) -> str:
    """Log a saved model as a pyfunc of data alone in the run under way; return its URI."""
    import pandas as pd

    from slugline.model.store import digest_model, read_origin

    with TemporaryDirectory() as place:
        saved = Path(shutil.copytree(folder, Path(place) / Path(MODEL_FOLDER).name))
        info = mlflow.pyfunc.log_model(
            name="model",
            loader_module="slugline.model.pyfunc",
            data_path=str(saved),
            signature=_signature(read_origin(saved)[0]),
            input_example=pd.DataFrame({"text": [EXAMPLE]}),
            pip_requirements=[f"{name}=={version(name)}" for name in _REQUIREMENTS],
        )
        mlflow.set_tags({"model_uri": info.model_uri, "model_digest": digest_model(saved)})
    return str(info.model_uri)


def upload_files(mlflow: Any, folder: Path, tables: Sequence[str]) -> None:
    """Log the files of a folder, but not the model; the UI compares those that are tables across runs."""
    with TemporaryDirectory() as place:
        ignored = shutil.ignore_patterns(MODEL, METRICS, RECORD)
        mlflow.log_artifacts(str(shutil.copytree(folder, Path(place) / "run", ignore=ignored)))
    if tables:
        mlflow.set_tag("mlflow.loggedArtifacts", json.dumps([{"path": name, "type": "table"} for name in tables]))


@contextmanager
def naming(run: FinishedRun, run_id: str) -> Iterator[Path]:
    """Give the folder of a run; one that was to have another id as a copy that names this one."""
    if run.run_id == run_id:
        yield run.folder
        return
    from slugline.model.store import rename_run

    with TemporaryDirectory() as place:
        folder = Path(shutil.copytree(run.folder, Path(place) / "run"))
        rename_run(folder / MODEL, run_id)
        for file in (folder / name for name in _NAMING_RUN):
            if run.run_id and file.is_file():
                file.write_bytes(file.read_bytes().replace(run.run_id.encode(), run_id.encode()))
        yield folder


def _signature(topics: Sequence[str]) -> Any:
    """Return what a logged model takes (`text`) and gives (`topics`, a probability per topic)."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    outputs: Any = [ColSpec(Array(DataType.string), "topics"), *(ColSpec(DataType.double, topic) for topic in topics)]
    return ModelSignature(inputs=Schema([ColSpec(DataType.string, "text")]), outputs=Schema(outputs))
