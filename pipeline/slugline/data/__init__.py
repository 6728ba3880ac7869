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


def __getattr__(name: str) -> Any:
    # They import pandas, which the reading and splitting of articles must not wait for
    if name not in __all__:
        raise AttributeError(f"module 'slugline.data' has no attribute {name!r}")
    module = "ready_sentences" if name == "SentenceCorpus" else "corpus"
    return getattr(import_module(f"slugline.data.{module}"), name)
