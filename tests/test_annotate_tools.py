"""The files are those that the tools themselves write and read: their own readers say so where they are installed.

pip install label-studio-sdk argilla     # 50 packages, so not among those for development; without them these skip
"""

import json
import warnings

import numpy as np
import pytest
from annotating import annotate, sentences

from slugline.annotate import read_annotations, write_tasks

TOPICS = {"ceasefire": "A truce is agreed.", "aid & relief": 'Goods "sent" <there>.', "threat": ""}
TEXTS = ['He said: "Never!"', "Two\nlines", "الهدنة 🕊️", "=1+1"]
ANSWERS = {"s0": ("ceasefire",), "s1": ("ceasefire", "threat"), "s2": (), "s3": None}
CHANCES = np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.4], [1.0, 0.0, 0.7], [0.6, 0.6, 0.6]])


def imported(name):
    """Import a tool's package, or skip; warnings about its own code are its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytest.importorskip(name, reason=f"pip install label-studio-sdk argilla ({name})")


def read(file, format=None):
    """Return labels by sentence, and who gave them."""
    found, rejected = read_annotations(file, format, list(TOPICS))[:2]
    assert rejected == []
    return {one.sentence_id: one.labels for one in found}, {one.annotator for one in found}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["multilabel", "multiclass"])
def test_label_studio_takes_the_config_the_tasks_and_their_predictions_for_valid(tmp_path, mode):
    interface = imported("label_studio_sdk.label_interface").LabelInterface
    frame = sentences(TEXTS, title="T", labels=[("threat",), None, None, ("ceasefire",)])
    write_tasks(
        tmp_path / "t.json", "label_studio", frame, TOPICS, probabilities=CHANCES, reasons=["unsure"] * 4, mode=mode
    )
    config = interface((tmp_path / "t.xml").read_text("utf-8"))
    config.validate()
    control = config.get_control("topics")
    assert control.is_multiple_choice == (mode == "multilabel")
    assert list(control.labels) == list(TOPICS)
    tasks = json.loads((tmp_path / "t.json").read_text("utf-8"))
    assert [config.validate_task({"data": task["data"]}) for task in tasks] == [True] * 4
    predictions = [prediction for task in tasks for prediction in task["predictions"]]
    assert len(predictions) == 6
    assert [config.validate_prediction(prediction, return_errors=True) for prediction in predictions] == [[]] * 6
    wrong = json.loads(json.dumps(predictions[0]).replace("threat", "unheard of"))
    assert config.validate_prediction(wrong, return_errors=True) != []


@pytest.mark.filterwarnings("ignore")
def test_what_the_converter_of_label_studio_exports_comes_back(tmp_path):
    converter = imported("label_studio_sdk.converter").Converter
    write_tasks(tmp_path / "t.json", "label_studio", sentences(TEXTS, title="T"), TOPICS, probabilities=CHANCES)
    annotate(tmp_path / "t.json", "label_studio", ANSWERS, "a@b.example")
    convert = converter((tmp_path / "t.xml").read_text("utf-8"), str(tmp_path))
    convert.convert_to_json_min(str(tmp_path / "t.json"), str(tmp_path / "min"), is_dir=False)
    convert.convert_to_csv(str(tmp_path / "t.json"), str(tmp_path / "csv"), is_dir=False, sep=",")
    labelled = {
        key: labels for key, labels in ANSWERS.items() if labels is not None
    }  # it leaves out what was cancelled
    assert read(tmp_path / "min" / "result.json") == (labelled, {"a@b.example"})
    assert read(tmp_path / "csv" / "result.csv") == (labelled, {"a@b.example"})
    assert read(tmp_path / "t.json") == (ANSWERS, {"a@b.example"})


USER = "11111111-2222-3333-4444-555555555555"


def response_model(record):
    """Return the response to a record as the server holds it."""
    responses = imported("argilla.responses").UserResponse(responses=list(record.responses))
    return responses._model.model_dump(mode="json")


@pytest.mark.filterwarnings("ignore")
def test_argilla_reads_the_records_and_what_it_writes_comes_back(tmp_path):
    argilla = imported("argilla")
    json_io = imported("argilla.records._io").JsonIO
    frame = sentences(TEXTS, title=["T", None, "", "T"], labels=[("threat",), None, None, ()])
    write_tasks(tmp_path / "t.json", "argilla", frame, TOPICS, probabilities=CHANCES, reasons=["unsure"] * 4)
    records = json_io._records_from_json(tmp_path / "t.json")
    assert [(record.id, record.fields["text"]) for record in records] == [
        (f"s{n}", text) for n, text in enumerate(TEXTS)
    ]
    assert [record.suggestions["topics"].value for record in records] == [
        ["threat"],
        ["none of these"],
        ["ceasefire", "threat"],
        ["none of these"],
    ]
    for record in records:
        value = list(ANSWERS[record.id] or ()) or ["none of these"]
        status = "discarded" if ANSWERS[record.id] is None else "submitted"
        record.responses.add(argilla.Response("topics", value, user_id=USER, status=status))
    flat = imported("argilla.records._io").GenericIO.to_list(records, flatten=True)
    (tmp_path / "flat.json").write_text(json.dumps(flat), "utf-8")
    assert read(tmp_path / "flat.json") == (ANSWERS, {USER})
    server = [
        {"id": USER, "external_id": record.id, "fields": dict(record.fields), "responses": [response_model(record)]}
        for record in records
    ]
    (tmp_path / "server.json").write_text(json.dumps(server), "utf-8")
    assert read(tmp_path / "server.json") == (ANSWERS, {USER})
    for record in records[:3]:
        record._model.status = "completed"
    json_io.to_json(records, tmp_path / "nested.json")
    found, rejected = read_annotations(tmp_path / "nested.json", None, list(TOPICS))[:2]
    assert [(one.sentence_id, one.labels) for one in found] == list(ANSWERS.items())[:3]
    assert [one.reason[:10] for one in rejected] == ["no status:"]  # of what was discarded: `to_json` leaves it out


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["multilabel", "multiclass"])
def test_argilla_reads_the_settings(tmp_path, mode, monkeypatch):
    argilla = imported("argilla")
    client = object.__new__(argilla.Argilla)  # settings are read without a server, and yet want a client
    client.api = type("Api", (), dict.fromkeys(("questions", "fields", "vectors", "metadata")))()
    monkeypatch.setattr(argilla.Argilla, "_get_default", classmethod(lambda cls: client))
    write_tasks(tmp_path / "t.json", "argilla", sentences(TEXTS, title="T"), TOPICS, mode=mode)
    settings = argilla.Settings.from_json(tmp_path / "t.settings.json")
    settings.validate()
    question = settings.questions["topics"]
    none = ["none of these"] if mode == "multilabel" else []
    assert list(question.labels) == [*TOPICS, *none]
    assert type(question).__name__ == ("MultiLabelQuestion" if mode == "multilabel" else "LabelQuestion")
    assert [(field.name, field.required) for field in settings.fields] == [("text", True), ("title", False)]
    assert "**ceasefire**: A truce is agreed." in settings.guidelines
