"""Every article that can be read is read, and of every other it is said where it stands and what is wrong with it."""

import csv
import gzip
import io
import json
import math
import sys
import unicodedata
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from slugline.data import ArticleCorpus, SentenceCorpus
from slugline.data.articles import cell_text, read_articles
from slugline.data.cleaning import clean
from slugline.data.opening import ReadOptions
from slugline.data.readers import check_any_read, read_rows
from slugline.data.schema import Article, Rejected
from slugline.errors import InputError

TRUCE = "The truce held overnight."
TALKS = "Talks resume on Monday."


def read(path, **options):
    """Return the articles and what was rejected."""
    reading = {name: options.pop(name) for name in ("format", "encoding") if name in options}
    found = [item for _, item in read_articles(path, ReadOptions(**reading), **options)]
    return [one for one in found if isinstance(one, Article)], [one for one in found if isinstance(one, Rejected)]


def texts(path, **options):
    """Return the texts of articles that must all be readable."""
    articles, rejected = read(path, **options)
    assert rejected == []
    return [article.text for article in articles]


def reasons(path, **options):
    """Return what was rejected as `{place: reason}`, all on one line."""
    rejected = read(path, **options)[1]
    assert not [one for one in rejected if "\n" in one.reason]
    return {one.where: one.reason for one in rejected}


def to_parquet(frame: pd.DataFrame) -> bytes:
    """Return a frame as the bytes of a Parquet file."""
    stream = io.BytesIO()
    frame.to_parquet(stream, index=False)
    return stream.getvalue()


def place(folder: Path, name: str, content: str | bytes) -> Path:
    """Write a file, its folders too, bytes as they are."""
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def json_lines(*rows: object) -> str:
    """Return rows as lines of JSON."""
    return "".join(json.dumps(row) + "\n" for row in rows)


# ---- where articles come from


def test_a_folder_of_text_files_is_read_in_order_with_its_subfolders(tmp_path):
    place(tmp_path, "b.txt", TALKS)
    place(tmp_path, "a/deep/one.txt", TRUCE)
    place(tmp_path, "a/two.TXT", "Two.")
    place(tmp_path, "picture.png", b"\x89PNG\0")  # other files in a folder are none of ours
    articles, rejected = read(tmp_path)
    assert [(one.article_id, one.text) for one in articles] == [
        ("a/deep/one.txt", TRUCE),
        ("a/two.TXT", "Two."),
        ("b.txt", TALKS),
    ]
    assert rejected == []


@pytest.mark.parametrize("kind", [str, Path])
def test_a_single_file_goes_by_its_name(tmp_path, kind):
    file = place(tmp_path, "wire.txt", TRUCE)
    assert read(kind(file))[0] == [Article("wire.txt", None, TRUCE, None, None, None, None)]


def test_a_glob_reads_what_it_matches_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place(tmp_path, "2020/jan.txt", TRUCE)
    place(tmp_path, "2021/feb.txt", TALKS)
    place(tmp_path, "2021/feb.csv", "text\nother\n")
    assert [one.article_id for one in read("20*/*.txt")[0]] == ["2020/jan.txt", "2021/feb.txt"]
    assert len(read("**/*.txt")[0]) == 2


