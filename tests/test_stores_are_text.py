"""What comes from a store, a folder's name or a file's name is text: nothing in it is interpolated, made or run."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from conftest import run_slugline, store_of

SECRET = "s3cret-of-the-environment-9137"
REFERENCE = "${oc.env:SLUGLINE_SECRET}"
CANARY = "$(touch pwned) `touch pwned` {{ 7919 * 7907 }}"  # of shells and of templates: 62615533 would stand in a page
WORDS = ("truce", "relief", "court", "rain", "police", "mayor")

pytestmark = pytest.mark.slow


def run(folder: Path, *arguments: str, ends: int = 0) -> str:
    """Run a command with a secret in the environment, and return what it printed."""
    result = run_slugline(folder, *arguments, SLUGLINE_SECRET=SECRET)
    printed = result.stdout + result.stderr
    assert result.returncode == ends, printed
    assert "Traceback" not in printed
    return printed


def assert_no_secret(folder: Path, printed: str) -> None:
    """Check that the secret was neither printed nor written anywhere, and that nothing was run."""
    assert SECRET not in printed
    assert [path for path in folder.rglob("*") if SECRET in path.name] == []
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert [file for file in files if SECRET.encode() in file.read_bytes()] == []
    assert [file for file in files if file.name == "pwned"] == []
    assert [file for file in files if file.suffix in (".html", ".md") and "62615533" in file.read_text("utf-8")] == []


def write_articles(folder: Path, odd: str = "") -> None:
    """Write a few articles, whose names are odd, and a taxonomy, whose topics are."""
    (folder / "news").mkdir()
    for number in range(24):
        first, second = WORDS[number % 6], WORDS[(number // 2) % 6]
        text = (
            f"Day {number}: the {first} held.\nDay {number}: the {second} came {odd}.\nDay {number} was a day of rain."
        )
        (folder / "news" / f"{odd.replace('/', '-')}{number}.txt").write_text(text)
    (folder / "conf/labels").mkdir(parents=True)
    topics = {f"{odd}war": ["truce"], f"{odd}aid": ["relief"]}
    (folder / "conf/labels/mine.yaml").write_text(f"defaults: [rules]\ntopics: {json.dumps(topics)}\n")


# Each column of the store whose text a command may take up, and in which rows it can be changed without a file lost
POISONED = {
    "runs": {"name": "1"},
    "experiments": {"name": "1"},
    "tags": {"value": "key NOT IN ('model_uri', 'mlflow.parentRunId', 'mlflow.log-model.history')"},
    "params": {"value": "1"},
    "datasets": {"name": "1", "dataset_profile": "1"},
    "inputs": {},
    "experiment_tags": {"value": "1"},
    "registered_models": {"description": "1"},
    "registered_model_tags": {"value": "1"},
    "model_versions": {"description": "1"},
    "model_version_tags": {"value": "1"},
}


def poison(folder: Path) -> list[str]:
    """Add a reference to all text of the store, and return the ids of its runs."""
    with sqlite3.connect(store_of(folder).removeprefix("sqlite:///")) as store:
        for table, columns in POISONED.items():
            for column, rows in columns.items():
                text = f"coalesce({column}, '') || ?"
                store.execute(f"UPDATE {table} SET {column} = {text} WHERE {rows}", (f" {REFERENCE} {CANARY}",))
        runs = [row[0] for row in store.execute("SELECT run_uuid FROM runs ORDER BY start_time")]
    store.close()
    for file in folder.rglob("model.json"):
        header = json.loads(file.read_text())
        header["info"] = {key: f"{value} {REFERENCE} {CANARY}" for key, value in header["info"].items()}
        file.write_text(json.dumps(header))
    return runs


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory) -> tuple[Path, list[str]]:
    """Return a folder with a store of two runs, all whose text has references, and the ids of these runs."""
    folder = tmp_path_factory.mktemp("poisoned")
    write_articles(folder)
    data = ("data=articles", "data.path=news", "labels=mine", "--config-dir", "conf", "features=word")
    for folds in (3, 2):
        run(folder, "train", *data, f"folds={folds}")
    return folder, poison(folder)


def test_no_command_interpolates_what_a_store_says(poisoned):
    trained, (one, other) = poisoned
    name = sqlite3.connect(f"{trained}/store.db").execute("SELECT name FROM registered_models").fetchone()[0]
    printed = run(trained, "reproduce", f"run_id={one}", ends=1)  # the digest of the model is not what the store says
    assert "metrics equal" in printed
    printed += run(trained, "compare", f"runs=[{one},{other}]")
    uri = f"models:/{name}/2"
    printed += run(trained, "predict", f"model_uri={uri}", "input=news", "output=p.csv", "n_jobs=1")
    printed += run(trained, "export", f"model_uri={uri}", "output=model.skops")
    data = ["data=articles", "data.path=news", "labels=mine", "--config-dir", "conf"]
    printed += run(trained, "review", *data, f"model_uri={uri}", "output=queue.csv", "size=3")
    printed += run(trained, "promote", f"registered_model={name}", "version=2", "data=articles", "data.path=news", "labels=mine",
                   "--config-dir", "conf", "part=all", ends=1)  # fmt: skip
    assert REFERENCE in printed  # it is shown as the text that it is
    assert_no_secret(trained, printed)


@pytest.mark.parametrize(
    "text",
    [f"name: {REFERENCE}", f"seed: {REFERENCE}", f"data:\n  _target_: slugline.data.ArticleCorpus\n  path: {REFERENCE}",
     f"labels:\n  _target_: slugline.labels.Labels\n  guidelines: {REFERENCE}\n  gold: {REFERENCE}",
     "model:\n  _target_: builtins.eval", "features:\n  w:\n    _target_: os.system",
     f"evaluation:\n  {REFERENCE}: 1", f"data:\n  _target_: slugline.data.ArticleCorpus\n  columns:\n    text: {REFERENCE}"],
)  # fmt: skip
def test_a_recorded_config_is_refused_where_it_refers_to_something(text, poisoned):
    trained, (run_id, _) = poisoned
    (config,) = list(trained.rglob("config.yaml"))[:1]
    before = config.read_text()
    artifacts = [file for file in trained.rglob("config.yaml") if file.parent.name == "artifacts"]
    kept = {file: file.read_text() for file in artifacts}
    try:
        for file in artifacts:
            file.write_text(text + "\n")
        printed = run(trained, "reproduce", f"run_id={run_id}", ends=1)
    finally:
        for file, content in kept.items():
            file.write_text(content)
    assert config.read_text() == before
    assert re.search(r"refers to something outside itself|is not allowed", printed)
    assert_no_secret(trained, printed)


def test_names_of_folders_files_and_topics_are_text(tmp_path):
    odd = f"{REFERENCE} {CANARY}"
    printed = run(tmp_path, "new", odd, f"topics={REFERENCE}war,it's")
    project = tmp_path / odd
    (project / "conf/labels/topics.yaml").unlink()
    (tmp_path / "articles").mkdir()
    write_articles(tmp_path / "articles", odd)
    for file in (tmp_path / "articles/news").iterdir():
        file.rename(project / "articles" / file.name)
    (tmp_path / "articles/conf/labels/mine.yaml").rename(project / "conf/labels/topics.yaml")
    printed += run(project, "label")
    printed += run(project, "train")
    printed += run(project, "predict", "input=articles", "output=topics.csv", "n_jobs=1")
    printed += run(project, "train", "-m", "seed=1,2", "features=word", "folds=2", "plots=false")
    assert_no_secret(tmp_path, printed)
