"""A command says in a line which model it uses, whatever the model says of itself."""

import pytest

from slugline.model.used_model import describe_used_model, is_by_rules

INFO = {"trained": "2026-11-29T09:08", "labels": {"train": {"gold": 20, "rules": 80}, "judged": {"rules": 30}}}


def test_the_line_names_the_model_its_labels_and_its_first_topics():
    line = describe_used_model("slugline version 3 (champion)", ["a", "b", "c", "d", "e", "f"], INFO)
    assert line == (
        "model   slugline version 3 (champion); trained 2026-11-29 09:08; on labels by people (20) and by rules (80); "
        "6 topics: a, b, c, d, e, ..."
    )


def test_a_model_is_by_rules_only_where_that_is_known():
    assert is_by_rules(INFO, "judged")
    assert not is_by_rules(INFO, "train")
    assert not is_by_rules({}, "train")


@pytest.mark.parametrize("labels", [None, 3, [], {"train": 3}, {"train": {"rules": "many"}}, {"judged": {}}])
def test_what_a_stranger_wrote_is_left_out(labels):
    assert describe_used_model("m", ["a\nb"], {"trained": 5, "labels": labels}) == "model   m; 1 topic: a b"
