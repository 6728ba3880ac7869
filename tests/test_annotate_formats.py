"""What the tools really export is read: other versions, other names, several annotators, skipped tasks, drafts."""

import json
import zipfile

import pytest

from slugline.annotate import Annotation, read_annotations
from slugline.errors import InputError

TOPICS = ["ceasefire", "aid", "threat"]
T1, T2 = "2024-05-01T10:00:00Z", "2024-05-01T12:30:00.5+02:00"
UTC1, UTC2 = "2024-05-01T10:00:00+00:00", "2024-05-01T10:30:00.500000+00:00"


def read(folder, name, rows, format=None, topics=TOPICS):
    """Write rows as JSON, lines of it, or text as it is, and read that."""
    file = folder / name
    if not isinstance(rows, str):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        rows = lines if name.endswith("jsonl") else json.dumps(rows, indent=1)
    file.write_text(rows, "utf-8")
    return read_annotations(file, format, topics)[:2]


def labelled(result):
    """Return who gave a sentence which labels, and what was rejected."""
    found, rejected = result
    assert not any("\n" in one.reason for one in rejected)
    return [(one.sentence_id, one.annotator, one.labels) for one in found], [one.reason for one in rejected]


def task(*annotations, **more):
    """Return an exported task of Label Studio."""
    return {"id": 7, "data": {"sentence_id": "s0", "text": "A."}, "annotations": list(annotations), **more}


def choose(*choices, name="topics", **more):
    """Return an annotation of Label Studio."""
    result = [{"from_name": name, "to_name": "t", "type": "choices", "value": {"choices": list(choices)}}]
    return {"id": 1, "result": result if choices else [], "was_cancelled": False, "created_at": T1, **more}


def test_label_studio_has_several_annotations_a_task_cancelled_ones_and_three_ways_to_say_who(tmp_path):
    annotations = [
        choose("threat", "ceasefire", completed_by=3, updated_at=T2),
        choose("aid", completed_by={"id": 4, "email": "a@b.example"}, name="another"),
        choose(completed_by={"id": 5, "username": "eve"}),
        choose("aid", was_cancelled=True, completed_by="bob"),
        choose("aid", skipped=True),
    ]
    found, rejected = read(tmp_path, "export.json", [task(*annotations), task()])
    assert rejected == []
    assert found == [
        Annotation("s0", ("ceasefire", "threat"), "3", UTC2, "A.", "export.json, record 1, annotation 1"),
        Annotation("s0", ("aid",), "a@b.example", UTC1, "A.", "export.json, record 1, annotation 2"),
        Annotation("s0", (), "eve", UTC1, "A.", "export.json, record 1, annotation 3"),
        Annotation("s0", None, "bob", UTC1, "A.", "export.json, record 1, annotation 4"),
        Annotation("s0", None, "export", UTC1, "A.", "export.json, record 1, annotation 5"),
    ]


def test_label_studio_puts_choices_of_several_controls_together_and_knows_other_kinds_of_results(tmp_path):
    both = choose("aid", completed_by=1)
    both["result"] += choose("threat", name="more")["result"] + [{"type": "textarea", "value": {"text": ["why"]}}]
    spans = choose("x", completed_by=2)
    spans["result"][0] |= {"type": "labels"}
    found, reasons = labelled(read(tmp_path, "e.json", [task(both, spans, drafts=[{"result": []}])]))
    assert found == [("s0", "1", ("aid", "threat"))]
    assert reasons == ["no choices among its results, but 'labels'", "a draft that was not submitted"]


def test_label_studio_of_old_has_completions_and_one_task_may_stand_alone(tmp_path):
    one = task() | {"completions": [choose("aid", completed_by=1)]}
    del one["annotations"]
    assert labelled(read(tmp_path, "e.json", one)) == ([("s0", "1", ("aid",))], [])


