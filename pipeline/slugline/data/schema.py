"""The contract between stages: the columns of each table."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class Article(NamedTuple):
    """One article; `text` is what the offsets of its sentences refer to, `kept` what further columns hold."""

    article_id: str
    title: str | None
    text: str
    published: str | None
    source: str | None
    url: str | None
    language: str | None
    kept: tuple[str | None, ...] = ()


class Sentence(NamedTuple):
    """One sentence.

    `text == article.text[start:end]`, `position` counts from 0, `debris` marks what no person wrote as news.
    """

    sentence_id: str
    article_id: str
    position: int
    start: int
    end: int
    text: str
    debris: bool


class Rejected(NamedTuple):
    """A file or row that could not be read: `where` is `file` or `file:line`."""

    where: str
    reason: str


ARTICLE_COLUMNS = Article._fields[:-1]
SENTENCE_COLUMNS = Sentence._fields


def sentence_id(article_id: str, start: int, end: int, text: str) -> str:
    """Return the stable id of a span: 16 hexadecimal digits of BLAKE2b over article, offsets and text."""
    key = f"{article_id}\0{start}\0{end}\0{text}"
    return blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def to_matrix(labels: Iterable[Sequence[str]], topics: Sequence[str]) -> "np.ndarray":
    """Return the labels of sentences as booleans, shape (sentences, topics).

    Parameters
    ----------
    labels
        The topics of each sentence, all of them among `topics`.
    topics
        The names of the columns, in order.

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
