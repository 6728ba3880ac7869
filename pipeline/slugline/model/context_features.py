"""Context as features: the sentences before and after, and the title, read as the sentence itself is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array, hstack, vstack

from slugline.data.context import SIDES, Context, no_context
from slugline.errors import InputError
from slugline.model.features import Features

N_BLOCKS = 1 + len(SIDES)
_CHUNK = 4096  # sentences whose features are in memory together
_MAX_WEIGHT = 1000.0


@dataclass(frozen=True)
class Neighbours:
    """What stands beside a sentence is read too: `slugline train context=neighbours`.

    Parameters
    ----------
    weight : float
        How much the words of a neighbour or the title count, where those of the sentence itself count 1.
    """

    weight: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.weight <= _MAX_WEIGHT:
            raise InputError(f"context.weight: {self.weight}; allowed: above 0, to {_MAX_WEIGHT:g}")


@dataclass(frozen=True)
class ContextFeatures:
    """Four blocks of the same columns: a sentence, and what is before it, after it and its title, times `weight`.

    `inner` are the features of a text by itself. What is not there has zeros.

    Examples
    --------
    >>> from slugline.model.vectorizers import Vectorizer
    >>> from slugline.ngrams import NgramOptions, VocabularyCounter
    >>> words = Vectorizer("word", VocabularyCounter.from_terms(NgramOptions(), ["rain", "truce"]), idf=None)
    >>> features = ContextFeatures(words, 0.5)
    >>> features.terms()[:4]
    ['rain', 'truce', 'before: rain', 'before: truce']
    >>> features.transform(["A truce."], Context([""], ["Rain fell."], ["Truce"])).toarray().tolist()
    [[0.0, 1.0, 0.0, 0.0, 0.5, 0.0, 0.0, 0.5]]
    """

    kind: ClassVar[str] = "context"
    inner: Features
    weight: float

    @property
    def name(self) -> str:
        """The name of the features in the config."""
        return self.inner.name

    @property
    def norm(self) -> str | None:
        """How the rows of each block are scaled, before its weight."""
        return self.inner.norm

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return N_BLOCKS * self.inner.n_features

    def transform(self, texts: Sequence[str], context: Context | None = None) -> csr_array:
        """Return the features of texts, shape (texts, features), float64; None: they stand alone."""
        blocks = self._blocks(texts, no_context(len(texts)) if context is None else context, self.inner.transform)
        return csr_array(hstack(blocks, format="csr"))

    def times_weights(self, texts: Sequence[str], weights: np.ndarray, context: Context | None = None) -> np.ndarray:
        """Return `transform(texts, context) @ weights`, shape (texts, topics)."""
        context, parts = no_context(len(texts)) if context is None else context, np.split(weights, N_BLOCKS)
        products = np.empty((len(texts), weights.shape[1]))
        for start in range(0, len(texts), _CHUNK):
            rows = slice(start, start + _CHUNK)
            blocks = self._blocks(texts[rows], context.rows(rows), self.inner.transform)
            products[rows] = sum(block @ part for block, part in zip(blocks, parts, strict=True))
        return products

    def add_to(self, own: csr_array, context: Context, read: Callable[[list[str]], csr_array]) -> csr_array:
        """Return the features of texts whose `own` are known; `read` gives those of others, as `inner.transform`."""
        return csr_array(hstack([own, *self._blocks([], context, read)[1:]], format="csr"))

    def _blocks(
        self, texts: Sequence[str], context: Context, read: Callable[[list[str]], csr_array]
    ) -> list[csr_array]:
        """Return the blocks; each distinct text is read once."""
        rows = {text: row for row, text in enumerate(dict.fromkeys(chain(texts, *(filter(None, s) for s in context))))}
        X = csr_array(vstack([read(list(rows)), csr_array((1, self.inner.n_features))], format="csr"))
        places = [[rows[text] for text in texts], *([rows[text] if text else len(rows) for text in s] for s in context)]
        own, *others = (X[np.array(place, np.intp)] for place in places)
        return [own, *(block * self.weight for block in others)]

    def terms(self) -> list[str]:
        """Return the names of the features: the terms, then `before: TERM`, `after: TERM` and `title: TERM`."""
        terms = self.inner.terms()
        return [*terms, *(f"{side}: {term}" for side in SIDES for term in terms)]

    def size(self) -> str:
        """Return how many features there are, with their unit."""
        return f"{self.inner.size()} with context"

    def describe(self) -> dict[str, Any]:
        """Return all but the arrays, in types that JSON can hold."""
        return {"name": self.name, "kind": self.kind, "weight": self.weight, "inner": self.inner.describe()}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays of the inner features."""
        return self.inner.to_arrays()


def alone(features: Features) -> Features:
    """Return the features of a text by itself."""
    return features.inner if isinstance(features, ContextFeatures) else features


def normalize_blocks(X: csr_array, norm: str | None, weight: float) -> csr_array:
    """Scale in place the blocks of `ContextFeatures`, those beside the sentence to the length `weight`."""
    if norm is not None:
        rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
        block = X.indices // (X.shape[1] // N_BLOCKS)
        sums = np.bincount(rows * N_BLOCKS + block, np.abs(X.data) if norm == "l1" else X.data.astype(np.float64) ** 2)
        lengths = sums if norm == "l1" else np.sqrt(sums)
        X.data *= np.where(block > 0, weight, 1.0) / lengths[rows * N_BLOCKS + block]
    return X