@pytest.mark.parametrize(
    ("value", "labels"),
    [("aid", ("aid",)), ({"choices": ["aid", "threat"]}, ("aid", "threat")), (["aid"], ("aid",)), (None, ()), ("", ())],
)
@pytest.mark.parametrize("name", ["topics", "sentiment"])
def test_label_studio_min_has_choices_in_short(tmp_path, name, value, labels):
    row = {
        "sentence_id": "s0",
        "text": "A.",
        "id": 1,
        "annotator": 2,
        "annotation_id": 3,
        "lead_time": 1.5,
        name: value,
    }
    rows = [row | {"updated_at": T1}, row | {"annotation_id": None}]
    assert read(tmp_path, "min.json", rows)[0] == [Annotation("s0", labels, "2", UTC1, "A.", "min.json, record 1")]


def test_doccano_names_labels_and_metadata_in_several_ways_and_a_file_after_its_annotator(tmp_path):
    rows = [
        {"id": 1, "text": "A.", "label": ["threat", "aid"], "sentence_id": "s0", "Comments": []},
        {"id": 2, "text": "B.", "labels": [], "meta": {"sentence_id": "s1"}},
        {"id": 3, "text": "C.", "cats": ["aid"], "metadata": {"sentence_id": "s2"}, "annotator": "bob"},
        {"id": "s3", "text": "D.", "label": "aid"},
        {"id": 5, "text": "E.", "label": ["aid"]},
        {"id": 6, "text": "F.", "annotations": [{"label": 1, "user": 2}], "meta": {"sentence_id": "s5"}},
        {"id": 7, "text": "G.", "sentence_id": "s6"},
        {"id": 8, "text": "H.", "label": [], "sentence_id": "s7", "suggested": "aid"},
        {"id": 9, "text": "I.", "label": ["none of these"], "sentence_id": "s8", "suggested": ""},
        {"id": 10, "text": "J.", "label": ["aid", "none of these"], "sentence_id": "s9", "suggested": ""},
    ]
    found, reasons = labelled(read(tmp_path, "alice.jsonl", rows))
    assert found == [
        ("s0", "alice", ("aid", "threat")),
        ("s1", "alice", ()),
        ("s2", "bob", ("aid",)),
        ("s3", "alice", ("aid",)),
        ("s8", "alice", ()),
    ]
    assert [reason[:16] for reason in reasons] == ["no sentence_id", "labels by number", "'none of these' "]


def test_doccano_also_exports_a_list(tmp_path):
    rows = [{"id": 1, "text": "A.", "label": ["aid"], "sentence_id": "s0"}]
    assert labelled(read(tmp_path, "all.json", rows)) == ([("s0", "all", ("aid",))], [])


def choice(answer, **more):
    """Return an answered task of Prodigy's choice interface."""
    return {"text": "A.", "sentence_id": "s0", "options": [], "answer": answer, "_timestamp": 1707211049, **more}


def test_prodigy_has_accepted_choices_and_rejected_or_ignored_tasks(tmp_path):
    rows = [
        choice("accept", accept=["threat", "aid"], _annotator_id="db-alice", _session_id="x"),
        choice("accept", accept=[], _session_id="bob"),
        choice("accept", _annotator_id="carl"),
        choice("reject", accept=["aid"], _annotator_id="dave"),
        choice("ignore", accept=[], _annotator_id="eve", _timestamp=1707211049.25),
        choice("accept", accept=["aid"], _annotator_id="fay", sentence_id=None) | {"meta": {"sentence_id": "s9"}},
    ]
    del rows[5]["sentence_id"]
    found, reasons = read(tmp_path, "out.jsonl", rows)
    assert reasons == []
    assert [(one.sentence_id, one.annotator, one.labels) for one in found] == [
        ("s0", "db-alice", ("aid", "threat")),
        ("s0", "bob", ()),
        ("s0", "carl", ()),
        ("s0", "dave", None),
        ("s0", "eve", None),
        ("s9", "fay", ("aid",)),
    ]
    assert (found[0].when, found[4].when) == ("2024-02-06T09:17:29+00:00", "2024-02-06T09:17:29.250000+00:00")


