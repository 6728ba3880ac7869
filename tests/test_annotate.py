"""What annotators say finds its sentence again, byte by byte, whatever tool it went through, and nothing of it is lost."""

import csv
import json
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from annotating import ENDINGS, IN_UTC, TIMED, annotate, sentences
from hypothesis import example, given, settings
from hypothesis import strategies as st

from slugline.annotate import FORMATS, Annotation, match_annotations, read_annotations, write_tasks
from slugline.data.corpus import ArticleCorpus
from slugline.errors import InputError

TOPICS = {
    "ceasefire": "A truce is agreed.",
    "aid & relief": 'Goods "sent" <there>.',
    "=SUM(1)": "",
    "ceas,e|f;ire": "x",
}
TEXTS = [
    "He said: \"Never!\", and 'left'.",
    "Two\nlines,\r\none\ttab.",
    "قال الوزير إن الهدنة مستمرة.",
    "🕊️ Peace, at last 👩‍👩‍👧.",
    '=HYPERLINK("http://evil.example","click")',
    "+1 point",
    "-5 degrees",
    "@x said so",
    "\tIndented",
    "'=1+1",
    "''@x",
    "#N/A",
    "1234567890123456",
    "12345678901234e5",
    "0012",
    "  blanks around  ",
    "a_x0041_b and a\x0bcontrol",
    "＝1",
    "\n=1",
]
LABELS = st.lists(st.sampled_from(list(TOPICS)), unique=True).map(lambda some: tuple(t for t in TOPICS if t in some))


def round_trip(folder, format, frame, answers, named=False, **options):
    """Write, annotate and read tasks."""
    file = folder / f"ann{ENDINGS[format]}"
    write_tasks(file, format, frame, TOPICS, **options)
    annotate(file, format, answers)
    return read_annotations(file, format if named else None, list(TOPICS))[:2]


def expected(format, frame, answers):
    """Return the annotations that must come back, their places left out."""
    texts = dict(zip(frame["sentence_id"], frame["text"], strict=True))
    when = IN_UTC if format in TIMED else None
    left_out = [key for key, labels in answers.items() if labels is None and format == "doccano"]
    return [(key, answers[key], "ann", when, texts[key]) for key in answers if key not in left_out]


@pytest.mark.parametrize("named", [True, False], ids=["named", "recognised"])
@pytest.mark.parametrize("format", FORMATS)
def test_labels_come_back_as_they_were_given_whatever_the_text(tmp_path, format, named):
    frame = sentences(TEXTS)
    sets = [(), ("ceasefire",), ("aid & relief", "=SUM(1)"), tuple(TOPICS), None, ("ceas,e|f;ire",)]
    answers = {key: sets[row % len(sets)] for row, key in enumerate(frame["sentence_id"])}
    found, rejected = round_trip(tmp_path, format, frame, answers, named=named)
    assert rejected == []
    assert [annotation[:5] for annotation in found] == expected(format, frame, answers)
    assert match_annotations(found, frame) == (found, [])


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1), LABELS), min_size=1, max_size=5))
@example([("\udc80 alone", ("ceasefire",))])
@example([("\ufffe\uffff\x00\x1f", ())])
def test_labels_come_back_for_any_text_and_any_set_of_topics(format, pairs):
    frame = sentences([text for text, _ in pairs])
    answers = {f"s{row}": labels for row, (_, labels) in enumerate(pairs)}
    with tempfile.TemporaryDirectory() as folder:
        found, rejected = round_trip(Path(folder), format, frame, answers)
    assert rejected == []
    assert [(one.sentence_id, one.labels) for one in found] == list(answers.items())
    assert match_annotations(found, frame) == (found, [])


