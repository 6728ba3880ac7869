"""All of scikit-learn's private interface that the vectorizers rely on.

A release of scikit-learn that moves one of these names breaks this file alone.
"""

from collections.abc import Iterable
from typing import Any

from scipy.sparse import csr_array, csr_matrix
from sklearn.base import _fit_context
from sklearn.feature_extraction import text as sk

try:
    from sklearn.utils import _align_api_if_sparse
except ImportError:  # scikit-learn before 1.9 knows one sparse class only
    _align_api_if_sparse = csr_matrix

# Decorates `fit_transform`: validates the types and ranges of all parameters
validate_parameters = _fit_context(prefer_skip_nested_validation=True)


def to_sklearn_sparse(counts: csr_array) -> Any:
    """Return a sparse matrix of the class that scikit-learn gives: an array or a matrix, by its configuration."""
    return _align_api_if_sparse(counts)


def check_ngram_range(vectorizer: Any) -> None:
    """Raise ValueError unless the n-gram range is in order."""
    vectorizer._validate_ngram_range()


def check_vocabulary(vectorizer: sk.CountVectorizer) -> None:
    """Set up scikit-learn's state of a vectorizer that learns its vocabulary."""
    vectorizer._validate_vocabulary()


def warn_unused_parameters(vectorizer: Any) -> None:
    """Warn of parameters that others make useless, such as a token pattern beside a tokenizer."""
    vectorizer._warn_for_unused_params()


class CountingHook(sk.CountVectorizer):  # type: ignore[misc]
    """scikit-learn's `CountVectorizer` with a method that subclasses override to count a known vocabulary."""

    def _count_known(self, documents: list[Any]) -> csr_array | None:
        """Return the counts of the known vocabulary (documents, terms), or None to leave counting to scikit-learn."""
        raise NotImplementedError

    def _count_vocab(self, raw_documents: Iterable[Any], fixed_vocab: bool) -> tuple[dict[str, int], Any]:
        documents = list(raw_documents)
        counts = self._count_known(documents) if fixed_vocab else None
        if counts is None:
            return super()._count_vocab(documents, fixed_vocab)  # type: ignore[no-any-return]
        return self.vocabulary_, to_sklearn_sparse(counts)
