"""Intervals count articles, not sentences; they are scikit-learn's scores on resamples, and hold the truth as often as they say."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, precision_score

from pipeline.intervals import count_articles, draw, holm, named, paired, resample, score_intervals, times_drawn
from pipeline.metrics import score

TOPICS = ("a", "b", "c")


def news(articles: int, seed: int, skill: float = 1.0):
    """Return labels, decisions and articles; topics and the skill of the model go by article."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(articles), random.integers(3, 20, articles))
    Y = random.random((len(group), 3)) < 1 / (1 + np.exp(-(random.normal(-2, 1.2, (articles, 3))[group])))
    good = random.normal(skill, 0.6, (articles, 3))[group]
    return Y, np.where(Y, random.random(Y.shape) < 1 / (1 + np.exp(-good)), random.random(Y.shape) < 0.03), group


def test_scores_of_a_resample_are_those_of_its_sentences_repeated():
    Y, predicted, group = news(30, 0)
    weights = times_drawn(np.random.default_rng(1), 5, 30)
    assert weights.sum(axis=1).tolist() == [30] * 5
    found = named("x", draw(count_articles(Y, predicted, group), weights), TOPICS)
    for sample, weight in enumerate(weights):
        rows = np.concatenate(
            [np.flatnonzero(group == article) for article in np.repeat(np.arange(30), weight.astype(int))]
        )
        expected = score("x", Y[rows], predicted[rows], None, TOPICS)
        for key, values in found.items():
            assert values[sample] == pytest.approx(expected[key])
        each = weight[group]
        assert found["x/f1_macro"][sample] == pytest.approx(
            f1_score(Y, predicted, average="macro", sample_weight=each, zero_division=0)
        )
        assert found["x/precision/a"][sample] == pytest.approx(
            precision_score(Y[:, 0], predicted[:, 0], sample_weight=each, zero_division=0)
        )


def test_the_names_are_those_of_the_scores_and_the_same_seed_gives_the_same_interval():
    Y, predicted, group = news(40, 2)
    found = score_intervals("test", Y, predicted, group, TOPICS)
    scores = score("test", Y, predicted, None, TOPICS)
    for key in ("test/f1_macro", "test/f1_micro", "test/recall/b"):
        assert found[f"{key}_low"] < scores[key] < found[f"{key}_high"]
    assert {key.rpartition("_")[0] for key in found} <= set(scores)
    assert found == score_intervals("test", Y, predicted, group, TOPICS)


def test_sentences_that_only_repeat_in_their_article_make_no_interval_narrower():
    Y, predicted, group = news(60, 3)
    once = score_intervals("t", Y, predicted, group, TOPICS)
    thrice = score_intervals("t", *(np.repeat(part, 3, axis=0) for part in (Y, predicted, group)), TOPICS)
    assert once == pytest.approx(thrice)


@pytest.mark.slow
def test_intervals_hold_the_truth_about_as_often_as_they_say_and_equal_models_seldom_differ():
    Y, predicted, group = news(20_000, 9)
    counts = count_articles(Y, predicted, group)
    truth = named("t", draw(counts, np.ones((1, len(counts)))), TOPICS)["t/f1_macro"][0]
    held, alarms = 0, 0
    for seed in range(300):
        y, one, where = news(120, 100 + seed)
        found = score_intervals("t", y, one, where, TOPICS, seed=seed)
        held += found["t/f1_macro_low"] <= truth <= found["t/f1_macro_high"]
        random = np.random.default_rng(5000 + seed)  # no draws that the test itself makes
        other = np.where(y, random.random(y.shape) < one[y].mean(), random.random(y.shape) < 0.03)
        swap = random.random(120) < 0.5
        a, b = (np.where((swap[where] == side)[:, None], one, other) for side in (True, False))
        alarms += paired(y, a, b, where, TOPICS, resamples=400, seed=seed)[-1].p < 0.05
    assert 0.92 <= held / 300 <= 0.98
    assert alarms / 300 <= 0.08


def test_a_better_model_is_found_better_and_the_difference_is_that_of_the_scores():
    Y, good, group = news(150, 4, skill=2.0)
    bad = good & (np.random.default_rng(0).random(good.shape) < 0.6)
    *topics, macro = paired(Y, good, bad, group, TOPICS, resamples=500)
    scores = [score("t", Y, predicted, None, TOPICS)["t/f1_macro"] for predicted in (good, bad)]
    assert macro.metric == "f1_macro"
    assert macro.difference == pytest.approx(scores[0] - scores[1])
    assert 0 < macro.low < macro.difference < macro.high
    assert macro.p == pytest.approx(1 / 501)
    assert [row.metric for row in topics] == ["f1/a", "f1/b", "f1/c"]
    same = paired(Y, good, good, group, TOPICS, resamples=100)
    assert {row.p for row in same} == {1.0}
    assert {row.difference for row in same} == {0.0}
    back = paired(Y, bad, good, group, TOPICS, resamples=500)[-1]
    assert (back.difference, back.p) == (pytest.approx(-macro.difference), macro.p)


def test_resamples_in_parts_are_those_drawn_at_once(monkeypatch):
    Y, predicted, group = news(25, 5)
    counts = count_articles(Y, predicted, group)
    whole = resample(counts, 40, seed=3)
    monkeypatch.setattr("pipeline.intervals.AT_ONCE", 25 * 7)
    parts = resample(counts, 40, seed=3)
    assert np.array_equal(whole.topics, parts.topics)


def test_holms_correction_is_that_of_the_book():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.6, 0.5])).tolist() == [1.0, 1.0]