@pytest.mark.parametrize("format", FORMATS)
def test_ids_come_back_whatever_a_spreadsheet_would_make_of_them(tmp_path, format):
    ids = ["1234567890123456", "12345678901234e5", "007", "=1", "'=1", "''1e5", "-x", "a b", "é", "7"]
    frame = sentences(["A."] * len(ids)).assign(sentence_id=ids)
    found, rejected = round_trip(tmp_path, format, frame, dict.fromkeys(ids, ("ceasefire",)))
    assert ([one.sentence_id for one in found], rejected) == (ids, [])


def test_a_csv_file_that_became_a_workbook_still_has_its_ids_topics_and_texts(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    frame = sentences(["=1+1", "A."]).assign(sentence_id=["1234567890123456", "0123456789012345"])
    write_tasks(tmp_path / "ann.csv", "csv", frame, TOPICS)
    annotate(tmp_path / "ann.csv", "csv", dict.fromkeys(frame["sentence_id"], ("=SUM(1)",)))
    book = openpyxl.Workbook()
    with (tmp_path / "ann.csv").open(encoding="utf-8-sig", newline="") as stream:
        for row in csv.reader(stream):
            book.active.append(row)
    book.save(tmp_path / "ann.xlsx")
    found, rejected = read_annotations(tmp_path / "ann.xlsx", None, list(TOPICS))[:2]
    assert ([(one.sentence_id, one.labels) for one in found], rejected) == (
        [(key, ("=SUM(1)",)) for key in frame["sentence_id"]],
        [],
    )
    assert match_annotations(found, frame) == (found, [])


@pytest.mark.parametrize("format", FORMATS)
def test_what_nobody_annotated_yet_says_nothing(tmp_path, format):
    frame = sentences(["A.", "B.", "C."], labels=[None, ("ceasefire",), None])
    options = {"probabilities": np.full((3, 4), 0.9), "reasons": ["unsure"] * 3, "mode": "multilabel"}
    found, rejected = round_trip(tmp_path, format, frame, {"s1": ("=SUM(1)",)}, **options)
    assert ([(one.sentence_id, one.labels) for one in found], rejected) == ([("s1", ("=SUM(1)",))], [])


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_as_it_was_written_holds_no_annotation(tmp_path, format):
    file = tmp_path / "tasks"
    write_tasks(file, format, sentences(["A."], labels=[("ceasefire",)]), TOPICS, probabilities=np.full((1, 4), 0.9))
    assert read_annotations(file, format, list(TOPICS))[:2] == ([], [])


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("labels", [("ceasefire",), (), None], ids=["labels", "no label", "nothing"])
def test_what_a_tool_gives_back_untouched_holds_no_annotation_whatever_was_suggested(tmp_path, format, labels):
    frame = sentences(["A.", "B."], labels=[labels, ("ceas,e|f;ire",)])
    for mode in ("multilabel", "multiclass"):
        (tmp_path / mode).mkdir()
        assert round_trip(tmp_path / mode, format, frame, {}, mode=mode) == ([], [])
        assert round_trip(tmp_path / mode, format, frame, {}, mode=mode, probabilities=CHANCES) == ([], [])


@pytest.mark.parametrize("format", FORMATS)
def test_one_topic_each_comes_back_as_one(tmp_path, format):
    frame = sentences(["A.", "B."])
    answers = {"s0": ("ceasefire",), "s1": ("=SUM(1)",)}
    chances = np.array([[0.2, 0.6, 0.1, 0.1], [0.1, 0.2, 0.3, 0.4]])
    found, rejected = round_trip(tmp_path, format, frame, answers, mode="multiclass", probabilities=chances)
    assert ([one.labels for one in found], rejected) == (list(answers.values()), [])


@pytest.mark.slow
@pytest.mark.parametrize("format", FORMATS)
def test_sentences_of_the_sample_come_back(tmp_path, format):
    corpus = ArticleCorpus(str(Path(__file__).parents[1] / "data" / "sample" / "articles.jsonl"))()
    frame = corpus.sentences().head(2000).merge(corpus.articles[["article_id", "title"]], on="article_id")
    answers = {key: list(TOPICS)[: row % 5] for row, key in enumerate(frame["sentence_id"])}
    answers = {key: tuple(labels) for key, labels in answers.items()}
    found, rejected = round_trip(tmp_path, format, frame, answers)
    assert rejected == []
    assert [one[:5] for one in found] == expected(format, frame, answers)
    assert match_annotations(found, frame) == (found, [])
    assert len(found) > 100


def test_without_openpyxl_the_message_says_what_to_install(tmp_path, monkeypatch):
    pytest.importorskip("openpyxl")
    write_tasks(tmp_path / "t.xlsx", "xlsx", sentences(["A."]), TOPICS)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    says = r'^XLSX needs openpyxl: pip install "slugline\[xlsx\]", or use CSV$'
    with pytest.raises(InputError, match=says):
        write_tasks(tmp_path / "t.xlsx", "xlsx", sentences(["A."]), TOPICS)
    with pytest.raises(InputError, match=says):
        read_annotations(tmp_path / "t.xlsx", None, list(TOPICS))


def load(folder, format, frame, **options):
    """Return what `write_tasks` writes as JSON."""
    write_tasks(folder / "tasks", format, frame, TOPICS, **options)
    text = (folder / "tasks").read_text("utf-8")
    return json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.split("\n") if line]


