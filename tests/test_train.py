"""`slugline train` as a user runs it: real commands, a real SQLite store, the shipped sample."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

DATA = Path(os.environ.get("SLUGLINE_DATA", Path(__file__).parents[2] / "shared" / "data"))
TOPICS = [
    *("ceasefire", "agreement", "consultation", "support", "aid", "concession", "demand", "accusation"),
    *("rejection", "threat", "protest", "sanctions", "mobilization", "coercion", "assault"),
]
CHAMPION = "models:/slugline-sample@champion"
SECONDS = {  # the names of stages as they are printed, and their metrics
    "read articles": "articles",
    "split into sentences": "sentences",
    "label": "labels",
    "find copies": "duplicates",
    "split into train, dev, test": "split",
    "features": "features",
    "fit and cross-validate": "fit",
    "choose thresholds": "thresholds",
    "evaluate": "evaluate",
    "write report and model": "report",
    "log to MLflow": "log",
    "in no stage": None,
    "counted twice, as two stages went on at once": "overlap",
    "total": "total",
}
QUICK = ("tracking=off", "plots=false", "features=word", "folds=2")


def metrics_of(folder):
    """Return the metrics of the newest run below a folder, times left out."""
    newest = max(folder.glob("experiments/runs/*/*/metrics.json"))
    return {key: value for key, value in json.loads(newest.read_text()).items() if not key.startswith("time/")}


@pytest.fixture(scope="module")
def trained(tmp_path_factory, process):
    """A folder in which `slugline train` has run once with the defaults, as a program, on its own store."""
    folder = tmp_path_factory.mktemp("trained")
    done = process(folder, "train", "-v", MLFLOW_TRACKING_URI="")
    assert done.returncode == 0, done.stderr
    return folder, done


@pytest.fixture(scope="module")
def store(trained):
    """The MLflow client of that folder's store."""
    return MlflowClient(f"sqlite:///{trained[0]}/experiments/mlflow.db")


@pytest.fixture(scope="module")
def run(store):
    """The run in that store."""
    (found,) = store.search_runs([store.get_experiment_by_name("slugline").experiment_id])
    return found


def test_train_prints_the_table_the_run_the_model_and_the_next_command(trained):
    out = trained[1].stdout
    assert "macro" in out
    assert "baseline rules: macro F1" in out
    assert "model   models:/slugline-sample@champion\n" in out
    assert "next    slugline predict model_uri=models:/slugline-sample@champion" in out
    assert all(topic in out for topic in TOPICS)


def test_train_v_prints_the_seconds_of_each_stage_which_add_up_to_the_total_and_are_in_the_run(trained, run):
    lines = [line.removeprefix("seconds ").rsplit(maxsplit=1) for line in trained[1].stdout.splitlines()]
    *stages, (last, total) = [(line[0], float(line[1])) for line in lines if line[1:] and line[0] in SECONDS]
    assert [name for name, _ in stages if SECONDS[name] != "overlap"] == [
        name for name in SECONDS if SECONDS[name] not in ("overlap", "total")
    ]
    assert (last, sum(seconds for _, seconds in stages)) == ("total", pytest.approx(total, abs=0.005 * len(SECONDS)))
    assert all(seconds >= 0 for name, seconds in stages if SECONDS[name] != "overlap")
    for name, seconds in [*stages, (last, total)]:
        if (key := SECONDS[name]) is not None:
            assert abs(seconds) == pytest.approx(run.data.metrics[f"time/{key}"], abs=0.0051)


def test_train_says_nothing_on_standard_error(trained):
    assert trained[1].stderr == ""


def test_the_run_has_the_metrics_that_the_design_names(store, run, tmp_path):
    names = [f"{part}/{name}_macro" for part in ("dev", "test") for name in ("f1", "ap", "precision", "recall")]
    names += [f"test/{name}/{topic}" for name in ("f1", "precision", "recall", "support") for topic in TOPICS]
    stages = ("articles", "sentences", "labels", "split", "features", "fit", "thresholds", "evaluate", "log", "total")
    names += ["test/f1_micro", *(f"time/{stage}" for stage in stages)]
    written = json.loads(Path(store.download_artifacts(run.info.run_id, "metrics.json", str(tmp_path))).read_text())
    assert [name for name in names if name not in written] == []


