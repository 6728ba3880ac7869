"""The whole flow of a training: what it gives, and that nothing is announced before it is whole."""

import json
from pathlib import Path

import pytest
from mlflow import MlflowClient

from slugline.data import SentenceCorpus
from slugline.labels import Labels
from slugline.launch import REPORT, Launch
from slugline.ngrams import TfidfVectorizer
from slugline.tracking import Mlflow
from slugline.tracking.keys import to_mlflow_key
from slugline.training.settings import EvaluationSettings, TrainSettings
from slugline.workflow import train

WORDS = {"war": "tanks shelled the town", "peace": "envoys signed a truce", None: "rain fell on the market"}


def settings(folder: Path) -> TrainSettings:
    """Return the settings of a small training with a store in the folder."""
    rows = []
    for number in range(60):
        name = list(WORDS)[number % 3]
        text = f"{WORDS[name]} on day {number}."
        rows.append({"text": text, "article_id": f"a{number // 3}", "labels": [name] if name else []})
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return TrainSettings(
        data=SentenceCorpus(str(folder / "news.jsonl")),
        labels=Labels(),
        features={"word": TfidfVectorizer(min_df=1)},
        tracking=Mlflow(uri=f"sqlite:///{folder}/store.db"),
        folds=2,
        evaluation=EvaluationSettings(cross_validation=False),
    )


def runs_and_models(folder: Path) -> tuple[list[str], int]:
    """Return the status of each run in the store of a folder, and how many models are registered."""
    client = MlflowClient(f"sqlite:///{folder}/store.db")
    experiment = client.get_experiment_by_name("slugline")
    assert experiment is not None
    statuses = [run.info.status for run in client.search_runs([experiment.experiment_id])]
    return statuses, len(client.search_registered_models())


def test_a_training_gives_its_model_scores_and_where_they_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    told: list[str] = []
    run = train(settings(tmp_path), show=told.append)
    assert run.model.predict(["tanks shelled the bridge"]) == [("war",)]
    assert list(run.scores.index[:2]) == ["peace", "war"]
    assert run.model_uri == "models:/slugline@champion"
    assert f"macro F1 {run.metrics['test/f1_macro']:.3f}" in repr(run)
    assert (run.folder / REPORT).is_file()
    assert told[0].startswith("data    60 of 60 sentences")
    assert runs_and_models(tmp_path) == (["FINISHED"], 1)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["config.yaml", "model_card.md", "tables/labels.csv", "tables/top_terms.csv", "tables/errors.json", REPORT],
)
def test_a_run_that_cannot_write_a_file_registers_no_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run" / name).mkdir(parents=True)
    with pytest.raises(OSError, match=name):
        train(settings(tmp_path), Launch(folder=tmp_path / "run"))
    assert runs_and_models(tmp_path) == (["FAILED"], 0)


NAMES = ("law & order", "🔥 fire", "C++", "a,b", "<b>it's</b>", "$x$ {{ y }}", "x" * 300)


@pytest.mark.slow
def test_topics_of_any_name_are_trained_and_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    made = settings(tmp_path)
    words = dict(zip(NAMES, ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf"], strict=True))
    rows = [
        {"text": f"{word} on day {day}.", "article_id": f"a{day}", "labels": [name]}
        for day in range(20)
        for name, word in words.items()
    ]
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run = train(made)
    assert run.model.predict([f"{word} came" for word in words.values()]) == [(name,) for name in words]
    assert runs_and_models(tmp_path) == (["FINISHED"], 1)
    logged = MlflowClient(f"sqlite:///{tmp_path}/store.db").get_run(str(run.run_id)).data.metrics
    for name in NAMES:
        assert logged[to_mlflow_key(f"test/f1/{name}")] == run.metrics[f"test/f1/{name}"]
