"""Fitted features as data: a vocabulary, its weights, and how to count. No scikit-learn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array, hstack

from pipeline.features.ngrams import Lookup, Ngrams, binaries, strings
from pipeline.tables import InputError


@dataclass(frozen=True)
class Vectorizer:
    """TF-IDF over a fixed vocabulary, after scikit-learn's; `idf` (terms,) float64, or None for plain counts."""

    name: str
    lookup: Lookup
    idf: np.ndarray | None
    sublinear_tf: bool = False
    binary: bool = False
    norm: str | None = "l2"

    def transform(self, texts: Sequence[str]) -> csr_array:
        """Return the features of texts, shape (texts, terms), float64."""
        X = self.lookup.count(texts, np.float64)
        if self.binary:
            X.data.fill(1.0)
        if self.sublinear_tf:
            X.data = np.log(X.data) + 1.0
        if self.idf is not None:
            X.data *= self.idf[X.indices]
        return normalize(X, self.norm)

    def terms(self) -> list[str]:
        """Return the vocabulary in the order of the features."""
        return strings(self.lookup.terms)


def normalize(X: csr_array, norm: str | None) -> csr_array:
    """Scale the rows to length 1 in place, in the l1 or l2 norm; empty rows stay."""
    if norm is None:
        return X
    lengths = np.add.reduceat(np.append(np.abs(X.data) if norm == "l1" else X.data**2, 0.0), X.indptr[:-1])
    lengths[np.diff(X.indptr) == 0] = 1.0
    X.data /= np.repeat(lengths if norm == "l1" else np.sqrt(lengths), np.diff(X.indptr))
    return X


def from_estimator(name: str, fitted: Any) -> Vectorizer:
    """Take the data out of a fitted vectorizer of ours; raise `InputError` where it counts by code of its own."""
    code = [key for key in ("preprocessor", "tokenizer") if getattr(fitted, key) is not None]
    if code or callable(fitted.analyzer) or callable(fitted.strip_accents):
        raise InputError(
            f"features.{name}: a function in place of the analyzer cannot be saved; allowed: word, char, char_wb"
        )
    ngrams = Ngrams(
        analyzer=fitted.analyzer,
        ngram_range=tuple(fitted.ngram_range),
        lowercase=bool(fitted.lowercase),
        strip_accents=fitted.strip_accents,
        token_pattern=fitted.token_pattern,
        stop_words=frozenset(fitted.get_stop_words() or ()) if fitted.analyzer == "word" else frozenset(),
    )
    vocabulary = fitted.vocabulary_
    terms = binaries(sorted(vocabulary, key=vocabulary.__getitem__))
    tfidf = hasattr(fitted, "idf_")
    return Vectorizer(
        name,
        Lookup(ngrams, terms),
        np.asarray(fitted.idf_, dtype=np.float64) if tfidf and fitted.use_idf else None,
        sublinear_tf=tfidf and bool(fitted.sublinear_tf),
        binary=bool(fitted.binary),
        norm=fitted.norm if tfidf else None,
    )


def transform_all(vectorizers: Sequence[Vectorizer], texts: Sequence[str]) -> csr_array:
    """Return the features of texts, those of all vectorizers side by side."""
    blocks = [vectorizer.transform(texts) for vectorizer in vectorizers]
    return blocks[0] if len(blocks) == 1 else csr_array(hstack(blocks, format="csr"))
