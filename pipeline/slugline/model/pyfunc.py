"""The topic model as an MLflow pyfunc: the module that a logged model names as its `loader_module`."""

from typing import Any

import pandas as pd

from slugline.data.context import SIDES, Context
from slugline.model.store import load_model
from slugline.model.topic_model import TopicModel


class _PyfuncModel:
    """A topic model with MLflow's `predict`."""

    def __init__(self, model: TopicModel) -> None:
        self.model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """Return the `topics` of texts, a list per text, and a column of probabilities for each topic.

        `model_input` is a DataFrame with a column `text`, a Series or a list; MLflow passes `params`, which are not
        used. A model that reads the context takes it from columns `before`, `after` and `title`, where there are any.
        """
        texts = model_input["text"] if isinstance(model_input, pd.DataFrame) else model_input
        context = _read_context(model_input) if self.model.reads_context else None
        probabilities = self.model.predict_proba(list(texts), context)
        topics = self.model.to_topics(self.model.decide(probabilities))

        frame = pd.DataFrame(probabilities, columns=list(self.model.topics))
        frame.insert(0, "topics", [list(names) for names in topics])
        return frame


def _read_context(model_input: Any) -> Context | None:
    """Return the context of texts; None where it is not given."""
    if not isinstance(model_input, pd.DataFrame):
        return None
    cells = (model_input.get(side, pd.Series("", model_input.index)) for side in SIDES)
    return Context(*([cell if isinstance(cell, str) else "" for cell in column] for column in cells))


def _load_pyfunc(path: str) -> _PyfuncModel:
    """Load a model; MLflow calls this function by its name."""
    return _PyfuncModel(load_model(path))
