"""The topic model: using, saving and loading need NumPy, SciPy and Arrow alone; `fit` and `export` need scikit-learn."""

from pipeline.models.topic_model import TopicModel

__all__ = ["TopicModel"]
