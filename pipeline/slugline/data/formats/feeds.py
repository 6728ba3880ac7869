"""Feeds, RSS and Atom: an article an entry. feedparser reads them, which leaves out what a document declares itself."""

import io
from calendar import timegm
from datetime import UTC, datetime
from typing import Any

from slugline.data.formats.foreign import foreign_errors, missing_extra
from slugline.data.formats.html import PAGE_SHARE, plain_text
from slugline.data.opening import InputFile
from slugline.data.schema import Row, Rows
from slugline.errors import one_line

_MAX_TAGS = 300_000  # of a feed: each takes some time


def read_feed(file: InputFile) -> Rows:
    """Yield the entries of a feed; what is broken further down is told after those before it."""
    try:
        import feedparser
    except ImportError as error:
        raise missing_extra("feedparser", "web") from error

    data = file.read_bytes(PAGE_SHARE)
    if (tags := data.count(b"<")) > _MAX_TAGS:
        raise OSError(f"{tags} tags in one feed; allowed: {_MAX_TAGS}")
    with foreign_errors("no feed that can be read"):
        feed = feedparser.parse(io.BytesIO(data))  # of bytes: nothing is fetched
    if not feed.version and not feed.entries:
        raise OSError(one_line(f"no RSS or Atom: {feed.get('bozo_exception', 'it has no feed in it')}"))
    for number, entry in enumerate(feed.entries, start=1):
        try:
            yield f"{file.name}:{number}", _to_row(entry, feed.feed)
        except OSError as error:
            yield f"{file.name}:{number}", str(error)
    if feed.bozo and isinstance(feed.bozo_exception, Exception) and _is_cut(feed.bozo_exception):
        yield file.name, one_line(f"broken beyond entry {len(feed.entries)}: {feed.bozo_exception}")


def _is_cut(error: Exception) -> bool:
    """Tell whether an error is of the XML, and not of how its encoding is declared."""
    import xml.sax

    return isinstance(error, xml.sax.SAXException)


def _to_row(entry: Any, feed: Any) -> Row:
    """Return an entry as a row: its content, or else its summary."""
    contents = [content.get("value", "") for content in entry.get("content", [])]
    fragment = max([*contents, ""], key=len) or entry.get("summary", "")
    moment = entry.get("published_parsed") or entry.get("updated_parsed")
    key = entry.get("id", "")
    return {
        "article_id": key if ":" in key else None,  # a URL or URN; a number would be another feed's too
        "title": plain_text(entry.get("title", "")),
        "text": plain_text(fragment),
        "published": datetime.fromtimestamp(timegm(moment), UTC).isoformat() if moment else entry.get("published"),
        "source": feed.get("title"),
        "url": entry.get("link"),
        "language": entry.get("language") or feed.get("language"),
        "author": entry.get("author"),
    }
