"""The settings of `slugline predict`."""

from dataclasses import dataclass, field

from slugline.config.settings import ModelSettings, _article_columns
from slugline.prediction import PredictOptions
