"""A taxonomy is read from YAML without Hydra: the same as with it, and what cannot be right is refused with its key."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from slugline.config.launch import compose_settings
from slugline.errors import InputError
from slugline.labels import Labels, Near, Rule, Topic, read_taxonomy

CONF = Path(__file__).parents[1] / "conf" / "labels"


@pytest.mark.parametrize("name", ["plover", "india_police_events"])
def test_a_shipped_taxonomy_is_what_the_commands_use(name):
    labels = compose_settings("train", [f"labels={name}"]).labels
    values = read_taxonomy(CONF / f"{name}.yaml")
    assert set(values) >= {"topics", "functions", "guidelines"}
    assert values == {key: getattr(labels, key) for key in values}
    assert Labels(**values).all_rules() == labels.all_rules()


def test_topics_rules_and_pairs_are_made_whole_and_what_is_not_given_is_left_out(tmp_path):
    text = """
        topics:
          war: {keywords: ["war*"], codes: {plover: "FIGHT"}, parent: null}
        functions:
          near_war: {topic: war, vote: against, near: [{first: price, then: war, within: 2, ordered: false}]}
    """
    (tmp_path / "mine.yaml").write_text(text)
    assert read_taxonomy(tmp_path / "mine.yaml") == {
        "topics": {"war": Topic(keywords=["war*"], codes={"plover": "FIGHT"})},
        "functions": {"near_war": Rule("war", "against", near=[Near("price", "war", 2, False)])},
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("topics: {war: {keyword: [a]}}", "topics.war: unknown key 'keyword'; allowed: definition, examples"),
        ("topics: {war: {keywords: 3}}", "topics.war.keywords: 3; allowed: a list"),
        ("topics: {war: {keywords: [a, no]}}", "topics.war.keywords[1]: False; allowed: a text, in quotes if need be"),
        ("topics: {war: 3}", "topics.war: 3; allowed: the keys definition, examples"),
        ("topics: {war: [war*, 1.5, {a: b}]}", "topics.war.keywords[2]: {'a': 'b'}; allowed: a text"),
        (
            "topics: {war: [*war]}",
            "cannot be read as YAML: line 1: found undefined alias 'war'; text that begins with *",
        ),
        ("topics: {war: {parent: 3}}", "topics.war.parent: 3; allowed: a text, in quotes if need be, or null"),
        ("topics: {war: {codes: [a]}}", "topics.war.codes: ['a']; allowed: a mapping of names to values"),
        ("topics: [war]", "topics: ['war']; allowed: a mapping of names to values"),
        ("topics: {war: {}}\nfunctions: {f: {topics: war}}", "functions.f: unknown key 'topics'; allowed: topic, vote"),
        (
            "topics: {war: {}}\nfunctions: {f: {near: [{first: a, then: b, within: true}]}}",
            "functions.f.near[0].within: True; allowed: a whole number",
        ),
        (
            "topics: {war: {}}\nfunctions: {f: {near: [{first: a, ordered: 0}]}}",
            "functions.f.near[0].ordered: 0; allowed: true or false",
        ),
        ("topcis: {war: {}}", "unknown key 'topcis'; allowed: topics, functions, guidelines, mode"),
        (
            "guidelines: Be brief.",
            "no topics; allowed: a YAML mapping with the keys topics, functions, guidelines, mode",
        ),
        ("", "no topics; allowed"),
        ("topics: {", "cannot be read as YAML: "),
    ],
)
def test_what_cannot_be_a_taxonomy_is_told_with_file_and_key_and_what_is_allowed(tmp_path, text, says):
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(InputError) as error:
        read_taxonomy(tmp_path / "mine.yaml")
    assert str(error.value).startswith(f"{tmp_path / 'mine.yaml'}: {says}")
    assert "\n" not in str(error.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(InputError, match=r"none\.yaml: cannot be read as YAML: "):
        read_taxonomy(tmp_path / "none.yaml")


def test_settings_of_a_labeller_may_stand_in_the_file_and_are_passed_over(tmp_path):
    values = (
        {item.name: None for item in fields(Labels)}
        | {"_target_": "slugline.labels.Labels"}
        | {"defaults": ["gold"], "topics": {"war": {}}}
    )
    values = {key: value for key, value in values.items() if key not in ("functions", "guidelines", "mode")}
    (tmp_path / "mine.yaml").write_text(json.dumps(values))
    assert read_taxonomy(tmp_path / "mine.yaml") == {"topics": {"war": Topic()}}


def test_numbers_may_stand_for_text(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("topics: {911: {keywords: [911, 9.5]}}")
    assert read_taxonomy(tmp_path / "mine.yaml")["topics"] == {"911": Topic(keywords=["911", "9.5"])}
