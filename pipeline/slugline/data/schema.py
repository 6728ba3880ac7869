"""The contract between stages: the columns of each table."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np

Row = Mapping[str, Any]  # the name of each column and what it holds
Rows = Iterator[tuple[str, Row | str]]  # a place (`file` or `file:line`) with a row, or with why there is none


class Article(NamedTuple):
    """A news article; `article_id` is unique among those read together, `published` is ISO 8601.

    The offsets of its sentences refer to `text`; `kept` has the cells of the further columns that `data.keep` names.
    """

    article_id: str
    title: str | None
    text: str
    published: str | None
    source: str | None
    url: str | None
    language: str | None
    kept: tuple[str | None, ...] = ()


class Sentence(NamedTuple):
    """A sentence of an article: `text == article.text[start:end]`, without blanks at its ends.

    `sentence_id` is the same in every run (see the function `sentence_id`), `position` counts from 0, `start` and `end`
    are in characters (Unicode code points). `debris` marks text that a web page puts around an article and nobody wrote
    as news, such as a byline, "Post a Comment" or a list of links.
    """

    sentence_id: str
    article_id: str
    position: int
    start: int
    end: int
    text: str
    debris: bool


class Rejected(NamedTuple):
    """A file or row that could not be read: its place, `file` or `file:line`, and what is wrong with it.

    `row` has its cells, where it has any, as JSON can hold them.
    """

    where: str
    reason: str
    row: Row | None = None

    def __str__(self) -> str:
        return f"{self.where}: {self.reason}"

    def to_record(self) -> dict[str, Any]:
        """Return place, reason and cells in one: a row that can be mended and read again, as the article that it was.

        Examples
        --------
        >>> Rejected("a.csv:7", "empty text", {"text": "", "title": "Truce"}).to_record()
        {'where': 'a.csv:7', 'reason': 'empty text', 'article_id': 'a.csv:7', 'text': '', 'title': 'Truce'}
        """
        told = {"where": self.where, "reason": self.reason}
        if self.row is None:
            return told
        has_id = self.row.get("article_id") not in (None, "")
        return {**told, "article_id": self.where, **self.row} | ({} if has_id else {"article_id": self.where})


ARTICLE_COLUMNS = Article._fields[:-1]  # without `kept`, whose columns have names of their own
SENTENCE_COLUMNS = Sentence._fields
_LONG_NAME = 40  # characters that names of columns seldom have
GROUP_COLUMNS = ("sentence_group", "article_group")  # numbers that copies have in common
ABOUT_COLUMNS = ("published", "source", "title", "url")  # what predictions tell about the article of a sentence
PREDICTION_COLUMNS = (*SENTENCE_COLUMNS, *ABOUT_COLUMNS, "topics")  # then come those of the topics


NO_TEXT = "for the text; found: "  # in the reason why a row without a column of texts is rejected


def describe_no_header(names: Iterable[str]) -> str:
    """Return what to give where the names of columns look like cells, as of a file without header; "" where not."""
    seems_data = any(str(name).isdigit() or len(str(name)) > _LONG_NAME for name in names)
    return "; if the first line names no columns, give header=false beside the path" if seems_data else ""


def describe_repeated(names: Sequence[str]) -> str | None:
    """Return that two columns of a file have one name, so that one would be lost; None if none have."""
    found = (f"column '{name}' stands {count} times" for name, count in Counter(names).items() if count > 1)
    return next(found, None)


def sentence_id(article_id: str, start: int, end: int, text: str) -> str:
    """Return the stable id of a sentence: 16 hexadecimal digits of BLAKE2b over its article, span and text.

    Labels made outside find their sentence by it, in every run, as long as the article up to there stays the same.

    Examples
    --------
    >>> sentence_id("a", 0, 5, "Truce")
    '95eedae697bc9e02'
    """
    key = f"{article_id}\0{start}\0{end}\0{text}"
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def to_matrix(labels: Iterable[Sequence[str]], topics: Sequence[str]) -> "np.ndarray":
    """Return the labels of sentences as booleans, shape (sentences, topics), with the columns in the order of `topics`.

    Examples
    --------
    >>> to_matrix([["war"], [], ["aid", "war"]], ["aid", "war"]).tolist()
    [[False, True], [False, False], [True, True]]
    """
    import numpy as np  # articles can be read without it

    column_of = {topic: column for column, topic in enumerate(topics)}
    sentences = list(labels)
    rows = np.repeat(np.arange(len(sentences)), [len(given) for given in sentences])
    columns = [column_of[topic] for topic in chain.from_iterable(sentences)]

    matrix = np.zeros((len(sentences), len(topics)), dtype=bool)
    matrix[rows, columns] = True
    return matrix
