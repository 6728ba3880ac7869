"""Notes: what whoever reads the scores of a dataset must know."""

from collections.abc import Mapping, Sequence

import numpy as np

from slugline.dataset.dataset import Dataset
from slugline.errors import listing
from slugline.labels import describe_matches, describe_timeouts
from slugline.labels.rare import describe_rare
from slugline.scoring import absent_topics
from slugline.splits import PARTS, Leakage, leakage_notes


def data_notes(
    matches: Mapping[str, int],
    unmatched: Sequence[str],
    leakages: tuple[Leakage, Leakage],
    *,
    timeouts: Mapping[str, int],
    by_rules_alone: bool,
) -> list[str]:
    """Return what to warn of: gold labels that found no sentence, slow patterns, labels by rules alone, leaks.

    `leakages` are by article and word for word, and by groups of copies.
    """
    notes = describe_matches(matches, unmatched) + describe_timeouts(timeouts)
    if by_rules_alone:
        notes.append("all labels come from rules: scores say how well the model repeats the rules, not how true it is")
    return notes + leakage_notes(*leakages)


def topic_notes(dataset: Dataset, rare: dict[str, int], unseen: dict[str, int], min_articles: int) -> list[str]:
    """Return which topics are not trained, and which the evaluated part does not judge."""
    notes = [f"not trained: {describe_rare(rare, min_articles)}"] if rare else []
    if unseen:
        notes.append(f"not trained, as no sentence of train carries them: {listing(unseen)}")
    part = dataset.evaluated_part
    return notes + absent_notes(part, dataset.Y[dataset.rows(part)], dataset.topics)


def absent_notes(part: str, Y: np.ndarray, topics: Sequence[str]) -> list[str]:
    """Return which topics no sentence of a part has, by its labels (sentences, topics); nothing of an empty part."""
    absent = absent_topics(Y, topics) if len(Y) else []
    where = f"no sentence of {part} carries" if part in PARTS else f"none of the {part} sentences carries"
    return [f"{where}: {listing(absent)}; left out of its means over topics (macro)"] if absent else []
