"""Fitted features as data: a vocabulary, its weights, and how to count. No scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import csr_array, hstack

from slugline.errors import InputError
from slugline.ngrams.arrow import binaries, find_places, to_binary
from slugline.ngrams.hashing import Hashed
from slugline.ngrams.lookup import Lookup
from slugline.ngrams.rows import Ngrams, read


@dataclass(frozen=True)
class Vectorizer:
    """TF-IDF over a fixed vocabulary, after scikit-learn's; `idf` (terms,) float64, or None for plain counts."""

    name: str
    lookup: Lookup | Hashed
    idf: np.ndarray | None
    sublinear_tf: bool = False
    binary: bool = False
    norm: str | None = "l2"

    def transform(self, texts: Sequence[str]) -> csr_array:
        """Return the features of texts, shape (texts, terms), float64."""
        return normalize(self._weigh(self.lookup.count(texts, np.int32)), self.norm)

    def score(self, texts: Sequence[str], weights: np.ndarray) -> np.ndarray:
        """Return `transform(texts) @ weights`, shape (texts, topics), without making all the features first.

        `weights` have shape (terms, topics), float64.
        """

        def score_chunk(counts: csr_array) -> np.ndarray:
            X = self._weigh(counts)
            scores = np.asarray(X @ weights)
            return scores if self.norm is None else scores / row_lengths(X, self.norm)[:, None]

        return np.concatenate(self.lookup.each_chunk(texts, score_chunk))

    def _weigh(self, counts: csr_array) -> csr_array:
        if self.binary:
            tf = np.ones(counts.nnz)  # and the logarithm of 1 adds nothing to it
        elif self.sublinear_tf:  # the logarithm of each number once: there are few
            tf = (np.log(np.arange(1.0, counts.data.max(initial=0) + 1.0)) + 1.0)[counts.data - 1]
        else:
            tf = counts.data.astype(np.float64)
        if self.idf is not None:
            tf *= self.idf[counts.indices]
        return csr_array((tf, counts.indices, counts.indptr), shape=counts.shape)

    def terms(self) -> list[str]:
        """Return the vocabulary in the order of the features."""
        return self.lookup.names()


def normalize(X: csr_array, norm: str | None) -> csr_array:
    """Scale the rows to length 1 in place, in the l1 or l2 norm; empty rows stay."""
    if norm is not None:
        X.data /= np.repeat(row_lengths(X, norm), np.diff(X.indptr))
    return X


def row_lengths(X: csr_array, norm: str) -> np.ndarray:
    """Return the length of each row in the l1 or l2 norm, 1 for an empty one, shape (rows,)."""
    lengths, filled = np.ones(X.shape[0]), np.diff(X.indptr) > 0
    sums = np.add.reduceat(np.abs(X.data) if norm == "l1" else X.data**2, X.indptr[:-1][filled]) if X.nnz else 0.0
    lengths[filled] = sums if norm == "l1" else np.sqrt(sums)
    return lengths


def count_words(parts: Sequence[Vectorizer], texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Return how many words each text has, and how many of them are no terms, shape (texts,) each.

    By the first part that knows words; where none does, words are what blanks part, and the second is None.
    """
    for part in parts:
        if isinstance(part.lookup, Lookup) and part.lookup.ngrams.analyzer == "word":
            rows = read(part.lookup.ngrams, texts)
            new = find_places(part.lookup.terms, rows.alphabet) < 0
            return rows.lengths, np.bincount(rows.row, new[rows.symbols], len(rows.lengths)).astype(np.int64)
    return np.array([len(text.split()) for text in texts], np.int64), None


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
    if hasattr(fitted, "n_features"):
        hashed = Hashed(ngrams, int(fitted.n_features), bool(fitted.alternate_sign))
        return Vectorizer(name, hashed, None, binary=bool(fitted.binary), norm=fitted.norm)
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


def describe(part: Vectorizer) -> dict[str, Any]:
    """Return how a vectorizer counts and weighs, as JSON can hold it."""
    ngrams, lookup = part.lookup.ngrams, part.lookup
    hashing = {"alternate_sign": lookup.alternate_sign} if isinstance(lookup, Hashed) else {}
    return {
        "name": part.name,
        "terms": part.lookup.width,
        "analyzer": ngrams.analyzer,
        "ngram_range": list(ngrams.ngram_range),
        "lowercase": ngrams.lowercase,
        "strip_accents": ngrams.strip_accents,
        "token_pattern": ngrams.token_pattern,
        "stop_words": sorted(ngrams.stop_words),
        "idf": part.idf is not None,
        "sublinear_tf": part.sublinear_tf,
        "binary": part.binary,
        "norm": part.norm,
    } | hashing


def to_values(part: Vectorizer) -> dict[str, Any]:
    """Return a vectorizer as a description and arrays."""
    return {"vectorizer": describe(part), **to_arrays(part)}


def to_arrays(part: Vectorizer) -> dict[str, np.ndarray]:
    """Return what a vectorizer learned: `offsets` and `terms` where it has a vocabulary, `idf` where it weighs."""
    arrays = {} if part.idf is None else {"idf": part.idf}
    if isinstance(part.lookup, Lookup):
        arrays["offsets"], arrays["terms"] = term_buffers(part.lookup.terms)
    return arrays


def from_values(values: Mapping[str, Any]) -> Vectorizer:
    """Return the vectorizer of `to_values`; what a stranger may have written is for `format.load`, which checks it."""
    about = values["vectorizer"]
    ngrams = Ngrams(
        analyzer=about["analyzer"],
        ngram_range=tuple(about["ngram_range"]),
        lowercase=about["lowercase"],
        strip_accents=about["strip_accents"],
        token_pattern=about["token_pattern"],
        stop_words=frozenset(about["stop_words"]),
    )
    lookup: Lookup | Hashed
    if "alternate_sign" in about:
        lookup = Hashed(ngrams, about["terms"], about["alternate_sign"])
    else:
        lookup = Lookup(ngrams, to_binary(values["offsets"], values["terms"]))
    options = {key: about[key] for key in ("sublinear_tf", "binary", "norm")}
    return Vectorizer(about["name"], lookup, values.get("idf"), **options)


def term_buffers(terms: pa.BinaryArray) -> tuple[np.ndarray, np.ndarray]:
    """Return the offsets (terms + 1) and the bytes of all terms, one after the other."""
    lengths = pc.binary_length(terms).to_numpy(zero_copy_only=False)
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32), np.frombuffer(
        b"".join(terms.to_pylist()), dtype=np.uint8
    )


def score_all(vectorizers: Sequence[Vectorizer], texts: Sequence[str], weights: np.ndarray) -> np.ndarray:
    """Return the features of all vectorizers side by side times `weights` (terms, topics), shape (texts, topics)."""
    ends = np.cumsum([vectorizer.lookup.width for vectorizer in vectorizers])
    parts = zip(vectorizers, np.split(weights, ends[:-1]), strict=True)
    return np.asarray(sum(vectorizer.score(texts, part) for vectorizer, part in parts))


def transform_all(vectorizers: Sequence[Vectorizer], texts: Sequence[str]) -> csr_array:
    """Return the features of texts, those of all vectorizers side by side."""
    return side_by_side([vectorizer.transform(texts) for vectorizer in vectorizers])


def side_by_side(blocks: Sequence[csr_array]) -> csr_array:
    """Return the features of all vectorizers as one matrix."""
    return blocks[0] if len(blocks) == 1 else csr_array(hstack(blocks, format="csr"))
