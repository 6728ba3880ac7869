"""Digests of labelled sentences, by which data is known to be the same."""

from hashlib import blake2b

import pandas as pd


def digest_sentences(sentences: pd.DataFrame) -> str:
    """Return 16 hexadecimal digits for sentences (whose ids stand for article, place and text) and their labels."""
    hashed = blake2b(digest_size=8)
    hash_sentences(hashed, sentences)
    return hashed.hexdigest()


def hash_sentences(hashed: blake2b, sentences: pd.DataFrame) -> None:
    """Add sentences to the hash of `digest_sentences`."""
    for key, labels in zip(sentences["sentence_id"], sentences["labels"], strict=True):
        hashed.update("\0".join([key, *sorted(labels), "\n"]).encode())
