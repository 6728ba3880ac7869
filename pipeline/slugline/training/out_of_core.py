"""Training on text larger than memory: `slugline train data.chunk_rows=20000 features=hashing model=sgd ...`.

The data is read once, a chunk at a time, and kept on disk as features; then a classifier per topic that has
`partial_fit` goes through the chunks, `epochs` times. Nothing is out of fold here: calibration and thresholds come from
dev. Scores are of at most `HELD_OUT` sentences of dev and of test, of articles drawn at random.
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

from slugline.cache import load, store
from slugline.data.corpus import read_gold
from slugline.dataset import NO_LABELS, Clock, Material, count, hash_sentences, select
from slugline.errors import InputError, listing
from slugline.labels import to_matrix
from slugline.model.heads import decision_values, to_probabilities
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import from_estimator, transform_all
from slugline.splits import PARTS, ByArticle, Given, Leakage, check_shares, normal_form
from slugline.training.fit import Outcome, calibrate, reason, to_head

HELD_OUT = 20_000  # sentences of dev, and of test, that are scored
Parts = Mapping[str, Any]


class Pass:
    """What reading all chunks finds: how many there are, and what is counted."""

    def __init__(self) -> None:
        self.chunks = 0
        self.topics: tuple[str, ...] = ()
        self.counts: dict[str, int] = {}
        self.sizes = dict.fromkeys(PARTS, 0)
        self.labels: Counter[tuple[str, str]] = Counter()  # sentences by topic and part
        self.keys: list[tuple[np.ndarray, np.ndarray]] = []  # part and digest of the text of each sentence
        self.articles: dict[str, int] = {}  # parts that each article has sentences in, a bit each
        self.hashed = blake2b(digest_size=8)

    def add(self, used: pd.DataFrame, split: np.ndarray, counts: Mapping[str, int]) -> None:
        """Count a chunk."""
        self.chunks += 1
        self.counts = {key: self.counts.get(key, 0) + value for key, value in counts.items()}
        for part, given in zip(split, used["labels"], strict=True):
            self.sizes[part] += 1
            self.labels.update((topic, part) for topic in given)
        hash_sentences(self.hashed, used[split == "train"])
        codes = np.array([PARTS.index(part) for part in split], np.uint8)
        self.keys.append((codes, digests(map(normal_form, used["text"]))))
        for article, part in {*zip(used["article_id"], split, strict=True)}:
            self.articles[article] = self.articles.get(article, 0) | 1 << PARTS.index(part)

    def label_counts(self) -> pd.DataFrame:
        """Return how many sentences of each part carry each topic: topics down, parts across."""
        counts = {part: [self.labels[topic, part] for topic in self.topics] for part in PARTS}
        return pd.DataFrame(counts, index=list(self.topics))


def fit_stream(
    parts: Parts,
    features: Mapping[str, Any],
    clock: Clock,
    *,
    epochs: int,
    seed: int,
    n_jobs: int,
) -> tuple[Material, Outcome, str]:
    """Read, learn and score; return what was held out, the model, and the digest of what it learned from.

    Raises `InputError` for features, a classifier or a split that need all the text at once.
    """
    check_parts(parts, features, epochs)
    vectorizers = tuple(from_estimator(name, vectorizer) for name, vectorizer in features.items())
    with TemporaryDirectory(prefix="slugline-") as place:
        folder = Path(place)
        found = read_all(parts, vectorizers, folder, clock)
        with clock("fit"):
            estimators = learn(parts["model"], folder, found, epochs, seed, n_jobs)
        sentences, decisions = hold_out(estimators, folder, found)
    Y = to_matrix(sentences["labels"], found.topics)
    dev = (sentences["split"] == "dev").to_numpy()
    with clock("thresholds"):
        slope, offset = calibrate(decisions[dev], Y[dev])
        probabilities = to_probabilities(slope * decisions + offset, parts["labels"].mode)
        thresholds = parts["threshold"](Y[dev], probabilities[dev])
    model = TopicModel(found.topics, parts["labels"].mode, vectorizers, to_head(estimators, slope, offset), thresholds)
    notes = ["calibration and thresholds are chosen on dev, so its scores flatter; those of test do not"]
    if (held := found.sizes["dev"] + found.sizes["test"]) > len(sentences):
        notes.append(f"scores are of {len(sentences)} of the {held} sentences held out, of articles drawn at random")
    leakage, counts = measure_leakage(found), found.label_counts()
    material = Material(sentences, Y, found.topics, model.mode, leakage, found.counts, notes, found.sizes, counts)
    return material, Outcome(model, probabilities), found.hashed.hexdigest()


def check_parts(parts: Parts, features: Mapping[str, Any], epochs: int) -> None:
    """Raise `InputError` for what needs all the text at once."""
    if not isinstance(parts["data"].chunk_rows, int) or parts["data"].chunk_rows < 1:
        raise InputError(f"data.chunk_rows: {parts['data'].chunk_rows}; allowed: a number of rows, or null")
    if learning := [name for name, vectorizer in features.items() if not hasattr(vectorizer, "n_features")]:
        raise InputError(f"data.chunk_rows: features.{learning[0]} learns from all texts; allowed: features=hashing")
    if not hasattr(parts["model"], "partial_fit"):
        name = type(parts["model"]).__name__
        raise InputError(f"data.chunk_rows: {name} has no partial_fit; allowed: model=sgd, or another that has")
    if not isinstance(parts["split"], ByArticle | Given):
        raise InputError("data.chunk_rows: the split needs all the text; allowed: split=article, split=column")
    if isinstance(parts["split"], ByArticle):
        check_shares(parts["split"].dev, parts["split"].test)
    if epochs < 1:
        raise InputError(f"epochs: {epochs}; allowed: 1 or more")


def read_all(
    parts: Parts,
    vectorizers: Sequence[Any],
    folder: Path,
    clock: Clock,
) -> Pass:
    """Read, label and split each chunk, and keep its features and the sentences held out."""
    gold = list(read_gold(parts["labels"]))
    found, unmatched = Pass(), {where for where, _ in gold}
    for number, corpus in enumerate(parts["data"].chunks()):
        with clock("sentences"):
            sentences = corpus.sentences()
        with clock("labels"):
            labelled = parts["labels"](sentences, gold)
            unmatched &= set(labelled.unmatched)
            used = select(labelled)
        with clock("split"):
            split = split_chunk(parts["split"], used)
            found.add(used, split, count(corpus, labelled, used))
        with clock("features"):
            X, train = transform_all(vectorizers, list(used["text"])), split == "train"
            X.data = X.data.astype(np.float32)  # half the disk
            held = used.assign(split=split)[~train].reset_index(drop=True)
            store(folder / str(number), {}, {"X": X, "train": train, "labels": used[["labels"]], "held": held})
    found.topics = tuple(parts["labels"].topics) or tuple(sorted({topic for topic, _ in found.labels}))
    found.counts["gold_unmatched"] = len(unmatched)
    require_examples(found)
    return found


def split_chunk(split: ByArticle | Given, sentences: pd.DataFrame) -> np.ndarray:
    """Return the part of each sentence: by a column, or by a hash of its article, with shares about as asked for."""
    if isinstance(split, Given):
        return np.asarray(split(sentences, np.empty((len(sentences), 0))))
    place = sentences["article_id"].map(lambda key: share(key, split.seed)).to_numpy()
    return np.asarray(np.select([place < split.test, place < split.test + split.dev], ["test", "dev"], "train"), object)


def share(key: str, seed: int) -> float:
    """Return a number from 0 to 1 that a key and a seed give."""
    return digest64(f"{seed}\0{key}") / 2**64


def digest64(text: str) -> int:
    """Return 64 bits for a text."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def digests(texts: Iterable[str]) -> np.ndarray:
    """Return 64 bits for each text, shape (texts,)."""
    return np.array([digest64(text) for text in texts], np.uint64)


