"""A broken file of annotations is refused in one line, or its broken rows are listed and the others live.

Every case says which: good rows s0, s1 and s3 stand around the broken one, or the whole file is what is wrong.
"""

import io
import json
import re
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slugline.annotate import read_annotations
from slugline.data.schema import Rejected
from slugline.errors import InputError

TOPICS = ["ceasefire", "aid"]
GOOD = ["s0", "s1", "s3"]
WHEN = "2024-05-01T10:00:00Z"


def label_studio(key, labels, who, when, text):
    result = [{"from_name": "topics", "to_name": "text", "type": "choices", "value": {"choices": labels}}]
    return {
        "id": 1,
        "data": {"sentence_id": key, "text": text},
        "annotations": [{"result": result, "completed_by": who, "updated_at": when, "was_cancelled": False}],
    }


def label_studio_min(key, labels, who, when, text):
    row = {"sentence_id": key, "topics": labels, "annotator": who, "updated_at": when, "text": text}
    return row | {"annotation_id": 1, "lead_time": 2.5}


def doccano(key, labels, who, when, text):
    return {"id": 1, "text": text, "label": labels, "sentence_id": key, "annotator": who, "when": when}


def prodigy(key, labels, who, when, text):
    row = {"text": text, "sentence_id": key, "options": [], "accept": labels, "answer": "accept"}
    return row | {"_annotator_id": who, "_timestamp": when}


def argilla(key, labels, who, when, text):
    response = {"values": {"topics": {"value": labels}}, "status": "submitted", "user_id": who, "updated_at": when}
    return {"id": key, "fields": {"text": text}, "responses": [response]}


SHAPES = [label_studio, label_studio_min, doccano, prodigy, argilla]
LIST = "labels are .*; allowed: a list of topics"
NO_TOPIC = "'.*' is not a topic; allowed: ceasefire, aid"
TIME = ".* is not a time; allowed: ISO 8601, or seconds from 1970"
DEEP = json.loads("[" * 200 + "]" * 200)
NAN, INF = float("nan"), float("inf")
FIELDS = {"key": 0, "labels": 1, "who": 2, "when": 3, "text": 4}
BAD = [
    ("labels", ["unheard of"], NO_TOPIC),
    ("labels", ["aid", "Aid"], NO_TOPIC),
    ("labels", ["aid\n"], NO_TOPIC),
    ("labels", ["x" * 1_000_000], r"'x+\.\.\.x+' is not a topic"),
    ("labels", ["\ud800"], NO_TOPIC),
    ("labels", [1], LIST),
    ("labels", [None], LIST),
    ("labels", [["aid"]], LIST),
    ("labels", [NAN], LIST),
    ("labels", DEEP, LIST),
    ("labels", 10**400, LIST),
    ("key", None, "no sentence_id"),
    ("key", "", "no sentence_id"),
    ("key", NAN, "sentence_id is nan; allowed: text or a whole number"),
    ("key", INF, "sentence_id is inf; allowed"),
    ("key", 1.5, r"sentence_id is 1\.5; allowed"),
    ("key", True, "sentence_id is True; allowed"),
    ("key", ["s2"], r"sentence_id is \['s2'\]; allowed"),
    ("key", {"id": "s2"}, r"sentence_id is \{'id': 's2'\}; allowed"),
    ("who", ["ann"], "annotator is .*; allowed: text or a whole number"),
    ("who", 0.5, r"annotator is 0\.5; allowed"),
    ("when", "yesterday", TIME),
    ("when", "2024-13-45", TIME),
    ("when", INF, TIME),
    ("when", 1e300, TIME),
    ("when", -1e18, TIME),
    ("when", "0001-01-01T00:00:00+14:00", TIME),
    ("when", [2024], TIME),
    ("when", {"at": 1}, TIME),
    ("text", 5, "the text is 5; allowed: text"),
    ("text", ["A", "B"], r"the text is \['A', 'B'\]; allowed: text"),
]
OTHERWISE = {  # where a shape has something else to say of a value
    ("label_studio", 10): "choices are .*; allowed: an object with a list of choices",
    ("doccano", 4): NO_TOPIC,
    ("label_studio_min", 10): LIST,
    **{("argilla", row): "no sentence_id" for row in (11, 12)},
}


def rows_of(shape, field, value):
    """Return four rows, the third of them broken."""
    rows = [[f"s{number}", ["aid"], "ann", WHEN, "A."] for number in range(4)]
    rows[2][FIELDS[field]] = value
    return [shape(*row) for row in rows]


ROWS = [(shape, number, *bad) for shape in SHAPES for number, bad in enumerate(BAD)]


