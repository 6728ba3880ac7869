"""What is larger than a limit costs itself alone, in one line that names the setting; what it would unpack is not read."""

import gzip
import io
import json
import subprocess
import sys
import time
import zipfile

import pyarrow as pa
import pytest
from pyarrow import parquet
from written_articles import COMPRESSIONS, as_html, as_warc_record, as_zip, place

from slugline.data.formats.html import plain_text
from slugline.data.opening import ReadOptions
from slugline.data.readers import read_rows
from slugline.errors import InputError

MB = 1 << 20
LONG = "x" * (MB + 9)
ROW = "a row of more than 1 MB; data.max_row_mb raises it"


def rows(path, **options):
    """Return the texts of rows by their place, or why there is none."""
    options = {"max_row_mb": 1, "max_file_mb": 2, "max_unpacked_mb": 100, **options}
    read = read_rows(path, ReadOptions(**options))
    return {where: row if isinstance(row, str) else row["text"] for where, row in read}


def as_parquet(texts, lists=False):
    stream = pa.BufferOutputStream()
    column = [[text] for text in texts] if lists else texts
    parquet.write_table(pa.table({"text": column}), stream)
    return stream.getvalue().to_pybytes()


def as_workbook(texts):
    import pandas as pd

    stream = io.BytesIO()
    pd.DataFrame({"text": texts}).to_excel(stream, index=False)
    return stream.getvalue()


THREE = ["One.", LONG, "Three."]
LONG_ROWS = {
    "n.jsonl": "".join(json.dumps({"text": text}) + "\n" for text in THREE).encode(),
    "16.jsonl": "".join(json.dumps({"text": text}) + "\n" for text in THREE).encode("utf-16"),
    "n.json": json.dumps([{"text": text} for text in THREE]).encode(),
    "n.parquet": as_parquet(THREE),
}


@pytest.mark.parametrize("name", LONG_ROWS)
def test_a_row_beyond_the_limit_is_rejected_alone(tmp_path, name):
    place(tmp_path, {name: LONG_ROWS[name]})
    options = {"encoding": "utf-16"} if name.startswith("16") else {}
    assert rows(tmp_path, **options) == {f"{name}:1": "One.", f"{name}:2": ROW, f"{name}:3": "Three."}
    assert rows(tmp_path, max_row_mb=2, **options)[f"{name}:2"] == LONG


TABLES = {
    "a long line": f"text,n\nOne.,1\n{LONG},2\nThree.,3\n",
    "a long cell in quotes": f'text,n\nOne.,1\n"{LONG}",2\nThree.,3\n',
    "a long cell of several lines": 'text,n\nOne.,1\n"' + f"{LONG[: MB // 3]}\n" * 4 + '",2\nThree.,3\n',
}


@pytest.mark.parametrize("name", TABLES)
def test_a_record_of_a_table_beyond_the_limit_costs_no_other(tmp_path, name):
    place(tmp_path, {"n.csv": TABLES[name].encode()})
    read = rows(tmp_path)
    assert read["n.csv:2"] == "One."
    assert "Three." in read.values()
    assert not [text for text in read.values() if len(text) > 1000]


def test_a_page_of_a_crawl_beyond_the_limit_costs_no_other(tmp_path):
    article = {"title": "T", "source": "S", "url": "http://x.example/", "language": "en", "published": "2024-03-05"}
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"
    texts = ("The truce held overnight, said both sides.", LONG, "Talks resume on Monday, said the mediator.")
    pages = [as_html({**article, "text": text}).encode() for text in texts]
    records = [as_warc_record("response", "http://x.example/", head + page) for page in pages]
    place(tmp_path, {"n.warc": b"".join(records)})
    too_long = "a page of more than 1 MB; data.max_row_mb and max_file_mb together raise it"
    assert rows(tmp_path, max_file_mb=99) == {"n.warc:1": texts[0], "n.warc:2": too_long, "n.warc:3": texts[2]}