def test_ids_are_the_same_from_a_folder_a_glob_and_any_working_folder(tmp_path, monkeypatch):
    place(tmp_path, "news/a.txt", TRUCE)
    place(tmp_path, "news/sub/a.txt", TALKS)
    place(tmp_path, "news/rows.csv", f"text\n{TRUCE}\n")
    place(tmp_path, "news/rows.jsonl", json_lines({"text": TRUCE}, {"text": TALKS, "article_id": "given"}))
    expected = {"a.txt", "rows.csv:2", "rows.jsonl:1", "given", "sub/a.txt"}
    for folder, there in [(".", "news"), ("news", "."), ("news/sub", ".."), (".", tmp_path / "news")]:
        monkeypatch.chdir(tmp_path / folder)
        for path in (there, f"{there}/", f"{there}/**/*", [f"{there}/*", f"{there}/sub/../sub*/*"]):
            ids = {one.article_id for one in read(path)[0]}
            assert ids == expected or (isinstance(path, list) and len(ids) == 5), path
        assert {one.article_id for one in read(f"{there}/*.txt")[0]} == {"a.txt"}
        assert {one.article_id for one in read(f"{there}/a.txt")[0]} == {"a.txt"}
        assert {one.article_id for one in read([f"{there}/a.txt", f"{there}/sub/a.txt"])[0]} == {
            "news/a.txt",
            "sub/a.txt",
        }


def test_a_file_whose_name_looks_like_a_glob_is_a_file(tmp_path):
    assert texts(place(tmp_path, "news[1].txt", TRUCE)) == [TRUCE]


def test_a_list_of_files_and_folders_is_read_one_after_the_other(tmp_path):
    file = place(tmp_path, "z.txt", TRUCE)
    place(tmp_path, "folder/a.jsonl", json_lines({"text": TALKS}))
    assert texts([str(file), str(tmp_path / "folder")]) == [TRUCE, TALKS]


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gz"])
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("n.jsonl", json_lines({"text": TRUCE}, {"text": TALKS})),
        ("n.ndjson", json_lines({"text": TRUCE}, {"text": TALKS})),
        ("n.csv", f"text\n{TRUCE}\n{TALKS}\n"),
        ("n.tsv", f"text\ttitle\n{TRUCE}\tone\n{TALKS}\ttwo\n"),
        ("n.parquet", to_parquet(pd.DataFrame({"text": [TRUCE, TALKS]}))),
    ],
    ids=["jsonl", "ndjson", "csv", "tsv", "parquet"],
)
def test_every_format_is_read_plain_and_zipped(tmp_path, name, content, zipped):
    content = content if isinstance(content, bytes) else content.encode()
    file = place(tmp_path, f"{name}.gz" if zipped else name, gzip.compress(content) if zipped else content)
    assert texts(file) == [TRUCE, TALKS]


def test_a_zipped_text_file_is_one_article(tmp_path):
    assert texts(place(tmp_path, "one.txt.gz", gzip.compress(TRUCE.encode()))) == [TRUCE]


@pytest.mark.parametrize(
    ("format", "content", "count"), [(None, f"{TRUCE}\n{TALKS}", 1), ("jsonl", json_lines({"text": TRUCE}), 1)]
)
def test_standard_input_is_one_text_or_what_the_format_says(monkeypatch, format, content, count):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(content.encode())))
    articles, rejected = read("-", format=format)
    assert (len(articles), rejected) == (count, [])
    assert articles[0].article_id.startswith("stdin")


def test_the_format_can_be_said_where_the_ending_does_not(tmp_path):
    assert texts(place(tmp_path, "export.dat", json_lines({"text": TRUCE})), format="jsonl") == [TRUCE]


def test_columns_go_by_the_names_that_config_gives(tmp_path):
    row = {
        "id": 7,
        "headline": "Truce",
        "body": TRUCE,
        "day": "2016-10-06",
        "paper": "Wire",
        "lang": "en",
        "link": "x:/1",
    }
    columns = {"article_id": "id", "title": "headline", "text": "body", "published": "day", "source": "paper"}
    columns |= {"language": "lang", "url": "link"}
    file = place(tmp_path, "n.jsonl", json_lines(row))
    assert read(file, columns=columns) == ([Article("7", "Truce", TRUCE, "2016-10-06", "Wire", "x:/1", "en")], [])


def test_an_article_id_is_the_same_in_every_run_and_wherever_the_folder_lies(tmp_path):
    content = json_lines({"text": TRUCE}, {"text": TALKS, "article_id": "given"})
    for folder in ("here", "there"):
        place(tmp_path / folder, "sub/n.jsonl", content)
    found = [[one.article_id for one in read(tmp_path / folder)[0]] for folder in ("here", "there", "there")]
    assert found == [["sub/n.jsonl:1", "given"]] * 3


