"""Tracking and registry on the stores that people have: a SQLite file, and `mlflow server` with PostgreSQL behind it."""

import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import nullcontext

import pytest
from conftest import run_slugline
from mlflow import MlflowClient
from servers import MlflowServer, needs_postgresql, postgresql
from test_log import small

from slugline.errors import InputError
from slugline.launch import Launch
from slugline.tracking import Mlflow
from slugline.workflow import train

pytestmark = pytest.mark.slow
WORDS = {"war": "tanks shelled the town", "peace": "envoys signed a truce", None: "rain fell on the market"}
SMALL = ("data=sentences", "data.path=news.jsonl", "features=word", "folds=2", "plots=false")


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql", marks=needs_postgresql)])
def store(request, tmp_path_factory):
    """The URI of an empty store, and the server behind it, which is None for a file."""
    folder = tmp_path_factory.mktemp("store")
    with postgresql() if request.param == "postgresql" else nullcontext() as database:
        if database is None:
            yield f"sqlite:///{folder}/store.db", None
            return
        server = MlflowServer(database, folder)
        try:
            server.start()
            yield server.uri, server
        finally:
            server.kill()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with sentences on two topics."""
    folder = tmp_path_factory.mktemp("project")
    rows = []
    for number in range(90):
        name = list(WORDS)[number % 3]
        text = f"{WORDS[name]} on day {number}."
        rows.append({"text": text, "article_id": f"a{number // 3}", "labels": [name] if name else []})
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "later.txt").write_text("Tanks shelled the bridge. Envoys signed a truce. Rain fell.")
    return folder


def succeed(folder, store, *arguments):
    """Run a command on a store and return what it printed; it must not fail, nor say anything of an error."""
    done = run_slugline(folder, *arguments, MLFLOW_TRACKING_URI=store[0])
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def all_runs(store):
    """Return all runs of a store by their names."""
    client = MlflowClient(store[0])
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    return {run.info.run_name: run for run in client.search_runs(experiments)}


def test_the_whole_way_from_a_training_to_a_rollback(folder, store):
    named = (*SMALL, "tracking.registered_model=way")
    assert "model   models:/way@champion\n" in succeed(folder, store, "train", *named, "name=first")
    assert "promote registered_model=way version=2" in succeed(
        folder, store, "train", *named, "model.C=0.5", "name=second"
    )
    run, client = all_runs(store)["first"], MlflowClient(store[0])
    assert run.info.status == "FINISHED"
    assert run.data.metrics["test/f1_macro"] > 0.9
    assert {data.tags[0].value for data in run.inputs.dataset_inputs} == {"training", "validation", "testing"}
    assert {"tables/calibration.json", "tables/predictions_test.parquet"} <= {
        file.path for file in client.list_artifacts(run.info.run_id, "tables")
    }
    promote = ("promote", "registered_model=way")
    gate = (
        "gate.max_macro_drop=1",
        "gate.max_calibration_error=1",
        "gate.max_milliseconds=1000",
        "gate.min_topic_f1=0",
    )
    assert "moved   champion of way: 1 -> 2" in succeed(folder, store, *promote, *gate)
    assert {file.path for file in client.list_artifacts(all_runs(store)["second"].info.run_id)} >= {"promotion_2.json"}
    predict = ("predict", "model_uri=models:/way@champion", "input=later.txt", "output=out.jsonl")
    assert "way version 2 (champion)" in succeed(folder, store, *predict)
    assert len((folder / "out.jsonl").read_text().splitlines()) == 3
    assert "back    champion of way: 2 -> 1" in succeed(folder, store, *promote, "rollback=true")
    assert "the same for all 2 runs" in succeed(folder, store, "compare", "runs=[first,second]")
    assert "metrics equal" in succeed(folder, store, "reproduce", "run_id=first")


def test_a_finished_folder_is_logged_once(folder, store):
    out = succeed(folder, store, "train", *SMALL, "tracking=off", "name=later")
    place = re.search(r"run     (.*)", out)[1]
    assert "in experiment slugline of" in succeed(folder, store, "log", place)
    run = all_runs(store)["later"]
    assert run.info.status == "FINISHED"
    again = run_slugline(folder, "log", place, MLFLOW_TRACKING_URI=store[0])
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    assert f"is logged already, as run {run.info.run_id}" in again.stderr


def test_the_run_of_a_killed_process_is_ended_by_the_next_command(folder, store):
    code = """
import os, signal
from pathlib import Path
from slugline.tracking import Mlflow
with Mlflow().run("to be killed", Path("."), {}) as run:
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = os.environ | {"MLFLOW_TRACKING_URI": store[0]}
    assert subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, check=False).returncode == -9
    run = all_runs(store)["to be killed"]
    assert run.info.status == "RUNNING"
    told = run_slugline(folder, "reproduce", "run_id=none", MLFLOW_TRACKING_URI=store[0]).stderr
    assert (
        f"slugline: marked as KILLED, since their processes are dead: {run.info.run_id} (to be killed, process " in told
    )
    assert all_runs(store)["to be killed"].info.status == "KILLED"


@pytest.mark.parametrize("moment", ["begun", "scored"])
def test_a_server_that_is_killed_midway_costs_nothing_but_the_line_that_logs_the_run(folder, store, tmp_path, moment):
    server = store[1]
    if server is None:
        pytest.skip("a file is no server")

    def kill(text: str) -> None:
        if server.process is not None and ("macro F1" in text if moment == "scored" else moment in all_runs(store)):
            server.kill()

    message = f"the MLflow server {re.escape(server.uri)} does not answer as it should.*to log them: "
    settings = small(tmp_path, Mlflow(uri=server.uri, registered_model=moment))
    with pytest.raises(InputError, match=message) as failed:
        train(settings, Launch(folder=tmp_path / "run", name=moment), show=kill)
    server.start()
    line = shlex.split(re.search(r"to log them: (slugline log .*?)(; run|$)", str(failed.value))[1])
    assert f"model   models:/{moment}@champion\n" in succeed(folder, store, *line[1:])
    assert all_runs(store)[moment].info.status == "FINISHED"
    versions = MlflowClient(server.uri).search_model_versions(f"run_id='{all_runs(store)[moment].info.run_id}'")
    assert len(versions) == 1
