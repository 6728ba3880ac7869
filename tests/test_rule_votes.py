"""Rules as features: votes beside words, in the saved model as data, left out where they would leak."""

import json
import pickle
from pathlib import Path

import numpy as np
import pytest

from slugline.errors import InputError
from slugline.labels import Labels, Rule, Topic, patterns, vote
from slugline.labels.taxonomy import Near
from slugline.model import TopicModel, load_model, save_model
from slugline.model.heads import LinearHead
from slugline.model.rule_votes import RuleFeatures, RuleVotes
from slugline.model.vectorizers import Vectorizer, transform_all
from slugline.ngrams import NgramOptions, VocabularyCounter
from slugline.training.chosen_features import choose_features

RULES = {
    "Überflutung & Co": Rule(topic="Überflutung & Co", any=["flood~", "lay down * arms"], patterns=[r"\bm\d+ rain"]),
    "near, odd/name": Rule(topic="Überflutung & Co", near=[Near("river", "banks", within=3)], negated="skip"),
    "no film": Rule(topic="truce", vote="against", any=["film*"]),
}
TEXTS = ["The floods came.", "The river burst its banks.", "A film on floods.", "Rain fell.", ""]


def model_of_rules() -> TopicModel:
    """Return a model of words and rules."""
    words = Vectorizer("word", VocabularyCounter.from_terms(NgramOptions(), ["film", "floods"]), idf=None)
    head = LinearHead(np.arange(10, dtype=np.float32).reshape(2, 5), np.array([-1.0, 0.5]))
    rules = RuleFeatures("rules", RULES, 0.5)
    return TopicModel(("Überflutung & Co", "truce"), "multilabel", (words, rules), head, np.full(2, 0.5))


def test_a_rule_is_a_column_wherever_it_votes():
    expected = (vote(TEXTS, RULES) != 0) * 0.5
    np.testing.assert_array_equal(RuleFeatures("rules", RULES, 0.5).transform(TEXTS).toarray(), expected)
    assert expected.any(axis=0).all()


def test_a_saved_model_has_its_rules_as_data_and_decides_as_before(tmp_path):
    model = model_of_rules()
    folder = save_model(model, tmp_path / "model")
    loaded = load_model(folder)
    assert loaded.vectorizers[1] == model.vectorizers[1]
    np.testing.assert_array_equal(loaded.decision_function(TEXTS), model.decision_function(TEXTS))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(loaded)).predict_proba(TEXTS), model.predict_proba(TEXTS))
    assert json.loads((folder / "model.json").read_text(encoding="utf-8"))["format"] == 2
    assert "rules: 3 rules" in repr(loaded)


def test_a_rule_explains_by_its_name_and_all_adds_up():
    model = model_of_rules()
    explained = model.explain("A film on floods.", top=0)["truce"]
    assert "rule Überflutung & Co/keywords" in explained
    assert "rule truce/no film" in explained
    assert sum(explained.values()) == pytest.approx(model.decision_function(["A film on floods."])[0, 1])
    assert "rule Überflutung & Co/near, odd/name" in model.top_terms("truce")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"rules": {}}, "rules: 0; allowed: 1 to 10000"),
        ({"rules": [{"topic": "a", "any": ["b"]}]}, "rules: [{'topic'"),
        ({"rules": {"a": {"topic": "a", "any": ["b"], "function": "os.system"}}}, "holds no functions"),
        ({"rules": {"a": {"topic": "a", "any": ["b"], "shell": "rm"}}}, "unknown key 'shell'"),
        ({"rules": {"a": {"topic": "a", "any": [" "]}}}, "is not a phrase"),
        ({"rules": {"a": {"topic": "a", "any": [{"b": 1}]}}}, "rules.a.any[0]"),
        ({"rules": {"a": {"topic": "a", "patterns": ["("]}}}, "is not a regular expression"),
        ({"rules": {"a": {"topic": "a", "patterns": ["("]}}}, "features 1: "),
        ({"rules": {"a": {"topic": "a", "vote": "maybe", "any": ["b"]}}}, "'maybe'; allowed: for, against"),
        ({"rules": {"a": {"topic": "a"}}}, "nothing to look for"),
        ({"rules": {"a": {"topic": "a", "near": [{"first": "b", "then": "c", "within": 10**30}]}}}, "up to 10000"),
        ({"rules": {"a": {"topic": "a", "any": ["b" * (1 << 20)]}}}, "bytes as JSON; allowed: up to"),
        ({"rules": {str(n): {"topic": "a", "any": ["b"]} for n in range(10_001)}}, "rules: 10001"),
        ({"weight": 0}, "weight: 0"),
        ({"weight": True}, "weight: True"),
        ({"weight": 1e999}, "model.json is not valid JSON"),
        ({"weight": 1e300}, "weight: 1e+300"),
        ({"kind": "function"}, "kind 'function'; allowed: "),
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(tmp_path, change, problem):
    folder = save_model(model_of_rules(), tmp_path / "model")
    header = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    header["features"][1] |= change
    (folder / "model.json").write_text(json.dumps(header), encoding="utf-8")
    with pytest.raises(InputError) as error:
        load_model(folder)
    assert problem in str(error.value)
    assert "\n" not in str(error.value)
    assert str(folder) in str(error.value)
    assert len(str(error.value)) < 400 + len(str(folder))