def survivors(file, format=None, topics=TOPICS):
    """Return the sentences that were read, and why others were not, each reason and place on one line."""
    found, rejected = read_annotations(file, format, topics)[:2]
    assert [one for one in rejected if "\n" in one.reason + one.where or len(one.reason) > 400] == []
    assert all(one.labels == ("aid",) for one in found)
    return [one.sentence_id for one in found], [one.reason for one in rejected]


@pytest.mark.parametrize(
    ("shape", "number", "field", "value", "says"),
    ROWS,
    ids=[f"{shape.__name__}-{field}-{number}" for shape, number, field, *_ in ROWS],
)
def test_a_broken_row_is_listed_and_the_others_live(tmp_path, shape, number, field, value, says):
    file = tmp_path / "file.json"
    file.write_text(json.dumps(rows_of(shape, field, value)), "utf-8")
    found, reasons = survivors(file)
    assert (found, len(reasons)) == (GOOD, 1)
    assert re.search(OTHERWISE.get((shape.__name__, number), says), reasons[0]), reasons


def good(shape, numbers=(0, 1, 3)):
    """Return good rows."""
    return [shape(f"s{number}", ["aid"], "ann", WHEN, "A.") for number in numbers]


def lines(shape, third, encoding="utf-8"):
    """Return lines of JSON, the third of them as it is given."""
    first, second, last = (json.dumps(row) + "\n" for row in good(shape))
    third = third if isinstance(third, bytes) else third.encode(encoding)
    return (first + second).encode(encoding) + third + last.encode(encoding)


def with_row(shape, row):
    """Return a list as JSON, its third row as it is given."""
    first, second, last = good(shape)
    return json.dumps([first, second, row, last])


def task_with(**change):
    """Return a task of Label Studio whose annotation is changed."""
    row = label_studio("s2", ["aid"], "ann", WHEN, "A.")
    row["annotations"][0] |= change
    return row


def replaced(shape, **change):
    """Return a row with other fields."""
    return shape("s2", ["aid"], "ann", WHEN, "A.") | change


def response(**change):
    """Return a record of Argilla whose response is changed."""
    row = argilla("s2", ["aid"], "ann", WHEN, "A.")
    row["responses"][0] |= change
    return row


