"""Checks: whether a model can be trained on a dataset, and its topics named as they are."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from slugline.data.schema import ABOUT_COLUMNS, SENTENCE_COLUMNS
from slugline.dataset.dataset import Dataset
from slugline.duplicates import article_groups
from slugline.errors import InputError, listing
from slugline.labels.rare import LEAST_ARTICLES

# Columns of predictions, beside one for each topic
_RESERVED = (*SENTENCE_COLUMNS, *ABOUT_COLUMNS, "topics", "explain")
_INTERVAL_ENDS = ("_low", "_high")  # of metric keys


def check_examples(
    label_counts: pd.DataFrame,
    sizes: dict[str, int],
    train_articles: int,
    threshold_part: str,
    *,
    needs_held_out: bool = True,
) -> None:
    """Check that every topic can be learned, its threshold chosen, and the model scored.

    Parameters
    ----------
    label_counts : DataFrame
        Sentences that carry a topic (rows) by part (columns).
    sizes : dict of str to int
        Sentences by part.
    train_articles : int
        How many articles the sentences of train come from, copies of an article as one.
    threshold_part : str
        The part on which thresholds are chosen.
    needs_held_out : bool
        Whether dev or test must have sentences: without, a model is judged by cross-validation.

    Raises
    ------
    InputError
        With the topics or the part concerned, and what to do.
    """
    check_topic_names([str(topic) for topic in label_counts.index])
    positive = label_counts["train"]
    if missing := positive.index[positive == 0].tolist():
        raise InputError(
            f"no positive example in train of: {listing(missing)}; label some, or take the topic out of labels.topics"
        )
    if constant := positive.index[positive == sizes["train"]].tolist():
        raise InputError(f"every training sentence carries: {listing(constant)}; add sentences without it (labels: [])")
    if train_articles < LEAST_ARTICLES:
        raise InputError(f"training needs sentences of at least 2 articles to cross-validate, found {train_articles}")
    if needs_held_out and not sizes["dev"] + sizes["test"]:
        raise InputError(
            "no sentence in dev or test to score a model on; give split.dev or split.test a larger share, or "
            "evaluation=cross_validation"
        )
    if not sizes[threshold_part]:
        raise InputError(
            f"no sentence in {threshold_part}, on which thresholds are chosen; give it a share, or threshold.part=train"
        )


def check_dataset(dataset: Dataset, threshold_part: str, *, needs_held_out: bool = True) -> None:
    """Check with `check_examples` that a model can be trained on a dataset; see there."""
    train_articles = len(np.unique(article_groups(dataset.sentences)[dataset.rows("train")]))
    sizes = dataset.sizes
    check_examples(dataset.label_counts, sizes, train_articles, threshold_part, needs_held_out=needs_held_out)


def check_topic_names(topics: Sequence[str]) -> None:
    """Check that no topic has the name of a column of predictions, or of another topic's metric."""
    if taken := [topic for topic in topics if topic in _RESERVED]:
        raise InputError(
            f"topic '{taken[0]}' has the name of a column of predictions; rename it; taken: {listing(_RESERVED)}"
        )
    ends = [f"{topic}{end}" for topic in topics for end in _INTERVAL_ENDS]
    if clashes := [name for name in ends if name in topics]:
        raise InputError(f"topic '{clashes[0]}' has the name of an end of an interval of another; rename it")
