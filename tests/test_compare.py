"""Runs are compared on the same sentences or not at all; differences are those of their scores."""

import html
import re
import shlex
from pathlib import Path

import pandas as pd
import pytest
from mlflow import MlflowClient
from toy_store import DATA, toy_rows, train_toys, write_rows

pytestmark = pytest.mark.slow
QUICK = ("evaluation.cross_validation=false",)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with two runs on the same sentences and one on fewer, and their ids."""
    place = tmp_path_factory.mktemp("compare")
    rows = toy_rows(240, in_article=4)
    for row in rows[::9]:
        row["labels"] = "talks"
    write_rows(place / "news.jsonl", rows)
    write_rows(place / "less.jsonl", rows[:-40])
    low = ("features=char", "threshold=fixed", "threshold.value=0.01")  # gives more topics
    train_toys(place, QUICK, (*QUICK, *low), (*QUICK, "data.path=less.jsonl"))
    store = MlflowClient(f"sqlite:///{place}/store.db")
    experiment = store.get_experiment_by_name("slugline").experiment_id
    found = [run.info.run_id for run in store.search_runs([experiment], order_by=["start_time"])]
    return place, found, store


def test_two_runs_stand_side_by_side_and_become_a_run_with_a_page(folder, command):
    place, (one, other, _), store = folder
    done = command(place, "compare", f"runs=[{one},{other}]")
    assert done.returncode == 0, done.stderr
    assert "the same for all 2 runs" in done.stdout
    run = store.get_run(done.stdout.rpartition("run     ")[2].split()[0])
    metrics = [store.get_run(key).data.metrics["test/f1_macro"] for key in (one, other)]
    assert run.data.metrics["difference/f1_macro/1"] == pytest.approx(metrics[1] - metrics[0])
    folder_of = {
        name: store.download_artifacts(run.info.run_id, name, str(place))
        for name in ("tables/scores.csv", "tables/changes.csv", "report/report.html", "tables/differences_1.csv")
    }
    scores = pd.read_csv(folder_of["tables/scores.csv"], index_col=0)
    assert scores.loc["f1_macro"].tolist() == pytest.approx(metrics)
    changes = pd.read_csv(folder_of["tables/changes.csv"])
    frames = []
    for key in (one, other):
        (place / key).mkdir()
        frames.append(
            pd.read_parquet(store.download_artifacts(key, "tables/predictions_test.parquet", str(place / key)))
        )
    expected = sum(len({*a} ^ {*b}) for a, b in zip(frames[0]["topics"], frames[1]["topics"], strict=True))
    assert len(changes) == expected > 0
    page = Path(folder_of["report/report.html"]).read_text()
    shown = html.unescape(page)
    assert f"{expected} decisions changed sides" in page
    assert all(text in shown for text in changes["text"])
    assert "<script" not in page


def test_runs_go_by_their_versions_too(folder, command):
    place, (one, other, _), _ = folder
    done = command(place, "compare", "runs=[models:/slugline@champion,2]", "tracking=off")
    assert done.returncode == 0, done.stderr
    assert f"({other[:8]}) less" in done.stdout
    assert f"({one[:8]})" in done.stdout


def test_runs_on_different_data_are_refused_by_name_unless_forced(folder, command):
    place, (one, _, less), _ = folder
    refused = command(place, "compare", f"runs=[{one},{less}]")
    assert refused.returncode == 1
    assert re.fullmatch(
        r"slugline: runs were tested on different data: .+ \(\w{8}\): \d+ test sentences \(data.path=news.jsonl\); "
        r".+ \(\w{8}\): \d+ test sentences \(data.path=less.jsonl\); force=true compares the sentences they share\n",
        refused.stderr,
    )
    forced = command(place, "compare", f"runs=[{one},{less}]", "force=true", "tracking=off")
    assert forced.returncode == 0, forced.stderr


def test_of_runs_on_different_data_the_comparable_ones_are_compared_and_the_others_named(folder, command):
    place, (one, other, less), store = folder
    name = store.get_run(other).info.run_name
    done = command(place, "compare", f"runs=[{less},{name},1]", "tracking=off")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^data    .*\({other[:8]}\), .*\({one[:8]}\): ", done.stdout, re.MULTILINE)
    assert re.search(
        rf"^left    .*\({less[:8]}\): \d+ test sentences \(data.path=less.jsonl\)$", done.stdout, re.MULTILINE
    )
    assert f"({one[:8]}) less" in done.stdout
    assert "the same for all 2 runs" in done.stdout
    options = ("plots=false", "features=word", "data.path=less.jsonl", "model.C=2", "tracking.experiment=other")
    trained = command(place, "train", *DATA, *QUICK, *options)
    last = trained.stdout.rpartition("run     ")[2].split()[0]
    two = command(place, "compare", f"runs=[{last},{other},{less},1]", "tracking=off")
    assert f"({less[:8]}) less" in two.stdout  # of two groups of two that of the first run
    pasted = re.search(r"^next    slugline (compare .*)$", two.stdout, re.MULTILINE)[1]
    rest = command(place, *shlex.split(pasted), "tracking=off")
    assert rest.returncode == 0, rest.stderr
    assert "left " not in rest.stdout


def test_the_last_runs_of_an_experiment_are_those_with_predictions_oldest_first(folder, command):
    place, (_, other, less), _ = folder
    done = command(place, "compare", "experiment=slugline", "last=2", "force=true", "tracking=off")
    assert done.returncode == 0, done.stderr
    assert re.search(rf"^result  .*\({less[:8]}\): macro F1 .* against .*\({other[:8]}\): ", done.stdout, re.MULTILINE)
    assert re.search(rf"\({less[:8]}\) less .*\({other[:8]}\)$", done.stdout, re.MULTILINE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "found neither runs nor an experiment; give either runs=[RUN,RUN] or experiment=NAME"),
        (
            ["runs=[a,b]", "experiment=slugline"],
            "found both runs and an experiment; give either runs=[RUN,RUN] or experiment=NAME",
        ),
        (["runs=[1]"], "runs: found "),
        (["runs=[1,models:/slugline/1]"], "runs: found "),
        (["runs=[a,b]"], "no run 'a' in sqlite:///"),
        (["runs=[1,99]"], "no run '99' in sqlite:///"),
        (["experiment=slugline", "last=0"], "last: 0; allowed: from 2"),
        (["experiment=slugline", "last=1"], "last: 1; allowed: from 2"),
        (["experiment=none"], "no experiment 'none' in sqlite:///"),
    ],
)
def test_a_mistake_is_one_line(folder, command, options, message):
    done = command(folder[0], "compare", *options)
    assert done.returncode == 1
    assert done.stderr.startswith(f"slugline: {message}")
    assert done.stderr.count("\n") == 1
