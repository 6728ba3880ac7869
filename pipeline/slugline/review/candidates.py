"""The sentences under review, and the tasks that a review makes of some of them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from slugline.data.corpus import Corpus, read_corpus
from slugline.data.read_files import ReadFile
from slugline.labels import Labels, Topic, by_people, read_gold


@dataclass(frozen=True)
class Candidates:
    """The labelled sentences to choose from.

    `by_people`, booleans of shape (sentences,), tells which of them people labelled, even if with no topic; `left_out`
    counts the articles and labels that could not be used, by reason; `notes` say how the files were understood.
    """

    sentences: pd.DataFrame
    by_people: np.ndarray
    topics: tuple[str, ...]
    left_out: dict[str, int]
    notes: Sequence[str] = ()


@dataclass(frozen=True)
class ReviewTasks:
    """The sentences that annotators are asked to look at, the most important first.

    `definitions` hold the topics to choose from, `probabilities` are the model's, of shape (sentences, topics),
    `reasons` say why each sentence is asked for, and `summary`, in lines for the terminal, how the sentences were
    chosen.
    """

    sentences: pd.DataFrame
    definitions: dict[str, str]
    probabilities: np.ndarray
    reasons: list[str]
    mode: str
    summary: list[str]


def read_candidates(data: Callable[[], Corpus | pd.DataFrame], labels: Labels) -> Candidates:
    """Read sentences and the labels that people gave them; labels by rules are not used."""
    corpus = read_corpus(data)
    opened: list[ReadFile] = []
    gold_rows = read_gold(labels.gold, labels.columns, labels.reading, opened, corpus.steps)
    labelled = replace(labels, rules=False)(corpus.sentences(), gold_rows)
    left_out = {"rejected": len(corpus.rejected), "gold labels without a sentence": len(labelled.unmatched)}
    notes = corpus.with_files(opened).all_notes()
    return Candidates(labelled.sentences, by_people(labelled.sentences), labelled.topics, left_out, notes)


def define_topics(topics: Iterable[str], taxonomy: Mapping[str, Topic], info: Mapping[str, Any]) -> dict[str, str]:
    """Return the definition of each topic: that of the taxonomy, else of a model's `info`, which may hold anything."""
    found = info.get("definitions")
    trained_with = found if isinstance(found, Mapping) else {}
    current = {topic: taxonomy[topic].definition if topic in taxonomy else "" for topic in topics}
    return {topic: definition or str(trained_with.get(topic, "")) for topic, definition in current.items()}


def describe_candidates(candidates: Candidates, kept: int, status: str, reasons: Mapping[str, int]) -> str:
    """Return how many sentences come into question, and how many are left out for which reason."""
    counts = {**reasons, **candidates.left_out}
    left_out = ", ".join(f"{count} {reason}" for reason, count in counts.items() if count)
    return f"data    {kept} of {len(candidates.sentences)} sentences {status}; left out: {left_out or 'none'}"


def format_probability(probability: float) -> str:
    """Return a probability with two decimal places, or with four if it is below 0.01."""
    return f"{probability:.2f}" if probability >= 0.01 else f"{probability:.4f}"
