"""The topic model. Using, saving and loading it needs NumPy, SciPy and Arrow; exporting it needs scikit-learn."""

from slugline.model.store import load_model, save_model
from slugline.model.topic_model import ArticleSentence, TopicModel

__all__ = ["ArticleSentence", "TopicModel", "load_model", "save_model"]
