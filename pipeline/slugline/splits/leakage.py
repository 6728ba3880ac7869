"""Leakage: how far the parts of a split share articles and sentences, or copies; and how many labels each has."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.splits.parts import HELD_OUT, PARTS

_WARNING = 0.01  # share of a part that stands in train too, above which we warn


class Leakage(NamedTuple):
    """How far the parts of a split overlap.

    How many articles have sentences in several parts; and how many sentences of dev and of test are in train too,
    with their shares of the part.
    """

    articles: int
    sentences: dict[str, int]
    shares: dict[str, float]


def measure_leakage(keys: np.ndarray, parts: np.ndarray, articles: np.ndarray) -> Leakage:
    """Count articles in several parts, and sentences of dev and test that are in train too.

    Sentences of one key are the same: their `normal_form`, a digest of it, or the number of a group of copies; so are
    `articles` of one id, digest or group.
    """
    parts_of_article = pd.Series(parts).groupby(articles).nunique()
    in_train = pd.Series(keys).isin(keys[parts == "train"]).to_numpy()
    sentences = {part: int(in_train[parts == part].sum()) for part in HELD_OUT}
    shares = {part: count / max(1, int((parts == part).sum())) for part, count in sentences.items()}
    return Leakage(int((parts_of_article > 1).sum()), sentences, shares)


def leakage_notes(leakage: Leakage, of_copies: Leakage) -> list[str]:
    """Return a warning where articles or copies of them, or many sentences of a part, are in train too.

    `leakage` is by article and word for word, `of_copies` by groups of copies.
    """
    leaks = [f"{leakage.articles} articles are in more than one part"] if leakage.articles else []
    if of_copies.articles > leakage.articles:
        leaks.append(f"copies of {of_copies.articles - leakage.articles} articles are in another part")
    for part, share in leakage.shares.items():
        if (with_copies := max(share, of_copies.shares.get(part, 0))) > _WARNING:
            copies = f", {with_copies:.1%} with other numbers or words" if with_copies > share else ""
            leaks.append(f"{share:.1%} of {part} sentences also occur in train, word for word{copies}")
    return [f"the split leaks, so scores flatter: {'; '.join(leaks)}"] if leaks else []


def count_labels(Y: np.ndarray, parts: np.ndarray, topics: Sequence[str]) -> pd.DataFrame:
    """Return how many sentences of each part carry each topic: topics down, parts across."""
    return pd.DataFrame({part: Y[parts == part].sum(axis=0) for part in PARTS}, index=list(topics), dtype=int)
