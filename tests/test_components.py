"""What a component is made of, written down, makes the same component again."""

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
import yaml
from hydra import compose, initialize_config_dir
from sklearn.base import BaseEstimator
from sklearn.ensemble import ExtraTreesClassifier, StackingClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import ComplementNB
from sklearn.svm import LinearSVC

from slugline.components import field_help, flatten, settings_to_config, to_config, to_params, to_plain, to_yaml
from slugline.config.build import instantiate
from slugline.config.launch import register
from slugline.labels import Labels, Near, Rule, Topic
from slugline.splits import ByArticle
from slugline.tracking import Off
from slugline.training.settings import TrainSettings

CONF = Path(__file__).parents[1] / "conf"
GROUPS = ("data", "labels", "split", "model", "threshold", "cache", "tracking")
OPTIONS = [(group, file.stem) for group in GROUPS for file in sorted((CONF / group).glob("*.yaml"))]
OPTIONS = [choice for choice in OPTIONS if choice not in (("labels", "plover"), ("model", "sklearn"))]
PATHS = {"data": "data.path=news.jsonl", "labels": "labels.gold=gold.jsonl"}


@pytest.fixture(scope="module", autouse=True)
def conf():
    """Let Hydra find our configs."""
    register("train")
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def round_trip(component):
    """Return a component, and the one that is made of what YAML keeps of it."""
    config = yaml.safe_load(yaml.safe_dump(to_config(component)))
    assert json.loads(json.dumps(config)) == config
    return instantiate(config, "component", ["test_components"])


def assert_same(one, other):
    """Assert that two components are equal; scikit-learn's know no equality but that of their parameters."""
    assert type(one) is type(other)
    if dataclasses.is_dataclass(one):
        assert one == other
    else:
        assert to_config(one) == to_config(other)
        assert {name: type(value) for name, value in one.get_params().items()} == {
            name: type(value) for name, value in other.get_params().items()
        }


@pytest.mark.slow
@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_every_component_of_the_config_makes_itself_again(group, option):
    component = instantiate(compose("train", [f"{group}={option}", *PATHS.values()])[group], group)
    assert_same(component, round_trip(component))


@pytest.mark.slow
@pytest.mark.parametrize("option", [file.stem for file in sorted((CONF / "features").glob("*.yaml"))])
def test_every_vectorizer_of_the_config_makes_itself_again(option):
    for name, node in compose("train", [f"features={option}"]).features.items():
        vectorizer = instantiate(node, name)
        assert_same(vectorizer, round_trip(vectorizer))


@pytest.mark.parametrize(
    "estimator",
    [
        LinearSVC(C=2, class_weight="balanced"),
        LogisticRegression(solver="liblinear", max_iter=7),
        ComplementNB(alpha=0.1),
        ExtraTreesClassifier(n_estimators=3, max_features="log2", random_state=1),
        TfidfVectorizer(ngram_range=(1, 3), stop_words=["the", "a"], min_df=0.1),
    ],
    ids=lambda estimator: type(estimator).__name__,
)
def test_an_estimator_makes_itself_again_with_parameters_of_the_same_types(estimator):
    again = round_trip(estimator)
    if isinstance(estimator, TfidfVectorizer):
        assert (again.ngram_range, list(again.stop_words), again.dtype) == ((1, 3), ["the", "a"], np.float64)
    else:
        assert_same(estimator, again)


def test_parameters_that_yaml_cannot_tell_are_left_out_at_their_default_alone():
    assert "dtype" not in to_config(TfidfVectorizer())
    assert to_config(TfidfVectorizer(dtype=np.float32))["dtype"] == "float32"
    assert "class_weight" not in to_config(LinearSVC())
    assert to_config(LinearSVC())["loss"] == "squared_hinge"


def test_numbers_and_arrays_of_numpy_become_those_of_python():
    config = to_config(LinearSVC(C=np.float32(0.5), max_iter=np.int64(9)))
    assert (config["C"], config["max_iter"]) == (0.5, 9)
    assert (type(config["C"]), type(config["max_iter"])) == (float, int)
    assert to_plain(np.array([[0.5, 1], [2, 3]])) == [[0.5, 1.0], [2.0, 3.0]]


