"""Stages are made once for the same bytes, config and code, and what is kept is whole, bounded, and data alone."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from slugline.cache import Folder, Off, Stages, keys, load, store, versions
from slugline.cache.entries import VALUES
from slugline.data import ArticleCorpus, Corpus
from slugline.dataset.labelled import read_labelled
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.tracking import origin

TRAIN = ("train", "tracking=off", "plots=false", "features=word", "folds=2")


def made(value):
    return lambda: {"value": value}


def never():
    raise AssertionError("made anew")


def values(tmp_path: Path, key: dict[str, str], make=never, **settings) -> tuple[dict, dict]:
    stages = Stages(Folder(str(tmp_path), **settings))
    return stages.run("stage", key, make), stages.notes


TOPICS = "+labels.topics={war: {keywords: [shelled]}, peace: {keywords: [truce]}}"
NEWS = ("data=articles", "data.path=articles.jsonl", "labels=gold", "labels.gold=gold.jsonl", TOPICS)


def write_news(folder: Path) -> Path:
    """Write articles and gold labels for their sentences; return the file of articles."""
    words = {"war": "Tanks shelled the town", "peace": "Envoys signed a truce", "": "Rain fell all day"}
    articles, gold = [], []
    for article in range(24):
        texts = [f"{text} on day {article} of the year." for text in words.values()]
        articles.append({"article_id": f"a{article}", "title": "News of the day.", "text": " ".join(texts)})
        for topic, text in zip(words, texts, strict=True) if article < 20 else ():  # the others are left to rules
            gold.append({"article_id": f"a{article}", "text": text, "labels": [topic] if topic else []})
    for name, rows in (("articles", articles), ("gold", gold)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "articles.jsonl"


def train(command, folder: Path, *options: str) -> tuple[str, dict]:
    ended = command(folder, *TRAIN, *NEWS, *options)
    assert ended.returncode == 0, ended.stderr
    run = max((folder / "experiments/runs").glob("*/*"), key=lambda place: place.stat().st_mtime)
    metrics = json.loads((run / "metrics.json").read_text())
    scores = {name: value for name, value in metrics.items() if not name.startswith("time/")}
    weights = {file.name: file.read_bytes() for file in (run / "model").glob("*.npy")}
    return ended.stdout, scores | weights


def test_what_was_made_is_given_back_as_it_was(tmp_path):
    frame = pd.DataFrame({"text": ["a", "ü “x”"], "n": [1, 2], "p": [None, "2020"], "debris": [True, False]})
    frame["labels"] = pd.Series([("x", "y"), None], dtype=object)
    X = csr_array(np.array([[0.0, 1.5], [0.0, 0.0], [2.0, 0.1]]))
    given = {"frame": frame, "X": X, "idf": np.array([1.0, 2.5]), "plain": {"a": [1, None, "ü"]}}
    store(tmp_path / "entry", {"key": "1"}, given)
    back = load(tmp_path / "entry")
    pd.testing.assert_frame_equal(back["frame"], frame)
    assert (back["X"] != X).nnz == 0
    assert back["X"].dtype == X.dtype
    assert back["idf"].tolist() == [1.0, 2.5]
    assert back["plain"] == given["plain"]


def test_the_same_key_is_made_once_and_another_says_what_changed(tmp_path):
    assert values(tmp_path, {"file a": "1", "C": "2"}, made(1)) == ({"value": 1}, {"stage": "made, nothing was kept"})
    assert values(tmp_path, {"file a": "1", "C": "2"}) == ({"value": 1}, {"stage": "reused"})
    assert values(tmp_path, {"file a": "9", "C": "2"}, made(2))[1] == {"stage": "made, changed: file a"}
    assert values(tmp_path, {"file a": "9", "C": "3"}, made(3))[1] == {"stage": "made, changed: C"}
    assert values(tmp_path, {"file a": "9", "C": "2"}) == ({"value": 2}, {"stage": "reused"})


def test_other_code_and_other_libraries_are_another_key():
    found = versions()
    assert {"code of slugline", "python", "pandas", "scikit-learn"} <= set(found)
    assert all(found.values())


def test_every_library_that_decides_what_a_stage_makes_is_in_its_key_and_among_the_versions_of_a_run():
    text = Path(__file__).parents[1].joinpath("pyproject.toml").read_text(encoding="utf-8")
    needed = {re.match(r"[\w-]+", line)[0] for line in tomllib.loads(text)["project"]["dependencies"]}
    decide_nothing = {
        "filelock",
        "hydra-core",
        "jinja2",
        "joblib",
        "mlflow",
        "psutil",
        "pyyaml",
        "skops",
        "threadpoolctl",
        "tqdm",
    }
    assert needed - decide_nothing == set(keys.LIBRARIES)
    assert set(keys.LIBRARIES) <= set(origin.LIBRARIES)


def test_nothing_is_kept_when_it_is_off_or_when_input_cannot_be_known(tmp_path):
    assert Stages(Off()).run("stage", {"a": "1"}, made(1)) == {"value": 1}
    value, notes = values(tmp_path, None, made(1))
    assert value == {"value": 1}
    assert notes["stage"].startswith("not kept")
    assert list(tmp_path.iterdir()) == []


@dataclass(frozen=True)
class BusyFolder(ArticleCorpus):
    """Articles of a folder in which others are at work: `before` the reading and `after` it."""

    before: ClassVar[Callable[[], object]] = list
    after: ClassVar[Callable[[], object]] = list

    def __call__(self) -> Corpus:
        type(self).before()
        corpus = super().__call__()
        type(self).after()
        return corpus


@pytest.mark.parametrize(
    ("before", "after", "read"),
    [
        (lambda: Path("news/c.txt").write_text("Rain fell."), list, 3),
        (lambda: Path("news/b.txt").unlink(), list, 1),
        (lambda: Path("news/b.txt").write_text("Rain fell."), list, 2),
        (list, lambda: shutil.rmtree("news"), 2),
    ],
    ids=["a file comes", "a file goes", "a file changes", "the folder goes"],
)
def test_what_is_read_while_files_change_is_used_and_not_kept(tmp_path, monkeypatch, before, after, read):
    def write():
        shutil.rmtree("news", ignore_errors=True)
        Path("news").mkdir()
        for name in ("a", "b"):
            Path(f"news/{name}.txt").write_text("The truce held.")

    monkeypatch.chdir(tmp_path)
    write()
    monkeypatch.setattr(BusyFolder, "before", before)
    monkeypatch.setattr(BusyFolder, "after", after)
    corpus, _ = read_labelled(BusyFolder("news"), Labels(), stages := Stages(Folder("cache")))
    assert len(corpus.articles) == read
    assert stages.notes["articles"] == "not kept: its files changed while they were read"
    assert not list(Path("cache").rglob(VALUES))  # nor what is made of them: sentences and labels

    monkeypatch.undo()
    monkeypatch.chdir(tmp_path)
    write()
    corpus, _ = read_labelled(BusyFolder("news"), Labels(), stages := Stages(Folder("cache")))
    assert corpus.articles["text"].tolist() == ["The truce held."] * 2
    assert stages.notes["articles"].startswith("made")
    read_labelled(BusyFolder("news"), Labels(), stages := Stages(Folder("cache")))
    assert stages.notes["articles"] == "reused"


@pytest.mark.parametrize("damage", ["cut", "gone", "pickle"])
def test_an_entry_that_cannot_be_read_is_made_anew_and_runs_nobodys_code(tmp_path, damage):
    values(tmp_path, {"a": "1"}, lambda: {"value": np.arange(1000.0), "n": 1})
    (file,) = tmp_path.glob("stage/*/value.npy")
    if damage == "cut":
        file.write_bytes(file.read_bytes()[:500])
    elif damage == "gone":
        (file.parent / "values.json").unlink()
    else:

        class Canary:
            def __reduce__(self):
                return (os.system, (f"touch {tmp_path}/canary",))

        np.save(file, np.array([Canary()], dtype=object), allow_pickle=True)
    again, notes = values(tmp_path, {"a": "1"}, made(2))
    assert again == {"value": 2}
    assert notes["stage"] == "made, what was kept cannot be read"
    assert values(tmp_path, {"a": "1"}) == ({"value": 2}, {"stage": "reused"})
    assert not (tmp_path / "canary").exists()


def test_what_was_not_used_for_longest_goes_when_the_bound_is_reached(tmp_path):
    for number in range(4):
        values(tmp_path, {"n": str(number)}, lambda: {"value": np.zeros(100_000)}, max_gigabytes=0.0020)
        time.sleep(0.02)
        if number:
            assert values(tmp_path, {"n": "0"})[1] == {"stage": "reused"}  # used again, so it stays
    assert sum(file.stat().st_size for file in tmp_path.rglob("*") if file.is_file()) < 2_000_000
    assert values(tmp_path, {"n": "3"})[1] == {"stage": "reused"}
    assert values(tmp_path, {"n": "1"}, made(0))[1] == {"stage": "made, changed: n"}


def test_a_bound_that_is_none_is_refused():
    with pytest.raises(InputError, match="max_gigabytes: 0"):
        Folder("x", 0)


def test_where_nothing_can_be_written_stages_run_all_the_same(tmp_path):
    (tmp_path / "file").write_text("")
    value, notes = values(tmp_path / "file", {"a": "1"}, made(1))
    assert value == {"value": 1}
    assert notes["stage"].startswith("not kept: ")


def test_what_is_no_data_is_used_but_not_kept(tmp_path):
    value, notes = values(tmp_path, {"a": "1"}, lambda: {"value": {1, 2}})
    assert value == {"value": {1, 2}}
    assert "not kept" in notes["stage"]
    assert list(tmp_path.glob("stage/*/")) == []


SLOW = """
import sys, time, numpy as np
from slugline.cache import Folder, Stages
def make():
    with open(sys.argv[2], "a") as log: log.write("made\\n")
    time.sleep(1)
    return {str(n): np.random.default_rng(n).random(200_000) for n in range(40)}
