"""The MLflow UI, in a real browser, shows what was logged without any set-up."""

import json
import re
import shutil
import socket
import subprocess
import sys
import time
from html import unescape
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from mlflow import MlflowClient

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("chromium") is None, reason="no chromium: apt-get install chromium"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory, command):
    """A store with a sweep of two jobs and a run, the address of `slugline ui` on it, and all runs by their names."""
    folder = tmp_path_factory.mktemp("ui")
    for options in (("-m", "model.C=0.1,1", "plots=false"), ("name=alone",)):
        assert command(folder, "train", "features=word", *options).returncode == 0
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = f"sqlite:///{folder}/store.db"
    arguments = [sys.executable, "-m", "slugline", "ui", f"port={port}", f"tracking_uri={store}"]
    server = subprocess.Popen(arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}/"
    for _ in range(120):
        try:
            urlopen(address).close()
            break
        except URLError:
            time.sleep(0.5)
    experiment = MlflowClient(store).get_experiment_by_name("slugline").experiment_id
    yield address, experiment, {run.info.run_name: run for run in MlflowClient(store).search_runs([experiment])}
    subprocess.run(["pkill", "-P", str(server.pid)], check=False)
    server.terminate()
    server.wait(20)


def see(site, place: str, wanted: str) -> str:
    """Return the text of a page as the browser has it once the wanted words are there, or after four tries."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1800,1000", "--virtual-time-budget=30000"]
    for _ in range(4):
        done = subprocess.run(
            ["chromium", *options, "--dump-dom", site[0] + place], capture_output=True, text=True, check=True
        )
        body = re.sub(r"<(script|style).*?</\1>", "", done.stdout, flags=re.DOTALL)
        text = " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())
        if wanted in text:
            break
    return text


def test_the_table_of_runs_shows_runs_by_what_they_vary_with_their_data(site):
    text = see(site, f"#/experiments/{site[1]}/runs?workflowType=machine_learning", "alone")
    assert "alone" in text
    assert "sweep features=word model.C=0.1,1" in text
    assert "sample-train (" in text


def test_a_run_shows_its_scores_and_what_topics_mean_and_its_metrics_in_groups(site):
    run = site[2]["alone"]
    text = see(site, f"#/experiments/{site[1]}/runs/{run.info.run_id}", "Macro F1 on test")
    assert f"Macro F1 on test {run.data.metrics['test/f1_macro']:.3f}" in text
    assert "A halt in fighting between armed sides" in text
    charts = see(site, f"#/experiments/{site[1]}/runs/{run.info.run_id}/model-metrics", "test/f1 (")
    assert "test/f1 (45)" in charts  # of fifteen topics, with both ends of their intervals
    assert "time (" in charts


def test_artifacts_hold_the_page_and_the_tables(site):
    place = f"#/experiments/{site[1]}/runs/{site[2]['alone'].info.run_id}/artifacts/report.html"
    text = see(site, place, "Path: file://")
    for name in ("report.html", "errors.json", "scores_test.csv", "top_terms.png", "config.yaml"):
        assert name in text
    card = see(site, place.replace("report.html", "model_card.md"), "Where it is worse")
    assert "What it learned from" in card
    assert "ceasefire : A halt in fighting between armed sides" in card


def test_two_runs_stand_side_by_side(site):
    names = ["features=word model.C=0.1", "features=word model.C=1"]
    runs = [site[2][name].info.run_id for name in names]
    place = f"#/compare-runs?runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([site[1]]))}"
    text = see(site, place, "Comparing 2 Runs")
    assert "Parallel Coordinates Plot" in text
    assert "model.C 0.1 1" in text


def test_a_model_shows_where_it_comes_from_its_alias_and_its_scores(site):
    text = see(site, "#/models/slugline-sample/versions/1", "Macro F1 on test")
    assert "@ champion" in text
    assert "features=word model.C=" in text
    assert re.search(r"ceasefire \d\.\d\d \d\.\d\d \d\.\d\d \d+ A halt in fighting", text)
