"""Cross-validation judges each article by a model that was made without it, and a run is judged by it as by any part."""

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from slugline.cache import Off, Stages
from slugline.data import SentenceCorpus
from slugline.dataset import build_dataset, check_dataset
from slugline.duplicates import article_groups
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.launch import Launch
from slugline.ngrams import TfidfVectorizer
from slugline.splits import ByArticle
from slugline.tracking import Off as NoTracking
from slugline.training.cross_validation import cross_validate, is_cross_validated
from slugline.training.fit import fit_model
from slugline.training.settings import EvaluationSettings, TrainSettings
from slugline.workflow import train

WORDS = {"truce": ["truce", "armistice"], "talks": ["talks", "summit"], "": ["rain", "bread"]}
PLACES = ("Oslo", "Lima", "Bonn", "Cork", "Turin", "Perth", "Quito", "Accra")
WHOLE = ByArticle(dev=0, test=0)


def write_news(folder, articles=24, rare=None, none=()):
    """Write articles of three sentences, a tenth with a wrong label; the first may have one of a topic of its own."""
    random, rows = np.random.default_rng(0), []
    for article in range(articles):
        for _ in range(3):
            label = list(WORDS)[random.integers(3)]
            place, day = PLACES[random.integers(8)], random.integers(900)
            text = f"The {random.choice(WORDS[label])} in {place} went on for {day} days, {random.choice(PLACES)} says."
            given = label if random.random() < 0.9 else "talks"
            rows.append({"article_id": f"n{article}", "text": text, "labels": [given] if given else [*none]})
    if rare:
        rows.append({"article_id": "n0", "text": "A comet was seen above the bay.", "labels": [rare]})
    (folder / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder / "gold.jsonl"


def settings_for(file, **options):
    """Return settings that train on a file, quickly and without a store."""
    usual = {"data": SentenceCorpus(str(file)), "labels": Labels(), "split": WHOLE, "cache": Off(), "folds": 3}
    further = {"tracking": NoTracking(), "plots": False, "features": {"word": TfidfVectorizer()}}
    return TrainSettings(**(usual | further | options))


def dataset_of(settings):
    """Return the dataset that settings train on."""
    return build_dataset(settings.data, settings.labels, settings.split, Stages())


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of which nothing is held out."""
    folder = tmp_path_factory.mktemp("whole")
    return train(settings_for(write_news(folder), plots=True), Launch(folder=folder / "run"))


def test_each_sentence_is_judged_once_by_a_model_of_other_articles_and_test_by_none(tmp_path):
    settings = settings_for(write_news(tmp_path), split=ByArticle())
    dataset, learned = dataset_of(settings), []
    groups, places = article_groups(dataset.sentences), np.arange(len(dataset.sentences))

    def refit(other):
        used = other.rows("train") | other.rows("dev")
        predicted = other.rows("test")
        assert not set(groups[used]) & set(groups[predicted])
        assert not (used & dataset.rows("test")).any()
        learned.append(places[predicted])
        return fit_model(other, settings, Stages())

    judged = cross_validate(dataset, settings, refit)
    assert len(learned) == 3
    assert sorted(np.concatenate(learned)) == places[judged.rows].tolist()
    assert (judged.rows == ~dataset.rows("test")).all()
    assert judged.probabilities.shape == judged.decided.shape == (judged.rows.sum(), 2)


@pytest.mark.parametrize("mode", ["multilabel", "multiclass"])
def test_a_topic_that_no_other_fold_has_is_not_given(tmp_path, mode):
    labels = Labels(min_articles=1, mode=mode)
    file = write_news(tmp_path, rare="comet", none=["weather"] if mode == "multiclass" else [])
    settings = settings_for(file, labels=labels)
    dataset = dataset_of(settings)
    judged = cross_validate(dataset, settings, lambda other: fit_model(other, settings, Stages()))
    comet = dataset.topics.index("comet")
    assert dataset.Y[judged.rows][:, comet].sum() == 1
    of_it = dataset.Y[judged.rows][:, comet]
    assert not judged.decided[of_it, comet].any()
    assert (judged.probabilities[of_it, comet] == 0).all()
    if mode == "multiclass":
        assert (judged.decided.sum(axis=1) == 1).all()


def test_what_people_labelled_is_judged_and_what_rules_labelled_is_learned_from(tmp_path):
    dataset = dataset_of(settings := settings_for(write_news(tmp_path)))
    by_people = dataset.sentences["article_id"].isin([f"n{n}" for n in range(8)]).to_numpy()
    sources = np.where(by_people, "gold", "rules")
    weights = np.where(by_people[:, None], 1.0, 0.7) * np.ones(dataset.Y.shape)
    mixed = dataset._replace(sentences=dataset.sentences.assign(label_source=sources), weights=weights)
    sizes = []

    def refit(other):
        sizes.append(int(other.rows("train").sum()))
        return fit_model(other, settings, Stages())

    judged = cross_validate(mixed, settings, refit)
    assert (judged.rows == by_people).all()
    assert min(sizes) > (~by_people).sum()


def test_few_articles_are_one_line(tmp_path):
    file = write_news(tmp_path, articles=24)
    dataset = dataset_of(settings := settings_for(file))
    two = dataset._replace(sentences=dataset.sentences.assign(article_group=np.arange(72) % 2))
    with pytest.raises(
        InputError, match=r"^evaluation=cross_validation needs labelled sentences of at least 3 articles, found 2$"
    ):
        cross_validate(two, settings, lambda other: fit_model(other, settings, Stages()))


def test_it_is_done_where_it_is_asked_for_or_few_sentences_are_held_out(tmp_path):
    few = dataset_of(settings := settings_for(write_news(tmp_path)))
    assert is_cross_validated(few, settings)
    assert is_cross_validated(few.with_split(np.repeat(["train", "test"], 36)), settings)
    off = replace(settings, evaluation=EvaluationSettings(cross_validation=False))
    assert not is_cross_validated(few, off)
    many = few._replace(sentences=pd.concat([few.sentences.assign(split="train"), few.sentences.assign(split="test")]))
    many = many._replace(Y=np.concatenate([few.Y, few.Y]))
    many = many._replace(sentences=pd.concat([many.sentences] * 2), Y=np.concatenate([many.Y] * 2))
    assert not is_cross_validated(many, settings)
    assert is_cross_validated(many, replace(settings, evaluation=EvaluationSettings(cross_validation=True)))
    with pytest.raises(InputError, match=r"no sentence in dev or test to score a model on.* or evaluation=cross_valid"):
        check_dataset(few, "train")


def test_a_run_that_holds_nothing_back_is_judged_by_all_its_sentences(run):
    assert run.part == "cross_validated"
    assert not [key for key in run.metrics if key.startswith(("test/", "dev/"))]
    predictions = pd.read_parquet(run.folder / "tables/predictions_cross_validated.parquet")
    assert len(predictions) == 72 == run.metrics["data/train"]
    given = predictions["topics"].map(lambda topics: "talks" in topics)
    true = predictions["labels"].map(lambda labels: "talks" in labels)
    assert run.metrics["cross_validated/f1/talks"] == pytest.approx(
        2 * (given & true).sum() / (given.sum() + true.sum())
    )
    low, high = (run.metrics[f"cross_validated/f1_macro_{end}"] for end in ("low", "high"))
    assert low <= run.metrics["cross_validated/f1_macro"] <= high
    assert any(
        "cross-validated: 72 sentences of 24 articles, each judged by a model" in note for note in run.dataset.notes
    )
    assert "72 cross-validated sentences" in repr(run)


def test_its_page_and_card_say_so_and_the_nearest_sentence_is_of_another_article(run):
    page = (run.folder / "report/report.html").read_text()
    assert "on 72 cross-validated sentences, from 24 articles" in page
    assert re.search(
        r"24 articles: a difference in macro F1 below 0\.\d\d from the score on as many other articles", page
    )
    assert "On 72 cross-validated sentences; 95 % intervals" in (run.folder / "model_card.md").read_text()
    errors = pd.read_json(run.folder / "tables/errors.json", orient="split", dtype=False)
    texts = run.dataset.sentences.groupby("article_id")["text"].agg(set)
    assert len(errors)
    assert not [row for row in errors.itertuples() if row.nearest in texts[row.article_id]]


def test_calibration_and_reading_budget_have_intervals_that_hold_them(run):
    table = run.tables["calibration"]
    for name in ("ece_debiased", "reading_budget"):
        assert (table[f"{name}_low"] <= table[name]).all()
        assert (table[name] <= table[f"{name}_high"]).all()
        assert run.metrics[f"cross_validated/{name}/talks_low"] <= run.metrics[f"cross_validated/{name}/talks"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"repeats": 2}, "evaluation.repeats=2: evaluation=cross_validation judges all articles once"),
        ({"cross_validation": 5}, "evaluation.cross_validation=5; allowed: true, false, null"),
    ],
)
def test_what_cannot_be_combined_is_one_line(options, says):
    with pytest.raises(InputError, match=f"^{re.escape(says)}$"):
        EvaluationSettings(**({"cross_validation": True} | options))


@pytest.mark.slow
def test_runs_judged_by_cross_validation_are_swept_compared_and_reproduced(tmp_path, command):
    write_news(tmp_path, articles=30)
    data = ("data=sentences", "data.path=gold.jsonl", "labels=given", "features=word", "plots=false", "folds=3")
    whole = ("evaluation=cross_validation", "split.test=0", "split.dev=0")
    swept = command(tmp_path, "train", "-m", *data, *whole, "model.C=auto,1", "hydra.sweeper.evaluate=1")
    assert swept.returncode == 0, swept.stderr
    assert re.search(r"^job +C=.*: macro F1 cross-validated 0\.\d{3}, ", swept.stdout, re.MULTILINE)
    assert "chosen  by cross_validated/f1_macro, of 1 evaluated in full" in swept.stdout
    intervals = re.findall(r"^ *C=.* FINISHED .*(0\.\d{3} to [01]\.\d{3})", swept.stdout, re.MULTILINE)
    assert len(intervals) == 2, "a job that was only scored has its interval too"
    names = []
    for seed in (0, 1):
        trained = command(tmp_path, "train", *data, *whole, "model.C=auto", f"seed={seed}", f"name=run{seed}")
        assert trained.returncode == 0, trained.stderr
        names.append(f"run{seed}")
    compared = command(tmp_path, "compare", f"runs=[{','.join(names)}]")
    assert compared.returncode == 0, compared.stderr
    assert "judged  90 cross-validated sentences of 30 articles, the same for all 2 runs" in compared.stdout
    again = command(tmp_path, "reproduce", "run_id=run1")
    assert again.returncode == 0, again.stdout
    assert "metrics equal" in again.stdout
