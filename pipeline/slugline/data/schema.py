"""The contract between stages: the columns of each table."""

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np


class Article(NamedTuple):
    """A news article.

    Parameters
    ----------
    article_id : str
        Unique among the articles that are read together.
    title, published, source, url, language : str or None
        What is known about the article; `published` as ISO 8601.
    text : str
        The text that the offsets of its sentences refer to.
    kept : tuple of (str or None)
        The cells of further columns that `data.keep` names.
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
    """A sentence of an article: `text == article.text[start:end]`.

    Parameters
    ----------
    sentence_id : str
        The same for the same article, span and text in every run (see `sentence_id`).
    article_id : str
        The article that the sentence belongs to.
    position : int
        Its number in the article, from 0.
    start, end : int
        Its span in the text of the article, in characters (Unicode code points).
    text : str
        The sentence, without blanks at its ends.
    debris : bool
        Whether it is debris: text that a web page puts around an article and nobody wrote as news, such as a byline,
        "Post a Comment" or a list of links.
    """

    sentence_id: str
    article_id: str
    position: int
    start: int
    end: int
    text: str
    debris: bool


class Rejected(NamedTuple):
    """A file or row that could not be read.

    Parameters
    ----------
    where : str
        Its place: `file` or `file:line`.
    reason : str
        What is wrong with it.
    """

    where: str
    reason: str


ARTICLE_COLUMNS = Article._fields[:-1]  # without `kept`, whose columns have names of their own
SENTENCE_COLUMNS = Sentence._fields


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
    """Return the labels of sentences as booleans, shape (sentences, topics).

    Parameters
    ----------
    labels : iterable of sequence of str
        The topics of each sentence, all of them among `topics`.
    topics : sequence of str
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
