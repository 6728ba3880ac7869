"""The settings of `slugline predict`, kept apart because importing `prediction` is slow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slugline.config.project_reading import complete_reading, project_columns
from slugline.config.settings import ModelSettings
from slugline.prediction import PredictOptions


@dataclass(frozen=True, kw_only=True)
class PredictSettings(ModelSettings, PredictOptions):
    """`slugline predict`: the model, and the options of a prediction from files.

    Parameters
    ----------
    columns : mapping of str to str
        For article columns that the input names otherwise, the names there; in a project by default as in its data,
        and so are the options of reading.
    """

    columns: Mapping[str, str] = field(default_factory=project_columns)

    def __post_init__(self) -> None:
        """Take a file whose name is a number, which YAML reads as one, by its name; else read as in the project."""
        if not isinstance(self.input, list):
            object.__setattr__(self, "input", str(self.input))
        complete_reading(self)
        super().__post_init__()
