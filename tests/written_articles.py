"""Five articles, and how each format and compression holds them, for tests over all of these."""

import bz2
import csv
import gzip
import io
import json
import lzma
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import pandas as pd

ARTICLES = [
    {
        "title": "Truce along the river holds for a second night",
        "text": "The truce along the river held for a second night, officials of both sides said on Tuesday.\n"
        "Monitors counted three shots near the old bridge, fewer than on any day since spring, and no one was hurt.\n"
        "Talks on the release of prisoners resume on Monday, the mediator told reporters after a short meeting.",
        "published": "2024-03-05",
        "source": "The Valley Courier",
        "url": "https://courier.example/world/truce-holds",
        "language": "en",
    },
    {
        "title": "Parliament votes to extend sanctions by six months",
        "text": "Parliament voted late on Wednesday to extend sanctions on the two state banks by six months.\n"
        "Opposition members walked out before the vote and called the measure a gift to smugglers.\n"
        "The finance minister said “nobody will starve” & promised a review in the summer.",
        "published": "2024-03-06",
        "source": "The Valley Courier",
        "url": "https://courier.example/politics/sanctions",
        "language": "en",
    },
    {
        "title": "Aid convoy reaches the northern camps",
        "text": "A convoy of forty lorries reached the northern camps on Thursday with flour, tents and medicine.\n"
        "It was the first to pass the checkpoint since January, an aid worker in the convoy said.\n"
        "Families had walked for days to meet it, and many waited in the rain until the evening.",
        "published": "2024-03-07",
        "source": "Northern Wire",
        "url": "https://wire.example/a/77",
        "language": "en",
    },
    {
        "title": "General accuses neighbour of arming raiders",
        "text": "The head of the army accused the neighbouring state of arming the raiders who burned two villages.\n"
        "The neighbour's envoy denied it and asked for an inquiry by the regional union.\n"
        "Neither side showed evidence, and the border stayed closed for a fourth week.",
        "published": "2024-03-08",
        "source": "Northern Wire",
        "url": "https://wire.example/a/78",
        "language": "en",
    },
    {
        "title": "Ärzte melden weniger Verletzte nach der Waffenruhe",
        "text": "Die Ärzte im Krankenhaus der Hauptstadt meldeten am Freitag weniger Verletzte als in der Vorwoche.\n"
        "Seit der Waffenruhe kämen täglich noch etwa fünf Menschen, sagte eine Chirurgin dem Sender.\n"
        "Die Vorräte an Blutkonserven reichen nach ihren Worten noch für knapp zwei Wochen.",
        "published": "2024-03-09",
        "source": "Hauptstadtfunk",
        "url": "https://funk.example/gesundheit/1",
        "language": "de",
    },
]
COLUMNS = ("title", "text", "published", "source", "url", "language")


def as_html(article: dict[str, str]) -> str:
    """Return a page such as a news site serves."""
    paragraphs = "".join(f"<p>{escape(line)}</p>\n" for line in article["text"].split("\n"))
    return (
        f'<!doctype html>\n<html lang="{article["language"]}"><head><meta charset="utf-8">'
        f"<title>{escape(article['title'])} | {article['source']}</title>"
        f'<meta property="og:title" content="{escape(article["title"])}">'
        f'<meta property="og:site_name" content="{article["source"]}">'
        f'<meta property="article:published_time" content="{article["published"]}T08:00:00+00:00">'
        f'<meta name="author" content="Ann Lee"><link rel="canonical" href="{article["url"]}"></head>'
        '<body><nav><a href="/">Home</a> <a href="/world">World</a></nav>'
        f"<article><h1>{escape(article['title'])}</h1>\n{paragraphs}</article>"
        '<aside><h2>Most read</h2><ul><li><a href="/1">Ten soups</a></li></ul></aside>'
        "<footer>© The publisher. All rights reserved. <a href='/terms'>Terms</a></footer></body></html>"
    )


def as_markdown(article: dict[str, str]) -> str:
    """Return Markdown with front matter."""
    head = "\n".join(f'{name}: "{article[name]}"' for name in ("source", "url", "language"))
    body = article["text"].replace("truce", "*truce*").replace("\n", "\n\n")
    return f"---\n{head}\ndate: {article['published']}\n---\n\n# {article['title']}\n\n{body}\n"


def as_mail(article: dict[str, str]) -> bytes:
    """Return a mail, in which the language is a header and the source the sender."""
    mail = EmailMessage()
    mail["Subject"], mail["From"] = article["title"], f"{article['source']} <desk@{article['url'].split('/')[2]}>"
    mail["Date"] = format_datetime(datetime.fromisoformat(article["published"]).replace(tzinfo=UTC))
    mail.set_content(article["text"])
    mail["Content-Language"], mail["Archived-At"] = article["language"], article["url"]
    return mail.as_bytes()


def as_rss(articles: list[dict[str, str]]) -> str:
    """Return an RSS feed."""
    items = "".join(
        f"<item><title>{escape(article['title'])}</title><link>{article['url']}</link>"
        f"<guid>{article['url']}</guid><pubDate>{_moment(article)}</pubDate>"
        f"<description>{escape(article['text'][:60])}…</description>"
        f"<content:encoded><![CDATA[{_paragraphs(article)}]]></content:encoded></item>"
        for article in articles
    )
    first = articles[0]
    return (
        '<?xml version="1.0" encoding="UTF-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">'
        f"<channel><title>{first['source']}</title><language>{first['language']}</language>{items}</channel></rss>"
    )


