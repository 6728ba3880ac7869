"""A training whose store fails is whole in its folder, and `slugline log` brings it into a store later."""

import json
import shlex
import shutil
import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from conftest import run_slugline, store_of
from mlflow import MlflowClient
from test_workflow import settings

from slugline import load_model
from slugline.errors import InputError
from slugline.launch import Launch
from slugline.tracking import LoggedRun, Mlflow, Off, log_folder
from slugline.tracking.finished_run import RUN_KEY
from slugline.training.settings import TrainSettings
from slugline.workflow import train

TAGS_OF_A_PROCESS = {"process.host", "process.pid", "process.started"}
TAGS_OF_A_MODEL = {"model_uri", "mlflow.log-model.history"}


def held(folder: Path) -> sqlite3.Connection:
    """Return a connection that holds the store of a folder, so that nobody else can use it."""
    holder = sqlite3.connect(folder / "store.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    return holder


def small(folder: Path, tracking: Mlflow | Off | None = None) -> TrainSettings:
    """Return the settings of a small training without plots."""
    made = settings(folder)
    return TrainSettings(
        data=made.data,
        labels=made.labels,
        features=made.features,
        tracking=tracking or Mlflow(uri=store_of(folder)),
        folds=2,
        plots=False,
    )


def runs(folder: Path) -> list:
    """Return all runs of the store of a folder."""
    client = MlflowClient(store_of(folder))
    return client.search_runs([experiment.experiment_id for experiment in client.search_experiments()])


def artifacts(folder: Path, run_id: str) -> set[str]:
    """Return the names of the files of a run."""
    return {file.path for file in MlflowClient(store_of(folder)).list_artifacts(run_id)}


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store and an undisturbed run in `run`."""
    folder = tmp_path_factory.mktemp("logged")
    train(small(folder), Launch(folder=folder / "run", name="a run"))
    return folder


@pytest.fixture(scope="module")
def unlogged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the same run, but without a store."""
    folder = tmp_path_factory.mktemp("unlogged")
    train(small(folder, Off()), Launch(folder=folder / "run", name="a run"))
    return folder


@pytest.fixture(scope="module")
def logged_later(unlogged: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, LoggedRun]:
    """A folder with a store that the run of `unlogged` was logged in later, and what that gave."""
    folder = tmp_path_factory.mktemp("later")
    return folder, log_folder(unlogged / "run", store_of(folder))


@pytest.mark.slow
def test_a_run_that_is_logged_later_is_the_one_that_would_have_been_logged_at_once(logged, unlogged, logged_later):
    folder, later = logged_later
    assert later.model_uri == "models:/slugline@champion"
    (one,), (other,) = runs(logged), runs(folder)
    assert later.location.startswith(other.info.run_id)
    assert (one.info.status, one.info.run_name) == (other.info.status, other.info.run_name) == ("FINISHED", "a run")
    assert {key for key in one.data.params.items() ^ other.data.params.items() if "tracking" not in key[0]} == {
        ("data.path", str(folder / "news.jsonl")) for folder in (logged, unlogged)
    }
    ours = {key: value for key, value in one.data.metrics.items() if not key.startswith("time/")}
    assert ours == {key: value for key, value in other.data.metrics.items() if not key.startswith("time/")}
    assert one.data.metrics.keys() == other.data.metrics.keys()
    assert one.data.tags.keys() == other.data.tags.keys()
    changing = {RUN_KEY, *TAGS_OF_A_PROCESS, *TAGS_OF_A_MODEL}
    for key in one.data.tags.keys() - changing:
        assert one.data.tags[key] == other.data.tags[key], key
    assert [
        (i.dataset.name, i.dataset.digest, i.dataset.profile, i.dataset.schema, i.tags)
        for i in one.inputs.dataset_inputs
    ] == [
        (i.dataset.name, i.dataset.digest, i.dataset.profile, i.dataset.schema, i.tags)
        for i in other.inputs.dataset_inputs
    ]
    assert artifacts(logged, one.info.run_id) == artifacts(folder, other.info.run_id)
    record = json.loads((unlogged / "run/run.json").read_text())
    assert other.info.start_time == int(record["started"] * 1000)


@pytest.mark.slow
def test_the_model_of_a_later_log_is_the_same_and_names_its_run(unlogged, logged_later):
    folder, _ = logged_later
    (run,) = runs(folder)
    local = load_model(unlogged / "run/model")
    stored = load_model(next((folder / "artifacts").rglob("model.json")).parent)
    text = ["tanks shelled the bridge"]
    assert (local.predict_proba(text) == stored.predict_proba(text)).all()
    assert (local.info["run_id"], stored.info["run_id"]) == (None, run.info.run_id)


@pytest.mark.slow
def test_a_run_that_the_store_has_is_refused_and_named(logged, unlogged, logged_later):
    for folder, place in ((logged, "run"), (logged_later[0], unlogged / "run")):  # by its training, and later
        (run,) = runs(folder)
        done = run_slugline(folder, "log", str(place))
        assert done.returncode == 1
        assert done.stderr == f"slugline: {place} is logged already, as run {run.info.run_id} in {store_of(folder)}\n"
        assert len(runs(folder)) == 1


def test_a_run_that_is_logged_in_two_stores_is_named_rightly_in_both(logged, tmp_path):
    (run,) = runs(logged)
    later = log_folder(logged / "run", store_of(tmp_path))
    new = later.location.partition(" ")[0]
    assert new != run.info.run_id
    card = next((tmp_path / "artifacts").rglob("model_card.md")).read_text()
    assert f"run_id={new}" in card
    assert run.info.run_id not in card


def test_a_second_model_is_no_champion_when_it_is_logged_later(logged, unlogged, tmp_path):
    assert log_folder(logged / "run", store_of(tmp_path)).model_uri == "models:/slugline@champion"
    assert log_folder(unlogged / "run", store_of(tmp_path)).model_uri == "models:/slugline/2"


def break_record(folder):
    (folder / "run.json").write_text("{")


def forget_tags(folder):
    values = json.loads((folder / "run.json").read_text())
    del values["tags"]
    (folder / "run.json").write_text(json.dumps(values))


def point_elsewhere(folder):
    values = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(values | {"tables": ["../store.db"]}))