# ---- encodings and mending


@pytest.mark.parametrize(
    ("name", "content"),
    [("n.txt", TRUCE), ("n.jsonl", json_lines({"text": TRUCE})), ("n.csv", f"text\n{TRUCE}\n")],
)
def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path, name, content):
    assert texts(place(tmp_path, name, b"\xef\xbb\xbf" + content.encode())) == [TRUCE]


@pytest.mark.parametrize("ends", ["\r\n", "\r", "\n"])
def test_all_line_ends_become_one_kind(tmp_path, ends):
    assert texts(place(tmp_path, "n.txt", f"{TRUCE}{ends}{TALKS}{ends}")) == [f"{TRUCE}\n{TALKS}\n"]
    assert texts(place(tmp_path, "n.csv", f"text,title{ends}{TRUCE},a{ends}{TALKS},b{ends}")) == [TRUCE, TALKS]


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "UTF8", "utf_8_sig"])
@pytest.mark.parametrize("name", ["n.txt", "n.jsonl", "n.csv"])
def test_other_encodings_are_read_when_named(tmp_path, encoding, name):
    text = "Une trêve à Zürich."
    content = {
        "n.txt": text,
        "n.jsonl": f'{{"text": "{text}"}}\n{{"text": "{text}"}}\n',
        "n.csv": f"text,b\n{text},1\n",
    }[name]
    found = texts(place(tmp_path, name, content.encode(encoding)), encoding=encoding)
    assert found == [text] * len(found)
    assert len(found) == (2 if name == "n.jsonl" else 1)


@pytest.mark.parametrize(
    ("broken", "mended"),
    [
        ("The ministerâ€™s aide said â€œnoâ€\x9d.", "The minister’s aide said “no”."),
        ("CafÃ© talks", "Café talks"),
        ("Johnson &amp; Sons", "Johnson & Sons"),
        ("e\u0301lan", "\u00e9lan"),
        ("\ufb01re", "fire"),  # ligatures of typesetting, as PDF has them
        ("“Stay,” he said, ‘now’", "“Stay,” he said, ‘now’"),
        ("bell\x07 rings\x1b[0m", "bell rings"),
    ],
)
def test_text_is_mended_and_curly_quotes_stay(tmp_path, broken, mended):
    file = place(tmp_path, "n.jsonl", json_lines({"text": broken, "title": broken}))
    article = read(file)[0][0]
    assert (article.text, article.title) == (mended, mended)


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_mended_text_is_nfc_and_can_be_written(text):
    mended = clean(text).text
    assert unicodedata.is_normalized("NFC", mended)
    mended.encode("utf-8")


@given(st.text("‘’“”–—… aAz.0'\"-\n\t", max_size=12))
def test_texts_with_curly_quotes_and_dashes_pass_through_as_ftfy_would_leave_them(text):
    from ftfy import TextFixerConfig, fix_text

    assert clean(text).text == fix_text(text, TextFixerConfig(uncurl_quotes=False, normalization="NFC"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        ("", None),
        (math.nan, None),
        (pd.NaT, None),
        (7, "7"),
        (7.0, "7"),  # pandas makes whole numbers floats in a column with blanks
        (7.5, "7.5"),
        (math.inf, "inf"),
        (True, "True"),
        (date(2016, 10, 6), "2016-10-06"),
        (pd.Timestamp("2016-10-06 12:30"), "2016-10-06T12:30:00"),
        ("\ud800", "\\ud800"),
    ],
)
def test_a_cell_becomes_text_or_nothing(value, text):
    assert cell_text(value) == text


# ---- what cannot be read