@pytest.mark.parametrize("ending", ["", ".gz", ".zip"])
@pytest.mark.parametrize("name", ["n.txt", "n.md", "n.html", "n.eml", "n.rss"])
def test_a_file_beyond_the_limit_that_is_read_as_a_whole_is_rejected_with_its_size(tmp_path, name, ending):
    content = b"Subject: x\n\n" + b"x " * (MB + MB // 2)
    content = as_zip({name: content}) if ending == ".zip" else COMPRESSIONS.get(ending, bytes)(content)
    place(tmp_path, {f"{name}{ending}": content, "z.txt": b"Z."})
    size = "more" if ending else "3.0 MB"
    share = {"n.md": 32, "n.html": 8, "n.rss": 8, "n.eml": 2}.get(name)
    allowed = f"{2 / share:g} MB, 1/{share} of max_file_mb=2" if share else "2 MB"
    read = rows(tmp_path)
    (problem,) = [text for where, text in read.items() if where != "z.txt"]
    assert problem.endswith(f": {size} in one file; allowed: {allowed}; data.max_file_mb raises it")
    assert read["z.txt"] == "Z."


ZEROS = bytes(17 * MB)
RECORD = as_warc_record("response", "http://x.example/", b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + ZEROS)
PACKED = {ending: compress(ZEROS) for ending, compress in COMPRESSIONS.items()}


@pytest.mark.slow
@pytest.mark.parametrize("ending", COMPRESSIONS)
@pytest.mark.parametrize("name", ["n.jsonl", "n.csv", "n.parquet", "n.xlsx", "n.warc"])
def test_a_file_is_unpacked_no_further_than_its_limits(tmp_path, name, ending):
    packed = COMPRESSIONS[ending](RECORD) if name == "n.warc" else PACKED[ending]
    place(tmp_path, {f"{name}{ending}": packed, "z.txt": b"Z."})
    for options, says in (
        ({}, "unpacks to more than 200 times its size; data.max_ratio raises it"),
        ({"max_ratio": 10**9, "max_unpacked_mb": 2}, "unpacks to more than 2 MB; data.max_unpacked_mb raises it"),
    ):
        read = rows(tmp_path, max_row_mb=200, **options)
        assert [text for where, text in read.items() if where != "z.txt"][-1].endswith(says)
        assert read["z.txt"] == "Z."


def test_an_archive_is_unpacked_no_further_than_its_limits(tmp_path):
    files = {"a.jsonl": ZEROS, "b.jsonl": b'{"text": "B."}\n'}
    place(tmp_path, {"n.zip": as_zip(files)})
    says = "unpacks to more than 200 times its size; data.max_ratio raises it"
    read = rows(tmp_path, max_row_mb=200)
    assert read["n.zip/a.jsonl"].endswith(says)
    assert read["n.zip/b.jsonl:1"] == "B."
    says = "cannot be read as an archive: unpacks to 17 MB; allowed: 9; data.max_unpacked_mb raises it"
    assert rows(tmp_path, max_unpacked_mb=9) == {"n.zip": says}


def test_a_workbook_is_unpacked_no_further_than_its_limits(tmp_path):
    place(tmp_path, {"n.xlsx": as_workbook(["One."])})
    with zipfile.ZipFile(tmp_path / "n.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/other.xml", bytes(3 * MB))
    says = "cannot be read as xlsx: unpacks to 3 MB of texts; allowed: 2 MB; data.max_file_mb raises it"
    assert rows(tmp_path) == {"n.xlsx": says}
    assert rows(tmp_path, max_file_mb=4) == {"n.xlsx:2": "One."}
    says = "cannot be read as xlsx: unpacks to 3 MB; allowed: 2 MB; data.max_unpacked_mb raises it"
    assert rows(tmp_path, max_file_mb=9, max_unpacked_mb=2) == {"n.xlsx": says}


SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row>'
    '<c t="inlineStr"><is><t>text</t></is></c></row><row>{}<c t="inlineStr"><is><t>{}</t></is></c></row>{}</sheetData></worksheet>'
)
LARGE_ROW = "a row of more than {} MB in a sheet; data.max_row_mb raises it"


