"""MLflow for real: a SQLite store, several processes at once, the UI in a browser."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from slugline import tracking
from slugline.errors import InputError
from slugline.tracking.paging import search_all


def test_a_store_that_cannot_be_reached_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"file/mlflow\.db cannot be used: "):
        tracking.connect(f"sqlite:///{tmp_path}/file/mlflow.db")


def test_a_sqlite_store_keeps_its_artifacts_beside_it(tmp_path):
    settings = tracking.Mlflow(uri=f"sqlite:///{tmp_path}/elsewhere/runs.db")
    (tmp_path / "file.txt").write_text("kept")
    with settings.run("a run", tmp_path, {}) as run:
        run.mlflow.log_artifact(str(tmp_path / "file.txt"))
    assert [file.name for file in (tmp_path / "elsewhere/artifacts").rglob("*.txt")] == ["file.txt"]


def test_a_data_set_is_recorded_as_mlflow_describes_a_frame_of_all_its_rows(tmp_path):
    with tracking.Mlflow(uri=f"sqlite:///{tmp_path}/runs.db").run("a run", tmp_path, {}) as run:
        run.log_data([tracking.DataSet("test", "news-test", "news.csv", "a" * 12, 300)])
        frame = pd.DataFrame("text", index=range(300), columns=["sentence_id", "article_id", "text", "labels"])
        with pytest.warns(UserWarning, match="The specified dataset source"):
            whole = run.mlflow.data.from_pandas(frame, source="news.csv", name="news-test", digest="b" * 12)
        run.mlflow.log_input(whole, context="testing")
    ours, theirs = sorted(run.mlflow.get_run(run.run_id).inputs.dataset_inputs, key=lambda each: each.dataset.digest)
    assert vars(ours.dataset) | {"_digest": ""} == vars(theirs.dataset) | {"_digest": ""}
    assert [vars(tag) for tag in ours.tags] == [vars(tag) for tag in theirs.tags]


def test_a_model_uri_of_no_known_kind_is_refused_with_what_is_allowed():
    with pytest.raises(InputError, match="allowed: a model folder, models:/NAME@ALIAS"):
        tracking.model_folder("no/such/folder")


def test_a_search_of_the_store_goes_on_beyond_its_first_page(tmp_path):
    mlflow = tracking.connect(f"sqlite:///{tmp_path}/mlflow.db")
    client = mlflow.MlflowClient()
    made = [client.create_run("0", run_name=f"run {number}").info.run_id for number in range(5)]
    found = [run.info.run_id for run in search_all(client.search_runs, ["0"], order_by=["start_time"], max_results=2)]
    assert sorted(found) == sorted(made)


@pytest.mark.parametrize("file", sorted(Path(tracking.__file__).parent.glob("*.py")), ids=lambda file: file.name)
def test_no_search_of_the_store_ends_with_its_first_page(file):
    assert not re.findall(r"\.search_\w+\((?!max_results=1\)).*", file.read_text()), (
        "search_all(client.search_..., ...) reads all pages"
    )


def test_telemetry_is_off():
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


@pytest.mark.slow
def test_four_processes_on_a_fresh_store_lose_no_run(tmp_path):
    code = """
from pathlib import Path
from slugline.tracking import Mlflow
for number in range(5):
    with Mlflow().run(f"run {number}", Path("."), {}) as run:
        run.log_params({"number": number})
        run.log_metrics({"score": float(number)})
"""
    started = [subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path) for _ in range(4)]
    assert [process.wait(timeout=240) for process in started] == [0] * 4
    from mlflow import MlflowClient

    store = MlflowClient(f"sqlite:///{tmp_path}/experiments/mlflow.db")
    runs = store.search_runs([store.get_experiment_by_name("slugline").experiment_id])
    assert sorted(run.data.metrics["score"] for run in runs) == sorted([0.0, 1.0, 2.0, 3.0, 4.0] * 4)
    assert {run.info.status for run in runs} == {"FINISHED"}
