"""How the columns of ready-made sentences were understood is said by every command that reads them."""

import json
import shlex

import pytest

NOTES = (
    "note    columns: text from 'Sentence', labels from 'topic'; others: data.columns.text=COLUMN",
    "note    no column says which article a sentence is of: each counts as an article of its own",
)
DATA = ("data=sentences", "data.path=news.jsonl")
ALIKE = "split.duplicates=off"  # else sentences of one event are copies
SMALL = ("features=word", "features.word.min_df=1", "folds=2", "plots=false", "split.test=0.3", "cache=off", ALIKE)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, command):
    """A folder with sentences under column names of their own, and a model."""
    place = tmp_path_factory.mktemp("notes")
    events = {"truce": "signed a truce", "fines": "raised the fines", "aid": "sent food and tents"}
    rows = [
        {"Sentence": f"They {events[topic]} on day {day}.", "topic": topic} for day in range(20) for topic in events
    ]
    (place / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    trained = command(place, "train", *DATA, *SMALL)
    assert trained.returncode == 0, trained.stderr
    assert all(note in trained.stdout for note in NOTES)
    return place


COMMANDS = {
    "label": ("label", *DATA, "labels.topics={truce: [truce], fines: [fines], aid: [food]}", "tracking=off"),
    "label tasks": (
        "label",
        *DATA,
        "labels.given=false",
        "labels.topics={truce: [truce], fines: [], aid: []}",
        "tasks=tasks.csv",
    ),
    "review": (
        "review",
        *DATA,
        "labels.given=false",
        "labels.topics={truce: [truce], fines: [], aid: []}",
        "output=queue.csv",
        "model_uri=models:/slugline/1",
        "diversity=0",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", COMMANDS)
def test_the_notes_are_those_of_train(folder, command, name):
    done = command(folder, *COMMANDS[name])
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(note in done.stdout for note in NOTES)


@pytest.mark.slow
def test_promote_says_it_too(folder, command):
    assert command(folder, "train", *DATA, *SMALL, "model.C=2").returncode == 0
    limits = ("gate.max_calibration_error=1", "gate.max_macro_drop=1")
    done = command(folder, "promote", *DATA, "labels=given", *limits)
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(note in done.stdout for note in NOTES)


@pytest.mark.slow
def test_reproduce_prints_means_and_what_differs_and_everything_if_asked(folder, command):
    key = "models:/slugline/1"
    short = command(folder, "reproduce", f"run_id={key}")
    assert short.returncode == 0, short.stdout + short.stderr
    assert "test/f1_macro " in short.stdout
    assert "test/f1/truce " not in short.stdout
    assert "more that are equal; details=true shows all" in short.stdout
    whole = command(folder, "reproduce", f"run_id={key}", "details=true")
    assert "test/f1/truce " in whole.stdout
    assert "details=true" not in whole.stdout


@pytest.mark.slow
def test_a_sweep_ends_with_its_best_job_and_the_score_it_was_chosen_by(folder, command):
    done = command(folder, "train", "-m", *DATA, *SMALL, "model.C=0.5,5")
    assert done.returncode == 0, done.stderr
    best = next(line for line in done.stdout.splitlines() if line.startswith("best    "))
    assert shlex.split(best)[-2] == "cross_validated/f1_macro"
    assert 0 <= float(shlex.split(best)[-1]) <= 1
    assert " C=" in best