found = Stages(Folder(sys.argv[1])).run("stage", {"a": "1"}, make)
assert len(found) == 40 and all(found[str(n)][0] == np.random.default_rng(n).random() for n in range(40))
"""


@pytest.mark.slow
def test_two_processes_share_what_one_of_them_makes(tmp_path):
    command = [sys.executable, "-c", SLOW, str(tmp_path / "cache"), str(tmp_path / "log")]
    both = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait(60) for process in both] == [0, 0]
    assert (tmp_path / "log").read_text() == "made\n"


@pytest.mark.slow
def test_a_process_killed_at_any_moment_leaves_no_broken_entry(tmp_path):
    command = [sys.executable, "-c", SLOW, str(tmp_path / "cache"), str(tmp_path / "log")]
    start = time.perf_counter()
    subprocess.run(command, check=True)
    whole = time.perf_counter() - start
    (entry,) = (tmp_path / "cache/stage").glob("[!.]*/")
    for share in np.linspace(0.85, 1.0, 3):
        subprocess.run(["rm", "-r", str(tmp_path / "cache")], check=True)
        process = subprocess.Popen(command)
        time.sleep(whole * share)
        process.send_signal(signal.SIGKILL)
        process.wait()
        if entry.exists():
            assert len(load(entry)) == 40
        subprocess.run(command, check=True)


def test_a_second_run_reads_nothing_again_and_gives_the_same(tmp_path, command):
    write_news(tmp_path)
    said, first = train(command, tmp_path)
    assert "cache   articles made, nothing was kept" in said
    said, second = train(command, tmp_path)
    assert "cache   reused articles, sentences, labels, duplicates, features.word\n" in said
    assert " made," not in said
    assert second == first
    said, _ = train(command, tmp_path, "model.C=1")
    assert "cache   reused articles, sentences, labels, duplicates, features.word\n" in said
    said, off = train(command, tmp_path, "cache=off")
    assert "\ncache   " not in said
    assert off == first


@pytest.mark.slow
def test_a_run_says_which_file_or_key_changed(tmp_path, command):
    data = write_news(tmp_path)
    train(command, tmp_path)
    said, _ = train(command, tmp_path, "features.word.min_df=3")
    assert (
        "cache   reused articles, sentences, labels, duplicates\ncache   features.word made, changed: min_df\n" in said
    )
    said, _ = train(command, tmp_path, "labels.rules=true")
    assert "cache   reused articles, sentences, duplicates\ncache   labels made, changed: labels." in said
    said, _ = train(command, tmp_path, "data.columns.title=headline")
    assert "cache   articles made, changed: data.columns.title\n" in said
    data.write_text("".join(data.read_text().splitlines(keepends=True)[:-1]))
    said, _ = train(command, tmp_path)
    assert "cache   articles made, changed: file articles.jsonl\n" in said
    assert "cache   labels made, changed: sentences\n" in said


def test_a_topic_without_anything_said_of_it_is_another_key_and_so_is_another_order(tmp_path, command):
    rows = [{"article_id": f"a{n % 8}", "text": f"They met {n} times.", "labels": ["war"][: n % 2]} for n in range(40)]
    (tmp_path / "s.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    options = (*TRAIN, "data=sentences", "data.path=s.jsonl", "labels=given")
    first = command(tmp_path, *options, "+labels.topics={war: {}}")
    assert first.returncode == 0, first.stderr
    for topics in ("{war: {}, tax: {}}", "{tax: {}, war: {}}"):
        other = command(tmp_path, *options, f"+labels.topics={topics}")
        assert "not trained: fewer articles than labels.min_articles=2 carry: tax (0)" in other.stdout
    assert len(list((tmp_path / "experiments/cache/labels").glob("[!.]*/"))) == 3
