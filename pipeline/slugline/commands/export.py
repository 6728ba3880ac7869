"""`slugline export`: a saved model for those who have no Slugline."""

import sys
from pathlib import Path

from slugline.config.settings import ExportSettings
from slugline.launch import Launch
from slugline.model import load_model
from slugline.model.export import write_model
from slugline.model.used_model import describe_used_model
from slugline.tracking import model_folder, name_model


def export(settings: ExportSettings, launch: Launch) -> None:
    """Write a model as a plain scikit-learn pipeline."""
    model = load_model(model_folder(settings.model_uri, settings.tracking_uri))
    file = Path(settings.output)
    replaced = ", in place of the model of before" if file.is_file() else ""
    written = write_model(model, file, settings.format)
    name = name_model(settings.model_uri, settings.tracking_uri)
    print(describe_used_model(name, model.topics, model.info), file=sys.stderr)
    print(
        f"{file}: {len(model.topics)} topics, {file.stat().st_size} bytes, format {written}{replaced}", file=sys.stderr
    )