CSV = "sentence_id,text,labels,annotator,when\ns0,A.,aid,ann,\ns1,A.,aid,ann,\n{}\ns3,A.,aid,ann,\n"
MARKS = "sentence_id,ceasefire,aid\ns0,,x\ns1,0,1\n{}\ns3,,x\n"
ONE_ROW = {  # the rest lives
    "a line cut short": ("f.jsonl", lines(prodigy, '{"text": "A.", "sentence_id": "s2", "acc\n'), "not JSON: "),
    "a line of Latin-1": ("f.jsonl", lines(prodigy, '{"text": "é"}\n'.encode("latin-1")), "no row of prodigy: 'text'"),
    "a byte of no encoding in a line": (
        "f.jsonl",
        lines(prodigy, b'{"text": "\x81"}\n'),
        "not JSON: not cp1252: byte 0x81",
    ),
    "a line of binary junk": ("f.jsonl", lines(prodigy, bytes(range(1, 10)) + b"\xff\xfe\x00\n"), "not JSON: "),
    "a line of NULs": ("f.jsonl", lines(doccano, b"\0" * 1000 + b"\n"), "not JSON: "),
    "a nested bomb in a line": ("f.jsonl", lines(doccano, "[" * 100_000 + "\n"), "not JSON: maximum recursion"),
    "a nested bomb in a field": ("f.jsonl", lines(doccano, '{"label":' * 50_000 + "\n"), "not JSON: maximum recursion"),
    "a number of 100,000 digits": ("f.jsonl", lines(doccano, '{"id": ' + "9" * 100_000 + "}\n"), "not JSON: Exceeds"),
    "a line that is a list": ("f.jsonl", lines(prodigy, "[1]\n"), "a JSON list, not an object"),
    "a line that is a number": ("f.jsonl", lines(prodigy, "5\n"), "a JSON int, not an object"),
    "a line that is NaN": ("f.jsonl", lines(prodigy, "NaN\n"), "a JSON float, not an object"),
    "a line that is null": ("f.jsonl", lines(prodigy, "null\n"), "a JSON NoneType, not an object"),
    "a line of another tool": (
        "f.jsonl",
        lines(prodigy, '{"some": 1, "thing\\n": 2}\n'),
        "no row of prodigy: 'some', ",
    ),
    "an empty object": ("f.jsonl", lines(prodigy, "{}\n"), "no row of prodigy: nothing"),
    "the last line cut short": ("f.jsonl", lines(doccano, "") + b'{"text": "A.", "lab', "not JSON: Unterminated"),
    "JSON lines called JSON": ("f.json", lines(prodigy, "oops\n"), "not JSON: "),
    "UTF-16 lines": ("f.jsonl", "\ufeff".encode("utf-16-le") + lines(prodigy, "oops\n", "utf-16-le"), "not JSON: "),
    "a byte-order mark": ("f.jsonl", b"\xef\xbb\xbf" + lines(prodigy, "oops\n"), "not JSON: "),
    "one byte-order mark a line": ("f.jsonl", lines(prodigy, "\ufeffoops\n"), "not JSON: "),
    "a string in a list": ("f.json", with_row(label_studio, "oops"), "a JSON str, not an object"),
    "a null in a list": ("f.json", with_row(argilla, None), "a JSON NoneType, not an object"),
    "a list in a list": ("f.json", with_row(doccano, [[[]]]), "a JSON list, not an object"),
    "a task whose data is a list": (
        "f.json",
        with_row(label_studio, {"data": ["A."]}),
        "no row of label_studio: 'data'",
    ),
    "annotations that are a number": (
        "f.json",
        with_row(label_studio, replaced(label_studio, annotations=3)),
        "annotations are 3",
    ),
    "annotations that are an object": (
        "f.json",
        with_row(label_studio, replaced(label_studio, annotations={"a": 1})),
        r"annotations are \{'a': 1\}; allowed: a list",
    ),
    "an annotation that is a string": (
        "f.json",
        with_row(label_studio, replaced(label_studio, annotations=["x"])),
        "an annotation that is 'x'; allowed: an object",
    ),
    "a result that is null": (
        "f.json",
        with_row(label_studio, task_with(result=None)),
        "the result is None; allowed: a list",
    ),
    "a result that is an object": (
        "f.json",
        with_row(label_studio, task_with(result={})),
        r"the result is \{\}; allowed",
    ),
    "a result of strings": (
        "f.json",
        with_row(label_studio, task_with(result=["aid"])),
        r"the result is \['aid'\]; allowed",
    ),
    "a result without a type": (
        "f.json",
        with_row(label_studio, task_with(result=[{}])),
        "no choices among its results, but None",
    ),
    "choices without a value": (
        "f.json",
        with_row(label_studio, task_with(result=[{"type": "choices"}])),
        "choices are None; allowed: an object with a list of choices",
    ),
    "choices that are a string": (
        "f.json",
        with_row(label_studio, task_with(result=[{"type": "choices", "value": {"choices": "aid"}}])),
        r"choices are \{'choices': 'aid'\}; allowed",
    ),
    "was_cancelled that is a string": (
        "f.json",
        with_row(label_studio, task_with(was_cancelled="false")),
        "was_cancelled is 'false'; allowed: true, false",
    ),
    "short choices that are no JSON": (
        "f.json",
        with_row(label_studio_min, replaced(label_studio_min, topics="[aid")),
        "no JSON",
    ),
    "short choices that are an object": (
        "f.json",
        with_row(label_studio_min, replaced(label_studio_min, topics={"choices": {"a": 1}})),
        LIST,
    ),
    "labels that are null": ("f.json", with_row(doccano, replaced(doccano, label=None)), "'label' is None; allowed"),
    "labels that are an object": ("f.json", with_row(doccano, replaced(doccano, label={"aid": True})), LIST),
    "labels of spans": ("f.json", with_row(doccano, replaced(doccano, label=[[0, 2, "aid"]])), LIST),
    "another answer": (
        "f.json",
        with_row(prodigy, replaced(prodigy, answer="maybe")),
        "answer is 'maybe'; allowed: accept",
    ),
    "an answer that is a number": ("f.json", with_row(prodigy, replaced(prodigy, answer=1)), "answer is 1; allowed"),
    "an answer that is a list": ("f.json", with_row(prodigy, replaced(prodigy, answer=[])), r"answer is \[\]; allowed"),
    "accepted that is null": ("f.json", with_row(prodigy, replaced(prodigy, accept=None)), "'accept' is null; allowed"),
    "accepted that is a string": ("f.json", with_row(prodigy, replaced(prodigy, accept="aid")), LIST),
    "a binary answer without an id": (
        "f.json",
        with_row(prodigy, {"text": "A.", "label": "aid", "answer": "accept", "sentence_id": [1]}),
        r"sentence_id is \[1\]; allowed",
    ),
    "a binary answer to a list": (
        "f.json",
        with_row(prodigy, {"label": ["aid"], "answer": "accept"}),
        "is not a topic; allowed",
    ),
    "responses that are a number": (
        "f.json",
        with_row(argilla, replaced(argilla, responses=3)),
        "responses are 3; allowed",
    ),
    "a response that is a string": (
        "f.json",
        with_row(argilla, replaced(argilla, responses=["x"])),
        "a response is 'x'; allowed",
    ),
    "values that are a list": (
        "f.json",
        with_row(argilla, response(values=["aid"])),
        "a response is .*; allowed: an object",
    ),
    "responses of a question that are an object": (
        "f.json",
        with_row(argilla, replaced(argilla, responses={"topics": {"value": ["aid"]}})),
        "responses to 'topics' is .*; allowed: a list",
    ),
    "a nested response that is a list": (
        "f.json",
        with_row(argilla, replaced(argilla, responses={"topics": [["aid"]]})),
        "a response is .*; allowed: an object with a value",
    ),
    "a user that is an object": (
        "f.json",
        with_row(argilla, replaced(argilla, responses={"topics": [{"value": ["aid"], "user_id": {}}]})),
        "a response is .*; allowed: an object with a value",
    ),
    "a status that is a list": (
        "f.json",
        with_row(argilla, response(status=["submitted"])),
        "status is .*; allowed: submitted",
    ),
    "none of these, and one": (
        "f.json",
        with_row(argilla, response(values={"topics": {"value": ["none of these", "aid"]}})),
        "'none of these' is not a topic",
    ),
    "flat responses that are a string": (
        "f.json",
        with_row(argilla, {"id": "s2", "topics.responses": "aid"}),
        "'topics.responses' is 'aid'; allowed: a list",
    ),
    "flat responses without their users": (
        "f.json",
        with_row(argilla, {"id": "s2", "topics.responses": [["aid"]], "topics.responses.users": ["u", "v"]}),
        "has 1 values, 2 users, 1 statuses",
    ),
    "too few fields": ("f.csv", CSV.format("s2,A."), "2 fields where the first line has 5"),
    "too many fields": ("f.csv", CSV.format("s2,A.,aid,ann,,,"), "7 fields where the first line has 5"),
    "no id in a sheet": ("f.csv", CSV.format(",A.,aid,ann,"), "no sentence_id"),
    "an unknown topic in a sheet": ("f.csv", CSV.format("s2,A.,help,ann,"), "'help' is not a topic"),
    "one unknown topic of two": ("f.csv", CSV.format("s2,A.,aid|help,ann,"), "'help' is not a topic"),
    "half a list in a sheet": ("f.csv", CSV.format('s2,A.,"[""aid""",ann,'), "begin like a JSON list but are not one"),
    "a nested bomb in a sheet": (
        "f.csv",
        CSV.format(f"s2,A.,{'[' * 100_000},ann,"),
        "begin like a JSON list but are not one",
    ),
    "a list of numbers in a sheet": ("f.csv", CSV.format("s2,A.,[1],ann,"), LIST),
    "no time in a sheet": ("f.csv", CSV.format("s2,A.,aid,ann,5/1/24"), "'5/1/24' is not a time"),
    "a formula as a label in CSV": ("f.csv", CSV.format('s2,A.,"=1+1",ann,'), "'=1\\+1' is not a topic"),
    "a byte of no encoding in a sheet": (
        "f.csv",
        CSV.format("s2,é,aid,ann,").encode("latin-1").replace(b"\xe9", b"\x81"),
        "not cp1252: byte 0x81",
    ),
    "text after a quote and too many fields": ("f.csv", CSV.format('s2,"A."b,x,aid,ann,'), "6 fields where the first"),
    "half a UTF-16 sign": (
        "f.csv",
        ("\ufeff" + CSV.format("s3,A.,aid,ann,").replace("s3,A.,aid,ann,\n", "", 1) + "s2,A.,aid,ann,").encode(
            "utf-16-le"
        )[:-1],
        "not utf-16: byte 0x2c",
    ),
    "another mark": ("f.csv", MARKS.format("s2,?,x"), r"column 'ceasefire' holds '\?'; allowed: x, 1, "),
    "a number as a mark": ("f.csv", MARKS.format("s2,0.93,x"), r"column 'ceasefire' holds '0\.93'; allowed"),
    "NaN as a mark": ("f.csv", MARKS.format("s2,nan,x"), "column 'ceasefire' holds 'nan'; allowed"),
    "a huge number as a mark": (
        "f.csv",
        MARKS.format(f"s2,{'9' * 100_000},x"),
        r"column 'ceasefire' holds '9+\.\.\.9+'",
    ),
    "a blank row that nobody looked at": ("f.csv", MARKS.format("s2,,"), "no labels: "),
    "a UTF-16 sheet": (
        "f.csv",
        ("\ufeff" + CSV.format("s2,A.,help,ann,")).encode("utf-16-le"),
        "'help' is not a topic",
    ),
    "a sheet with another end of lines": (
        "f.csv",
        CSV.format("s2,A.,help,ann,").replace("\n", "\r\n"),
        "'help' is not a topic",
    ),
}