def binary(key, label, answer, who="ann", time=1707211049):
    """Return a binary answer of Prodigy's textcat recipes."""
    row = {"text": "A.", "sentence_id": key, "label": label, "answer": answer, "_view_id": "classification"}
    return row | {"_annotator_id": who, "_timestamp": time}


def test_prodigys_binary_answers_are_put_together_where_they_speak_of_every_topic(tmp_path):
    rows = [
        *(binary("s0", topic, answer) for topic, answer in zip(TOPICS, ["accept", "reject", "accept"], strict=True)),
        *(binary("s1", topic, "reject") for topic in TOPICS),
        *(binary("s1", topic, "accept", "bob") for topic in TOPICS),
        *(binary("s2", topic, "ignore") for topic in TOPICS),
        *(binary("s3", topic, "accept") for topic in TOPICS[:2]),
        *(binary("s4", topic, answer) for topic, answer in zip(TOPICS, ["accept", "reject", "ignore"], strict=True)),
        *(binary("s5", topic, answer) for topic in TOPICS for answer in ("accept", "reject")),
        binary("s6", "unheard of", "accept"),
    ]
    found, reasons = labelled(read(tmp_path, "out.jsonl", rows))
    assert found == [
        ("s0", "ann", ("ceasefire", "threat")),
        ("s1", "ann", ()),
        ("s1", "bob", ("ceasefire", "aid", "threat")),
        ("s2", "ann", None),
        ("s5", "ann", ()),
    ]
    assert reasons == [
        "'unheard of' is not a topic; allowed: ceasefire, aid, threat",
        "answers on ceasefire, aid alone; no answer on: threat",
        "answers on ceasefire, aid, threat alone; no answer on: threat",
    ]


def test_a_pass_of_prodigy_over_one_topic_is_read_as_one_topic(tmp_path):
    rows = [binary("s0", "aid", "accept"), binary("s1", "aid", "reject")]
    assert [one.labels for one in read(tmp_path, "o.jsonl", rows, topics=["aid"])[0]] == [("aid",), ()]


def test_binary_answers_are_put_together_too_where_a_tool_wrote_an_id_as_a_float(tmp_path):
    rows = [binary(7.0, topic, answer) for topic, answer in zip(TOPICS, ["accept", "reject", "accept"], strict=True)]
    assert labelled(read(tmp_path, "out.jsonl", rows)) == ([("7", "ann", ("ceasefire", "threat"))], [])


def record(responses, **more):
    """Return a record of Argilla as its SDK writes it."""
    return {"id": "s0", "fields": {"text": "A."}, "metadata": {}, "suggestions": {}, "responses": responses, **more}


def respond(value, user="u", **more):
    """Return a response to a question."""
    return {"value": value, "user_id": user, **more}


def test_argilla_has_submitted_draft_and_discarded_responses(tmp_path):
    responses = [
        respond(["threat", "aid"], "u1", status="submitted"),
        respond(["none of these"], "u2", status="submitted"),
        respond(["aid"], "u3", status="draft"),
        respond(None, "u4", status="discarded"),
        respond(None, "u5", status="submitted"),
        respond(["aid"], "u6"),
        respond(["aid"], "u7", status="lost"),
    ]
    found, reasons = labelled(read(tmp_path, "r.json", [record({"topics": responses})]))
    assert found == [("s0", "u1", ("aid", "threat")), ("s0", "u2", ()), ("s0", "u4", None)]
    assert [reason[:14] for reason in reasons] == [
        "a draft that w",
        "submitted with",
        "no status: sub",
        "status is 'los",
    ]


@pytest.mark.parametrize(("status", "count"), [("completed", 1), ("pending", 0)])
def test_the_only_response_to_a_completed_record_of_argilla_was_submitted(tmp_path, status, count):
    found, rejected = read(tmp_path, "r.json", [record({"topics": [respond(["aid"])]}, status=status)])
    assert (len(found), len(rejected)) == (count, 1 - count)


