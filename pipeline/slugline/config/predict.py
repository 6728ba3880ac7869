"""The settings of `slugline predict`, kept apart because importing `prediction` is slow."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slugline.config.project_reading import project_cleaning, project_columns
from slugline.config.settings import ModelSettings
from slugline.data.cleaning import BOILERPLATE
from slugline.prediction import PredictOptions


def _cleaning() -> dict[str, bool]:
    """Return the steps of cleaning as the project's data has them, but for boilerplate, which needs all articles."""
    return {step: on for step, on in project_cleaning().items() if step != BOILERPLATE}


@dataclass(frozen=True, kw_only=True)
class PredictSettings(ModelSettings, PredictOptions):
    """`slugline predict`: the model, and the options of a prediction from files.

    Parameters
    ----------
    columns : mapping of str to str
        For article columns that the input names otherwise, the names there; in a project by default as in its data,
        and so are the options of reading, the language and the cleaning.
    """

    columns: Mapping[str, str] = field(default_factory=project_columns)
    cleaning: dict[str, bool] = field(default_factory=_cleaning)

    def __post_init__(self) -> None:
        """Take a file whose name is a number, which YAML reads as one, by its name."""
        if not isinstance(self.input, list):
            object.__setattr__(self, "input", str(self.input))
        super().__post_init__()
