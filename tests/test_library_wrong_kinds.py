"""Calls of the library with things of a wrong kind: one sentence in the library's terms."""

import pytest

import slugline
from slugline.errors import InputError
from slugline.ngrams import TfidfVectorizer
from slugline.report.terminal import describe_scores


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"data": "a.jsonl"}, "data: found 'a.jsonl'; allowed: an object such as slugline.data.ArticleCorpus"),
        ({"labels": "rules"}, "labels: found 'rules'; allowed: an object such as slugline.labels.Labels"),
        ({"features": TfidfVectorizer()}, "features: found TfidfVectorizer.*; allowed: vectorizers by name"),
        ({"evaluation": {"resamples": 3}}, "evaluation: found {'resamples': 3}; allowed: an EvaluationSettings"),
        ({"folds": 1.5}, "folds: found 1.5; allowed: a whole number from 2"),
        ({"folds": 1}, "folds=1; allowed: 2 or more"),
    ],
)
def test_settings_of_a_wrong_kind_are_told_before_anything_is_read(options, message):
    with pytest.raises(InputError, match=message):
        slugline.train(**options)


def test_a_text_or_model_of_a_wrong_kind_is_told():
    with pytest.raises(TypeError, match="text: found 3; allowed: the text of an article"):
        slugline.split(3)
    with pytest.raises(TypeError, match="model: found 3; allowed: a TopicModel"):
        slugline.predict(3, ["The truce held."])


def test_a_topic_with_a_long_name_is_cut_in_the_table_of_the_terminal():
    table = describe_scores({f"test/f1/{'x' * 300}": 0.5, "test/f1_macro": 0.5}, ["x" * 300], "test")
    assert "x" * 39 + "…" in table
    assert max(map(len, table.splitlines())) < 120
