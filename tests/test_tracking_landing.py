"""The first page of the UI: which trainings it shows, by which columns."""

import json
import os
import signal
import socket
import subprocess
import sys
from urllib.request import urlopen

import pytest
from mlflow import MlflowClient

from slugline.tracking import Mlflow, landing_path
from slugline.tracking.landing import choose_varied, make_view


def log(store, experiment="slugline", **metrics):
    """Log a training to a store."""
    with Mlflow(f"sqlite:///{store}", experiment).run("one", store.parent, {"split._target_": "x"}) as run:
        run.log_metrics(metrics)


def test_what_varies_is_shown_once_and_chosen_options_first():
    one = {"name": "a", "seed": "0", "split.seed": "0", "model.C": "1", "choice/features": "word", "cache.path": "x"}
    other = {"name": "b", "seed": "1", "split.seed": "1", "model.C": "1", "choice/features": "char", "cache.path": "y"}
    third = {**other, "seed": "2", "split.seed": "2", "features.char.min_df": "2"}
    assert choose_varied([one, other, third]) == ["choice/features", "seed"]
    assert choose_varied([one]) == choose_varied([]) == []


def test_the_view_is_sorted_by_the_part_that_the_trainings_were_judged_by():
    assert make_view([{"dev/f1_macro": 0.5}], [{}])["orderByKey"] == "metrics.`dev/f1_macro`"
    assert make_view([{"dev/f1_macro": 0.5}, {"dev/f1_macro": 0.5, "test/f1_macro": 0.5}], [{}, {}])["orderByKey"] == (
        "metrics.`test/f1_macro`"
    )


def test_how_jobs_of_a_sweep_stand_to_its_best_is_shown_beside_the_interval():
    columns = make_view([{}], [{}], compared=True)["selectedColumns"]
    assert columns.index("tags.`against the best`") == columns.index("tags.`95 percent interval`") + 1
    assert "tags.`against the best`" not in make_view([{}], [{}])["selectedColumns"]


def test_the_link_leads_to_the_experiment_and_the_view_is_kept_in_the_store(tmp_path):
    log(tmp_path / "store.db", **{"test/f1_macro": 0.5})
    uri = f"sqlite:///{tmp_path}/store.db"
    path = landing_path("slugline", uri)
    experiment = MlflowClient(uri).get_experiment_by_name("slugline")
    place = f"/#/experiments/{experiment.experiment_id}/runs?workflowType=machine_learning&viewStateShareKey=slugline"
    assert path == place
    view = json.loads(experiment.tags["mlflow.sharedViewState.slugline"])
    assert json.loads(view["state"])["orderByKey"] == "metrics.`test/f1_macro`"
    assert len(experiment.tags["mlflow.sharedViewState.slugline"]) < 5000  # what a tag may hold
    assert landing_path("none", uri) == "/#/experiments?workflowType=machine_learning"


def test_the_link_of_a_store_that_cannot_be_written_to_leads_to_the_plain_table(tmp_path, monkeypatch):
    log(tmp_path / "store.db")
    monkeypatch.chdir(tmp_path)  # the lock of such a store is below the working folder
    read_only = f"sqlite:///file:{tmp_path}/store.db?mode=ro&uri=true"
    assert landing_path("slugline", read_only) == "/#/experiments/1/runs?workflowType=machine_learning"


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_ui_waits_for_no_other_process_and_leaves_its_port_when_it_ends(tmp_path, number):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "slugline", "ui", f"port={port}"]
    ui = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert f"http://127.0.0.1:{port}/#/experiments" in ui.stdout.readline()
    assert urlopen(f"http://127.0.0.1:{port}/health", timeout=120).read() == b"OK"
    os.kill(ui.pid, number)
    _, errors = ui.communicate(timeout=30)
    assert (ui.returncode, errors) == ({signal.SIGTERM: -signal.SIGTERM, signal.SIGINT: 130}[number], "")
    socket.create_server(("127.0.0.1", port)).close()
