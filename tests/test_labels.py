"""Labels reach the sentences they were made for, the surer ones win, and what fits nowhere is counted or refused."""

import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from slugline.data.schema import to_matrix
from slugline.errors import InputError
from slugline.labels import Labels, Topic, collect_rules, vote

TAXONOMY = {
    "ceasefire": Topic(keywords=["truce*", "cease-fire", "halt in fighting"]),
    "threat": Topic(keywords=["warned"], patterns=[r"will (pay|regret)"]),
    "aid": Topic(),
}


def sentences(*texts, **columns):
    """Return a frame of sentences of one article, ids s0, s1, ..."""
    ids = [f"s{number}" for number in range(len(texts))]
    return pd.DataFrame({"sentence_id": ids, "article_id": "a", "text": texts, **columns})


def gold(*rows):
    """Return rows as a gold file gives them."""
    return [(f"gold.jsonl:{number}", row) for number, row in enumerate(rows, start=1)]


def test_gold_finds_its_sentence_by_id_and_by_article_and_text_and_the_rest_is_counted():
    frame = sentences("Truce holds.", "Talks went on.", "Rain fell.", "Rain fell.")
    rows = gold(
        {"sentence_id": "s0", "labels": ["ceasefire"]},
        {"article_id": "a", "text": "Talks went on.", "labels": []},
        {"sentence_id": "gone", "article_id": "a", "text": "Rain fell.", "labels": ["aid"]},  # twice in the article
        {"sentence_id": "nobody", "labels": ["aid"]},
        {"article_id": "b", "text": "Truce holds.", "labels": ["aid"]},
        {"article_id": "a", "text": "truce holds.", "labels": ["aid"]},
    )
    labelled = Labels()(frame, rows)
    assert labelled.sentences["labels"].tolist() == [("ceasefire",), (), ("aid",), ("aid",)]
    assert labelled.sentences["label_source"].tolist() == ["gold"] * 4
    assert labelled.unmatched == ["gold.jsonl:4", "gold.jsonl:5", "gold.jsonl:6"]
    assert labelled.topics == ("aid", "ceasefire")


def test_gold_wins_over_labels_that_came_with_the_sentences_and_these_over_rules():
    frame = sentences("A truce.", "A truce.", "A truce.", "He warned.", labels=[("aid",), ("threat",), None, ()])
    labelled = Labels(rules=True, topics=TAXONOMY)(frame, gold({"sentence_id": "s0", "labels": []}))
    assert labelled.sentences["labels"].tolist() == [(), ("threat",), ("ceasefire",), ()]
    assert labelled.sentences["label_source"].tolist() == ["gold", "given", "rules", "given"]
    assert labelled.topics == ("ceasefire", "threat", "aid")


def test_labels_that_came_along_can_be_set_aside_and_what_has_none_stays_unlabelled():
    frame = sentences("A truce.", "Rain.", labels=[("aid",), ("aid",)])
    labelled = Labels(given=False)(frame, gold({"sentence_id": "s1", "labels": "aid"}))
    assert labelled.sentences["label_source"].tolist() == ["", "gold"]
    assert labelled.sentences["labels"].iloc[0] is None


def test_a_gold_row_without_labels_leaves_its_sentence_to_others():
    frame = sentences("A truce.", labels=[("aid",)])
    labelled = Labels()(frame, gold({"sentence_id": "s0", "labels": None}))
    assert (labelled.sentences["label_source"].tolist(), labelled.unmatched) == (["given"], [])


def test_gold_said_twice_alike_is_fine():
    row = {"sentence_id": "s0", "labels": ["aid", "threat"]}
    assert Labels()(sentences("A."), gold(row, row)).sentences["labels"].tolist() == [("aid", "threat")]


def test_gold_that_lists_the_same_topics_in_another_order_does_not_contradict_itself():
    rows = gold({"sentence_id": "s0", "labels": "aid,threat"}, {"sentence_id": "s0", "labels": "threat,aid"})
    assert set(Labels()(sentences("A."), rows).sentences["labels"][0]) == {"aid", "threat"}


def test_gold_columns_go_by_the_names_that_config_gives():
    labels = Labels(columns={"sentence_id": "id", "labels": "topics"})
    assert labels(sentences("A."), gold({"id": "s0", "topics": "aid"})).sentences["labels"].tolist() == [("aid",)]


