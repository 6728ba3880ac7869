"""`slugline export`: a saved model for those who have no Slugline."""

import sys
from pathlib import Path

from omegaconf import DictConfig

from slugline.model import TopicModel
from slugline.model.export import write
from slugline.tracking import model_folder


def export(config: DictConfig) -> None:
    """Write a model as a scikit-learn pipeline or an ONNX graph."""
    model = TopicModel.load(model_folder(config.model_uri, config.tracking_uri))
    file = write(model, Path(config.output), config.format)
    print(f"{file}: {len(model.topics)} topics, {file.stat().st_size} bytes, format {config.format}", file=sys.stderr)
