"""Tables as people have them are read, and what is broken in one costs its own row alone."""

import csv
import io
import json

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from slugline.data.formats.csv_records import MAX_RECORD
from slugline.data.opening import ReadOptions
from slugline.data.readers import read_rows
from slugline.data.schema import Rejected
from slugline.errors import InputError


def read(folder, content, name="n.csv", **options):
    """Return the rows of a file, as lists of cells, reasons by line, and the notes on it."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    opened, rows, rejected = [], [], {}
    for where, row in read_rows(folder / name, ReadOptions(**options), opened=opened):
        if isinstance(row, str):
            rejected[where.removeprefix(f"{name}:")] = row
        else:
            rows.append(list(row.values()))
    return rows, rejected, opened[0].notes


READ = {  # content, rows, notes
    "semicolons": ("text;title\na,b;c\n", [["a,b", "c"]], ["';'"]),
    "tabs": ("text\ttitle\na,b\tc\n", [["a,b", "c"]], ["'\\t'"]),
    "pipes": ("text|title\na|c\n", [["a", "c"]], ["'|'"]),
    "a first line that says so": ("sep=;\ntext;title\na,b;c\n", [["a,b", "c"]], ["';'"]),
    "sep=, which is plain": ("sep=,\r\ntext,title\r\na,c\r\n", [["a", "c"]], []),
    "blank lines": ("\n\ntext,title\n\na,b\n  \n\nc,d\n\n", [["a", "b"], ["c", "d"]], []),
    "blanks after commas": (
        'text, title\n"a, b", c\nd, "e, f"\n',
        [["a, b", "c"], ["d", "e, f"]],
        ["','", "blanks after it"],
    ),
    "blanks after commas of rows": (
        'id,text\n1, "a, b"\n2, c\n',
        [["1", "a, b"], ["2", "c"]],
        ["','", "blanks after it"],
    ),
    "line ends of an old Mac": ("text,title\ra,b\rc,d\r", [["a", "b"], ["c", "d"]], []),
    "one column": ("text\nHello, world; yes\nA, b\n", [["Hello, world; yes"], ["A, b"]], []),
    "quotes in a text": ('text,title\n"a" b,x\n', [['"a" b', "x"]], ["rows with loose quotes: 1"]),
    "quotes within quotes": (
        'text,title\n"He said "no, thanks" to it",x\nT,y\n',
        [['He said "no, thanks" to it', "x"], ["T", "y"]],
        ["rows with loose quotes: 1"],
    ),
    "inches": (
        'text,title\n"5" pipe",x\n"6" pipe",y\nT,z\n',
        [['5" pipe', "x"], ['6" pipe', "y"], ["T", "z"]],
        ["rows with loose quotes: 2"],
    ),
    "backslashes": (
        'text,title\n"He said \\"no\\", and",x\n"a \\"b\\"",y\n"ends \\"",z\nT,u\n',
        [['He said "no", and', "x"], ['a "b"', "y"], ['ends "', "z"], ["T", "u"]],
        ["rows with loose quotes: 3"],
    ),
    "quotes within quotes over lines": (
        'text,title\n"one\nHe said "no" and\n\nleft",x\nT,y\n',
        [['one\nHe said "no" and\n\nleft', "x"], ["T", "y"]],
        ["rows with loose quotes: 1"],
    ),
    "a backslash at the end": ('text,title\n"C:\\dir\\",x\nT,y\n', [["C:\\dir\\", "x"], ["T", "y"]], []),
    "an index without a name": (",text\n0,a\n1,b\n", [["0", "a"], ["1", "b"]], []),
    "columns without a name": (",text,\n0,a,b\n", [["0", "a", "b"]], ["columns without a name: 2"]),
}


@pytest.mark.parametrize("what", READ)
def test_tables_of_every_habit_are_read_and_told(tmp_path, what):
    content, rows, notes = READ[what]
    assert read(tmp_path, content) == (rows, {}, notes)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('"open,y', "its quotes do not close"),
        ('open,"y', "its quotes do not close"),
        ('"a","b","c"', "3 fields where the first line has 2"),
        ("alone", "1 fields where the first line has 2"),
        ("a,b,c", "3 fields where the first line has 2"),
        ('"a","b","c" d', "3 fields where the first line has 2"),
        ('"a "b","c" d","e"', "its quotes can be read in several ways"),
    ],
)
@pytest.mark.parametrize("after", ["T,x\nU,y\n", '"T, t",x\nU,y\n', 'T,"x"\nU,y\n', ""])
def test_a_row_that_cannot_be_read_is_lost_alone_wherever_it_stands(tmp_path, row, reason, after):
    expected = list(csv.reader(io.StringIO(after)))
    rows, rejected, _ = read(tmp_path, f"text,title\nS,w\n{row}\n{after}")
    assert rows == [["S", "w"], *expected]
    assert rejected == {"3": reason}


def test_an_open_quote_in_a_large_file_holds_no_more_than_the_largest_record(tmp_path):
    line = "x" * 999 + ",y\n"
    count = MAX_RECORD // 1000 + 2000
    rows, rejected, _ = read(tmp_path, 'text,title\n"open,y\n' + line * count)
    assert (len(rows), list(rejected)) == (count, ["2"])


def test_a_table_without_header_says_so_and_its_columns_are_numbered(tmp_path):
    content = "0,1,0,0,The truce held.\n1,0,0,0,Talks resume.\n"
    rows, rejected, _ = read(tmp_path, content)
    assert (rows, list(rejected)) == ([], ["1"])
    assert rejected["1"] == (
        "the first line names no columns: '0' stands 3 times; "
        "give data.header=false, and columns are called 0, 1, 2 and so on"
    )
    (tmp_path / "n.csv").write_text(content)
    found = [row for _, row in read_rows(tmp_path / "n.csv", ReadOptions(header=False))]
    assert [row["4"] for row in found] == ["The truce held.", "Talks resume."]


def test_two_separators_that_would_do_are_named_with_their_columns_and_each_works(tmp_path):
    content = "a, b;c\n1,2;3\n4,5;6\n"
    _, rejected, _ = read(tmp_path, content)
    assert rejected == {
        "n.csv": "cannot be read as csv: in doubt; data.separator=comma (columns 'a', 'b;c') "
        "or data.separator=semicolon (columns 'a, b', 'c')"
    }
    assert read(tmp_path, content, separator="comma")[0] == [["1", "2;3"], ["4", "5;6"]]
    assert read(tmp_path, content, separator="semicolon")[0] == [["1,2", "3"], ["4,5", "6"]]


@pytest.mark.parametrize("separator", [";;", "", '"', "\n", "comma;", "none"])
def test_a_separator_that_cannot_be_is_refused(tmp_path, separator):
    with pytest.raises(InputError, match=r"data\.separator: .*; allowed: comma, semicolon, pipe, tab, another sign"):
        read(tmp_path, "text\na\n", separator=separator)


def test_a_column_that_stands_twice_is_refused_in_parquet_too(tmp_path):
    table = pa.table([["a"], ["b"]], names=["text", "text"])
    parquet.write_table(table, tmp_path / "n.parquet")
    assert list(read_rows(tmp_path / "n.parquet")) == [("n.parquet", "column 'text' stands 2 times")]


# ---- whatever a row is, its neighbours are read

WORDS = st.sampled_from(
    ["trêve", "Zürich", "café", "talks", "São", "5%", 'said "no" again', "a; b", "one, two", "x\ny"]
)
TEXT = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
ROWS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=5)
BROKEN = {
    "an open quote": '"talks{0}more',
    "an open quote at the end": 'talks{0}"more',
    "a field less": "talks",
    "a field more": "talks{0}more{0}most",
    "a stray quote": '"talks" go{0}more',
    "a stray closing quote": '"talks{0}more" go',
    "a backslash": '"talks \\"go\\""{0}more',
    "an empty row": '""{0}""',
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "cp1252"]


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, ROWS, st.sampled_from(sorted(BROKEN)), st.sampled_from(",;\t|"), st.sampled_from(ENCODINGS), st.data())
def test_of_any_table_each_row_is_read_or_rejected_and_neighbours_of_a_broken_one_are_read(
    tmp_path, before, after, kind, separator, encoding, data
):
    end = data.draw(st.sampled_from(["\n", "\r\n"]))
    quoting = data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))

    def write(rows):
        stream = io.StringIO(newline="")
        csv.writer(stream, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
        return stream.getvalue()

    head = write([("text", "title")])
    content = head + write(before) + BROKEN[kind].format(separator) + end + write(after)
    rows, rejected, _ = read(tmp_path, content.encode(encoding))
    found = len(rows) + len(rejected)
    assert found == len(before) + 1 + len(after)
    assert rows[: len(before)] == [list(row) for row in before]
    assert rows[-len(after) :] == [list(row) for row in after]


BROKEN_LINES = {
    "cut short": b'{"text": "tal',
    "a list": b"[1]",
    "junk": bytes(range(1, 10)) + b"\xff\xfe",
    "a bad byte": b'{"text": "\x81"}',
    "NULs": b"\0" * 20,
    "a deep nest": b"[" * 5000,
}


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, ROWS, st.sampled_from(sorted(BROKEN_LINES)), st.sampled_from(["utf-8", "utf-8-sig", "cp1252"]))
def test_of_any_lines_of_json_each_is_read_or_rejected_and_neighbours_of_a_broken_one_are_read(
    tmp_path, before, after, kind, encoding
):
    def write(rows):
        return "".join(json.dumps({"text": a, "title": b}, ensure_ascii=False) + "\n" for a, b in rows)

    content = write([("trêve", "à côté")] * 9 + before).encode(encoding)
    content += BROKEN_LINES[kind] + b"\n" + write(after).encode("utf-8" if "utf" in encoding else encoding)
    rows, rejected, _ = read(tmp_path, content, "n.jsonl")
    assert list(rejected) == [str(len(before) + 10)]
    assert rows == [["trêve", "à côté"]] * 9 + [list(row) for row in [*before, *after]]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_broken_line_of_json_in_two_or_four_bytes_a_sign_costs_its_own_row_alone(tmp_path, encoding):
    good = '{"text": "trêve", "title": "x"}\n'
    for bad in ('{"text": "tal\n', "[1]\n", '{"text": "\x00"}\n'):
        rows, rejected, notes = read(tmp_path, (good * 3 + bad + good).encode(encoding), "n.jsonl")
        assert (rows, list(rejected)) == ([["trêve", "x"]] * 4, ["4"])
        assert notes == [encoding]


# ---- ids


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        ("6.0", "6.0"),  # text stays as it is
        (6.0, "6"),  # as pandas writes whole numbers in a column with blanks
        (6, "6"),
        (6.5, "6.5"),
        (True, "True"),
        ({"$oid": "1"}, "column 'article_id' is dict; an id is text or a number"),
        (["1"], "column 'article_id' is list; an id is text or a number"),
        (
            2.0**53,
            "column 'article_id' is 9007199254740992.0, a float that has lost digits; give ids as text or integers",
        ),
    ],
)
def test_an_id_is_text_or_a_number_and_never_what_python_calls_an_object(tmp_path, value, read_as):
    from slugline.data.articles import read_articles, reject_repeated_rows
    from slugline.data.ready_sentences import SentenceCorpus
    from slugline.labels import read_gold

    rows = [{"article_id": value, "text": "The truce held.", "labels": ["aid"]}, {"article_id": "b", "text": "Rain."}]
    rows[1]["labels"] = ["war"]
    file = tmp_path / "n.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    items = [item for _, item in read_articles(file)]
    assert [getattr(item, "article_id", None) or item.reason for item in items] == [read_as, "b"]
    gold = [row for _, row in read_gold(str(file), {})]
    assert gold[0] == read_as if isinstance(gold[0], str) else gold[0]["article_id"] == read_as
    corpus = SentenceCorpus(str(file))()
    assert [*corpus.articles["article_id"], *(item.reason for item in corpus.rejected)] in (
        [read_as, "b"],
        ["b", read_as],
    )
    names = {"article_id": "article_id", "text": "text"}
    checked = [row for _, row in reject_repeated_rows(read_rows(file), names)]
    assert isinstance(checked[0], Rejected) == isinstance(gold[0], str)


def test_ids_of_a_frame_are_the_same_from_parquet_and_json(tmp_path):
    frame = pd.DataFrame({"article_id": [1.0, None, 3.0], "text": ["a b", "c d", "e f"]})
    frame.to_parquet(tmp_path / "n.parquet")
    frame.to_json(tmp_path / "n.jsonl", orient="records", lines=True)
    from slugline.data.articles import read_articles

    ids = [[article.article_id for _, article in read_articles(tmp_path / name)] for name in ("n.parquet", "n.jsonl")]
    assert ids == [["1", "n.parquet:2", "3"], ["1", "n.jsonl:2", "3"]]
