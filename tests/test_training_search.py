"""Sweeps over many jobs: on all cores, by Optuna, resumed, pruned, and going on when a job fails."""

import json
import sys
from pathlib import Path

import optuna
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from mlflow import MlflowClient

from slugline.errors import InputError
from slugline.training.search import import_optuna, report_fold, to_distribution

DATA = ("data=sentences", "data.path=news.jsonl", "labels=given", "evaluation.cross_validation=false")
SMALL = ("train", "-m", *DATA, "features=word", "folds=3", "plots=false")
OPTUNA = ("hydra/sweeper=optuna", "hydra.sweeper.study_name=study")


@pytest.fixture
def folder(tmp_path):
    """A folder with sentences on two topics."""
    words = {"war": "tanks shelled the town", "peace": "envoys signed a truce", "": "rain fell on the market"}
    rows = []
    for number in range(300):
        topic = list(words)[number % 3]
        text = f"{words[topic]} on day {number}."
        rows.append({"text": text, "article_id": f"a{number // 3}", "labels": [topic] if topic else []})
    (tmp_path / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def jobs_and_parent(folder: Path):
    """Return the jobs of a sweep by their parameters C, and the run that is their parent."""
    store = MlflowClient(f"sqlite:///{folder}/store.db")
    runs = store.search_runs([store.get_experiment_by_name("slugline").experiment_id])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    assert {run.data.tags.get("mlflow.parentRunId") for run in runs} == {None, parent.info.run_id}
    return [run for run in runs if run is not parent], parent, store


@pytest.mark.parametrize(
    ("override", "expected"),
    [
        ("a=1,2", optuna.distributions.CategoricalDistribution(["1", "2"])),
        ("a=choice(word,char)", optuna.distributions.CategoricalDistribution(["word", "char"])),
        ("a=range(1,5)", optuna.distributions.IntDistribution(1, 4)),
        ("a=range(1,10,3)", optuna.distributions.IntDistribution(1, 7, step=3)),
        ("a=interval(0.1,10)", optuna.distributions.FloatDistribution(0.1, 10)),
        ("a=tag(log, interval(0.1,10))", optuna.distributions.FloatDistribution(0.1, 10, log=True)),
        ("a=range(0,1,0.25)", optuna.distributions.CategoricalDistribution(["0.0", "0.25", "0.5", "0.75"])),
    ],
)
def test_hydras_sweeps_are_what_optuna_draws_from(override, expected):
    (parsed,) = OverridesParser.create().parse_overrides([override])
    assert to_distribution(parsed) == expected


def test_without_optuna_the_message_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match=r"slugline\[sweep\]"):
        import_optuna()


def test_outside_a_search_nothing_is_reported(monkeypatch):
    monkeypatch.delenv("SLUGLINE_TRIAL", raising=False)
    report_fold(0, 0.1)


@pytest.mark.slow
def test_a_search_goes_on_when_a_job_fails_and_is_taken_up_again(folder, command):
    done = command(folder, *SMALL, *OPTUNA, "model.C=-1,0.3", "hydra.sweeper.n_trials=4")
    assert done.returncode == 1  # since a job failed
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{folder}/experiments/optuna.db")
    states = [trial.state.name for trial in study.trials]
    assert len(states) == 4
    assert {trial.params["model.C"]: trial.state.name for trial in study.trials} == {"-1": "FAIL", "0.3": "COMPLETE"}
    jobs, parent, store = jobs_and_parent(folder)
    assert {(run.data.params["model.C"], run.info.status) for run in jobs} == {("-1", "FAILED"), ("0.3", "FINISHED")}
    assert max(run.data.metrics.get("dev/f1_macro", 0) for run in jobs) == study.best_value
    logged = Path(store.download_artifacts(parent.info.run_id, "", str(folder)))
    assert "model.C" in (logged / "tables/jobs.csv").read_text().splitlines()[0].split(",")
    assert "C: 0.3" in (logged / "best.yaml").read_text()
    other = command(folder, *SMALL, *OPTUNA, "model.C=0.3,1", "hydra.sweeper.n_trials=5")
    assert other.stderr.startswith("slugline: model.C: study study drew from")
    assert other.stderr.count("\n") == 1
    again = command(folder, *SMALL, *OPTUNA, "model.C=-1,0.3", "hydra.sweeper.n_trials=6")
    assert "study   study in sqlite:///experiments/optuna.db: 4 trials so far" in again.stdout
    assert again.stdout.count("C=") >= 2
    assert [trial.state.is_finished() for trial in study.trials] == [True] * 6


@pytest.mark.slow
def test_a_job_that_is_worse_than_those_before_is_pruned(folder, command):
    first = command(folder, *SMALL, *OPTUNA, "model.C=0.3,0.4", "hydra.sweeper.n_trials=5")
    assert first.returncode == 0, first.stderr
    bad = command(folder, *SMALL, *OPTUNA, "model.C=1e-7", "features.word.min_df=100,101", "hydra.sweeper.n_trials=6")
    assert "stopped pruned after 2 folds" in bad.stdout
    assert bad.returncode == 0, bad.stderr
    study = optuna.load_study(study_name="study", storage=f"sqlite:///{folder}/experiments/optuna.db")
    assert [trial.state.name for trial in study.trials] == ["COMPLETE"] * 5 + ["PRUNED"]


@pytest.mark.slow
def test_jobs_on_all_cores_share_their_features_and_lose_no_run(folder, process):
    done = process(folder, *SMALL, "hydra/launcher=joblib", "model.C=0.1,0.3,1,3")
    assert done.returncode == 0, done.stderr
    jobs, parent, _ = jobs_and_parent(folder)
    assert sorted(float(run.data.params["model.C"]) for run in jobs) == [0.1, 0.3, 1.0, 3.0]
    assert {run.info.status for run in [*jobs, parent]} == {"FINISHED"}
    assert len(list((folder / "experiments/cache/features.word").glob("[!.]*/"))) == 1
