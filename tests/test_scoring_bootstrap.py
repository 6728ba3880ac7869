"""Intervals and paired tests by articles: scikit-learn's scores under weights, true derivatives, and the promised coverage."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from slugline.scoring import holm, paired_differences, score, score_intervals
from slugline.scoring.bootstrap import draw_weights
from slugline.scoring.sums import Ratio, build_measures

TOPICS = ("a", "b", "c")


def news(articles: int, seed: int):
    """Return labels, decisions, probabilities with ties, and articles; topics and errors go by article."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(articles), random.integers(1, 15, articles))
    Y = random.random((len(group), 3)) < 1 / (1 + np.exp(1.5 - random.normal(0, 1.2, (articles, 3))[group]))
    noise = random.normal(0, 0.6, (articles, 3))[group] + random.normal(0, 0.8, Y.shape)
    probabilities = np.round(1 / (1 + np.exp(1 - 2 * Y - noise)), 2)
    return Y, probabilities > 0.5, probabilities, group


def test_scores_under_weights_are_those_of_scikit_learn():
    Y, predicted, probabilities, group = news(40, 0)
    weights = draw_weights(40, 5, np.random.default_rng(1))
    assert weights.sum(axis=1).tolist() == [40] * 6
    for name, measured in build_measures(Y, predicted, group, TOPICS, probabilities).items():
        kind, _, topic = name.partition("/")
        sums = measured.weigh(weights)
        for sample, weight in enumerate(weights):
            column = TOPICS.index(topic) if topic else None
            reference = {"precision": precision_score, "recall": recall_score, "f1": f1_score}.get(kind)
            if kind == "ap":
                wanted = average_precision_score(Y[:, column], probabilities[:, column], sample_weight=weight[group])
            elif reference and topic:
                wanted = reference(Y[:, column], predicted[:, column], sample_weight=weight[group], zero_division=0)
            else:
                average = {"accuracy": "accuracy"}.get(kind, name.partition("_")[2])
                rows = np.repeat(np.arange(len(Y)), weight[group].astype(int))
                wanted = score(Y[rows], predicted[rows], TOPICS)[name]
                assert average in ("micro", "samples", "accuracy")
            assert sums.hits[sample] / sums.totals[sample] == pytest.approx(wanted), name


def test_the_influence_of_an_article_is_the_derivative_of_the_score_by_its_weight():
    Y, predicted, probabilities, group = news(12, 3)
    for name, measured in build_measures(Y, predicted, group, TOPICS, probabilities).items():
        weights = np.random.default_rng(4).integers(1, 4, (1, 12)).astype(float)
        sums = measured.weigh(weights)
        influence = (sums.residuals(sums.hits / sums.totals) / sums.totals[:, None])[0]
        for article in range(12):
            ends = []
            for step in (-1e-6, 1e-6):
                moved = weights.copy()
                moved[0, article] += step
                ends.append(float((lambda found: found.hits[0] / found.totals[0])(measured.weigh(moved))))
            assert influence[article] == pytest.approx((ends[1] - ends[0]) / 2e-6, abs=1e-6), (name, article)


def test_intervals_have_the_names_of_the_scores_and_hold_the_scores():
    Y, predicted, probabilities, group = news(30, 5)
    found = score_intervals(Y, predicted, TOPICS, groups=group, probabilities=probabilities, resamples=200)
    scores = score(Y, predicted, TOPICS, probabilities=probabilities)
    assert set(found) == {key for key in scores if not key.startswith("support")}
    for key, (low, high) in found.items():
        assert 0 <= low <= scores[key] <= high <= 1
        assert high - low > 0.01
    assert not [
        key for key in score_intervals(Y, predicted, TOPICS, groups=group, resamples=50) if key.startswith("ap")
    ]


