"""A server that does not answer, or a file that is not a store, is one line from every command, within seconds."""

import json
import socket
import sqlite3
import threading
import time
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from slugline import tracking
from slugline.data import SentenceCorpus
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.launch import Launch
from slugline.ngrams import TfidfVectorizer
from slugline.splits import ByArticle
from slugline.tracking.kept_parts import resolve_kept
from slugline.training.settings import TrainSettings
from slugline.workflow import train

COMMANDS = {
    "train": [],
    "train -m": ["-m", "model.C=0.1,1"],
    "predict": ["input=news.txt", "output=out.jsonl"],
    "label": [],
    "review": ["output=tasks.csv", "size=2", "data=sample"],
    "export": ["output=model.joblib"],
    "compare": ["runs=[a,b]"],
    "promote": [],
    "reproduce": ["run_id=abc"],
    "monitor": ["input=news.txt"],
    "log": ["finished"],
}


class Failing(BaseHTTPRequestHandler):
    """Answers everything with 500."""

    def do_GET(self):
        self.send_error(500)

    do_POST = do_GET  # noqa: N815 - the name is Python's

    def log_message(self, *_):
        """Print nothing."""


@pytest.fixture(scope="module")
def addresses():
    """The addresses of a server that always fails, of one that never answers, and of one that is not there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    gone = ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    gone.server_close()
    with socket.create_server(("127.0.0.1", 0)) as hanging:  # which accepts, and that is all
        ports = {"failing": server.server_port, "hanging": hanging.getsockname()[1], "dead": gone.server_port}
        hanging.setblocking(False)
        yield {kind: f"http://127.0.0.1:{port}" for kind, port in ports.items()} | {"listener": hanging}
    server.shutdown()
    server.server_close()


def drain(listener):
    """Return how often somebody connected, and hang up."""
    connections = 0
    with suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            connections += 1
    return connections


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The folder of a finished run."""
    folder = tmp_path_factory.mktemp("finished")
    train(small(folder, tracking.Off()), Launch(folder=folder / "run"))
    return folder / "run"


@pytest.mark.parametrize(
    "kind", ["dead", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("failing", "hanging"))]
)
@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_server_that_does_not_answer_is_one_line_within_seconds(tmp_path, command, addresses, finished, name, kind):
    (tmp_path / "news.txt").write_text("The two sides agreed to a ceasefire.")
    (tmp_path / "finished").symlink_to(finished)
    patience = {"MLFLOW_HTTP_REQUEST_TIMEOUT": "1"} if kind == "hanging" and name != "train" else {}
    began = time.monotonic()
    done = command(tmp_path, name.split()[0], *COMMANDS[name], MLFLOW_TRACKING_URI=addresses[kind], **patience)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("slugline: the MLflow server " + addresses[kind])
    assert len(done.stderr) < 400
    assert "data    " not in done.stdout
    assert time.monotonic() - began < 40  # of which 5 are waited for; MLflow alone would take minutes
    assert kind != "hanging" or drain(addresses["listener"]) == 1  # asked once


class Dying(BaseHTTPRequestHandler):
    """Answers the first question, which experiments there are, and hangs up at any other."""

    def do_POST(self):
        self.close_connection = True
        if self.path.endswith("/experiments/search"):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'{"experiments": [{"experiment_id": "1", "name": "slugline"}]}')

    def do_GET(self):
        self.close_connection = True

    log_message = Failing.log_message


@pytest.mark.parametrize(
    "ask",
    [
        lambda uri: resolve_kept(ByArticle(keep="models:/slugline/1"), uri),
        lambda uri: tracking.read_artifact("a" * 32, "config.yaml", uri),
        lambda uri: tracking.read_run("a" * 32, uri),
        lambda uri: tracking.model_folder("models:/slugline/1", uri),
    ],
)
def test_a_server_that_dies_midway_is_not_told_as_something_that_is_not_there(monkeypatch, ask):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Dying)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}"
    with pytest.raises(tracking.StoreError, match=f"^the MLflow server {address} does not answer as it should: "):
        ask(address)
    server.shutdown()
    server.server_close()


def test_the_ui_of_a_server_is_the_servers_own(tmp_path, command, addresses):
    done = command(tmp_path, "ui", f"tracking_uri={addresses['failing']}")
    assert done.returncode == 1
    assert done.stdout == ""
    assert f"open {addresses['failing']} in a browser" in done.stderr


@pytest.mark.parametrize("options", [["host=nope"], ["port=99999"]])
def test_the_ui_prints_no_address_that_it_cannot_listen_on(tmp_path, command, options):
    done = command(tmp_path, "ui", *options)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


