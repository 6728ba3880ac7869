"""Annotations of any format become gold labels, one after the other or together, and what cannot be used is listed."""

import json
from pathlib import Path

import pytest
from annotating import ENDINGS, annotate, sentences

from slugline.annotate import FORMATS, collect_gold, find_annotation_files, read_history, write_gold, write_tasks
from slugline.errors import InputError

TOPICS = {"ceasefire": "A truce is agreed.", "aid": ""}
FRAME = sentences(["A truce.", "Aid came.", "Rain fell."])
ANSWERS = {"s0": ("ceasefire",), "s1": ("aid",), "s2": ()}


def annotated(folder: Path, format: str, annotator: str = "ann") -> Path:
    """Write the sentences as tasks, answer them, and return the file."""
    file = folder / f"{annotator}{ENDINGS[format]}"
    write_tasks(file, format, FRAME, TOPICS)
    annotate(file, format, ANSWERS, annotator)
    return file


@pytest.mark.parametrize("named", [True, False], ids=["named", "recognised"])
@pytest.mark.parametrize("format", FORMATS)
def test_a_file_of_any_format_becomes_gold_labels(tmp_path, format, named):
    files = find_annotation_files(str(annotated(tmp_path, format)))
    collected = collect_gold(
        files, FRAME, list(TOPICS), history=tmp_path / "history.jsonl", format=format if named else None
    )
    assert (collected.read, collected.rejected, collected.unmatched, collected.new) == (3, [], [], 3)
    assert dict(zip(collected.gold["sentence_id"], collected.gold["labels"], strict=True)) == ANSWERS
    assert collected.unresolved.empty
    assert len(read_history(tmp_path / "history.jsonl")) == 3


def test_a_folder_is_searched_for_annotations_and_nothing_else_in_it_is_read(tmp_path):
    files = [annotated(tmp_path, name, f"ann{number}") for number, name in enumerate(FORMATS)]
    (tmp_path / "notes.md").write_text("see Label Studio")
    assert find_annotation_files(str(tmp_path)) == sorted(files)
    assert find_annotation_files([str(tmp_path / "*.csv"), str(files[0])]) == [files[4], files[0]]


def test_a_file_that_is_named_may_have_any_ending(tmp_path):
    file = annotated(tmp_path, "prodigy")
    export = file.rename(tmp_path / "export.db-out")
    assert find_annotation_files(str(export)) == [export]


def test_a_place_without_annotations_is_named(tmp_path):
    with pytest.raises(InputError, match=r"^annotations: no such file or folder: .*none\.json$"):
        find_annotation_files(str(tmp_path / "none.json"))
    (tmp_path / "notes.md").write_text("nothing")
    with pytest.raises(InputError, match=r"^annotations: no file of annotations at .*; endings read: \.json, "):
        find_annotation_files(str(tmp_path))


def test_nothing_usable_leaves_no_history_and_no_gold(tmp_path):
    file = tmp_path / "ann.csv"
    file.write_text("sentence_id,labels\ns0,sport\ns9,aid\n")
    collected = collect_gold([file], FRAME, list(TOPICS), history=tmp_path / "history.jsonl")
    assert (collected.read, collected.new, collected.history) == (1, 0, [])
    assert [item.where for item in [*collected.rejected, *collected.unmatched]] == ["ann.csv:2", "ann.csv:3"]
    assert collected.gold.empty
    assert not (tmp_path / "history.jsonl").exists()


def test_a_merge_that_cannot_be_is_refused_before_the_history_grows(tmp_path):
    history = tmp_path / "history.jsonl"
    with pytest.raises(InputError, match="resolve=adjudicated: no adjudicator"):
        collect_gold([annotated(tmp_path, "csv")], FRAME, list(TOPICS), history=history, method="adjudicated")
    assert not history.exists()


def test_gold_labels_are_written_a_line_each(tmp_path):
    collected = collect_gold([annotated(tmp_path, "csv")], FRAME, list(TOPICS), history=tmp_path / "history.jsonl")
    write_gold(tmp_path / "gold.jsonl", collected.gold)
    rows = [json.loads(line) for line in (tmp_path / "gold.jsonl").read_text("utf-8").splitlines()]
    assert rows[0] == {
        "sentence_id": "s0",
        "article_id": "a",
        "text": "A truce.",
        "labels": ["ceasefire"],
        "annotators": ["ann"],
    }
    assert [row["labels"] for row in rows] == [["ceasefire"], ["aid"], []]