CHANCES = np.array([[0.875, 0.5, 0.25, 0.125], [0.25, 0.125, 0.0, 0.375]])


def test_suggestions_of_a_model_and_labels_already_given_stand_where_each_tool_looks_for_them(tmp_path):
    frame = sentences(["A.", "B."], labels=[("ceas,e|f;ire",), None])
    tasks = load(tmp_path, "label_studio", frame, probabilities=CHANCES)
    chosen = [[(one["model_version"], one.get("score"), choices(one)) for one in task["predictions"]] for task in tasks]
    first = [("given", None, ["ceas,e|f;ire"]), ("slugline", 0.5, ["ceasefire", "aid & relief"])]
    assert chosen == [first, [("slugline", 0.625, [])]]
    in_doccano = load(tmp_path, "doccano", frame, probabilities=CHANCES)
    assert [(row.get("label"), row["suggested"]) for row in in_doccano] == [(None, "ceas,e|f;ire"), (None, "")]
    assert [row.get("accept") for row in load(tmp_path, "prodigy", frame, probabilities=CHANCES)] == [
        ["ceas,e|f;ire"],
        [],
    ]
    suggested = [record["suggestions"]["topics"] for record in load(tmp_path, "argilla", frame, probabilities=CHANCES)]
    assert suggested[0] == {"value": ["ceas,e|f;ire"], "score": None, "agent": "given"}
    assert suggested[1] == {"value": ["none of these"], "score": None, "agent": "slugline"}


def choices(prediction):
    """Return what a prediction of Label Studio chooses."""
    return [choice for one in prediction["result"] for choice in one["value"]["choices"]]


def test_a_model_suggests_its_likeliest_topic_where_a_sentence_has_one(tmp_path):
    options = {"probabilities": CHANCES, "mode": "multiclass"}
    tasks = load(tmp_path, "label_studio", sentences(["A.", "B."]), **options)
    assert [(one["score"], choices(one)) for task in tasks for one in task["predictions"]] == [
        (0.875, ["ceasefire"]),
        (0.375, ["ceas,e|f;ire"]),
    ]
    records = load(tmp_path, "argilla", sentences(["A.", "B."]), **options)
    assert records[0]["suggestions"]["topics"] == {"value": "ceasefire", "score": 0.875, "agent": "slugline"}


