"""What faults leave behind: `python experiments/faults.py [moments]`, 50 by default; prints the table of README.md.

`train` and `predict` are killed with SIGKILL at seeded moments, by their CPU seconds, and run again; disks are full or read-only, stores locked, dead,
hanging or failing. Each command is a process of its own, forked after all imports, in a folder of its own with a part of the sample. Full and read-only
disks are tmpfs, which root alone can mount; others get the rest of the table.
"""

import contextlib
import json
import os
import random
import resource
import shlex
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import psutil

from slugline.cli import execute
from slugline.errors import InputError
from slugline.files import shipped_folder
from slugline.model import load_model
from slugline.model.store import digest_model
from slugline.tracking.finished_run import read_finished_run

for name in ("mlflow.pyfunc", "sklearn.calibration", "sklearn.svm", "slugline.commands.train"):
    import_module(name)  # before the fork, so that a process is only what a command does

ARTICLES, COPIES = 80, 6  # of the sample: trained on; predicted are so many times as many
SMALL = (
    "data=articles",
    "data.path=part.jsonl",
    "labels=sample",
    "features=word",
    "folds=2",
    "plots=false",
    "n_jobs=1",
)
PREDICT = ("predict", "model_uri=model", "input=many.jsonl", "output=topics.jsonl", "n_jobs=1", "batch=20000")
COMMANDS = {
    "train": SMALL,
    "predict": ("input=part.jsonl", "output=topics.jsonl"),
    "label": SMALL[:3],
    "review": ("output=tasks.csv", *SMALL[:4]),
    "export": ("output=model.joblib",),
    "compare": ("runs=[1,2]",),
    "promote": (),
    "reproduce": ("run_id=1",),
    "monitor": ("input=part.jsonl",),
    "log": ("whole",),
}


class Done(NamedTuple):
    """How a command ended, what it said, and what it took."""

    code: int
    out: str
    errors: str
    cpu: float
    seconds: float

    @property
    def is_one_line(self) -> bool:
        """Whether it failed as a mistake does: one line and exit code 1."""
        return self.code == 1 and self.errors.count("\n") == 1 and self.errors.startswith("slugline: ")


def run(folder: Path, *arguments: str, store: str = "", kill_after: float | None = None) -> Done:
    """Run a command in a folder; kill it once it took so many CPU seconds."""
    with tempfile.TemporaryDirectory() as place:
        files = [Path(place) / name for name in ("out", "errors")]
        start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
        child = os.fork()
        if child == 0:
            become(folder, files, arguments, store or f"sqlite:///{folder}/store.db")
        if kill_after is not None:
            watch(child, kill_after)
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        out, errors = (file.read_text(errors="replace") for file in files)
        return Done(status, out, errors, cpu, time.perf_counter() - start)


def become(folder: Path, files: list[Path], arguments: tuple[str, ...], store: str) -> None:
    """Be the command, in the process that was forked for it."""
    code = 70
    try:
        for number, file in enumerate(files, 1):
            os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
        os.chdir(folder)
        os.environ["MLFLOW_TRACKING_URI"] = store
        try:
            execute(arguments)
            code = 0
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def watch(child: int, cpu: float) -> None:
    """Kill a process once it took so many CPU seconds, unless it ends before."""
    process = psutil.Process(child)
    with contextlib.suppress(psutil.NoSuchProcess):
        while process.status() != psutil.STATUS_ZOMBIE:
            times = process.cpu_times()
            if times.user + times.system >= cpu:
                os.kill(child, signal.SIGKILL)
                return
            time.sleep(0.002)


def prepare(root: Path) -> Path:
    """Make a folder with what all start from: a part of the sample, a model, a finished run, a new store."""
    base = root / "base"
    base.mkdir()
    lines = (shipped_folder("data/sample") / "articles.jsonl").read_text().splitlines()[:ARTICLES]
    (base / "part.jsonl").write_text("\n".join(lines) + "\n")
    rows = [json.loads(line) for line in lines]
    many = [row | {"article_id": f"{row.get('article_id')}-{copy}"} for copy in range(COPIES) for row in rows]
    (base / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in many))
    made = run(base, "train", *SMALL, "tracking=off", "cache=off")
    assert made.code == 0, made.errors
    shutil.move(next((base / "experiments/runs").glob("*/*")), base / "whole")
    shutil.copytree(base / "whole/model", base / "model")
    shutil.rmtree(base / "experiments")
    return base


@contextmanager
def place(base: Path) -> Iterator[Path]:
    """Give a new folder with the same content."""
    with tempfile.TemporaryDirectory(prefix="slugline-faults-") as folder:
        shutil.copytree(base, folder, dirs_exist_ok=True)
        yield Path(folder)


