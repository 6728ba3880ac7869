"""Votes become probabilities: those of Bayes where rules are independent, known truth where there is some."""

import numpy as np
import pytest

from slugline.labels.label_model import combine_votes, describe_rules, disagreements

RATES = [(0.6, 0.01, 1), (0.3, 0.002, 1), (0.5, 0.05, 1), (0.02, 0.2, -1)]  # of a vote with and without the topic


def simulated(seed: int = 0, size: int = 40_000, common: float = 0.06):
    """Return the truth, votes of independent rules, and the probability that Bayes' rule gives with all rates known."""
    random = np.random.default_rng(seed)
    y = random.random(size) < common
    fired = np.column_stack([random.random(size) < np.where(y, one, other) for one, other, _ in RATES])
    log_odds = np.log(common / (1 - common)) + sum(
        np.where(f, np.log(a / b), np.log((1 - a) / (1 - b))) for f, (a, b, _) in zip(fired.T, RATES, strict=True)
    )
    return y, (fired * [sign for *_, sign in RATES]).astype(np.int8), 1 / (1 + np.exp(-log_odds))


def test_without_any_gold_label_probabilities_come_near_those_of_bayes_and_beat_the_majority():
    y, votes, bayes = simulated()
    found = combine_votes(votes, ["a"] * 4, ["a"])[:, 0]
    assert np.abs(found - bayes).mean() < 0.01
    majority = combine_votes(votes, ["a"] * 4, ["a"], "majority")[:, 0]
    assert ((found - y) ** 2).mean() < 0.7 * ((majority - y) ** 2).mean()


def test_gold_labels_win_and_teach_what_rules_are_worth():
    y, votes, _ = simulated()
    gold = np.where(np.arange(len(y)) < 4000, y, -1)[:, None]
    two = votes[:, [0, 3]]  # too few to tell apart without gold
    found = combine_votes(two, ["a"] * 2, ["a"], gold=gold)[:, 0]
    assert found[:4000].tolist() == y[:4000].astype(float).tolist()
    without = combine_votes(two, ["a"] * 2, ["a"])[:, 0]
    rest = slice(4000, None)
    assert ((found[rest] - y[rest]) ** 2).mean() < ((without[rest] - y[rest]) ** 2).mean()


def test_topics_are_weighed_each_by_its_own_rules_and_one_without_rules_has_none():
    votes = np.array([[1, 0], [0, 1], [1, -1]], np.int8)
    found = combine_votes(votes, ["a", "b"], ["a", "b", "c"])
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0]]


def test_the_majority_is_the_share_of_the_votes_given():
    votes = np.array([[1, 1, -1], [0, 0, 0], [0, -1, 0], [1, -1, 0]], np.int8)
    assert combine_votes(votes, ["a"] * 3, ["a"], "majority")[:, 0].tolist() == pytest.approx([2 / 3, 0, 0, 0.5])


def test_what_each_rule_does_is_counted():
    votes = np.array([[1, 1, 0], [1, -1, 1], [0, 0, 1], [0, 0, 0]], np.int8)
    gold = np.array([[1, 0], [0, 1], [-1, -1], [1, 0]])
    found = describe_rules(votes, {"r1": "a", "r2": "a", "r3": "b"}, gold, ("a", "b")).set_index("rule")
    assert found.loc["r1", ["votes", "coverage", "overlaps", "conflicts"]].tolist() == [2, 0.5, 0.5, 0.25]
    assert found.loc["r1", ["judged", "correct", "accuracy"]].tolist() == [2, 1, 0.5]
    assert found.loc["r2", ["judged", "correct", "accuracy"]].tolist() == [2, 2, 1.0]
    assert found.loc["r3", ["votes", "overlaps", "conflicts", "judged", "correct"]].tolist() == [2, 0, 0, 1, 1]
    assert (
        disagreements(votes, ["a", "a", "b"], ("a", "b")).tolist()
        == [[False, False], [True, False]] + [[False] * 2] * 2
    )
