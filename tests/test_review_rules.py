"""What rules do is counted, their contradictions are listed, and they are scored on gold labels that they did not see."""

import pandas as pd
import pytest

from slugline.errors import InputError
from slugline.labels import Labels, Rule, Topic
from slugline.review.rules import report_rules

LABELS = Labels(
    topics={"truce": Topic(keywords=["truce", "ceasefire"]), "strike": Topic(keywords=["strike"])},
    functions={"no price war": Rule(topic="truce", any=["price war"], vote="against")},
)


def sentences(*rows):
    """Return labelled sentences from texts and labels, None where nobody labelled."""
    frame = pd.DataFrame(rows, columns=["text", "labels"])
    source = frame["labels"].map(lambda labels: "" if labels is None else "gold")
    ids = [f"s{number}" for number in range(len(frame))]
    return frame.assign(sentence_id=ids, article_id="a", label_source=source)


FRAME = sentences(
    ("They agreed on a truce.", ("truce",)),
    ("A truce ended the price war.", ()),
    ("Workers are on strike.", None),
    ("Rain fell.", ()),
)


def test_each_rule_has_its_rates_as_a_row_and_as_metrics():
    found = report_rules(FRAME, tuple(LABELS.topics), LABELS)
    rules = found.rules.set_index("rule")
    assert rules.loc["truce", ["votes", "coverage", "conflicts", "accuracy"]].tolist() == [2, 0.5, 0.25, 0.5]
    assert found.metrics["rules/coverage/truce"] == 0.5
    assert found.metrics["rules/accuracy/no price war"] == 1
    assert "rules/accuracy/strike" not in found.metrics  # no gold label says whether it is right
    assert found.seconds >= 0


def test_rules_are_scored_together_on_sentences_with_gold_labels_alone():
    found = report_rules(FRAME, tuple(LABELS.topics), LABELS)
    assert found.judged == 3
    assert found.metrics["gold/recall/truce"] == 1
    assert found.metrics["gold/support/truce"] == 1
    unlabelled = report_rules(FRAME[2:3].reset_index(drop=True), tuple(LABELS.topics), LABELS)
    assert (unlabelled.judged, [key for key in unlabelled.metrics if key.startswith("gold/")]) == (0, [])


def test_sentences_that_rules_vote_both_ways_on_are_listed_with_the_rules_of_both_sides():
    found = report_rules(FRAME, tuple(LABELS.topics), LABELS)
    assert found.disagreements.to_dict("records") == [
        {
            "sentence_id": "s1",
            "topic": "truce",
            "for": "truce",
            "against": "no price war",
            "text": "A truce ended the price war.",
        }
    ]
    assert list(found.labels) == ["sentence_id", "article_id", "text", "truce", "strike"]
    assert found.labels["strike"].tolist() == [0, 0, 1, 0]


def test_a_taxonomy_without_rules_is_refused():
    with pytest.raises(InputError, match=r"^no rule: labels\.topics have no keywords or patterns"):
        report_rules(FRAME, ("truce",), Labels(topics={"truce": Topic()}))
