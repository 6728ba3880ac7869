"""Slugline: topic models for the sentences of news articles."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slugline.model import TopicModel

__version__ = "0.1.0"
__all__ = ["__version__", "load_model"]


def load_model(source: str) -> "TopicModel":
    """Load a topic model.

    `source` is a model folder or an MLflow URI (`models:/slugline@champion`, `runs:/ID/model`). A folder is read
    without importing MLflow or scikit-learn. No code from the model runs.

    Raises `InputError` when there is no such model or its files do not pass the checks.
    """
    from slugline.model import load_model as load_from_folder
    from slugline.tracking import model_folder

    return load_from_folder(model_folder(source))


def __getattr__(name: str) -> Any:
    if name == "InputError":
        from slugline.errors import InputError

        return InputError
    raise AttributeError(f"module 'slugline' has no attribute {name!r}")
