"""A disk that is full or read-only is one line from every command, and a model is kept where there is room."""

import os
import shlex
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import run_slugline
from test_tracking_dead_stores import COMMANDS as ON_STORES

from slugline.cache import Stages
from slugline.errors import describe_refusal
from slugline.launch import Launch
from slugline.recording import record
from slugline.tracking import LocalRun, Off, Origin
from slugline.tracking.finished_run import read_finished_run
from slugline.training.settings import TrainSettings
from slugline.workflow import train

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a tmpfs")
COMMANDS = ON_STORES | {
    "label tasks": ["tasks=tasks.csv"],
    "label codebook": ["codebook=codebook.md"],
    "new": ["project"],
}


@pytest.fixture
def disk(tmp_path):
    """`disk(options)` mounts a tmpfs at `disk` and returns it."""
    mounts = []

    def mount(options: str) -> Path:
        place = tmp_path / "disk"
        place.mkdir(exist_ok=True)
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], capture_output=True, check=False)
        if done.returncode:
            pytest.skip("no tmpfs can be mounted here")
        mounts.append(place)
        return place

    yield mount
    for place in mounts:
        subprocess.run(["umount", "-l", place], check=True)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (OSError(28, "No space left on device", "a.csv"), "cannot use a.csv: No space left on device"),
        (OSError(30, "Read-only file system", "b"), "cannot use b: Read-only file system"),
        (OSError("1024 requested and 12 written"), "the disk is full: 1024 requested and 12 written"),
        (PermissionError(13, "Permission denied"), "the disk or system refused: Permission denied"),
        (FileNotFoundError(2, "No such file or directory", "c"), None),
        (IsADirectoryError(21, "Is a directory", "d"), None),
        (ValueError("28"), None),
    ],
)
def test_what_the_computer_refuses_is_told_from_a_bug(error, line):
    assert describe_refusal(error) == line


@pytest.mark.slow
@needs_root
@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_folder_that_cannot_be_written_to_is_one_line(disk, name):
    place = disk("size=1m")
    (place / "news.txt").write_text("The two sides agreed to a ceasefire.")
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)
    done = run_slugline(place, name.split()[0], *COMMANDS[name])
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("slugline: ")


@pytest.mark.slow
@needs_root
def test_a_disk_that_fills_up_keeps_the_model_where_there_is_room(tmp_path, disk):
    place = disk("size=2500k")  # has room for the store, and for a part of the run's folder
    made = run_slugline(place, "train", "cache=off", "plots=false", "features=word", "folds=2")
    assert made.returncode == 1
    assert "Traceback" not in made.stderr
    (line,) = made.stderr.splitlines()
    paste = shlex.split(line.partition("to log them: ")[2].partition("; run ")[0])
    folder = Path(paste[2])
    assert not folder.is_relative_to(place)
    assert f"the folder of this run is {folder}" in made.stdout
    try:
        assert run_slugline(tmp_path, *paste[1:]).returncode == 0
    finally:
        shutil.rmtree(folder)


@pytest.mark.slow
@needs_root
def test_a_disk_that_is_full_at_the_last_files_of_a_run_costs_nothing(tmp_path, disk):
    settings = TrainSettings(folds=2, plots=False, tracking=Off(), cache=None)
    run = train(settings, Launch(folder=tmp_path / "run"))
    written = [file for file in (tmp_path / "run").rglob("*") if file.name not in ("metrics.json", "run.json")]
    place = disk(f"nr_inodes={len(written) + 3}")  # and one for the disk, the run and the draft of the metrics each
    told: list[str] = []
    done = record(
        replace(run, folder=place / "run"), LocalRun(place / "run"), Origin.now("full", {}), Stages(), told.append
    )
    try:
        assert sorted(file.name for file in (place / "run").rglob("*")) == sorted(file.name for file in written)
        (line,) = told
        assert line.startswith("caution ")
        assert line.endswith(f"No space left on device; the folder of this run is {done.folder}")
        assert not done.folder.is_relative_to(place)
        assert read_finished_run(done.folder).metrics().keys() == done.metrics.keys()
    finally:
        shutil.rmtree(done.folder)
