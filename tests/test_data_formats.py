"""The same articles in every format and compression are the same articles; what is broken costs a line and no more."""

import io
import json
from pathlib import Path

import pytest
from written_articles import ARTICLES, COLUMNS, FORMATS, WITHOUT, compress, place, write_format

from slugline.data import ArticleCorpus
from slugline.data.articles import read_articles
from slugline.data.opening import ReadOptions
from slugline.data.readers import read_rows
from slugline.data.schema import Article, Rejected
from slugline.prediction import PredictOptions, predict_files


def read(path, columns=None, **options):
    """Return the articles and what was rejected."""
    found = [item for _, item in read_articles(path, ReadOptions(**options), columns=columns)]
    return [one for one in found if isinstance(one, Article)], [one for one in found if isinstance(one, Rejected)]


def reasons(path, **options):
    """Return what was rejected as `{place: reason}`, all on one line."""
    rejected = read(path, **options)[1]
    assert not [one for one in rejected if "\n" in one.reason]
    return {one.where: one.reason for one in rejected}


def cells(articles, without=()):
    """Return what articles say, in the order of their titles; of a moment the day."""
    kept = [name for name in COLUMNS if name not in without]
    rows = [[getattr(article, name) for name in kept] for article in articles]
    return sorted(
        [value[:10] if name == "published" else value for name, value in zip(kept, row, strict=True)] for row in rows
    )


def expected(without=()):
    """Return what the five articles say."""
    return sorted([article[name] for name in COLUMNS if name not in without] for article in ARTICLES)


PACKED = ("text", "eml", "jsonl", "json", "csv", "xlsx", "parquet", "feed")  # read with and without seeking


@pytest.mark.parametrize(
    ("format", "ending"),
    [(name, "") for name in FORMATS]
    + [(name, ending) for name in PACKED for ending in (".gz", ".bz2", ".xz", ".zst", ".zip")],
)
def test_five_articles_are_the_same_in_every_format_and_compression(tmp_path, format, ending):
    place(tmp_path, compress(write_format(format), ending))
    articles, rejected = read(tmp_path)
    assert rejected == []
    assert cells(articles, WITHOUT.get(format, ())) == expected(WITHOUT.get(format, ()))


MODEL = Path(__file__).parent / "models" / "v1"


@pytest.mark.parametrize("format", ["markdown", "html", "eml", "json", "xlsx", "feed", "warc"])
def test_training_labelling_monitoring_and_prediction_read_the_same_articles(tmp_path, format):
    """`ArticleCorpus` is what train, label and monitor read by."""
    place(tmp_path / "in", compress(write_format(format), ".zip"))
    corpus = ArticleCorpus(tmp_path / "in")()
    stream = io.BytesIO()
    folder = next(file.parent for file in MODEL.rglob("model.json"))
    counts = predict_files(folder, PredictOptions(input=tmp_path / "in", n_jobs=1), stream=stream)
    records = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert counts.articles == len(corpus.articles) == len(ARTICLES)
    assert {record["article_id"] for record in records} == set(corpus.articles["article_id"])
    assert {record["title"] for record in records} == {article["title"] for article in ARTICLES}


SAID = {
    "text": ("", "utf-8"),
    "windows": ("", "cp1252"),
    "ascii": ("; charset=us-ascii", "utf-8"),
    "nobody's": ("; charset=unknown-8bit", "cp1252"),
    "its own": ("; charset=iso-8859-2", "iso-8859-2"),
    "another's": ("; charset=utf-8", "cp1252"),
}


@pytest.mark.parametrize("kind", ["plain", "html"])
@pytest.mark.parametrize("said", SAID)
def test_the_text_of_a_mail_is_read_whatever_it_says_of_its_encoding(tmp_path, said, kind):
    charset, encoding = SAID[said]
    text = "Die Gespräche über Kalor gehen fünf Tage lang weiter, hieß es überall."
    page = f"<html><body><article><p>{text}</p><p>{text}</p></article></body></html>" if kind == "html" else text
    head = f"Subject: Talks\nFrom: Ana <ana@kalor.example>\nContent-Type: text/{kind}{charset}\n\n"
    (tmp_path / "n.eml").write_bytes(head.encode() + page.encode(encoding))
    ((_, row),) = read_rows(tmp_path)
    assert row["text"].startswith(text)


def test_a_mail_with_a_byte_that_is_not_text_is_rejected(tmp_path):
    head = b"Subject: Talks\nFrom: a@kalor.example\n\n"
    (tmp_path / "n.eml").write_bytes(head + "Gespräche für Kalor.".encode() + b"\xff")
    ((_, reason),) = read_rows(tmp_path)
    assert reason.startswith("not utf-8: byte 0xff")
