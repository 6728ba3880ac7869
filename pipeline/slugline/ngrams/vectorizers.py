"""scikit-learn's vectorizers, faster.

`CountVectorizer`, `TfidfVectorizer` and `HashingVectorizer` have scikit-learn's parameters, attributes, warnings,
errors and results. They count by arrays where they can, and leave the rest to scikit-learn: functions in place of an
analyzer, preprocessor, tokenizer or accent stripper, token patterns other than runs of word characters, files, unusual
dtypes, and documents that are not text.
"""

from collections.abc import Iterable
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from scipy.sparse import csr_array
from sklearn.feature_extraction import text as sk
from sklearn.preprocessing import normalize

from slugline.ngrams import sklearn_private as private
from slugline.ngrams.arrow import decode_terms
from slugline.ngrams.counting import FEW_TEXTS, VocabularyCounter
from slugline.ngrams.fitting import fit_count
from slugline.ngrams.hashing import HashingCounter
from slugline.ngrams.options import NgramOptions, minimum_word_length

_DTYPES = {np.dtype(kind) for kind in ("int32", "int64", "float32", "float64")}


class CountVectorizer(private.CountingHook):
    """Count the words or n-grams of texts; see scikit-learn's class of this name.

    Examples
    --------
    >>> vectorizer = CountVectorizer()
    >>> vectorizer.fit_transform(["a truce", "truce talks"]).toarray()
    array([[0, 1],
           [1, 1]])
    """

    @private.validate_parameters  # type: ignore[untyped-decorator]
    def fit_transform(self, raw_documents: Iterable[Any], y: object = None) -> csr_array:
        """Learn the vocabulary and count it: a matrix (documents, terms)."""
        if isinstance(raw_documents, str) or self.vocabulary is not None:
            return super().fit_transform(raw_documents)

        private.check_ngram_range(self)
        documents = list(raw_documents)
        options, texts = _read_options(self), _read_texts(self, documents)
        if options is None or texts is None:
            return super().fit_transform(documents)

        # The rest of scikit-learn's checks, in its order; `build_analyzer` checks stop words and token pattern
        private.warn_unused_parameters(self)
        private.check_vocabulary(self)
        self.build_analyzer()

        names = ("min_df", "max_df", "max_features", "binary", "dtype")
        counts, terms = fit_count(options, texts, **{name: getattr(self, name) for name in names})
        self.vocabulary_ = {term: column for column, term in enumerate(decode_terms(terms))}
        return private.to_sklearn_sparse(counts)

    def _count_known(self, documents: list[Any]) -> csr_array | None:
        if len(documents) <= FEW_TEXTS:
            return None

        options, texts = _read_options(self), _read_texts(self, documents)
        counter = None if options is None else _counter_of(self, options)
        if counter is None or texts is None:
            return None
        self.build_analyzer()  # for its checks
        return counter.count(texts, self.dtype)


class TfidfVectorizer(sk.TfidfVectorizer, CountVectorizer):  # type: ignore[misc]
    """Weigh the words or n-grams of texts by TF-IDF; see scikit-learn's class of this name."""


class HashingVectorizer(sk.HashingVectorizer):  # type: ignore[misc]
    """Count the words or n-grams of texts in columns chosen by hashes; see scikit-learn's class of this name."""

    def transform(self, X: Iterable[Any]) -> csr_array:
        """Count and scale: a matrix (documents, n_features)."""
        if isinstance(X, str):
            return super().transform(X)

        private.check_ngram_range(self)
        documents = list(X)
        options, texts = _read_options(self), _read_texts(self, documents)
        if options is None or texts is None:
            return super().transform(documents)

        private.warn_unused_parameters(self)
        self.build_analyzer()  # for its checks
        counts = HashingCounter(options, self.n_features, self.alternate_sign).count(texts, self.dtype)
        if self.binary:
            counts.data.fill(1)
        return private.to_sklearn_sparse(counts if self.norm is None else normalize(counts, norm=self.norm, copy=False))


# Kept outside the estimators, so that `transform` changes no attribute and counters are not pickled
_counters: WeakKeyDictionary[CountVectorizer, tuple[dict[str, int], VocabularyCounter]] = WeakKeyDictionary()


def _counter_of(vectorizer: CountVectorizer, options: NgramOptions) -> VocabularyCounter | None:
    """Return the counter of the fitted vocabulary, or None if scikit-learn must count it."""
    vocabulary = vectorizer.vocabulary_
    known, counter = _counters.get(vectorizer, (None, None))
    if known is vocabulary and counter and counter.options == options and counter.n_features == len(vocabulary):
        return counter

    terms = sorted(vocabulary, key=vocabulary.__getitem__)
    if not all(isinstance(term, str) and vocabulary[term] == column for column, term in enumerate(terms)):
        return None
    counter = VocabularyCounter.from_terms(options, terms)
    _counters[vectorizer] = vocabulary, counter
    return counter


def _read_options(vectorizer: Any) -> NgramOptions | None:
    """Return which n-grams the vectorizer takes, or None if only scikit-learn can take them."""
    v = vectorizer
    is_named = isinstance(v.analyzer, str) and v.analyzer in ("word", "char", "char_wb")
    if not is_named or v.input != "content" or v.preprocessor is not None or callable(v.strip_accents):
        return None
    if v.ngram_range[0] < 1 or v.dtype is None or np.dtype(v.dtype) not in _DTYPES:
        return None

    words: dict[str, Any] = {}
    if v.analyzer == "word":
        pattern = v.token_pattern
        if v.tokenizer is not None or not isinstance(pattern, str) or minimum_word_length(pattern) is None:
            return None
        words = {"token_pattern": pattern, "stop_words": frozenset(v.get_stop_words() or ())}
    low, high = v.ngram_range
    accents = v.strip_accents or None
    return NgramOptions(v.analyzer, (low, high), lowercase=bool(v.lowercase), strip_accents=accents, **words)


def _read_texts(vectorizer: Any, documents: list[Any]) -> list[str] | None:
    """Decode bytes; return None if some documents are neither bytes nor text."""
    kinds = set(map(type, documents))
    if not all(issubclass(kind, str | bytes) for kind in kinds):
        return None
    if any(issubclass(kind, bytes) for kind in kinds):
        return [vectorizer.decode(document) for document in documents]
    return documents
