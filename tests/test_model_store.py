"""Hold that a model comes back from its folder as it was, and that a folder that is not whole is refused."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import (
    AdaBoostClassifier,
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
)
from sklearn.linear_model import LogisticRegression, Perceptron, RidgeClassifier, RidgeClassifierCV, SGDClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB, MultinomialNB
from sklearn.neighbors import KNeighborsClassifier, NearestCentroid, RadiusNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

from slugline.data.context import Context
from slugline.errors import InputError
from slugline.model import TopicModel, load_model, save_model
from slugline.model.heads import EstimatorHead, LinearHead
from slugline.model.store import MAX_HEADER, digest_model
from slugline.model.vectorizers import from_estimator, transform_all
from slugline.ngrams import CountVectorizer, TfidfVectorizer
from slugline.training.heads import to_head

RELEASED = Path(__file__).parent / "models"
TOPICS = ("ceasefire", "sanctions", "talks")
SENTENCES = [
    "Both sides agreed to a ceasefire on Monday.",
    "The ceasefire held for a second day, the UN said.",
    "New sanctions hit the central bank.",
    "Sanctions on oil exports will be lifted after the talks.",
    "The talks in Genève broke off; no ceasefire, no deal.",
    "Ministers met for talks about sanctions.",
    "A minister resigned on Friday.",
    "It rained all day in the capital.",
    "“We will talk,” the president said, “when they stop.”",
    "Naïve hopes: 東京 hosts the talks, 12½ hours long…",
]
LABELS = np.array([[word in text.lower() for word in TOPICS] for text in SENTENCES])
UNSEEN = ["Talks on a ceasefire", "", " \n", "SANCTIONS sanctions Sanctions!", "nothing known", "\ud800 ceasefire"]
WORDS = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, stop_words=["the", "on"])
PIECES = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), strip_accents="unicode", norm="l1")
COUNTS = CountVectorizer(binary=True, lowercase=False)
NOT_LINEAR = {
    "random forest": RandomForestClassifier(5, random_state=0, class_weight="balanced"),
    "extra trees": ExtraTreesClassifier(5, random_state=0, class_weight={False: 1.0, True: 3.0}),
    "decision tree": DecisionTreeClassifier(random_state=0, ccp_alpha=0.01),
    "decision tree grown best first": DecisionTreeClassifier(random_state=0, max_leaf_nodes=4),
    "extra tree": ExtraTreeClassifier(random_state=np.random.RandomState(0)),
    "bagged trees": BaggingClassifier(n_estimators=3, random_state=0),
    "bagged linear": BaggingClassifier(LinearSVC(class_weight={0: 1.0, 1: 2.0}), n_estimators=3, random_state=0),
    "bagged logistic": BaggingClassifier(LogisticRegression(C=np.inf), n_estimators=3, random_state=0),
    "AdaBoost": AdaBoostClassifier(n_estimators=4, random_state=0),
    "AdaBoost of naive Bayes": AdaBoostClassifier(MultinomialNB(), n_estimators=4, random_state=0),
    "gradient boosting": GradientBoostingClassifier(n_estimators=4, random_state=0, subsample=0.9),
    "gradient boosting, exponential": GradientBoostingClassifier(n_estimators=4, random_state=0, loss="exponential"),
    "gradient boosting from zero": GradientBoostingClassifier(n_estimators=4, random_state=0, init="zero"),
    "neighbours": KNeighborsClassifier(3),
    "neighbours by cosine and distance": KNeighborsClassifier(3, metric="cosine", weights="distance"),
    "nearest centroid": NearestCentroid(),
    "neural network": MLPClassifier((4,), max_iter=300, random_state=0, solver="lbfgs"),
    "neural network by Adam": MLPClassifier((4,), random_state=0, learning_rate_init=0.1, tol=0.1),
    "SVC": SVC(C=10.0),
    "SVC, polynomial": SVC(kernel="poly", class_weight="balanced"),
    "NuSVC": NuSVC(nu=0.2),
    "Bernoulli naive Bayes": BernoulliNB(),
    "dummy": DummyClassifier(strategy="prior"),
}
LINEAR = {
    "LinearSVC": LinearSVC(random_state=0),
    "LogisticRegression": LogisticRegression(solver="liblinear"),
    "RidgeClassifier": RidgeClassifier(),
    "RidgeClassifierCV": RidgeClassifierCV(),
    "SGDClassifier": SGDClassifier(random_state=0),
    "Perceptron": Perceptron(),
    "ComplementNB": ComplementNB(),
    "MultinomialNB": MultinomialNB(),
    "SVC(kernel='linear')": SVC(kernel="linear"),
}
REFUSED = {
    "StackingClassifier": StackingClassifier([("a", LinearSVC())], cv=2),
    "RadiusNeighborsClassifier": RadiusNeighborsClassifier(5.0),
    "SGDClassifier": BaggingClassifier(SGDClassifier(), n_estimators=2),
}


def trained(classifier: Any = None, mode: str = "multilabel", **features: Any) -> TopicModel:
    """Train a model on ten sentences."""
    fitted = {name: clone(vectorizer).fit(SENTENCES) for name, vectorizer in (features or {"word": WORDS}).items()}
    vectorizers = tuple(from_estimator(name, vectorizer) for name, vectorizer in fitted.items())
    X = transform_all(vectorizers, SENTENCES)
    estimators = [clone(LinearSVC(random_state=0) if classifier is None else classifier).fit(X, y) for y in LABELS.T]
    head = to_head(estimators, np.array([1.0, 2.0, 0.5]), np.array([0.0, -1.0, 0.25]))
    return TopicModel(
        TOPICS, mode, vectorizers, head, np.array([0.5, 0.25, 0.4]), info={"name": "test", "é": [1, None]}
    )


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_model(trained(word=WORDS, char=PIECES), tmp_path_factory.mktemp("saved") / "model")


@pytest.fixture
def folder(saved: Path, tmp_path: Path) -> Path:
    return copytree(saved, tmp_path / "model")


def refusal(folder: Path) -> str:
    """Return the one line with which a model is refused."""
    with pytest.raises(InputError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert message.startswith(f"model {folder}: ")
    assert "\n" not in message
    assert len(message) < 400
    return message


# There and back


def test_the_card_of_a_model_is_written_beside_it_and_changes_neither_model_nor_digest(tmp_path: Path) -> None:
    model = trained()
    bare = save_model(model, tmp_path / "bare")
    carded = save_model(model, tmp_path / "carded", "# A card")
    assert (carded / "README.md").read_text(encoding="utf-8") == "# A card"
    assert not (bare / "README.md").exists()
    assert digest_model(carded) == digest_model(bare)
    assert (carded / "model.json").read_bytes() == (bare / "model.json").read_bytes()
    assert load_model(carded).predict(["a truce"]) == model.predict(["a truce"])


@pytest.mark.parametrize("mode", ["multilabel", "multiclass"])
@pytest.mark.parametrize(
    "features", [{"word": WORDS}, {"char": PIECES}, {"n": COUNTS}, {"word": WORDS, "char": PIECES}]
)
def test_a_linear_model_comes_back_as_it_was(mode: str, features: dict[str, Any], tmp_path: Path) -> None:
    model = trained(mode=mode, **features)
    back = load_model(save_model(model, tmp_path / "model"))
    assert isinstance(back.head, LinearHead)
    assert (back.topics, back.mode, dict(back.info)) == (model.topics, model.mode, dict(model.info))
    assert np.array_equal(back.predict_proba(UNSEEN), model.predict_proba(UNSEEN))
    assert back.predict(UNSEEN) == model.predict(UNSEEN)
    assert (back.terms, [part.name for part in back.vectorizers]) == (model.terms, list(features))


@pytest.mark.slow
@pytest.mark.parametrize("name", NOT_LINEAR)
def test_a_model_of_estimators_comes_back_as_it_was(name: str, tmp_path: Path) -> None:
    model = trained(NOT_LINEAR[name])
    back = load_model(save_model(model, tmp_path / "model"))
    assert isinstance(back.head, EstimatorHead)
    assert np.array_equal(back.decision_function(UNSEEN + SENTENCES), model.decision_function(UNSEEN + SENTENCES))


@pytest.mark.parametrize("name", LINEAR)
def test_a_linear_classifier_becomes_weights(name: str) -> None:
    model = trained(LINEAR[name])
    assert isinstance(model.head, LinearHead)
    fitted = clone(LINEAR[name]).fit(X := transform_all(model.vectorizers, SENTENCES), LABELS[:, 0])
    if hasattr(fitted, "decision_function"):
        decided = fitted.decision_function(X)
    else:
        decided = np.diff(fitted.predict_log_proba(X))[:, 0]
    assert np.allclose(model.decision_function(SENTENCES)[:, 0], decided, atol=1e-5)


@pytest.mark.parametrize("name", REFUSED)
def test_a_classifier_that_could_not_be_loaded_again_is_refused_by_name(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"^model {name} cannot be saved; allowed: [^\n]*RandomForestClassifier"):
        save_model(trained(REFUSED[name]), tmp_path / "model")
    assert not (tmp_path / "model" / "model.json").exists()


def test_bagging_over_some_features_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^model BaggingClassifier cannot be saved: a tree over [0-9]+ features"):
        save_model(trained(BaggingClassifier(n_estimators=2, max_features=0.5)), tmp_path / "model")


def test_a_saved_forest_keeps_no_random_state_and_the_fitted_one_keeps_its_own(tmp_path: Path) -> None:
    model = trained(GradientBoostingClassifier(n_estimators=2, random_state=0))
    save_model(model, tmp_path / "model")
    assert isinstance(model.head, EstimatorHead)
    assert hasattr(model.head.estimators[0], "_rng")
    assert b"RandomState" not in (tmp_path / "model" / "head.skops").read_bytes()


@pytest.mark.parametrize("release", sorted(path.name for path in RELEASED.iterdir()))
def test_a_model_of_every_released_version_is_read(release: str) -> None:
    expected = json.loads((RELEASED / release / "expected.json").read_text(encoding="utf-8"))
    has_encoder = next((RELEASED / release).rglob("encoder_*.npy"), None) is not None
    if has_encoder:
        pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    model = load_model(RELEASED / release / "model")
    assert list(model.topics) == expected["topics"]
    context = Context(**expected["context"]) if "context" in expected else None
    P = model.predict_proba(expected["texts"], context)
    # What is rounded to whole numbers may be rounded the other way by another release of onnxruntime, or by NumPy
    assert np.allclose(P, expected["probabilities"], rtol=0, atol=1e-3 if has_encoder else 1e-9)
    assert [list(topics) for topics in model.to_topics(model.decide(P))] == expected["given"]


def test_a_model_is_not_written_over_another(folder: Path) -> None:
    with pytest.raises(FileExistsError):
        save_model(trained(), folder)


# What a model tells


@pytest.mark.parametrize("text", [*SENTENCES, ""])
def test_an_explanation_adds_up_to_the_decision(saved: Path, text: str) -> None:
    model = load_model(saved)
    sums = [sum(shares.values()) for shares in model.explain(text, top=0).values()]
    assert np.allclose(sums, model.decision_function([text])[0], rtol=0, atol=1e-9)


def test_pieces_are_credited_to_the_words_that_hold_them() -> None:
    model = trained(word=WORDS, char=PIECES)
    text = "Talks, talks on the cease-fire: the “sanctions” stay - unsanctioned, ÉTÉ!"
    for shares in model.explain(text, top=0).values():
        assert list(shares)[-1] == "(intercept)"
        words = {word for term in list(shares)[:-1] for word in term.split()}
        assert words <= {*re.findall(r"\w\w+", text.lower()), "cease-fire", "-", "ete"}
    assert "unsanctioned" in model.explain(text, top=0)["sanctions"]  # in no training text, but pieces of it are
    sums = [sum(shares.values()) for shares in model.explain(text, top=0).values()]
    assert np.allclose(sums, model.decision_function([text])[0], rtol=0, atol=1e-9)
    assert all(term.startswith("word: ") for term in model.top_terms("sanctions", 9))
    assert all(term.startswith("char: ") for term in model.top_terms("sanctions", 9, pieces=True))


def test_an_explanation_has_the_largest_shares_of_the_topics_asked_for(saved: Path) -> None:
    model = load_model(saved)
    explained = model.explain(SENTENCES[2], top=3, topics=["sanctions"])
    assert list(explained) == ["sanctions"]
    assert len(explained["sanctions"]) == 4
    everything = model.explain(SENTENCES[2], top=0, topics=["sanctions"])["sanctions"]
    sizes = [sorted(map(abs, list(shares.values())[:-1])) for shares in (explained["sanctions"], everything)]
    assert sizes[0] == sizes[1][-3:]


def test_the_terms_of_a_topic_come_largest_first() -> None:
    terms = trained().top_terms("sanctions", 4)
    assert next(iter(terms)) == "sanctions"
    assert list(terms.values()) == sorted(terms.values(), reverse=True)
    assert len(terms) == 4


def test_an_unknown_topic_is_refused_with_those_there_are() -> None:
    with pytest.raises(InputError, match=r"^the model has no topic 'sport'; allowed: ceasefire, sanctions, talks$"):
        trained().top_terms("sport")


def test_terms_of_a_head_that_is_not_linear_are_refused_with_its_type() -> None:
    reason = "this model's head is not linear (EstimatorHead of KNeighborsClassifier); "
    reason += "explain and top_terms need a linear model"
    with pytest.raises(InputError, match=f"^{re.escape(reason)}$"):
        trained(KNeighborsClassifier(2)).explain("a text")


@pytest.mark.parametrize("classifier", [None, BernoulliNB(), KNeighborsClassifier(2)])
def test_no_texts_give_no_rows(classifier: Any) -> None:
    assert trained(classifier).predict_proba([]).shape == (0, 3)
    assert trained(classifier).predict([]) == []


@pytest.mark.parametrize("texts", ["one string", [b"bytes"], [None]])
def test_what_is_no_list_of_texts_is_refused(texts: Any) -> None:
    with pytest.raises(TypeError, match=r"^texts "):
        trained().predict_proba(texts)


def test_a_multiclass_model_gives_one_topic_and_probabilities_that_sum_to_one() -> None:
    model = trained(mode="multiclass")
    assert np.allclose(model.predict_proba(UNSEEN).sum(axis=1), 1.0)
    assert [len(topics) for topics in model.predict(UNSEEN)] == [1] * len(UNSEEN)


def test_a_multiclass_model_gives_the_topic_whose_probability_is_the_largest_multiple_of_its_threshold() -> None:
    model = replace(trained(mode="multiclass"), thresholds=np.array([0.6, 0.3, 0.1]))
    probabilities = np.array([[0.8, 0.1, 0.1], [0.5, 0.45, 0.05], [0.6, 0.2, 0.2], [0.5, 0.0, 0.5]])
    assert model.to_topics(model.decide(probabilities)) == [("ceasefire",), ("sanctions",), ("talks",), ("talks",)]
    even = replace(model, thresholds=np.full(3, 1 / 3))
    assert even.decide(probabilities).argmax(axis=1).tolist() == probabilities.argmax(axis=1).tolist()
    assert str(even).startswith("TopicModel: 3 topics, multiclass (the likeliest topic)")


def test_a_multiclass_model_saved_before_format_3_gives_the_likeliest_topic_as_it_did(tmp_path: Path) -> None:
    folder = save_model(trained(mode="multiclass"), tmp_path / "model")
    assert json.loads((folder / "model.json").read_text(encoding="utf-8"))["format"] == 3
    assert load_model(folder).thresholds.tolist() == [0.5, 0.25, 0.4]
    before = load_model(edited(folder, lambda header: header.update(format=1)))
    given = before.decide(probabilities := before.predict_proba(SENTENCES))
    assert given.argmax(axis=1).tolist() == probabilities.argmax(axis=1).tolist()


@pytest.mark.parametrize("threshold", [0.0, -0.5])
def test_a_multiclass_threshold_that_is_not_above_0_is_refused(threshold: float, tmp_path: Path) -> None:
    model = replace(trained(mode="multiclass"), thresholds=np.array([0.5, threshold, 0.5]))
    assert "thresholds.npy: a threshold is not above 0" in refusal(save_model(model, tmp_path / "model"))


def test_an_article_is_split_into_sentences_and_its_debris_gets_no_topic() -> None:
    article = "Posted by Ceasefire at 10:41\n\nThe ceasefire held, Gen. Smith said. It rained.\n\nPost a comment\n"
    model = replace(trained(mode="multiclass"), thresholds=np.full(3, 1 / 3))  # each text would get a topic
    sentences = model.predict_article(article)
    texts = ["Posted by Ceasefire at 10:41", "The ceasefire held, Gen. Smith said.", "It rained.", "Post a comment"]
    assert [sentence.text for sentence in sentences] == texts
    assert [article[sentence.start : sentence.end] for sentence in sentences] == texts
    assert [sentence.position for sentence in sentences] == [0, 1, 2, 3]
    assert [sentence.topics for sentence in sentences] == [(), *model.predict(texts[1:3]), ()]
    assert sentences[1].topics == ("ceasefire",)
    expected = [dict(zip(TOPICS, row, strict=True)) for row in model.predict_proba(texts).tolist()]
    assert [sentence.probabilities for sentence in sentences] == expected


@pytest.mark.parametrize("classifier", [None, BernoulliNB()])
@pytest.mark.parametrize("article", ["", " \n\n "])
def test_an_article_without_text_has_no_sentences(classifier: Any, article: str) -> None:
    assert trained(classifier).predict_article(article) == []


@pytest.mark.parametrize("article", [["a list"], b"bytes", None])
def test_what_is_not_one_article_is_refused(article: Any) -> None:
    with pytest.raises(TypeError, match=r"^text is [a-zA-Z]+; allowed: str, one article$"):
        trained().predict_article(article)


def test_a_printed_model_tells_what_it_is_and_where_it_comes_from(saved: Path) -> None:
    info = {"slugline": "0.1.0", "run_id": "abc", "data_digest": "0123", "definitions": {"talks": "..."}}
    model = replace(load_model(saved), info=info)
    terms = [part.counter.n_features for part in model.vectorizers]
    assert str(model).splitlines() == [
        "TopicModel: 3 topics, multilabel (each topic has a threshold of its own)",
        "  topics    ceasefire, sanctions, talks",
        f"  features  word: {terms[0]} terms, char: {terms[1]} terms",
        f"  head      linear, 3 x {sum(terms)} weights",
        "  origin    Slugline 0.1.0, run abc, training data 0123",
    ]


def test_a_printed_model_stays_short_whatever_it_holds() -> None:
    model = trained(BernoulliNB(), mode="multiclass")
    many = replace(model, topics=tuple(f"topic {number}" for number in range(500)), info={"run_id": "x" * 1000})
    lines = str(many).splitlines()
    assert lines[0] == "TopicModel: 500 topics, multiclass (the topic furthest above its threshold, as a multiple)"
    assert lines[1].endswith("topic 7 and 492 more")
    assert lines[3] == "  head      BernoulliNB, one for each topic"
    assert max(map(len, lines)) < 120


# Headers


def edited(folder: Path, change: Callable[[dict[str, Any]], Any]) -> Path:
    """Change the header of a model."""
    header = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    change(header)
    (folder / "model.json").write_text(json.dumps(header), encoding="utf-8")
    return folder


FIELDS = ["format", "mode", "topics", "head", "features", "info"]
PART_FIELDS = ["name", "terms", "analyzer", "ngram_range", "lowercase", "strip_accents", "token_pattern", "stop_words"]
PART_FIELDS += ["idf", "sublinear_tf", "binary", "norm"]
WRONG: list[Any] = [-1, 2.5, "ceasefire", [], [[]], {"a": 1}, [None], 10**30]


RIGHT = [("info", {"a": 1}), ("name", "ceasefire"), ("stop_words", [])]


def wrong(fields: list[str], values: list[Any]) -> list[tuple[str, Any]]:
    """Return each field with each value that is wrong for it."""
    return [(field, value) for field in fields for value in values if (field, value) not in RIGHT]


@pytest.mark.parametrize(("field", "value"), wrong(FIELDS, [*WRONG, None, True]), ids=repr)
def test_a_field_of_the_header_with_a_wrong_value_is_refused(folder: Path, field: str, value: Any) -> None:
    refusal(edited(folder, lambda header: header.update({field: value})))


@pytest.mark.parametrize(("field", "value"), wrong(PART_FIELDS, WRONG), ids=repr)
def test_a_field_of_the_features_with_a_wrong_value_is_refused(folder: Path, field: str, value: Any) -> None:
    refusal(edited(folder, lambda header: header["features"][1].update({field: value})))


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_missing_in_the_header_is_refused(folder: Path, field: str) -> None:
    refusal(edited(folder, lambda header: header.pop(field)))


def test_an_option_missing_in_the_features_is_named(folder: Path) -> None:
    assert "features 0: there is no norm" in refusal(edited(folder, lambda header: header["features"][0].pop("norm")))


@pytest.mark.parametrize("field", PART_FIELDS)
def test_a_field_missing_in_the_features_is_refused(folder: Path, field: str) -> None:
    refusal(edited(folder, lambda header: header["features"][0].pop(field)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 5}, "format 5; this version reads 1, 2, 3, 4"),
        ({"topics": ["a", "b", "a"]}, "topic 'a' is repeated"),
        ({"topics": []}, "0 topics; allowed: 1 to 10000"),
        ({"topics": ["a", "b"]}, "thresholds.npy has shape (3,), not (2,)"),
        ({"topics": [str(n) for n in range(10_001)]}, "10001 topics; allowed: 1 to 10000"),
        ({"features": {}}, "features are not a list"),
        ({"features": []}, "0 entries in features; allowed: 1 to 16"),
        ({"features": [{}] * 17}, "17 entries in features; allowed: 1 to 16"),
        ({"mode": "binary"}, "mode 'binary'; allowed: multilabel, multiclass"),
        ({"head": "pickle"}, "head 'pickle'; allowed: linear, estimators"),
        ({"head": "estimators"}, "there is no slope.npy"),
    ],
)
def test_a_header_is_refused_for_its_reason(folder: Path, change: dict[str, Any], reason: str) -> None:
    assert reason in refusal(edited(folder, lambda header: header.update(change)))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"terms": 10_000_000}, "offsets_0.npy has shape"),
        ({"terms": 0}, "features 0: 0 terms; allowed: 1 to 2147483647"),
        ({"norm": "max"}, "features 0: norm 'max'; allowed: l1, l2, null"),
        ({"norm": False}, "features 0: norm false; allowed: l1, l2, null"),
        ({"analyzer": None}, "features 0: analyzer null; allowed: word, char, char_wb"),
        ({"ngram_range": [2, 1]}, "ngram_range [2, 1]; allowed: two numbers, from 1 to 64, in order"),
        ({"ngram_range": [1, 65]}, "ngram_range [1, 65]"),
        ({"ngram_range": [True, True]}, "ngram_range [True, True]"),
        ({"token_pattern": "(a+)+$"}, r"token_pattern '(a+)+$'; allowed: (?u)\b\w\w+\b with one \w or more"),
    ],
)
def test_features_are_refused_for_their_reason(folder: Path, change: dict[str, Any], reason: str) -> None:
    edited(folder, lambda header: header["features"][0].update(change, idf=False))
    assert reason in refusal(folder)


@pytest.mark.parametrize(
    "raw",
    {
        "nothing": b"",
        "not JSON": b"model",
        "a list": b"[]",
        "NaN": b'{"format": NaN}',
        "Infinity": b'{"format": -Infinity}',
        "nested too deep": b'{"info": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "nested 10,000 deep": b'{"info": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        "not UTF-8": b'{"mode": "\xff"}',
        "UTF-16": '{"format": 1}'.encode("utf-16"),
        "too many digits": b'{"format": ' + b"9" * 10_000 + b"}",
        "too large": b" " * (MAX_HEADER + 1),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_header_that_is_no_json_of_ours_is_refused(folder: Path, raw: tuple[str, bytes]) -> None:
    (folder / "model.json").write_bytes(raw[1])
    assert re.search("model.json|format", refusal(folder))


# Arrays

ARRAYS = ["terms_0", "offsets_0", "idf_0", "terms_1", "offsets_1", "idf_1", "thresholds", "weights", "intercept"]
PARTS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "longer": lambda array: np.concatenate([array, array[-1:]]),
    "shorter": lambda array: array[:-1],
    "without rows": lambda array: array[:0],
    "of another type": lambda array: array.astype(np.int64 if array.dtype != np.int64 else np.int8),
    "of the other byte order": lambda array: array.astype(array.dtype.newbyteorder() if array.itemsize > 1 else ">i4"),
    "of objects": lambda array: array.astype(object),
    "of text": lambda array: array.astype("U8"),
    "of records": lambda array: np.zeros(array.shape, [("a", "f8"), ("b", "O")]),
    "with another axis": lambda array: array[None],
    "a single number": lambda array: array.ravel()[0],
    "columns first": lambda array: np.asfortranarray(np.stack([array, array])),
}


@pytest.mark.parametrize("change", PARTS)
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_that_is_not_what_it_should_be_is_refused(folder: Path, name: str, change: str) -> None:
    file = folder / f"{name}.npy"
    np.save(file, PARTS[change](np.load(file)), allow_pickle=True)
    assert re.search("(terms|offsets|idf|thresholds|weights|intercept)[_0-9]*[.]npy", refusal(folder))


RAW: dict[str, Callable[[bytes], bytes]] = {
    "missing its end": lambda raw: raw[:-3],
    "with more at its end": lambda raw: raw + b"\0" * 8,
    "empty": lambda raw: b"",
    "cut in its header": lambda raw: raw[:40],
    "of another format": lambda raw: b"PK\3\4" + raw[4:],
    "of another version": lambda raw: raw[:6] + b"\3" + raw[7:],
    "with a header that is no literal": lambda raw: raw.replace(b"'descr'", b"descr()"),
    "with a negative shape": lambda raw: raw.replace(b"'shape': (", b"'shape': (-", 1),
    "with a huge shape": lambda raw: raw.replace(b"'shape': (", b"'shape': (99999999999999,", 1),
    "with a header of many megabytes": lambda raw: raw[:8] + b"\xff\xff" + raw[10:] + b" " * (1 << 22),
}


@pytest.mark.parametrize("change", RAW)
@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_whose_bytes_were_changed_is_refused_by_its_name(folder: Path, name: str, change: str) -> None:
    file = folder / f"{name}.npy"
    file.write_bytes(RAW[change](file.read_bytes()))
    assert f"{name}.npy" in refusal(folder)


@pytest.mark.parametrize("name", [f"{name}.npy" for name in ARRAYS] + ["model.json"])
@pytest.mark.parametrize("stands", ["nothing", "link", "dangling link", "folder", "pipe"])
def test_a_file_that_is_none_is_refused_by_its_name(folder: Path, name: str, stands: str) -> None:
    (folder / name).rename(folder.parent / "elsewhere")
    if stands == "link":
        (folder / name).symlink_to(folder.parent / "elsewhere")
    elif stands == "dangling link":
        (folder / name).symlink_to(folder.parent / "nowhere")
    elif stands == "folder":
        (folder / name).mkdir()
    elif stands == "pipe":
        os.mkfifo(folder / name)
    assert name in refusal(folder)


@pytest.mark.parametrize("name", ["idf_0", "thresholds", "weights", "intercept"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(folder: Path, name: str, value: float) -> None:
    array = np.load(folder / f"{name}.npy")
    array.flat[-1] = value
    np.save(folder / f"{name}.npy", array)
    assert f"{name}.npy holds numbers that are not finite" in refusal(folder)


def changed(folder: Path, offsets: Callable[[np.ndarray], None], terms: Callable[[np.ndarray], None]) -> str:
    """Change the vocabulary of a model in place and return its refusal."""
    for name, change in (("offsets_0", offsets), ("terms_0", terms)):
        array = np.load(folder / f"{name}.npy")
        change(array)
        np.save(folder / f"{name}.npy", array)
    return refusal(folder)


def nothing(array: np.ndarray) -> None:
    pass


def test_a_vocabulary_out_of_order_is_refused(folder: Path) -> None:
    assert "terms_0.npy are not sorted and unique" in changed(folder, nothing, lambda terms: terms.__setitem__(0, 0x7A))


def test_a_vocabulary_with_a_term_twice_is_refused(folder: Path) -> None:
    offsets, terms = (np.load(folder / f"{name}_0.npy") for name in ("offsets", "terms"))
    at = int(np.flatnonzero(np.diff(offsets)[1:] == np.diff(offsets)[:-1])[0])
    first, second = slice(offsets[at], offsets[at + 1]), slice(offsets[at + 1], offsets[at + 2])
    terms[second] = terms[first]
    np.save(folder / "terms_0.npy", terms)
    assert "terms_0.npy are not sorted and unique" in refusal(folder)


def test_a_vocabulary_that_is_not_utf8_is_refused(folder: Path) -> None:
    assert "terms_0.npy are not UTF-8" in changed(folder, nothing, lambda terms: terms.__setitem__(-1, 0xFF))


def test_offsets_that_cut_a_character_are_refused(folder: Path) -> None:
    offsets, terms = (np.load(folder / f"{name}_0.npy") for name in ("offsets", "terms"))
    inside = np.flatnonzero(terms & 0xC0 == 0x80)[0]
    at = int(np.searchsorted(offsets, inside))
    assert "offsets_0.npy cut a character" in changed(folder, lambda offsets: offsets.__setitem__(at, inside), nothing)


@pytest.mark.parametrize("bounds", [(1, 0), (0, 5), (2, 2), (3, -7)])
def test_offsets_that_do_not_rise_are_refused(folder: Path, bounds: tuple[int, int]) -> None:
    at, value = bounds
    message = changed(folder, lambda offsets: offsets.__setitem__(slice(at, at + 2), value), nothing)
    assert "offsets_0.npy are not ascending" in message


def test_offsets_whose_steps_overflow_are_refused(folder: Path) -> None:
    # each step is positive in 32 bits that wrap around, and the last offset is right
    def wrap(offsets: np.ndarray) -> None:
        offsets[1:4] = [2**31 - 1, -(2**31), -1]

    assert "offsets_0.npy are not ascending" in changed(folder, wrap, nothing)
