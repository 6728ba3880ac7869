"""The contract between stages: the columns of each table."""

from hashlib import blake2b
from typing import NamedTuple


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
