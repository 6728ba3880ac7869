"""All ways to predict give the same, however much there is to label."""

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import numpy as np
import pytest
from conftest import run_slugline
from test_model_store import WORDS, trained
from test_predict import DATA, SAMPLE, SMALL, journal, kill_when, records, start
from test_predict import long_input as long_input
from test_predict import model as model
from test_predict import whole_jsonl as whole_jsonl

from slugline import load_model
from slugline.data.schema import SENTENCE_COLUMNS
from slugline.errors import InputError
from slugline.model import save_model
from slugline.prediction import PredictOptions, predict_files, workers

needs_dask = pytest.mark.skipif(find_spec("distributed") is None, reason='no Dask: pip install "slugline[dask]"')
PYTHON = {"MLFLOW_DISABLE_TELEMETRY": "true", "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}

REGISTER = """
import json
import sys
from pathlib import Path
import mlflow
import pandas as pd
from slugline.model import TopicModel, load_model
from slugline.tracking import Mlflow

with Mlflow(uri=sys.argv[1]).run("test", Path("run"), {}) as run:
    uri = run.register_model(run.log_model(Path(sys.argv[2])), "a test", run.run_id)
assert uri == "models:/slugline@champion"
texts = json.loads(Path("texts.json").read_text())
table = mlflow.pyfunc.load_model(uri).predict(pd.DataFrame({"text": texts}))
Path("pyfunc.json").write_text(json.dumps(table.to_dict(orient="records")))
"""
CLUSTER = """
if __name__ == "__main__":
    from distributed import LocalCluster
    with LocalCluster(n_workers=2, threads_per_worker=1, host="127.0.0.1", dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        input()
"""
SPARK = """
import json
from pathlib import Path
import mlflow
import numpy as np
from pyspark.sql import SparkSession
from slugline import load_model

rows = [{"text": text} for text in json.loads(Path("texts.json").read_text())]
spark = SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false").getOrCreate()
sentences = spark.createDataFrame(rows, "text string").repartition(4)

topics_of = mlflow.pyfunc.spark_udf(spark, "models:/slugline@champion", env_manager="local")
labelled = sentences.withColumn("prediction", topics_of("text")).select("text", "prediction.*").collect()

assert len(labelled) == len(rows)
model = load_model("models:/slugline@champion")
expected = model.predict_proba([row["text"] for row in labelled])
np.testing.assert_allclose([[row[topic] for topic in model.topics] for row in labelled], expected, rtol=0, atol=1e-9)
assert [tuple(row["topics"]) for row in labelled] == model.to_topics(model.decide(expected))
spark.stop()
print("equal")
"""


def slugline(*arguments: object, folder: Path, timeout: int = 110) -> str:
    """Run `slugline predict` in a folder and return what it writes to standard error."""
    command = [sys.executable, "-m", "slugline", "predict", *map(str, arguments)]
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/store.db"}
    done = subprocess.run(
        command, cwd=folder, env=os.environ | store, capture_output=True, text=True, check=False, timeout=timeout
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


def python(code: str, *arguments: object, folder: Path) -> str:
    """Run Python code in a folder and return what it prints."""
    environment = os.environ | PYTHON | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/store.db"}
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def store(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a SQLite store, the model its champion, and sentences in a file: real ones if at hand."""
    folder = tmp_path_factory.mktemp("store")
    real = DATA / "india_police_events" / "sents.jsonl"
    lines = records(real)[-3000:] if real.is_file() else records(SAMPLE)
    texts = [line.get("sent_text") or line["text"] for line in lines]
    rows = [json.dumps({"text": text}) + "\n" for text in texts if text.strip()]
    (folder / "in.jsonl").write_text("".join(rows), "utf-8")
    labelled = predict_sentences(model, folder / "in.jsonl", folder / "folder.jsonl")
    assert len(labelled) == len(rows)
    (folder / "texts.json").write_text(json.dumps([row["text"] for row in labelled]))
    python(REGISTER, f"sqlite:///{folder}/store.db", model, folder=folder)
    return folder


def predict_sentences(model: Path, source: Path, output: Path) -> list[dict[str, Any]]:
    """Predict in this process, a row a sentence, and return the records."""
    predict_files(model, PredictOptions(input=source, output=output, split_sentences=False, n_jobs=1))
    return records(output)


def assert_equal(rows: list[dict[str, Any]], store: Path, model: Path) -> None:
    """Compare with the model in a folder, asked in Python: probabilities to 1e-9, topics exactly."""
    loaded = load_model(str(model))
    expected = loaded.predict_proba(json.loads((store / "texts.json").read_text()))
    probabilities = [[row[topic] for topic in loaded.topics] for row in rows]
    np.testing.assert_allclose(probabilities, expected, rtol=0, atol=1e-9)
    names = loaded.to_topics(loaded.decide(expected))
    debris = [row.get("debris", False) for row in rows]
    assert [tuple(row["topics"]) for row in rows] == [() if d else n for d, n in zip(debris, names, strict=True)]


@pytest.mark.slow
def test_prediction_from_a_file_gives_what_the_model_gives(store: Path, model: Path) -> None:
    rows = records(store / "folder.jsonl")
    assert tuple(rows[0])[: len(SENTENCE_COLUMNS)] == SENTENCE_COLUMNS
    assert_equal(rows, store, model)


@pytest.mark.slow
def test_a_registered_model_gives_the_same_by_command_and_as_a_pyfunc(store: Path, model: Path) -> None:
    slugline("input=in.jsonl", "output=registry.jsonl", "split_sentences=false", folder=store)
    assert (store / "registry.jsonl").read_bytes() == (store / "folder.jsonl").read_bytes()
    assert_equal(json.loads((store / "pyfunc.json").read_text()), store, model)


@pytest.mark.slow
@needs_dask
def test_dask_gives_the_same_bytes(long_input: Path, model: Path, whole_jsonl: Path, tmp_path: Path) -> None:
    options = [f"model_uri={model}", f"input={long_input}", f"batch={SMALL}", "n_jobs=2", "engine=dask"]
    stderr = slugline(*options, "output=dask.jsonl", folder=tmp_path)
    assert stderr.startswith("model ")
    assert "rejected rows with reasons: dask.jsonl.rejected.jsonl" in stderr.splitlines()[-1]
    assert (tmp_path / "dask.jsonl").read_bytes() == whole_jsonl.read_bytes()


@needs_dask
@pytest.mark.slow
def test_a_killed_run_is_taken_up_by_the_workers_of_a_cluster_elsewhere(
    long_input: Path, model: Path, whole_jsonl: Path, tmp_path: Path
) -> None:
    (tmp_path / "cluster.py").write_text(CLUSTER)
    output = tmp_path / "killed.jsonl"
    options = [f"input={long_input}", f"batch={SMALL}", "engine=dask"]
    assert kill_when(start(model, output, *options, "n_jobs=2"), lambda: len(journal(output)) > 3)
    command = [sys.executable, "cluster.py"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=tmp_path, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        address = f"dask_address={process.stdout.readline().strip()}"
        slugline(f"model_uri={model}", *options, f"output={output}", "resume=true", address, folder=tmp_path)
        assert output.read_bytes() == whole_jsonl.read_bytes()
        again = [f"input={SAMPLE}", "engine=dask", "output=again.csv", address]  # the cluster is alive
        slugline(f"model_uri={model}", *again, folder=tmp_path)
        process.communicate("\n", timeout=60)


@needs_dask
@pytest.mark.slow
def test_an_address_where_no_scheduler_answers_is_one_line(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "_DASK_TIMEOUT", "2s")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        free = taken.getsockname()[1]
    options = [f"model_uri={model}", f"input={SAMPLE}", "engine=dask", f"dask_address=tcp://127.0.0.1:{free}"]
    done = run_slugline(tmp_path, "predict", *options, "output=topics.jsonl")
    assert done.returncode == 1
    assert done.stderr.startswith(f"slugline: dask_address: no Dask scheduler with workers at 'tcp://127.0.0.1:{free}'")
    assert len(done.stderr.splitlines()) == 1


def test_without_dask_the_message_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = save_model(trained(word=WORDS), tmp_path / "model")
    monkeypatch.setitem(sys.modules, "distributed", None)  # as if it were not installed
    options = PredictOptions(input=SAMPLE, output=tmp_path / "topics.jsonl", engine="dask")
    with pytest.raises(InputError, match=r'engine=dask: Dask is not installed; pip install "slugline\[dask\]"'):
        predict_files(model, options)


@pytest.mark.slow
def test_a_served_model_gives_the_same_over_http(store: Path, model: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    serve = ["models", "serve", "-m", "models:/slugline@champion", "--env-manager", "local", "-h", "127.0.0.1"]
    environment = os.environ | PYTHON | {"MLFLOW_TRACKING_URI": f"sqlite:///{store}/store.db"}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"  # where uvicorn is
    command = [sys.executable, "-m", "mlflow", *serve, "-p", str(port), "--workers", "1"]
    process = subprocess.Popen(command, cwd=store, env=environment, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        wait_for(f"http://127.0.0.1:{port}/ping", process)
        texts = json.loads((store / "texts.json").read_text())
        body = json.dumps({"dataframe_split": {"columns": ["text"], "data": [[text] for text in texts]}}).encode()
        request = Request(f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"})
        with urlopen(request, timeout=60) as answer:
            assert_equal(json.load(answer)["predictions"], store, model)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    """Wait until a server answers."""
    limit = time.monotonic() + 100
    while time.monotonic() < limit:
        assert process.poll() is None
        try:
            with urlopen(url, timeout=5):
                return
        except (URLError, OSError):
            time.sleep(0.2)
    raise AssertionError(f"{url} does not answer")


@pytest.mark.slow
def test_spark_gives_the_same_by_the_recipe_of_the_readme(store: Path) -> None:
    pytest.importorskip("pyspark", reason="no Spark: pip install pyspark; it needs Java 17 too")
    assert python(SPARK, folder=store).endswith("equal\n")


def write_articles(file: Path, sentences: int) -> None:
    """Write articles made of the words of the sample, so many sentences in all."""
    words = [word.strip(".,\"'") for article in records(SAMPLE) for word in article["text"].split()]
    chance, left = random.Random(0), sentences
    with file.open("w", encoding="utf-8") as stream:
        while left > 0:
            many = min(left, chance.randint(5, 40))
            lines = [" ".join(chance.choices(words, k=chance.randint(8, 32))) + "." for _ in range(many)]
            stream.write(json.dumps({"article_id": str(left), "text": "\n".join(lines)}) + "\n")
            left -= many


def peak(model: Path, source: Path, *options: str) -> int:
    """Return the largest memory, in kilobytes, of any process of a prediction."""
    command = [sys.executable, "-m", "slugline", "predict", f"model_uri={model}", f"input={source}", *options]
    process = subprocess.Popen(command, cwd=source.parent, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)  # of the process and of all those that it waited for
    process.returncode = status
    assert status == 0
    return usage.ru_maxrss


@pytest.mark.slow
@pytest.mark.parametrize("options", [("n_jobs=2", "output=o.parquet")])
def test_ten_times_the_input_takes_no_more_memory(model: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    few, many = tmp_path / "few.jsonl", tmp_path / "many.jsonl"
    write_articles(few, 10_000)
    write_articles(many, 100_000)
    assert peak(model, many, *options) < 1.1 * peak(model, few, *options) + 5_000


@pytest.mark.slow
def test_rejected_rows_by_the_hundred_thousand_take_no_memory(model: Path, tmp_path: Path) -> None:
    peaks = []
    for rows in (25_000, 250_000):
        file = tmp_path / f"{rows}.jsonl"
        file.write_text('{"text": "They marched."}\n' + "{\n" * rows)
        peaks.append(peak(model, file, "n_jobs=2", "output=o.jsonl"))
        with (tmp_path / "o.jsonl.rejected.jsonl").open() as stream:
            assert sum(1 for _ in stream) == rows
    assert peaks[1] < 1.1 * peaks[0] + 5_000