def test_argillas_question_may_have_another_name_and_stand_beside_others(tmp_path):
    answers = {"comment": [respond("why not", status="submitted")], "label": [respond("aid", status="submitted")]}
    assert labelled(read(tmp_path, "r.json", [record(answers)])) == ([("s0", "u", ("aid",))], [])
    named = answers | {"topics": [respond(["threat"], status="submitted")]}
    assert labelled(read(tmp_path, "r.json", [record(named)])) == ([("s0", "u", ("threat",))], [])
    unclear = {"a": answers["label"], "b": answers["label"]}
    assert labelled(read(tmp_path, "r.json", [record(unclear)])) == ([], ["no question 'topics'; found: a, b"])


def test_argilla_is_read_flattened_and_as_its_server_returns_it(tmp_path):
    flat = {"id": "s0", "text": "A.", "_server_id": "x", "topics.responses": [["aid"], ["threat"]]}
    flat |= {"topics.responses.users": ["u1", "u2"], "topics.responses.status": ["submitted", "discarded"]}
    assert labelled(read(tmp_path, "f.json", [flat])) == ([("s0", "u1", ("aid",)), ("s0", "u2", None)], [])
    values = {"values": {"topics": {"value": ["aid"]}}, "status": "submitted", "user_id": "u", "updated_at": T1}
    server = {"id": "uuid", "external_id": "s0", "fields": {"text": "A."}, "responses": [values]}
    found, rejected = read(tmp_path, "s.json", [server, server | {"responses": None}])
    assert (found, rejected) == ([Annotation("s0", ("aid",), "u", UTC1, "A.", "s.json, record 1, response 1")], [])


SHEETS = {
    "topics": "sentence_id,ceasefire,aid,threat,annotator,when\ns0,0,x,1,bob,2024-05-01 10:00\ns1,,No,FALSE,,\n",
    "labels": 'sentence_id,labels,annotator,when\ns0,"aid, threat",bob,2024-05-01 10:00\ns1,[],,\n',
    "semicolons": "\ufeffsentence_id;text;labels;annotator;when\ns0;;aid|threat;bob;2024-05-01T10:00:00Z\ns1;;[];;\n",
    "tabs": 'sentence_id\tlabel\tannotator\twhen\ns0\t"[""threat"", ""aid""]"\tbob\t2024-05-01T12:00+02:00\ns1\t[]\t\t\n',
    "status": "sentence_id,labels,status,annotator,when\ns0,aid;threat,,bob,2024-05-01 10:00\ns1,,done,,\ns2,,,,\n",
}


@pytest.mark.parametrize("format", ["csv", None])
@pytest.mark.parametrize("what", SHEETS)
def test_sheets_have_topics_in_columns_or_labels_in_one(tmp_path, what, format):
    found, rejected = read(tmp_path, "sheet.csv", SHEETS[what], format)
    assert rejected == []
    assert [one[:4] for one in found] == [("s0", ("aid", "threat"), "bob", UTC1), ("s1", (), "sheet", None)]


def test_a_blank_row_of_a_sheet_without_a_status_might_not_have_been_looked_at_and_is_listed(tmp_path):
    found, reasons = labelled(read(tmp_path, "s.csv", "sentence_id,labels\ns0,\ns1,aid\n"))
    assert found == [("s1", "s", ("aid",))]
    assert reasons == ["no labels: [] or 0 says that it has none, blank that nobody looked at it"]


def test_skipped_rows_of_a_sheet_are_skipped_and_must_have_no_label(tmp_path):
    text = "sentence_id,labels,status\ns0,,skipped\ns1,aid,Skip\ns2,,perhaps\n"
    found, reasons = labelled(read(tmp_path, "s.csv", text))
    assert found == [("s0", "s", None)]
    assert reasons == [
        "skipped, and yet labelled: aid",
        "status is 'perhaps'; allowed: done, submitted, skipped, skip, discarded, or blank",
    ]


def test_a_topic_with_a_delimiter_in_its_name_is_one_topic(tmp_path):
    topics = ["war, and peace", "aid"]
    rows = 'sentence_id,labels\ns0,"war, and peace"\ns1,"war, and peace|aid"\ns2,"aid,war"\n'
    found, reasons = labelled(read(tmp_path, "s.csv", rows, topics=topics))
    assert [labels for *_, labels in found] == [("war, and peace",), ("war, and peace", "aid")]
    assert reasons == ["'war' is not a topic; allowed: war, and peace, aid"]


