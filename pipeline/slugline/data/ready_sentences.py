"""Ready-made sentences: rows that already are sentences and bring their labels, placed in their articles."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from slugline.data.articles import (
    article_columns,
    cell_text,
    get_text,
    read_article,
    read_article_rows,
    read_id,
    reject_repeated_rows,
    with_row,
)
from slugline.data.collecting import in_chunks, read_all, stop_at_rejected
from slugline.data.corpus import Corpus, check_keep, check_kept_columns
from slugline.data.dates import standardise_dates
from slugline.data.debris import debris_step
from slugline.data.input_files import NamedFile, find_files
from slugline.data.label_cells import parse_labels, read_marks
from slugline.data.languages import primary_language
from slugline.data.opening import ReadOptions
from slugline.data.read_files import ReadFile
from slugline.data.readers import read_rows
from slugline.data.schema import ARTICLE_COLUMNS, Article, Rejected, Row, Rows, sentence_id
from slugline.data.sentence_columns import Layout, find_layout
from slugline.errors import InputError, listing

_METADATA_COLUMNS = ("title", "published", "source", "url", "language")
_OF_ARTICLES = ("published", "language")  # what rows of sentences may say of their article


@dataclass(frozen=True)
class SentenceCorpus(ReadOptions):
    """Sentences that come ready made, one a row, with their labels (`data=sentences`).

    Parameters
    ----------
    path : str, Path or list of these
        A file, a folder, a glob, a URL such as `s3://bucket/*.jsonl`, `-` for standard input, or a list of these.
    columns : dict of str to str
        `text, labels, article_id, split, published, language` and their names in the files; those not given are found
        by their usual names (sentence, topic, doc_id, date, ...). A row without `article_id` is an article of its own.
    keep : list of str
        Further columns of the files, which the sentences carry too.
    topic_columns : list of str
        The names of 0/1 columns, one for each topic, in place of `labels`; found where no column has labels.
    delimiter : str, optional
        What stands between two labels of one text: a sign, or comma, semicolon, pipe, tab, none; None: it is found.
    articles : str, Path or list of these, optional
        Files with more about the articles (title, date, source, ...), found by `article_id`; None: there are none.
    article_columns : dict of str to str
        Article columns and their names in those files.
    chunk_rows : int, optional
        How many sentences to hold in memory at a time, and as many more as their last article has; None: all.
    """

    path: Any
    columns: dict[str, str | None] = field(default_factory=dict)
    keep: list[str] = field(default_factory=list)
    topic_columns: list[str] = field(default_factory=list)
    delimiter: str | None = None
    articles: Any = None
    article_columns: dict[str, str] = field(default_factory=dict)
    chunk_rows: int | None = None

    def files(self) -> list[NamedFile]:
        """Return the files that are read, each with its name."""
        metadata_files = [] if self.articles is None else find_files(self.articles, self._beside, key="data.articles")
        return [*find_files(self.path, self), *metadata_files]

    @property
    def _beside(self) -> ReadOptions:
        """How the files of `articles` are read: as the sentences, but each by its own ending."""
        return replace(self.reading, format=None)

    def __call__(self) -> Corpus:
        """Read the sentences; raise `InputError` when there are none or a cell cannot be read as labels."""
        opened: list[ReadFile] = []
        rows = list(self._read(opened))
        layout = self._find_layout(rows)
        corpus = self._corpus(*read_all(self._checked(rows, layout), "sentence"), layout, opened)
        check_kept_columns(corpus.ready_sentences, self.keep)
        return corpus

    def chunks(self) -> Iterator[Corpus]:
        """Yield the sentences in chunks of `chunk_rows` and a little more, so that no article is cut.

        The sentences of an article must stand together, else their ids are not those that reading all at once gives.
        """
        if self.articles is not None:
            raise InputError("data.chunk_rows: data.articles would be read as a whole; give data.articles=null")
        if self.path == "-":
            raise InputError("data.chunk_rows: the data is read twice, which standard input cannot be; give a file")
        layout = self._find_layout(self._read())
        opened: list[ReadFile] = []
        sentences = self._checked(self._read(opened), layout)
        chunks = in_chunks(sentences, self.chunk_rows or 1, "sentence", lambda row: row["article_id"])
        return (self._corpus(rows, rejected, layout, opened) for rows, rejected in chunks)

    def _corpus(
        self, rows: list[dict[str, Any]], rejected: list[Rejected], layout: Layout, opened: list[ReadFile]
    ) -> Corpus:
        """Place the sentences in their articles, whose texts are the sentences joined by line ends."""
        sentences = _place_in_articles(pd.DataFrame(rows))
        by_article = sentences.groupby("article_id", sort=False)
        texts = by_article["text"].agg("\n".join)
        articles = pd.DataFrame({"article_id": texts.index, "text": texts.to_numpy()})
        articles = articles.reindex(columns=list(ARTICLE_COLUMNS))

        if self.articles is not None:
            articles = self._add_metadata(articles, opened)
        for name in [name for name in _OF_ARTICLES if name in sentences and articles[name].isna().all()]:
            articles[name] = articles["article_id"].map(by_article[name].first())
        articles["language"] = articles["language"].map(primary_language, na_action="ignore")
        decided = {name: getattr(layout, name) for name in ("columns", "topic_columns", "delimiter")}
        ready = sentences.drop(columns=list(_OF_ARTICLES), errors="ignore")
        return Corpus(articles, ready, rejected, layout.notes, decided, opened)

    def _read(self, opened: list[ReadFile] | None = None) -> Rows:
        """Read the rows of the files, as they are."""
        return read_rows(self.path, self, opened=opened)

    def _find_layout(self, rows: Rows | Sequence[tuple[str, Row | str]]) -> Layout:
        """Find which columns hold what."""
        check_keep(self.keep)
        return find_layout(rows, self.columns, self.topic_columns, self.delimiter, self.keep)

    def _checked(self, rows: Iterable[tuple[str, Row | str]], layout: Layout) -> Iterator[dict[str, Any] | Rejected]:
        """Yield the sentences; stop at what is rejected, if the options say so."""
        return stop_at_rejected(self._sentences(rows, layout), self, "data.path")

    def _sentences(self, rows: Iterable[tuple[str, Row | str]], layout: Layout) -> Iterator[dict[str, Any] | Rejected]:
        """Yield the rows of the files under the names that columns have here."""
        published = layout.columns["published"]
        for where, row in standardise_dates(iter(rows), published, self, "data.path") if published else rows:
            if isinstance(row, str):
                yield Rejected(where, row)
            else:
                yield with_row(self._sentence(row, where, layout), row)

    def _sentence(self, row: Row, where: str, layout: Layout) -> dict[str, Any] | Rejected:
        """Return a row under the names that columns have here, or why it is not a sentence."""
        columns = layout.columns
        text = get_text(row, str(columns["text"]), where)
        if isinstance(text, Rejected):
            return text

        article_id = read_id(row, columns["article_id"] or "", where) if columns["article_id"] else None
        if isinstance(article_id, Rejected):
            return article_id
        sentence = {
            "article_id": article_id or where,
            "text": text.text.strip(),
            "labels": _labels(row, where, layout),
        }
        present = {name: columns[name] for name in ("split", *_OF_ARTICLES) if columns[name] in row}
        sentence |= {name: cell_text(row[str(column)]) for name, column in present.items()}
        return sentence | {name: cell_text(row.get(name)) for name in self.keep}

    def _add_metadata(self, articles: pd.DataFrame, opened: list[ReadFile]) -> pd.DataFrame:
        """Add what the files of `self.articles` say about each article."""
        read, _ = read_all(self._article_metadata(opened), "article of data.articles")
        article_of_id = {article.article_id: article for article in read}
        if missing := [key for key in articles["article_id"] if key not in article_of_id]:
            problem = f"{len(missing)} articles of the sentences are not there, the first: {missing[0]}"
            raise InputError(f"data.articles: {problem}")
        for column in _METADATA_COLUMNS:
            articles[column] = [getattr(article_of_id[key], column) for key in articles["article_id"]]
        return articles

    def _article_metadata(self, opened: list[ReadFile]) -> Iterator[Article | Rejected]:
        """Yield what files say about each article; their text is that of its sentences and is not read again."""
        columns = article_columns(self.article_columns, "data.article_columns")
        rows = read_article_rows(self.articles, self._beside, columns, key="data.articles", opened=opened)
        text = {columns["text"]: "its sentences"}
        rows = ((where, row if isinstance(row, str) else {**row, **text}) for where, row in rows)
        return (read_article(row, where, columns) for where, row in reject_repeated_rows(rows, columns))


def _labels(row: Row, where: str, layout: Layout) -> tuple[str, ...] | None:
    """Return the labels of a row, from its topic columns or from its one column of labels."""
    if layout.topic_columns:
        return read_marks(row, layout.topic_columns, where)
    column = str(layout.columns["labels"])
    if column not in row:
        problem = f"no column '{column}' for the labels; found: {listing(row)}"
        raise InputError(f"{where}: {problem}; or name 0/1 columns in data.topic_columns")
    return parse_labels(row[column], layout.delimiter, where)


def _place_in_articles(sentences: pd.DataFrame) -> pd.DataFrame:
    """Give sentences their positions, offsets (as if joined by line ends) and stable ids, and mark debris."""
    by_article = sentences["article_id"]
    lengths = sentences["text"].str.len()
    start = (lengths + 1).groupby(by_article).cumsum() - (lengths + 1)
    end = start + lengths

    spans = zip(by_article, start, end, sentences["text"], strict=True)
    return sentences.assign(
        sentence_id=[sentence_id(*span) for span in spans],
        position=sentences.groupby("article_id").cumcount(),
        start=start,
        end=end,
        debris=[debris_step(text) is not None for text in sentences["text"]],
    )
