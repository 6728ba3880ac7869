"""The reading of text larger than memory: labelled and divided chunk by chunk, with what is known once all is read."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from slugline.cache import Stages
from slugline.data.boilerplate import list_cleaned
from slugline.data.context import add_context, read_context
from slugline.data.corpus import Corpus, count_languages
from slugline.data.read_files import ReadFile
from slugline.dataset import NO_LABELS, check_matched, count_sentences, describe_no_topic, select_labelled
from slugline.errors import InputError
from slugline.labels import Labels, by_people, has_one_topic_each, read_gold, suggest_mode
from slugline.labels.rare import LEAST_ARTICLES, check_any_left
from slugline.model.vectorizers import transform_all
from slugline.splits import ByArticle, Given, describe_known
from slugline.training.chunk_splits import ChunkSplit
from slugline.training.chunks import Chunks
from slugline.training.settings import TrainSettings

_EXAMPLES = 1000  # sentences that are kept to show one


class _Reading:
    """What is seen while all chunks are read."""

    def __init__(self, labels: Labels) -> None:
        self.labels = labels
        self.opened: list[ReadFile] = []  # of gold labels
        self.gold: list[tuple[str, Any]] | None = None
        self.unmatched: set[str] = set()
        self.one_topic_each = True
        self.examples = pd.DataFrame()

    def label(self, chunks: Chunks, corpus: Corpus, sentences: pd.DataFrame) -> pd.DataFrame:
        """Label the sentences of a chunk, count them, and return those that are used."""
        if self.gold is None:  # cleaned as the first chunk is, and so all
            labels = self.labels
            self.gold = list(read_gold(labels.gold, labels.columns, labels.reading, self.opened, corpus.steps))
            self.unmatched = {where for where, _ in self.gold}
        labelled = self.labels(sentences, self.gold)
        used = select_labelled(labelled)
        self.unmatched &= set(labelled.unmatched)
        self.one_topic_each &= has_one_topic_each(labelled.sentences)
        if self.examples.empty:
            self.examples = sentences.head(_EXAMPLES)
        chunks.count_read(count_sentences(corpus, labelled, used), labelled.counts)
        chunks.timeouts.update(labelled.timeouts)
        # Those of all chunks are the same, or grow from one to the next
        chunks.rejected.extend(corpus.rejected)
        chunks.cleaned.append(list_cleaned(corpus.cleaned, labelled.sentences, corpus.steps))
        chunks.notes, chunks.decided, chunks.files = corpus.notes, corpus.decided, corpus.files
        chunks.languages.update(count_languages(corpus.articles))
        chunks.split_here = corpus.ready_sentences is None
        chunks.by_rules_alone &= not by_people(used).any()
        return used

    def complete(self, chunks: Chunks, split: ByArticle | Given, known_articles: int) -> None:
        """Put into chunks what is known once all are read; raise `InputError` where nothing is labelled."""
        chunks.files = [*chunks.files, *self.opened]
        chunks.unmatched = [where for where, _ in self.gold or [] if where in self.unmatched]
        chunks.counts["gold_unmatched"] = len(chunks.unmatched)
        total = chunks.counts["sentences"]
        check_matched(self.labels, chunks.matches, len(chunks.unmatched), self.examples, total)
        if not chunks.counts["used"]:
            raise InputError(NO_LABELS)
        chunks.topics = tuple(self.labels.topics) or tuple(sorted(chunks.rows.carriers))
        if not chunks.topics:
            raise InputError(describe_no_topic(chunks.counts["used"]))
        chunks.suggested_mode = suggest_mode(self.one_topic_each, chunks.topics)
        if isinstance(split, ByArticle) and split.keep is not None:
            article = str(self.examples["article_id"].iloc[0])
            articles = chunks.rows.articles()
            chunks.kept = [describe_known(known_articles, articles, split.read_kept(), article)]


def read_chunks(settings: TrainSettings, vectorizers: Sequence[Any], folder: Path, stages: Stages) -> Chunks:
    """Read, label and divide each chunk, and keep it; set aside topics that cannot be learned.

    Raises
    ------
    InputError
        Where nothing is labelled, no gold label matches, or no topic can be learned.
    """
    chunks, reading, split = Chunks(folder), _Reading(settings.labels), ChunkSplit(settings.split)
    for corpus in settings.data.chunks():
        with stages.timed("sentences"):
            sentences = corpus.sentences()
            sentences = sentences if settings.context is None else add_context(sentences)
        with stages.timed("labels"):
            used = reading.label(chunks, corpus, sentences)
        with stages.timed("split"):
            used = split(used)
        with stages.timed("features"):
            context = None if settings.context is None else read_context(used)
            chunks.add(transform_all(vectorizers, list(used["text"]), context), used)
    reading.complete(chunks, settings.split, split.known_articles)
    _drop_rare(chunks, settings.labels)
    return chunks


def _drop_rare(chunks: Chunks, labels: Labels) -> None:
    """Set aside the topics that fewer than `labels.min_articles` articles carry, then those that train lacks."""
    if chunks.rows.articles() < LEAST_ARTICLES:
        return
    mode, carriers = labels.mode or chunks.suggested_mode, chunks.rows.carriers
    chunks.rare = {topic: carriers[topic] for topic in chunks.topics if carriers[topic] < labels.min_articles}
    _drop(chunks, chunks.rare, mode, labels.min_articles)
    carriers, seen = chunks.rows.carriers, chunks.rows.labels
    chunks.unseen = {topic: carriers[topic] for topic in chunks.topics if not seen[topic, "train"]}
    _drop(chunks, chunks.unseen, mode, 1)


def _drop(chunks: Chunks, topics: Mapping[str, int], mode: str, min_articles: int) -> None:
    """Set topics aside, if there are any; raise `InputError` where none is left."""
    if topics:
        check_any_left(topics, chunks.topics, min_articles)
        chunks.drop_topics(topics, mode)
