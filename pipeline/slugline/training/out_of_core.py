"""Training on text larger than memory: `slugline train data.chunk_rows=20000 features=hashing model=sgd ...`.

The data is read once, a chunk at a time, and kept on disk as features; then a classifier per topic that has
`partial_fit` goes through the chunks, `epochs` times. Nothing is out of fold here: calibration and thresholds come from
dev. Scores are of at most `_MAX_SCORED` sentences of dev and of test, of articles drawn at random.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from sklearn.base import clone

from slugline.cache import Stages, load, store
from slugline.data.corpus import count_languages
from slugline.data.digests import hash_sentences
from slugline.data.languages import describe_languages
from slugline.data.schema import to_matrix
from slugline.data.sentences import normal_form
from slugline.dataset import (
    NO_LABELS,
    Dataset,
    check_examples,
    count_sentences,
    select_labelled,
)
from slugline.errors import InputError
from slugline.labels import has_one_topic_each, mode_notes, read_gold, suggest_mode
from slugline.model.heads import decision_values, to_probabilities
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import from_estimator, transform_all
from slugline.splits import HELD_OUT, PARTS, ByArticle, Given, Leakage, measure_leakage
from slugline.training.calibration import calibrate
from slugline.training.fit import FittedModel
from slugline.training.heads import as_input_error, to_head
from slugline.training.settings import TrainSettings

_MAX_SCORED = 20_000  # sentences of dev, and of test


class _ChunkCounts:
    """What is counted while all chunks are read."""

    def __init__(self) -> None:
        self.chunks = 0
        self.one_topic_each = True
        self.notes: Sequence[str] = ()
        self.decided: Mapping[str, Any] = {}
        self.topics: tuple[str, ...] = ()
        self.languages: Counter[str] = Counter()  # articles
        self.counts: dict[str, int] = {}
        self.sizes = dict.fromkeys(PARTS, 0)
        self.labels: Counter[tuple[str, str]] = Counter()  # sentences by topic and part
        self.digests: list[
            tuple[np.ndarray, ...]
        ] = []  # of each sentence: number of its part, digests of text, article
        self.train_hash = blake2b(digest_size=8)

    def add(self, used: pd.DataFrame, parts: np.ndarray, counts: Mapping[str, int]) -> None:
        """Count a chunk."""
        self.chunks += 1
        self.counts = {key: self.counts.get(key, 0) + value for key, value in counts.items()}
        for part, topics in zip(parts, used["labels"], strict=True):
            self.sizes[part] += 1
            self.labels.update((topic, part) for topic in topics)

        hash_sentences(self.train_hash, used[parts == "train"])
        codes = np.array([PARTS.index(part) for part in parts], np.uint8)
        texts = _digest_texts(map(normal_form, used["text"]))
        self.digests.append((codes, texts, _digest_texts(used["article_id"])))

    def label_counts(self) -> pd.DataFrame:
        """Return how many sentences of each part carry each topic: topics down, parts across."""
        counts = {part: [self.labels[topic, part] for topic in self.topics] for part in PARTS}
        return pd.DataFrame(counts, index=list(self.topics))

    def train_articles(self) -> int:
        """Return how many articles have sentences in train."""
        train = [articles[codes == PARTS.index("train")] for codes, _, articles in self.digests]
        return len(np.unique(np.concatenate(train)))

    def leakage(self) -> Leakage:
        """Measure how far the parts share articles and sentences, by digests of 64 bits."""
        codes, texts, articles = (np.concatenate(column) for column in zip(*self.digests, strict=True))
        return measure_leakage(texts, np.array(PARTS, object)[codes], articles)


def fit_out_of_core(settings: TrainSettings, stages: Stages) -> tuple[Dataset, FittedModel, str]:
    """Read, learn and score chunk by chunk.

    Parameters
    ----------
    settings : TrainSettings
        With `data.chunk_rows`, hashed features and a classifier that has `partial_fit`.
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
    vectorizers = tuple(from_estimator(name, vectorizer) for name, vectorizer in settings.features.items())
    with TemporaryDirectory(prefix="slugline-") as place:
        folder = Path(place)
        counted = _read_all(settings, vectorizers, folder, stages)
        with stages.timed("fit"):
            estimators = _learn(settings, folder, counted)
        sentences, decisions = _decide_held_out(estimators, folder, counted)

    Y = to_matrix(sentences["labels"], counted.topics)
    dev = (sentences["split"] == "dev").to_numpy()
    suggested = suggest_mode(counted.one_topic_each, counted.topics)
    mode = settings.labels.mode or suggested
    with stages.timed("thresholds"):
        slope, offset = calibrate(decisions[dev], Y[dev])
        probabilities = to_probabilities(slope * decisions + offset, mode)
        thresholds = settings.threshold(Y[dev], probabilities[dev])

    model = TopicModel(counted.topics, mode, vectorizers, to_head(estimators, slope, offset), thresholds)
    dataset = Dataset(
        sentences=sentences,
        Y=Y,
        topics=counted.topics,
        mode=mode,
        leakage=counted.leakage(),
        counts=counted.counts,
        notes=[*counted.notes, *mode_notes(settings.labels.mode, suggested), *_notes(counted, len(sentences))],
        sizes=counted.sizes,
        label_counts=counted.label_counts(),
        decided=counted.decided,
    )
    return dataset, FittedModel(model, probabilities), counted.train_hash.hexdigest()


