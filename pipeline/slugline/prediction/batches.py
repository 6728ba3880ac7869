"""Batches: rows of the input cut into pieces of about equal size, and the labeller that turns each into records."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import astuple, dataclass, replace
from typing import NamedTuple

from slugline.data.articles import REPEATED_ID, has_text, read_article
from slugline.data.cleaning import DEFAULT_STEPS
from slugline.data.context import Context, find_context
from slugline.data.dates import count_dates
from slugline.data.schema import Article, Rejected, Row, Sentence
from slugline.data.sentences import split_article, whole_article
from slugline.model import TopicModel
from slugline.prediction.records import Predictions

_ROW_SIZE = 100  # characters added for each row, so that batches of many short rows do not need more memory

_ReadRow = tuple[str, Row | str | Rejected]  # a place in the input, and the row there or why it cannot be read


@dataclass(frozen=True)
class _Batch:
    """Rows of the input; a dataclass, since Dask would search a list or a tuple for tasks of its own."""

    rows: list[_ReadRow]


@dataclass(frozen=True)
class PredictionCounts:
    """What became of the rows of an input; counts of several batches are added with `+`.

    `articles` were read and labelled; each of their `sentences` is a record of the output, of which those that are
    `debris` of a web page get no topic. `rejected` rows could not be read; `repeated` of them have the
    `article_id` of an earlier article. Of the articles, `dated` have a date, `undated` something else in its place.

    Examples
    --------
    >>> counts = PredictionCounts(articles=2, sentences=9) + PredictionCounts(articles=1, sentences=4, debris=1)
    >>> counts.articles, counts.sentences, counts.debris
    (3, 13, 1)
    """

    articles: int = 0
    sentences: int = 0
    debris: int = 0
    rejected: int = 0
    first_rejected: Rejected | None = None
    repeated: int = 0
    dated: int = 0
    undated: int = 0

    def __add__(self, later: "PredictionCounts") -> "PredictionCounts":
        return PredictionCounts(
            self.articles + later.articles,
            self.sentences + later.sentences,
            self.debris + later.debris,
            self.rejected + later.rejected,
            self.first_rejected or later.first_rejected,
            self.repeated + later.repeated,
            self.dated + later.dated,
            self.undated + later.undated,
        )

    def to_json(self) -> str:
        """Return the counts as one line of JSON: a list in the order of the fields."""
        return json.dumps(astuple(self))

    @classmethod
    def from_json(cls, line: str) -> "PredictionCounts":
        """Read what `to_json` wrote."""
        counts = cls(*json.loads(line))
        return replace(counts, first_rejected=Rejected(*counts.first_rejected)) if counts.first_rejected else counts


class LabelledBatch(NamedTuple):
    """What became of a batch: its records as bytes, the rows that were rejected, and the counts of both."""

    records: bytes
    rejected: list[Rejected]
    counts: PredictionCounts


@dataclass(frozen=True)
class BatchLabeller:
    """Turns a batch into records with a model; made from `PredictOptions` and sent to worker processes.

    `columns` has for each article column its name in the input; records are encoded by the `ending` of the output file,
    with `guard` so that no spreadsheet runs a cell of CSV as a formula; `language` is that of articles that do not say
    theirs, `steps` are those of cleaning.
    """

    columns: dict[str, str]
    split_sentences: bool
    explain: int
    ending: str
    guard: bool = True
    language: str | None = None
    steps: Sequence[str] = tuple(sorted(DEFAULT_STEPS))

    def __call__(self, model: TopicModel, batch: _Batch) -> LabelledBatch:
        """Label the sentences of a batch."""
        steps = frozenset(self.steps)
        items = [read_article(row, where, self.columns, steps=steps) for where, row in batch.rows]
        articles = [
            item._replace(language=item.language or self.language) for item in items if isinstance(item, Article)
        ]
        rejected = [item for item in items if isinstance(item, Rejected)]

        predictions = label_articles(model, articles, self.split_sentences, steps)
        sentences = predictions.sentences
        if self.explain:
            explanations = _explain(model, predictions, self.explain)
            predictions = predictions._replace(explanations=explanations)

        debris = sum(sentence.debris for sentence in sentences)
        first_rejected = rejected[0]._replace(row=None) if rejected else None
        repeated = sum(item.reason.startswith(REPEATED_ID) for item in rejected)
        dates = count_dates(article.published for article in articles)
        read = (len(articles), len(sentences), debris, len(rejected), first_rejected, repeated)
        counts = PredictionCounts(*read, dates["dated"], dates["undated"])
        return LabelledBatch(predictions.encode(self.ending, self.guard), rejected, counts)


def cut_batches(rows: Iterable[_ReadRow], columns: Mapping[str, str], size: int) -> Iterator[_Batch]:
    """Cut a stream of rows into batches, each complete once it has this many characters.

    Of articles, batches leave out what is not among `columns`, which has for each article column its name in the input.
    """
    batch: list[_ReadRow] = []
    characters = 0
    for where, row in rows:
        cells = row if isinstance(row, str | Rejected) else _only_article_cells(row, columns)
        batch.append((where, cells))
        texts = cells.values() if isinstance(cells, Mapping) else [cells]
        characters += _ROW_SIZE + sum(len(text) for text in texts if isinstance(text, str))
        if characters >= size:
            yield _Batch(batch)
            batch, characters = [], 0
    if batch:
        yield _Batch(batch)


def label_articles(
    model: TopicModel, articles: Iterable[Article], split_sentences: bool = True, steps: Set[str] = DEFAULT_STEPS
) -> Predictions:
    """Label the sentences of articles, without explanations; debris gets no topic."""
    split = split_article if split_sentences else whole_article
    pairs = [(sentence, article) for article in articles for sentence in split(article, steps)]
    sentences = [sentence for sentence, _ in pairs]

    context = _find_context(model, sentences, [article for _, article in pairs])
    probabilities = model.predict_proba([sentence.text for sentence in sentences], context)
    decided = model.to_topics(model.decide(probabilities))
    sentence_topics = [() if sentence.debris else topics for sentence, topics in zip(sentences, decided, strict=True)]
    return Predictions(model.topics, sentences, [article for _, article in pairs], sentence_topics, probabilities)


def _find_context(model: TopicModel, sentences: Sequence[Sentence], articles: Sequence[Article]) -> Context | None:
    """Return what a model reads beside sentences, given the article of each; None where it reads nothing."""
    return find_context(sentences, (article.title for article in articles)) if model.reads_context else None


def _explain(model: TopicModel, predictions: Predictions, top: int) -> list[Mapping[str, Mapping[str, float]]]:
    """Return for each sentence the words that moved its topics most."""
    context = _find_context(model, predictions.sentences, predictions.articles)
    labelled = zip(predictions.sentences, predictions.sentence_topics, strict=True)
    return [
        model.explain(sentence.text, top, topics, context=context and context.rows(slice(row, row + 1)))
        if topics
        else {}
        for row, (sentence, topics) in enumerate(labelled)
    ]


def _only_article_cells(row: Row, columns: Mapping[str, str]) -> Row:
    """Return the cells of a row that make an article; all of a row without text, which is listed with its cells."""
    if not has_text(row, columns["text"]):
        return row
    return {name: row[name] for name in columns.values() if name in row}