def test_a_taxonomy_is_written_without_what_has_its_default_and_makes_itself_again():
    topic = Topic(definition="Armed force: “shelling” — ${not} a reference", keywords=["shell~", "air * strike*"])
    near = Rule(topic="war", near=[Near(first="army", then="enter*", within=3), Near(first="fire")])
    labels = Labels(topics={"war": topic, "peace": Topic()}, functions={"enters": near}, rules=True, guidelines="")
    config = to_config(labels)
    assert config["topics"] == {"war": {"definition": topic.definition, "keywords": topic.keywords}, "peace": {}}
    pairs = [{"first": "army", "then": "enter*", "within": 3}, {"first": "fire"}]
    assert config["functions"] == {"enters": {"topic": "war", "near": pairs}}
    assert round_trip(labels) == labels


@dataclass
class Window:
    """A dataclass inside another."""

    hours: float = 24.0
    tags: list[str] = field(default_factory=lambda: ["war"])


@dataclass(frozen=True)
class Dated:
    """A user's own component."""

    window: Window = field(default_factory=Window)
    windows: list[Window] = field(default_factory=list)
    pairs: dict[str, list[int]] = field(default_factory=dict)
    note: str | None = None


@pytest.mark.parametrize(
    "component",
    [
        Dated(),
        Dated(Window(1.5, []), [Window(), Window(2, ["a", "b"])], {"x": [1, 2]}, "${oc.env:HOME}"),
    ],
    ids=["default", "changed"],
)
def test_nested_dataclasses_of_the_users_make_themselves_again(component):
    assert to_config(component)["_target_"] == "test_components.Dated"
    assert round_trip(component) == component


class Shift(BaseEstimator):
    """A user's own estimator."""

    def __init__(self, by=1.0, inner=None):
        self.by, self.inner = by, inner


class Plain:
    """A user's own class without any convention but that it stores what it is given."""

    def __init__(self, share, names=()):
        self.share, self.names = share, names


def test_a_class_without_conventions_is_written_by_what_it_stores():
    assert to_config(Plain(0.5, ("a",))) == {"_target_": "test_components.Plain", "share": 0.5, "names": ["a"]}
    again = round_trip(Plain(0.5, ("a",)))
    assert vars(again) == {"share": 0.5, "names": ("a",)}


def test_an_estimator_inside_another_is_written_with_its_class():
    config = to_config(Shift(2, LinearSVC(C=3)))
    assert config["by"] == 2
    assert config["inner"]["_target_"] == "sklearn.svm.LinearSVC"
    assert config["inner"]["C"] == 3


def test_a_class_is_named_as_one_imports_it():
    assert to_config(ByArticle())["_target_"] == "slugline.splits.ByArticle"
    assert to_config(LogisticRegression())["_target_"] == "sklearn.linear_model.LogisticRegression"
    assert to_config(Labels())["_target_"] == "slugline.labels.Labels"


def test_what_yaml_cannot_hold_becomes_text():
    assert to_plain({1: (None, Path("a"), np.dtype(np.int64))}) == {"1": [None, "a", "int64"]}
    assert isinstance(to_config(StackingClassifier([("a", LinearSVC())]))["estimators"], list)


def test_flat_keys_keep_what_is_empty():
    assert flatten({"a": {"b": 1, "c": {}}, "d": []}, "x.") == {"x.a.b": 1, "x.a.c": {}, "x.d": []}


def test_settings_are_written_with_their_components_and_without_the_texts_of_the_taxonomy_as_parameters():
    labels = Labels(topics={"war": Topic(keywords=["shell~"])}, guidelines="Judge the sentence.")
    settings = TrainSettings(labels=labels, features={"word": TfidfVectorizer()}, tracking=Off())
    config = settings_to_config(settings)
    assert config["features"]["word"]["_target_"] == "sklearn.feature_extraction.text.TfidfVectorizer"
    assert config["evaluation"]["recall"] == 0.95
    assert yaml.safe_load(to_yaml(config)) == config
    assert list(yaml.safe_load(to_yaml(config))) == [field.name for field in dataclasses.fields(settings)]
    params = to_params(config)
    assert params["tracking._target_"] == "slugline.tracking.Off"
    assert params["labels.rules"] is False
    assert [key for key in params if key.startswith(("labels.topics", "labels.functions", "labels.guidelines"))] == []


def test_the_help_of_a_field_is_what_the_docstring_of_its_class_or_an_ancestor_says():
    @dataclass
    class Store:
        """A store.

        Parameters
        ----------
        uri : str
            Where it is,
            on two lines.
        """

        uri: str = ""

    @dataclass
    class Run(Store):
        """A run.

        Parameters
        ----------
        name, seed
            Both alike.

        Returns
        -------
        nothing
            Is no field.
        """

        name: str = ""
        seed: int = 0

    assert field_help(Run) == {"uri": "Where it is, on two lines.", "name": "Both alike.", "seed": "Both alike."}