@pytest.mark.parametrize("what", ONE_ROW)
def test_what_is_wrong_with_one_row_leaves_the_others(tmp_path, what):
    name, content, says = ONE_ROW[what]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    found, reasons = survivors(tmp_path / name)
    assert (found, len(reasons)) == (GOOD, 1), reasons
    assert re.search(says, reasons[0]), reasons


ALL = with_row(label_studio, label_studio("s2", ["aid"], "ann", WHEN, "A."))
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 4
REFUSED = {
    "nothing": ("f.json", "", None, "no row could be read as json; it is empty"),
    "nothing called CSV": ("f.csv", "", None, "no row could be read as csv; it is empty"),
    "blanks": ("f.jsonl", " \n\n \n", None, "no row could be read as json; it is empty"),
    "blank lines called CSV": ("f.csv", "\n\n\n", None, "no row could be read as csv"),
    "a list with a NUL": ("f.json", ALL.replace("A.", "A.\0"), None, "not JSON: Invalid control character"),
    "a list without its commas": ("f.json", ALL.replace(", ", " "), None, "not JSON: "),
    "a list in single quotes": ("f.json", ALL.replace('"', "'"), None, "not JSON: "),
    "a nested bomb": ("f.json", "[" * 1_000_000, None, "not JSON: maximum recursion depth"),
    "a nested bomb of objects": ("f.json", '{"data":' * 200_000, None, "not JSON: maximum recursion depth"),
    "a number of 100,000 digits": ("f.json", f"[{'9' * 100_000}]", None, "not JSON: Exceeds the limit"),
    "null": ("f.json", "null", None, "f.json:1: a JSON NoneType, not an object"),
    "a string": ("f.json", '"annotations"', None, "f.json:1: a JSON str, not an object"),
    "a number": ("f.json", "1e999", None, "f.json:1: a JSON float, not an object"),
    "an empty list": ("f.json", "[]", None, "it is empty"),
    "an empty object": ("f.json", "{}", None, "no annotations; its first row has: nothing"),
    "a list of numbers": ("f.json", "[1, 2]", None, "record 1: a JSON int, not an object"),
    "another tool's rows": ("f.jsonl", '{"tokens": [], "spans": []}\n', None, "its first row has: 'tokens', 'spans'"),
    "keys with line ends": ("f.json", '[{"a\\nb": 1}]', None, r"its first row has: 'a\\nb'"),
    "a thousand keys": ("f.json", json.dumps([{f"k{n}": 1 for n in range(1000)}]), None, "'k11' and 988 more"),
    "another tool than named": ("f.json", ALL, "argilla", "no annotations as argilla has them"),
    "Label Studio called Prodigy": ("f.json", ALL, "prodigy", "no annotations as prodigy has them"),
    "Label Studio called doccano": ("f.json", ALL, "doccano", "no annotations as doccano has them"),
    "JSON called a workbook": ("f.json", ALL, "xlsx", "no XLSX workbook: File is not a zip file"),
    "a picture": ("f.png", PNG, None, "cannot be read as csv: binary, not text"),
    "a picture called JSON": ("f.json", PNG, None, "cannot be read as json: binary, not text"),
    "a picture called XLSX": ("f.xlsx", PNG, None, "no XLSX workbook: File is not a zip file"),
    "a pickle": ("f.jsonl", b"\x80\x04\x95cos\nsystem\n(S'touch x'\ntR.", None, "not JSON"),
    "gzip": ("f.jsonl", b"\x1f\x8b\x08\0\0\0\0\0", None, "cannot be read as json: binary, not text"),
    "HTML": ("f.csv", "<html>\n<table>\n</html>\n", None, "no annotations; its first row has: '<html>'"),
    "HTML called XLSX": ("f.xlsx", "<html><table></table></html>", None, "no XLSX workbook"),
    "an .xls file": (
        "f.xls",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        None,
        "an old or encrypted Office file",
    ),
    "a workbook with a password": (
        "f.xlsx",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        "xlsx",
        "an old or encrypted Office file",
    ),
    "no id column": ("f.csv", "id,labels\ns0,aid\n", None, "no annotations; its first row has: 'id', 'labels'"),
    "no column for labels": (
        "f.csv",
        "sentence_id,text\ns0,A.\n",
        None,
        "f.csv:2: no column 'labels', and none for topic",
    ),
    "no column for one topic": (
        "f.csv",
        "sentence_id,aid\ns0,1\n",
        None,
        "no column 'labels', and none for topic 'ceasefire'",
    ),
    "a column twice": ("f.csv", "sentence_id,labels,labels\ns0,aid,aid\n", None, "column 'labels' stands 2 times"),
    "a header alone": ("f.csv", "sentence_id,labels\n", None, "no row could be read as csv; it is empty"),
    "two encodings that would do": (
        "f.csv",
        CSV.replace("A.", "Wałęsa").encode("cp1250"),
        None,
        "in doubt; encoding=cp1252 ",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_no_file_of_annotations_is_refused_in_one_line(tmp_path, what):
    name, content, named, says = REFUSED[what]
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    refuse(tmp_path / name, named, says)


@pytest.mark.parametrize(
    ("content", "found", "reasons"),
    [
        (ALL[:-40], 3, ["not JSON: ", "the file ends before its array does"]),
        (("\ufeff" + ALL).encode("utf-32-le")[:-2], 3, ["not JSON: ", "the file ends before its array does"]),
        (ALL[: ALL.index("}]}, ") + 4], 1, ["the file ends before its array does"]),
        (ALL + ALL, 8, []),
        (ALL.replace('"s1"', '"s1'), 1, ["not JSON: ", "the file ends before its array does"]),
        ("\n".join(json.dumps(row, indent=1) for row in json.loads(ALL)), 4, []),
        (json.dumps(json.loads(ALL)[0], indent=1), 1, []),
        ('{"data": ' * 2000 + "\n" + "\n".join(map(json.dumps, json.loads(ALL))), 4, ["not JSON: "]),
    ],
    ids=[
        "cut short",
        "UTF-32 cut short",
        "cut after a row",
        "goes on",
        "an open quote",
        "objects of several lines",
        "one",
        "a bomb first",
    ],
)
def test_json_costs_the_rows_that_are_broken_alone(tmp_path, content, found, reasons):
    (tmp_path / "f.json").write_bytes(content if isinstance(content, bytes) else content.encode())
    ids, rejected = survivors(tmp_path / "f.json")
    assert len(ids) == found
    assert len(rejected) == len(reasons)
    assert all(reason.startswith(start) for reason, start in zip(rejected, reasons, strict=True)), rejected


@pytest.mark.slow
@pytest.mark.parametrize("row", ["oops\n", "{}\n"])
def test_a_file_of_millions_of_rows_that_are_none_is_refused(tmp_path, row):
    good = json.dumps(prodigy("s0", ["aid"], "ann", WHEN, "A.")) + "\n"
    (tmp_path / "f.jsonl").write_text(good + row * 100_001)
    refuse(tmp_path / "f.jsonl", None, "more than 100000 rows are no annotations; f.jsonl:2: ")


def refuse(file, format, says):
    """See that a file is refused in one line that names it."""
    with pytest.raises(InputError) as error:
        read_annotations(file, format, TOPICS)
    assert re.search(says, str(error.value)), str(error.value)
    assert file.name in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize("format", ["xlsx", "csv", "prodigy", None])
def test_what_is_not_there_or_is_a_folder_is_refused(tmp_path, format):
    refuse(tmp_path / "absent.json", format, "cannot be read: No such file or directory")
    refuse(tmp_path, format, "cannot be read: Is a directory")


SHEET = """<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">
<sheetData>{}</sheetData></worksheet>"""


def cells(number, *values):
    """Return a row of a sheet as XML."""
    inside = "".join(f'<c t="inlineStr"><is><t>{value}</t></is></c>' for value in values)
    return f'<row r="{number}">{inside}</row>'


HEAD, BODY = cells(1, "sentence_id", "labels"), cells(2, "s0", "aid") + cells(3, "s1", "aid") + cells(5, "s3", "aid")

WHOLE = SHEET.format(HEAD + BODY)


def book(sheet=WHOLE, leave_out=(), **parts):
    """Return a workbook, its sheet as it is given, and other parts changed or left out."""
    openpyxl = pytest.importorskip("openpyxl")
    stream, changed = io.BytesIO(), io.BytesIO()
    openpyxl.Workbook().save(stream)
    with zipfile.ZipFile(stream) as old, zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as new:
        found = {name: old.read(name) for name in old.namelist() if name not in leave_out}
        for name, content in (found | {"xl/worksheets/sheet1.xml": sheet} | parts).items():
            new.writestr(name, content)
    return changed.getvalue()


LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY file SYSTEM "file:///etc/passwd">]>'


def sheet_with(row):
    """Return a workbook whose third row of sentences is as it is given."""
    return book(SHEET.format(HEAD + BODY.replace('<row r="5">', f'{row}<row r="5">')))


ONE_ROW_OF_A_BOOK = {
    "an unknown topic": (lambda: sheet_with(cells(4, "s2", "help")), "'help' is not a topic"),
    "no id": (lambda: sheet_with(cells(4, "", "aid")), "no sentence_id"),
    "a formula": (
        lambda: sheet_with('<row r="4"><c r="A4"><f>1+1</f></c></row>'),
        "column 'sentence_id' holds a formula",
    ),
    "an array formula": (
        lambda: sheet_with('<row r="4"><c r="A4" t="str"><v>s2</v></c><c r="B4"><f t="array" ref="B4">1</f></c></row>'),
        "column 'labels' holds a formula",
    ),
    "an error": (
        lambda: sheet_with('<row r="4"><c t="str"><v>s2</v></c><c t="e"><v>#N/A</v></c></row>'),
        "'#N/A' is not a topic",
    ),
    "a number": (
        lambda: sheet_with('<row r="4"><c t="str"><v>s2</v></c><c><v>1e308</v></c></row>'),
        "labels are 1e[+]308",
    ),
    "a truth": (
        lambda: sheet_with('<row r="4"><c t="str"><v>s2</v></c><c t="b"><v>1</v></c></row>'),
        "labels are True",
    ),
    "only a label": (lambda: sheet_with('<row r="4"><c r="B4" t="str"><v>aid</v></c></row>'), "no sentence_id"),
}


@pytest.mark.parametrize("what", ONE_ROW_OF_A_BOOK)
def test_a_broken_row_of_a_workbook_is_listed_and_the_others_live(tmp_path, what):
    make, says = ONE_ROW_OF_A_BOOK[what]
    (tmp_path / "f.xlsx").write_bytes(make())
    found, reasons = survivors(tmp_path / "f.xlsx")
    assert (found, len(reasons)) == (GOOD, 1), reasons
    assert re.search(says, reasons[0]), reasons


def with_size(data, name, size):
    """Return an archive that gives another unpacked size for a part."""
    place = data.rindex(name.encode()) - 46  # the record of the part in the central directory
    assert data[place : place + 4] == b"PK\x01\x02"
    return data[: place + 24] + struct.pack("<I", size) + data[place + 28 :]


BOOKS_REFUSED = {
    "cut short": (lambda: book()[:-30], "no XLSX workbook: "),
    "cut in the middle": (lambda: book()[:2000], "no XLSX workbook: "),
    "one byte changed": (
        lambda: book(**{"xl/styles.xml": "<x"}),
        "no workbook that can be read: ParseError|XMLSyntaxError",
    ),
    "no workbook in it": (lambda: book(leave_out=["xl/workbook.xml"]), "an archive without a workbook; found: "),
    "no sheet in it": (lambda: book().replace(b"sheet1.xml", b"sheet9.xml"), "no workbook that can be read: "),
    "no types": (lambda: book(leave_out=["[Content_Types].xml"]), "no workbook that can be read: KeyError"),
    "no relations": (lambda: book(leave_out=["xl/_rels/workbook.xml.rels"]), "no workbook that can be read: KeyError"),
    "a sheet that is no XML": (
        lambda: book("sentence_id,labels"),
        "no workbook that can be read: ParseError|XMLSyntaxError",
    ),
    "a sheet cut short": (lambda: book(SHEET.format(HEAD + BODY)[:-60]), "no workbook that can be read: ParseError"),
    "an empty sheet": (lambda: book(SHEET.format("")), "no names of columns in the first row"),
    "a sheet of blanks": (lambda: book(SHEET.format(cells(1, "", ""))), "no names of columns in the first row"),
    "a header alone": (lambda: book(SHEET.format(HEAD)), "it is empty"),
    "a column twice": (lambda: book(SHEET.format(cells(1, "a", "a"))), "column 'a' stands 2 times"),
    "no id column": (
        lambda: book(SHEET.format(cells(1, "id", "labels") + BODY)),
        "no annotations; its first row has: 'id'",
    ),
    "no column for labels": (lambda: book(SHEET.format(cells(1, "sentence_id", "x") + BODY)), "no column 'labels'"),
    "a row at no place": (
        lambda: book(SHEET.format(HEAD + '<row r="x"/>')),
        "no workbook that can be read: ValueError",
    ),
    "a cell at no place": (
        lambda: book(SHEET.format(HEAD + '<row r="2"><c r="?"/></row>')),
        "can be read: CellCoord|ValueError",
    ),
    "a text that there is not": (
        lambda: book(SHEET.format('<row><c t="s"><v>999999999</v></c></row>')),
        "no workbook that can be read: IndexError",
    ),
    "a billion laughs": (
        lambda: book(BOMB + SHEET.format(cells(1, "&l9;"))[21:]),
        "a document type, which no workbook has",
    ),
    "an entity from outside": (
        lambda: book(OUTSIDE + SHEET.format(cells(1, "&file;"))[21:]),
        "a document type, which no",
    ),
    "a size that is a lie": (
        lambda: with_size(book(), "xl/worksheets/sheet1.xml", 40),
        "can be read: |no XLSX workbook",
    ),
    "an enormous size": (
        lambda: with_size(book(), "xl/styles.xml", 1 << 31),
        "unpacks to 2048 MB; allowed: 256 MB",
    ),
}


@pytest.mark.parametrize("what", BOOKS_REFUSED)
def test_a_broken_workbook_is_refused_in_one_line(tmp_path, what):
    make, says = BOOKS_REFUSED[what]
    (tmp_path / "f.xlsx").write_bytes(make())
    refuse(tmp_path / "f.xlsx", None, says)


def test_a_zip_bomb_is_not_unpacked(tmp_path):
    file = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(300):
                part.write(b"\0" * (1 << 20))
    assert file.stat().st_size < 2_000_000
    refuse(file, None, "unpacks to 300 MB; allowed: 256 MB; use CSV")


def test_an_archive_of_something_else_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "export.zip", "w") as archive:
        archive.writestr("alice.jsonl", "{}")
    refuse(tmp_path / "export.zip", None, "an archive without a workbook; found: alice.jsonl")
    refuse(tmp_path / "export.zip", "doccano", "an archive, not doccano; unpack it and give the files in it")


