"""`slugline export`: a saved model for those who have no Slugline."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from slugline.errors import InputError
from slugline.files import write_atomically
from slugline.model import TopicModel, load_model
from slugline.model.export import WRITERS
from slugline.tracking import model_folder


def export(config: DictConfig) -> None:
    """Write a model as a plain scikit-learn pipeline."""
    model = load_model(model_folder(config.model_uri, config.tracking_uri))
    file = write_model(model, Path(config.output), config.format)
    print(f"{file}: {len(model.topics)} topics, {file.stat().st_size} bytes, format {config.format}", file=sys.stderr)


def write_model(model: TopicModel, file: Path, format: str) -> Path:
    """Write a model as `sklearn` (joblib) or `skops`, whole or not at all.

    Parameters
    ----------
    model : TopicModel
    file : Path
        Replaced if it exists.
    format : str
        A key of `WRITERS`.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    InputError
        If the model is not linear, the format unknown, or the file cannot be written.
    """
    if format not in WRITERS:
        raise InputError(f"format={format}; allowed: {', '.join(WRITERS)}")
    if file.is_dir():
        raise InputError(f"output={file}: cannot be written: Is a directory")
    try:
        with write_atomically(file) as draft:
            WRITERS[format](model, draft)
    except OSError as error:
        raise InputError(f"output={file}: cannot be written: {error.strerror}") from error
    return file
