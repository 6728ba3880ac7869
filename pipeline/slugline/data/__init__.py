"""Articles and sentences: what they are, and how files become them.

A reader takes no arguments and returns a `Corpus`, or a frame of articles that `Corpus.from_frame` makes one of. It may
have `files()`, which returns the path and name of each file it reads: with it, the cache keeps what was read.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from slugline.data.corpus import ArticleCorpus, Corpus
    from slugline.data.ready_sentences import SentenceCorpus

__all__ = ["ArticleCorpus", "Corpus", "SentenceCorpus"]

# They import pandas, which the reading and splitting of articles must not wait for.
_LATE = {
    "ArticleCorpus": "slugline.data.corpus",
    "Corpus": "slugline.data.corpus",
    "SentenceCorpus": "slugline.data.ready_sentences",
}


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module 'slugline.data' has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
