"""Training on text larger than memory: `slugline train data.chunk_rows=20000 features=hashing model=sgd ...`.

The data is read once, a chunk at a time, and kept on disk as features; then a classifier per topic that has
`partial_fit` goes through the chunks, `epochs` times. Nothing is out of fold here: calibration and thresholds come from
dev. Scores are of at most `_MAX_SCORED` sentences of dev and of test, of articles drawn at random.
"""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from slugline.cache import Stages
from slugline.data.cleaning import BOILERPLATE
from slugline.data.schema import to_matrix
from slugline.dataset import Dataset, check_examples, data_notes, topic_notes
from slugline.errors import InputError
from slugline.labels import by_people, mode_notes
from slugline.model.context_features import ContextFeatures
from slugline.model.heads import decision_values, to_probabilities
from slugline.model.topic_model import TopicModel
from slugline.scoring import check_target, choose_thresholds
from slugline.splits import HELD_OUT, ByArticle, Given
from slugline.training.calibration import calibrate
from slugline.training.chosen_features import choose_features, learns_nothing, to_features
from slugline.training.chunk_reading import read_chunks
from slugline.training.chunk_splits import to_share
from slugline.training.chunks import Chunks, RowCounts
from slugline.training.fit import FittedModel
from slugline.training.heads import as_input_error, to_head
from slugline.training.settings import TrainSettings

_MAX_SCORED = 20_000  # sentences of dev, and of test


def fit_out_of_core(settings: TrainSettings, stages: Stages) -> tuple[Dataset, FittedModel, str]:
    """Read, learn and score chunk by chunk.

    Parameters
    ----------
    settings : TrainSettings
        With `data.chunk_rows`, features that learn nothing from texts, and a classifier that has `partial_fit`.
    stages : Stages
        Times what is done.

    Returns
    -------
    dataset : Dataset
        The held-out sentences that are scored; its counts are of all data.
    fitted : FittedModel
        The model, and its probabilities for these sentences.
    train_digest : str
        Of the sentences that it learned from.

    Raises
    ------
    InputError
        For features, a classifier or a split that need all the text at once.
    """
    _check_settings(settings)
    chosen, notes = choose_features(settings.features, settings.labels, by_rules=settings.labels.rules)
    vectorizers = tuple(to_features(one, name, settings.labels) for name, one in chosen.items())
    if settings.context is not None:
        vectorizers = tuple(ContextFeatures(part, settings.context.weight) for part in vectorizers)
    with TemporaryDirectory(prefix="slugline-") as place:
        chunks = read_chunks(settings, vectorizers, Path(place), stages)
        _check_chunks(chunks)
        mode = settings.labels.mode or chunks.suggested_mode
        check_target(settings.threshold, mode)
        with stages.timed("fit"):
            estimators = _learn(settings, chunks)
        sentences, decisions = _decide_held_out(estimators, chunks)

    Y = to_matrix(sentences["labels"], chunks.topics)
    dev = (sentences["split"] == "dev").to_numpy()
    with stages.timed("thresholds"):
        slope, offset = calibrate(decisions[dev], Y[dev])
        probabilities = to_probabilities(slope * decisions + offset, mode)
        rows = np.repeat(dev[:, None], Y.shape[1], axis=1)
        thresholds = choose_thresholds(settings.threshold, Y, probabilities, rows, mode)

    model = TopicModel(chunks.topics, mode, vectorizers, to_head(estimators, slope, offset), thresholds)
    dataset = _to_dataset(chunks, sentences, mode, settings)
    dataset.notes.extend(notes)
    return dataset, FittedModel(model, probabilities), chunks.rows.train_hash.hexdigest()


def _to_dataset(chunks: Chunks, sentences: pd.DataFrame, mode: str, settings: TrainSettings) -> Dataset:
    """Return the sentences that are scored as a dataset; its counts and notes are of all data."""
    labels, (leakage, of_copies) = settings.labels, chunks.rows.leakages()
    read_as = chunks.read_as()
    dataset = Dataset(
        sentences=sentences,
        Y=to_matrix(sentences["labels"], chunks.topics),
        topics=chunks.topics,
        mode=mode,
        leakage=leakage,
        counts=chunks.counts,
        notes=[*read_as, *chunks.about_languages(), *mode_notes(labels.mode, chunks.suggested_mode)],
        sizes=chunks.rows.sizes,
        label_counts=chunks.rows.label_counts(chunks.topics),
        decided=chunks.decided,
        read_as=read_as,
        files=chunks.files,
        copy_leakage=None if settings.split.duplicates == "off" else of_copies,
        rejected=chunks.rejected,
        cleaned=pd.concat(chunks.cleaned, ignore_index=True),
    )
    warnings = data_notes(
        chunks.matches,
        chunks.unmatched,
        (leakage, of_copies),
        timeouts=chunks.timeouts,
        by_rules_alone=chunks.by_rules_alone,
    )
    dataset.notes.extend(warnings)
    dataset.notes.extend(topic_notes(dataset, chunks.rare, chunks.unseen, labels.min_articles))
    dataset.notes.extend([*chunks.kept, *_notes(chunks, len(sentences))])
    if getattr(settings.data, "cleaning", {}).get(BOILERPLATE):
        dataset.notes.append("boilerplate is what repeats within a chunk of data.chunk_rows articles, not in all")
    return dataset


