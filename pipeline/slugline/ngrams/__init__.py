"""Turn sentences into features."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slugline.ngrams.hashing import Hashed
from slugline.ngrams.lookup import Lookup, fit_count
from slugline.ngrams.rows import Ngrams

if TYPE_CHECKING:
    from slugline.ngrams.tfidf import CountVectorizer, HashingVectorizer, TfidfVectorizer

__all__ = ["CountVectorizer", "Hashed", "HashingVectorizer", "Lookup", "Ngrams", "TfidfVectorizer", "fit_count"]


def __getattr__(name: str) -> Any:
    # Who only predicts need not wait for scikit-learn
    if name in ("CountVectorizer", "HashingVectorizer", "TfidfVectorizer"):
        from slugline.ngrams import tfidf

        return getattr(tfidf, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
