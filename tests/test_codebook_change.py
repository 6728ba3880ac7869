"""Changes of the codebook: how they are read, checked and applied to labels."""

import pytest

from slugline.errors import InputError
from slugline.labels.codebook_change import CodebookChange, read_change

TOPICS = ["war", "aid", "C++", "crime: theft", "a,b", "law & order"]


@pytest.mark.parametrize("topic", TOPICS)
def test_any_topic_can_be_renamed_merged_and_dropped(topic: str) -> None:
    other = "aid" if topic != "aid" else "war"
    assert read_change(TOPICS, rename=f"{topic}:new").apply_to_labels([topic, other]) == ("new", other)
    assert read_change(TOPICS, rename={topic: "x:y+z"}).apply_to_labels([topic]) == ("x:y+z",)
    assert read_change(TOPICS, merge=[f"{topic}+{other}:both"]).apply_to_labels([other, topic]) == ("both",)
    assert read_change(TOPICS, drop=topic).apply_to_labels([topic, other]) == (other,)


def test_a_merge_may_keep_the_name_of_a_part() -> None:
    change = read_change(TOPICS, merge="war+aid:war")
    assert change.apply_to_labels(["aid"]) == change.apply_to_labels(["aid", "war"]) == ("war",)


def test_a_sentence_whose_only_topics_are_dropped_is_told() -> None:
    change = CodebookChange(drops=["war"])
    assert [change.loses_its_only_topics(labels) for labels in (["war"], ["war", "aid"], [])] == [True, False, False]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rename": "war:aid"}, "use merge"),
        ({"rename": {"peace": "x"}}, "no topic 'peace'; topics: "),
        ({"rename": "war"}, "allowed: old:new"),
        ({"rename": ["war:x", "war:y"]}, "'war' comes twice"),
        ({"merge": "war+C++:aid"}, "name it among the parts"),
        ({"merge": "war:x"}, "is not a+b:new"),
        ({"merge": {"x": ["war", "aid"]}, "drop": ["aid"]}, "changed twice"),
        ({"merge": ["war+aid:x"], "rename": ["C++:x"]}, "two changes end in 'x'"),
        ({"drop": "peace"}, "no topic 'peace'"),
    ],
)
def test_a_wrong_change_says_what_is_allowed(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message.replace("+", r"\+")):
        read_change(TOPICS, **change)


def test_a_change_that_can_be_read_in_two_ways_asks_for_the_mapping() -> None:
    with pytest.raises(InputError, match="several ways"):
        read_change(["a", "a:b"], rename="a:b:c")
