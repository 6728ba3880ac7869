"""What all features have in common, fitted and as data."""

from collections.abc import Sequence
from typing import Any, ClassVar, Protocol

import numpy as np
from scipy.sparse import csr_array

from slugline.data.context import Context


class Features(Protocol):
    """What turns texts into columns of numbers, fitted and as data.

    `kind` names the class in saved models; `name` is that of the features in the config. Only
    `ContextFeatures` read the `context` of texts.
    """

    kind: ClassVar[str]

    @property
    def name(self) -> str:
        """The name of the features in the config."""

    @property
    def norm(self) -> str | None:
        """How rows are scaled."""

    @property
    def n_features(self) -> int:
        """The number of columns."""

    def transform(self, texts: Sequence[str], context: Context | None = None) -> csr_array:
        """Return the features of texts, shape (texts, features), float64."""

    def times_weights(self, texts: Sequence[str], weights: np.ndarray, context: Context | None = None) -> np.ndarray:
        """Return `transform(texts, context) @ weights`, shape (texts, topics)."""

    def terms(self) -> list[str]:
        """Return the names of the features."""

    def size(self) -> str:
        """Return how many features there are, with their unit: `5,120 terms`."""

    def describe(self) -> dict[str, Any]:
        """Return all but the arrays, in types that JSON can hold."""

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays by their names in a saved model."""
