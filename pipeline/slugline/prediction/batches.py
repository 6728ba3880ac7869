"""Batches: rows of the input cut into pieces of about equal size, and the labeller that turns each into records."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from slugline.data.articles import to_article
from slugline.data.readers import Row
from slugline.data.schema import Article, Rejected
from slugline.data.sentences import split_article, whole_article
from slugline.model import TopicModel
from slugline.prediction.counts import PredictionCounts
from slugline.prediction.records import Explanation, Predictions

_ROW_SIZE = 100  # characters a row counts for besides its text, so that batches of short rows take no more memory

ReadRow = tuple[str, Row | str]  # a place in the input, and the row there or the reason why it cannot be read


@dataclass(frozen=True)
class Batch:
    """Rows of the input; a dataclass, since Dask would search a list or a tuple for tasks of its own."""

    rows: list[ReadRow]


class LabelledBatch(NamedTuple):
    """What became of a batch: its records as bytes, the rows that were rejected, and the counts of both."""

    records: bytes
    rejected: list[Rejected]
    counts: PredictionCounts


@dataclass(frozen=True)
class BatchLabeller:
    """Turns a batch into records with a model; it is sent to worker processes.

    Parameters
    ----------
    columns : dict of str to str
        For each article column its name in the input.
    split_sentences : bool
        Whether to split articles into sentences; False takes each article as one sentence.
    explain : int
        How many terms explain each topic given, 0 for no explanations.
    ending : str
        Ending of the output file, which says how records are encoded.
    """

    columns: dict[str, str]
    split_sentences: bool
    explain: int
    ending: str

    def __call__(self, model: TopicModel, batch: Batch) -> LabelledBatch:
        """Label the sentences of a batch."""
        items = [self._read(where, row) for where, row in batch.rows]
        articles = [item for item in items if isinstance(item, Article)]
        rejected = [item for item in items if isinstance(item, Rejected)]

        predictions = label_articles(model, articles, self.split_sentences)
        if self.explain:
            predictions = predictions._replace(explanations=_explain(model, predictions, self.explain))

        debris = sum(sentence.debris for sentence in predictions.sentences)
        first_rejected = rejected[0] if rejected else None
        counts = PredictionCounts(len(articles), len(predictions.sentences), debris, len(rejected), first_rejected)
        return LabelledBatch(predictions.encode(self.ending), rejected, counts)

    def _read(self, where: str, row: Row | str) -> Article | Rejected:
        """Return the article of a row, or why there is none."""
        return Rejected(where, row) if isinstance(row, str) else to_article(row, where, self.columns)


def cut_batches(rows: Iterable[ReadRow], columns: Mapping[str, str], size: int) -> Iterator[Batch]:
    """Cut a stream of rows into batches.

    Parameters
    ----------
    rows : iterable of (str, Row or str)
        Each row with its place in the input; a string in place of a row is the reason why it cannot be read.
    columns : mapping of str to str
        For each article column its name in the input; batches leave out all others.
    size : int
        A batch is complete once it has this many characters.

    Yields
    ------
    Batch
    """
    batch: list[ReadRow] = []
    characters = 0
    for where, row in rows:
        needed = row if isinstance(row, str) else _only_article_cells(row, columns)
        batch.append((where, needed))
        characters += _ROW_SIZE + _text_length(needed)
        if characters >= size:
            yield Batch(batch)
            batch, characters = [], 0
    if batch:
        yield Batch(batch)


def label_articles(model: TopicModel, articles: Iterable[Article], split_sentences: bool = True) -> Predictions:
    """Label the sentences of articles.

    Parameters
    ----------
    model : TopicModel
    articles : iterable of Article
    split_sentences : bool
        Whether to split articles into sentences; False takes each article as one sentence.

    Returns
    -------
    Predictions
        Without explanations; debris gets no topic.
    """
    split = split_article if split_sentences else whole_article
    sentences = [sentence for article in articles for sentence in split(article)]

    probabilities = model.predict_proba([sentence.text for sentence in sentences])
    decided = model.to_topics(model.decide(probabilities))
    sentence_topics = [() if sentence.debris else topics for sentence, topics in zip(sentences, decided, strict=True)]
    return Predictions(model.topics, sentences, sentence_topics, probabilities)


def _explain(model: TopicModel, predictions: Predictions, top: int) -> Sequence[Explanation]:
    """Return for each sentence the terms that moved each of its topics."""
    labelled = zip(predictions.sentences, predictions.sentence_topics, strict=True)
    return [model.explain(sentence.text, top, topics) if topics else {} for sentence, topics in labelled]


def _only_article_cells(row: Row, columns: Mapping[str, str]) -> Row:
    """Return the cells of a row that make an article; of a row without a text column, only the names."""
    if columns["text"] not in row:
        return dict.fromkeys(row)
    return {name: row[name] for name in columns.values() if name in row}


def _text_length(row: Row | str) -> int:
    """Return how many characters of text a row holds."""
    return len(row) if isinstance(row, str) else sum(len(cell) for cell in row.values() if isinstance(cell, str))
