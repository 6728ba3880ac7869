"""Runs are compared on the sentences that they share; what changed sides is counted with who is right."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from slugline.data.schema import to_matrix
from slugline.errors import InputError
from slugline.scoring import compare_predictions, score

TOPICS = ["talks", "truce"]


def predictions(wrong=(), rows=range(60), **columns):
    """Return the predictions of a run: right, but for the sentences in which talks and truce change places."""
    labels = [["truce"], ["talks"], []] * 20
    other = {"truce": "talks", "talks": "truce"}
    topics = [[other[topic] for topic in given] if n in wrong else given for n, given in enumerate(labels)]
    frame = pd.DataFrame(
        {
            "sentence_id": [f"s{n}" for n in range(60)],
            "article_id": [f"a{n // 4}" for n in range(60)],
            "text": [f"text {n}" for n in range(60)],
            "labels": labels,
            "topics": topics,
        }
        | columns
    )
    return frame.loc[list(rows)].reset_index(drop=True)


def test_scores_and_differences_are_those_of_the_runs():
    first, second = predictions(), predictions(wrong=range(0, 30))
    comparison = compare_predictions({"good": first, "poor": second})
    Y, predicted = to_matrix(second["labels"], TOPICS), to_matrix(second["topics"], TOPICS)
    scores = score(Y, predicted, TOPICS)
    assert comparison.scores.index.tolist() == ["f1/talks", "f1/truce", "f1_macro", "f1_micro"]
    assert comparison.scores["good"].tolist() == [1.0] * 4
    assert comparison.scores.loc["f1_macro", "poor"] == pytest.approx(scores["f1_macro"])
    assert comparison.differences["poor"].loc["f1_macro", "difference"] == pytest.approx(scores["f1_macro"] - 1)
    assert (comparison.first, comparison.sentences, comparison.articles) == ("good", 60, 15)


def test_average_precision_comes_where_both_runs_have_probabilities():
    ranked = {"talks": [n % 3 == 1 for n in range(60)], "truce": [0.5] * 60}
    both = compare_predictions({"one": predictions(**ranked), "other": predictions(**ranked)})
    assert both.scores.loc["ap_macro"].tolist() == pytest.approx([(1 + 1 / 3) / 2] * 2)
    alone = compare_predictions({"one": predictions(**ranked), "other": predictions()})
    assert "ap_macro" not in alone.scores.index


def test_changed_decisions_are_told_with_who_is_right():
    comparison = compare_predictions({"good": predictions(), "poor": predictions(wrong=[0]), "same": predictions()})
    changes = comparison.changes.to_dict("records")
    assert changes == [
        {
            "run": "poor",
            "topic": "talks",
            "change": "gained",
            "right": "now wrong",
            "sentence_id": "s0",
            "text": "text 0",
        },
        {
            "run": "poor",
            "topic": "truce",
            "change": "lost",
            "right": "now wrong",
            "sentence_id": "s0",
            "text": "text 0",
        },
    ]
    better = compare_predictions({"poor": predictions(wrong=[0, 1]), "good": predictions()})
    tally = better.tally_changes()
    assert tally.loc[("good", "truce"), "gained, now right"] == 1
    assert tally.to_numpy().sum() == 4


def test_runs_that_decide_alike_have_no_changes():
    comparison = compare_predictions({"one": predictions(), "other": predictions()})
    assert comparison.changes.columns.tolist() == ["run", "topic", "change", "right", "sentence_id", "text"]
    assert len(comparison.changes) == len(comparison.tally_changes()) == 0


def test_only_sentences_with_the_same_labels_in_all_runs_count_in_the_order_of_the_first():
    relabelled = predictions()
    relabelled.at[3, "labels"] = ["talks"]
    fewer = predictions(wrong=range(60), rows=reversed(range(12)))
    comparison = compare_predictions({"one": predictions(), "two": relabelled, "three": fewer})
    assert comparison.sentences == 11
    assert comparison.changes["sentence_id"].drop_duplicates().tolist() == ["s0", "s1", "s4", "s6", "s7", "s9", "s10"]
    with pytest.raises(InputError, match="no sentence with the same labels in common: one has 2, other has 1"):
        compare_predictions({"one": predictions(rows=[0, 1]), "other": predictions(rows=[2])})


def test_p_and_the_interval_do_not_depend_on_the_order_of_runs_or_of_sentences():
    runs = {"good": predictions(wrong=[1, 7]), "poor": predictions(wrong=range(5, 14)), "other": predictions(wrong=[3])}
    ranks = np.random.default_rng(0)
    for frame in runs.values():
        frame[TOPICS] = ranks.random((60, 2))
    runs["poor"] = runs["poor"].sample(frac=1, random_state=1)
    found = {}
    for order in permutations(runs):
        comparison = compare_predictions({name: runs[name] for name in order})
        for name, table in comparison.differences.items():
            found.setdefault(frozenset((name, order[0])), []).append((name, table))
    assert len(found) == 3
    for tables in found.values():
        first, table = tables[0]
        assert 0 < table.loc["f1_macro", "p"] < 1
        for name, other in tables[1:]:
            turned = (
                other
                if name == first
                else other.assign(
                    one=other["other"],
                    other=other["one"],
                    difference=-other["difference"],
                    low=-other["high"],
                    high=-other["low"],
                )
            )
            pd.testing.assert_frame_equal(turned, table, rtol=0, atol=1e-12)