PARQUET = to_parquet(pd.DataFrame({"text": [TRUCE] * 50}))
GOOD = json.dumps({"text": TRUCE})
BAD_ROWS = {
    "{bad": "not JSON",
    '"text"': "a JSON str, not an object",
    "[1, 2]": "a JSON list, not an object",
    "null": "a JSON NoneType, not an object",
    "[" * 100_000: "not JSON",
    '{"text": ' + "1" * 5000 + "}": "not JSON",
    '{"text": ""}': "empty text",
    '{"text": " \\n\\t "}': "empty text",
    '{"text": "\\u0001\\u0002"}': "empty text",
    '{"text": "a\\u0000b"}': "binary, not text (NUL bytes)",
    '{"text": 5}': "column 'text' is int, not text",
    '{"text": null}': "column 'text' is NoneType, not text",
    '{"text": ["a"]}': "column 'text' is list, not text",
    '{"words": "a"}': "no column 'text' for the text; found: words",
    "{}": "no column 'text' for the text; found: ",
    "\udcff{}": "not JSON",
}


@pytest.mark.parametrize("row", BAD_ROWS, ids=lambda row: repr(row)[:20])
def test_a_bad_row_is_rejected_with_its_line_and_the_others_are_read(tmp_path, row):
    file = place(tmp_path, "n.jsonl", f"{GOOD}\n\n{row}\n{GOOD}\n".encode("utf-8", "surrogateescape"))
    articles, rejected = read(file)
    assert [one.article_id for one in articles] == ["n.jsonl:1", "n.jsonl:4"]
    assert [one.where for one in rejected] == ["n.jsonl:3"]
    assert rejected[0].reason.startswith(BAD_ROWS[row])


def test_csv_rows_with_other_than_the_first_lines_fields_are_rejected_each_with_its_line(tmp_path):
    file = place(tmp_path, "n.csv", f"text,title\n{TRUCE},a\nno title\n\none,two,three\n{TALKS},b\n")
    assert [one.text for one in read(file)[0]] == [TRUCE, TALKS]
    assert reasons(file) == {
        "n.csv:3": "1 fields where the first line has 2",
        "n.csv:5": "3 fields where the first line has 2",
    }