def test_a_sheet_shows_suggestions_beside_the_topics_and_asks_for_nothing_twice(tmp_path):
    frame = sentences(["A.", "B."], title=["T", None], published=["2026-01-02", None], labels=[("ceasefire",), None])
    write_tasks(tmp_path / "t.csv", "csv", frame, TOPICS, probabilities=CHANCES, reasons=["unsure", "odd label"])
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        header, first, second = csv.reader(stream)
    about = ["sentence_id", "article_id", "text", "title", "published", "reason", "given", "suggested"]
    assert header == [
        *about,
        "ceasefire",
        "aid & relief",
        "'=SUM(1)",
        "ceas,e|f;ire",
        "status",
        "annotator",
        "when",
        "instructions",
    ]
    assert first[:8] == ["s0", "a", "A.", "T", "2026-01-02", "unsure", "ceasefire", "ceasefire 0.88, aid & relief 0.50"]
    assert second[:8] == ["s1", "a", "B.", "", "", "odd label", "", ""]
    assert set(first[8:-1] + second[8:-1]) == {""}
    assert first[-1] == "Put an x below each topic that the sentence has."


@pytest.mark.parametrize(("mode", "several"), [("multilabel", "multiple"), ("multiclass", "single")])
def test_the_labelling_config_has_a_choice_for_every_topic_with_its_definition_as_hint(tmp_path, mode, several):
    frame = sentences(["A."], title=["T"])
    topics = {**TOPICS, "odd": "two\nlines\x00and a sign"}
    write_tasks(tmp_path / "tasks.json", "label_studio", frame, topics, reasons=["unsure"], mode=mode)
    view = ElementTree.parse(tmp_path / "tasks.xml").getroot()
    assert {choice.get("value"): choice.get("hint") or "" for choice in view.iter("Choice")} == {
        **TOPICS,
        "odd": "two lines and a sign",
    }
    assert [element.get("choice") for element in view.iter("Choices")] == [several]
    assert [element.get("value") for element in view.iter("Header")] == ["$title", "$reason"]


