"""Config shows every option, takes no other, and makes nothing but classes of modules that are allowed."""

import dataclasses
import json
import sys
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from sklearn.svm import LinearSVC

from slugline.cli import COMMANDS
from slugline.components import field_help, settings_to_config, to_params
from slugline.config.build import build_settings, check_missing, instantiate
from slugline.config.launch import register
from slugline.config.schemas import SETTINGS, find_settings
from slugline.errors import InputError
from slugline.files import shipped_folder
from slugline.splits import ByArticle

CONF = Path(__file__).parents[1] / "conf"
COMPONENTS = ("data", "labels", "split", "threshold", "cache", "tracking")
OPTIONS = [(group, file.stem) for group in COMPONENTS for file in sorted((CONF / group).glob("*.yaml"))]


@pytest.fixture(scope="module", autouse=True)
def conf():
    """Let Hydra find our configs."""
    for command in COMMANDS:
        register(command)
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def component_class(target: str) -> type:
    """Return the class of a component of ours."""
    module, _, name = target.rpartition(".")
    return getattr(import_module(module), name)


# ---- what the files say


@cache
def compose_option(group: str, option: str) -> DictConfig:
    """Return an option of a group as `train` composes it, without the long taxonomy of the sample's labels."""
    return compose("train", [f"{group}={option}", *(["labels=given"] if group != "labels" else [])])[group]


@pytest.mark.slow
@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_a_component_shows_all_of_its_keys_and_no_other(group, option):
    node = compose_option(group, option)
    assert set(node) - {"_target_"} == {field.name for field in dataclasses.fields(component_class(node._target_))}


# What an option is there for; and `columns`, which are written out for `--help`: a column's name is its default
TAXONOMY = {"topics", "functions", "guidelines"}
CHOSEN = {
    ("data", "articles"): {"cleaning", "columns"},
    ("data", "sentences"): {"columns"},
    ("labels", "sample"): {"gold", "given", "mode", *TAXONOMY},
    ("labels", "given"): {"topics"},  # null: a topic is added by +labels.topics.NAME=
    ("labels", "gold"): {"gold", "mode", "topics"},
    ("labels", "rules"): {"rules", "topics"},
    ("labels", "plover"): {"rules", "mode", *TAXONOMY},
    ("labels", "india_police_events"): set(TAXONOMY),
}


@pytest.mark.parametrize(("group", "option"), OPTIONS)
def test_a_value_in_an_option_is_the_default_of_its_class_unless_the_option_is_for_it(group, option):
    node = OmegaConf.to_container(compose_option(group, option), resolve=False)
    differing = set()
    for field in dataclasses.fields(component_class(node["_target_"])):
        default = field.default
        if field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        value = OmegaConf.create({"value": node[field.name]})
        references = "${seed}" in str(node[field.name])  # whose default is 0, too
        if default is not dataclasses.MISSING and not references and value != {"value": default}:
            differing.add(field.name)
    assert differing == CHOSEN.get((group, option), set())


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_a_file_and_a_schema_that_agree(command):
    fields = dataclasses.fields(find_settings(command))
    assert set(compose(command)) == {field.name for field in fields}
    components = {field.name for field in fields if field.metadata.get("component")}
    assert components <= {file.name for file in CONF.iterdir() if file.is_dir()}
    assert {"defaults"} == set(OmegaConf.load(CONF / f"{command}.yaml"))  # options are in the settings alone


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_described(command):
    settings = find_settings(command)
    assert [field.name for field in dataclasses.fields(settings) if not field_help(settings).get(field.name)] == []


def test_there_is_no_primary_file_without_a_command():
    assert {file.stem for file in CONF.glob("*.yaml")} == set(COMMANDS) == set(SETTINGS)


@pytest.mark.parametrize("file", sorted(CONF.rglob("*.yaml")), ids=lambda file: f"{file.parent.name}/{file.stem}")
def test_every_file_begins_with_what_it_is(file):
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.startswith("# @package")]
    assert lines[0].startswith("# ")


