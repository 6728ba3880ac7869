"""Runs of dead processes are ended by the next command on their store; those of living ones, and of other hosts, stay."""

import os
import subprocess
import sys

import psutil
import pytest
from conftest import run_slugline, store_of
from mlflow import MlflowClient

from slugline.tracking import Mlflow, start_sweep
from slugline.tracking.processes import is_alive, is_of_another, process_tags


@pytest.fixture(scope="module")
def dead():
    """The tags of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    tags = process_tags() | {"process.pid": str(process.pid)}
    process.wait()
    return tags


def test_a_process_is_known_by_host_number_and_start(dead):
    ours = process_tags()
    assert is_alive(ours) is True
    assert is_alive(dead) is False
    assert (
        is_alive(ours | {"process.started": f"{psutil.Process().create_time() - 60:.2f}"}) is False
    )  # its number is ours
    assert is_alive(ours | {"process.host": "elsewhere"}) is None
    assert is_alive(ours | {"process.pid": "x'; DROP"}) is None
    assert is_alive({}) is None
    assert not is_of_another(ours)
    assert is_of_another(
        ours | {"process.pid": str(os.getppid()), "process.started": f"{psutil.Process().parent().create_time():.2f}"}
    )


@pytest.mark.slow
def test_the_next_command_ends_the_runs_of_dead_processes_and_says_so_once(tmp_path, dead):
    client = MlflowClient(store_of(tmp_path))
    experiment = client.create_experiment("slugline", (tmp_path / "artifacts").as_uri())
    tags = {"dead": dead, "ours": process_tags(), "elsewhere": dead | {"process.host": "elsewhere"}, "foreign": {}}
    runs = {name: client.create_run(experiment, tags=tags[name], run_name=name).info.run_id for name in tags}

    done = run_slugline(tmp_path, "reproduce", "run_id=none")
    line = f"slugline: marked as KILLED, since their processes are dead: {runs['dead']} (dead, process {dead['process.pid']})"
    assert done.stderr.splitlines()[0] == line
    statuses = {name: client.get_run(run_id).info.status for name, run_id in runs.items()}
    assert statuses == {"dead": "KILLED", "ours": "RUNNING", "elsewhere": "RUNNING", "foreign": "RUNNING"}
    assert "KILLED" not in run_slugline(tmp_path, "reproduce", "run_id=none").stderr


def test_the_parent_run_of_a_sweep_belongs_to_its_process(tmp_path):
    parent = start_sweep(Mlflow(uri=store_of(tmp_path)), "sweep seed=1,2")
    assert is_alive(MlflowClient(store_of(tmp_path)).get_run(parent).data.tags) is True
