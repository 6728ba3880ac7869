"""Rare topics: those that too few articles carry to be learned are set aside, by name."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import compress

import numpy as np
import pandas as pd

from slugline.errors import InputError, listing

LEAST_ARTICLES = 2  # to cross-validate on: with one, that is what a user must know first


def drop_rare(
    sentences: pd.DataFrame, topics: tuple[str, ...], *, mode: str, min_articles: int, in_train: bool = False
) -> tuple[pd.DataFrame, tuple[str, ...], dict[str, int]]:
    """Set aside the topics that fewer than `min_articles` articles carry, or with `in_train` no sentence there.

    Returns the labelled sentences and the topics that are left, and how many articles carry each of the others. In
    multiclass, sentences that carry one of these are left out. Raises `InputError` where no topic is left.
    """
    looked_at = sentences[sentences["split"] == "train"] if in_train else sentences
    rare = _find_rare(looked_at, topics, 1 if in_train else min_articles)
    if not rare or sentences["article_id"].nunique() < LEAST_ARTICLES:
        return sentences, topics, {}
    check_any_left(rare, topics, min_articles)
    return (
        set_aside(sentences, topics, rare, mode),
        tuple(name for name in topics if name not in rare),
        rare,
    )


def check_any_left(rare: Mapping[str, int], topics: Sequence[str], min_articles: int) -> None:
    """Raise `InputError` where all topics are to be set aside."""
    if len(rare) == len(topics):
        raise InputError(f"no topic can be learned; {describe_rare(rare, min_articles)}; label more articles")


def describe_rare(rare: Mapping[str, int], min_articles: int) -> str:
    """Return which topics are carried by too few articles, with how many carry each."""
    counts = listing(f"{topic} ({count})" for topic, count in rare.items())
    return f"fewer articles than labels.min_articles={min_articles} carry: {counts}"


def _find_rare(sentences: pd.DataFrame, topics: Sequence[str], min_articles: int) -> dict[str, int]:
    """Return the topics that fewer than `min_articles` articles carry, with how many do."""
    carriers: dict[str, set[str]] = {topic: set() for topic in topics}
    for article, labels in zip(sentences["article_id"], sentences["labels"], strict=True):
        for topic in labels:
            carriers[topic].add(article)
    return {topic: len(articles) for topic, articles in carriers.items() if len(articles) < min_articles}


def set_aside(sentences: pd.DataFrame, topics: Sequence[str], rare: Iterable[str], mode: str) -> pd.DataFrame:
    """Return labelled sentences without some topics; in multiclass without the sentences that carry one of them."""
    rare = set(rare)
    labels = [tuple(topic for topic in given if topic not in rare) for given in sentences["labels"]]
    kept = sentences.assign(labels=pd.Series(labels, index=sentences.index, dtype=object))
    if "weights" in sentences:
        is_kept = np.array([topic not in rare for topic in topics])
        weights = [tuple(compress(row, is_kept)) for row in sentences["weights"]]
        kept["weights"] = pd.Series(weights, index=sentences.index, dtype=object)
    return kept[kept["labels"].map(bool)].reset_index(drop=True) if mode == "multiclass" else kept
