"""The dataset of a training: sentences read, split, labelled and divided into parts, and what was left out."""

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.cache import Stages, chain, stage_key
from slugline.data.boilerplate import list_cleaned
from slugline.data.corpus import Corpus, count_languages, read_corpus
from slugline.data.languages import describe_languages
from slugline.data.schema import ABOUT_COLUMNS, SENTENCE_COLUMNS, to_matrix
from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing
from slugline.labels import (
    Labelled,
    Labels,
    by_people,
    describe_matches,
    describe_unmatched,
    gold_files,
    mode_notes,
    read_gold,
)
from slugline.labels.rare import LEAST_ARTICLES, describe_rare, drop_rare
from slugline.splits import PARTS, Leakage, count_labels, measure_leakage, share_out_people

# Columns of predictions, beside one for each topic
_RESERVED = (*SENTENCE_COLUMNS, *ABOUT_COLUMNS, "topics", "explain")
_INTERVAL_ENDS = ("_low", "_high")  # of metric keys
NO_LABELS = (
    "no sentence is labelled; give gold labels (labels=gold labels.gold=FILE), or topics with keywords (slugline guide)"
)
_MIN_PEOPLE_LABELS = 10  # sentences labelled by people that carry a topic, from which they suffice to judge it
_LEAK_WARNING = 0.01  # share of a part that stands in train word for word, above which we warn


