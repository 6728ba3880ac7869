"""The topic model: from texts to a probability per topic, and which topics pass their threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from slugline.errors import InputError, listing
from slugline.model.heads import Head, LinearHead, to_probabilities
from slugline.model.vectorizers import Vectorizer, score_all, transform_all


@dataclass(frozen=True)
class TopicModel:
    """A fitted model: data alone, as long as its head is linear.

    `topics` name the columns of all results. `thresholds` has shape (topics,). `mode` is multilabel (each topic for
    itself) or multiclass (exactly one topic a sentence, the likeliest; thresholds are not used). `info` tells where the
    model comes from.
    """

    topics: tuple[str, ...]
    mode: str
    vectorizers: tuple[Vectorizer, ...]
    head: Head
    thresholds: np.ndarray
    info: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def load(cls, folder: str | Path) -> "TopicModel":
        """Load a model from a folder; raise `InputError` when its files do not pass the checks."""
        from slugline.model.store import load

        return load(Path(folder))

    def save(self, folder: str | Path) -> Path:
        """Write the model into a new folder and return it."""
        from slugline.model.store import save

        return save(self, Path(folder))

    def to_sklearn(self) -> Any:
        """Return a fitted scikit-learn `Pipeline` that needs no Slugline; raise `InputError` for a head not linear."""
        from slugline.model.export import to_sklearn

        return to_sklearn(self)

    def decision_function(self, texts: Sequence[str]) -> np.ndarray:
        """Return calibrated log-odds, shape (texts, topics)."""
        texts = as_texts(texts)
        if isinstance(self.head, LinearHead):
            return np.asarray(score_all(self.vectorizers, texts, self.head.by_feature) + self.head.intercept)
        return self.head.log_odds(transform_all(self.vectorizers, texts))

    def predict_proba(self, texts: Sequence[str]) -> np.ndarray:
        """Return the probability of each topic, shape (texts, topics)."""
        return to_probabilities(self.decision_function(texts), self.mode)

    def predict(self, texts: Sequence[str]) -> list[tuple[str, ...]]:
        """Return the topics of each text."""
        return self.names(self.decide(self.predict_proba(texts)))

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which topics are given, in the same shape: those at or above their threshold, or the likeliest."""
        if self.mode == "multiclass":
            return np.asarray(probabilities.argmax(axis=1)[:, None] == np.arange(len(self.topics)))
        return np.asarray(probabilities >= self.thresholds)

    def names(self, decided: np.ndarray) -> list[tuple[str, ...]]:
        """Return decisions as tuples of topics."""
        return [tuple(self.topics[column] for column in np.flatnonzero(row)) for row in decided]

    def explain(self, text: str, top: int = 5, topics: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
        """Return the terms of a text that move each topic (or those named) most, in log-odds; a `top` of 0 gives all.

        All terms and the entry `(intercept)` add up to `decision_function`. Raises `InputError` when the head is not
        linear.
        """
        head, rows = self._linear(), [self._column(topic) for topic in (self.topics if topics is None else topics)]
        X = transform_all(self.vectorizers, as_texts([text]))
        shares = head.weights[np.ix_(rows, X.indices)].astype(np.float64) * X.data
        best = np.argsort(-np.abs(shares), axis=1, kind="stable")[:, : top or None]
        found = {}
        for row, share, places in zip(rows, shares, best, strict=True):
            terms = {self.terms[X.indices[place]]: float(share[place]) for place in places}
            found[self.topics[row]] = terms | {"(intercept)": float(head.intercept[row])}
        return found

    def top_terms(self, topic: str, top: int = 20) -> dict[str, float]:
        """Return the terms with the largest weights for a topic; raise `InputError` where there is no such topic."""
        weights = self._linear().weights[self._column(topic)]
        best = np.argsort(-weights, kind="stable")[:top]
        return {self.terms[column]: float(weights[column]) for column in best}

    @cached_property
    def terms(self) -> list[str]:
        """The names of all features: the term, with its analyzer where there are several (`char: ' cease'`)."""
        several = len(self.vectorizers) > 1
        return [f"{part.name}: {term!r}" if several else term for part in self.vectorizers for term in part.terms()]

    def _linear(self) -> LinearHead:
        if not isinstance(self.head, LinearHead):
            raise InputError("only linear models tell the weight of each term")
        return self.head

    def _column(self, topic: str) -> int:
        if topic not in self.topics:
            raise InputError(f"the model has no topic '{topic}'; allowed: {listing(self.topics, 40)}")
        return self.topics.index(topic)


def as_texts(texts: Sequence[str]) -> list[str]:
    """Return texts as a list; raise `TypeError` for one string alone or what is no text, as scikit-learn does."""
    if isinstance(texts, str):
        raise TypeError("texts is one string; give a list of texts")
    found = list(texts)
    if wrong := [text for text in found if not isinstance(text, str)]:
        raise TypeError(f"texts hold {type(wrong[0]).__name__}; allowed: str")
    return found