@pytest.mark.parametrize("experiment", [file.stem for file in sorted((CONF / "experiment").glob("*.yaml"))])
def test_every_experiment_composes_and_its_components_can_be_made(experiment):
    config = compose("train", [f"experiment={experiment}"])
    settings = build_settings(config, find_settings("train"))
    assert all(getattr(settings, section) is not None for section in (*COMPONENTS, "model"))


@pytest.mark.parametrize(
    "option", [file.stem for file in sorted((CONF / "model").glob("*.yaml")) if file.stem != "sklearn"]
)
def test_every_model_can_be_made(option):
    model = instantiate(compose("train", [f"model={option}", "labels=given"]).model, "model")
    assert hasattr(model, "fit")


@pytest.mark.parametrize("option", [file.stem for file in sorted((CONF / "features").glob("*.yaml"))])
def test_every_kind_of_features_can_be_made(option):
    for key, node in compose("train", [f"features={option}", "labels=given"]).features.items():
        assert isinstance(getattr(instantiate(node, key), "ngram_range", ()), tuple)


def test_one_seed_reaches_all_that_is_random():
    config = compose("train", ["seed=7", "labels=given"])
    assert (config.split.seed, config.model.random_state) == (7, 7)


def test_the_sample_is_found_wherever_the_command_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert Path(compose("train", ["labels=given"]).data.path).is_file()
    assert (shipped_folder("conf") / "train.yaml").is_file()


# ---- what is made of it


def test_a_component_is_made_from_its_keys_types_checked():
    node = {"_target_": "slugline.splits.ByArticle", "dev": "0.25", "seed": "3"}
    assert instantiate(node, "split") == ByArticle(dev=0.25, seed=3)
    assert node["_target_"]  # the config itself stays as it is


def test_an_estimator_is_made_with_lists_as_tuples():
    vectorizer = instantiate(
        {"_target_": "sklearn.feature_extraction.text.TfidfVectorizer", "ngram_range": [1, 2]}, "features.x"
    )
    assert vectorizer.ngram_range == (1, 2)
    assert isinstance(instantiate(OmegaConf.create({"_target_": "sklearn.svm.LinearSVC", "C": 2}), "model"), LinearSVC)


REFUSED = {
    "os.system": "is not allowed; modules allowed: slugline, sklearn (more by allowed_modules)",
    "subprocess.Popen": "is not allowed",
    "builtins.eval": "is not allowed",
    "joblib.load": "is not allowed",
    "pickle.Unpickler": "is not allowed",
    "sklearnish.Evil": "is not allowed",
    "slugline_evil.Evil": "is not allowed",
    "sklearn.utils.check_array": "is not a class of an allowed module",
    "sklearn.externals._packaging.version.parse": "is not a class of an allowed module",
    "sklearn.utils._joblib.Parallel": "is no",
    "slugline.tracking.Path": "is not a class of an allowed module",
    "slugline.tracking.subprocess": "is not a class of an allowed module",
    "slugline.tracking.subprocess.Popen": "there is no",
    "slugline.config.build.instantiate": "is not a class of an allowed module",
    "slugline.cli.main": "is not a class of an allowed module",
    "sklearn.svm.LinearSVD": "there is no 'sklearn.svm.LinearSVD'",
    "sklearn.nowhere.X": "there is no 'sklearn.nowhere.X'",
    "sklearn..svm.LinearSVC": "is not the dotted name of a class",
    "sklearn.svm.LinearSVC()": "is not the dotted name of a class",
    "LinearSVC": "is not the dotted name of a class",
    "sklearn": "is not the dotted name of a class",
    "": "is not the dotted name of a class",
    "None": "is not the dotted name of a class",
    ".": "is not the dotted name of a class",
    "sklearn.__class__.__base__": "there is no",
    "sklearn.svm.__class__": "is not a class of an allowed module",
}


@pytest.mark.parametrize("target", REFUSED)
def test_a_target_outside_the_allowed_modules_or_not_a_class_is_refused(target):
    with pytest.raises(InputError) as error:
        instantiate({"_target_": target}, "model")
    assert str(error.value).startswith("model._target_: ")
    assert REFUSED[target] in str(error.value) or "there is no" in str(error.value)
    assert "\n" not in str(error.value)


