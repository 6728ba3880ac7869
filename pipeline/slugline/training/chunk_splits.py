"""The split of text that is read a chunk at a time: by a column, or by a hash of each article.

Exact copies of an article get the part of the first of them; near copies would need all the text.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import pandas as pd

from slugline.duplicates import template
from slugline.splits import ByArticle, Given


class ChunkSplit:
    """Divides one chunk after another, with 16 bytes of memory for each article.

    Parameters
    ----------
    split : ByArticle or Given
        What decides the parts; shares are about those asked for.
    """

    def __init__(self, split: ByArticle | Given) -> None:
        self._split = split
        self._texts = np.empty(0, np.uint64)  # digests of the articles so far, sorted
        self._places = np.empty(0)  # and the place of the first with that text

    def __call__(self, sentences: pd.DataFrame) -> pd.DataFrame:
        """Return sentences with `split` and `GROUP_COLUMNS`, the latter as digests of 64 bits."""
        sentences = self._with_groups(sentences)
        split = self._split
        if isinstance(split, Given):
            return sentences.assign(split=np.asarray(split(sentences, np.empty((len(sentences), 0)))))
        articles = sentences.drop_duplicates("article_id")
        own = np.array([to_share(key, split.seed) for key in articles["article_id"]])
        places = self._as_first(articles["article_group"].to_numpy(np.uint64), own)
        place = sentences["article_id"].map(dict(zip(articles["article_id"], places, strict=True))).to_numpy(float)
        parts = np.select([place < split.test, place < split.test + split.dev], ["test", "dev"], "train")
        return sentences.assign(split=np.asarray(parts, object))

    def _with_groups(self, sentences: pd.DataFrame) -> pd.DataFrame:
        """Return sentences with digests that exact copies have in common, of each and of its article."""
        if self._split.duplicates == "off":
            keys, articles = sentences["sentence_id"], sentences["article_id"]
        else:
            keys = sentences["text"].map(template)
            articles = keys.groupby(sentences["article_id"], sort=False).transform("\n".join)
        return sentences.assign(sentence_group=digest_texts(keys), article_group=digest_texts(articles))

    def _as_first(self, texts: np.ndarray, places: np.ndarray) -> np.ndarray:
        """Return the place of the first article with each text, shape (articles,), and remember those of this chunk."""
        texts, first, inverse = np.unique(texts, return_index=True, return_inverse=True)
        places = places[first]
        at = np.searchsorted(self._texts, texts)
        known = np.isin(texts, self._texts)
        places[known] = self._places[at[known]]
        self._texts = np.insert(self._texts, at[~known], texts[~known])
        self._places = np.insert(self._places, at[~known], places[~known])
        return np.asarray(places[inverse])


def to_share(key: str, seed: int) -> float:
    """Return a number from 0 to 1 that a key and a seed decide."""
    return _digest64(f"{seed}\0{key}") / 2**64


def digest_texts(texts: Iterable[str]) -> np.ndarray:
    """Return 64 bits for each text, shape (texts,)."""
    return np.array([_digest64(text) for text in texts], np.uint64)


def _digest64(text: str) -> int:
    """Return 64 bits for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