def as_atom(articles: list[dict[str, str]]) -> str:
    """Return an Atom feed."""
    items = "".join(
        f"<entry><title>{escape(article['title'])}</title><link href='{article['url']}'/><id>{article['url']}</id>"
        f"<published>{article['published']}T00:00:00Z</published><updated>2024-04-01T00:00:00Z</updated>"
        f"<content type='html' xml:lang='{article['language']}'>{escape(_paragraphs(article))}</content></entry>"
        for article in articles
    )
    first = articles[0]
    return (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom" '
        f'xml:lang="{first["language"]}"><title>{first["source"]}</title>{items}</feed>'
    )


def _paragraphs(article: dict[str, str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in article["text"].split("\n"))


def _moment(article: dict[str, str]) -> str:
    return format_datetime(datetime.fromisoformat(article["published"]).replace(tzinfo=UTC))


def as_warc(articles: list[dict[str, str]]) -> bytes:
    """Return a WARC file of a crawl: a request, a response and a picture for each article."""
    parts = []
    for article in articles:
        page = as_html(article).encode()
        head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n\r\n"
        picture = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG"
        parts.append(as_warc_record("request", article["url"], b"GET / HTTP/1.1\r\nHost: x.example\r\n\r\n"))
        parts.append(as_warc_record("response", article["url"], head.encode() + page))
        parts.append(as_warc_record("response", article["url"] + ".png", picture))
    return b"".join(parts)


def as_warc_record(kind: str, url: str, content: bytes) -> bytes:
    """Return a record of a WARC file."""
    head = (
        f"WARC/1.0\r\nWARC-Type: {kind}\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-03-10T09:00:00Z\r\n"
        f"WARC-Record-ID: <urn:uuid:{uuid5(NAMESPACE_URL, kind + url)}>\r\n"
        f"Content-Type: application/http; msgtype={kind}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content + b"\r\n\r\n"


def as_csv(articles: list[dict[str, str]], delimiter: str = ",") -> str:
    """Return a table as text."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS, delimiter=delimiter)
    writer.writeheader()
    writer.writerows(articles)
    return stream.getvalue()


def as_frame(articles: list[dict[str, str]], kind: str) -> bytes:
    """Return Parquet or a workbook."""
    stream = io.BytesIO()
    frame = pd.DataFrame(articles)
    frame.to_parquet(stream, index=False) if kind == "parquet" else frame.to_excel(stream, index=False)
    return stream.getvalue()


def _bytes(content: str | bytes) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _each(ending: str, write: Callable[[dict[str, str]], str | bytes]) -> dict[str, bytes]:
    return {f"{number}{ending}": _bytes(write(article)) for number, article in enumerate(ARTICLES)}


def _by_source(ending: str, write: Callable[[list[dict[str, str]]], str | bytes]) -> dict[str, bytes]:
    """Return a feed for each source, since that is what a feed names once."""
    sources = list(dict.fromkeys(article["source"] for article in ARTICLES))
    return {
        f"{number}{ending}": _bytes(write([article for article in ARTICLES if article["source"] == source]))
        for number, source in enumerate(sources)
    }


def write_format(name: str) -> dict[str, bytes]:
    """Return the files, names and bytes, that hold the five articles in a format."""
    lines = "\n".join(json.dumps(article) for article in ARTICLES)
    return {
        "text": lambda: _each(".txt", lambda article: article["text"]),
        "markdown": lambda: _each(".md", as_markdown),
        "html": lambda: _each(".html", as_html),
        "eml": lambda: _each(".eml", as_mail),
        "json": lambda: {"all.json": json.dumps(ARTICLES, indent=1).encode()},
        "json_each": lambda: _each(".json", lambda article: json.dumps(article, ensure_ascii=False)),
        "jsonl": lambda: {"all.jsonl": lines.encode()},
        "csv": lambda: {"all.csv": as_csv(ARTICLES).encode()},
        "tsv": lambda: {"all.tsv": as_csv(ARTICLES, "\t").encode()},
        "xlsx": lambda: {"all.xlsx": as_frame(ARTICLES, "xlsx")},
        "parquet": lambda: {"all.parquet": as_frame(ARTICLES, "parquet")},
        "feed": lambda: _by_source(".rss", as_rss),
        "atom": lambda: _by_source(".xml", as_atom),
        "warc": lambda: {"all.warc": as_warc(ARTICLES)},
    }[name]()


FORMATS = [
    "text",
    "markdown",
    "html",
    "eml",
    "json",
    "json_each",
    "jsonl",
    "csv",
    "tsv",
    "xlsx",
    "parquet",
    "feed",
    "atom",
    "warc",
]
WITHOUT = {"text": set(COLUMNS) - {"text"}}  # what a format cannot say


def as_zip(files: dict[str, bytes]) -> bytes:
    """Return an archive of files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return stream.getvalue()


def as_zstd(content: bytes) -> bytes:
    """Return a Zstandard frame."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return sink.getvalue().to_pybytes()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
    ".zst": as_zstd,
}


def compress(files: dict[str, bytes], ending: str) -> dict[str, bytes]:
    """Return files as they are, each compressed, or all in one archive."""
    if ending == ".zip":
        return {"all.zip": as_zip({f"in/{name}": content for name, content in files.items()})}
    return {f"{name}{ending}": COMPRESSIONS[ending](content) if ending else content for name, content in files.items()}


def place(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a folder."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return folder