def test_csv_fields_hold_quotes_commas_and_line_ends_and_go_by_the_line_they_begin_on(tmp_path):
    text = 'He said "no",\nthen\r\nleft.'
    with (tmp_path / "n.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([["title", "text"], ["T, 1", text], ["T2", TRUCE]])
    articles = read(tmp_path / "n.csv")[0]
    assert [(one.article_id, one.title, one.text) for one in articles] == [
        ("n.csv:2", "T, 1", 'He said "no",\nthen\nleft.'),
        ("n.csv:5", "T2", TRUCE),
    ]


def test_a_csv_column_that_stands_twice_is_not_guessed_at(tmp_path):
    file = place(tmp_path, "n.csv", "text,text\na,b\n")
    assert reasons(file) == {"n.csv:1": "column 'text' stands 2 times"}


BAD_FILES = {
    "empty.txt": (b"", "empty text"),
    "blank.txt": (b" \n\n", "empty text"),
    "binary.txt": (bytes(range(256)), "cannot be read as text: binary, not text"),
    "broken.txt": ("trêve é à ".encode() + b"\xff", "not utf-8: byte 0xff"),
    "nul.txt": (b"abc\0def", "binary, not text (NUL bytes)"),
    "cut.txt.gz": (gzip.compress(TRUCE.encode() * 99)[:40], "cannot be read as text"),
    "none.txt.gz": (b"no gzip", "cannot be read as text"),
    "empty.txt.gz": (b"", "empty text"),
    "empty.jsonl": (b"", "empty: no row in it"),
    "blank.jsonl": (b"\n\n", "empty: no row in it"),
    "empty.csv": (b"", "empty: no row in it"),
    "head.csv": (b"text,title\n", "empty: no row in it"),
    "empty.parquet": (b"", "cannot be read as parquet"),
    "rowless.parquet": (to_parquet(pd.DataFrame({"text": pd.Series(dtype=str)})), "empty: no row in it"),
    "cut.parquet": (PARQUET[: len(PARQUET) // 2], "cannot be read as parquet"),
    "tail.parquet": (PARQUET[-100:], "cannot be read as parquet"),
    "none.parquet": (b"PAR1 it is not PAR1", "cannot be read as parquet"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_rejected_by_name_and_the_others_are_read(tmp_path, name):
    content, reason = BAD_FILES[name]
    place(tmp_path, name, content)
    place(tmp_path, "zz.txt", TRUCE)
    articles, rejected = read(tmp_path)
    assert [one.article_id for one in articles] == ["zz.txt"]
    assert [(one.where, one.reason[: len(reason)]) for one in rejected] == [(name, reason)]
    assert reasons(tmp_path)


def test_a_gzip_file_that_is_cut_gives_its_rows_and_says_where_it_ends(tmp_path):
    rows = json_lines(*({"text": f"{number} {number * 7919 % 10_007}"} for number in range(20_000)))
    zipped = gzip.compress(rows.encode())
    articles, rejected = read(place(tmp_path, "n.jsonl.gz", zipped[: len(zipped) // 2]))
    assert 1000 < len(articles) < 20_000
    assert len(rejected) == 1
    assert rejected[0].reason.startswith(f"cannot be read as jsonl beyond row {len(articles)}: ")


def test_damage_anywhere_in_a_parquet_file_is_no_bug_of_ours(tmp_path):
    file = tmp_path / "n.parquet"
    for position in range(4, len(PARQUET), 11):
        damaged = bytearray(PARQUET)
        damaged[position] ^= 0xFF
        file.write_bytes(damaged)
        articles, rejected = read(file)
        assert articles or rejected


def test_blanks_numbers_and_dates_of_parquet_become_text_or_nothing(tmp_path):
    frame = pd.DataFrame(
        {
            "article_id": [1.0, np.nan, 3.0],
            "text": [TRUCE, None, TALKS],
            "title": ["a", np.nan, None],
            "published": [
                pd.Timestamp("2016-10-06"),
                pd.NaT,
                pd.Timestamp("2016-10-07 08:00", tz="UTC").tz_localize(None),
            ],
        }
    )
    file = place(tmp_path, "n.parquet", to_parquet(frame))
    assert [(one.article_id, one.title, one.published) for one in read(file)[0]] == [
        ("1", "a", "2016-10-06T00:00:00"),
        ("3", None, "2016-10-07T08:00:00"),
    ]
    assert reasons(file) == {"n.parquet:2": "column 'text' is NoneType, not text"}


def test_texts_of_parquet_that_are_bytes_are_not_taken_for_text(tmp_path):
    file = place(tmp_path, "n.parquet", to_parquet(pd.DataFrame({"text": [b"bytes"]})))
    assert reasons(file) == {"n.parquet:1": "column 'text' is bytes, not text"}


def test_a_date_of_parquet_beyond_the_year_9999_costs_its_row_alone(tmp_path):
    moments = [0] * 5000
    moments[4097] = 2**60
    table = pa.table({"text": [TRUCE] * 5000, "published": pa.array(moments, pa.timestamp("us"))})
    parquet.write_table(table, tmp_path / "n.parquet")
    articles, rejected = read(tmp_path / "n.parquet")
    assert len(articles) == 4999
    assert [item.where for item in rejected] == ["n.parquet:4098"]
    assert rejected[0].reason.startswith("column 'published' cannot be read: ")


def test_text_of_parquet_that_is_not_utf_8_costs_its_row_alone(tmp_path):
    buffers = pa.array([b"One.", b"\xff\xfe", b"Three."], pa.binary()).buffers()
    texts_of_rows = pa.Array.from_buffers(pa.string(), 3, buffers)
    parquet.write_table(pa.table({"text": texts_of_rows}), tmp_path / "n.parquet")
    articles, rejected = read(tmp_path / "n.parquet")
    assert [article.text for article in articles] == ["One.", "Three."]
    assert [item.where for item in rejected] == ["n.parquet:2"]


def test_a_broken_group_of_rows_of_parquet_costs_that_group_alone(tmp_path):
    file = tmp_path / "n.parquet"
    names = [f"{number:04}" for number in range(3000)]
    parquet.write_table(pa.table({"text": names}), file, row_group_size=1000, compression="gzip", use_dictionary=False)
    chunk = parquet.ParquetFile(file).metadata.row_group(1).column(0)
    data = bytearray(file.read_bytes())
    middle = chunk.data_page_offset + chunk.total_compressed_size // 2
    data[middle : middle + 40] = b"\xff" * 40
    file.write_bytes(bytes(data))
    articles, rejected = read(file)
    assert [article.text for article in articles] == [*names[:1000], *names[2000:]]
    assert [item.where for item in rejected] == ["n.parquet:1001"]
    assert rejected[0].reason.startswith("no record from here to 2000: ")


def test_two_columns_of_one_name_in_parquet_are_refused(tmp_path):
    table = pa.Table.from_arrays([pa.array([TRUCE]), pa.array([TALKS])], names=["text", "text"])
    parquet.write_table(table, tmp_path / "n.parquet")
    assert reasons(tmp_path / "n.parquet") == {"n.parquet": "column 'text' stands 2 times"}


def test_lone_surrogates_of_json_are_mended_in_text_and_spelled_out_in_ids(tmp_path):
    file = place(tmp_path, "n.jsonl", '{"text": "a \\ud83d b", "article_id": "x\\udc80", "source": "\\ud800"}\n')
    article = read(file)[0][0]
    assert (article.text, article.article_id, article.source) == ("a \ufffd b", "x\\udc80", "\\ud800")


def test_a_line_of_ten_megabytes_is_one_article(tmp_path):
    text = TRUCE * 400_000
    assert texts(place(tmp_path, "n.jsonl", json_lines({"text": text}))) == [text]
    assert texts(place(tmp_path, "n.csv", f'text,b\n"{text}",1\n')) == [text]


ROW = st.sampled_from([GOOD, *BAD_ROWS, '{"text": "a\\u2028b"}', '{"text": "\\u0085x"}']).filter(
    lambda row: len(row) < 1000
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ROW, max_size=8), st.sampled_from(["\n", "\r\n"]))
def test_of_any_lines_of_json_each_is_read_or_rejected(tmp_path, rows, end):
    file = place(tmp_path, "n.jsonl", end.join(rows).encode("utf-8", "surrogateescape"))
    articles, rejected = read(file)
    assert len(articles) + len(rejected) == max(1, len(rows))  # a file of no row is itself rejected


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(CELL, CELL), max_size=6))
def test_of_any_table_each_row_is_read_or_rejected_from_csv_and_parquet(tmp_path, rows):
    frame = pd.DataFrame(rows, columns=["text", "title"], dtype=object)
    frame.to_parquet(tmp_path / "n.parquet")
    with (tmp_path / "n.csv").open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream, quoting=csv.QUOTE_ALL).writerows([frame.columns, *rows])
    for name in ("n.csv", "n.parquet"):
        articles, rejected = read(tmp_path / name)
        assert len(articles) + len(rejected) == max(1, len(rows))
        assert all(article.text.strip() for article in articles)


# ---- what the user must mend


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"path": "missing.txt"}, "data.path: no such file or folder: missing.txt"),
        ({"path": "no*.txt"}, "data.path: no readable file at no*.txt; endings read: .txt, .md"),
        ({"path": "."}, "no readable file at .; endings read"),
        ({"path": "n.docx"}, "n.docx: unknown ending; endings read"),
        ({"path": ["n.docx", "n.docx"]}, "n.docx: unknown ending; endings read"),
        ({"path": "n.docx", "format": "word"}, "unknown format 'word'; allowed: text, markdown, html, eml"),
        (
            {"path": "n.docx", "columns": {"body": "x"}},
            "data.columns: unknown column 'body'; allowed: article_id, title, text",
        ),
        ({"path": "n.docx", "format": "text", "encoding": "klingon"}, "data.encoding: there is no 'klingon'; allowed"),
        ({"path": None}, "data.path: None; allowed: a file"),
        ({"path": ""}, "data.path: ''; allowed: a file"),
        ({"path": [3]}, "data.path: 3; allowed: a file"),
        ({"path": []}, "data.path: []; allowed: a file, a folder, a glob"),
    ],
    ids=str,
)
def test_what_the_user_must_mend_is_one_line_with_what_is_allowed(tmp_path, monkeypatch, options, says):
    monkeypatch.chdir(tmp_path)
    place(tmp_path, "n.docx", "x")
    with pytest.raises(InputError) as error:
        read(**options)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_an_unknown_ending_in_a_glob_is_counted_as_in_a_folder(tmp_path):
    place(tmp_path, "a.txt", TRUCE)
    place(tmp_path, "b.docx", "x")
    opened = []
    assert len(list(read_rows(str(tmp_path / "*"), opened=opened))) == 1
    assert opened[0].notes == ["left out: 1 .docx"]