def test_mlflow_shows_the_seconds_of_the_training_and_a_link_to_its_report(store, trained, run):
    lasted = (run.info.end_time - run.info.start_time) / 1000
    assert lasted == pytest.approx(run.data.metrics["time/total"], abs=0.001)
    place = f"#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}/artifacts/report/report.html"
    assert run.data.tags["mlflow.note.content"].startswith(f"[The report]({place})")
    page = next(line.split()[1] for line in trained[1].stdout.splitlines() if line.startswith("page "))
    assert (trained[0] / page).is_file()


def test_the_store_shows_the_headlines_of_the_run_alone_and_a_table_has_the_other_scores(store, run, tmp_path):
    shown = run.data.metrics
    assert len(shown) < 50
    assert {
        "test/f1_macro",
        "test/f1_micro",
        "test/ap_macro",
        "dev/f1_macro",
        "data/train",
        "time/total",
    } <= shown.keys()
    assert {f"test/f1/{topic}" for topic in TOPICS} <= shown.keys()
    tables = [table["path"] for table in json.loads(run.data.tags["mlflow.loggedArtifacts"])]
    assert tables[0] == "tables/scores.json"
    table = json.loads(Path(store.download_artifacts(run.info.run_id, "tables/scores.json", str(tmp_path))).read_text())
    rows = {(row[0], row[1]): dict(zip(table["columns"], row, strict=True)) for row in table["data"]}
    assert table["data"][0][0] == "test"
    macro = rows["test", "macro"]
    assert macro["f1"] == pytest.approx(shown["test/f1_macro"])
    assert run.data.tags["95 percent interval"] == f"{macro['f1_low']:.3f} to {macro['f1_high']:.3f}"
    worst = min(TOPICS, key=lambda topic: shown[f"test/f1/{topic}"])
    assert run.data.tags["worst topic"] == f"{shown[f'test/f1/{worst}']:.3f} {worst}"
    assert (
        rows["dev", worst]["precision_low"] <= rows["dev", worst]["precision"] <= rows["dev", worst]["precision_high"]
    )


def test_the_model_beats_both_baselines(run):
    metrics = run.data.metrics
    assert metrics["test/f1_macro"] > metrics["test/f1_macro_rules"] > metrics["test/f1_macro_most_frequent"]


def test_the_run_is_finished_and_says_where_it_comes_from(run):
    assert run.info.status == "FINISHED"
    assert "scikit-learn" in run.data.tags["versions"]
    assert run.data.tags["mlflow.note.content"].splitlines()[2].startswith("Macro F1 on test")
    assert run.data.params["model.C"] == "0.3"
    assert run.data.params["choice/data"] == "sample"


def test_the_run_names_its_data_by_a_digest(run):
    inputs = {found.tags[0].value: found.dataset for found in run.inputs.dataset_inputs}
    assert set(inputs) == {"training", "validation", "testing"}
    assert all(len(found.digest) == 16 for found in inputs.values())


def test_the_run_keeps_its_report_tables_and_plots_in_folders_the_report_first_and_each_thing_once(store, trained, run):
    def files(place=None):
        return [file.path for file in store.list_artifacts(run.info.run_id, place)]

    assert sorted(files()) == ["config.yaml", "metrics.json", "model_card.md", "report", "tables"]
    assert sorted(files("report")) == ["report/plots", "report/report.html"]
    plots = {f"report/plots/{name}_test.svg" for name in ("precision_recall", "confusion", "threshold")}
    assert plots | {"report/plots/top_terms.svg"} <= set(files("report/plots"))
    tables = {"scores.json", "errors.json", "top_terms.csv", "predictions_test.parquet", "split.csv"}
    assert {f"tables/{name}" for name in tables} <= set(files("tables"))
    assert len({Path(file).stem for file in files("tables")}) == len(files("tables"))
    (folder,) = trained[0].glob("experiments/runs/*/*")
    assert {file.name for file in folder.iterdir()} == {*files(), "model", "run.json"}