def test_of_two_answers_of_one_annotator_at_one_time_the_first_is_kept_and_the_other_listed(tmp_path):
    rows = [choice("accept", accept=labels, _annotator_id="a") for labels in (["aid"], ["aid"], ["threat"])]
    later = choice("accept", accept=["threat"], _annotator_id="a", _timestamp=1707211050)
    found, reasons = labelled(read(tmp_path, "o.jsonl", [*rows, later]))
    assert [labels for *_, labels in found] == [("aid",), ("aid",), ("threat",)]
    assert reasons == ["a gave other labels at the same time, at o.jsonl:1"]


def workbook(folder, rows, change=None, name="sheet.xlsx"):
    """Write rows as a workbook, and change its sheet before it is saved."""
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if change:
        change(book)
    book.save(folder / name)
    return folder / name


def test_a_workbook_made_by_hand_is_read_numbers_and_dates_too(tmp_path):
    from datetime import datetime

    rows = [["sentence_id", "ceasefire", "aid", "threat", "annotator", "when"]]
    rows += [[7, 1, 0, 1.0, 12, datetime(2024, 5, 1, 10)], [], ["s1", True, False, "X", None, None]]
    found, rejected = read_annotations(workbook(tmp_path, rows), None, TOPICS)[:2]
    assert rejected == []
    assert found == [
        Annotation("7", ("ceasefire", "threat"), "12", UTC1, None, "sheet.xlsx:2"),
        Annotation("s1", ("ceasefire", "threat"), "sheet", None, None, "sheet.xlsx:4"),
    ]


def test_formulas_of_a_workbook_are_not_evaluated_and_their_rows_listed(tmp_path):
    rows = [["sentence_id", "labels", "note"], ["s0", '=HYPERLINK("http://x.example")'], ["s1", "aid", "=NOW()"]]
    found, reasons = labelled(read_annotations(workbook(tmp_path, rows), None, TOPICS)[:2])
    assert (found, reasons) == (
        [("s1", "sheet", ("aid",))],
        ["column 'labels' holds a formula, which is not evaluated"],
    )


def test_a_workbook_with_a_macro_and_an_external_link_is_read_and_runs_nothing(tmp_path):
    file = workbook(tmp_path, [["sentence_id", "labels"], ["s0", "aid"]])
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/vbaProject.bin", b'\xd0\xcf\x11\xe0 Sub Auto_Open(): Kill "*": End Sub')
        link = f'<externalLink><externalBook id="{tmp_path}/touched"/></externalLink>'
        archive.writestr("xl/externalLinks/externalLink1.xml", link)
    macro = file.rename(tmp_path / "sheet.xlsm")
    assert labelled(read_annotations(macro, None, TOPICS)[:2]) == ([("s0", "sheet", ("aid",))], [])
    assert [one.name for one in tmp_path.iterdir()] == ["sheet.xlsm"]


@pytest.mark.parametrize("format", ["label_studio", "doccano", "prodigy", "argilla", "csv"])
def test_a_file_of_another_format_than_named_is_refused(tmp_path, format):
    rows = {"prodigy": [{"text": "A.", "label": ["aid"], "sentence_id": "s0"}], "csv": [task(choose("aid"))]}
    says = (
        "no row could be read as csv" if format == "csv" else f"no annotations as {format} has them; the first row has"
    )
    with pytest.raises(InputError, match=rf"o\.jsonl: {says}"):
        read(tmp_path, "o.jsonl", rows.get(format, [{"some": "thing", "answer_": 1}]), format)


def test_the_format_and_the_topics_must_be_there(tmp_path):
    with pytest.raises(InputError, match=r"^format: 'brat'; allowed: label_studio, "):
        read(tmp_path, "o.jsonl", [], "brat")
    with pytest.raises(InputError, match=r"^no topic: annotations say which topics"):
        read(tmp_path, "o.jsonl", [], topics=[])
