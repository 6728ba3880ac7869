"""The MLflow UI, in a real browser, shows what was logged without any set-up."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
from html import unescape
from urllib.parse import quote

import pytest
from mlflow import MlflowClient

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory, process):
    """The store of a folder with a sweep of two jobs and a run, the address of `slugline ui` on it, and all runs by their names."""
    folder = tmp_path_factory.mktemp("ui")
    for options in (("-m", "model.C=0.1,1", "plots=false"), ("name=alone",)):
        assert process(folder, "train", "features=word", *options, MLFLOW_TRACKING_URI="").returncode == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = f"sqlite:///{folder}/experiments/mlflow.db"
    arguments = [sys.executable, "-m", "slugline", "ui", f"port={port}"]
    clean = os.environ | {"MLFLOW_TRACKING_URI": ""}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    server = subprocess.Popen(arguments, cwd=folder, env=clean, **pipes)
    address = f"http://127.0.0.1:{port}/"
    landing = server.stdout.readline().split()[2].removeprefix(address)
    experiment = MlflowClient(store).get_experiment_by_name("slugline").experiment_id
    runs = {run.info.run_name: run for run in MlflowClient(store).search_runs([experiment])}
    yield address, experiment, runs, landing
    server.terminate()
    server.communicate(timeout=20)


def look(site, place: str, wanted: str) -> str:
    """Return a page as the browser has it once the wanted words are in its text, or after four tries."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=2400,1000", "--virtual-time-budget=30000"]
    for _ in range(4):
        done = subprocess.run(
            ["chromium", *options, "--dump-dom", site[0] + place], capture_output=True, text=True, check=True
        )
        if wanted in to_text(done.stdout):
            break
    return done.stdout


def to_text(page: str) -> str:
    """Return the text of a page."""
    body = re.sub(r"<(script|style).*?</\1>", "", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def see(site, place: str, wanted: str) -> str:
    """Return the text of a page; see `look`."""
    return to_text(look(site, place, wanted))


def test_the_printed_link_opens_on_the_trainings_the_best_first_with_what_varied_and_how_sure_the_scores_are(site):
    trainings = [run for run in site[2].values() if "split._target_" in run.data.params]
    assert len(trainings) == len(site[2]) - 1  # all but the parent of the sweep
    trainings.sort(key=lambda run: -run.data.metrics["test/f1_macro"])
    page = look(site, site[3], trainings[0].data.tags["worst topic"])
    columns = re.findall(r'role="columnheader"[^>]*aria-colindex="(\d+)" col-id="\w+\.`([^"]+)`"', page)
    shown = [name for _, name in sorted(columns, key=lambda column: int(column[0])) if name != "Run Name"]
    assert "model.C" in shown[:3]
    scores = [
        "test/f1_macro",
        "95 percent interval",
        "against the best",
        "test/f1_micro",
        "test/ap_macro",
        "worst topic",
    ]
    assert shown[-8:] == [*scores, "time/total", "Dataset"]
    rows = {int(place): run_id for place, run_id in re.findall(r'row-index="(\d+)" row-id="(\w+)"', page)}
    assert [rows[place] for place in sorted(rows)] == [run.info.run_id for run in trainings]
    text = to_text(page)
    for run in trainings:
        assert f"{run.data.metrics['test/f1_macro']:.3f}"[:4] in text
        assert run.data.tags.get("95 percent interval", "") in text
        assert run.data.tags["worst topic"] in text
    assert "sample-train (" in text
    assert "3 matching runs" in text
    assert "sweep ·" not in text


def test_a_run_shows_macro_f1_first_of_its_metrics(site):
    run = site[2]["alone"]
    overview = see(site, f"#/experiments/{site[1]}/runs/{run.info.run_id}", "test/f1_macro")
    assert overview.index("test/f1_macro") < overview.index("test/f1_micro") < overview.index("time/total")


def test_the_table_of_runs_shows_runs_by_what_they_vary_with_their_data(site):
    text = see(site, f"#/experiments/{site[1]}/runs?workflowType=machine_learning", "alone")
    assert "alone" in text
    assert "sweep · C=0.1,1 · word · linear_svc" in text
    assert "sample-train (" in text


def test_a_run_shows_its_scores_and_what_topics_mean_and_its_metrics_in_groups(site):
    run = site[2]["alone"]
    text = see(site, f"#/experiments/{site[1]}/runs/{run.info.run_id}", "Macro F1 on test")
    assert f"Macro F1 on test {run.data.metrics['test/f1_macro']:.3f}" in text
    assert "A halt in fighting between armed sides" in text
    charts = see(site, f"#/experiments/{site[1]}/runs/{run.info.run_id}/model-metrics", "test/f1 (")
    assert "test/f1 (15)" in charts  # of fifteen topics
    assert "time (" in charts


def test_artifacts_begin_with_the_report_and_the_table_of_scores_and_the_card_are_shown(site):
    run = site[2]["alone"]
    place = f"#/experiments/{site[1]}/runs/{run.info.run_id}/artifacts/report/report.html"
    assert place in run.data.tags["mlflow.note.content"]
    text = see(site, place, "Path: file://")
    assert "report plots report.html tables config.yaml metrics.json model_card.md" in text
    scores = see(site, place.replace("report/report.html", "tables/scores.json"), "precision_low")
    assert f"{run.data.metrics['test/f1_macro']}"[:6] in scores
    card = see(site, place.replace("report/report.html", "model_card.md"), "Where it is worse")
    assert "What it learned from" in card
    assert "ceasefire : A halt in fighting between armed sides" in card


def test_two_runs_stand_side_by_side(site):
    names = ["C=0.1 · word · linear_svc", "C=1 · word · linear_svc"]
    runs = [site[2][name].info.run_id for name in names]
    place = f"#/compare-runs?runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([site[1]]))}"
    text = see(site, place, "Comparing 2 Runs")
    assert "Parallel Coordinates Plot" in text
    assert "model.C 0.1 1" in text


def test_a_version_shows_its_card_its_alias_and_its_score(site):
    text = see(site, "#/models/slugline-sample/versions/1", "How good it is")
    assert "@ champion" in text
    assert "C=" in text
    assert re.search(r"ceasefire( 0\.\d{3}){3} 0\.\d{3} to ", text)
    assert re.search(r"macro_f1 0\.\d{3} \(0\.\d{3} to 0\.\d{3}, test\)", text)


def test_a_registered_model_says_what_it_is_which_version_is_in_use_and_how_it_is_used(site):
    text = see(site, "#/models/slugline-sample", "In use: version 1 (champion)")
    assert "slugline predict model_uri=models:/slugline-sample@champion" in text
    assert 'slugline.load_model("models:/slugline-sample@champion")' in text
    assert "ceasefire : A halt in fighting between armed sides" in text


def test_a_logged_model_shows_its_card_and_its_scores_with_their_data(site):
    model_id = site[2]["alone"].data.tags["model_uri"].removeprefix("models:/")
    text = see(site, f"#/experiments/{site[1]}/models/{model_id}", "test/f1_macro")
    assert "How good it is" in text
    assert text.index("test/f1_macro") < text.index("test/f1_micro")
    assert "sample-test (#" in text
