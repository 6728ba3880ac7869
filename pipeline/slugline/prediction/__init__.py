"""Prediction: the sentences of new articles with their topics, in memory or from files to a file, on all cores."""

from slugline.prediction.batches import PredictionCounts
from slugline.prediction.from_files import predict_files
from slugline.prediction.in_memory import predict_articles
from slugline.prediction.options import PredictOptions

__all__ = ["PredictOptions", "PredictionCounts", "predict_articles", "predict_files"]