def test_a_slow_pattern_of_a_model_is_stopped(monkeypatch):
    monkeypatch.setattr(patterns, "_SECONDS", 0.02)
    slow = RuleFeatures("rules", {"a": Rule(topic="a", patterns=["(a|aa)+$"])}, 1.0)
    assert slow.transform(["a" * 60 + "!"]).nnz == 0
    with pytest.raises(InputError, match="took more than"):
        slow.transform(["a" * (60 + n) + "!" for n in range(12)])


def test_rules_that_cannot_be_features_are_left_out_and_told():
    features = {"word": object(), "rules": RuleVotes()}
    labels = Labels(topics={"flood": Topic(keywords=["flood*"])})
    assert choose_features(features, labels, by_rules=False) == (features, [])

    chosen, (note,) = choose_features(features, labels, by_rules=True)
    assert set(chosen) == {"word"}
    assert "labels by these very rules" in note
    chosen, (note,) = choose_features(features, Labels(), by_rules=False)
    assert set(chosen) == {"word"}
    assert "no rules" in note
    with pytest.raises(InputError, match="left out: the labels have no rules; allowed: features=word_char_rules"):
        choose_features({"rules": RuleVotes()}, Labels(), by_rules=False)

    mine = Labels(topics=labels.topics, functions={"mine": Rule(topic="flood", function="somewhere.wet")})
    chosen, (note,) = choose_features(features, mine, by_rules=False)
    assert chosen == features
    assert "leaves out 1 of 2 rules" in note
    assert "mine" in note
    assert list(RuleVotes().to_features("rules", mine).rules) == ["flood"]


def write_articles(folder: Path) -> list[str]:
    """Write forty articles with labels by people and a taxonomy with odd names; return what `train` needs."""
    rows = []
    for number in range(40):
        wet, calm = number % 2 == 0, number % 3 == 0
        text = f"{'Water stood in the streets' if wet else 'Dry fields'} near town {number}."
        text += " The guns fell silent." if calm else " Markets opened."
        labels = [name for name, has in (("Überflutung & Co", wet), ("a/b: truce", calm)) if has]
        rows.append({"text": text, "labels": labels, "article_id": f"a{number}", "published": "2024-03-05"})
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    new = [{key: row[key] for key in ("text", "article_id")} for row in rows]
    (folder / "new.jsonl").write_text("".join(json.dumps(row) + "\n" for row in new), encoding="utf-8")
    (folder / "conf" / "labels").mkdir(parents=True)
    (folder / "conf" / "labels" / "odd.yaml").write_text(
        "defaults: [given]\ntopics:\n  'Überflutung & Co': [water]\n  'a/b: truce': {patterns: ['guns (fell|fall)']}\n"
        "functions:\n  dry, not wet: {topic: 'Überflutung & Co', vote: against, any: [dry]}\n",
        encoding="utf-8",
    )
    return ["data=sentences", "data.path=rows.jsonl", "--config-dir=conf", "labels=odd"]


@pytest.mark.slow
def test_training_in_chunks_has_rules_beside_hashed_words(command, tmp_path):
    data = write_articles(tmp_path)
    done = command(
        tmp_path, "train", *data, "features=hashing", "+features.rules._target_=slugline.model.rule_votes.RuleVotes",
        "model=sgd", "data.chunk_rows=10", "split.dev=0.3", "labels.min_articles=1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "rules: 3 rules" in repr(load_model(next(tmp_path.rglob("model.json")).parent))


def test_features_stand_side_by_side_with_words():
    model = model_of_rules()
    assert transform_all(model.vectorizers, TEXTS).shape == (5, model.head.weights.shape[1])
