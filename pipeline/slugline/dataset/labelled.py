"""Labelled sentences: read, split into sentences, labelled, and which of them are used."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from slugline.cache import Key, Stages, chain, stage_key
from slugline.data.context import add_context
from slugline.data.corpus import Corpus, read_corpus
from slugline.data.dates import count_dates
from slugline.data.read_files import ReadFile
from slugline.errors import InputError
from slugline.labels import Labelled, Labels, by_people, describe_unmatched, gold_files, read_gold


def read_labelled(data: Any, labels: Labels, stages: Stages, *, context: bool = False) -> tuple[Corpus, Labelled]:
    """Read, split into sentences and label; take from the cache what is there.

    With `context` the sentences get the columns of `add_context`.
    """
    with stages.timed("articles"):
        read, key = stages.read("articles", lambda: _data_key(data), lambda: read_corpus(data).to_values())
        corpus = Corpus.from_values(read)
    with stages.timed("sentences"):
        key = chain("articles", key, {})
        sentences = stages.run("sentences", key, lambda: {"sentences": corpus.sentences()})["sentences"]
    with stages.timed("labels"):

        def label() -> dict[str, Any]:
            opened: list[ReadFile] = []
            gold = read_gold(labels.gold, labels.columns, labels.reading, opened, corpus.steps)
            labelled = labels(sentences, gold)
            counts = {"counts": dict(labelled.counts), "timeouts": dict(labelled.timeouts)}
            return labelled._asdict() | counts | {"files": opened}

        values, _ = stages.read("labels", lambda: chain("sentences", key, _labels_key(labels)), label)
    labelled = Labelled(**{name: values[name] for name in Labelled._fields} | {"topics": tuple(values["topics"])})
    check_matched(labels, labelled.counts, len(labelled.unmatched), sentences)
    if not labelled.topics and (count := labelled.sentences["labels"].notna().sum()):
        raise InputError(describe_no_topic(count))
    if context:
        labelled = labelled._replace(sentences=add_context(labelled.sentences))
    return corpus.with_files(values["files"]), labelled


def _data_key(data: Any) -> Key | None:
    """Return all that decides what a reader reads."""
    return stage_key("data", data, data.files() if hasattr(data, "files") else None)


def _labels_key(labels: Labels) -> Key | None:
    """Return all that decides, beside the sentences, how these are labelled."""
    return stage_key("labels", labels, gold_files(labels.gold, labels.reading), labels.function_modules())


def check_matched(
    labels: Labels, counts: Mapping[str, int], unmatched: int, sentences: pd.DataFrame, total: int | None = None
) -> None:
    """Raise `InputError` where there are gold labels and none matches; `sentences` are all, or some of the `total`."""
    if unmatched and counts and not (counts["exact"] or counts["overlap"]):
        message = describe_unmatched(
            labels.gold, labels.columns, sentences, unmatched, total=total, options=labels.reading
        )
        raise InputError(message)


def describe_no_topic(count: int) -> str:
    """Return that labels, of `count` sentences, name no topic."""
    return f"no topic: none of the {count} labelled sentences names any, nor does labels.topics"


def select_labelled(labelled: Labelled) -> pd.DataFrame:
    """Return the sentences to train and test on: labelled, and no debris unless a person gave it a topic."""
    sentences = labelled.sentences
    has_label = sentences["label_source"] != ""
    topic_by_people = by_people(sentences) & sentences["labels"].map(bool)
    return sentences[has_label & (~sentences["debris"] | topic_by_people)].reset_index(drop=True)


def select_unlabelled(labelled: Labelled) -> pd.DataFrame:
    """Return the sentences that a model may be taught on: without a label, and no debris."""
    sentences = labelled.sentences
    is_unlabelled = (sentences["label_source"] == "") & ~sentences["debris"]
    return sentences.loc[is_unlabelled, ["sentence_id", "article_id", "text"]].reset_index(drop=True)


def count_sentences(corpus: Corpus, labelled: Labelled, used: pd.DataFrame) -> dict[str, int]:
    """Count what was read, used and left out; every sentence is in exactly one of used, debris, unlabelled and rare.

    `rare`, sentences of topics that are set aside, is left out where there are none.
    """
    sentences, rare = labelled.sentences, len(select_labelled(labelled)) - len(used)
    unlabelled = int((sentences["label_source"] == "").sum())
    return {
        "articles": len(corpus.articles),
        "sentences": len(sentences),
        "used": len(used),
        "unlabelled": unlabelled,
        "debris": len(sentences) - len(used) - unlabelled - rare,
        "rejected": len(corpus.rejected),
        **count_dates(corpus.articles["published"]),
        "gold_unmatched": len(labelled.unmatched),
    } | ({"rare": rare} if rare else {})
