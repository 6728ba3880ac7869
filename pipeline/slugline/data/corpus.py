"""The data set as frames: articles split into sentences, or sentences that come ready made."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pandas as pd

from slugline.cache import Values
from slugline.data.readers import (
    ArticleFiles,
    article_columns,
    cell,
    find_files,
    normalise,
    read_rows,
    require_some,
    text_of,
    to_article,
)
from slugline.data.schema import ARTICLE_COLUMNS, SENTENCE_COLUMNS, Article, Rejected, sentence_id
from slugline.data.sentences import is_debris, split_article
from slugline.errors import InputError, listing
from slugline.labels import Labels, parse_labels

Read = TypeVar("Read")
READY_COLUMNS = ("text", "labels", "article_id", "split", "published")
TAKEN = {*ARTICLE_COLUMNS, *SENTENCE_COLUMNS, "labels", "label_source", "weights", "period", "length", "place"}


class Corpus(NamedTuple):
    """Articles, their sentences where these came ready made (with `labels`, maybe `split`), and what was rejected."""

    articles: pd.DataFrame
    ready: pd.DataFrame | None
    rejected: list[Rejected]

    def sentences(self) -> pd.DataFrame:
        """Return the sentences, split from the articles if need be, with what is known of their article."""
        ready = self.ready if self.ready is not None else split_articles(self.articles)
        return ready.merge(
            self.articles.drop(columns=["text", "url"]),
            on="article_id",
            how="left",
            validate="many_to_one",
        )

    def to_values(self) -> Values:
        """Return it as frames and what JSON holds."""
        ready = {} if self.ready is None else {"ready": self.ready}
        return {"articles": self.articles, "rejected": self.rejected, **ready}

    @classmethod
    def from_values(cls, values: Values) -> "Corpus":
        """Return the corpus of `to_values`."""
        return cls(values["articles"], values.get("ready"), [Rejected(*item) for item in values["rejected"]])


@dataclass(frozen=True)
class ArticleCorpus:
    """Articles from files (see `ArticleFiles`); `keep` names further columns, which their sentences carry too."""

    path: Any
    format: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    keep: list[str] = field(default_factory=list)
    encoding: str = "utf-8"
    chunk_rows: int | None = None

    def files(self) -> list[tuple[Path, str]]:
        """Return the files that are read, each with its name."""
        return find_files(self.path, self.format, self.encoding)

    def __call__(self) -> Corpus:
        """Read the articles; raise `InputError` when there are none."""
        articles, rejected = collect(self._articles())
        require_some(articles, rejected, "article")
        corpus = self._corpus(articles, rejected)
        require_kept(corpus.articles, self.keep)
        return corpus

    def chunks(self) -> Iterator[Corpus]:
        """Yield the articles `chunk_rows` at a time; raise `InputError` when there are none."""
        for articles, rejected in in_chunks(self._articles(), self.chunk_rows or 1, "article", lambda article: article):
            yield self._corpus(articles, rejected)

    def _corpus(self, articles: list[Article], rejected: list[Rejected]) -> Corpus:
        rows = [(*article[:-1], *article.kept) for article in articles]
        return Corpus(pd.DataFrame(rows, columns=[*ARTICLE_COLUMNS, *self.keep]), None, rejected)

    def _articles(self) -> Iterator[Article | Rejected]:
        check_kept(self.keep)
        return first_of_each(ArticleFiles(self.path, self.format, self.columns, self.encoding, self.keep).read())


@dataclass(frozen=True)
class SentenceCorpus:
    """Sentences ready made, one a row, with their labels: a list, a delimited string, or one 0/1 column per topic.

    `columns` maps `text, labels, article_id, split, published` to their names in the files. `topic_columns` names 0/1
    columns, `keep` further ones. `articles` are files with more about the articles (`published`, `source`, ...), found
    by `article_id` under `article_columns`.
    """

    path: Any
    format: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    keep: list[str] = field(default_factory=list)
    topic_columns: list[str] = field(default_factory=list)
    delimiter: str = ","
    articles: Any = None
    article_columns: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    chunk_rows: int | None = None

    def files(self) -> list[tuple[Path, str]]:
        """Return the files that are read, each with its name."""
        more = [] if self.articles is None else find_files(self.articles, None, self.encoding)
        return [*find_files(self.path, self.format, self.encoding), *more]

    def __call__(self) -> Corpus:
        """Read the sentences; raise `InputError` when there are none or a label is no label."""
        rows, rejected = collect(self._rows())
        require_some(rows, rejected, "sentence")
        corpus = self._corpus(rows, rejected)
        require_kept(corpus.ready, self.keep)
        return corpus

    def chunks(self) -> Iterator[Corpus]:
        """Yield the sentences in chunks of `chunk_rows` and a little more, so that no article is cut.

        The sentences of an article must stand together, else their ids are not those that reading all at once gives.
        """
        if self.articles is not None:
            raise InputError("data.chunk_rows: data.articles would be read as a whole; give data.articles=null")
        chunks = in_chunks(self._rows(), self.chunk_rows or 1, "sentence", lambda row: row["article_id"])
        return (self._corpus(rows, rejected) for rows, rejected in chunks)

    def _corpus(self, rows: list[dict[str, Any]], rejected: list[Rejected]) -> Corpus:
        sentences = place_in_articles(pd.DataFrame(rows))
        joined = sentences.groupby("article_id", sort=False)["text"].agg("\n".join)
        articles = pd.DataFrame({"article_id": joined.index, "text": joined.to_numpy()}).reindex(
            columns=list(ARTICLE_COLUMNS)
        )
        if self.articles is not None:
            articles = self._more(articles)
        elif "published" in sentences:
            articles["published"] = articles["article_id"].map(sentences.groupby("article_id")["published"].first())
        return Corpus(articles, sentences.drop(columns="published", errors="ignore"), rejected)

    def _rows(self) -> Iterator[dict[str, Any] | Rejected]:
        if unknown := [name for name in self.columns if name not in READY_COLUMNS]:
            raise InputError(f"data.columns: unknown column '{unknown[0]}'; allowed: {listing(READY_COLUMNS)}")
        check_kept(self.keep)
        name = {column: self.columns.get(column) or column for column in READY_COLUMNS}
        for where, row in read_rows(self.path, self.format, self.encoding):
            if isinstance(row, str):
                yield Rejected(where, row)
                continue
            text = text_of(row, name["text"], where)
            if isinstance(text, Rejected):
                yield text
                continue
            article = cell(row.get(name["article_id"]))
            more = {column: cell(row[name[column]]) for column in ("split", "published") if name[column] in row}
            more |= {column: cell(row.get(column)) for column in self.keep}
            yield {
                "article_id": where if article is None else article,
                "text": text.strip(),
                "labels": self._labels(row, name["labels"], where),
            } | more

    def _labels(self, row: Any, column: str, where: str) -> tuple[str, ...] | None:
        if not self.topic_columns:
            if column not in row:
                raise InputError(
                    f"{where}: no column '{column}' for the labels; found: {listing(row)}; "
                    "or name 0/1 columns in data.topic_columns"
                )
            return parse_labels(row[column], self.delimiter, where)
        if missing := [topic for topic in self.topic_columns if topic not in row]:
            raise InputError(f"{where}: no column '{missing[0]}' of data.topic_columns; found: {listing(row)}")
        marks = {topic: str(row[topic]).strip().lower() for topic in self.topic_columns}
        if wrong := [topic for topic, mark in marks.items() if mark not in MARKS]:
            raise InputError(f"{where}: column '{wrong[0]}' holds '{row[wrong[0]]}'; allowed: 0, 1, true, false")
        return tuple(topic for topic, mark in marks.items() if MARKS[mark])

    def _more(self, articles: pd.DataFrame) -> pd.DataFrame:
        read, rejected = collect(first_of_each(self._about()))
        require_some(read, rejected, "article of data.articles")
        known = {article.article_id: article for article in read}
        if missing := [key for key in articles["article_id"] if key not in known]:
            raise InputError(
                f"data.articles: {len(missing)} articles of the sentences are not there, the first: {missing[0]}"
            )
        for column in ("title", "published", "source", "url", "language"):
            articles[column] = [getattr(known[key], column) for key in articles["article_id"]]
        return articles

    def _about(self) -> Iterator[tuple[str, Article | Rejected]]:
        """Yield what files say about each article; their text is that of its sentences and is not read again."""
        columns = article_columns(self.article_columns)
        for where, row in read_rows(self.articles, None, self.encoding):
            known = row if isinstance(row, str) else {**row, columns["text"]: "its sentences"}
            yield where, Rejected(where, known) if isinstance(known, str) else to_article(known, where, columns)


MARKS = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True, "": False}


def collect(stream: Iterable[Read | Rejected]) -> tuple[list[Read], list[Rejected]]:
    """Part what was read from what was rejected."""
    read: list[Read] = []
    rejected: list[Rejected] = []
    for item in stream:
        if isinstance(item, Rejected):
            rejected.append(item)
        else:
            read.append(item)
    return read, rejected


def check_kept(columns: Sequence[str]) -> None:
    """Raise `InputError` for a further column that has the name of one that there is anyway."""
    if wrong := [name for name in columns if name in TAKEN or columns.count(name) > 1]:
        raise InputError(f"data.keep: '{wrong[0]}' is no further column; taken: {listing(sorted(TAKEN), 20)}")


def require_kept(rows: Any, columns: Sequence[str]) -> None:
    """Raise `InputError` for a further column that no row has."""
    if missing := [name for name in columns if rows[name].isna().all()]:
        raise InputError(f"data.keep: no row has a column '{missing[0]}'")


def in_chunks(
    stream: Iterable[Read | Rejected], size: int, what: str, group: Callable[[Read], object]
) -> Iterator[tuple[list[Read], list[Rejected]]]:
    """Cut a stream into chunks of `size` items, and as many more as belong to the last one's group.

    What was rejected goes with the chunk it stands in. Raises `InputError` when nothing at all could be read.
    """
    read: list[Read] = []
    rejected: list[Rejected] = []
    some = False
    for item in stream:
        if isinstance(item, Rejected):
            rejected.append(item)
            continue
        if len(read) >= size and group(item) != group(read[-1]):
            yield read, rejected
            some, read, rejected = True, [], []
        read.append(item)
    if not some:
        require_some(read, rejected, what)
    yield read, rejected


def first_of_each(found: Iterable[tuple[str, Article | Rejected]]) -> Iterator[Article | Rejected]:
    """Reject an article whose `article_id` stands before."""
    first: dict[str, str] = {}
    for where, item in found:
        if isinstance(item, Article) and item.article_id in first:
            yield Rejected(where, f"article_id '{item.article_id}' stands before, at {first[item.article_id]}")
        else:
            yield item
            first.update({item.article_id: where} if isinstance(item, Article) else {})


def place_in_articles(rows: pd.DataFrame) -> pd.DataFrame:
    """Give ready-made sentences their position, offsets (as if joined by line ends) and stable id."""
    lengths = rows["text"].str.len() + 1
    start = lengths.groupby(rows["article_id"]).cumsum() - lengths
    spans = zip(rows["article_id"], start, start + lengths - 1, rows["text"], strict=True)
    return rows.assign(
        sentence_id=[sentence_id(*span) for span in spans],
        position=rows.groupby("article_id").cumcount(),
        start=start,
        end=start + lengths - 1,
        debris=[is_debris(text) for text in rows["text"]],
    )


def split_articles(articles: pd.DataFrame) -> pd.DataFrame:
    """Return the sentences of all articles, in their order."""
    known = articles.astype(object).where(articles.notna(), None)  # pandas makes NaN of None among strings
    rows = (Article(*row) for row in known[list(ARTICLE_COLUMNS)].itertuples(index=False))
    return pd.DataFrame([sentence for row in rows for sentence in split_article(row)], columns=list(SENTENCE_COLUMNS))


def gold_files(labels: Labels) -> list[tuple[Path, str]]:
    """Return the files of a labeller's gold labels."""
    return [] if labels.gold is None else find_files(labels.gold)


def read_gold(labels: Labels) -> Iterator[tuple[str, Any]]:
    """Yield the rows of a labeller's file of gold labels, text and ids in the form they have in the articles."""
    if labels.gold is None:
        return
    text, *keys = (labels.columns.get(column) or column for column in ("text", "article_id", "sentence_id"))
    for where, row in read_rows(labels.gold):
        if not isinstance(row, str):
            row = {**row, **{key: cell(row[key]) for key in keys if key in row}}
            if isinstance(row.get(text), str):
                row[text] = normalise(row[text]).strip()
        yield where, row