def measure_leakage(found: Pass) -> Leakage:
    """Count articles in several parts, and held-out sentences that stand in train, by digests of 64 bits."""
    codes, texts = (np.concatenate(column) for column in zip(*found.keys, strict=True))
    train = np.unique(texts[codes == PARTS.index("train")])
    sentences = {part: int(np.isin(texts[codes == PARTS.index(part)], train).sum()) for part in PARTS[1:]}
    shares = {part: n / max(1, found.sizes[part]) for part, n in sentences.items()}
    return Leakage(sum(parts.bit_count() > 1 for parts in found.articles.values()), sentences, shares)


def require_examples(found: Pass) -> None:
    """Raise `InputError` when something cannot be learned or chosen."""
    if not sum(found.sizes.values()):
        raise InputError(NO_LABELS)
    if missing := [topic for topic in found.topics if not found.labels[topic, "train"]]:
        raise InputError(f"no positive example in train of: {listing(missing)}; label some, or take the topic out")
    if empty := [part for part in ("train", "dev") if not found.sizes[part]]:
        raise InputError(f"no sentence in {listing(empty)}; with data.chunk_rows thresholds are chosen on dev")


def chunks(folder: Path, order: Sequence[int]) -> Iterator[Any]:
    """Yield what is kept of each chunk."""
    for number in order:
        yield load(folder / str(number))


def learn(classifier: Any, folder: Path, found: Pass, epochs: int, seed: int, n_jobs: int) -> list[Any]:
    """Return a classifier per topic that went through the train part of all chunks, shuffled, so many times."""
    random, estimators = np.random.default_rng(seed), [clone(classifier) for _ in found.topics]
    with Parallel(n_jobs=n_jobs, prefer="threads") as parallel:
        for _ in range(epochs):
            for chunk in chunks(folder, random.permutation(found.chunks).tolist()):
                rows = random.permutation(np.flatnonzero(chunk["train"]))
                X = chunk["X"][rows].astype(np.float64)
                Y = to_matrix(chunk["labels"]["labels"].iloc[rows], found.topics)
                if len(rows):
                    parallel(delayed(learn_one)(estimator, X, y) for estimator, y in zip(estimators, Y.T, strict=True))
    return estimators


def learn_one(estimator: Any, X: Any, y: np.ndarray) -> None:
    """Let a classifier learn from a chunk; raise `InputError` with scikit-learn's reason when it cannot."""
    with reason(f"model {type(estimator).__name__} cannot be fitted"):
        estimator.partial_fit(X, y, classes=np.array([False, True]))


def hold_out(estimators: Sequence[Any], folder: Path, found: Pass) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the sentences that are scored and the decisions on them, shape (sentences, topics)."""
    limits = {part: min(1.0, HELD_OUT / max(1, found.sizes[part])) for part in PARTS[1:]}
    frames, decisions = [], []
    for chunk in chunks(folder, range(found.chunks)):
        held, X = chunk["held"], chunk["X"][~chunk["train"]].astype(np.float64)
        drawn = np.array([share(key, -1) for key in held["article_id"]]) < held["split"].map(limits).to_numpy(float)
        if drawn.any():
            frames.append(held[drawn])
            decisions.append(np.column_stack([decision_values(estimator, X[drawn]) for estimator in estimators]))
    return pd.concat(frames, ignore_index=True), np.concatenate(decisions)
