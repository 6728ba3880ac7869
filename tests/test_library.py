"""Slugline as a library: a training from Python, that knows nothing of the command line and its config."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from mlflow import MlflowClient

from slugline import load_model
from slugline.cache import Folder, Off
from slugline.components import settings_to_config
from slugline.config.build import build_settings
from slugline.config.launch import register
from slugline.data import SentenceCorpus
from slugline.errors import InputError
from slugline.labels import Labels, Topic
from slugline.launch import Launch
from slugline.ngrams import TfidfVectorizer
from slugline.splits import ByArticle
from slugline.tracking import Mlflow
from slugline.tracking import Off as NoTracking
from slugline.training.settings import EvaluationSettings, TrainSettings
from slugline.workflow import train

CONF = Path(__file__).parents[1] / "conf"
WORDS = {"war": "Tanks shelled the town", "peace": "Envoys signed a truce", "": "Rain fell all day"}


def write_news(folder: Path) -> Path:
    """Write labelled sentences of twelve articles."""
    rows = [
        {"article_id": f"a{n // 6}", "text": f"{text} on day {n}.", "labels": [topic] if topic else []}
        for n, (topic, text) in enumerate(list(WORDS.items()) * 24)
    ]
    file = folder / "news.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def small(file: Path, **changes) -> TrainSettings:
    """Return settings that train on these sentences in a moment."""
    options = {
        "data": SentenceCorpus(str(file)),
        "labels": Labels(),
        "features": {"word": TfidfVectorizer()},
        "folds": 2,
        "plots": False,
        "cache": Off(),
        "tracking": NoTracking(),
    }
    return TrainSettings(**(options | changes))


SCRIPT = """
import sys
from slugline.data import SentenceCorpus
from slugline.labels import Labels
from slugline.tracking import Off
from slugline.training.settings import TrainSettings
from slugline.workflow import train

