"""A run is trained again from its record alone, and nothing in that record is believed."""

import json
import re
from pathlib import Path

import pytest
import yaml
from mlflow import MlflowClient
from mlflow.entities import Metric
from omegaconf import OmegaConf

from slugline.cache import Folder
from slugline.components import settings_to_config, to_yaml
from slugline.config.recorded import read_recorded, to_experiment
from slugline.data import ArticleCorpus
from slugline.errors import InputError
from slugline.labels import Labels, Topic
from slugline.training.settings import TrainSettings

GOOD = "data:\n  _target_: slugline.data.corpus.ArticleCorpus\n  path: news\nseed: 7\n"
BAD = {
    "a class of another module": (
        "model:\n  _target_: subprocess.Popen\n",
        "model._target_: 'subprocess.Popen' is not",
    ),
    "a class deep inside": (
        "model:\n  estimator:\n  - _target_: os.system\n",
        "model.estimator.0._target_: 'os.system'",
    ),
    "a module whose name only begins alike": ("model:\n  _target_: sluglines.Bad\n", "'sluglines.Bad' is not allowed"),
    "a function of a rule": (
        "labels:\n  functions:\n    a:\n      function: os.getcwd\n",
        "'os.getcwd' is not allowed",
    ),
    "a variable of the environment": ("data:\n  path: ${oc.env:HOME}\n", "refers to something outside itself"),
    "a reference in a key": ("data:\n  ${oc.env:HOME}: 1\n", "refers to something outside itself"),
    "a key of Hydra": ("hydra:\n  run:\n    dir: /\n", "the key 'hydra'; allowed: data, labels"),
    "a list of defaults": ("defaults:\n- /model: x\n", "the key 'defaults'"),
    "modules of its own": ("allowed_modules: [os]\n", "used modules that are not allowed here: os"),
    "an object of Python": ("seed: !!python/object/apply:os.getcwd []\n", "is not YAML: could not determine"),
    "modules that are no list": ("allowed_modules: 3.5\n", "allowed_modules: found '3.5'; allowed: a list"),
    "a group that is a number": ("evaluation: .inf\n", "evaluation: found inf; allowed: a mapping"),
    "a group that is a text": ("evaluation: ''\n", "evaluation: found ''; allowed: a mapping"),
    "aliases": ("data: &a [1]\nlabels: [*a, *a]\n", "has aliases"),
    "no mapping": ("- 1\n", "has no keys"),
    "no YAML": ("data: [\n", "is not YAML"),
    "depth": ("data: " + "[" * 1_000_000, "is nested more than 50 deep"),
    "size": ("seed: 0 #" + "x" * (1 << 20), "larger than"),
}


def test_a_config_of_ours_passes():
    settings = read_recorded(GOOD, ())
    assert (settings.data, settings.seed) == (ArticleCorpus("news"), 7)