def test_rows_and_columns_far_out_cost_nothing(tmp_path):
    far = '<row r="99999999999"><c t="str"><v>s9</v></c></row>'
    wide = '<row r="4"><c r="A4" t="str"><v>s2</v></c><c r="B4" t="str"><v>aid</v></c><c r="XFD4"><v>1</v></c></row>'
    (tmp_path / "f.xlsx").write_bytes(
        book(SHEET.format(HEAD + BODY.replace('<row r="5">', f'{wide}<row r="5">') + far))
    )
    assert survivors(tmp_path / "f.xlsx") == (["s0", "s1", "s2", "s3"], [])


SAMPLES = {
    "f.json": json.dumps(good(label_studio)).encode(),
    "g.json": json.dumps(good(argilla)).encode(),
    "f.jsonl": lines(prodigy, ""),
    "g.jsonl": lines(doccano, ""),
    "f.csv": CSV.format("s2,A.,aid,ann,").encode(),
}
CHANGES = st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(max_size=4)), min_size=1, max_size=6)


@pytest.mark.slow
@pytest.mark.parametrize("name", [*SAMPLES, "f.xlsx"])
@settings(max_examples=100, deadline=None)
@given(changes=CHANGES)
def test_any_bytes_that_change_are_refused_listed_or_read(name, changes):
    data = book() if name == "f.xlsx" else SAMPLES[name]
    for place, cut, new in changes:
        at = int(place * len(data))
        data = data[:at] + new + data[at + cut :]
    read_or_refuse(name, data)


