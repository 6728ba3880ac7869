"""Labelled sentences: read, split into sentences, labelled, and which of them are used."""

from typing import Any

import pandas as pd

from slugline.cache import Stages, chain, stage_key
from slugline.data.corpus import Corpus, read_corpus
from slugline.errors import InputError
from slugline.labels import Labelled, Labels, by_people, describe_unmatched, gold_files, read_gold


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