def ask_for_all(folder):
    values = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(values | {"key": "' or 'a' = 'a"}))


def begin_at_no_time(folder):
    values = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(values | {"started": float("nan")}))


def come_from_the_future(folder):
    values = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps(values | {"format": 99}))


def break_a_metric(folder):
    (folder / "metrics.json").write_text('{"test/f1_macro": "high"}')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (break_record, "cannot be read"),
        (forget_tags, "its tags is missing or wrong"),
        (point_elsewhere, "its tables is missing or wrong"),
        (ask_for_all, "its key is missing or wrong"),
        (begin_at_no_time, "its started is missing or wrong"),
        (come_from_the_future, "of another version"),
        (break_a_metric, "'test/f1_macro' is no number"),
        (lambda folder: (folder / "run.json").unlink(), "is no finished run: it has no run.json"),
        (lambda folder: (folder / "metrics.json").unlink(), "is not whole: it has no metrics.json"),
        (lambda folder: shutil.rmtree(folder / "model"), "is not whole: it has no model"),
        (lambda folder: (folder / "model/model.json").unlink(), "there is no model.json"),
    ],
)
def test_a_folder_that_is_no_finished_run_is_refused_before_anything_is_logged(unlogged, tmp_path, change, message):
    shutil.copytree(unlogged / "run", tmp_path / "a run")
    change(tmp_path / "a run")
    done = run_slugline(tmp_path, "log", "a run")
    assert done.returncode == 1
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "store.db").exists()


@pytest.mark.slow
def test_what_a_record_says_is_never_resolved(unlogged, tmp_path):
    shutil.copytree(unlogged / "run", tmp_path / "run")
    values = json.loads((tmp_path / "run/run.json").read_text())
    (tmp_path / "run/run.json").write_text(json.dumps(values | {"name": "${oc.env:HOME}", "key": "0" * 32}))
    assert run_slugline(tmp_path, "log", "run").returncode == 0
    (run,) = runs(tmp_path)
    assert run.info.run_name == "${oc.env:HOME}"


@pytest.mark.slow
def test_a_store_that_is_held_at_the_end_leaves_a_line_that_logs_the_run_once_it_is_free(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sqlite3.dbapi2, "connect", partial(sqlite3.connect, timeout=0.2))  # not 5 seconds each time
    holders = []

    def hold(text: str) -> None:
        if "macro F1" in text and not holders:
            holders.append(held(tmp_path))

    with pytest.raises(InputError, match=r"database is locked; end the program that holds it.*to log them: ") as failed:
        train(small(tmp_path), Launch(folder=tmp_path / "odd run's"), show=hold)
    with closing(holders[0]) as holder:
        holder.execute("ROLLBACK")
    assert "may be left RUNNING there" in failed.value.__notes__[0]
    assert [run.info.status for run in runs(tmp_path)] == ["RUNNING"]

    line = shlex.split(str(failed.value).partition("to log them: ")[2])
    assert line[:2] == ["slugline", "log"]
    done = run_slugline(tmp_path, *line[1:])
    assert done.returncode == 0, done.stderr
    (run,) = runs(tmp_path)
    assert run.info.status == "FINISHED"
    assert done.stdout.splitlines() == [
        f"run     {run.info.run_id} in experiment slugline of {store_of(tmp_path)}",
        "model   models:/slugline@champion",
    ]
    assert "error" not in run.data.tags