def test_the_index_of_the_sentences_does_not_matter():
    frame = sentences("A truce.", "He warned.", labels=[("aid",), None]).set_axis([7, 3])
    labelled = Labels(rules=True, topics=TAXONOMY)(frame, gold({"sentence_id": "s1", "labels": "threat,aid"}))
    assert labelled.sentences["labels"].tolist() == [("aid",), ("threat", "aid")]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"mode": "one"}, "labels.mode: 'one'; allowed: multilabel, multiclass"),
        ({"label_model": "snorkel"}, "labels.label_model: 'snorkel'; allowed: dawid_skene, majority"),
    ],
)
def test_a_labeller_that_cannot_work_is_refused_before_any_data_is_read(options, says):
    with pytest.raises(InputError, match=re.escape(says)):
        Labels(**options)


@pytest.mark.parametrize(
    ("labels", "rows", "says"),
    [
        (
            Labels(topics=TAXONOMY),
            [{"sentence_id": "s0", "labels": "tax"}],
            "sentence s0 of article a ('A.'): label 'tax' is not a topic of the taxonomy; allowed",
        ),
        (
            Labels(mode="multiclass"),
            [{"sentence_id": "s0", "labels": "a,b"}],
            "sentence s0 of article a ('A.'): 2 labels, but labels.mode=multiclass wants exactly",
        ),
        (
            Labels(mode="multiclass"),
            [{"sentence_id": "s0", "labels": []}],
            "0 labels, but labels.mode=multiclass wants exactly",
        ),
        (Labels(), [{"sentence_id": "s0"}], "gold.jsonl:1: no column 'labels'; found: sentence_id"),
        (
            Labels(),
            [{"text": "A.", "labels": "a"}],
            "gold.jsonl:1: no column 'sentence_id', or 'article_id' and 'text'; found",
        ),
        (Labels(), ["not JSON: x"], "gold labels, gold.jsonl:1: not JSON: x"),
        (
            Labels(),
            [{"sentence_id": "s0", "labels": True}],
            "gold.jsonl:1: labels True cannot be read; allowed: a text with ',' between labels",
        ),
        (
            Labels(),
            [{"sentence_id": "s0", "labels": "a"}, {"article_id": "a", "text": "A.", "labels": "b"}],
            "1 times: 'A.': gold.jsonl:1 (a) and gold.jsonl:2 (b); correct them, or add labels.conflict=union",
        ),
    ],
)
def test_labels_that_cannot_be_right_are_refused_with_their_place(labels, rows, says):
    with pytest.raises(InputError) as error:
        labels(sentences("A."), gold(*rows))
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_exactly_one_label_a_sentence_passes_as_multiclass():
    labelled = Labels(mode="multiclass")(sentences("A.", "B."), gold({"sentence_id": "s0", "labels": "x"}))
    assert labelled.sentences["labels"].tolist() == [("x",), None]


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("The TRUCES failed.", ["ceasefire"]),
        ("A cease-fire began.", ["ceasefire"]),
        ("A  halt\nin fighting was near.", ["ceasefire"]),
        ("An entruced town.", []),
        ("He forewarned them, unwarned.", []),
        ("They warned of a truce.", ["ceasefire", "threat"]),
        ("You will regret it.", ["threat"]),
        ("Nothing.", []),
        ("", []),
    ],
)
def test_rules_catch_whole_words_with_stars_and_patterns_in_any_case(text, topics):
    rules = collect_rules(TAXONOMY, {})
    assert [topic for topic, cast in zip(rules, vote([text], rules)[0], strict=True) if cast] == topics


def test_rules_take_signs_of_expressions_in_keywords_for_themselves():
    rules = collect_rules({"money": Topic(keywords=["u.s. aid", "c++"]), "none": Topic()}, {})
    assert vote(["U.S. aid came.", "UxSx aid came."], rules).tolist() == [[1], [0]]


def test_rules_over_no_text_have_a_shape_and_a_topic_without_keywords_has_no_rule():
    assert vote([], collect_rules(TAXONOMY, {})).shape == (0, 2)


def test_a_pattern_that_is_none_is_named():
    with pytest.raises(InputError, match=r"labels\.topics\.war\.patterns: '\(' is not a regular expression: "):
        vote(["x"], collect_rules({"war": Topic(patterns=["("])}, {}))


@given(st.lists(st.lists(st.sampled_from("abc"), unique=True), max_size=9))
def test_the_matrix_says_which_sentence_has_which_topic(labels):
    matrix = to_matrix(labels, ["a", "b", "c"])
    assert (matrix.shape, matrix.dtype) == ((len(labels), 3), np.dtype(bool))
    assert [sorted(row) for row in labels] == [["abc"[column] for column in np.flatnonzero(row)] for row in matrix]