def test_the_same_seed_gives_the_same_intervals_another_one_others_and_keys_of_articles_do_not_matter():
    Y, predicted, _, group = news(20, 6)
    names = [f"article {number * 7 % 20}" for number in group]
    first = score_intervals(Y, predicted, TOPICS, groups=group, resamples=100)
    assert score_intervals(Y, predicted, TOPICS, groups=names, resamples=100) == first
    assert score_intervals(Y, predicted, TOPICS, groups=group, resamples=100, seed=1) != first


def test_sentences_that_only_repeat_in_their_article_make_no_interval_narrower():
    Y, predicted, probabilities, group = news(40, 7)
    once = score_intervals(Y, predicted, TOPICS, groups=group, probabilities=probabilities, resamples=100)
    thrice = score_intervals(
        *(np.repeat(part, 3, axis=0) for part in (Y, predicted)),
        TOPICS,
        groups=np.repeat(group, 3),
        probabilities=np.repeat(probabilities, 3, axis=0),
        resamples=100,
    )
    for key, interval in once.items():
        assert thrice[key] == pytest.approx(interval), key


def test_more_articles_and_a_lower_level_make_intervals_narrower():
    widths = [np.subtract(*score_intervals(**pick(news(n, 8)), resamples=400)["f1_macro"][::-1]) for n in (20, 80, 320)]
    assert widths[0] > 1.4 * widths[1] > 1.4**2 * widths[2]
    narrow, wide = (score_intervals(**pick(news(60, 8)), level=level)["f1_macro"] for level in (0.5, 0.95))
    assert wide[0] < narrow[0] < narrow[1] < wide[1]


def pick(data):
    Y, predicted, _, group = data
    return {"Y": Y, "predicted": predicted, "topics": TOPICS, "groups": group}


def test_a_topic_that_was_never_wrong_may_be_wrong_the_more_the_fewer_articles_it_stands_in():
    lows = []
    for articles in (1, 3, 10, 30):
        Y = np.ones((articles, 1), bool)
        low, high = score_intervals(Y, Y, ["a"], groups=np.arange(articles))["f1/a"]
        assert high == 1
        lows.append(low)
    assert lows == sorted(lows)
    assert lows[0] < 0.5
    assert 0.95 < lows[-1] < 1


def test_a_topic_that_stands_nowhere_may_have_any_score():
    Y = np.zeros((50, 1), bool)
    for predicted in (Y, ~Y):
        found = score_intervals(Y, predicted, ["a"], groups=np.arange(50), probabilities=np.zeros((50, 1)))
        for kind in ("precision", "recall", "f1", "ap"):
            assert found[f"{kind}/a"] == found[f"{kind}_macro"] == (0, 1)