@pytest.mark.parametrize(
    ("sheet", "says"),
    [
        (SHEET.format("", "x" * MB, ""), LARGE_ROW),
        (SHEET.format("", f"<![CDATA[{'<row/>' * (MB // 6)}]]>", ""), LARGE_ROW),
        (SHEET.format(f"<!--{'<row/>' * (MB // 6)}-->", "One.", ""), LARGE_ROW),
        (SHEET.format("<c/>" * (MB // 4), "One.", ""), LARGE_ROW),
        (SHEET.format(f"<row>{'x' * 999}</row>" * 1100, "One.", ""), LARGE_ROW),
        (SHEET.format("", "One.", f"<row/>{'x' * 99_999}" * 22), "more than {1} MB beside the rows of a sheet; data.max_file_mb raises it"),
        (f"<!DOCTYPE x [<!ENTITY a 'One.'>]>{SHEET.format('', '&a;', '')}", "a document type, which no workbook has"),
        (SHEET.format("", "x" * (MB - 999), "<row/>" * 9), None),
        (SHEET.format("", "One.", f"<row><c/></row>{' ' * 99_999}" * 20), None),
    ],
    ids=["a text", "CDATA", "a comment", "cells", "rows in a row", "between rows", "an entity", "just so", "just so, too"],
)  # fmt: skip
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_row_of_a_workbook_and_what_stands_beside_the_rows_are_held_within_limits(tmp_path, sheet, says, encoding):
    whole, name = zipfile.ZipFile(io.BytesIO(as_workbook(["One."]))), "xl/worksheets/sheet1.xml"
    factor = 1 if encoding == "utf-8" else 2
    with zipfile.ZipFile(tmp_path / "n.xlsx", "w", zipfile.ZIP_DEFLATED) as archive:
        for part in whole.namelist():
            archive.writestr(part, sheet.encode(encoding) if part == name else whole.read(part))
    limits = {"max_row_mb": 4 * factor, "max_file_mb": 2 * factor, "max_ratio": 10**6}
    found = rows(tmp_path, **limits)
    if says is None:
        assert [*found][:1] == ["n.xlsx:2"]
    else:
        assert found == {"n.xlsx": f"cannot be read as xlsx: {says.format(factor, 2 * factor)}"}


def test_a_sheet_of_a_workbook_is_unpacked_no_further_than_its_ratio(tmp_path):
    place(tmp_path, {"n.xlsx": as_workbook(["One."])})
    with zipfile.ZipFile(tmp_path / "n.xlsx", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/other.xml", ZEROS)
    says = "cannot be read as xlsx: a part unpacks to more than 200 times its size; data.max_ratio raises it"
    assert rows(tmp_path) == {"n.xlsx": says}
    assert rows(tmp_path, max_ratio=10**9) == {"n.xlsx:2": "One."}


def test_one_long_word_in_many_rows_of_parquet_is_not_made_many_times(tmp_path):
    words = pa.DictionaryArray.from_arrays(pa.array([0, 1] * 5000, pa.int32()), pa.array(["One.", LONG]))
    parquet.write_table(pa.table({"text": words}), tmp_path / "n.parquet")
    read = rows(tmp_path, max_ratio=10**9)
    assert [text for text in read.values() if text not in ("One.", ROW)] == []
    assert len(read) == 10_000
    says = "no record from here to 10000: its texts unpack to more than 200 times the size; data.max_ratio raises it"
    assert rows(tmp_path, max_row_mb=9) == {"n.parquet:1": says}


def test_limits_for_gold_labels_name_no_setting_that_there_is_not(tmp_path):
    place(tmp_path, {"n.jsonl": b" " * (17 * MB)})
    read = dict(read_rows(tmp_path, key="labels.gold"))
    assert read == {"n.jsonl:1": "a row of more than 16 MB"}


MANY = {
    "n.md": (b"*a_[" * 60_000, "180000 marks and line ends in one file; allowed: 100000"),
    "n.html": (b"<html><body>" + b"<p>a b</p>" * 60_000, "120002 tags in one page; allowed: 100000"),
    "n.rss": (b"<rss><channel>" + b"<item></item>" * 160_000, "320002 tags in one feed; allowed: 300000"),
    "n.eml": (b"Subject: x\n" + b"A: b\n" * 600_000, "600001 lines in one mail; allowed: 500000"),
    "n.json": (
        b'[{"text": "B."}, {"a": [' + b"{}," * 700_000 + b"0]}]",
        "more than 2000000 brackets, commas and strings in one value",
    ),
    "n.warc": (b"WARC/1.0\r\nX: " + b"a" * (2 * MB), "a header of more than 1 MB"),
    "n.warc.gz": (COMPRESSIONS[".gz"](COMPRESSIONS[".gz"](RECORD)), "compressed; its name must end with .gz"),
}


@pytest.mark.parametrize("name", MANY)
def test_what_takes_long_to_parse_is_counted_before_and_rejected_alone(tmp_path, name):
    content, says = MANY[name]
    place(tmp_path, {name: content, "z.txt": b"Z."})
    read = dict(read_rows(tmp_path))
    assert read.pop("z.txt")["text"] == "Z."
    reasons = [row for row in read.values() if isinstance(row, str)]
    assert [reason.endswith(says) for reason in reasons] == [True]


OPEN_HTML = ["<a", "</", '<a b="', "<!--", "<![", '<a b=">" ', "<!", "&#"]


@pytest.mark.parametrize("sign", OPEN_HTML)
def test_tags_that_never_close_take_time_by_their_number(sign):
    begin = time.process_time()
    plain_text(sign * 50_000)
    assert time.process_time() - begin < 2  # seconds; by Python's parser alone it would be minutes


def test_what_follows_an_open_tag_is_read():
    assert plain_text('Rain <a href="x>fell</a>. <b>Talks</b> resume &amp; end') == "Rain  fell . Talks resume & end"


OPEN_TABLES = {
    "open, then plain": 'n,text\n"open,y\n' + "plain,y\n" * 100_000,
    "quotes that toggle": 'n,text\n1,"a","b\n' + 'c","d\n' * 100_000,
    "odd quotes": "n,text\n" + 'c"d\n' * 100_000,
    "odd quotes in long lines": "n,text\n" + ('c"d' + "z" * 1300 + "\n") * 500,
    "loose rows of two lines": "n,text\n" + '1,"a "q" b\nc"\n' * 50_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("name", OPEN_TABLES)
def test_open_quotes_take_time_by_the_size_of_a_table(tmp_path, name):
    place(tmp_path, {"n.csv": OPEN_TABLES[name].encode()})
    begin = time.process_time()
    read = [row for _, row in read_rows(tmp_path)]
    assert time.process_time() - begin < 10  # seconds; read to the end from each line, it would be an hour
    lost = sum(isinstance(row, str) for row in read)
    assert lost == {"open, then plain": 1, "loose rows of two lines": 0}.get(name, len(read))


@pytest.mark.parametrize("name", ["max_row_mb", "max_file_mb", "max_unpacked_mb", "max_ratio"])
def test_a_limit_that_allows_nothing_is_refused(tmp_path, name):
    with pytest.raises(InputError, match=rf"data\.{name}: 0; allowed: 1 or more"):
        rows(tmp_path, **{name: 0})


@pytest.mark.slow
@pytest.mark.parametrize("name", ["n.txt.gz", "n.jsonl.gz", "n.csv.gz", "n.zip"])
def test_half_a_gigabyte_of_zeros_takes_little_memory(tmp_path, name):
    if name.endswith(".zip"):
        with zipfile.ZipFile(tmp_path / name, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a.csv", "w") as part:
            for _ in range(512):
                part.write(bytes(MB))
    else:
        with gzip.open(tmp_path / name, "wb") as stream:
            for _ in range(512):
                stream.write(bytes(MB))
    script = (
        "import sys; from slugline.data.readers import read_rows; print(len(list(read_rows(sys.argv[1]))));"
        "print(open('/proc/self/status').read().partition('VmHWM:')[2].split()[0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / name)], capture_output=True, text=True, check=True
    )
    count, peak = map(int, done.stdout.split())
    assert count in (1, 2)
    assert peak < 400_000  # kilobytes