def _check_settings(settings: TrainSettings) -> None:
    """Check that nothing in the settings needs all the text at once."""
    chunk_rows, evaluation = settings.data.chunk_rows, settings.evaluation
    if not isinstance(chunk_rows, int) or chunk_rows < 1:
        raise InputError(f"data.chunk_rows: {chunk_rows}; allowed: a number of rows, or null")
    if learning := [name for name, one in settings.features.items() if not learns_nothing(one)]:
        problem = f"features.{learning[0]} learns from all texts"
        raise InputError(f"data.chunk_rows: {problem}; allowed: features=hashing, features=encoder")
    if not hasattr(settings.model, "partial_fit"):
        name = type(settings.model).__name__
        raise InputError(f"data.chunk_rows: {name} has no partial_fit; allowed: model=sgd, or another that has")
    if not isinstance(settings.split, ByArticle | Given):
        raise InputError(
            f"data.chunk_rows: {type(settings.split).__name__} needs all the text; allowed: split=article, split=column"
        )
    if settings.teacher is not None:
        raise InputError("data.chunk_rows: a teacher needs all the text; allowed: teacher=null")
    if evaluation.repeats > 1 or evaluation.learning_curve:
        raise InputError("evaluation.repeats and learning_curve need all the text; allowed: data.chunk_rows=null")
    if evaluation.cross_validation:
        raise InputError("evaluation=cross_validation needs all the text; allowed: data.chunk_rows=null")


def _check_chunks(chunks: Chunks) -> None:
    """Check that every topic can be learned, and that thresholds can be chosen."""
    if not chunks.rows.sizes["dev"]:
        are_copied = chunks.rows.article_groups() < chunks.rows.articles()
        raise InputError(
            "no sentence in dev; with data.chunk_rows thresholds are chosen on dev; give split.dev a larger share"
            + (", as copies of each other stay together (split.duplicates=off)" if are_copied else "")
        )
    label_counts = chunks.rows.label_counts(chunks.topics)
    check_examples(label_counts, chunks.rows.sizes, chunks.rows.article_groups(["train"]), "dev")


def _learn(settings: TrainSettings, chunks: Chunks) -> list[Any]:
    """Return a classifier per topic that went through the train part of all chunks, shuffled, `epochs` times."""
    random, estimators = np.random.default_rng(settings.seed), [clone(settings.model) for _ in chunks.topics]
    with Parallel(n_jobs=settings.n_jobs, prefer="threads") as parallel:
        for _ in range(settings.epochs):
            for chunk in chunks.load(random.permutation(chunks.count).tolist()):
                rows = random.permutation(np.flatnonzero(chunk["rows"]["split"] == "train"))
                X = chunk["X"][rows].astype(np.float64)
                Y = to_matrix(chunk["rows"]["labels"].iloc[rows], chunks.topics)
                if len(rows):
                    pairs = zip(estimators, Y.T, strict=True)
                    parallel(delayed(_learn_chunk)(estimator, X, y) for estimator, y in pairs)
    return estimators


def _learn_chunk(estimator: Any, X: Any, y: np.ndarray) -> None:
    """Let a classifier learn from a chunk."""
    with as_input_error(f"model {type(estimator).__name__} cannot be fitted"):
        estimator.partial_fit(X, y, classes=np.array([False, True]))


def _decide_held_out(estimators: Sequence[Any], chunks: Chunks) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the sentences that are scored and the decisions on them, shape (sentences, topics)."""
    shares = {part: _draw_shares(chunks.rows, part) for part in HELD_OUT}
    frames, decisions = [], []
    for chunk in chunks.load():
        held_out, X = chunk["held_out"], chunk["X"][np.flatnonzero(chunk["rows"]["split"] != "train")]
        place = np.array([to_share(key, -1) for key in held_out["article_id"]])
        kinds = zip(held_out["split"], by_people(held_out), strict=True)
        drawn = place < np.array([shares[part][people] for part, people in kinds], float)
        if drawn.any():
            frames.append(held_out[drawn])
            X = X[drawn].astype(np.float64)
            decisions.append(np.column_stack([decision_values(estimator, X) for estimator in estimators]))
    return pd.concat(frames, ignore_index=True), np.concatenate(decisions)


def _draw_shares(rows: RowCounts, part: str) -> dict[bool, float]:
    """Return which share of a part is scored: first of what people labelled (True), then of the others."""
    people, others = rows.by_people[part], rows.sizes[part] - rows.by_people[part]
    room = max(0, _MAX_SCORED - people)
    return {True: min(1.0, _MAX_SCORED / max(1, people)), False: min(1.0, room / max(1, others))}


def _notes(chunks: Chunks, scored: int) -> list[str]:
    """Return what to warn of."""
    notes = ["calibration and thresholds are chosen on dev, so its scores flatter; those of test do not"]
    if (held_out := sum(chunks.rows.sizes[part] for part in HELD_OUT)) > scored:
        notes.append(f"scores are of {scored} of the {held_out} sentences held out, of articles drawn at random")
    return notes