def test_a_config_with_a_class_of_the_users_passes_where_its_module_is_allowed(tmp_path, monkeypatch):
    (tmp_path / "mine_recorded.py").write_text("class Model:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    text = GOOD + "model:\n  _target_: mine_recorded.Model\nallowed_modules: [mine_recorded]\n"
    settings = read_recorded(text, ["mine_recorded"])
    assert type(settings.model).__name__ == "Model"
    assert settings.allowed_modules == ["mine_recorded"]


def test_an_experiment_made_of_a_config_holds_its_text_as_text():
    text = r"\${oc.env:HOME} or ${oc.env:HOME}"
    config = {"name": "one", "cache": {}, "labels": {"topics": {"war": {"definition": text}}}, "seed": 7}
    file = to_experiment(yaml.safe_dump(config), "a note")
    assert file.startswith("# @package _global_\n# a note\n")
    experiment = OmegaConf.to_container(OmegaConf.create(file), resolve=True)
    assert experiment["labels"] == config["labels"]
    assert (experiment["seed"], experiment["name"], "cache" in experiment) == (7, None, False)
    assert experiment["defaults"] == [{"override /labels": None}]


def test_a_config_with_the_names_of_before_the_package_was_called_slugline_passes():
    old = GOOD.replace("slugline.data.corpus.", "pipeline.corpus.")
    assert settings_to_config(read_recorded(old, ())) == settings_to_config(read_recorded(GOOD, ()))


def test_cache_and_tracking_of_a_recorded_run_are_left_to_where_it_is_run_again():
    text = (
        "cache:\n  _target_: slugline.cache.Off\ntracking:\n  _target_: slugline.tracking.Mlflow\n  uri: sqlite:////x\n"
    )
    settings = read_recorded(GOOD + text, ())
    assert (settings.cache, settings.tracking) == (Folder(), None)


@pytest.mark.parametrize("what", BAD)
def test_a_config_that_asks_for_more_than_training_is_refused_in_one_line(what):
    text, message = BAD[what]
    with pytest.raises(InputError, match=re.escape(message)) as found:
        read_recorded(text, ())
    assert "\n" not in str(found.value)


SMALL = ("data=sentences", "data.path=news.jsonl", "labels=given", "features=word", "features.word.min_df=1")


def write_news(folder):
    """Write forty sentences, two thirds of them on a topic."""
    rows = [
        {"text": f"{word} {n} {'fire' if n % 3 else 'calm'}", "labels": "a" if n % 3 else "", "article_id": f"{n}"}
        for n, word in enumerate(["army", "river", "talks", "bread"] * 10)
    ]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def runs(folder):
    """Return all runs of a folder's store, oldest first, and the store."""
    store = MlflowClient(f"sqlite:///{folder}/store.db")
    experiment = store.get_experiment_by_name("slugline").experiment_id
    return store.search_runs([experiment], order_by=["start_time"]), store


@pytest.mark.slow
def test_a_run_a_job_of_a_sweep_and_trees_give_the_same_metrics_and_model_again(tmp_path, command):
    write_news(tmp_path)
    trees = ("model=sklearn", "model._target_=sklearn.ensemble.ExtraTreesClassifier", "+model.n_estimators=5")
    for options in (("model.C=0.1",), ("-m", "model.C=0.3,1"), (*trees, "+model.random_state=0")):
        assert command(tmp_path, "train", *SMALL, "folds=2", "plots=false", *options).returncode == 0
    found, _ = runs(tmp_path)
    recorded = [run for run in found if run.data.tags.get("model_digest")]
    assert len(recorded) == 4
    for run in (recorded[0], *recorded[2:]):  # of the sweep one job
        again = command(tmp_path, "reproduce", f"run_id={run.info.run_id}")
        assert again.returncode == 0, again.stdout + again.stderr
        assert "metrics equal" in again.stdout
        assert "model   same" in again.stdout
        assert "data    same" in again.stdout
        newest = runs(tmp_path)[0][-1]
        assert newest.data.tags["reproduces"] == run.info.run_id
        assert newest.data.tags["reproduced"] == "all metrics equal"
    sweep = next(run for run in found if "best_run" in run.data.tags)
    refused = command(tmp_path, "reproduce", f"run_id={sweep.info.run_id[:8]}")
    assert f"is a sweep; give one of its jobs: the best is {sweep.data.tags['best_run']}" in refused.stderr
    assert len(runs(tmp_path)[1].search_model_versions("name='slugline'")) == 3  # of the runs themselves


@pytest.mark.slow
def test_all_metrics_are_compared_not_those_alone_that_the_store_shows_also_of_a_run_of_before(tmp_path, command):
    write_news(tmp_path)
    assert command(tmp_path, "train", *SMALL, "plots=false").returncode == 0
    (first,), store = runs(tmp_path)
    file = Path(first.info.artifact_uri.removeprefix("file://")) / "metrics.json"
    written = json.loads(file.read_text())
    compared = [key for key in written if not key.startswith("time/")]
    assert len(compared) > 2 * len(first.data.metrics)
    again = command(tmp_path, "reproduce", f"run_id={first.info.run_id}")
    assert f"result  all {len(compared)} metrics equal" in again.stdout, again.stdout + again.stderr

    file.write_text(json.dumps(written | {"test/recall/a": 0.25}))
    again = command(tmp_path, "reproduce", f"run_id={first.info.run_id}")
    assert again.returncode == 1
    assert re.search(r"test/recall/a +0\.250000 .* differs", again.stdout)

    file.unlink()  # versions before had no such file, and all in the store
    store.log_batch(first.info.run_id, [Metric(key, value, 0, 0) for key, value in written.items()])
    again = command(tmp_path, "reproduce", f"run_id={first.info.run_id}")
    assert f"result  all {len(compared)} metrics equal" in again.stdout, again.stdout + again.stderr


@pytest.mark.slow
def test_what_differs_is_said_and_a_run_that_is_not_there_is_one_line(tmp_path, command):
    write_news(tmp_path)
    done = command(tmp_path, "train", *SMALL, "plots=false")
    assert done.returncode == 0, done.stderr
    (first,), store = runs(tmp_path)
    lines = (tmp_path / "news.jsonl").read_text().splitlines(keepends=True)
    (tmp_path / "news.jsonl").write_text("".join(lines[:-4]))
    again = command(tmp_path, "reproduce", f"run_id={first.info.run_id}")
    assert again.returncode == 1
    assert "data    differs" in again.stdout
    assert re.search(r"data/used +40\.000000 +36\.000000  differs", again.stdout)
    store.log_text(first.info.run_id, "model:\n  _target_: os.system\n", "config.yaml")
    refused = command(tmp_path, "reproduce", f"run_id={first.info.run_id}")
    assert refused.returncode == 1
    assert refused.stderr.count("\n") == 1
    assert "model._target_: 'os.system' is not allowed" in refused.stderr
    assert len(runs(tmp_path)[0]) == 2
    missing = command(tmp_path, "reproduce", "run_id=none")
    assert missing.stderr.startswith("slugline: no run 'none' in sqlite:///")
    assert missing.stderr.count("\n") == 1


def test_a_topic_named_like_a_reference_is_a_name():
    text = to_yaml(settings_to_config(TrainSettings(labels=Labels(topics={"${x}": Topic(definition="of ${y}")}))))
    assert read_recorded(text, []).labels.topics["${x}"].definition == "of ${y}"