def read_or_refuse(name, data):
    """Read a file; what is wrong with it must come as `InputError` or as rows that are listed."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / name
        file.write_bytes(data)
        try:
            found, rejected = read_annotations(file, None, TOPICS)[:2]
        except InputError as error:
            found, rejected = [], [Rejected(name, str(error))]
    assert all(isinstance(one.sentence_id, str) and set(one.labels or ()) <= set(TOPICS) for one in found)
    assert not any("\n" in one.reason for one in rejected)


WORDS = (
    "data sentence_id text annotations result type value choices was_cancelled "
    "completed_by created_at annotation_id lead_time topics drafts label labels meta "
    "annotator id options accept answer _annotator_id _timestamp _task_hash fields "
    "metadata responses topics.responses topics.responses.users topics.responses.status values status user_id updated_at "
    "external_id _server_id email"
    " "
)
KEYS = WORDS.split()
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
LEAVES |= st.sampled_from(
    [*TOPICS, "s0", WHEN, "accept", "reject", "submitted", "discarded", "choices", "[", "none of these"]
)
TREES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)
)
OBJECTS = st.dictionaries(st.sampled_from(KEYS), TREES, min_size=2, max_size=8)


@pytest.mark.slow
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OBJECTS, min_size=1, max_size=4))
def test_any_json_in_the_fields_of_the_tools_is_refused_listed_or_read(rows):
    read_or_refuse("f.json", json.dumps(rows).encode())


def test_there_are_200_broken_files_and_more():
    assert len(ROWS) + len(ONE_ROW) + len(REFUSED) + len(ONE_ROW_OF_A_BOOK) + len(BOOKS_REFUSED) > 200