run = train(TrainSettings(data=SentenceCorpus("news.jsonl"), labels=Labels(), tracking=Off(), folds=2))
print(run)
assert run.model.predict(["Envoys signed a truce."]) == [("peace",)]
assert not {"hydra", "omegaconf", "pipeline"} & set(sys.modules), sorted(sys.modules)
"""


@pytest.mark.slow
def test_a_script_trains_without_hydra_also_beside_a_users_own_module_called_pipeline(tmp_path):
    write_news(tmp_path)
    (tmp_path / "pipeline.py").write_text("raise SystemExit('the wrong module')\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "script.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    (folder,) = tmp_path.glob("experiments/runs/*/*")
    first, model, place = done.stdout.splitlines()
    assert first.startswith("TrainingRun 'train': macro F1 ")
    assert (model.split(), place.split()) == (
        ["model", str(folder.relative_to(tmp_path) / "model")],
        ["folder", str(folder.relative_to(tmp_path))],
    )
    for name in ("config.yaml", "metrics.json", "report/report.html", "model/model.json", "tables/scores.json"):
        assert (folder / name).is_file()


def test_the_defaults_of_the_library_are_those_of_the_command(monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    register("train")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = settings_to_config(build_settings(compose("train"), TrainSettings))
    ours = settings_to_config(TrainSettings(tracking=Mlflow()))
    assert config == ours
    assert list(config) == list(ours)
    assert TrainSettings().tracking is None  # which `train` takes for Mlflow()


def test_the_seed_of_the_settings_is_that_of_the_split_and_the_model_unless_these_have_their_own(tmp_path):
    file = write_news(tmp_path)
    settings = small(file, seed=7)
    assert (settings.split, settings.model.random_state) == (ByArticle(seed=7), 7)
    assert small(file, seed=7, split=ByArticle(seed=1)).split == ByArticle(seed=1)


def test_a_run_is_one_object_with_all_that_it_gave_and_its_folder_holds_the_same(tmp_path, capsys):
    settings = small(write_news(tmp_path), name="mine")
    run = train(settings, Launch(folder=tmp_path / "run"))
    assert capsys.readouterr() == ("", "")  # it is for its caller to print
    assert (run.name, run.run_id, run.overrides, run.part) == ("mine", None, None, "cross_validated")
    decided = replace(settings, data=run.settings.data, labels=run.settings.labels)  # the columns and the mode
    assert run.settings == decided
    assert run.settings.labels == replace(settings.labels, mode="multilabel")
    assert json.loads((tmp_path / "run/metrics.json").read_text()) == run.metrics
    assert (tmp_path / "run/config.yaml").read_text() == run.config
    assert yaml.safe_load(run.config) == settings_to_config(decided)
    assert run.model_uri == str(tmp_path / "run/model")
    assert run.probabilities.shape == (len(run.dataset.sentences), 2)
    assert set(run.scores.index) >= {"war", "peace"}
    loaded = load_model(run.model_uri)
    texts = ["Tanks shelled the town again.", "Rain."]
    assert (loaded.predict_proba(texts) == run.model.predict_proba(texts)).all()
    assert loaded.info["data_digest"] == run.digests["train"]
    assert run.commands() == []  # no command made it, and none can


def test_what_there_is_to_tell_is_given_to_the_caller_as_it_goes_on(tmp_path):
    told = []
    settings = small(write_news(tmp_path), cache=Folder(str(tmp_path / "cache")))
    run = train(settings, Launch(folder=tmp_path / "run"), show=told.append)
    text = "\n".join(told)
    assert "cache   articles made, nothing was kept" in text
    assert "macro" in text
    assert f"{run.metrics['test/f1_macro']:.3f}" in text


def test_a_caller_sees_every_fold_and_may_stop(tmp_path):
    folds = []

    def on_fold(fold: int, score: float) -> None:
        folds.append((fold, score))
        if fold == 1:
            raise InputError("enough")

    with pytest.raises(InputError, match=r"^enough$"):
        train(small(write_news(tmp_path), folds=3), Launch(folder=tmp_path / "run"), on_fold=on_fold)
    assert [fold for fold, _ in folds] == [0, 1]
    assert all(0 <= score <= 1 for _, score in folds)
    assert not (tmp_path / "run").exists()


def test_two_trainings_of_one_program_give_the_same_and_leave_each_other_alone(tmp_path):
    settings = small(write_news(tmp_path))
    runs = [train(settings, Launch(folder=tmp_path / name)) for name in ("one", "two")]
    scores = [{key: value for key, value in run.metrics.items() if not key.startswith("time/")} for run in runs]
    assert scores[0] == scores[1]
    assert runs[0].digests == runs[1].digests


def test_settings_that_cannot_be_are_refused_before_anything_is_read_or_written(tmp_path):
    with pytest.raises(InputError, match=r"^data\.path: no such file or folder: "):
        train(small(tmp_path / "none.jsonl"), Launch(folder=tmp_path / "run"))
    with pytest.raises(InputError, match=r"^evaluation\.recall=2"):
        EvaluationSettings(recall=2)
    assert list(tmp_path.iterdir()) == []


LITERAL = r"\${oc.env:HOME} and ${oc.env:HOME}"


@pytest.mark.slow
def test_text_like_a_reference_is_recorded_as_it_is_and_a_recorded_run_with_one_is_not_run_again(tmp_path, command):
    store = f"sqlite:///{tmp_path}/store.db"
    topics = {"war": Topic(definition=LITERAL), "peace": Topic()}
    settings = small(write_news(tmp_path), name=LITERAL, labels=Labels(topics=topics), tracking=Mlflow(uri=store))
    run = train(settings, Launch(folder=tmp_path / "run"))
    assert run.model_uri == "models:/slugline@champion"
    assert run.model.info["definitions"]["war"] == LITERAL
    client = MlflowClient(store)
    recorded = client.get_run(run.run_id)
    assert recorded.info.run_name == LITERAL
    assert recorded.data.params["name"] == LITERAL
    text = Path(client.download_artifacts(run.run_id, "config.yaml", str(tmp_path))).read_text()
    assert yaml.safe_load(text)["labels"]["topics"]["war"] == {"definition": LITERAL}
    again = command(tmp_path, "reproduce", f"run_id={run.run_id}")
    assert (again.returncode, again.stdout, again.stderr.count("\n")) == (1, "", 1)
    assert "refers to something outside itself" in again.stderr
    assert len(client.search_runs([recorded.info.experiment_id])) == 1


@pytest.mark.parametrize(("options", "message"), [({"folds": 1}, "folds=1; allowed: 2"), ({"n_jobs": 0}, "n_jobs=0;")])
def test_numbers_that_cannot_be_are_refused_before_anything_is_read(options, message):
    with pytest.raises(InputError, match=message):
        TrainSettings(**options)
