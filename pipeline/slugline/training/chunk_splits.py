"""The split of text that is read a chunk at a time: by a column, by what is kept, or by a hash of each article.

Exact copies of an article get the part of the first of them, or of one that is kept; near copies would need all the
text, as would copies that come before the kept one.
"""

from collections.abc import Iterable
from hashlib import blake2b

import numpy as np
import pandas as pd

from slugline.duplicates import template
from slugline.splits import PARTS, ByArticle, Given

_HASHED = len(PARTS)  # is added to the number of a part that a hash decided; what is kept goes before it


class ChunkSplit:
    """Divides one chunk after another, with 9 bytes of memory for each article.

    Parameters
    ----------
    split : ByArticle or Given
        What decides the parts; shares are about those asked for.

    Attributes
    ----------
    known_articles : int
        How many articles stay in a part that they had before.
    """

    def __init__(self, split: ByArticle | Given) -> None:
        self.known_articles = 0
        self._split = split
        self._texts = np.empty(0, np.uint64)  # digests of the articles so far, sorted
        self._ranks = np.empty(0, np.uint8)  # and which part those with that text get, see `_HASHED`

    def __call__(self, sentences: pd.DataFrame) -> pd.DataFrame:
        """Return sentences with `split` and `GROUP_COLUMNS`, the latter as digests of 64 bits."""
        sentences = self._with_groups(sentences)
        if isinstance(self._split, Given):
            parts = np.asarray(self._split(sentences, np.empty((len(sentences), 0))))
        else:
            parts = self._divide(self._split, sentences)
        return sentences.assign(split=parts)

    def _with_groups(self, sentences: pd.DataFrame) -> pd.DataFrame:
        """Return sentences with digests that exact copies have in common, of each and of its article."""
        if self._split.duplicates == "off":
            keys, articles = sentences["sentence_id"], sentences["article_id"]
        else:
            keys = sentences["text"].map(template)
            articles = keys.groupby(sentences["article_id"], sort=False).transform("\n".join)
        return sentences.assign(sentence_group=digest_texts(keys), article_group=digest_texts(articles))

    def _divide(self, split: ByArticle, sentences: pd.DataFrame) -> np.ndarray:
        """Return the part of each sentence, which is that of its article."""
        is_first = ~sentences["article_id"].duplicated().to_numpy()
        articles, known = sentences[is_first], split.known_parts(sentences)[is_first]
        is_known = pd.notna(known)
        self.known_articles += int(is_known.sum())
        place = np.array([to_share(key, split.seed) for key in articles["article_id"]])
        hashed = np.select([place < split.test, place < split.test + split.dev], ["test", "dev"], "train")
        own = np.array([PARTS.index(part) for part in np.where(is_known, known, hashed)], np.uint8)
        ranks = self._join_copies(articles["article_group"].to_numpy(np.uint64), np.where(is_known, own, own + _HASHED))
        parts = np.array(PARTS, object)[np.where(is_known, own, ranks % _HASHED)]
        return sentences["article_id"].map(dict(zip(articles["article_id"], parts, strict=True))).to_numpy(object)

    def _join_copies(self, texts: np.ndarray, ranks: np.ndarray) -> np.ndarray:
        """Return the rank that articles of each text get, shape (articles,), and remember those of this chunk.

        It is that of what is kept, of train before dev and test; else that of the first article.
        """
        order = np.argsort(np.minimum(ranks, _HASHED), kind="stable")
        texts, first, inverse = np.unique(texts[order], return_index=True, return_inverse=True)
        ranks = ranks[order][first]
        at, seen = np.searchsorted(self._texts, texts), np.isin(texts, self._texts)
        before = self._ranks[at[seen]]
        ranks[seen] = np.where(ranks[seen] < _HASHED, np.minimum(ranks[seen], before), before)
        self._ranks[at[seen]] = ranks[seen]
        self._texts = np.insert(self._texts, at[~seen], texts[~seen])
        self._ranks = np.insert(self._ranks, at[~seen], ranks[~seen])
        return np.asarray(ranks[inverse][np.argsort(order)])


def to_share(key: str, seed: int) -> float:
    """Return a number from 0 to 1 that a key and a seed decide."""
    return _digest64(f"{seed}\0{key}") / 2**64


def digest_texts(texts: Iterable[str]) -> np.ndarray:
    """Return 64 bits for each text, shape (texts,)."""
    return np.array([_digest64(text) for text in texts], np.uint64)


def _digest64(text: str) -> int:
    """Return 64 bits for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
