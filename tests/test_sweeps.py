"""Sweeps: jobs share what is in memory, all are scored, the best are evaluated in full, and the rest say how to."""

import json
import re
import shlex

import numpy as np
import pandas as pd
import pytest
from conftest import run_slugline
from mlflow import MlflowClient
from scipy.sparse import csr_array

from slugline.cache import Memory, Stages
from slugline.cache.memory import count_bytes
from slugline.candidates import SWEEP_MEMORY, Candidate, SweepMemory
from slugline.config.sweep import check_choose, check_evaluate
from slugline.errors import InputError

WORDS = {"war": "tanks shelled the town", "peace": "envoys signed a truce", "": "rain fell on the market"}
DATA = ("data=sentences", "data.path=news.jsonl", "plots=false", "features=word", "features.word.min_df=1", "folds=2")
COMMAND = "command_in_full"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with sentences, a fifth of them with a wrong label, that a sweep of four jobs was run on."""
    folder = tmp_path_factory.mktemp("sweep")
    random = np.random.default_rng(0)
    rows = []
    for number in range(240):
        topic = list(WORDS)[number % 3]
        said = list(WORDS)[random.integers(3)] if random.random() < 0.2 else topic
        text = f"{WORDS[topic]} on day {number} of {random.integers(40)}."
        rows.append({"text": text, "article_id": f"a{number // 3}", "labels": [said] if said else []})
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def swept(folder):
    """What a sweep of four jobs printed."""
    done = run_slugline(folder, "train", "-m", *DATA, "model.C=1e-6,0.1,1,10", "hydra.sweeper.evaluate=2")
    assert done.returncode == 0, done.stderr
    return done.stdout


def jobs_of(folder):
    """Return the runs of the jobs of the first sweep, by their C, its parent, and the store."""
    store = MlflowClient(f"sqlite:///{folder}/store.db")
    experiments = [experiment.experiment_id for experiment in store.search_experiments()]
    runs = store.search_runs(experiments, order_by=["start_time"])
    parent = next(run for run in runs if run.info.run_name.startswith("sweep"))
    children = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    return {float(run.data.params["model.C"]): run for run in children}, parent, store


@pytest.mark.slow
def test_all_jobs_are_scored_and_the_best_are_evaluated_in_full(folder, swept):
    jobs, parent, store = jobs_of(folder)
    assert sorted(jobs) == [1e-6, 0.1, 1, 10]
    assert {run.info.status for run in [*jobs.values(), parent]} == {"FINISHED"}
    for run in jobs.values():
        scores = {f"{part}/f1_macro" for part in ("cross_validated", "dev", "test", "out_of_fold")}
        assert scores | {"cross_validated/f1/war"} <= run.data.metrics.keys()  # few sentences are held out
    whole = [run for run in jobs.values() if COMMAND not in run.data.tags]
    scored = [run for run in jobs.values() if COMMAND in run.data.tags]
    assert len(whole) == len(scored) == 2
    assert min(run.data.metrics["cross_validated/f1_macro"] for run in whole) >= max(
        run.data.metrics["cross_validated/f1_macro"] for run in scored
    )
    for run in whole:
        assert {"time/fit", "time/total"} <= run.data.metrics.keys()
        assert "95 percent interval" in run.data.tags
        assert "tables/predictions_test.parquet" in {
            file.path for file in store.list_artifacts(run.info.run_id, "tables")
        }
    assert all("model_uri" not in run.data.tags for run in scored)
    (version,) = store.search_model_versions("name='slugline'")
    assert version.run_id == parent.data.tags["best_run"]
    assert parent.data.metrics == {}  # else the best job would stand twice in every chart
    assert "in full 2 of 4 jobs; the others were only scored (hydra.sweeper.evaluate=all: all)" in swept
    told = [line for line in swept.splitlines() if ": macro F1 cross-validated " in line]
    assert [line.startswith("in full ") for line in told] == [False] * 4 + [True] * 2
    assert not SWEEP_MEMORY.candidates  # what was kept is released
    assert jobs[0.1].info.run_name == "C=0.1 · word · min_df=1 · folds=2 · linear_svc · sentences · path=news.jsonl"
    assert parent.info.run_name.startswith("sweep · C=1e-6,0.1,1,10 · word · ")
    best = store.get_run(parent.data.tags["best_run"])
    assert f"chosen  by cross_validated/f1_macro, of 2 evaluated in full; best: {best.info.run_name} 0." in swept
    assert re.search(
        r"^chosen  second: C=.*, macro F1 -?\+?0.\d{3} \(.*\), p .*: not beyond chance$", swept, re.MULTILINE
    )
    assert all(run.data.tags["95 percent interval"] in swept for run in jobs.values())
    told = sorted(run.data.tags["against the best"] for run in whole)
    assert re.fullmatch(r"[+-]0\.\d{3}, within chance(, simpler: taken)?", told[0]), told
    assert told[1] == "the best"
    assert not any("against the best" in run.data.tags for run in scored)
    assert "not beyond chance" in parent.data.tags["mlflow.note.content"]


@pytest.mark.slow
def test_of_models_within_one_standard_error_the_smaller_one_is_taken(folder, tmp_path):
    (tmp_path / "news.jsonl").write_bytes((folder / "news.jsonl").read_bytes())
    data = [option for option in DATA if not option.startswith("features")]
    done = run_slugline(tmp_path, "train", "-m", *data, "features=word_char,word")
    assert done.returncode == 0, done.stderr
    runs = MlflowClient(f"sqlite:///{tmp_path}/store.db").search_runs(["1"])
    scores = {
        run.data.params["choice/features"]: run.data.metrics.get("cross_validated/f1_macro")
        for run in runs
        if run.data.metrics
    }
    assert re.search(r"^best    word · ", done.stdout, re.MULTILINE), done.stdout
    if scores["word_char"] >= scores["word"]:
        assert "chosen  taken: word · " in done.stdout
        assert re.search(
            "within one standard error of the best and simpler: its model has .* MB, that one .* MB", done.stdout
        )


def test_a_rule_to_choose_by_that_is_none_is_refused():
    assert check_choose("best") == "best"
    with pytest.raises(InputError, match=r"hydra.sweeper.choose=first; allowed: one_standard_error, best"):
        check_choose("first")


@pytest.mark.slow
def test_a_scored_job_has_the_scores_of_the_command_that_trains_it_in_full(folder, swept):
    jobs, _, _ = jobs_of(folder)
    run = next(run for run in jobs.values() if COMMAND in run.data.tags)
    words = shlex.split(run.data.tags[COMMAND])
    assert words[0] == "slugline"
    done = run_slugline(folder, *words[1:], "tracking=off")
    assert done.returncode == 0, done.stderr
    place = re.search(r"^run     (.*)$", done.stdout, re.MULTILINE)[1]
    metrics = json.loads((folder / place / "metrics.json").read_text())
    scores = {key: value for key, value in run.data.metrics.items() if not key.startswith("time/")}
    assert scores == {key: metrics[key] for key in scores}


@pytest.mark.slow
def test_what_needs_more_than_scores_names_the_command(folder, swept):
    jobs, _, _ = jobs_of(folder)
    run = next(run for run in jobs.values() if COMMAND in run.data.tags)
    run_id = run.info.run_id
    (folder / "other.txt").write_text("Tanks shelled it.", encoding="utf-8")
    for command in (
        ("reproduce", f"run_id={run_id}"),
        ("compare", f"runs=[{run_id},slugline]"),
        ("train", *DATA, f"split.keep={run_id}"),
        ("predict", f"model_uri=runs:/{run_id}/model", "input=other.txt", "output=topics.csv"),
    ):
        done = run_slugline(folder, *command)
        assert done.returncode == 1
        assert f"this trains it in full: {run.data.tags[COMMAND]}" in done.stderr
        assert done.stderr.count("\n") == 1
    next_line = next(line for line in swept.splitlines() if line.startswith("next    slugline compare"))
    compared = run_slugline(folder, *shlex.split(next_line)[2:])
    assert compared.returncode == 0, compared.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "options", [["hydra.sweeper.evaluate=all"], ["hydra.sweeper.evaluate=1", "evaluation.repeats=2"]]
)
def test_jobs_are_evaluated_at_once_where_all_are_to_be(folder, tmp_path, options):
    (tmp_path / "news.jsonl").write_bytes((folder / "news.jsonl").read_bytes())
    done = run_slugline(tmp_path, "train", "-m", *DATA, "model.C=0.1,1", *options)
    assert done.returncode == 0, done.stderr
    assert "\nin full" not in done.stdout
    jobs, _, _ = jobs_of(tmp_path)
    assert all("model_uri" in run.data.tags and COMMAND not in run.data.tags for run in jobs.values())


@pytest.mark.parametrize("value", [0, -1, True, "some", 1.5])
def test_a_number_of_jobs_that_is_none_is_refused(value):
    with pytest.raises(InputError, match=r"hydra.sweeper.evaluate=.*; allowed: a number from 1, or all"):
        check_evaluate(value)


def test_memory_gives_the_same_again_until_it_is_full():
    memory, made = Memory(max_bytes=2000), []

    def make(name):
        made.append(name)
        return np.zeros(100)

    first = memory.recall("a", lambda: make("a"))
    assert memory.recall("a", lambda: make("a")) is first
    memory.recall("b", lambda: make("b"))
    memory.recall("a", lambda: make("a"))  # so b is what was not used for longest
    memory.recall("c", lambda: make("c"))
    memory.recall("a", lambda: make("a"))
    memory.recall("b", lambda: make("b"))
    assert made == ["a", "b", "c", "b"]


def test_what_is_larger_than_the_memory_is_made_each_time():
    memory = Memory(max_bytes=10)
    assert [memory.recall("a", lambda number=number: np.full(9, number))[0] for number in (1, 2)] == [1, 2]


def test_the_size_of_what_is_kept_counts_frames_arrays_and_matrices():
    matrix = csr_array(np.eye(100))
    assert count_bytes(matrix) > matrix.data.nbytes + matrix.indices.nbytes
    assert count_bytes({"frame": pd.DataFrame({"text": ["x" * 1000]}), "list": [np.zeros(100)]}) > 1800


def test_stages_look_in_memory_first_and_count_on_where_they_were_left():
    memory, made = Memory(10_000), []
    for _ in range(2):
        stages = Stages(None, memory)
        assert stages.run("stage", {"key": "1"}, lambda: made.append(1) or {"made": len(made)}) == {"made": 1}
        stages.run("stage", None, lambda: made.append(1) or {})  # never kept
    assert len(made) == 3
    stages = Stages()
    stages.resume({"time/fit": 2.0, "time/overlap": 1.0, "time/total": 5.0})
    with stages.timed("evaluate"):
        pass
    seconds = stages.all_seconds()
    assert (seconds["time/fit"], seconds["time/overlap"]) == (2, 1)
    assert 5 <= seconds["time/total"] < 60


def test_the_best_jobs_are_kept_and_of_equal_ones_the_first():
    kept = SweepMemory()
    for name, score in (("a", 0.1), ("b", 0.5), ("c", 0.5), ("d", 0.5), ("e", 0.6)):
        kept.add(name, Candidate(fit=None, score=score, seconds={}), 3)
    assert list(kept.candidates) == ["e", "b", "c"]
    kept.clear()
    assert kept.candidates == {}
