"""Where each sentence has one topic, every command gives the one that the model's thresholds choose."""

import csv
import json
import re

import numpy as np
import pandas as pd
import pytest

from slugline.model import load_model
from slugline.model.export import to_sklearn
from slugline.model.pyfunc import _load_pyfunc

TOPICS = ("Sport & Spiel", "市場", "rain: heavy")
OWN, SHARED = ("goal match cup", "price bank trade", "storm flood cloud"), "city week people day north report"
DATA = ("data=sentences", "data.path=news.jsonl", "labels=given")
QUICK = ("features=word", "plots=false", "evaluation.cross_validation=false")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, command):
    """A folder with `news.jsonl`, whose rare topics few words tell from the common one, and a model of it."""
    place = tmp_path_factory.mktemp("one")
    random = np.random.default_rng(0)
    rows = []
    for number in range(400):
        topic = random.choice(3, p=[0.7, 0.18, 0.12])
        own = random.choice(OWN[topic if random.random() < 0.6 else random.integers(3)].split())
        words = [own, *random.choice(SHARED.split(), 5)]
        text = f"{' '.join(random.permutation(words))} {number}"
        rows.append({"text": text, "labels": TOPICS[topic], "article_id": f"a{number // 4}"})
    (place / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    articles = [{"text": f"{row['text'].capitalize()} again.", "article_id": f"b{row['text']}"} for row in rows[:60]]
    (place / "articles.jsonl").write_text("".join(json.dumps(article) + "\n" for article in articles))
    done = command(place, "train", *DATA, *QUICK, "tracking=off", "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    return place


@pytest.fixture(scope="module")
def model(folder):
    """The model."""
    return load_model(folder / "run" / "model")


def lines(text):
    """Return the rows of JSON lines."""
    return [json.loads(line) for line in text.splitlines()]


def likeliest_and_given(model, texts):
    """Return the numbers of the likeliest topic and of the one given, shape (texts,) each."""
    probabilities = model.predict_proba(texts)
    given = model.decide(probabilities)
    assert (given.sum(axis=1) == 1).all()
    assert np.allclose(probabilities.sum(axis=1), 1)
    return probabilities.argmax(axis=1), given.argmax(axis=1)


def test_rare_topics_have_lower_thresholds_so_that_some_sentences_get_one_that_is_not_the_likeliest(folder, model):
    assert model.mode == "multiclass"
    assert model.thresholds.sum() == pytest.approx(1)
    by_topic = dict(zip(model.topics, model.thresholds, strict=True))
    assert by_topic["Sport & Spiel"] > by_topic["市場"] > by_topic["rain: heavy"]
    likeliest, given = likeliest_and_given(model, [row["text"] for row in lines((folder / "news.jsonl").read_text())])
    moved = likeliest != given
    assert 0 < moved.sum() < len(moved) / 2
    assert (model.thresholds[given[moved]] < model.thresholds[likeliest[moved]]).all()


def test_the_model_card_says_that_it_is_not_always_the_likeliest_topic_with_the_thresholds(folder, model):
    card = (folder / "run" / "model" / "README.md").read_text(encoding="utf-8")
    assert "exactly one topic with a probability each. Not always the likeliest: " in card
    assert f"rain: heavy {model.thresholds[model.topics.index('rain: heavy')]:.2f}" in card


def test_scores_and_kept_predictions_are_those_of_the_thresholds(folder, model):
    predictions = pd.read_parquet(folder / "run/tables/predictions_test.parquet")
    assert [tuple(topics) for topics in predictions["topics"]] == model.predict(predictions["text"].tolist())
    right = np.mean(
        [given[0] == true[0] for given, true in zip(predictions["topics"], predictions["labels"], strict=True)]
    )
    assert json.loads((folder / "run" / "metrics.json").read_text())["test/accuracy"] == pytest.approx(right)


def test_predictions_explanations_the_pyfunc_and_the_exported_pipeline_agree(folder, model, command):
    done = command(folder, "predict", "model_uri=run/model", "input=articles.jsonl", "explain=2", "n_jobs=1")
    predicted = lines(done.stdout)
    texts = [row["text"] for row in predicted]
    likeliest, given = likeliest_and_given(model, texts)
    assert (likeliest != given).any()
    expected = [[model.topics[column]] for column in given]
    assert [row["topics"] for row in predicted] == expected
    assert [list(row["explain"]) for row in predicted] == expected
    assert _load_pyfunc(str(folder / "run" / "model")).predict(texts)["topics"].tolist() == expected
    pipeline = to_sklearn(model)
    multiples = pipeline.predict_proba(texts) / pipeline["classifier"].thresholds_
    assert pipeline.classes_[multiples.argmax(axis=1)].tolist() == [topic for (topic,) in expected]


def test_a_fixed_threshold_gives_the_likeliest_topic(folder, command):
    done = command(folder, "train", *DATA, *QUICK, "threshold=fixed", "hydra.run.dir=even", "tracking=off")
    assert done.returncode == 0, done.stderr
    even = load_model(folder / "even" / "model")
    assert even.thresholds.tolist() == [1 / 3] * 3
    assert "Not always the likeliest" not in (folder / "even" / "model" / "README.md").read_text(encoding="utf-8")


def test_a_target_is_refused_before_anything_is_fitted(folder, command):
    done = command(folder, "train", *DATA, *QUICK, "threshold.target_precision=0.9", "tracking=off")
    assert done.returncode == 1
    assert done.stderr == (
        "slugline: threshold.target_precision=0.9, but each sentence has one topic (labels.mode=multiclass); "
        "allowed: null, or labels.mode=multilabel\n"
    )


def test_the_review_queue_asks_by_what_a_topic_must_beat(folder, model, command):
    options = ("data=articles", "data.path=articles.jsonl", "labels=rules", "size=12", "output=queue.csv")
    done = command(folder, "review", "model_uri=run/model", *options)
    assert done.returncode == 0, done.stderr
    with (folder / "queue.csv").open(encoding="utf-8-sig", newline="") as stream:
        queue = list(csv.DictReader(stream))
    assert len(queue) == 12
    for row in queue:
        topic, p, limit = re.fullmatch(r"(.+) ([\d.]+), to beat ([\d.]+)", row["reason"]).groups()
        probabilities, column = model.predict_proba([row["text"]])[0], model.topics.index(topic)
        others = np.delete(probabilities / model.thresholds, column)
        assert float(p) == pytest.approx(probabilities[column], abs=0.0051)
        assert float(limit) == pytest.approx(min(1, model.thresholds[column] * others.max()), abs=0.0051)
        if abs(float(p) - float(limit)) > 0.01:
            assert (model.predict([row["text"]]) == [(topic,)]) == (float(p) > float(limit))


@pytest.mark.slow
def test_out_of_core_thresholds_are_chosen_for_macro_f1_too(folder, command):
    options = ("data.chunk_rows=100", "features=hashing", "model=sgd", "plots=false", "tracking=off", "split.dev=0.3")
    done = command(folder, "train", *DATA, *options, "hydra.run.dir=chunks")
    assert done.returncode == 0, done.stderr
    thresholds = load_model(folder / "chunks" / "model").thresholds
    assert thresholds.sum() == pytest.approx(1)
    assert np.ptp(thresholds) > 0.01


@pytest.mark.slow
def test_a_run_is_reproduced_compared_promoted_and_monitored_with_its_thresholds(folder, command):
    for options in ((), ("threshold=fixed",)):
        assert command(folder, "train", *DATA, *QUICK, *options).returncode == 0
    assert "metrics equal" in command(folder, "reproduce", "run_id=models:/slugline/1").stdout

    compared = command(folder, "compare", "runs=[models:/slugline/1,models:/slugline/2]").stdout
    first, second = re.search(r"^f1_macro +([\d.]+) +([\d.]+)$", compared, re.MULTILINE).groups()
    assert float(first) > float(second)
    assert re.search(r"^ap_macro +0\.000 +0\.000 +0\.000 ", compared, re.MULTILINE)  # the same probabilities

    promoted = command(folder, "promote", "registered_model=slugline", "version=2", *DATA)
    assert promoted.returncode == 1
    assert f"candidate macro F1 {second}" in promoted.stdout
    assert f"champion  macro F1 {first}" in promoted.stdout

    watched = command(folder, "monitor", "input=articles.jsonl")
    model = load_model(folder / "run" / "model")  # fitted as version 1
    articles = [row["text"] for row in lines((folder / "articles.jsonl").read_text())]
    for topic in model.topics:
        given = sum(topics == (topic,) for topics in model.predict(articles))
        assert re.search(rf"^ *{re.escape(topic)} +{given} ", watched.stdout, re.MULTILINE), (given, watched.stdout)