def store_runs(folder: Path) -> list[tuple[str, str]]:
    """Return the key and the status of each run of a folder's store."""
    if not (folder / "store.db").is_file():
        return []
    with closing(sqlite3.connect(folder / "store.db")) as store:
        query = "SELECT value, status FROM runs LEFT JOIN tags ON runs.run_uuid = tags.run_uuid AND key = 'run_key'"
        return list(store.execute(query))


def result_of(folder: Path) -> tuple[str, dict[str, float]]:
    """Return what a finished run gave: the digest of its model and its metrics, times left out."""
    metrics = {key: value for key, value in read_finished_run(folder).metrics().items() if not key.startswith("time/")}
    return digest_model(folder / "model"), metrics


def drafts(folder: Path) -> int:
    """Return how many drafts of atomic writes a killed command left outside its own run folder and the cache."""
    ours = ("experiments/runs", "experiments/cache")
    return sum(not str(file.relative_to(folder)).startswith(ours) for file in folder.rglob("*.tmp"))


def kill_train(base: Path, moments: int, outcomes: Counter[str]) -> None:
    """Kill trainings, bring in what was whole, run them again, and compare."""
    draw = random.Random(0)
    with place(base) as folder:
        whole = run(folder, "train", *SMALL)
        assert whole.code == 0, whole.errors
        expected = result_of(next((folder / "experiments/runs").glob("*/*")))
    for _ in range(moments):
        with place(base) as folder:
            killed = run(folder, "train", *SMALL, kill_after=draw.random() * whole.cpu)
            outcomes["killed" if killed.code == -signal.SIGKILL else "had ended before"] += 1
            statuses = dict(store_runs(folder))
            kept = [file.parent for file in (folder / "experiments/runs").glob("*/*/run.json")]
            for run_folder in kept:
                assert result_of(run_folder) == expected, run_folder
                outcomes["folder whole"] += 1
                if statuses.get(read_finished_run(run_folder).key) != "FINISHED":
                    logged = run(folder, "log", str(run_folder))
                    assert logged.code == 0, logged.errors
                    outcomes["logged later"] += 1
            again = run(folder, "train", *SMALL)
            assert again.code == 0, again.errors
            newest = max((folder / "experiments/runs").glob("*/*/run.json")).parent
            outcomes["run again: equal"] += result_of(newest) == expected
            ended = Counter(status for _, status in store_runs(folder))
            assert ended["RUNNING"] == 0, ended
            assert ended["FINISHED"] == 1 + len(kept), ended
            outcomes["runs marked KILLED"] += ended["KILLED"]
            outcomes["drafts left"] += drafts(folder)
            for model in (folder / "artifacts").rglob("model.json"):
                if (model.parents[2] / "MLmodel").is_file():
                    load_model(model.parent)


def kill_predict(base: Path, moments: int, outcomes: Counter[str]) -> None:
    """Kill predictions, resume them, and compare; what stands under the output's name is always whole."""
    draw = random.Random(1)
    with place(base) as folder:
        whole = run(folder, *PREDICT)
        assert whole.code == 0, whole.errors
        expected = (folder / "topics.jsonl").read_bytes()
    for _ in range(moments):
        with place(base) as folder:
            killed = run(folder, *PREDICT, kill_after=draw.random() * whole.cpu)
            outcomes["killed" if killed.code == -signal.SIGKILL else "had ended before"] += 1
            output = folder / "topics.jsonl"
            if output.is_file():
                assert output.read_bytes() == expected
            again = run(folder, *PREDICT, "resume=true")
            assert again.code == 0, again.errors
            outcomes["run again: equal"] += output.read_bytes() == expected
            outcomes["drafts left"] += drafts(folder) + (folder / "topics.jsonl.parts").exists()


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """Mount a tmpfs."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def full_disk(base: Path, outcomes: Counter[str]) -> None:
    """Train on disks that are full after 0.1 to 6 MB, where the store and the artifacts are, too."""
    for kilobytes in (100, 300, 600, 1000, 1400, 1800, 2200, 2600, 3000, 3500, 4000, 5000, 6000):
        with place(base) as folder, mounted(folder / "disk", f"size={kilobytes}k"):
            options = [option.replace("part.jsonl", f"{folder}/part.jsonl") for option in SMALL]
            done = run(folder / "disk", "train", *options, "cache=off")
            count(done, outcomes)
            if "to log them: " in done.errors:
                line = shlex.split(done.errors.partition("to log them: ")[2].partition("; run ")[0])
                later = run(folder, *line[1:])
                assert later.code == 0, later.errors
                outcomes["model kept, logged later"] += 1
                kept = Path(line[2])
                if kept.is_relative_to(tempfile.gettempdir()) and kept.name.startswith("slugline-run-"):
                    shutil.rmtree(kept)
            statuses = [status for _, status in store_runs(folder / "disk")]
            if "RUNNING" in statuses and "may be left RUNNING" not in done.errors:
                outcomes["run left RUNNING, not said"] += 1
    for kilobytes in (20, 60, 200, 500):
        with place(base) as folder, mounted(folder / "disk", f"size={kilobytes}k"):
            count(run(folder, *PREDICT[:3], "output=disk/topics.jsonl", "n_jobs=1"), outcomes)
            outcomes["half outputs"] += (folder / "disk/topics.jsonl").exists()


def read_only(base: Path, outcomes: Counter[str]) -> None:
    """Run each command in a folder that cannot be written to."""
    for name, options in COMMANDS.items():
        with place(base) as folder, mounted(folder / "disk", "size=50m"):
            shutil.copytree(base, folder / "disk", dirs_exist_ok=True)
            subprocess.run(["mount", "-o", "remount,ro", str(folder / "disk")], check=True)
            count(run(folder / "disk", name, *options), outcomes)


def locked(base: Path, outcomes: Counter[str]) -> None:
    """Run each command on a store that another program holds."""
    with place(base) as folder:
        assert run(folder, "train", *SMALL).code == 0
        with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            for name, options in COMMANDS.items():
                count(run(folder, name, *options), outcomes)


class Failing(BaseHTTPRequestHandler):
    """Answers everything with 500."""

    def do_GET(self) -> None:
        """Fail."""
        self.send_error(500)

    do_POST = do_GET  # noqa: N815 - the name is Python's

    def log_message(self, *_: object) -> None:
        """Print nothing."""


def failing(base: Path, outcomes: Counter[str]) -> None:
    """Run each command on a server that always fails."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    on_server(base, outcomes, server.server_port)
    server.shutdown()
    server.server_close()


