"""The topic model: using, saving and loading it need NumPy, SciPy and Arrow; `fit` and `export` scikit-learn."""

from slugline.model.topic_model import TopicModel

__all__ = ["TopicModel"]
