"""Uploads of what a folder holds: a model as MLflow takes it, the files of a run."""

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slugline.tracking.finished_run import MODEL, RECORD, FinishedRun, find_report
from slugline.tracking.store import MODEL_FOLDER

_REQUIREMENTS = ("slugline", "mlflow", "numpy", "scipy", "pyarrow", "pandas")  # what loading and serving a model needs
_OF_ENCODERS = ("tokenizers", "onnxruntime")  # and what one with an encoder needs, as far as it is here
NOTE = "mlflow.note.content"  # tag whose Markdown the UI shows as a description
EXAMPLE = "The two armies agreed to a truce."
_NAMING_RUN = ("model_card.md", f"{MODEL}/README.md")  # files that name their run, beside the page


def read_card(folder: Path) -> str:
    """Return the card of a saved model, "" where it has none."""
    file = folder / "README.md"
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def upload_model(mlflow: Any, folder: Path) -> str:
    """Log a saved model as a pyfunc of data alone in the run under way; return its URI."""
    import pandas as pd

    from slugline.model.store import digest_model, read_origin, saves_context

    with TemporaryDirectory() as place:
        saved = Path(shutil.copytree(folder, Path(place) / Path(MODEL_FOLDER).name))
        info = mlflow.pyfunc.log_model(
            name="model",
            loader_module="slugline.model.pyfunc",
            data_path=str(saved),
            signature=_signature(read_origin(saved)[0], context=saves_context(saved)),
            input_example=pd.DataFrame({"text": [EXAMPLE]}),
            tags={NOTE: read_card(folder)},
            pip_requirements=_requirements(saved),
        )
        mlflow.set_tags({"model_uri": info.model_uri, "model_digest": digest_model(saved)})
    return str(info.model_uri)


def upload_files(mlflow: Any, folder: Path, tables: Sequence[str]) -> None:
    """Log the files of a folder, but not the model; the UI compares those that are tables across runs."""
    with TemporaryDirectory() as place:
        ignored = shutil.ignore_patterns(MODEL, RECORD)
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
        for file in (folder / name for name in (find_report(folder), *_NAMING_RUN) if name):
            if run.run_id and file.is_file():
                file.write_bytes(file.read_bytes().replace(run.run_id.encode(), run_id.encode()))
        yield folder


def _requirements(saved: Path) -> list[str]:
    """Return what loading and serving a saved model needs, in the versions that are here."""
    has_encoder = any(saved.glob("encoder_pieces_*.npy"))
    more = [name for name in _OF_ENCODERS if has_encoder and find_spec(name)]
    return [f"{name}=={version(name)}" for name in (*_REQUIREMENTS, *more)]


def _signature(topics: Sequence[str], *, context: bool) -> Any:
    """Return what a logged model takes (`text`, maybe its context) and gives (`topics`, a probability per topic)."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import Array

    from slugline.data.context import SIDES

    outputs: Any = [ColSpec(Array(DataType.string), "topics"), *(ColSpec(DataType.double, topic) for topic in topics)]
    beside: Any = [ColSpec(DataType.string, side, required=False) for side in SIDES] if context else []
    inputs: Any = [ColSpec(DataType.string, "text"), *beside]
    return ModelSignature(inputs=Schema(inputs), outputs=Schema(outputs))
