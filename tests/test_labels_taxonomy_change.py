"""A taxonomy file after a change of the codebook: of every form that YAML has, with all its comments."""

from pathlib import Path

import pytest
import yaml

from slugline.errors import InputError
from slugline.files import shipped_folder
from slugline.labels import read_taxonomy
from slugline.labels.codebook_change import CodebookChange
from slugline.labels.taxonomy_change import change_taxonomy, find_restricting, find_taxonomies

FORMS = {
    "lines": "topics:\n  a:\n    keywords:\n    - x # why\n  b:\n    keywords: [y]\n    parent: a\n  c:\n",
    "short": "topics:\n  a: x\n  b: [y] # why\n  c: []\n",
    "no end": "topics:\n  a: [x]\n  c:\n  b:\n    keywords: [y]",
    "flow": "topics: {a: [x], b: {keywords: [y], parent: a}, c: z}\n",
    "quoted": "\"topics\":\n  'a': [x]\n  \"b\": ['y']\n  c: # why\n    keywords: []\n",
    "block text": "topics:\n  a:\n    definition: >-\n      Some\n      text.\n\n    keywords: [x]\n  b: y\n  c:\n    definition: |\n      More.\n\n# why\n",
    "windows": "\ufefftopics:\r\n  a: [x] # why\r\n  b: [y]\r\n  c: [z]\r\n",
    "functions": "topics: {a: x, b: y, c: z}\nfunctions:\n  one: {topic: a, any: [q]} # why\n  two:\n    topic: c\n    any: [r]\n",
    "functions last": "functions:\n  two:\n    topic: a\n    any: [r]\ntopics:\n  a: x\n  b: y\n  c: z\n",
    "anchors": "topics:\n  a: &words [x]\n  b: *words\n  c: [z]\n",
    "numbers": "topics:\n  a: [911]\n  b: [3]\n  c:\n",
}
CHANGES = {
    "rename": CodebookChange(renames={"a": "a, new"}),
    "merge first": CodebookChange(merges={"a": ["a", "b"]}),
    "merge last": CodebookChange(merges={"b": ["a", "b"]}),
    "merge new": CodebookChange(merges={"d": ["c", "a", "b"]}),
    "drop": CodebookChange(drops=["a"]),
    "all": CodebookChange(renames={"b": "e"}, drops=["c", "a"]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_yaml_is_changed_and_keeps_its_comments(tmp_path, form, change):
    file = tmp_path / "topics.yaml"
    file.write_text(FORMS[form], newline="", encoding="utf-8")
    content = change_taxonomy(file, CHANGES[change])
    topics = list(yaml.safe_load(FORMS[form])["topics"])
    expected = {after for topic in topics if (after := CHANGES[change].apply_to_topic(topic))}
    file.write_bytes(content)
    taxonomy = read_taxonomy(file)
    assert set(taxonomy["topics"]) == expected
    kept = "drop" not in change and change != "all"
    assert not kept or content.count(b"# why") == FORMS[form].count("# why")
    assert content.count(b"\r\n") in (0, content.count(b"\n"))
    united = [topic for topic in taxonomy["topics"].values() if {"x", "y"} <= set(topic.keywords)]
    assert len(united) == ("merge" in change and form not in ("anchors", "numbers"))


def test_the_shipped_taxonomy_merges_with_all_that_it_says(tmp_path):
    source = shipped_folder("conf") / "labels" / "plover.yaml"
    file = tmp_path / "mine.yaml"
    file.write_bytes(
        change_taxonomy(source, CodebookChange(merges={"deal": ["ceasefire", "agreement"]}, drops=["aid"]))
    )
    before, after = read_taxonomy(source), read_taxonomy(file)
    parts, deal = [before["topics"][name] for name in ("ceasefire", "agreement")], after["topics"]["deal"]
    assert deal.keywords == [phrase for part in parts for phrase in part.keywords]
    assert deal.definition == " / ".join(part.definition for part in parts)
    assert deal.codes == {"plover": "CONCEDE (ceasefire), AGREE", "cameo": "0871, 03, 057"}
    rules = {name: rule for name, rule in before["functions"].items() if rule.topic != "aid"}
    assert {name: rule.any for name, rule in after["functions"].items()} == {
        name: rule.any for name, rule in rules.items()
    }
    assert after["guidelines"] == before["guidelines"]


def test_a_form_that_cannot_be_edited_is_refused_where_it_has_comments_and_written_anew_where_not(tmp_path):
    file = tmp_path / "topics.yaml"
    change = CodebookChange(drops=["b"])
    file.write_text("topics: {a: [x], b: [y],\n  c: [z]}\n")
    assert list(yaml.safe_load(change_taxonomy(file, change))["topics"]) == ["a", "c"]
    file.write_text("topics: {a: [x],  # why\n  b: [y], c: [z]}\n")
    with pytest.raises(InputError, match="without losing comments; nothing was changed"):
        change_taxonomy(file, change)


def test_the_files_of_an_option_are_followed_through_its_defaults(tmp_path):
    labels = tmp_path / "labels"
    labels.mkdir()
    (labels / "mine.yaml").write_text("defaults: [base, _self_]\ntopics: {a: x}\n")
    (labels / "base.yaml").write_text("defaults: [rules, mine]\ntopics: {b: y}\n")
    files = find_taxonomies("mine", [shipped_folder("conf"), tmp_path])
    shipped = [shipped_folder("conf") / "labels" / f"{name}.yaml" for name in ("rules", "given", "gold")]
    assert files == [labels / "mine.yaml", labels / "base.yaml", *shipped]
    assert find_taxonomies("none", [Path("nowhere")]) == []


@pytest.mark.parametrize("only", ["only: [a, b]  # why", "# why\nonly:\n  - a\n  - b", "only: ['a', \"b\"] # why"])
@pytest.mark.parametrize("inside", [False, True])
def test_topics_that_config_restricts_a_taxonomy_to_change_too(tmp_path, only, inside):
    file = tmp_path / "mine.yaml"
    indented = "labels:\n" + "".join(f"  {line}\n" for line in only.split("\n")) + "  gold: x.csv\nseed: 3\n"
    file.write_text(indented if inside else f"topics: {{a: x, b: y, c: z}}\n{only}\n")

    def restricted_to(change: CodebookChange) -> object:
        content = change_taxonomy(file, change)
        assert content is None or b"# why" in content or change.drops
        read = yaml.safe_load(content or file.read_bytes())
        return (read["labels"] if inside else read).get("only")

    assert restricted_to(CodebookChange(renames={"a": "new"})) == ["new", "b"]
    assert restricted_to(CodebookChange(merges={"d": ["a", "b"]})) == ["d"]
    assert restricted_to(CodebookChange(drops=["b"])) == ["a"]
    assert restricted_to(CodebookChange(drops=["a", "b"])) is None
    assert restricted_to(CodebookChange(renames={"c": "new"})) == ["a", "b"]


def test_experiments_that_restrict_another_taxonomy_are_left_alone(tmp_path):
    (tmp_path / "labels").mkdir()
    (tmp_path / "experiment").mkdir()
    (tmp_path / "labels/topics.yaml").write_text("topics: {a: x, b: y}\n")
    texts = {
        "plain": "labels: {only: [a]}",
        "same": "defaults: [{override /labels: topics}]\nlabels: {only: [a]}",
        "other": "defaults: [{override /labels: plover}]\nlabels: {only: [a]}",
        "none": "labels: {gold: x.csv}",
    }
    for name, text in texts.items():
        (tmp_path / f"experiment/{name}.yaml").write_text(text)
    found = find_restricting([tmp_path], [tmp_path / "labels/topics.yaml"])
    assert [file.stem for file in found] == ["plain", "same"]
