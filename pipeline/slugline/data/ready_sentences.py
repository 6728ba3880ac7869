"""Ready-made sentences: rows that already are sentences and bring their labels, placed in their articles."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from slugline.data.articles import article_columns, cell_text, get_text, to_article
from slugline.data.corpus import Corpus, check_keep, check_kept_columns, in_chunks, read_all, reject_repeated_ids
from slugline.data.input_files import NamedFile, find_files
from slugline.data.label_cells import parse_labels, read_marks
from slugline.data.readers import Row, read_rows
from slugline.data.schema import ARTICLE_COLUMNS, Article, Rejected, sentence_id
from slugline.data.sentences import is_debris
from slugline.errors import InputError, listing

_COLUMNS = ("text", "labels", "article_id", "split", "published")
_METADATA_COLUMNS = ("title", "published", "source", "url", "language")


@dataclass(frozen=True)
class SentenceCorpus:
    """Sentences that come ready made, one a row, with their labels (`data=sentences`).

    Parameters
    ----------
    path : str, Path or list of these
        A file, a folder, a glob, `-` for standard input, or a list of these.
    format : str, optional
        What the files are (jsonl, csv, tsv, parquet), where their endings do not tell.
    columns : dict of str to str
        `text, labels, article_id, split, published` and their names in the files. `text` must be there, and `labels` or
        `topic_columns`. A row without `article_id` is an article of its own.
    keep : list of str
        Further columns of the files, which the sentences carry too.
    topic_columns : list of str
        The names of 0/1 columns, one for each topic, in place of `labels`.
    delimiter : str
        What stands between two labels of one string.
    articles : str, Path or list of these, optional
        Files with more about the articles (title, date, source, ...), found by `article_id`; None: there are none.
    article_columns : dict of str to str
        Article columns and their names in those files.
    encoding : str
        How the text in the files is encoded.
    chunk_rows : int, optional
        How many sentences to hold in memory at a time, and as many more as their last article has; None: all.
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

    def files(self) -> list[NamedFile]:
        """Return the files that are read, each with its name."""
        metadata_files = (
            [] if self.articles is None else find_files(self.articles, None, self.encoding, key="data.articles")
        )
        return [*find_files(self.path, self.format, self.encoding), *metadata_files]

    def __call__(self) -> Corpus:
        """Read the sentences; raise `InputError` when there are none or a cell cannot be read as labels."""
        corpus = self._corpus(*read_all(self._rows(), "sentence"))
        check_kept_columns(corpus.ready_sentences, self.keep)
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
        """Place the sentences in their articles, whose texts are the sentences joined by line ends."""
        sentences = _place_in_articles(pd.DataFrame(rows))
        by_article = sentences.groupby("article_id", sort=False)
        texts = by_article["text"].agg("\n".join)
        articles = pd.DataFrame({"article_id": texts.index, "text": texts.to_numpy()})
        articles = articles.reindex(columns=list(ARTICLE_COLUMNS))

        if self.articles is not None:
            articles = self._add_metadata(articles)
        elif "published" in sentences:
            articles["published"] = articles["article_id"].map(by_article["published"].first())
        return Corpus(articles, sentences.drop(columns="published", errors="ignore"), rejected)

    def _rows(self) -> Iterator[dict[str, Any] | Rejected]:
        """Yield the rows of the files under the names that columns have here."""
        if unknown := [name for name in self.columns if name not in _COLUMNS]:
            raise InputError(f"data.columns: unknown column '{unknown[0]}'; allowed: {listing(_COLUMNS)}")
        check_keep(self.keep)

        columns = {name: self.columns.get(name) or name for name in _COLUMNS}
        for where, row in read_rows(self.path, self.format, self.encoding):
            yield Rejected(where, row) if isinstance(row, str) else self._sentence(row, where, columns)

    def _sentence(self, row: Row, where: str, columns: Mapping[str, str]) -> dict[str, Any] | Rejected:
        """Return a row under the names that columns have here, or why it is not a sentence."""
        text = get_text(row, columns["text"], where)
        if isinstance(text, Rejected):
            return text

        sentence = {
            "article_id": cell_text(row.get(columns["article_id"])) or where,
            "text": text.strip(),
            "labels": self._labels(row, columns["labels"], where),
        }
        sentence |= {name: cell_text(row[columns[name]]) for name in ("split", "published") if columns[name] in row}
        return sentence | {name: cell_text(row.get(name)) for name in self.keep}

    def _labels(self, row: Row, column: str, where: str) -> tuple[str, ...] | None:
        """Return the labels of a row, from its topic columns or from its one column of labels."""
        if self.topic_columns:
            return read_marks(row, self.topic_columns, where)
        if column not in row:
            problem = f"no column '{column}' for the labels; found: {listing(row)}"
            raise InputError(f"{where}: {problem}; or name 0/1 columns in data.topic_columns")
        return parse_labels(row[column], self.delimiter, where)

    def _add_metadata(self, articles: pd.DataFrame) -> pd.DataFrame:
        """Add what the files of `self.articles` say about each article."""
        read, _ = read_all(reject_repeated_ids(self._article_metadata()), "article of data.articles")
        article_of_id = {article.article_id: article for article in read}
        if missing := [key for key in articles["article_id"] if key not in article_of_id]:
            problem = f"{len(missing)} articles of the sentences are not there, the first: {missing[0]}"
            raise InputError(f"data.articles: {problem}")
        for column in _METADATA_COLUMNS:
            articles[column] = [getattr(article_of_id[key], column) for key in articles["article_id"]]
        return articles

    def _article_metadata(self) -> Iterator[tuple[str, Article | Rejected]]:
        """Yield what files say about each article; their text is that of its sentences and is not read again."""
        columns = article_columns(self.article_columns, "data.article_columns")
        for where, row in read_rows(self.articles, None, self.encoding, key="data.articles"):
            if isinstance(row, str):
                yield where, Rejected(where, row)
            else:
                yield where, to_article({**row, columns["text"]: "its sentences"}, where, columns)


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
        debris=[is_debris(text) for text in sentences["text"]],
    )
