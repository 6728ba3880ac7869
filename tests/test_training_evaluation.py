"""What is said of a model beyond its scores is what its predictions say, and asks for no more than it needs."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import brier_score_loss, f1_score

from slugline import load_model
from slugline.errors import InputError
from slugline.scoring import Counts, pack_counts, period_bins, score_all_slices, unpack_counts
from slugline.training.settings import EvaluationSettings

WORDS = {"truce": ["truce", "ceasefire"], "talks": ["talks", "summit"], "": ["rain", "bread", "football"]}
DATA = ("data=sentences", "data.path=gold.jsonl", "data.articles=news.jsonl", "labels=given", "features=word")
BASE = ("train", "tracking=off", "plots=false", "hydra.run.dir=run", *DATA)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, command):
    """The folder of a run on dated articles of two sources, with three splits and a learning curve."""
    place = tmp_path_factory.mktemp("evaluation")
    random = np.random.default_rng(0)
    with (place / "news.jsonl").open("w") as articles, (place / "gold.jsonl").open("w") as gold:
        for n in range(120):
            texts = []
            for _ in range(4):
                label = list(WORDS)[random.integers(3)]
                texts.append(
                    f"The {random.choice(WORDS[label])} of the {random.integers(90)}th day went on, they said."
                )
                given = label if random.random() < 0.9 else "talks"
                row = {
                    "article_id": str(n),
                    "text": texts[-1],
                    "labels": [given] if given else [],
                    "desk": f"desk {n % 3}",
                }
                gold.write(json.dumps(row) + "\n")
            about = {"article_id": str(n), "source": ("Post", "Herald")[n % 2], "published": f"2020-{1 + n % 5:02d}-07"}
            articles.write(json.dumps(about | {"title": texts[0], "text": "\n".join(texts)}) + "\n")
    further = ["split.test=0.4", "evaluation.repeats=3", "evaluation.learning_curve=[1,0.02,0.5]"]
    further += ["data.keep=[desk]", "evaluation.slices=[source,language,period,length,place,desk]"]
    done = command(place, *BASE, *further)
    assert done.returncode == 0, done.stderr
    (place / "said.txt").write_text(done.stdout)
    return place


@pytest.fixture(scope="module")
def metrics(folder):
    """The metrics of that run."""
    return json.loads((folder / "run/metrics.json").read_text())


@pytest.fixture(scope="module")
def predictions(folder):
    """Its predictions for test."""
    return pd.read_parquet(folder / "run/tables/predictions_test.parquet")


def test_all_scores_have_intervals_that_hold_them(metrics):
    scores = [f"test/{name}/{topic}" for name in ("precision", "recall", "f1", "ap") for topic in ("truce", "talks")]
    scores += ["test/f1_macro", "test/f1_micro", "test/ap_macro", "test/article/f1_macro", "dev/f1_macro"]
    for key in scores:
        assert metrics[f"{key}_low"] <= metrics[key] <= metrics[f"{key}_high"], key


def test_calibration_ranking_and_articles_are_those_of_the_predictions(metrics, predictions):
    labelled = np.array(["talks" in row for row in predictions["labels"]])
    assert metrics["test/brier/talks"] == pytest.approx(brier_score_loss(labelled, predictions["talks"]))
    order = np.argsort(-predictions["talks"].to_numpy(), kind="stable")
    needed = np.searchsorted(np.cumsum(labelled[order]), 0.95 * labelled.sum() - 1e-9) + 1
    assert metrics["test/reading_budget/talks"] >= needed / len(labelled) - 1e-12
    by_article = (
        predictions.assign(wanted=labelled, given=["talks" in row for row in predictions["topics"]])
        .groupby("article_id")[["wanted", "given"]]
        .any()
    )
    assert metrics["test/article/f1/talks"] == pytest.approx(f1_score(by_article["wanted"], by_article["given"]))


def test_slices_are_by_source_period_length_and_place_and_hold_every_sentence(folder, predictions):
    slices = pd.read_json(folder / "run/tables/slices.json", orient="split")
    assert set(slices["by"]) == {"source", "period", "place", "desk"}  # all texts are of one length, and of no language
    assert (slices.groupby("by")["sentences"].sum() == len(predictions)).all()
    assert set(slices[slices["by"] == "place"]["slice"]) == {"title", "later sentences"}
    desks = "desk " + (predictions["article_id"].astype(int) % 3).astype(str)
    assert slices[slices["by"] == "desk"].set_index("slice")["sentences"].to_dict() == desks.value_counts().to_dict()
    assert "none is worse than the rest beyond chance" in (folder / "said.txt").read_text()


def test_counts_over_time_are_beside_the_true_ones(folder, predictions, metrics):
    counts = pd.read_csv(folder / "run/tables/prevalence.csv")
    assert len(counts) == 5 * 2
    true = predictions["labels"].map(lambda labels: "talks" in labels).sum()
    given = predictions["topics"].map(lambda topics: "talks" in topics).sum()
    talks = counts[counts["topic"] == "talks"]
    assert (talks["true"].sum(), talks["counted"].sum()) == (true, given)
    assert talks["sentences"].sum() == len(predictions)
    months = (predictions["article_id"].astype(int) % 5).map(lambda n: f"2020-{1 + n:02d}-07")
    by_month = predictions["labels"].map(lambda labels: "talks" in labels).groupby(months).sum()
    assert talks.set_index("period")["true"].to_dict() == by_month.to_dict()
    assert ((counts["low"] <= counts["true"]) & (counts["true"] <= counts["high"])).mean() >= 0.8


def test_the_first_repeat_is_the_run_itself_and_mean_and_spread_are_of_all(folder, metrics):
    repeats = pd.read_csv(folder / "run/tables/repeats.csv")
    assert repeats["seed"].tolist() == [0, 1, 2]
    assert repeats["f1_macro"][0] == pytest.approx(metrics["test/f1_macro"])
    assert repeats["f1_macro"].nunique() == 3
    assert metrics["repeats/f1_macro_mean"] == pytest.approx(repeats["f1_macro"].mean())
    assert metrics["repeats/f1_macro_std"] == pytest.approx(repeats["f1_macro"].std())


def test_the_learning_curve_ends_where_the_run_is_and_says_what_could_not_be_learned(folder, metrics):
    curve = pd.read_csv(folder / "run/tables/learning_curve.csv")
    assert curve["share"].tolist() == [0.02, 0.5, 1]
    assert curve["f1_macro"][2] == pytest.approx(metrics["test/f1_macro"])
    assert curve["sentences"].is_monotonic_increasing
    assert re.search(r"^(no positive example in train of: |training needs )", curve["note"][0])
    assert np.isnan(curve["f1_macro"][0])


def test_the_card_lies_with_the_model_and_holds_its_scores_and_the_model_loads(folder, metrics):
    card = (folder / "run/model/README.md").read_text()
    assert card == (folder / "run/model_card.md").read_text()
    low, high = metrics["test/f1_macro_low"], metrics["test/f1_macro_high"]
    assert f"{metrics['test/f1_macro']:.3f} | &ensp;{low:.3f} to {high:.3f}" in card
    assert "slugline train tracking=off" in card
    model = load_model(folder / "run/model")
    counts = unpack_counts(model.info["reference"]["counts"], 2)
    assert counts.sentences.sum() == 480
    assert len(counts.true) == 120


def test_nothing_that_stands_in_config_or_data_acts_in_markdown(tmp_path, command):
    rows = [
        {"article_id": str(n // 2), "text": f"The {word} of day {n}.", "labels": [label], "published": "2020-01-01"}
        for n, (word, label) in enumerate([("truce", "al|pha <b>\n# Head"), ("rain", "b_b")] * 40)
    ]
    (tmp_path / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    topics = {"al|pha <b>\n# Head": {"definition": "One | x\n\n# Evil <img src=http://x>"}, "b_b": {}}
    config = {"labels": {"topics": topics, "delimiter": "\0"}}
    (tmp_path / "conf/experiment").mkdir(parents=True)
    (tmp_path / "conf/experiment/odd.yaml").write_text(f"# @package _global_\n{json.dumps(config)}\n")
    odd = ["--config-dir=conf", "experiment=odd", "data.articles=null", "name='x\n# Head [y](z)'"]
    done = command(tmp_path, *BASE, *odd)
    assert done.returncode == 0, done.stderr
    card = (tmp_path / "run/model_card.md").read_text()
    assert [line for line in card.splitlines() if line.startswith("# ")] == [r"# x \# Head \[y\](z)"]
    assert r"* **al\|pha \<b\> \# Head**: One \| x \# Evil \<img src=http://x\>" in card
    columns = {line.replace(r"\|", "").count("|") for line in card.splitlines() if line.startswith("|")}
    assert columns == {9}


def test_monitor_counts_sentences_by_period_with_intervals(folder, command):
    done = command(folder, "monitor", "model_uri=run/model", "input=news.jsonl", "tracking=off", "hydra.run.dir=new")
    assert done.returncode in (0, 3), done.stderr
    counts = pd.read_csv(folder / "new/tables/prevalence.csv")
    every = counts[counts["period"] == "all"]
    judged = int(re.search(r"^data +(\d+) sentences of ", done.stdout, re.MULTILINE)[1])
    assert 0 < judged < 480, "articles that the model learned from are left out"
    assert every["sentences"].tolist() == [judged, judged]
    assert (
        counts[counts["period"] != "all"].groupby("topic")["counted"].sum().tolist()
        == every.sort_values("topic")["counted"].tolist()
    )
    assert ((counts["low"] <= counts["corrected"]) & (counts["corrected"] <= counts["high"])).all()


def test_a_reference_that_is_none_is_one_line(folder, command):
    shutil.copytree(folder / "run/model", folder / "odd")
    header = json.loads((folder / "odd/model.json").read_text())
    for change in ({"sentences": None}, {"counts": {"sentences": ["1" * 400]}}, {"shares": 7}):
        wrong = header["info"]["reference"] | change
        wrong = {key: value for key, value in wrong.items() if value is not None}
        text = json.dumps(header | {"info": header["info"] | {"reference": wrong}})
        (folder / "odd/model.json").write_text(text)
        done = command(folder, "monitor", "model_uri=odd", "input=news.jsonl", "tracking=off", "hydra.run.dir=none")
        assert done.returncode == 1
        assert re.match("slugline: model odd: its reference cannot be read .*; train it again\n$", done.stderr)


def test_a_slice_that_a_model_cannot_read_is_marked():
    random = np.random.default_rng(1)
    Y = random.random((2000, 2)) < 0.3
    bad = np.repeat(np.arange(200) % 4 == 0, 10)
    decided = Y & ((random.random(Y.shape) < 0.9) & ~bad[:, None] | (random.random(Y.shape) < 0.3))
    sentences = pd.DataFrame(
        {
            "article_id": np.repeat(np.arange(200), 10),
            "source": np.where(bad, "Blog", "Wire"),
            "desk": np.repeat(np.arange(200) // 3, 10),
        }
    )
    found = score_all_slices(sentences, Y, decided, ["a", "b"], ["source", "desk"]).set_index(["by", "slice"])
    assert found.loc[("source", "Blog"), "worse"]
    assert not found.loc[("source", "Wire"), "worse"]
    assert "desk" not in found.index.get_level_values("by")  # of too few articles each: one slice of others alone


def test_periods_are_the_finest_of_which_there_are_not_too_many():
    days = pd.Series([f"2002-03-{day:02d}" for day in range(1, 32)])
    assert period_bins(days).tolist() == days.tolist()
    assert set(period_bins(days, most=12)) == {
        *("2002-02-25/2002-03-03", "2002-03-04/2002-03-10", "2002-03-11/2002-03-17"),
        *("2002-03-18/2002-03-24", "2002-03-25/2002-03-31"),
    }
    assert set(period_bins(days, "quarter")) == {"2002Q1"}
    years = pd.Series(["1921-05-09", None, "1999", "2026-02-11T10:00:00+02:00"])
    assert period_bins(years, most=2).tolist() == ["1920s", None, "1990s", "2020s"]
    assert period_bins(pd.Series([None, None], dtype=object)).tolist() == [None, None]
    with pytest.raises(InputError, match=r"^period=fortnight; allowed: day, week, month, quarter, year$"):
        period_bins(days, "fortnight")


def test_counts_survive_json_and_what_is_no_count_is_refused():
    counts = Counts(np.array([[3.0], [2.0]]), np.array([[1.0, 0], [2, 1]]), np.zeros((2, 2)), np.zeros((2, 2)))
    packed = json.loads(json.dumps(pack_counts(counts)))
    for one, other in zip(unpack_counts(packed, 2), counts, strict=True):
        assert (one == other).all()
    wrong = [
        packed | {"true": ["1 2"]},
        packed | {"true": ["4 2", "0 0"]},
        packed | {"both": ["-1 0", "0 0"]},
        packed | {"both": ["1 0", "0 0"]},
        packed | {"given": ["x y", "0 0"]},
        packed | {"given": ["nan 2", "0 0"]},
        packed | {"sentences": ["0 2"]},
        packed | {"sentences": ["1" * 400 + " 2"]},
        {name: [""] * len(columns) for name, columns in packed.items()},
    ]
    for packed_wrong in wrong:
        with pytest.raises(ValueError, match=r"counts|float"):
            unpack_counts(packed_wrong, 2)
    with pytest.raises(ValueError, match="counts of 3 topics"):
        unpack_counts(packed, 3)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"recall": 0}, "evaluation.recall=0; allowed: above 0, to 1"),
        ({"repeats": 0}, "evaluation.repeats=0; allowed: 1 or more"),
        ({"prevalence": "magic"}, "evaluation.prevalence=magic; allowed: difference, adjusted"),
    ],
)
def test_a_mistake_in_the_config_is_told_before_anything_is_fitted(options, says):
    with pytest.raises(InputError, match=f"^{re.escape(says)}$"):
        EvaluationSettings(**options)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["evaluation.slices=[desk]"], "slugline: evaluation.slices: no 'desk'; allowed: period, length, place, "),
        (
            ["+labels.topics={truce: {}, talks: {}, talks_low: {}}"],
            "slugline: topic 'talks_low' has the name of an end ",
        ),
        (["split=time", "evaluation.repeats=2"], "slugline: evaluation.repeats=2: this split is not random; allowed: "),
        (
            ["evaluation.repeats=2", "data.chunk_rows=50", "features=hashing", "model=sgd", "data.articles=null"],
            "slugline: evaluation.repeats and learning_curve need all the text; allowed: data.chunk_rows=null",
        ),
        (["evaluation.period=fortnight"], "slugline: evaluation.period=fortnight; allowed: day, week, "),
        (["evaluation.learning_curve=[2]"], "slugline: evaluation.learning_curve: 2; allowed: above 0, to 1"),
    ],
)
def test_what_cannot_be_looked_at_is_one_line(folder, command, options, says):
    done = command(folder, *BASE, *options, "hydra.run.dir=wrong")
    assert done.returncode == 1
    assert done.stderr.startswith(says)
    assert done.stderr.count("\n") == 1
