"""What is reviewed: sentences, with the labels that people gave them, and what comes of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.labels import Labels, read_gold


class Pile(NamedTuple):
    """The sentences as they were read and labelled, the topics of their labels, and counts of what could not be used.

    `by_people` says which sentences people labelled, with topics or with none, shape (sentences,).
    """

    sentences: pd.DataFrame
    by_people: np.ndarray
    topics: tuple[str, ...]
    left_out: dict[str, int]


class Found(NamedTuple):
    """What annotators get to see, each sentence with its reason, and what is said about it on the terminal."""

    sentences: pd.DataFrame
    topics: tuple[str, ...]
    definitions: Mapping[str, str]
    probabilities: np.ndarray
    reasons: list[str]
    mode: str
    summary: list[str]


def read(data: Any, labels: Labels) -> Pile:
    """Read the sentences and the labels that people gave them; those of rules count as none."""
    corpus = data()
    labelled = replace(labels, rules=False)(corpus.sentences(), read_gold(labels.gold, labels.columns))
    by_people = (labelled.sentences["label_source"] != "").to_numpy()
    left_out = {"rejected": len(corpus.rejected), "gold labels without a sentence": len(labelled.unmatched)}
    return Pile(labelled.sentences, by_people, labelled.topics, left_out)


def describe_pile(pile: Pile, kept: int, what: str, more: Mapping[str, int]) -> str:
    """Return how many of the sentences come into question, and why others do not."""
    left_out = [f"{count} {why}" for why, count in {**more, **pile.left_out}.items() if count]
    return f"data    {kept} of {len(pile.sentences)} sentences {what}; left out: {', '.join(left_out) or 'none'}"


def number(probability: float) -> str:
    """Return a probability with two digits, or four where these would say nothing."""
    return f"{probability:.2f}" if probability >= 0.01 else f"{probability:.4f}"