class Dataset(NamedTuple):
    """What a model is trained and tested on.

    Attributes
    ----------
    sentences : DataFrame
        Sentence columns, with `labels`, `label_source` and `split`.
    Y : ndarray of bool, shape (sentences, topics)
        Which sentence carries which topic.
    topics : tuple of str
        The names of the columns of `Y`.
    mode : str
        `multilabel` (several topics or none), or `multiclass` (exactly one).
    leakage : Leakage
        How far the parts share articles and sentences.
    counts : dict of str to int
        What was read, and what was left out and why.
    notes : list of str
        Warnings for whoever reads the scores.
    sizes : dict of str to int
        Sentences by part: of all data, also of what training out of core does not keep in memory.
    label_counts : DataFrame
        Sentences that carry a topic (rows) by part (columns), likewise of all data.
    weights : ndarray of shape (sentences, topics), or None
        How sure each label is, from 0 to 1, where a label model says so; None: all are.
    decided : dict
        Options of the reader that it found itself.
    cleaned : DataFrame
        What cleaning found, as `list_cleaned` returns it; empty after training out of core.
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
    decided: Mapping[str, Any] = MappingProxyType({})
    cleaned: pd.DataFrame = pd.DataFrame()

    def rows(self, part: str) -> np.ndarray:
        """Return which sentences make a part, shape (sentences,).

        Where people labelled any sentences, those labelled by rules are not in dev and test.
        """
        return _rows_of(self.sentences, part)

    @property
    def evaluated_part(self) -> str:
        """The part that the model is judged by: test, or dev where there is no test."""
        return "test" if self.rows("test").any() else "dev"

    def labelled_by_people(self) -> np.ndarray:
        """Return which sentences people labelled, shape (sentences,)."""
        return by_people(self.sentences)

    def calibration_rows(self, part: str) -> np.ndarray:
        """Return on which sentences of a part each topic is calibrated, shape (sentences, topics).

        On those that people labelled, where at least `_MIN_PEOPLE_LABELS` of them carry the topic; else on all.
        """
        rows = self.rows(part)
        labelled = rows & self.labelled_by_people()
        enough = self.Y[labelled].sum(axis=0) >= _MIN_PEOPLE_LABELS
        return np.where(enough, labelled[:, None], rows[:, None])


def build_dataset(data: Any, labels: Labels, split: Any, stages: Stages) -> Dataset:
    """Read, split into sentences, label, and divide into parts.

    Parameters
    ----------
    data : callable
        A reader such as `ArticleCorpus`: returns a `Corpus`, or a frame of articles.
    labels : Labels
        The labeller.
    split : callable
        A splitter such as `ByArticle`: takes sentences and `Y`, returns the part of each sentence.
    stages : Stages
        Times what is done, and keeps it for the next run.

    Raises
    ------
    InputError
        When nothing can be read, or nothing is labelled.
    """
    corpus, labelled = read_labelled(data, labels, stages)
    used = select_labelled(labelled)
    if used.empty:
        raise InputError(NO_LABELS)

    mode = labels.mode or labelled.mode
    drop = partial(drop_rare, mode=mode, min_articles=labels.min_articles)
    _check_topic_names(labelled.topics)
    used, topics, rare = drop(used, labelled.topics)
    with stages.timed("split"):
        wanted = share_out_people(split, to_matrix(used["labels"], topics), by_people(used))
        used = used.assign(split=_check_parts(np.asarray(split(used, wanted)), len(used)))
        used, topics, unseen = drop(used, topics, in_train=True)
        Y, parts = to_matrix(used["labels"], topics), used["split"].to_numpy()
        rows = {part: _rows_of(used, part) for part in PARTS}
        in_parts = np.any(list(rows.values()), axis=0)
        keys = used["text"].map(normal_form).to_numpy(object)
        leakage = measure_leakage(keys[in_parts], parts[in_parts], used["article_id"].to_numpy()[in_parts])

    dataset = Dataset(
        sentences=used,
        Y=Y,
        topics=topics,
        mode=mode,
        leakage=leakage,
        counts=count_sentences(corpus, labelled, used),
        notes=[
            *corpus.notes,
            *describe_languages(count_languages(corpus.articles), corpus.ready_sentences is None),
            *mode_notes(labels.mode, labelled.mode),
            *_notes(labelled, used, leakage),
        ],
        sizes={part: int(chosen.sum()) for part, chosen in rows.items()},
        label_counts=count_labels(Y, parts, topics),
        weights=np.array(used["weights"].tolist()) if "weights" in used else None,
        decided=corpus.decided,
        cleaned=list_cleaned(corpus.cleaned, labelled.sentences, corpus.steps),
    )
    dataset.notes.extend(_topic_notes(dataset, rare, unseen, labels.min_articles))
    return dataset


def _rows_of(sentences: pd.DataFrame, part: str) -> np.ndarray:
    """Return which labelled sentences make a part; see `Dataset.rows`."""
    rows, labelled = (sentences["split"] == part).to_numpy(), by_people(sentences)
    return np.asarray(rows & labelled if part != "train" and labelled.any() else rows)


def _topic_notes(dataset: Dataset, rare: dict[str, int], unseen: dict[str, int], min_articles: int) -> list[str]:
    """Return which topics are not trained, and which the evaluated part does not judge."""
    notes = [f"not trained: {describe_rare(rare, min_articles)}"] if rare else []
    if unseen:
        notes.append(f"not trained, as no sentence of train carries them: {listing(unseen)}")
    part = dataset.evaluated_part
    counts = dataset.Y[dataset.rows(part)].sum(axis=0)
    if absent := [topic for topic, count in zip(dataset.topics, counts, strict=True) if not count]:
        notes.append(f"no sentence of {part} carries: {listing(absent)}; left out of its means over topics (macro)")
    return notes


def read_labelled(data: Any, labels: Labels, stages: Stages) -> tuple[Corpus, Labelled]:
    """Read, split into sentences and label; take from the cache what is there."""
    with stages.timed("articles"):
        key = stage_key("data", data, data.files() if hasattr(data, "files") else None)
        corpus = Corpus.from_values(stages.run("articles", key, lambda: read_corpus(data).to_values()))
    with stages.timed("sentences"):
        key = chain("articles", key, {})
        sentences = stages.run("sentences", key, lambda: {"sentences": corpus.sentences()})["sentences"]
    with stages.timed("labels"):
        own = stage_key("labels", labels, gold_files(labels.gold), labels.function_modules())
        key = chain("sentences", key, own)

        def label() -> dict[str, Any]:
            labelled = labels(sentences, read_gold(labels.gold, labels.columns))
            return labelled._asdict() | {"counts": dict(labelled.counts)}

        values = stages.run("labels", key, label)
    labelled = Labelled(
        values["sentences"], tuple(values["topics"]), values["unmatched"], values["mode"], values["counts"]
    )
    if labelled.unmatched and labelled.counts and not (labelled.counts["exact"] or labelled.counts["overlap"]):
        raise InputError(describe_unmatched(labels.gold, labels.columns, sentences, len(labelled.unmatched)))
    return corpus, labelled


def select_labelled(labelled: Labelled) -> pd.DataFrame:
    """Return the sentences to train and test on: labelled, and no debris unless a person gave it a topic."""
    sentences = labelled.sentences
    has_label = sentences["label_source"] != ""
    topic_by_people = by_people(sentences) & sentences["labels"].map(bool)
    return sentences[has_label & (~sentences["debris"] | topic_by_people)].reset_index(drop=True)


def count_sentences(corpus: Corpus, labelled: Labelled, used: pd.DataFrame) -> dict[str, int]:
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


def check_examples(label_counts: pd.DataFrame, sizes: dict[str, int], train_articles: int, threshold_part: str) -> None:
    """Check that every topic can be learned, its threshold chosen, and the model scored.

    Parameters
    ----------
    label_counts : DataFrame
        Sentences that carry a topic (rows) by part (columns).
    sizes : dict of str to int
        Sentences by part.
    train_articles : int
        How many articles the sentences of train come from.
    threshold_part : str
        The part on which thresholds are chosen.

    Raises
    ------
    InputError
        With the topics or the part concerned, and what to do.
    """
    _check_topic_names([str(topic) for topic in label_counts.index])
    positive = label_counts["train"]
    if missing := positive.index[positive == 0].tolist():
        raise InputError(
            f"no positive example in train of: {listing(missing)}; label some, or take the topic out of labels.topics"
        )
    if constant := positive.index[positive == sizes["train"]].tolist():
        raise InputError(f"every training sentence carries: {listing(constant)}; add sentences without it (labels: [])")
    if train_articles < LEAST_ARTICLES:
        raise InputError(f"training needs sentences of at least 2 articles to cross-validate, found {train_articles}")
    if not sizes["dev"] + sizes["test"]:
        raise InputError("no sentence in dev or test to score a model on; give split.dev or split.test a larger share")
    if not sizes[threshold_part]:
        raise InputError(
            f"no sentence in {threshold_part}, on which thresholds are chosen; give it a share, or threshold.part=train"
        )


def check_dataset(dataset: Dataset, threshold_part: str) -> None:
    """Check with `check_examples` that a model can be trained on a dataset; see there."""
    train_articles = int(dataset.sentences["article_id"][dataset.rows("train")].nunique())
    check_examples(dataset.label_counts, dataset.sizes, train_articles, threshold_part)


def _leakage_notes(leakage: Leakage) -> list[str]:
    """Return a warning where whole articles, or more than a hundredth of a part's sentences, stand in train too."""
    leaks = [
        f"{share:.1%} of {part} sentences also occur in train, word for word"
        for part, share in leakage.shares.items()
        if share > _LEAK_WARNING
    ]
    if leakage.articles:
        leaks = [f"{leakage.articles} articles are in more than one part", *leaks]
    return [f"the split leaks, so scores flatter: {'; '.join(leaks)}"] if leaks else []


