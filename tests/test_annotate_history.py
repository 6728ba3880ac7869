"""The history of annotations only grows, loses nothing, and says each thing once."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from slugline.annotate import Annotation, append_history, merge_annotations, read_history
from slugline.errors import InputError

NOON, EVENING = "2026-01-01T12:00:00+00:00", "2026-01-01T18:00:00+00:00"


def annotation(key, labels, when=None, annotator="ann", where="file:1", text='A "text"\n🕊️ \udc80'):
    """Return an annotation; labels are letters."""
    return Annotation(key, None if labels is None else tuple(labels), annotator, when, text, where)


def test_all_annotations_are_read_back_in_their_order(tmp_path):
    file = tmp_path / "new" / "history.jsonl"
    first = [annotation("s0", "ab", NOON), annotation("s1", "", None), annotation("s2", None, NOON, text=None)]
    second = [annotation("s0", "b", EVENING, "other", "other.csv:7")]
    assert read_history(file) == []
    assert [append_history(file, first), append_history(file, second)] == [3, 1]
    assert read_history(file) == first + second
    lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
    assert set(lines[0]) == {"sentence_id", "labels", "annotator", "when", "text", "where", "imported"}
    assert {line["imported"][:2] for line in lines} == {"20"}


def test_the_same_file_again_adds_nothing(tmp_path):
    file = tmp_path / "history.jsonl"
    alice = [
        annotation("s0", "a", annotator="alice"),
        annotation("s1", "b", NOON, "alice"),
        annotation("s1", "a", EVENING, "alice"),
    ]
    bob = [annotation("s0", "b", annotator="bob"), annotation("s2", None, annotator="bob")]
    counts = [append_history(file, one) for one in (alice, alice, bob, alice, bob)]
    assert counts == [3, 0, 2, 0, 0]
    assert read_history(file) == alice + bob


def test_a_change_of_mind_is_added_and_so_is_the_way_back(tmp_path):
    file = tmp_path / "history.jsonl"
    counts = [append_history(file, [annotation("s0", labels)]) for labels in ("a", "b", "b", "a", None)]
    assert counts == [1, 1, 0, 1, 1]
    assert merge_annotations(read_history(file)[:3])["labels"].tolist() == [("a",)]


def test_a_line_that_a_killed_run_cut_off_is_passed_over_and_replaced(tmp_path):
    file = tmp_path / "history.jsonl"
    append_history(file, [annotation("s0", "a"), annotation("s1", "a")])
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    assert read_history(file) == [annotation("s0", "a")]
    assert append_history(file, [annotation("s1", "a")]) == 1
    assert read_history(file) == [annotation("s0", "a"), annotation("s1", "a")]


@pytest.mark.parametrize(
    "line",
    ["{", "[]", "5", "{}", '{"sentence_id": 5}', '{"labels": "a"}', "[" * 100_000, "\ufeff{}", '{"labels": [1]}'],
    ids=range(9),
)
def test_a_line_that_is_no_annotation_is_named(tmp_path, line):
    file = tmp_path / "history.jsonl"
    append_history(file, [annotation("s0", "a")])
    good = json.loads(file.read_text("utf-8"))
    if line.startswith('{"'):
        line = json.dumps(good | json.loads(line))
    with file.open("a", encoding="utf-8") as stream:
        stream.write(f"{line}\n")
    for act in (lambda: read_history(file), lambda: append_history(file, [annotation("s1", "a")])):
        with pytest.raises(InputError, match=r"^history, .*history\.jsonl:2: no annotation: .*; take the line out$"):
            act()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "history").mkdir()
    with pytest.raises(InputError, match=r"^history: cannot \w+ .*history: Is a directory$"):
        append_history(tmp_path / "history", [annotation("s0", "a")])
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"^history: cannot write .*: (Not a directory|File exists)$"):
        append_history(tmp_path / "file" / "history", [annotation("s0", "a")])


WRITER = """
import sys
from pathlib import Path
from slugline.annotate import Annotation, append_history
print("ready", flush=True)
sys.stdin.readline()
for number in range(40):
    append_history(Path(sys.argv[1]), [Annotation(f"s{number}", ("a",), sys.argv[2], None, "x" * 5000, "f")])
"""


@pytest.mark.slow
def test_processes_at_once_lose_nothing(tmp_path):
    file, root = tmp_path / "history.jsonl", Path(__file__).parents[1]
    command, pipes = [sys.executable, "-c", WRITER, str(file)], {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    running = [subprocess.Popen([*command, f"ann{number}"], cwd=root, **pipes, text=True) for number in range(3)]
    assert [process.stdout.readline() for process in running] == ["ready\n"] * 3
    for process in running:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in running:
        process.communicate(timeout=60)
    assert [process.returncode for process in running] == [0, 0, 0]
    found = read_history(file)
    assert {(one.annotator, one.sentence_id) for one in found} == {
        (f"ann{annotator}", f"s{number}") for annotator in range(3) for number in range(40)
    }
    assert len(found) == 120
