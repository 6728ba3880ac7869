"""Vectorise texts as scikit-learn does, faster.

`CountVectorizer`, `TfidfVectorizer` and `HashingVectorizer` have scikit-learn's parameters, attributes, warnings,
errors and results. They count with `slugline.ngrams.lookup` where it can, and leave to scikit-learn what it cannot:
callables in place of an analyzer, preprocessor, tokenizer or accent stripper, token patterns other than runs of word
characters, files, unusual dtypes, and documents that are no text.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array, csr_matrix
from sklearn.base import _fit_context
from sklearn.feature_extraction import text as sk
from sklearn.preprocessing import normalize

from slugline.ngrams.arrow import binaries, strings
from slugline.ngrams.hashing import Hashed
from slugline.ngrams.lookup import FEW, Lookup, fit_count
from slugline.ngrams.rows import Ngrams, shortest_word

try:
    from sklearn.utils import _align_api_if_sparse
except ImportError:  # scikit-learn before 1.9 knows one sparse class only
    _align_api_if_sparse = csr_matrix

_DTYPES = {np.dtype(kind) for kind in ("int32", "int64", "float32", "float64")}


class CountVectorizer(sk.CountVectorizer):  # type: ignore[misc]
    """Count the words or n-grams of texts; see scikit-learn's class of this name."""

    @_fit_context(prefer_skip_nested_validation=True)  # type: ignore[untyped-decorator]
    def fit_transform(self, raw_documents: Iterable[Any], y: object = None) -> csr_array:
        """Learn the vocabulary and count it: a matrix of (documents, terms)."""
        if isinstance(raw_documents, str) or self.vocabulary is not None:
            return super().fit_transform(raw_documents)
        self._validate_ngram_range()
        documents = list(raw_documents)
        ngrams, texts = _ngrams(self), _texts(self, documents)
        if ngrams is None or texts is None:
            return super().fit_transform(documents)
        self._warn_for_unused_params()
        self._validate_vocabulary()
        self.build_analyzer()  # scikit-learn checks stop words and token pattern here
        counts, terms = fit_count(
            ngrams,
            texts,
            min_df=self.min_df,
            max_df=self.max_df,
            max_features=self.max_features,
            binary=self.binary,
            dtype=self.dtype,
        )
        self.vocabulary_ = dict(zip(strings(terms), range(len(terms)), strict=True))
        return _align_api_if_sparse(counts)

    def _count_vocab(self, raw_documents: Iterable[Any], fixed_vocab: bool) -> tuple[dict[str, int], csr_array]:
        documents = list(raw_documents)
        if not fixed_vocab or len(documents) <= FEW:
            return super()._count_vocab(documents, fixed_vocab)  # type: ignore[no-any-return]
        ngrams, texts = _ngrams(self), _texts(self, documents)
        lookup = None if ngrams is None else _lookup(self, ngrams)
        if lookup is None or texts is None:
            return super()._count_vocab(documents, fixed_vocab)  # type: ignore[no-any-return]
        self.build_analyzer()
        return self.vocabulary_, _align_api_if_sparse(lookup.count(texts, self.dtype))


class TfidfVectorizer(sk.TfidfVectorizer, CountVectorizer):  # type: ignore[misc]
    """Weigh the words or n-grams of texts by TF-IDF; see scikit-learn's class of this name."""


class HashingVectorizer(sk.HashingVectorizer):  # type: ignore[misc]
    """Count the words or n-grams of texts in columns that hashes give; see scikit-learn's class of this name."""

    def transform(self, X: Iterable[Any]) -> csr_array:
        """Count and scale: a matrix of (documents, n_features)."""
        if isinstance(X, str):
            return super().transform(X)
        self._validate_ngram_range()
        documents = list(X)
        ngrams, texts = _ngrams(self), _texts(self, documents)
        if ngrams is None or texts is None:
            return super().transform(documents)
        self._warn_for_unused_params()
        self.build_analyzer()
        counts = Hashed(ngrams, self.n_features, self.alternate_sign).count(texts, self.dtype)
        if self.binary:
            counts.data.fill(1)
        return _align_api_if_sparse(counts if self.norm is None else normalize(counts, norm=self.norm, copy=False))


# Kept outside the estimators, so that `transform` changes no attribute and none of it is pickled
_lookups: WeakKeyDictionary[CountVectorizer, tuple[dict[str, int], Lookup]] = WeakKeyDictionary()


def _lookup(vectorizer: CountVectorizer, ngrams: Ngrams) -> Lookup | None:
    """Give the table of the fitted vocabulary, or None if scikit-learn must search it."""
    vocabulary = vectorizer.vocabulary_
    known, lookup = _lookups.get(vectorizer, (None, None))
    if known is vocabulary and lookup is not None and (lookup.ngrams, len(lookup.terms)) == (ngrams, len(vocabulary)):
        return lookup
    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    if not all(isinstance(term, str) and vocabulary[term] == column for column, term in enumerate(terms)):
        return None
    lookup = Lookup(ngrams, binaries(terms))
    _lookups[vectorizer] = vocabulary, lookup
    return lookup


def _ngrams(vectorizer: CountVectorizer) -> Ngrams | None:
    """Say what the vectorizer counts, or None if only scikit-learn can count it."""
    v = vectorizer
    low, high = v.ngram_range
    named = isinstance(v.analyzer, str) and v.analyzer in ("word", "char", "char_wb")
    if not named or v.input != "content" or v.preprocessor is not None or callable(v.strip_accents) or low < 1:
        return None
    if v.dtype is None or np.dtype(v.dtype) not in _DTYPES:
        return None
    if v.analyzer != "word":
        return Ngrams(v.analyzer, (low, high), bool(v.lowercase), v.strip_accents or None)
    if v.tokenizer is not None or not isinstance(v.token_pattern, str) or shortest_word(v.token_pattern) is None:
        return None
    stop_words = frozenset(v.get_stop_words() or ())
    return Ngrams("word", (low, high), bool(v.lowercase), v.strip_accents or None, v.token_pattern, stop_words)


def _texts(vectorizer: CountVectorizer, documents: list[Any]) -> list[str] | None:
    """Decode what is bytes, or give None if some documents are neither bytes nor text."""
    kinds = set(map(type, documents))
    if not all(issubclass(kind, str | bytes) for kind in kinds):
        return None
    if any(issubclass(kind, bytes) for kind in kinds):
        return [vectorizer.decode(document) for document in documents]
    return documents
