"""Which articles a model learned from, told by digests of their sentences, which no text can be read from.

A model keeps the smallest digests: a sample of its training sentences that goes by their text alone, so that a sentence
whose digest is not beyond the largest is known to have been learned from, or not.
"""

from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

_MAX_SENTENCES = 20_000  # whose digests go with a model
_BYTES = 5  # of a digest: of 100,000 sentences that are new, one in 500 is taken for one of 20,000


def pack_sentences(texts: Iterable[str]) -> dict[str, Any]:
    """Return digests of sentences as JSON can hold them, and whether they are all."""
    digests = sorted({_digest(text) for text in texts})
    return {"digests": "".join(digests[:_MAX_SENTENCES]), "all": len(digests) <= _MAX_SENTENCES}


def find_known(sentences: pd.DataFrame, packed: Mapping[str, Any]) -> np.ndarray:
    """Return which sentences are of articles that a model learned from: most of the sentences that can tell are known.

    Parameters
    ----------
    sentences : DataFrame
        Columns `article_id, text`.
    packed : mapping
        From `pack_sentences`.

    Returns
    -------
    ndarray of bool, shape (sentences,)
    """
    text, width = str(packed["digests"]), 2 * _BYTES
    known = {text[start : start + width] for start in range(0, len(text), width)}
    last = "g" if packed["all"] else max(known, default="")
    digests = pd.Series([_digest(text) for text in sentences["text"]], index=sentences.index, dtype=object)
    seen = digests.isin(known).where(digests <= last).astype(float)  # NaN: cannot tell
    return (seen.groupby(sentences["article_id"]).transform("mean") > 0.5).to_numpy(bool)


def _digest(text: str) -> str:
    """Return the digest of a sentence, case and blanks aside."""
    return blake2b(" ".join(text.split()).casefold().encode("utf-8", "surrogatepass"), digest_size=_BYTES).hexdigest()