def _check_settings(settings: TrainSettings) -> None:
    """Check that nothing in the settings needs all the text at once."""
    chunk_rows, evaluation = settings.data.chunk_rows, settings.evaluation
    if not isinstance(chunk_rows, int) or chunk_rows < 1:
        raise InputError(f"data.chunk_rows: {chunk_rows}; allowed: a number of rows, or null")
    learning = [name for name, vectorizer in settings.features.items() if not hasattr(vectorizer, "n_features")]
    if learning:
        raise InputError(f"data.chunk_rows: features.{learning[0]} learns from all texts; allowed: features=hashing")
    if not hasattr(settings.model, "partial_fit"):
        name = type(settings.model).__name__
        raise InputError(f"data.chunk_rows: {name} has no partial_fit; allowed: model=sgd, or another that has")
    if not isinstance(settings.split, ByArticle | Given):
        raise InputError(
            f"data.chunk_rows: {type(settings.split).__name__} needs all the text; allowed: split=article, split=column"
        )
    if settings.epochs < 1:
        raise InputError(f"epochs: {settings.epochs}; allowed: 1 or more")
    if evaluation.repeats > 1 or evaluation.learning_curve:
        raise InputError("evaluation.repeats and learning_curve need all the text; allowed: data.chunk_rows=null")


def _read_all(settings: TrainSettings, vectorizers: Sequence[Any], folder: Path, stages: Stages) -> _ChunkCounts:
    """Read, label and split each chunk, and keep its features and the sentences held out."""
    gold = list(read_gold(settings.labels.gold, settings.labels.columns))
    counted, unmatched = _ChunkCounts(), {where for where, _ in gold}
    for number, corpus in enumerate(settings.data.chunks()):
        with stages.timed("sentences"):
            sentences = corpus.sentences()
        with stages.timed("labels"):
            labelled = settings.labels(sentences, gold)
            unmatched &= set(labelled.unmatched)
            used = select_labelled(labelled)
            counted.one_topic_each &= has_one_topic_each(labelled.sentences)
            counted.notes, counted.decided = corpus.notes, corpus.decided  # those of all chunks are the same
            counted.languages.update(count_languages(corpus.articles))
        with stages.timed("split"):
            parts = _split_chunk(settings.split, used)
            counted.add(used, parts, count_sentences(corpus, labelled, used))
        with stages.timed("features"):
            X, train = transform_all(vectorizers, list(used["text"])), parts == "train"
            X.data = X.data.astype(np.float32)  # half the disk
            held_out = used.assign(split=parts)[~train].reset_index(drop=True)
            values = {"X": X, "train": train, "labels": used[["labels"]], "held_out": held_out}
            store(folder / str(number), {}, values)

    topics = {topic for topic, _ in counted.labels}
    counted.topics = tuple(settings.labels.topics) or tuple(sorted(topics))
    languages = dict(counted.languages.most_common())
    counted.notes = [*counted.notes, *describe_languages(languages, corpus.ready_sentences is None)]
    counted.counts["gold_unmatched"] = len(unmatched)
    if not sum(counted.sizes.values()):
        raise InputError(NO_LABELS)
    if not counted.sizes["dev"]:
        raise InputError(
            "no sentence in dev; with data.chunk_rows thresholds are chosen on dev; give split.dev a larger share"
        )
    check_examples(counted.label_counts(), counted.sizes, counted.train_articles(), "dev")
    return counted


