"""Which labels look wrong: those that a model which has not seen them is sure to give otherwise."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing
from slugline.labels import Labels
from slugline.review.candidates import Candidates, ReviewTasks, define_topics, describe_candidates, format_probability

_MIN_SENTENCES = 10

# From sentences and their labels, (sentences, topics), to out-of-fold probabilities in the same shape
_OutOfFold = Callable[[pd.DataFrame, np.ndarray], np.ndarray]


class _LabelErrors(NamedTuple):
    """Labels that look wrong, the surest first; all arrays have shape (errors,).

    `rows` and `columns` are the sentence and the topic of each, `quality` is the probability that the label is right.
    """

    rows: np.ndarray
    columns: np.ndarray
    quality: np.ndarray


def find_errors(candidates: Candidates, labels: Labels, size: int, predict_out_of_fold: _OutOfFold) -> ReviewTasks:
    """Choose at most `size` sentences whose labels by people look wrong, the surest first.

    `predict_out_of_fold` takes the labelled sentences and their labels, booleans of shape (sentences, topics), and
    returns probabilities in that shape by models that have not seen the sentence. Raises `InputError` when the labels
    are too few to cross-validate, when none looks wrong, and without cleanlab.
    """
    by_people, debris = candidates.by_people, candidates.sentences["debris"].to_numpy()
    has_topics = candidates.sentences["labels"].map(bool).to_numpy() & by_people
    kept = by_people & (~debris | has_topics)
    sentences = candidates.sentences[kept].reset_index(drop=True)
    counts = {"unlabelled": int((~by_people).sum()), "debris": int((by_people & ~kept).sum())}
    read = describe_candidates(candidates, len(sentences), "have labels to check", counts)

    Y = to_matrix(sentences["labels"], candidates.topics)
    alike = _find_alike(sentences, Y, candidates.topics)
    topics = [topic for topic in candidates.topics if topic not in alike]
    Y = to_matrix(
        sentences["labels"].map(lambda given: given and [topic for topic in given if topic in topics]), topics
    )
    probabilities = predict_out_of_fold(sentences, Y)
    errors = find_label_errors(Y, probabilities)
    if not len(errors.rows):
        raise InputError(f"no label looks wrong: {read.removeprefix('data').strip()}")

    reasons = _describe_by_sentence(errors, Y, probabilities, topics)
    chosen = list(reasons)[:size]
    return ReviewTasks(
        sentences=sentences.iloc[chosen],
        definitions=define_topics(topics, labels.topics, {}),
        probabilities=probabilities[chosen],
        reasons=[reasons[row] for row in chosen],
        mode=labels.asked_mode,
        summary=[read, *_describe_alike(alike), *_describe_errors(errors, Y, topics, len(chosen))],
    )


def _find_alike(sentences: pd.DataFrame, Y: np.ndarray, topics: Sequence[str]) -> dict[str, str]:
    """Return the topics that all sentences or none carry, which no model can be cross-validated on, and which it is.

    Raises `InputError` where there is no other topic, or too few sentences or articles.
    """
    articles = sentences["article_id"].nunique()
    if articles < 2 or len(sentences) < _MIN_SENTENCES:
        needed = f"at least {_MIN_SENTENCES} labelled sentences, of 2 articles or more, to cross-validate"
        raise InputError(f"what=errors needs {needed}; found {len(sentences)} of {articles}")
    shares = dict(zip(topics, Y.mean(axis=0), strict=True))
    alike = {topic: "all" if share else "none" for topic, share in shares.items() if share in (0, 1)}
    if len(alike) == len(topics):
        raise InputError(f"labels with and without a topic are needed to check them; all alike: {listing(alike)}")
    return alike


def _describe_alike(alike: Mapping[str, str]) -> list[str]:
    """Return which topics were passed over, a line or none."""
    names = listing(f"{topic} ({share} of the sentences)" for topic, share in alike.items())
    return [f"passed over, since all labels are alike: {names}"] if alike else []


def find_label_errors(Y: np.ndarray, probabilities: np.ndarray) -> _LabelErrors:
    """Find labels that look wrong by confident learning, each topic for itself.

    Northcutt, Jiang and Chuang 2021, "Confident learning: estimating uncertainty in dataset labels", by cleanlab:
    flagged are the pairs off the diagonal of the confident joint. Labels `Y` and out-of-fold probabilities have shape
    (sentences, topics). Raises `InputError` without cleanlab.
    """
    try:
        from cleanlab.multilabel_classification.filter import find_multilabel_issues_per_class
    except ImportError as error:
        raise InputError('what=errors needs cleanlab: pip install "slugline[review]"') from error

    labels = [np.flatnonzero(row).tolist() for row in Y]
    flagged = find_multilabel_issues_per_class(labels, probabilities, filter_by="confident_learning", n_jobs=1)
    rows, columns = np.nonzero(flagged)
    quality = np.where(Y, probabilities, 1 - probabilities)[rows, columns]
    order = np.argsort(quality, kind="stable")
    return _LabelErrors(rows[order], columns[order], quality[order])


def _describe_errors(errors: _LabelErrors, Y: np.ndarray, topics: Sequence[str], chosen: int) -> list[str]:
    """Return how many labels look wrong, by topic."""
    is_given = Y[errors.rows, errors.columns]
    kinds = {"given wrongly": errors.columns[is_given], "missing": errors.columns[~is_given]}
    counts = {name: np.bincount(columns, minlength=len(topics)) for name, columns in kinds.items()}
    sentences = len(np.unique(errors.rows))
    total = f"{len(errors.rows)} labels of {sentences} sentences look wrong; {chosen} sentences written"
    return [f"found   {total}", pd.DataFrame(counts, index=list(topics)).to_string()]


def _describe_by_sentence(
    errors: _LabelErrors, Y: np.ndarray, probabilities: np.ndarray, topics: Sequence[str]
) -> dict[int, str]:
    """Return for each sentence what looks wrong, `labelled threat, model 0.03; ...`, the surest first."""
    phrases: dict[int, list[str]] = {}
    for row, column in zip(errors.rows.tolist(), errors.columns.tolist(), strict=True):
        label = "labelled" if Y[row, column] else "not labelled"
        probability = format_probability(probabilities[row, column])
        phrases.setdefault(row, []).append(f"{label} {topics[column]}, model {probability}")
    return {row: "; ".join(parts) for row, parts in phrases.items()}
