"""Pages of the web: the main text, by trafilatura, and what the page says about it; fragments of HTML as plain text."""

import codecs
import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

from slugline.data.encodings import find_encoding
from slugline.data.formats.foreign import foreign_errors, missing_extra, silence
from slugline.data.opening import InputFile
from slugline.data.schema import Row, Rows

_META_CHARSET = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{2,40})""", re.I)
_LANGUAGE = re.compile(r"""<html\b[^>]{0,1000}?\slang\s*=\s*["']?([A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*)""", re.I)
_DECLARATION = re.compile(r"\s*<\?xml[^>]*\?>")
PAGE_SHARE = 8  # of the largest file: what is parsed takes many times its size
_MAX_TAGS = 100_000  # of a page: each takes some time
_HEAD = 4096  # bytes and characters in which a page says how it is written
_READ_AS = {"iso8859-1": "cp1252", "ascii": "cp1252"}  # https://encoding.spec.whatwg.org/#names-and-labels
_LOGGERS = ("trafilatura", "htmldate", "courlan", "justext")  # what they would print is told as a reason


def read_html(file: InputFile) -> Rows:
    """Yield the main text of a page as one row, with its title, date, author, URL and language."""
    yield file.name, page_row(file.read_bytes(PAGE_SHARE), file.options.encoding)


def page_row(data: bytes, encoding: str | None, url: str | None = None) -> Row | str:
    """Return the main text of a page and what it says about itself, or why there is none.

    `encoding` is that of a page which names none, None: the bytes tell; `url` is where it was found. Raises
    `DoubtError` where two would do.
    """
    try:
        import trafilatura
    except ImportError as error:
        raise missing_extra("trafilatura", "web") from error
    if (tags := data.count(b"<")) > _MAX_TAGS:
        return f"{tags} tags in one page; allowed: {_MAX_TAGS}"
    silence(*_LOGGERS)
    html = _DECLARATION.sub("", decode_page(data, encoding), count=1)
    with foreign_errors("no page that can be read"):
        page: Any = trafilatura.bare_extraction(
            html,
            url=url,
            favor_precision=True,
            include_comments=False,
            with_metadata=True,
            date_extraction_params={"extensive_search": False, "original_date": True},  # what is said, no guess
        )
    text = (page.text if page is not None else "") or ""
    if page is None or not text.strip():
        return "no main text in the page"
    language = _LANGUAGE.search(html[:_HEAD])
    return {
        "title": page.title,
        "text": without_title(text, page.title),
        "published": page.date,
        "source": page.sitename or page.hostname,
        "url": page.url or url,
        "language": language[1] if language else None,
        "author": page.author,
    }


def decode_page(data: bytes, encoding: str | None) -> str:
    """Return a page as text: UTF-8, what it says in its head, `encoding`, or what its bytes tell.

    Examples
    --------
    >>> decode_page("<meta charset=iso-8859-1>trêve".encode("latin-1"), "utf-8")[-5:]
    'trêve'
    """
    said = _META_CHARSET.search(data[:_HEAD])
    names = ["utf-16"] if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else ["utf-8-sig"]
    for name in [*names, *([said[1].decode()] if said else [])]:
        try:
            known = codecs.lookup(name).name
            return data.decode(_READ_AS.get(known, known))
        except (LookupError, UnicodeError):  # it is not what it says
            continue
    return data.decode(encoding or find_encoding(data))


def without_title(text: str, title: str | None) -> str:
    r"""Return a text without the title where that is its first line; articles keep titles apart.

    Examples
    --------
    >>> without_title("Truce holds\nIt held overnight.", "Truce holds")
    'It held overnight.'
    """
    first, _, rest = text.lstrip().partition("\n")
    return rest.lstrip("\n") if title and rest.strip() and first.strip() == title.strip() else text


def plain_text(fragment: str) -> str:
    r"""Return a fragment of HTML as text, a line for each block.

    Examples
    --------
    >>> plain_text("<p>The <b>truce</b> held.</p><p>Talks&nbsp;resume.")
    'The truce held.\nTalks\xa0resume.'
    """
    parser = _PlainText()
    with foreign_errors("no HTML that can be read"):
        parser.feed(_COMMENT.sub("", fragment))
        parser.end()
    lines = (" ".join(line.split(" ")).strip() for line in "".join(parser.pieces).split("\n"))
    return "\n".join(line for line in lines if line)


_INLINE = re.compile("a|abbr|b|bdi|bdo|cite|code|del|dfn|em|font|i|ins|kbd|mark|q|s|small|span|strong|sub|sup|u")
_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)|<!\[[^>]*>?", re.S)
_UNSEEN = {"script", "style", "template", "noscript"}


class _PlainText(HTMLParser):
    """The text of a fragment, in pieces."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []
        self._unseen = 0

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._unseen += tag in _UNSEEN
        self._end_line(tag)

    def handle_endtag(self, tag: str) -> None:
        self._unseen = max(self._unseen - (tag in _UNSEEN), 0)
        self._end_line(tag)

    def handle_data(self, data: str) -> None:
        if not self._unseen:
            self.pieces.append(re.sub(r"[ \t\r\n]+", " ", data))

    def end(self) -> None:
        """Take what an open tag has left, without the tags in it; `close` would read it over and over."""
        self.handle_data(unescape(re.sub(r"<[^<>]*>?", " ", self.rawdata)))

    def _end_line(self, tag: str) -> None:
        if not _INLINE.fullmatch(tag):
            self.pieces.append("\n")