def test_nothing_read_at_all_is_an_error_that_names_the_first_reason():
    with pytest.raises(InputError, match=r"no article could be read; a\.txt: empty text"):
        check_any_read([], [Rejected("a.txt", "empty text"), Rejected("b.txt", "other")], "article")
    check_any_read([1], [], "article")


def test_articles_are_read_from_columns_with_other_usual_names(tmp_path):
    row = {"Headline": "Floods", "body": TRUCE, "pub_date": "1-Dec-23", "publisher": "Mill Post", "link": "x:y"}
    row |= {"doc_id": "7", "lang": "en", "id": "no id of an article for sure"}
    article = read(place(tmp_path, "n.jsonl", json_lines(row)))[0][0]
    assert article == Article("7", "Floods", TRUCE, "2023-12-01", "Mill Post", "x:y", "en")


def test_usual_names_that_were_taken_are_noted_once_with_their_file(tmp_path):
    text = f"Headline;full_text;Pub Date\nTalks;{TRUCE} Café.;13/03/2024\nMore;{TALKS};14/03/2024\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1252"))
    place(
        tmp_path, "b.jsonl", json_lines({"text": TRUCE, "title": "A"}, {"body": TALKS, "title": "B"}, {"body": TRUCE})
    )
    notes = [
        "a.csv: cp1252, ';', title from 'Headline', text from 'full_text', published from 'Pub Date'",
        "b.jsonl: text from 'body'",
    ]
    assert ArticleCorpus(str(tmp_path))().all_notes() == notes
    assert list(ArticleCorpus(str(tmp_path), chunk_rows=2).chunks())[-1].all_notes() == notes
    sentences = place(tmp_path, "s.jsonl", json_lines({"text": TRUCE, "label": "truce", "doc_id": "b.jsonl:1"}))
    corpus = SentenceCorpus(str(sentences), articles=str(tmp_path / "b.jsonl"))()
    assert "b.jsonl: text from 'body'" in corpus.all_notes()


def test_a_column_that_is_named_or_has_our_own_name_goes_before_a_usual_one(tmp_path):
    file = place(tmp_path, "n.jsonl", json_lines({"text": TRUCE, "body": TALKS, "headline": "A", "head": "B"}))
    article = read(file, columns={"title": "head"})[0][0]
    assert (article.text, article.title) == (TRUCE, "B")
    assert read(file, columns={"text": "body"})[0][0].text == TALKS
