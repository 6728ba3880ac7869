"""A dataset made: sentences read, labelled, divided into parts, and what was left out."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from slugline.cache import Key, Stages, chain, stage_key
from slugline.data.boilerplate import list_cleaned
from slugline.data.corpus import count_languages
from slugline.data.languages import describe_languages
from slugline.data.schema import GROUP_COLUMNS, to_matrix
from slugline.data.sentences import normal_form
from slugline.dataset.checks import check_topic_names
from slugline.dataset.dataset import Dataset, rows_of
from slugline.dataset.labelled import count_sentences, read_labelled, select_labelled, select_unlabelled
from slugline.dataset.notes import data_notes, topic_notes
from slugline.duplicates import add_groups, list_copies
from slugline.errors import InputError, listing
from slugline.labels import Labels, by_people, gold_files, mode_notes
from slugline.labels.rare import drop_rare
from slugline.splits import PARTS, Leakage, count_labels, describe_kept, measure_leakage, share_out_people

NO_LABELS = (
    "no sentence is labelled; labels come from a file (labels.gold=FILE), with the data, or from topics with keywords "
    "(labels.rules=true); see slugline guide gold"
)


def build_dataset(data: Any, labels: Labels, split: Any, stages: Stages, *, context: bool = False) -> Dataset:
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
    context : bool
        Whether the sentences get columns for their neighbours, those without a label too; see `add_context`.

    Raises
    ------
    InputError
        When nothing can be read, or nothing is labelled.
    """
    corpus, labelled = read_labelled(data, labels, stages, context=context)
    with stages.timed("duplicates"):
        how = getattr(split, "duplicates", "near")
        labelled = labelled._replace(sentences=add_groups(labelled.sentences, how, stages))
    used = select_labelled(labelled)
    if used.empty:
        raise InputError(NO_LABELS)

    mode = labels.mode or labelled.mode
    drop = partial(drop_rare, mode=mode, min_articles=labels.min_articles)
    check_topic_names(labelled.topics)
    used, topics, rare = drop(used, labelled.topics)
    with stages.timed("split"):
        wanted = share_out_people(split, to_matrix(used["labels"], topics), by_people(used))
        used = used.assign(split=_check_parts(np.asarray(split(used, wanted)), len(used)))
        used, topics, unseen = drop(used, topics, in_train=True)
        Y, parts = to_matrix(used["labels"], topics), used["split"].to_numpy()
        rows = {part: rows_of(used, part) for part in PARTS}
        leakage, of_copies = _measure_leakages(used[np.any(list(rows.values()), axis=0)])

    read_as = corpus.all_notes()
    dataset = Dataset(
        sentences=used,
        Y=Y,
        topics=topics,
        mode=mode,
        leakage=leakage,
        counts=count_sentences(corpus, labelled, used),
        notes=[
            *read_as,
            *describe_languages(count_languages(corpus.articles), corpus.ready_sentences is None),
            *mode_notes(labels.mode, labelled.mode),
        ],
        sizes={part: int(chosen.sum()) for part, chosen in rows.items()},
        label_counts=count_labels(Y, parts, topics),
        weights=np.array(used["weights"].tolist()) if "weights" in used else None,
        decided=corpus.decided,
        read_as=read_as,
        files=corpus.files,
        copies=None if how == "off" else list_copies(used),
        copy_leakage=None if how == "off" else of_copies,
        rejected=corpus.rejected,
        cleaned=list_cleaned(corpus.cleaned, labelled.sentences, corpus.steps),
        unlabelled=select_unlabelled(labelled),
    )
    by_rules_alone = not by_people(used).any()
    warnings = data_notes(
        labelled.counts,
        labelled.unmatched,
        (leakage, of_copies),
        timeouts=labelled.timeouts,
        by_rules_alone=by_rules_alone,
    )
    dataset.notes.extend(warnings)
    dataset.notes.extend(topic_notes(dataset, rare, unseen, labels.min_articles))
    dataset.notes.extend(describe_kept(split, used))
    return dataset


def dataset_key(data: Any, labels: Labels, split: Any, *, context: bool = False) -> Key | None:
    """Return all that decides what `build_dataset` makes; None where the input cannot be known, as standard input."""
    read = stage_key("data", data, data.files() if hasattr(data, "files") else None)
    labelled = chain(
        "data", read, stage_key("labels", labels, gold_files(labels.gold, labels.reading), labels.function_modules())
    )
    key = chain("labelled", labelled, stage_key("split", split, ()))
    return {**key, "context": "neighbours"} if context and key is not None else key


def _measure_leakages(used: pd.DataFrame) -> tuple[Leakage, Leakage]:
    """Measure how far the parts share articles and sentences, and copies of them."""
    parts, texts = used["split"].to_numpy(), used["text"].map(normal_form).to_numpy(object)
    sentence_groups, article_groups = (used[column].to_numpy() for column in GROUP_COLUMNS)
    by_article = measure_leakage(texts, parts, used["article_id"].to_numpy())
    return by_article, measure_leakage(sentence_groups, parts, article_groups)


def _check_parts(parts: np.ndarray, n_sentences: int) -> np.ndarray:
    """Return what a splitter gave; refuse it unless it is a part for each sentence."""
    if parts.shape != (n_sentences,):
        raise InputError(f"split: an array of shape {parts.shape}; allowed: ({n_sentences},), a part for each sentence")
    if unknown := sorted({str(part) for part in parts} - set(PARTS)):
        raise InputError(f"split: '{unknown[0]}' is no part; allowed: {listing(PARTS)}")
    return parts