def dead(base: Path, outcomes: Counter[str]) -> None:
    """Run each command on a server that is not there."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    on_server(base, outcomes, port)


def hanging(base: Path, outcomes: Counter[str]) -> None:
    """Run each command on a server that accepts and never answers."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(100)
        on_server(base, outcomes, server.getsockname()[1])


def on_server(base: Path, outcomes: Counter[str], port: int) -> None:
    """Run each command on a server."""
    with place(base) as folder:
        for name, options in COMMANDS.items():
            done = run(folder, name, *options, store=f"http://127.0.0.1:{port}")
            count(done, outcomes)
            outcomes["slowest, s"] = max(outcomes["slowest, s"], round(done.seconds))
            outcomes["articles were read before"] += "data    " in done.out


def count(done: Done, outcomes: Counter[str]) -> None:
    """Count how a command ended."""
    if "Traceback" in done.errors:
        outcomes["tracebacks"] += 1
        print(done.errors, file=sys.stderr)
    elif done.code == 0:
        outcomes["not disturbed"] += 1
    elif done.is_one_line:
        outcomes["one line, exit 1"] += 1
    else:
        outcomes["otherwise"] += 1
        print(done, file=sys.stderr)


def main() -> None:
    """Run all, and print the table."""
    moments = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    kinds: dict[str, Callable[[Path, Counter[str]], None]] = {
        "kill -9 of `train`": lambda base, outcomes: kill_train(base, moments, outcomes),
        "kill -9 of `predict`": lambda base, outcomes: kill_predict(base, moments, outcomes),
        "full disk, `train` and `predict`": full_disk,
        "read-only folder, every command": read_only,
        "locked SQLite store, every command": locked,
        "dead server, every command": dead,
        "hanging server, every command": hanging,
        "failing server, every command": failing,
    }
    chosen = [name for name in kinds if not sys.argv[2:] or any(word in name for word in sys.argv[2:])]
    print("| kind | tries | outcomes |\n| --- | --- | --- |", flush=True)
    with tempfile.TemporaryDirectory(prefix="slugline-faults-") as root:
        base = prepare(Path(root))
        for name in chosen:
            outcomes: Counter[str] = Counter()
            if name.startswith(("full", "read")) and os.geteuid() != 0:
                print(f"| {name} | 0 | needs root |", flush=True)
                continue
            try:
                kinds[name](base, outcomes)
            except (AssertionError, InputError) as error:
                outcomes[f"stopped: {error}"] += 1
            tried = ("killed", "had ended before", "tracebacks", "not disturbed", "one line, exit 1", "otherwise")
            described = "; ".join(f"{what}: {number}" for what, number in outcomes.items())
            print(f"| {name} | {sum(outcomes[what] for what in tried)} | {described} |", flush=True)


if __name__ == "__main__":
    main()
