"""Leakage: how far the parts of a split overlap; and how many labels each has."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.splits.parts import HELD_OUT, PARTS


class Leakage(NamedTuple):
    """How far the parts of a split overlap.

    How many articles have sentences in several parts; and how many sentences of dev and of test are in train too,
    case and punctuation aside, with their shares of the part.
    """

    articles: int
    sentences: dict[str, int]
    shares: dict[str, float]


def measure_leakage(keys: np.ndarray, parts: np.ndarray, articles: np.ndarray) -> Leakage:
    """Count articles in several parts, and sentences of dev and test that are in train too.

    Sentences of one key are the same: their `normal_form`, or a digest of it; `articles` are ids, or digests of them.
    """
    parts_of_article = pd.Series(parts).groupby(articles).nunique()
    in_train = pd.Series(keys).isin(keys[parts == "train"]).to_numpy()
    sentences = {part: int(in_train[parts == part].sum()) for part in HELD_OUT}
    shares = {part: count / max(1, int((parts == part).sum())) for part, count in sentences.items()}
    return Leakage(int((parts_of_article > 1).sum()), sentences, shares)


def count_labels(Y: np.ndarray, parts: np.ndarray, topics: Sequence[str]) -> pd.DataFrame:
    """Return how many sentences of each part carry each topic: topics down, parts across."""
    return pd.DataFrame({part: Y[parts == part].sum(axis=0) for part in PARTS}, index=list(topics), dtype=int)
