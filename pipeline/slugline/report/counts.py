"""What was read and labelled as text: the same words for the terminal, the page and the card."""

from collections.abc import Callable

from slugline.dataset import Dataset
from slugline.duplicates import count_copies
from slugline.launch import TABLES
from slugline.splits import Leakage


def describe_left_out(dataset: Dataset) -> str:
    """Return how many sentences of the data were left out for which reason."""
    counts = dataset.counts
    reasons = {name: name for name in ("debris", "unlabelled", "rejected")} | {"rare": "of topics not trained"}
    left_out = [f"{counts[name]} {reason}" for name, reason in reasons.items() if counts.get(name)]
    return ", ".join(left_out) or "none"


def describe_copies(dataset: Dataset) -> str:
    """Return how many articles and sentences have copies, and how far the parts share them; "" if not known."""
    if dataset.copy_leakage is None:
        return ""
    leakage = dataset.copy_leakage
    shared = f"groups of articles in several parts: {leakage.articles}; in train, too: {describe_shared(leakage)}"
    if dataset.copies is None:
        return f"exact ones alone, and not listed (data.chunk_rows); {shared}"
    if dataset.copies.empty:
        return "none"
    counts = count_copies(dataset.copies)
    kinds = [
        f"{counts[f'copied_{kind}s']} {kind}s in {counts[f'{kind}_groups']} groups" for kind in ("article", "sentence")
    ]
    return f"{', '.join(kinds)}, listed in {TABLES}/duplicates.csv; {shared}"


def describe_shared(leakage: Leakage) -> str:
    """Return how many sentences of dev and test are in train, too."""
    return ", ".join(
        f"{count} {part} sentences ({leakage.shares[part]:.1%})" for part, count in leakage.sentences.items()
    )


def describe_labels(dataset: Dataset, escape: Callable[[object], str] = str) -> str:
    """Return how many sentences each source labelled; `escape` makes the name of a source fit for its place."""
    sources = dataset.sentences["label_source"].value_counts()
    counts = ", ".join(f"{count} {escape(source)}" for source, count in sources.items())

    # Training out of core keeps only the sentences of dev and test
    all_kept = len(dataset.sentences) == dataset.counts["used"]
    heading = "Labels" if all_kept else "Labels of the sentences kept for evaluation"
    return f"{heading}: {counts}"