def _notes(labelled: Labelled, used: pd.DataFrame, leakage: Leakage) -> list[str]:
    """Return what to warn of."""
    notes = describe_matches(labelled.counts, labelled.unmatched)
    if not by_people(used).any():
        notes.append("all labels come from rules: scores say how well the model repeats the rules, not how true it is")
    return notes + _leakage_notes(leakage)


def _check_parts(parts: np.ndarray, n_sentences: int) -> np.ndarray:
    """Return what a splitter gave; refuse it unless it is a part for each sentence."""
    if parts.shape != (n_sentences,):
        raise InputError(f"split: an array of shape {parts.shape}; allowed: ({n_sentences},), a part for each sentence")
    if unknown := sorted({str(part) for part in parts} - set(PARTS)):
        raise InputError(f"split: '{unknown[0]}' is no part; allowed: {listing(PARTS)}")
    return parts


def _check_topic_names(topics: Sequence[str]) -> None:
    """Check that no topic has the name of a column of predictions, or of another topic's metric."""
    if taken := [topic for topic in topics if topic in _RESERVED]:
        raise InputError(
            f"topic '{taken[0]}' has the name of a column of predictions; rename it; taken: {listing(_RESERVED)}"
        )
    ends = [f"{topic}{end}" for topic in topics for end in _INTERVAL_ENDS]
    if clashes := [name for name in ends if name in topics]:
        raise InputError(f"topic '{clashes[0]}' has the name of an end of an interval of another; rename it")