def test_the_predictions_of_the_test_part_give_the_logged_score(store, run, tmp_path):
    frame = pd.read_parquet(store.download_artifacts(run.info.run_id, "tables/predictions_test.parquet", str(tmp_path)))
    f1 = []
    for topic in TOPICS:
        wanted = np.array([topic in row for row in frame["labels"]])
        given = np.array([topic in row for row in frame["topics"]])
        f1.append(2 * (wanted & given).sum() / (wanted.sum() + given.sum()))
    assert np.mean(f1) == pytest.approx(run.data.metrics["test/f1_macro"], abs=1e-12)


def test_the_first_model_is_registered_and_the_champion(store, run):
    version = store.get_model_version_by_alias("slugline-sample", "champion")
    assert version.run_id == run.info.run_id
    assert "ceasefire" in version.description


def test_the_champion_labels_the_real_article_from_standard_input(trained, command, real_article):
    text = real_article.read_text(encoding="utf-8")
    done = command(
        trained[0],
        "predict",
        f"model_uri={CHAMPION}",
        stdin=text,
        MLFLOW_TRACKING_URI=f"sqlite:///{trained[0]}/experiments/mlflow.db",
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["debris"] for row in rows] == [False] * 14 + [True] * 2
    given = {topic for row in rows for topic in row["topics"]}
    assert {"ceasefire", "accusation", "demand"} <= given
    assert "ceasefire" in rows[12]["topics"]


