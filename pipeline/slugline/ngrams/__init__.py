"""The fast vectorizers: scikit-learn's n-gram counts, several times faster. README.md explains how.

This is the one door: other rooms import from here only.
"""

from typing import TYPE_CHECKING, Any

from slugline.ngrams.counting import VocabularyCounter
from slugline.ngrams.fitting import fit_count
from slugline.ngrams.hashing import HashingCounter
from slugline.ngrams.options import NgramOptions, minimum_word_length, ngrams_of_text, normalize_texts

if TYPE_CHECKING:
    from slugline.ngrams.vectorizers import CountVectorizer, HashingVectorizer, TfidfVectorizer

__all__ = [
    "CountVectorizer",
    "HashingCounter",
    "HashingVectorizer",
    "NgramOptions",
    "TfidfVectorizer",
    "VocabularyCounter",
    "fit_count",
    "minimum_word_length",
    "ngrams_of_text",
    "normalize_texts",
]


def __getattr__(name: str) -> Any:
    # Prediction does not need scikit-learn, and must not wait for its import
    if name in ("CountVectorizer", "HashingVectorizer", "TfidfVectorizer"):
        from slugline.ngrams import vectorizers

        return getattr(vectorizers, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