def small(folder, store):
    """Return the settings of a small training."""
    rows = [
        {"text": f"{text} on day {number}.", "article_id": f"a{number}", "labels": labels}
        for number in range(30)
        for text, labels in [("tanks shelled the town", ["war"]), ("rain fell on the market", [])]
    ]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return TrainSettings(
        data=SentenceCorpus(str(folder / "news.jsonl")),
        labels=Labels(),
        features={"word": TfidfVectorizer(min_df=1)},
        tracking=store,
        folds=2,
        plots=False,
    )


def write_broken(file):
    file.write_bytes(b"this is no database, whatever its name says\n" * 40)


def write_foreign(file):
    with closing(sqlite3.connect(file)) as database:
        database.execute("CREATE TABLE accounts (name TEXT)")
        database.commit()


@pytest.mark.slow
@pytest.mark.parametrize("write", [write_broken, write_foreign])
@pytest.mark.parametrize("name", ["train", "train -m", "compare", "predict", "label"])
def test_a_file_that_is_no_store_is_named_and_stays_as_it_is(tmp_path, command, write, name):
    (tmp_path / "news.txt").write_text("The two sides agreed to a ceasefire.")
    write(tmp_path / "store.db")
    before = (tmp_path / "store.db").read_bytes()
    done = command(tmp_path, name.split()[0], *COMMANDS[name])
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "store.db" in done.stderr
    assert "MLFLOW_TRACKING_URI" in done.stderr
    assert (tmp_path / "store.db").read_bytes() == before


@pytest.mark.slow
def test_a_store_that_another_program_holds_is_one_line(tmp_path):
    uri = f"sqlite:///{tmp_path}/store.db"
    tracking.connect(uri)
    with closing(sqlite3.connect(tmp_path / "store.db", isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        with pytest.raises(InputError, match=r"store\.db cannot be used: database is locked"):
            tracking.Mlflow(uri=uri).check()


def test_an_empty_file_becomes_a_store(tmp_path):
    (tmp_path / "store.db").touch()  # what an interrupted program may leave
    tracking.connect(f"sqlite:///{tmp_path}/store.db")
    assert (tmp_path / "store.db").stat().st_size > 0
    assert {file.name for file in tmp_path.iterdir()} <= {"store.db", "store.db.lock"}


def test_a_store_that_dies_before_the_end_leaves_results_and_model_in_the_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    settings = small(tmp_path, tracking.Mlflow(uri=f"sqlite:///{tmp_path}/store.db"))

    def die(text):
        if "macro F1" in text:
            with closing(sqlite3.connect(tmp_path / "store.db")) as database:
                database.execute("DROP TABLE IF EXISTS logged_models")
                database.execute("DROP TABLE IF EXISTS metrics")
                database.commit()

    with pytest.raises(InputError, match=r"store\.db cannot be used: .*; all results of this run are in"):
        train(settings, Launch(folder=tmp_path / "run"), show=die)
    assert (tmp_path / "run/metrics.json").is_file()
    assert (tmp_path / "run/model/model.json").is_file()


@contextmanager
def failing_at(folder, moment):
    """Let the store of a folder fail at a moment in the block."""
    with closing(sqlite3.connect(folder / "store.db")) as database:
        database.execute(f"CREATE TRIGGER broken BEFORE {moment} BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END")
    yield
    with closing(sqlite3.connect(folder / "store.db")) as database:
        database.execute("DROP TRIGGER broken")


@pytest.mark.parametrize("moment", ["INSERT ON runs", "INSERT ON params", "UPDATE OF status ON runs"])
def test_a_store_that_fails_at_the_very_beginning_or_end_of_a_run_costs_nothing(tmp_path, moment):
    uri, told = f"sqlite:///{tmp_path}/store.db", []
    store = tracking.Mlflow(uri, "odd", "odd")
    client = store.connect().MlflowClient()
    with (
        failing_at(tmp_path, moment),
        pytest.raises(tracking.StoreError, match=r"disk I/O error.*; to log them: slugline log ") as failed,
    ):
        train(small(tmp_path, store), Launch(folder=tmp_path / "run"), show=told.append)
    if moment.startswith("INSERT"):
        assert any("disk I/O error" in text and "the training goes on" in text for text in told)
    else:
        assert "may be left RUNNING" in "".join(failed.value.__notes__)

    tracking.log_folder(tmp_path / "run", uri)
    (run,) = client.search_runs([client.get_experiment_by_name("odd").experiment_id])
    assert run.info.status == "FINISHED"
    assert "error" not in run.data.tags
    assert len(client.search_model_versions("name='odd'")) == 1