def test_a_refused_module_is_not_even_imported(tmp_path, monkeypatch):
    (tmp_path / "trap.py").write_text("raise SystemExit('sprung')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match="not allowed"):
        instantiate({"_target_": "trap.Trap"}, "model")
    assert "trap" not in sys.modules


def test_a_users_module_is_allowed_by_name_and_no_other_with_it(tmp_path, monkeypatch):
    (tmp_path / "mine_for_test.py").write_text(
        "class Split:\n    def __init__(self, share):\n        self.share = share\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    made = instantiate({"_target_": "mine_for_test.Split", "share": 0.5}, "split", ["mine_for_test"])
    assert made.share == 0.5
    with pytest.raises(InputError, match=r"allowed: slugline, sklearn, mine_for_test"):
        instantiate({"_target_": "os.system"}, "split", ["mine_for_test"])
    with pytest.raises(InputError, match=r"split: .*unexpected keyword argument 'shares'; allowed: share"):
        instantiate({"_target_": "mine_for_test.Split", "shares": 0.5}, "split", ["mine_for_test"])


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (
            {"_target_": "slugline.splits.ByArticle", "shares": 1},
            "split: unknown key 'shares'; allowed: dev, test, duplicates, seed",
        ),
        (
            {"_target_": "slugline.splits.ByArticle", "dev": "much"},
            "split: dev: Value 'much' of type 'str' could not be converted",
        ),
        ({"_target_": "sklearn.svm.LinearSVC", "c": 1}, "unexpected keyword argument 'c'; allowed: penalty, loss"),
        (
            {"_target_": "slugline.labels.Labels", "topics": {"war": {"keyword": []}}},
            "split.topics.war: unknown key 'keyword'; allowed: definition",
        ),
        (
            {"_target_": "slugline.labels.Labels", "topics": {"war": {"keywords": 5}}},
            "split.topics.war.keywords: 5; allowed: a list",
        ),
    ],
    ids=str,
)
def test_keys_and_types_that_a_target_does_not_take_are_told_with_those_it_does(node, says):
    with pytest.raises(InputError) as error:
        instantiate(node, "split")
    assert says in str(error.value)
    assert "\n" not in str(error.value)


LITERAL = ["${oc.env:HOME}", r"\${oc.env:HOME}", r"C:\\\${nope} and ${a", "$ {x} }"]


@pytest.mark.parametrize("text", LITERAL)
def test_text_that_looks_like_a_reference_stays_as_it_is(text):
    topics = {"war": {"definition": text, "keywords": [text]}, text: {}}
    labels = instantiate({"_target_": "slugline.labels.Labels", "topics": topics, "guidelines": text}, "labels")
    assert (labels.guidelines, labels.topics["war"].definition, labels.topics["war"].keywords) == (text, text, [text])
    assert set(labels.topics) == {"war", text}


def test_a_taxonomy_is_made_whole():
    labels = instantiate(compose("train", ["labels=plover"]).labels, "labels")
    assert len(labels.topics) == 15
    assert all(topic.definition and topic.keywords for topic in labels.topics.values())


# ---- what is recorded of it


@pytest.fixture(scope="module")
def recorded():
    """What is recorded of the default settings."""
    return settings_to_config(build_settings(compose("train"), find_settings("train")))


def test_parameters_are_flat_and_without_the_texts_of_the_taxonomy(recorded):
    found = to_params(recorded)
    assert found["model._target_"] == "slugline.svm.LinearSVC"
    assert found["features.word.ngram_range"] == [1, 2]
    assert not [key for key in found if key.startswith("labels.topics")]
    assert json.dumps(found)


def test_the_recorded_yaml_has_the_taxonomy_and_no_references(recorded):
    text = yaml.safe_dump(recorded)
    assert "${" not in text
    assert "ceasefire:" in text


def test_a_missing_value_is_told_with_how_to_give_it():
    with pytest.raises(InputError, match=r"missing value: data\.path, labels\.gold; give it as data\.path=VALUE"):
        check_missing(compose("train", ["data=articles", "labels=gold"]))
