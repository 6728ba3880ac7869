"""The settings of `slugline predict`, kept apart because importing `prediction` is slow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slugline.config.settings import ModelSettings, article_columns
from slugline.prediction import PredictOptions


@dataclass(frozen=True, kw_only=True)
class PredictSettings(ModelSettings, PredictOptions):
    """`slugline predict`: the model, and the options of a prediction from files."""

    columns: Mapping[str, str] = field(default_factory=article_columns)

    def __post_init__(self) -> None:
        """Take a file whose name is a number, which YAML reads as one, by its name."""
        if not isinstance(self.input, list):
            object.__setattr__(self, "input", str(self.input))
        super().__post_init__()