def _split_chunk(split: ByArticle | Given, sentences: pd.DataFrame) -> np.ndarray:
    """Return the part of each sentence: by a column, or by a hash of its article, with shares about as asked for."""
    if isinstance(split, Given):
        return np.asarray(split(sentences, np.empty((len(sentences), 0))))
    place = sentences["article_id"].map(lambda key: _to_share(key, split.seed)).to_numpy()
    return np.asarray(np.select([place < split.test, place < split.test + split.dev], ["test", "dev"], "train"), object)


def _learn(settings: TrainSettings, folder: Path, counted: _ChunkCounts) -> list[Any]:
    """Return a classifier per topic that went through the train part of all chunks, shuffled, `epochs` times."""
    random, estimators = np.random.default_rng(settings.seed), [clone(settings.model) for _ in counted.topics]
    with Parallel(n_jobs=settings.n_jobs, prefer="threads") as parallel:
        for _ in range(settings.epochs):
            for chunk in _load_chunks(folder, random.permutation(counted.chunks).tolist()):
                rows = random.permutation(np.flatnonzero(chunk["train"]))
                X = chunk["X"][rows].astype(np.float64)
                Y = to_matrix(chunk["labels"]["labels"].iloc[rows], counted.topics)
                if len(rows):
                    pairs = zip(estimators, Y.T, strict=True)
                    parallel(delayed(_learn_chunk)(estimator, X, y) for estimator, y in pairs)
    return estimators


def _learn_chunk(estimator: Any, X: Any, y: np.ndarray) -> None:
    """Let a classifier learn from a chunk."""
    with as_input_error(f"model {type(estimator).__name__} cannot be fitted"):
        estimator.partial_fit(X, y, classes=np.array([False, True]))


def _decide_held_out(estimators: Sequence[Any], folder: Path, counted: _ChunkCounts) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the sentences that are scored and the decisions on them, shape (sentences, topics)."""
    shares = {part: min(1.0, _MAX_SCORED / max(1, counted.sizes[part])) for part in HELD_OUT}
    frames, decisions = [], []
    for chunk in _load_chunks(folder, range(counted.chunks)):
        held_out, X = chunk["held_out"], chunk["X"][~chunk["train"]].astype(np.float64)
        place = np.array([_to_share(key, -1) for key in held_out["article_id"]])
        drawn = place < held_out["split"].map(shares).to_numpy(float)
        if drawn.any():
            frames.append(held_out[drawn])
            decisions.append(np.column_stack([decision_values(estimator, X[drawn]) for estimator in estimators]))
    return pd.concat(frames, ignore_index=True), np.concatenate(decisions)


def _load_chunks(folder: Path, order: Iterable[int]) -> Iterator[Any]:
    """Yield what is kept of each chunk."""
    for number in order:
        yield load(folder / str(number))


def _notes(counted: _ChunkCounts, scored: int) -> list[str]:
    """Return what to warn of."""
    notes = ["calibration and thresholds are chosen on dev, so its scores flatter; those of test do not"]
    if (held_out := counted.sizes["dev"] + counted.sizes["test"]) > scored:
        notes.append(f"scores are of {scored} of the {held_out} sentences held out, of articles drawn at random")
    return notes


def _to_share(key: str, seed: int) -> float:
    """Return a number from 0 to 1 that a key and a seed decide."""
    return _digest64(f"{seed}\0{key}") / 2**64


def _digest64(text: str) -> int:
    """Return 64 bits for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _digest_texts(texts: Iterable[str]) -> np.ndarray:
    """Return 64 bits for each text, shape (texts,)."""
    return np.array([_digest64(text) for text in texts], np.uint64)
