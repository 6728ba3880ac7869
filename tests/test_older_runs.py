"""Runs of older versions, whose report, plots and tables lie beside the rest, are read by every command."""

import json
import shutil
from pathlib import Path

import pytest
from conftest import store_of
from mlflow import MlflowClient

pytestmark = pytest.mark.slow
WORDS = ("truce", "talks", "rain")
BASE = ("train", "data=sentences", "data.path=news.jsonl", "labels=given", "features=word", "folds=2")


def flatten(folder: Path) -> None:
    """Move the files of a run to where older versions had them."""
    for file in [*folder.glob("report/**/*.*"), *folder.glob("tables/*")]:
        file.rename(folder / file.name)
    for name in ("report", "tables"):
        shutil.rmtree(folder / name)


@pytest.fixture(scope="module")
def place(tmp_path_factory, command):
    """A folder with a store of two runs of before, and the folder `late` of one that is in no store."""
    folder = tmp_path_factory.mktemp("older")
    rows = [
        {"text": f"The {WORDS[n % 3]} of day {n}.", "labels": WORDS[n % 3], "article_id": n // 3} for n in range(90)
    ]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for options in (("plots=false",), ("plots=false", "model.C=1"), ("tracking=off", "hydra.run.dir=late")):
        done = command(folder, *BASE, *options)
        assert done.returncode == 0, done.stderr
    for artifacts in folder.glob("artifacts/*/artifacts/metrics.json"):
        if (artifacts.parent / "tables").is_dir():
            (artifacts.parent / "report").mkdir()
            flatten(artifacts.parent)
    flatten(folder / "late")
    record = (folder / "late/run.json").read_text()
    (folder / "late/run.json").write_text(record.replace('"tables/', '"'))
    return folder


def test_they_are_compared(place, command):
    done = command(place, "compare", "experiment_name=slugline", "last=2")
    assert done.returncode == 0, done.stderr
    assert "the same for all 2 runs" in done.stdout


def test_their_parts_are_kept(place, command):
    client = MlflowClient(store_of(place))
    runs = client.search_runs([client.get_experiment_by_name("slugline").experiment_id])
    run_id = next(run.info.run_id for run in runs if run.data.params.get("model.C") == "1")
    done = command(place, *BASE, "plots=false", "tracking=off", f"split.keep={run_id}", "seed=7")
    assert done.returncode == 0, done.stderr
    assert "30 of 30 articles stay in the part that they had" in done.stdout
    assert "metrics equal" in command(place, "reproduce", f"run_id={run_id}").stdout


def test_their_folders_are_logged_with_a_link_to_the_page(place, command):
    done = command(place, "log", "late")
    assert done.returncode == 0, done.stderr
    client = MlflowClient(store_of(place))
    run = client.get_run(done.stdout.split()[1])
    assert f"/runs/{run.info.run_id}/artifacts/report.html)" in run.data.tags["mlflow.note.content"]
    assert {"path": "scores.json", "type": "table"} in json.loads(run.data.tags["mlflow.loggedArtifacts"])
    assert "report.html" in {file.path for file in client.list_artifacts(run.info.run_id)}
