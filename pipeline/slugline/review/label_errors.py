"""Which labels look wrong."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from slugline.config import instantiate
from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing
from slugline.labels import Labels
from slugline.model.vectorizers import from_estimator
from slugline.review.candidates import Found, Pile, describe_pile, number
from slugline.review.selection import LabelErrors, find_label_errors
from slugline.training.fit import fit_features, fit_head


def find_errors(config: DictConfig, pile: Pile, labels: Labels) -> Found:
    """Find the sentences whose labels by people look wrong, the surest first."""
    given = pile.sentences["labels"].map(bool).to_numpy() & pile.by_people
    kept = pile.by_people & (~pile.sentences["debris"].to_numpy() | given)
    sentences = pile.sentences[kept].reset_index(drop=True)
    counts = {"unlabelled": int((~pile.by_people).sum()), "debris": int((pile.by_people & ~kept).sum())}
    summary = [describe_pile(pile, len(sentences), "have labels to check", counts)]
    Y = to_matrix(sentences["labels"], pile.topics)
    probabilities = cross_validate(config, sentences, Y, pile.topics, labels.mode)
    errors = find_label_errors(Y, probabilities)
    rows = np.array(list(dict.fromkeys(errors.rows.tolist()))[: config.size], dtype=np.intp)
    if not len(rows):
        raise InputError(f"no label looks wrong: {summary[0].removeprefix('data').strip()}")
    summary += describe_errors(errors, Y, pile.topics, len(rows))
    reasons = describe_labels(errors, Y, probabilities, pile.topics)
    told = [reasons[row] for row in rows.tolist()]
    return Found(sentences.iloc[rows], pile.topics, {}, probabilities[rows], told, labels.mode, summary)


def cross_validate(
    config: DictConfig, sentences: pd.DataFrame, Y: np.ndarray, topics: Sequence[str], mode: str
) -> np.ndarray:
    """Return out-of-fold probabilities (sentences, topics) of the model that `features` and `model` describe."""
    if (found := sentences["article_id"].nunique()) < 2:
        raise InputError(
            f"what=errors needs labelled sentences of at least 2 articles to cross-validate, found {found}"
        )
    if constant := [topic for topic, share in zip(topics, Y.mean(axis=0), strict=True) if share in (0, 1)]:
        raise InputError(f"labels with and without each topic are needed to check them; all alike: {listing(constant)}")
    allowed, texts = tuple(config.allowed_modules), sentences["text"].tolist()
    made = {key: instantiate(node, f"features.{key}", allowed) for key, node in config.features.items()}
    blocks = [fit_features(str(key), vectorizer, texts) for key, vectorizer in made.items()]
    norms = [from_estimator(str(key), vectorizer).norm for key, vectorizer in made.items()]
    groups = sentences["article_id"].factorize()[0]
    classifier = instantiate(config.model, "model", allowed)
    options = (config.folds, config.seed, config.n_jobs)
    return fit_head(classifier, blocks, norms, Y, groups, mode, *options).probabilities


def describe_errors(errors: LabelErrors, Y: np.ndarray, topics: Sequence[str], written: int) -> list[str]:
    """Return how many labels look wrong, by topic."""
    given = Y[errors.rows, errors.columns]
    kinds = {"given wrongly": errors.columns[given], "missing": errors.columns[~given]}
    counts = {name: np.bincount(columns, minlength=len(topics)) for name, columns in kinds.items()}
    said = (
        f"{len(errors.rows)} labels of {len(np.unique(errors.rows))} sentences look wrong; {written} sentences written"
    )
    return [f"found   {said}", pd.DataFrame(counts, index=list(topics)).to_string()]


def describe_labels(
    errors: LabelErrors, Y: np.ndarray, probabilities: np.ndarray, topics: Sequence[str]
) -> dict[int, str]:
    """Return for each row in one phrase what looks wrong: `labelled threat, model 0.03`."""
    found: dict[int, list[str]] = {}
    for row, column in zip(errors.rows.tolist(), errors.columns.tolist(), strict=True):
        said = "labelled" if Y[row, column] else "not labelled"
        found.setdefault(row, []).append(f"{said} {topics[column]}, model {number(probabilities[row, column])}")
    return {row: "; ".join(phrases) for row, phrases in found.items()}