def test_cells_of_a_spreadsheet_are_text_and_no_formula(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    write_tasks(tmp_path / "t.xlsx", "xlsx", sentences(TEXTS), TOPICS)
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert len(cells) > 3 * len(TEXTS)
    assert {cell.data_type for cell in cells} == {"s"}
    assert [cell.quotePrefix for cell in cells if str(cell.value).startswith(("=", "@"))] == [True] * 4
    assert [(row[0].value, row[1].value) for row in book["topics"].iter_rows(max_row=2)] == list(TOPICS.items())[:2]


def test_cells_of_a_csv_file_begin_with_nothing_that_a_spreadsheet_would_run(tmp_path):
    frame = sentences(TEXTS).assign(sentence_id=lambda frame: ["=1", *frame["sentence_id"][1:]], source="@cmd")
    write_tasks(tmp_path / "t.csv", "csv", frame, TOPICS)
    with (tmp_path / "t.csv").open(encoding="utf-8-sig", newline="") as stream:
        cells = [cell for row in csv.reader(stream) for cell in row]
    assert [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n", "＝"))] == []
    assert [cell for cell in cells if cell.isdigit()] == []


@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_tasks_is_written_whole_or_not_at_all(tmp_path, format):
    file = tmp_path / "tasks"
    file.write_text("before")
    (tmp_path / "tasks.xml").write_text("before")
    bad = sentences(["A.", "B."], labels=[("ceasefire",), ("unheard of",)])
    with pytest.raises(InputError, match=r"^sentence s1: its label 'unheard of' is not a topic; allowed: ceasefire, "):
        write_tasks(file, format, bad, TOPICS)
    with pytest.raises(InputError, match=r"^cannot write .*tasks/t: (Not a directory|File exists)$"):
        write_tasks(file / "t", format, sentences(["A."]), TOPICS)
    assert {one.name: one.read_text() for one in tmp_path.iterdir() if one.is_file()} == {
        "tasks": "before",
        "tasks.xml": "before",
    }


LONG = {"text": "x" * 40_000}


@pytest.mark.parametrize(
    ("format", "change", "says"),
    [
        ("excel", {}, "format: 'excel'; allowed: label_studio, doccano, prodigy, argilla, csv, xlsx"),
        ("csv", {"mode": "one"}, "mode: 'one'; allowed: multilabel, multiclass"),
        ("csv", {"topics": {}}, "no topic to label sentences with"),
        ("csv", {"topics": {"a ": ""}}, "topic 'a ' cannot be written: it is empty, or has blanks around or line ends"),
        ("csv", {"topics": {"a\nb": ""}}, "topic 'a\\nb' cannot be written"),
        ("csv", {"topics": {"status": ""}}, "topic 'status' has the name of a column; rename it; taken: article_id, "),
        ("xlsx", {"topics": {"text": ""}}, "topic 'text' has the name of a column"),
        ("argilla", {"topics": {"none of these": ""}}, "topic 'none of these' is what Argilla's option for no topic"),
        (
            "csv",
            {"drop": "article_id"},
            "sentences to be labelled have no column 'article_id'; found: sentence_id, text",
        ),
        ("csv", {"ids": ["s0", "s0"]}, "sentence_id 's0' is repeated"),
        ("csv", {"ids": ["s0", None]}, "sentence_id nan; allowed: text"),
        ("xlsx", {"text": ["x" * 40_000, "B."]}, "has 40000 characters; a cell of XLSX holds 32767; use CSV"),
    ],
)
def test_what_could_not_come_back_is_not_written(tmp_path, format, change, says):
    frame = sentences(change.get("text", ["A.", "B."])).assign(sentence_id=change.get("ids", ["s0", "s1"]))
    frame = frame.drop(columns=change.get("drop", []))
    with pytest.raises(InputError) as error:
        write_tasks(tmp_path / "t", format, frame, change.get("topics", TOPICS), mode=change.get("mode", "multilabel"))
    assert says in str(error.value)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_the_config_does_not_take_the_place_of_the_tasks(tmp_path):
    with pytest.raises(InputError, match=r"tasks\.xml has the ending of the file beside it"):
        write_tasks(tmp_path / "tasks.xml", "label_studio", sentences(["A."]), TOPICS)


@pytest.mark.parametrize("wrong", [{"probabilities": np.zeros((2, 4))}, {"reasons": []}])
def test_arrays_of_another_length_are_a_mistake_of_the_caller(tmp_path, wrong):
    with pytest.raises(ValueError, match=r"probabilities of shape \(2, 4\)|0 reasons for 1 sentences"):
        write_tasks(tmp_path / "t", "csv", sentences(["A."]), TOPICS, **wrong)


def annotation(key="s0", labels=("ceasefire",), annotator="ann", when=None, text=None):
    """Return an annotation."""
    return Annotation(key, labels, annotator, when, text, "file:1")


def test_long_texts_that_differ_at_their_end_are_different_texts():
    start = "word " * 300
    matched, unmatched = match_annotations([annotation(text=f"{start}war")], sentences([f"{start}peace"]))
    assert (matched, len(unmatched)) == ([], 1)


def test_annotations_of_sentences_that_changed_or_went_are_listed_with_the_reason():
    frame = sentences(["A truce.", "Rain  fell.\n", "New."])
    good = [annotation("s0"), annotation("s0", text="A truce."), annotation("s1", text="Rain\r\nfell.")]
    bad = [
        annotation("s1", text="Rain fell"),
        annotation("s9"),
        annotation("s8", text="New."),
        annotation("s7", text="Old."),
    ]
    matched, unmatched = match_annotations([*good, *bad], frame)
    assert matched == good
    assert [one for one, _ in unmatched] == bad
    assert [reason for _, reason in unmatched] == [
        "changed: the text was 'Rain fell' and is 'Rain fell.'",
        "gone: no sentence has its id",
        "gone: no sentence has its id; its text is now in sentence s2",
        "gone: no sentence has its id",
    ]
