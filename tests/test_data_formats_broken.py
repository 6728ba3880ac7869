"""What is broken in a file of any format is one line, and costs no more than it must."""

import io
import logging
import sys
import zipfile
from collections.abc import Callable

import pytest
from written_articles import ARTICLES as WHOLE
from written_articles import as_frame, as_html, as_mail, as_markdown, as_rss, as_warc, as_zip, place

from slugline.data.readers import read_rows

LAUGHS = (
    b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "ha ha ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY f SYSTEM "file:///etc/passwd">]><rss version="2.0"><channel><title>T</title>'
    b"<item><title>A</title><description>Talks. &b; &f;</description></item></channel></rss>"
)


def change_part(archive: bytes, name: str, change: Callable[[bytes], bytes]) -> bytes:
    """Return a ZIP archive in which one part is changed."""
    with zipfile.ZipFile(io.BytesIO(archive)) as parts:
        return as_zip({part: (change if part == name else bytes)(parts.read(part)) for part in parts.namelist()})


BROKEN = {  # content, how the reason begins or what it says, and how many rows are read beside it
    "front matter.md": (b"---\ntitle: [a\n---\nThe truce held.", "front matter: ParserError", 0),
    "a list.md": (b"---\n- a\n- b\n---\nThe truce held.", "front matter: no names with values", 0),
    "long.md": (b"---\n" + b"a: b\n" * 20000 + b"---\nThe truce held.", "front matter of 100000 characters", 0),
    "mixed.md": ("Trêve à Kalor. ".encode() * 9 + b"\xff.", "not utf-8: byte 0xff", 0),
    "mixed.json": (
        '{"text": "Trêve à Kalor."} '.encode() * 9 + b'{"text": "\xff"}',
        "not JSON: not utf-8: byte 0xff",
        9,
    ),
    "empty.html": (b"", "no main text in the page", 0),
    "no text.html": (b"<html><body></body></html>", "no main text in the page", 0),
    "no page.html": (b"\x89PNG\r\n\x1a\n" + bytes(99), "", 0),
    "text.eml": (b"The truce held overnight.\n\nTalks resume.", "no mail: it has neither sender nor subject", 0),
    "picture.eml": (b"Subject: x\nContent-Type: image/png\n\nabc", "no text in the mail", 0),
    "cut.json": (b'[{"text": "A."}, {"text": "B', "not JSON: Unterminated string", 1),
    "no end.json": (b'[{"text": "A."}, {"text": "B."}', "the file ends before its array does", 2),
    "one bad.json": (b'[{"text": "A."}, {"text": B}, {"text": "C."}, 5]', "not JSON: Expecting value", 2),
    "numbers.json": (b"[1, 2]", "a JSON int, not an object", 0),
    "deep.json": (b'{"text": ' + b"[" * 100_000, "cannot be read as json: brackets more than 1000 deep", 0),
    "blank.json": (b" \n", "empty: no row in it", 0),
    "cut.xlsx": (as_frame(WHOLE, "xlsx")[:-99], "cannot be read as xlsx: no XLSX workbook", 0),
    "broken sheet.xlsx": (
        change_part(
            as_frame(WHOLE, "xlsx"), "xl/worksheets/sheet1.xml", lambda xml: xml.replace(b"</row>", b"</\0>", 3)
        ),
        "no workbook that can be read: ParseError",
        0,
    ),
    "cut.parquet": (
        as_frame(WHOLE, "parquet")[:-40] + b"\xff" * 32 + b"\x99\0\0\0PAR1",
        "cannot be read as parquet",
        0,
    ),
    "no book.xlsx": (
        as_zip({"a.txt": b"A."}),
        "cannot be read as xlsx: an archive without a workbook; found: a.txt",
        0,
    ),
    "cut.rss": (as_rss(WHOLE).encode()[:-700], "broken beyond entry", 4),
    "no feed.xml": (b"<?xml version='1.0'?><note><to>Ann</to></note>", "cannot be read as feed: no RSS or Atom", 0),
    "text.xml": (b"The truce held.", "cannot be read as feed: no RSS or Atom", 0),
    "text.warc": (b"The truce held.", "cannot be read as warc: no WARC record", 0),
    "empty.warc": (b"", "empty: no row in it", 0),
    "later.warc": (as_warc(WHOLE) + b"no record at all\r\n\r\n", "cannot be read as warc beyond row 5", 5),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_one_line_and_its_neighbours_are_read(tmp_path, name, caplog, capfd):
    content, says, count = BROKEN[name]
    place(tmp_path, {name: content, "z.txt": b"Z."})
    rows = list(read_rows(tmp_path))
    reasons = [row for _, row in rows if isinstance(row, str)]
    assert says in reasons[0]
    assert all("\n" not in reason and len(reason) < 700 for reason in reasons)
    assert len(rows) - len(reasons) == count + 1
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []
    assert capfd.readouterr() == ("", "")


def test_a_web_archive_that_states_wrong_lengths_is_told_once_and_prints_nothing(tmp_path, caplog, capfd):
    short = as_warc(WHOLE).replace(b"Content-Length: 35", b"Content-Length: 17")
    place(tmp_path, {"a.warc": short.replace(b"x.example", b"x y.example")})
    opened = []
    rows = list(read_rows(tmp_path, opened=opened))
    assert len([row for _, row in rows if not isinstance(row, str)]) == len(WHOLE)
    assert "records of another length than they say: 5" in opened[0].notes
    assert caplog.records == []
    assert capfd.readouterr() == ("", "")


def test_entities_of_a_feed_neither_grow_nor_read_files(tmp_path):
    place(tmp_path, {"n.rss": LAUGHS})
    ((_, row), *_) = read_rows(tmp_path)
    assert "Talks." in row["text"]
    assert len(row["text"]) < 200
    assert "root" not in row["text"]


NEEDS = {
    "a.md": ("markdown_it", as_markdown(WHOLE[0]).encode(), 'needs markdown-it-py: pip install "slugline[web]"'),
    "a.html": ("trafilatura", as_html(WHOLE[0]).encode(), 'needs trafilatura: pip install "slugline[web]"'),
    "a.rss": ("feedparser", as_rss(WHOLE).encode(), 'needs feedparser: pip install "slugline[web]"'),
    "a.warc": ("warcio", as_warc(WHOLE), 'needs warcio: pip install "slugline[web]"'),
    "a.xlsx": ("openpyxl", as_frame(WHOLE, "xlsx"), 'needs openpyxl: pip install "slugline[xlsx]"'),
}


@pytest.mark.parametrize("name", NEEDS)
def test_without_its_extra_a_format_costs_its_files_alone_and_says_what_to_install(tmp_path, monkeypatch, name):
    library, content, says = NEEDS[name]
    monkeypatch.setitem(sys.modules, library, None)
    place(tmp_path, {name: content, "b.eml": as_mail(WHOLE[1]), "z.txt": b"Z."})
    rows = dict(read_rows(tmp_path))
    assert rows[name].endswith(says)
    assert len([row for row in rows.values() if not isinstance(row, str)]) == 2
