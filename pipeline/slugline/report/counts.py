"""What was read and labelled as text: the same words for the terminal, the page and the card."""

from collections.abc import Callable

from slugline.dataset import Dataset


def describe_left_out(dataset: Dataset) -> str:
    """Return how many sentences of the data were left out for which reason."""
    counts = dataset.counts
    reasons = {name: name for name in ("debris", "unlabelled", "rejected")} | {"rare": "of topics not trained"}
    left_out = [f"{counts[name]} {reason}" for name, reason in reasons.items() if counts.get(name)]
    return ", ".join(left_out) or "none"


def describe_labels(dataset: Dataset, escape: Callable[[object], str] = str) -> str:
    """Return how many sentences each source labelled; `escape` makes the name of a source fit for its place."""
    sources = dataset.sentences["label_source"].value_counts()
    counts = ", ".join(f"{count} {escape(source)}" for source, count in sources.items())

    # Training out of core keeps only the sentences of dev and test
    all_kept = len(dataset.sentences) == dataset.counts["used"]
    heading = "Labels" if all_kept else "Labels of the sentences kept for evaluation"
    return f"{heading}: {counts}"
