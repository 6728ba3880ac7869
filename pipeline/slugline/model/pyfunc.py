"""The topic model as an MLflow pyfunc: the module that a logged model names as its `loader_module`."""

from pathlib import Path
from typing import Any

import pandas as pd

from slugline.model.topic_model import TopicModel


class PyfuncModel:
    """Give a topic model MLflow's `predict`."""

    def __init__(self, model: TopicModel) -> None:
        self.model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return a frame with `topics` and a probability per topic, for a frame with `text`, a series or a list."""
        texts = model_input["text"] if isinstance(model_input, pd.DataFrame) else model_input
        probabilities = self.model.predict_proba(list(texts))
        topics = [list(names) for names in self.model.names(self.model.decide(probabilities))]
        frame = pd.DataFrame(probabilities, columns=list(self.model.topics))
        frame.insert(0, "topics", topics)
        return frame


def _load_pyfunc(path: str) -> PyfuncModel:
    return PyfuncModel(TopicModel.load(Path(path)))
