"""The sample corpus is what data/README.md says: varied, labelled by the codebook, found again by Slugline."""

import json
import runpy
from pathlib import Path

import pytest
from omegaconf import OmegaConf
from sklearn.metrics import cohen_kappa_score

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def measured():
    """Count the corpus as its script does."""
    return runpy.run_path(str(ROOT / "experiments" / "sample_corpus.py"))["measure"]()


def rows(name):
    """Return the rows of a file of the sample."""
    return [json.loads(line) for line in (ROOT / "data/sample" / name).read_text(encoding="utf-8").splitlines()]


@pytest.mark.slow
def test_there_are_enough_articles_and_sentences_of_every_topic(measured):
    assert measured["articles"] >= 220
    assert measured["sentences"] >= 2500
    assert len(measured["topics"]) == 15
    assert min(measured["topics"].values()) >= 120


@pytest.mark.slow
def test_about_a_third_of_the_sentences_has_no_topic_and_many_have_several(measured):
    assert 0.25 <= measured["without a topic"] <= 0.45
    assert measured["with several"] >= 0.15


def test_no_sentence_comes_from_a_template(measured):
    assert measured["6-grams in more than three sentences"] < 0.001
    assert measured["distinct openings"] > 0.9
    assert measured["near-duplicates"] < 0.005


def test_a_second_labelling_agrees_on_every_topic():
    """By Cohen's kappa as scikit-learn has it, of 300 sentences that are still there."""
    first = {row["sentence_id"]: row["labels"] for row in rows("labels.jsonl")}
    second = {row["sentence_id"]: row["labels"] for row in rows("second_labels.jsonl")}
    assert len(second) == 300
    found = runpy.run_path(str(ROOT / "experiments" / "sample_corpus.py"))["agreement"]()
    assert len(found) == 15
    for topic, (kappa, *_) in found.items():
        pairs = [(topic in first[key], topic in labels) for key, labels in second.items()]
        assert kappa == pytest.approx(cohen_kappa_score(*zip(*pairs, strict=True)))
        assert kappa > 0.75


def test_every_label_is_a_topic_of_the_taxonomy_and_every_article_has_title_source_and_date():
    topics = set(OmegaConf.load(ROOT / "conf/labels/plover.yaml").topics)
    assert {topic for row in rows("labels.jsonl") for topic in row["labels"]} == topics
    for article in rows("articles.jsonl"):
        assert article["title"]
        assert article["source"]
        assert len(article["published"]) == 10