def test_articles_of_many_sentences_count_as_one():
    random = np.random.default_rng(9)
    skill = random.random(25)[np.repeat(np.arange(25), 40)]
    Y = np.ones((1000, 1), bool)
    predicted = random.random((1000, 1)) < skill[:, None]
    by_article = score_intervals(Y, predicted, ["a"], groups=np.arange(1000) // 40)["recall/a"]
    by_sentence = score_intervals(Y, predicted, ["a"], groups=np.arange(1000))["recall/a"]
    assert np.subtract(*by_article) < 2 * np.subtract(*by_sentence)  # both negative: wider by far


# ---- differences


def test_a_model_does_not_differ_from_itself():
    Y, predicted, probabilities, group = news(30, 10)
    table = paired_differences(
        Y, predicted, predicted, TOPICS, groups=group, probabilities=(probabilities, probabilities), resamples=100
    )
    assert (table["difference"] == 0).all()
    assert (table[["p", "p_holm"]] == 1).all().all()
    assert (table[["low", "high"]] == 0).all().all()


def test_topics_that_two_models_predict_the_same_make_no_difference_and_others_do():
    Y, predicted, probabilities, group = news(30, 10)
    other, ranked = predicted.copy(), probabilities.copy()
    other[:, 1], ranked[:, 1] = ~predicted[:, 1], 1 - probabilities[:, 1]
    table = paired_differences(
        Y, predicted, other, TOPICS, groups=group, probabilities=(probabilities, ranked), resamples=100
    )
    ends = table[["low", "high"]]
    assert (ends.loc[[f"f1/{TOPICS[0]}", f"ap/{TOPICS[0]}"]] == 0).all().all()
    assert (ends.loc[[f"f1/{TOPICS[1]}", f"ap/{TOPICS[1]}", "f1_macro", "f1_micro"]] != 0).all().all()


def test_the_same_decisions_by_other_probabilities_may_differ_elsewhere():
    Y, predicted, probabilities, group = news(30, 10)
    table = paired_differences(
        Y, predicted, predicted, TOPICS, groups=group, probabilities=(probabilities, probabilities / 2), resamples=100
    )
    assert (table["difference"] == 0).all()
    assert (table.loc[[f"f1/{topic}" for topic in TOPICS], "low"] < 0).all()


def test_differences_are_those_of_the_scores_and_p_and_interval_agree():
    Y, predicted, probabilities, group = news(60, 11)
    random = np.random.default_rng(0)
    other, ranked = predicted & (random.random(Y.shape) < 0.8), random.permuted(probabilities, axis=0)
    table = paired_differences(
        Y, predicted, other, TOPICS, groups=group, probabilities=(probabilities, ranked), resamples=400
    )
    ours, theirs = (
        score(Y, decided, TOPICS, probabilities=p) for decided, p in ((predicted, probabilities), (other, ranked))
    )
    for key, row in table.iterrows():
        assert row["one"] == pytest.approx(ours[key])
        assert row["difference"] == pytest.approx(ours[key] - theirs[key])
        assert row["low"] <= row["difference"] <= row["high"]
        if abs(row["p"] - 0.05) > 0.005:  # p counts the sample in, quantiles do not
            assert (row["p"] < 0.05) == (not row["low"] <= 0 <= row["high"]), key
    assert table.loc["ap_macro", "p"] < 0.05
    assert table.loc["f1_macro", "difference"] > 0
    assert table.loc["f1_macro", "p"] < 0.05


def test_p_is_corrected_for_topics_within_a_kind_of_score_and_averages_stand_alone():
    Y, predicted, _, group = news(50, 12)
    other = predicted & (np.random.default_rng(1).random(Y.shape) < 0.9)
    table = paired_differences(Y, predicted, other, TOPICS, groups=group, resamples=200)
    for kind in ("precision", "recall", "f1"):
        rows = [f"{kind}/{topic}" for topic in TOPICS]
        assert table.loc[rows, "p_holm"].tolist() == pytest.approx(slow_holm(table.loc[rows, "p"]))
    alone = [name for name in table.index if "/" not in name]
    assert (table.loc[alone, "p"] == table.loc[alone, "p_holm"]).all()


def slow_holm(p):
    """Return what Holm 1979 says, word for word."""
    p, found, largest = list(p), {}, 0.0
    for step, place in enumerate(sorted(range(len(p)), key=lambda place: p[place])):
        largest = max(largest, min(1.0, (len(p) - step) * p[place]))
        found[place] = largest
    return [found[place] for place in range(len(p))]


@given(hnp.arrays(float, st.integers(1, 9), elements=st.floats(0, 1)))
def test_holm_is_what_it_says_and_never_less_than_p(p):
    found = holm(p)
    assert found.tolist() == pytest.approx(slow_holm(p))
    assert ((found >= p) & (found <= 1)).all()


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_whatever_the_labels_intervals_are_in_order_and_between_0_and_1(data):
    n = data.draw(st.integers(1, 12))
    Y, predicted = (data.draw(hnp.arrays(bool, (n, 2))) for _ in range(2))
    p = data.draw(hnp.arrays(float, (n, 2), elements=st.sampled_from([0.0, 0.3, 0.5, 1.0])))
    group = data.draw(hnp.arrays(int, n, elements=st.integers(0, 4)))
    for low, high in score_intervals(Y, predicted, ["a", "b"], groups=group, probabilities=p, resamples=20).values():
        assert 0 <= low <= high <= 1
    table = paired_differences(Y, predicted, Y, ["a", "b"], groups=group, probabilities=(p, p), resamples=20)
    assert table.notna().all().all()
    assert (table["p"].between(0, 1) & (table["low"] >= -1) & (table["high"] <= 1)).all()


def test_a_topic_of_which_nothing_is_known_is_left_out_of_the_mean():
    Y, predicted, _, group = news(200, 5)
    Y[:, 2] = predicted[:, 2] = False
    found = score_intervals(Y, predicted, TOPICS, groups=group)
    width = {name: high - low for name, (low, high) in found.items()}
    assert width["f1/c"] == 1
    known = score_intervals(Y[:, :2], predicted[:, :2], TOPICS[:2], groups=group)
    assert width["f1_macro"] <= sum(width[f"f1/{topic}"] for topic in TOPICS[:2]) / 2 + 1e-12
    assert found["f1_macro"] == pytest.approx(known["f1_macro"], abs=0.01)
    assert found["f1_macro"][0] <= score(Y, predicted, TOPICS)["f1_macro"] <= found["f1_macro"][1]


def test_models_that_differ_in_one_decision_differ_by_little():
    Y, predicted, _, group = news(60, 6)
    other = predicted.copy()
    other[7, 0] ^= True
    table = paired_differences(Y, predicted, other, TOPICS, groups=group).filter(regex="^f1", axis=0)
    assert (table["high"] - table["low"]).max() < 0.1
    assert (table["p"] > 0.05).all()


def test_resamples_in_steps_are_resamples(monkeypatch):
    Y, predicted, probabilities, group = news(80, 7)
    whole = score_intervals(Y, predicted, TOPICS, groups=group, probabilities=probabilities)
    monkeypatch.setattr("slugline.scoring.bootstrap.WEIGHTS_AT_ONCE", 80 * 300)
    steps = score_intervals(Y, predicted, TOPICS, groups=group, probabilities=probabilities)
    assert steps != whole  # other resamples
    assert np.abs(np.array([*steps.values()]) - np.array([*whole.values()])).max() < 0.03


def test_a_ratio_is_one_sum_to_another():
    sums = Ratio(np.array([1.0, 0.0, 2.0]), np.array([2.0, 1.0, 2.0])).weigh(
        np.array([[1.0, 1.0, 1.0], [0.0, 3.0, 0.0]])
    )
    assert (sums.hits.tolist(), sums.totals.tolist()) == ([3.0, 0.0], [5.0, 3.0])


@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say_and_equal_models_seldom_differ():
    Y, predicted, probabilities, group = news(20_000, 20)
    truth = score(Y, predicted, TOPICS, probabilities=probabilities)
    starts, held, alarms = np.searchsorted(group, np.arange(20_001)), [], 0
    keys = ["f1_macro", "f1_micro", "ap_macro", "precision/a", "recall/b", "ap/c"]
    for seed in range(250):
        random = np.random.default_rng(seed)
        drawn = random.integers(20_000, size=70)
        rows = np.concatenate([np.arange(starts[article], starts[article + 1]) for article in drawn])
        where = np.repeat(np.arange(70), np.diff(starts)[drawn])
        found = score_intervals(
            Y[rows], predicted[rows], TOPICS, groups=where, probabilities=probabilities[rows], resamples=300, seed=seed
        )
        held.append([found[key][0] <= truth[key] <= found[key][1] for key in keys])
        other = np.where(random.random((len(rows), 3)) < 0.1, ~predicted[rows], predicted[rows])
        again = np.where(random.random((len(rows), 3)) < 0.1, ~predicted[rows], predicted[rows])
        alarms += (
            paired_differences(Y[rows], other, again, TOPICS, groups=where, resamples=300, seed=seed).loc[
                "f1_macro", "p"
            ]
            < 0.05
        )
    assert ((np.mean(held, axis=0) >= 0.91) & (np.mean(held, axis=0) <= 0.99)).all(), np.mean(held, axis=0)
    assert alarms / 250 <= 0.08