def test_pyfunc_and_python_give_the_same_answers(trained):
    texts = ["The two armies agreed to a ceasefire.", "Police arrested forty protesters.", ""]
    code = f"""
import mlflow, pandas, slugline
model = slugline.load_model("models:/slugline-sample@champion")
mlflow.set_tracking_uri("sqlite:///experiments/mlflow.db")
frame = mlflow.pyfunc.load_model("models:/slugline-sample@champion").predict(pandas.DataFrame({{"text": {texts!r}}}))
assert (frame[list(model.topics)].to_numpy() == model.predict_proba({texts!r})).all()
assert [tuple(row) for row in frame["topics"]] == model.predict({texts!r})
assert len(model.thresholds) == len(model.topics) == 15
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=trained[0], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_the_same_config_data_and_seed_give_the_same_metrics_to_the_last_digit(tmp_path, command, trained):
    assert command(tmp_path, "train", "tracking=off", "plots=false").returncode == 0
    assert metrics_of(tmp_path) == metrics_of(trained[0])  # of another process, which hashes otherwise


@pytest.mark.slow
def test_a_user_without_labels_gets_a_first_model_by_rules_and_is_told_what_its_scores_mean(tmp_path, command):
    done = command(tmp_path, "train", *QUICK, "labels=plover")
    assert done.returncode == 0, done.stderr
    assert "all labels come from rules" in done.stdout


@pytest.mark.slow
def test_a_split_by_time_puts_the_latest_articles_into_test(tmp_path, command):
    assert command(tmp_path, "train", *QUICK, "split=time").returncode == 0
    (run,) = tmp_path.glob("experiments/runs/*/*")
    dates = {
        part: pd.read_parquet(run / f"tables/predictions_{part}.parquet")["article_id"].str[:10]
        for part in ("dev", "test")
    }
    assert dates["dev"].max() <= dates["test"].min()


def one_of_three(tmp_path):
    """Write ready-made sentences with exactly one label each and a split that leaks."""
    words = {
        "sport": "The striker scored a late goal for {}",
        "market": "Shares of {} fell on weak profits",
        "rain": "Heavy rain fell over {}",
    }
    places = ["Kern", "Tolva", "Brixa", "Odd", "Marn", "Ullo", "Pesh", "Quill", "Drava", "Senn", "Lorch", "Vant"]
    rows = []
    for number, place in enumerate(places):
        for label, text in words.items():
            part = "test" if number % 4 == 3 else "train"
            rows.append({"article_id": f"a{number // 4}", "text": text.format(place), "labels": label, "split": part})
    rows.append(rows[0] | {"split": "test"})
    file = tmp_path / "sentences.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_a_multiclass_model_gives_exactly_one_topic_and_a_leaking_split_is_used_with_a_warning(tmp_path, command):
    file = one_of_three(tmp_path)
    options = ["data=sentences", f"data.path={file}", "labels=given", "labels.mode=multiclass", "split=column"]
    done = command(tmp_path, "train", *QUICK, "features.word.min_df=1", *options)
    assert done.returncode == 0, done.stderr
    assert "3 articles are in more than one part" in done.stdout
    (model,) = tmp_path.glob("experiments/runs/*/*/model")
    text = "The striker scored twice. Shares fell.\n"
    predicted = command(tmp_path, "predict", f"model_uri={model}", stdin=text)
    rows = [json.loads(line) for line in predicted.stdout.splitlines()]
    assert [row["topics"] for row in rows] == [["sport"], ["market"]]
    assert sum(rows[0][topic] for topic in ("sport", "market", "rain")) == pytest.approx(1)


def test_a_run_that_fails_is_marked_failed_with_the_error(tmp_path, command):
    target = "model._target_=sklearn.ensemble.HistGradientBoostingClassifier"
    options = ["model=sklearn", target, "features=word", "plots=false"]
    done = command(tmp_path, "train", *options)
    assert done.returncode == 1
    assert done.stderr.startswith("slugline: model HistGradientBoostingClassifier cannot be fitted: ")
    assert len(done.stderr.splitlines()) == 1
    store = MlflowClient(f"sqlite:///{tmp_path}/store.db")
    (run,) = store.search_runs([store.get_experiment_by_name("slugline").experiment_id])
    assert run.info.status == "FAILED"
    assert "HistGradientBoostingClassifier" in run.data.tags["error"]


@pytest.mark.slow
def test_a_sweep_is_a_parent_with_a_child_each_and_goes_on_when_one_fails(tmp_path, command):
    target = "model._target_=sklearn.ensemble.HistGradientBoostingClassifier,sklearn.naive_bayes.BernoulliNB"
    acts = {"war": "Tanks shelled the town", "peace": "Envoys signed a truce", "": "Rain fell"}
    rows = [
        {"text": f"{text} on day {day}.", "labels": topic, "article_id": f"a{day}"}
        for day in range(60)
        for topic, text in acts.items()
    ]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = ("data=sentences", "data.path=news.jsonl", "labels=given")
    done = command(tmp_path, "train", "-m", "model=sklearn", target, "features=word", "plots=false", *data)
    assert done.returncode == 1  # because one failed
    assert "next    slugline compare" not in done.stdout  # with what?
    store = MlflowClient(f"sqlite:///{tmp_path}/store.db")
    runs = store.search_runs([store.get_experiment_by_name("slugline").experiment_id], order_by=["start_time"])
    parent, *children = runs
    assert [child.data.tags["mlflow.parentRunId"] for child in children] == [parent.info.run_id] * 2
    assert [child.info.status for child in children] == ["FAILED", "FINISHED"]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics == {}  # else the best job would stand twice in every chart
    assert store.get_model_version_by_alias("slugline", "champion").run_id == children[1].info.run_id
    store.download_artifacts(parent.info.run_id, "best.yaml", str(tmp_path))
    (tmp_path / "experiment").mkdir()
    (tmp_path / "best.yaml").rename(tmp_path / "experiment/best.yaml")
    again = command(tmp_path, "train", "--config-dir=.", "experiment=best", "tracking=off")
    assert again.returncode == 0, again.stderr
    assert metrics_of(tmp_path)["test/f1_macro"] == children[1].data.metrics["test/f1_macro"]


@pytest.mark.slow
def test_india_police_events_is_accounted_for_and_scores_at_least_065_over_five_seeds(tmp_path, command):
    if not (DATA / "india_police_events").exists():
        pytest.skip(f"no real data at {DATA}")
    scores = []
    for seed in range(5):
        options = ["experiment=india_police_events", "tracking=off", "plots=false", f"seed={seed}"]
        assert command(tmp_path, "train", *options, SLUGLINE_DATA=str(DATA)).returncode == 0
        metrics = metrics_of(tmp_path)
        left_out = sum(metrics[f"data/{name}"] for name in ("debris", "unlabelled"))
        assert metrics["data/sentences"] == 21391 == metrics["data/used"] + left_out
        assert metrics["data/articles"] == 1257
        scores.append(metrics["test/f1_macro"])
    assert np.mean(scores) >= 0.65
