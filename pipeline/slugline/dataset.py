"""The material of a model: sentences read, split, labelled, parted into train, dev and test, and what was left out."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from hashlib import blake2b
from typing import Any, NamedTuple, Protocol

import numpy as np
import pandas as pd
from omegaconf import DictConfig

from slugline.cache import Stages, chain, stage_key
from slugline.config import flatten
from slugline.data.corpus import Corpus, gold_files, read_gold
from slugline.data.schema import SENTENCE_COLUMNS, to_matrix
from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing
from slugline.labels import Labelled
from slugline.splits import PARTS, Leakage, count_labels, measure_leakage

RESERVED = (*SENTENCE_COLUMNS, "topics", "explain")  # columns of predictions, beside one for each topic
ENDS = ("_low", "_high")  # of the metrics that are ends of intervals
NO_LABELS = "no sentence is labelled; give gold labels (labels=gold labels.gold=FILE) or use the rules (labels=rules)"
JUDGES = 10  # sentences labelled by people that carry a topic, from which they are enough to judge it by
LEAK = 0.01  # share of a part that stands in train word for word, above which we warn


class Clock(Protocol):
    """What times a stage."""

    def __call__(self, stage: str, /) -> AbstractContextManager[None]:
        """Time the block that follows."""


class Material(NamedTuple):
    """What is trained and tested on: sentences with `labels`, `label_source`, `split`; `Y` (sentences, topics) bool.

    `counts` says what was read, left out and why; `sizes` how many sentences each part has, `label_counts` (topics
    down, parts across) how many of them carry a topic: of all sentences, also of those that a stream does not keep.
    `weights` (sentences, topics), from 0 to 1, say how sure labels are, where a label model gave some; None: all are.
    """

    sentences: pd.DataFrame
    Y: np.ndarray
    topics: tuple[str, ...]
    mode: str
    leakage: Leakage
    counts: dict[str, int]
    notes: list[str]
    sizes: dict[str, int]
    label_counts: pd.DataFrame
    weights: np.ndarray | None = None

    def rows(self, part: str) -> np.ndarray:
        """Return which sentences make a part; where people labelled any, those labelled by rules test nothing."""
        rows = (self.sentences["split"] == part).to_numpy()
        by_people = self.by_people()
        return np.asarray(rows & by_people if part != "train" and by_people.any() else rows)

    @property
    def judged(self) -> str:
        """The part that a run is judged by: test, or dev where there is no test."""
        return "test" if self.rows("test").any() else "dev"

    def by_people(self) -> np.ndarray:
        """Return which sentences people labelled."""
        return np.asarray(self.sentences["label_source"] != "rules")

    def judges(self, part: str) -> np.ndarray:
        """Return on which sentences of a part a topic's probabilities and threshold are set, shape (sentences, topics).

        On those that people labelled, where at least `JUDGES` of them carry the topic; else on all.
        """
        rows, sure = self.rows(part), self.rows(part) & self.by_people()
        enough = self.Y[sure].sum(axis=0) >= JUDGES
        return np.where(enough, sure[:, None], rows[:, None])


def require_examples(material: Material, threshold_part: str) -> None:
    """Raise `InputError` when something cannot be learned, chosen or scored, before any run is started."""
    if taken := [topic for topic in material.topics if topic in RESERVED]:
        raise InputError(
            f"topic '{taken[0]}' has the name of a column of predictions; rename it; taken: {listing(RESERVED)}"
        )
    if twice := [f"{topic}{end}" for topic in material.topics for end in ENDS if f"{topic}{end}" in material.topics]:
        raise InputError(f"topic '{twice[0]}' has the name of an end of an interval of another; rename it")
    train = material.rows("train")
    positive, topics = material.Y[train].sum(axis=0), np.array(material.topics)
    if len(missing := topics[positive == 0]):
        raise InputError(
            f"no positive example in train of: {listing(missing)}; label some, or take the topic out of labels.topics"
        )
    if len(constant := topics[positive == train.sum()]):
        raise InputError(
            f"every sentence of train is labelled: {listing(constant)}; label some without, with [] if need be"
        )
    if (found := material.sentences["article_id"][train].nunique()) < 2:
        raise InputError(f"training needs sentences of at least 2 articles to cross-validate, found {found}")
    if not (material.rows("dev") | material.rows("test")).any():
        raise InputError("no sentence in dev or test to score a model on; give split.dev or split.test a larger share")
    if not material.rows(threshold_part).any():
        raise InputError(f"threshold.part={threshold_part}: that part has no sentences")


def read_labelled(config: DictConfig, data: Any, labels: Any, stages: Stages, clock: Clock) -> tuple[Corpus, Labelled]:
    """Read, split into sentences and label; take from the cache what is there."""
    with clock("articles"):
        options = flatten(config.data, leave_out=None)
        key = stage_key("data", options, data, data.files() if hasattr(data, "files") else None)
        corpus = Corpus.from_values(stages.run("articles", key, lambda: data().to_values()))
    with clock("sentences"):
        key = chain("articles", key, {})
        sentences = stages.run("sentences", key, lambda: {"sentences": corpus.sentences()})["sentences"]
    with clock("labels"):
        options = flatten(config.labels, leave_out=None)
        key = chain("sentences", key, stage_key("labels", options, labels, gold_files(labels)))
        found = stages.run("labels", key, lambda: labels(sentences, read_gold(labels))._asdict())
    return corpus, Labelled(found["sentences"], tuple(found["topics"]), found["unmatched"])


def prepare(config: DictConfig, parts: Mapping[str, Any], stages: Stages, clock: Clock) -> Material:
    """Read, split into sentences, label, and split into parts."""
    corpus, labelled = read_labelled(config, parts["data"], parts["labels"], stages, clock)
    used = select(labelled)
    if used.empty:
        raise InputError(NO_LABELS)
    with clock("split"):
        Y = to_matrix(used["labels"], labelled.topics)
        used = used.assign(split=parts["split"](used, Y))
        keys = used["text"].map(normal_form).to_numpy(object)
        leakage = measure_leakage(keys, used["split"].to_numpy(), used["article_id"].to_numpy())
    counts = count(corpus, labelled, used)
    label_counts = count_labels(Y, used["split"].to_numpy(), labelled.topics)
    notes = [unmatched_note(labelled.unmatched)] if labelled.unmatched else []
    if not (used["label_source"] != "rules").any():
        notes.append("all labels come from rules: scores say how well the model repeats the rules, not how true it is")
    notes += leakage_notes(leakage)
    weights = np.array(used["weights"].tolist()) if "weights" in used else None
    mode = parts["labels"].mode
    material = Material(used, Y, labelled.topics, mode, leakage, counts, notes, {}, label_counts, weights)
    return material._replace(sizes={part: int(material.rows(part).sum()) for part in PARTS})


def select(labelled: Labelled) -> pd.DataFrame:
    """Return the sentences to train and test on: labelled, and no debris unless a person gave it a topic."""
    sentences = labelled.sentences
    has_label = sentences["label_source"] != ""
    by_people = sentences["label_source"].isin(["gold", "given"]) & sentences["labels"].map(bool)
    return sentences[has_label & (~sentences["debris"] | by_people)].reset_index(drop=True)


def count(corpus: Corpus, labelled: Labelled, used: pd.DataFrame) -> dict[str, int]:
    """Count what was read, used and left out; every sentence is in exactly one of used, debris and unlabelled."""
    sentences = labelled.sentences
    unlabelled = int((sentences["label_source"] == "").sum())
    return {
        "articles": len(corpus.articles),
        "sentences": len(sentences),
        "used": len(used),
        "unlabelled": unlabelled,
        "debris": len(sentences) - len(used) - unlabelled,
        "rejected": len(corpus.rejected),
        "gold_unmatched": len(labelled.unmatched),
    }


def unmatched_note(unmatched: Sequence[str]) -> str:
    """Return what to say of gold labels that match no sentence."""
    return f"{len(unmatched)} gold labels match no sentence (changed or gone): {listing(unmatched, 5)}"


def leakage_notes(leakage: Leakage) -> list[str]:
    """Return a warning where a split leaks.

    Whole articles, or more than a hundredth of a part's sentences, stand in train too.
    """
    leaks = [
        f"{share:.1%} of {part} sentences stand in train word for word"
        for part, share in leakage.shares.items()
        if share > LEAK
    ]
    articles = [f"{leakage.articles} articles stand in more than one part"] if leakage.articles else []
    return [f"the split leaks, so scores flatter: {'; '.join(articles + leaks)}"] if articles or leaks else []


def digest_sentences(sentences: pd.DataFrame) -> str:
    """Return 16 hexadecimal digits for sentences (whose ids stand for article, place and text) and their labels."""
    hashed = blake2b(digest_size=8)
    hash_sentences(hashed, sentences)
    return hashed.hexdigest()


def hash_sentences(hashed: blake2b, sentences: pd.DataFrame) -> None:
    """Add sentences to the hash of `digest_sentences`."""
    for key, labels in zip(sentences["sentence_id"], sentences["labels"], strict=True):
        hashed.update("\0".join([key, *sorted(labels), "\n"]).encode())
