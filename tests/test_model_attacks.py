"""Hold that no file of a model makes us run code, follow a link, crash or fill the memory: it is refused in one line.

Each attack that would run code touches a canary. Where skops, pickle or MLflow would let it run, a test shows that it
does, so that the canary's silence means something.
"""

import io
import itertools
import json
import math
import pickle
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC, LinearSVC
from tiny_encoders import tiny_weights, tiny_words

import slugline
from slugline.encoder import EncoderConfig, TextEncoder
from slugline.errors import InputError
from slugline.labels import Rule
from slugline.model import TopicModel, load_model, save_model
from slugline.model.encoder_features import EncoderFeatures
from slugline.model.rule_votes import RuleFeatures
from slugline.model.skops_audit import MAX_DIRECTORY, MAX_SCHEMA
from slugline.model.vectorizers import from_estimator, transform_all
from slugline.ngrams import TfidfVectorizer
from slugline.tracking import Mlflow
from slugline.training.heads import to_head

SENTENCES = [
    f"{word} {adverb} report" for word in ("ceasefire", "sanctions", "talks") for adverb in ("news", "late", "now")
]
TOPICS = ("ceasefire", "sanctions", "talks")
LABELS = np.array([[topic in sentence for topic in TOPICS] for sentence in SENTENCES])
CLASSIFIERS: dict[str, Any] = {
    "linear": LinearSVC(random_state=0),
    "forest": RandomForestClassifier(3, random_state=0),
    "boosting": GradientBoostingClassifier(n_estimators=2, random_state=0),
    "neighbours": KNeighborsClassifier(3),
    "support": SVC(),
    "network": MLPClassifier((3,), solver="lbfgs", random_state=0),
}
NEEDS_ENCODERS = pytest.mark.skipif(find_spec("tokenizers") is None, reason="the extra `encoder` is not installed")
LINEAR = ["linear", "rules", pytest.param("encoder", marks=NEEDS_ENCODERS)]  # kinds of features with a linear head
Schema = dict[str, Any]
Entries = dict[str, bytes]


@pytest.fixture(scope="session")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a good model of each kind."""
    root = tmp_path_factory.mktemp("good")
    words = from_estimator("word", TfidfVectorizer().fit(SENTENCES))
    rules = {topic: Rule(topic=topic, any=[f"{topic}*"], patterns=[topic]) for topic in TOPICS}
    encoder = TextEncoder(tiny_weights("mpnet").quantize(), tiny_words())
    save(root / "rules", CLASSIFIERS["linear"], words, RuleFeatures("rules", rules, 0.5))
    if find_spec("tokenizers"):
        save(root / "encoder", CLASSIFIERS["linear"], words, EncoderFeatures("encoder", encoder))
    for name, classifier in CLASSIFIERS.items():
        save(root / name, classifier, words)
    return root


def save(folder: Path, classifier: Any, *features: Any) -> None:
    """Save a model that learned from the sentences."""
    X = transform_all(features, SENTENCES)
    head = to_head([clone(classifier).fit(X, y) for y in LABELS.T], np.ones(3), np.zeros(3))
    save_model(TopicModel(TOPICS, "multilabel", features, head, np.full(3, 0.5)), folder)


@pytest.fixture
def model(good: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Return what copies a good model to a folder where it can be changed."""
    return lambda name: copytree(good / name, tmp_path / name)


@pytest.fixture
def canary(tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "canary"
    yield file
    assert not file.exists(), "an attack ran"


def code(canary: Path) -> str:
    return f"open({str(canary)!r}, 'w').close()"


class Attack:
    """What runs code when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (code(self.canary),)


def refusal(folder: Path) -> str:
    """Return the one line with which a model is refused."""
    with pytest.raises(InputError) as caught:
        load_model(folder)
    message = str(caught.value)
    assert message.startswith(f"model {folder}: ")
    assert "\n" not in message
    assert len(message) < 400 + len(str(folder))
    return message


def fires(canary: Path, act: Callable[[], Any]) -> bool:
    """Tell whether something runs the attack, and put the canary back."""
    try:
        act()
    except Exception as error:  # it may well fail after the attack
        print(repr(error)[:500])
    has_fired = canary.exists()
    canary.unlink(missing_ok=True)
    return has_fired


# Pickles


OF_WORDS = ["terms_0", "offsets_0", "idf_0", "thresholds", "weights", "intercept"]
OF_ENCODERS = ["encoder_bytes_1", "encoder_floats_1", "encoder_pieces_1"]
ARRAYS = [
    *(("linear", name) for name in OF_WORDS),
    *(pytest.param("encoder", name, marks=NEEDS_ENCODERS) for name in OF_ENCODERS),
]


@pytest.mark.parametrize(("kind", "name"), ARRAYS)
def test_a_pickle_inside_an_array_is_refused(model: Callable[[str], Path], canary: Path, kind: str, name: str) -> None:
    folder = model(kind)
    np.save(folder / f"{name}.npy", np.array([Attack(canary)], dtype=object), allow_pickle=True)
    assert fires(canary, lambda: np.load(folder / f"{name}.npy", allow_pickle=True))
    assert f"{name}.npy" in refusal(folder)


@pytest.mark.parametrize(("kind", "name"), [*ARRAYS, ("rules", "model")])
def test_a_pickle_in_place_of_a_file_is_refused(
    model: Callable[[str], Path], canary: Path, kind: str, name: str
) -> None:
    folder = model(kind)
    name += ".json" if name == "model" else ".npy"
    (folder / name).write_bytes(pickle.dumps(Attack(canary)))
    assert fires(canary, lambda: pickle.loads((folder / name).read_bytes()))
    assert name in refusal(folder)


@pytest.mark.parametrize("dump", [pickle.dumps, lambda attack: joblib_bytes(attack)], ids=["pickle", "joblib"])
def test_a_pickle_in_place_of_the_estimators_is_refused(
    model: Callable[[str], Path], canary: Path, dump: Callable[[Any], bytes]
) -> None:
    folder = model("forest")
    (folder / "head.skops").write_bytes(dump(Attack(canary)))
    assert fires(canary, lambda: joblib.load(folder / "head.skops"))
    assert "head.skops is refused" in refusal(folder)


def joblib_bytes(value: Any) -> bytes:
    stream = io.BytesIO()
    joblib.dump(value, stream)
    return stream.getvalue()


@pytest.mark.parametrize("kind", LINEAR)
def test_files_that_a_model_does_not_have_are_not_touched(
    model: Callable[[str], Path], canary: Path, kind: str
) -> None:
    folder = model(kind)
    expected = load_model(folder).predict_proba(SENTENCES)
    for name in ("model.pkl", "head.skops", "python_model.pkl", "slope.npy", "encoder.onnx", "pytorch_model.bin"):
        (folder / name).write_bytes(pickle.dumps(Attack(canary)))
    (folder / "__init__.py").write_text(code(canary))
    (folder / "conda.yaml").symlink_to("/etc/passwd")
    assert np.array_equal(load_model(folder).predict_proba(SENTENCES), expected)


@pytest.mark.parametrize("kind", LINEAR)
@pytest.mark.parametrize("name", ["../../canary", "/tmp/canary", "a\x1b[2Jb\n", "", "x" * 10_000])
def test_a_name_of_features_leads_nowhere(model: Callable[[str], Path], canary: Path, kind: str, name: str) -> None:
    folder = model(kind)
    header = json.loads((folder / "model.json").read_text())
    header["features"][-1]["name"] = name
    (folder / "model.json").write_text(json.dumps(header))
    loaded = load_model(folder)
    assert loaded.predict_proba(SENTENCES).shape == (9, 3)
    assert "\x1b" not in repr(loaded)


# Types that a skops file may name


def node(loader: str, name: str, **more: Any) -> dict[str, Any]:
    module, _, kind = name.rpartition(".")
    return {
        "__loader__": loader,
        "__module__": module,
        "__class__": kind,
        "__id__": int.from_bytes(name.encode(), "big"),
        **more,
    }


def literal(value: Any) -> dict[str, Any]:
    number = int.from_bytes(repr(value).encode(), "big")
    return node("JsonNode", "builtins.str", content=json.dumps(value)) | {"__id__": number}


def arguments(*values: Any) -> dict[str, Any]:
    tuple_node = node("TupleNode", "builtins.tuple", content=[literal(value) for value in values])
    return tuple_node | {"__id__": int.from_bytes(repr(values).encode(), "big")}


def reduced(name: str, *values: Any) -> dict[str, Any]:
    args, content = arguments(*values), arguments() | {"__id__": 77}
    return node("LossNode", name, __reduce__={"args": args}, content=content)


def in_list(name: str, *values: Any) -> dict[str, Any]:
    return node("ListNode", name, content=[literal(value) for value in values])


def dangers(canary: Path) -> dict[str, dict[str, Any]]:
    """Return nodes that run code, or would with little more."""
    run = code(canary)
    empty = node("DictNode", "builtins.dict", content={}, key_types=node("ListNode", "builtins.list", content=[]))
    array = {"type": "json", "content": [literal(run)], "shape": arguments(1)}
    return {
        "a constructor": node("ConstructorFromReduceNode", "builtins.exec", content=arguments(run)),
        "a loss that is none": reduced("builtins.exec", run),
        "a loss that is a process": reduced("subprocess.check_call", ["touch", str(canary)]),
        "a list that is none": in_list("ast.literal_eval"),
        "a list that is a process": in_list("subprocess.check_call", "touch", str(canary)),
        "a set that is a process": in_list("subprocess.check_call", "touch", str(canary)) | {"__loader__": "SetNode"},
        "an array that is a process": node("NdArrayNode", "subprocess.Popen", **array),
        "a dict that is none": empty | {"__module__": "antigravity", "__class__": "webbrowser"},
        "a partial of exec": node(
            "PartialNode",
            "functools.partial",
            content={
                "func": node("TypeNode", "builtins.exec"),
                "args": arguments(run),
                "kwds": empty,
                "namespace": literal(None),
            },
        ),
        "os.system": node("FunctionNode", "os.system"),
        "os.system as an object": node("ObjectNode", "os.system", content=empty),
        "builtins.eval": node("TypeNode", "builtins.eval"),
        "a method caller": node("OperatorFuncNode", "operator.methodcaller", attrs=arguments("unlink")),
        "a method": node("MethodNode", "builtins.str", content={"func": "format", "obj": literal("")}),
        "a function of NumPy": node("FunctionNode", "numpy.save"),
        "a ufunc, which skops trusts": node("FunctionNode", "numpy.add"),
        "a function of SciPy": node("FunctionNode", "scipy.io.loadmat"),
        "a loader of joblib": node("FunctionNode", "joblib.numpy_pickle.load"),
        "a random state, whose content is not checked": node(
            "RandomStateNode", "numpy.random.mtrand.RandomState", content=empty
        ),
        "bytes": node("BytesNode", "builtins.bytes", file="schema.json"),
        "an estimator that skops trusts": node(
            "ObjectNode", "sklearn.preprocessing._function_transformer.FunctionTransformer", content=empty
        ),
        "a compiled tree of another module": node(
            "TreeNode", "builtins.exec", __reduce__={"args": arguments(run)}, content=empty
        ),
        "a kind of node that is none": node("EvalNode", "builtins.str", content=run),
        "a kind of node that is no name": literal(1) | {"__loader__": ["JsonNode"]},
    }


LIVE = {
    "a constructor",
    "a loss that is none",
    "a loss that is a process",
    "a list that is a process",
    "a set that is a process",
}


def read(folder: Path) -> tuple[Schema, Entries]:
    """Return the schema and the other entries of a skops file."""
    with zipfile.ZipFile(folder / "head.skops") as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    return json.loads(entries.pop("schema.json")), entries


def write(folder: Path, schema: Any, entries: Entries) -> bytes:
    """Write a skops file and return its bytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
        archive.writestr("schema.json", schema if isinstance(schema, bytes) else json.dumps(schema))
    (folder / "head.skops").write_bytes(stream.getvalue())
    return stream.getvalue()


@pytest.mark.parametrize("place", ["first", "inside"])
@pytest.mark.parametrize("name", dangers(Path()))
def test_a_node_that_is_not_on_the_list_is_refused(
    model: Callable[[str], Path], canary: Path, name: str, place: str
) -> None:
    folder, danger = model("forest"), dangers(canary)[name]
    schema, entries = read(folder)
    if place == "first":
        schema["content"].insert(0, danger)
    else:
        schema["content"][1]["content"]["content"]["max_depth"] = danger
    schema["trusted"] = ["builtins.exec", f"{danger['__module__']}.{danger['__class__']}"]  # a wish of the file's
    data = write(folder, schema, entries)
    if name in LIVE:
        wanted = [f"{danger['__module__']}.{danger['__class__']}", *skops.io.get_untrusted_types(data=data)]
        assert fires(canary, lambda: skops.io.loads(data, trusted=wanted))
    assert "is not on the list of what a model may hold" in refusal(folder)


def attributes(schema: Schema, topic: int = 0) -> Schema:
    """Return the attributes of one classifier."""
    content: Schema = schema["content"][topic]["content"]["content"]
    return content


def with_key(place: Schema, name: str, value: Any) -> None:
    """Add an attribute where skops keeps the type of each name beside it."""
    content = place["content"]["content"]
    content[name] = value
    keys = place["content"]["key_types"]
    keys["content"] = [*keys["content"], keys["content"][0]]


@pytest.mark.parametrize("name", ["predict_proba", "decision_function", "fit", "__class__", "__dict__", "get_params"])
def test_an_attribute_in_place_of_a_method_is_refused(model: Callable[[str], Path], name: str) -> None:
    folder = model("forest")
    schema, entries = read(folder)
    with_key(schema["content"][0], name, literal("x"))
    write(folder, schema, entries)
    assert "head.skops is refused" in refusal(folder)


# What compiled code would believe


def arrays(folder: Path, change: Callable[[np.ndarray], Any], dtype: Any = None, shape: Any = None) -> str:
    """Change in place every array of a head that has this type or shape, and return the refusal."""
    schema, entries = read(folder)
    met = 0
    for name in entries:
        array = np.load(io.BytesIO(entries[name]))
        if isinstance(array, np.ndarray) and array.dtype == dtype and shape in (None, array.shape):
            met += 1
            changed = change(array)
            stream = io.BytesIO()
            np.save(stream, array if changed is None else changed)
            entries[name] = stream.getvalue()
    assert met
    write(folder, schema, entries)
    return refusal(folder)


def tree_type() -> Any:
    from sklearn.tree._tree import NODE_DTYPE

    return NODE_DTYPE


def set_field(field: str, value: int) -> Callable[[np.ndarray], None]:
    def change(nodes: np.ndarray) -> None:
        nodes[field][0] = value

    return change


@pytest.mark.parametrize("kind", ["forest", "boosting"])
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("left_child", 10**9),
        ("right_child", 10**9),
        ("left_child", -5),
        ("right_child", -1),
        ("left_child", 0),
        ("feature", 10**9),
        ("feature", -7),
    ],
)
def test_a_tree_that_leads_out_of_itself_is_refused(
    model: Callable[[str], Path], kind: str, field: str, value: int
) -> None:
    assert "a tree that leads out of itself" in arrays(model(kind), set_field(field, value), tree_type())


def test_a_tree_of_other_nodes_is_refused(model: Callable[[str], Path]) -> None:
    assert "a tree without all its nodes" in arrays(model("forest"), lambda nodes: nodes[:-1], tree_type())
    refusal_of_type = arrays(model("boosting"), lambda nodes: nodes.astype(nodes.dtype.descr[:-1]), tree_type())
    assert "holds [(" in refusal_of_type


def trees(value: Any) -> Iterator[Schema]:
    """Yield the nodes of all trees in a schema."""
    if isinstance(value, dict):
        if value.get("__loader__") == "TreeNode":
            yield value
        for item in value.values():
            yield from trees(item)
    elif isinstance(value, list):
        for item in value:
            yield from trees(item)


def more_nodes(tree: Schema) -> None:
    tree["content"]["content"]["node_count"] = literal(10**6)


def more_features(tree: Schema) -> None:
    tree["__reduce__"]["args"]["content"][0] = literal(10**6)


def more_outputs(tree: Schema) -> None:
    tree["__reduce__"]["args"]["content"][2] = literal(10**9)


def no_arguments(tree: Schema) -> None:
    tree["__reduce__"]["args"]["content"] = []


def no_nodes(tree: Schema) -> None:
    del tree["content"]["content"]["nodes"]


def other_arguments(tree: Schema) -> None:
    """Show the audit good arguments under the number of bad ones, which skops met before and would take."""
    tree["__reduce__"]["args"]["__id__"] = 4242


@pytest.mark.parametrize("change", [more_nodes, more_features, more_outputs, no_arguments, no_nodes, other_arguments])
def test_a_tree_that_claims_what_it_has_not_is_refused(
    model: Callable[[str], Path], change: Callable[[Schema], None]
) -> None:
    folder = model("forest")
    schema, entries = read(folder)
    with_key(schema["content"][0], "aa", arguments(1, 2, 10**9) | {"__id__": 4242})
    for tree in trees(schema):
        change(tree)
    write(folder, schema, entries)
    assert "head.skops is refused" in refusal(folder)


def test_neighbours_of_a_class_that_is_none_are_refused(model: Callable[[str], Path]) -> None:
    assert "neighbours without a class each" in arrays(model("neighbours"), lambda y: y + 10**9, np.int64, (9,))


@pytest.mark.parametrize("value", [-1, 0, 10, 10**9, 2.5, None])
def test_more_neighbours_than_rows_are_refused(model: Callable[[str], Path], value: Any) -> None:
    folder = model("neighbours")
    schema, entries = read(folder)
    attributes(schema)["n_neighbors"] = literal(value)
    write(folder, schema, entries)
    assert "fewer rows than neighbours" in refusal(folder)


@pytest.mark.parametrize("kind", ["neighbours", "support"])
@pytest.mark.parametrize("part", ["indices", "indptr", "shape"])
def test_a_sparse_matrix_that_points_out_of_itself_is_refused(
    model: Callable[[str], Path], kind: str, part: str
) -> None:
    folder = model(kind)
    schema, entries = read(folder)
    for name in [name for name in entries if name.endswith(".npz")]:
        parts = dict(np.load(io.BytesIO(entries[name])))
        parts[part][-1] += 1000
        stream = io.BytesIO()
        np.savez_compressed(stream, **parts)
        entries[name] = stream.getvalue()
    write(folder, schema, entries)
    assert "head.skops is refused" in refusal(folder)


def test_support_vectors_of_counts_that_are_wrong_are_refused(model: Callable[[str], Path]) -> None:
    message = arrays(model("support"), lambda counts: counts + 10**6, np.int32, (2,))
    assert "support vectors without a class each" in message


@pytest.mark.parametrize(
    ("kind", "name", "value"),
    [
        ("forest", "n_jobs", 10**6),
        ("forest", "n_classes_", 10**12),
        ("forest", "n_outputs_", 2),
        ("forest", "n_features_in_", 3),
        ("forest", "estimators_", ["predict_proba"]),
        ("forest", "estimators_", None),
        ("boosting", "n_trees_per_iteration_", 5),
        ("boosting", "loss", "quantile"),
        ("boosting", "estimators_", []),
        ("neighbours", "_fit_method", "kd_tree"),
        ("neighbours", "metric", ["euclidean"]),
        ("support", "kernel", "precomputed"),
        ("support", "_sparse", False),
        ("network", "n_layers_", 10**6),
        ("network", "coefs_", []),
    ],
)
def test_an_attribute_that_would_lead_astray_is_refused(
    model: Callable[[str], Path], kind: str, name: str, value: Any
) -> None:
    folder = model(kind)
    schema, entries = read(folder)
    assert name in attributes(schema)
    attributes(schema)[name] = literal(value)
    write(folder, schema, entries)
    assert "head.skops is refused" in refusal(folder)


@pytest.mark.parametrize("change", ["one less", "one more", "no list", "the same twice", "parts"])
def test_other_classifiers_than_one_a_topic_are_refused(model: Callable[[str], Path], change: str) -> None:
    folder = model("boosting")
    schema, entries = read(folder)
    if change == "one less":
        schema["content"].pop()
    elif change == "one more":
        schema["content"].append(literal("more"))
    elif change == "no list":
        schema = {**schema["content"][0], "protocol": schema["protocol"], "_skops_version": "0"}
    elif change == "the same twice":
        schema["content"][1] = {**schema["content"][0], "content": schema["content"][1]["content"]}
    else:
        schema["content"] = [literal("x") for _ in range(3)]
    write(folder, schema, entries)
    assert "head.skops is refused" in refusal(folder)


# Archives


def entry(name: str, mode: int = 0o100644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


@pytest.mark.parametrize(
    "name", ["../../canary", "/tmp/canary", "a/b.npy", "..\\canary", "canary.py", "123.npy/", "1.npy\n"]
)
def test_an_entry_with_a_path_for_a_name_is_refused(model: Callable[[str], Path], canary: Path, name: str) -> None:
    folder = model("forest")
    with zipfile.ZipFile(folder / "head.skops", "a") as archive:
        archive.writestr(entry(name), b"x")
    assert "an entry named" in refusal(folder)


def test_an_entry_that_is_a_link_is_refused(model: Callable[[str], Path]) -> None:
    folder = model("forest")
    with zipfile.ZipFile(folder / "head.skops", "a") as archive:
        archive.writestr(entry("1.npy", 0o120777), b"/etc/passwd")
    assert "compressed, locked or a link" in refusal(folder)


def test_an_archive_that_unpacks_to_much_more_is_refused(model: Callable[[str], Path]) -> None:
    folder = model("forest")
    with zipfile.ZipFile(folder / "head.skops", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("1.npy", bytes(1 << 26), zipfile.ZIP_DEFLATED)
    assert (folder / "head.skops").stat().st_size < 1 << 20
    assert "compressed, locked or a link" in refusal(folder)


def test_a_sparse_matrix_that_unpacks_to_much_more_is_refused(model: Callable[[str], Path]) -> None:
    folder = model("neighbours")
    schema, entries = read(folder)
    name = next(name for name in entries if name.endswith(".npz"))
    stream = io.BytesIO()
    np.savez_compressed(stream, **dict(np.load(io.BytesIO(entries[name]))) | {"data": np.zeros(1 << 23)})
    write(folder, schema, entries | {name: stream.getvalue()})
    assert "unpacks to much more" in refusal(folder)


def test_entries_that_share_their_bytes_are_refused(model: Callable[[str], Path]) -> None:
    folder = model("forest")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("schema.json", b" " * 50_000)
        for number in range(100):
            info = entry(f"{number}.npy")
            info.header_offset, info.file_size = 0, 50_000
            info.compress_size, info.CRC = 50_000, archive.filelist[0].CRC
            archive.filelist.append(info)
    (folder / "head.skops").write_bytes(stream.getvalue())
    assert "entries that overlap" in refusal(folder)


def test_an_archive_with_too_many_entries_is_refused_before_they_are_listed(model: Callable[[str], Path]) -> None:
    folder = model("forest")
    end = b"PK\5\6" + bytes(4) + b"\1\0\1\0" + (MAX_DIRECTORY + 1).to_bytes(4, "little") + bytes(4) + b"\0\0"
    (folder / "head.skops").write_bytes(bytes(MAX_DIRECTORY + 1) + end)
    assert "too many entries" in refusal(folder)


@pytest.mark.parametrize("tail", [b"x", b"PK\6\7" + bytes(16)], ids=["a comment", "the mark of a large archive"])
def test_an_archive_that_ends_in_an_odd_way_is_refused(model: Callable[[str], Path], tail: bytes) -> None:
    folder = model("forest")
    data = (folder / "head.skops").read_bytes()
    data = data + tail if len(tail) == 1 else data[:-22] + tail + data[-22:]
    (folder / "head.skops").write_bytes(data)
    assert "it is not a plain zip" in refusal(folder)


@pytest.mark.parametrize(
    "schema",
    {
        "nothing": b"",
        "a list": b"[]",
        "no node": b"{}",
        "a number": b"1",
        "not UTF-8": b'{"__loader__": "\xff"}',
        "NaN": b'{"__loader__": NaN}',
        "nested 10,000 deep": b"[" * 10_000 + b"]" * 10_000,
        "nested 100 deep": b'{"__loader__":"ListNode","__module__":"builtins","__class__":"list","__id__":1,"content":'
        + b"[" * 100
        + b"]" * 100
        + b"}",
        "a million and a half lists": b'{"__loader__":[' + b"[]," * 1_500_000 + b"[]]}",
        "too large": b" " * (MAX_SCHEMA + 1),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_schema_that_is_none_is_refused(model: Callable[[str], Path], schema: tuple[str, bytes]) -> None:
    folder = model("forest")
    write(folder, schema[1], {})
    assert "head.skops is refused" in refusal(folder)


@pytest.mark.parametrize("protocol", [-1, 10**6, "2", None, True, 0, 1])
def test_a_protocol_of_skops_does_not_open_a_way_around(
    model: Callable[[str], Path], canary: Path, protocol: Any
) -> None:
    folder = model("forest")
    schema, entries = read(folder)
    schema["protocol"] = protocol
    schema["content"][0] = dangers(canary)["a constructor"]
    write(folder, schema, entries)
    assert "head.skops is refused" in refusal(folder)


# Models in MLflow


@pytest.fixture(scope="module")
def store(good: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Return the address of a real store with one model, and the folder of that model's artifacts."""

    root = tmp_path_factory.mktemp("store")
    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's own
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        tracking = Mlflow(uri=f"sqlite:///{root}/mlflow.db")
        with tracking.run("attack", root, {}) as run:
            run.register_model(run.log_model(good / "linear"), "a model", run.run_id)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root}/mlflow.db")
        (mlmodel,) = root.rglob("MLmodel")
        yield "models:/slugline@champion", mlmodel.parent


@pytest.fixture
def logged(store: tuple[str, Path], tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Return the store, and put the artifacts back afterwards."""
    uri, folder = store
    copytree(folder, tmp_path / "kept")
    yield uri, folder
    rmtree(folder)
    copytree(tmp_path / "kept", folder)


@pytest.mark.slow
def test_a_model_in_mlflow_cannot_choose_the_module_that_loads_it(logged: tuple[str, Path], canary: Path) -> None:
    uri, folder = logged
    evil = folder / "code" / "evil_loader"
    evil.mkdir(parents=True)
    (evil / "__init__.py").write_text(code(canary) + "\ndef _load_pyfunc(path): raise ValueError")
    mlmodel = (folder / "MLmodel").read_text().replace("slugline.model.pyfunc", "evil_loader")
    (folder / "MLmodel").write_text(mlmodel.replace("code: null", "code: code"))
    before = [*sys.path]
    assert slugline.load_model(uri).predict(["ceasefire"]) == [("ceasefire",)]
    assert "evil_loader" not in sys.modules
    assert sys.path == before
    assert not canary.exists()
    import mlflow

    assert fires(canary, lambda: mlflow.pyfunc.load_model(uri))
    sys.path[:] = before


def test_code_beside_a_model_in_mlflow_does_not_replace_ours(logged: tuple[str, Path], canary: Path) -> None:
    uri, folder = logged
    for place in (folder, folder / "code", folder / "data", folder / "data" / "topic_model"):
        (place / "slugline" / "model").mkdir(parents=True)
        for name in ("slugline/__init__.py", "slugline/model/__init__.py", "numpy.py", "sitecustomize.py"):
            (place / name).write_text(code(canary))
    assert slugline.load_model(uri).predict(["ceasefire"]) == [("ceasefire",)]


@pytest.mark.parametrize("text", ["", "]", "!!python/object/apply:os.system [touch canary]", "flavors: {sklearn: {}}"])
def test_an_mlmodel_file_is_not_read(logged: tuple[str, Path], text: str) -> None:
    uri, folder = logged
    (folder / "MLmodel").write_text(text)
    assert slugline.load_model(uri).predict(["ceasefire"]) == [("ceasefire",)]


@pytest.mark.parametrize("name", ["weights.npy", "model.json"])
def test_a_link_in_a_model_in_mlflow_is_refused(logged: tuple[str, Path], good: Path, name: str) -> None:
    uri, folder = logged
    file = folder / "data" / "topic_model" / name
    file.unlink()
    file.symlink_to(good / "linear" / name)
    with pytest.raises(InputError, match=f"{name} is a link$"):
        slugline.load_model(uri)


def test_a_pickle_in_a_model_in_mlflow_is_refused(logged: tuple[str, Path], canary: Path) -> None:
    uri, folder = logged
    weights = folder / "data" / "topic_model" / "weights.npy"
    np.save(weights, np.array([Attack(canary)], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match=r"weights\.npy is not a NumPy array"):
        slugline.load_model(uri)


# Memory

LOAD = """
import pathlib, resource, sys, time
def peak():  # ru_maxrss begins with the peak of the process that started this one; that of Linux's own file does not
    status = pathlib.Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    known = [int(line.split()[1]) for line in lines if line.startswith("VmHWM")]
    return (known or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss])[0] // 1024
from slugline.model import load_model
from slugline.errors import InputError
for folder in sys.argv[1:]:
    start = time.perf_counter()
    try:
        load_model(folder)
        print("loaded", folder)
    except InputError as error:
        print(peak(), round(time.perf_counter() - start, 1), error)
"""


def megabytes(*folders: Path) -> int:
    """Return the most memory that a new process took to refuse some models."""
    command = [sys.executable, "-W", "error", "-c", LOAD, *map(str, folders)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    lines = done.stdout.splitlines()
    assert len(lines) == len(folders)
    assert not [line for line in lines if line.startswith("loaded")]
    return max(int(line.split()[0]) for line in lines)


def of_header(folder: Path, text: bytes) -> Path:
    (folder / "model.json").write_bytes(text)
    return folder


def claim(folder: Path) -> Path:
    """Claim ten million terms of one byte each, which take up no room on the disk."""
    header = json.loads((folder / "model.json").read_text())
    header["features"][0]["terms"] = 10_000_000
    (folder / "model.json").write_text(json.dumps(header))
    for name, dtype in (("offsets_0", np.int32), ("idf_0", np.float64)):
        claim_array(folder / f"{name}.npy", dtype, 10_000_000 + (name == "offsets_0"))
    return folder


def claim_array(file: Path, dtype: Any, count: int) -> None:
    stream = io.BytesIO()
    described = {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": (count,)}
    np.lib.format.write_array_header_1_0(stream, described)
    file.write_bytes(stream.getvalue())
    with file.open("r+b") as opened:
        opened.truncate(len(stream.getvalue()) + count * np.dtype(dtype).itemsize)


def claim_encoder(folder: Path, pieces: bytes, **sizes: int) -> Path:
    """Claim an encoder of other sizes, with zeros for its numbers, which take up no room on the disk."""
    header = json.loads((folder / "model.json").read_text())
    part = header["features"][1]
    part["encoder"] |= sizes
    part |= {"vocabulary_bytes": len(pieces), "max_length": (1 << 16) - 1}
    (folder / "model.json").write_text(json.dumps(header))
    layout = EncoderConfig(**part["encoder"]).layout("int8").values()
    for name, dtype in (("encoder_bytes_1", np.int8), ("encoder_floats_1", np.float32)):
        claim_array(folder / f"{name}.npy", dtype, sum(math.prod(shape) for shape, own in layout if own == dtype))
    np.save(folder / "encoder_pieces_1.npy", np.frombuffer(pieces, np.uint8))
    return folder


def of_schema(folder: Path, text: bytes) -> Path:
    write(folder, text, {})
    return folder


def copies(good: Path, root: Path, name: str, *makes: Callable[[Path], Path]) -> list[Path]:
    return [make(copytree(good / name, root / f"{name}{number}")) for number, make in enumerate(makes)]


def test_the_worst_headers_and_vocabularies_take_less_than_a_gigabyte(good: Path, tmp_path: Path) -> None:
    lists = b'{"info": [' + b"[]," * 1_390_000 + b"[]]}"
    assert megabytes(*copies(good, tmp_path, "linear", claim, lambda folder: of_header(folder, lists))) < 1000


@pytest.mark.slow
@NEEDS_ENCODERS
def test_the_worst_encoders_take_less_than_a_gigabyte(good: Path, tmp_path: Path) -> None:
    letters = "abcdefghijklmnopqrstuvwxyz"
    many = ["".join(piece) for piece in itertools.product(letters, repeat=4)]
    unique = "\n".join([*many, *(f"##{piece}" for piece in many), *(f"a{piece}" for piece in many)]).encode()
    makes = [
        lambda folder: claim_encoder(folder, b"\n" * (64 << 20), vocabulary=1 << 21),
        lambda folder: claim_encoder(folder, unique, vocabulary=1 << 21),
        lambda folder: claim_encoder(folder, b"[UNK]\n[CLS]\n[SEP]", positions=1 << 16, heads=32),
    ]
    assert megabytes(*copies(good, tmp_path, "encoder", *makes)) < 1000


@pytest.mark.slow
def test_the_worst_schemas_take_less_than_a_gigabyte(good: Path, tmp_path: Path) -> None:
    start = b'{"__loader__":"ListNode","__module__":"builtins","__class__":"list","content":['
    nodes = b'{"__loader__":"JsonNode","__module__":"builtins","__class__":"str","__id__":7,"content":"[]"},'
    worst = [
        start + b"1e9," * (MAX_SCHEMA // 4 - 100) + b"1]}",
        start + b"[]," * 1_490_000 + b"[]]}",
        start + b'{"":1e9},' * 1_490_000 + b"[]]}",
        start + nodes * (MAX_SCHEMA // len(nodes) - 10) + b"1]}",
        start + b'"' + b"[" * 1_400_000 + b'"]}',
        start + b'"' + b"\\u00e9" * (MAX_SCHEMA // 6 - 100) + b'"]}',
    ]
    makes = [lambda folder, text=text: of_schema(folder, text) for text in worst]
    assert megabytes(*copies(good, tmp_path, "forest", *makes)) < 1000


# Chance

FUZZ = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
FLIPS = st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4)


def flipped(data: bytes, flips: list[tuple[float, int]]) -> bytes:
    changed = bytearray(data)
    for place, mask in flips:
        if changed:
            changed[int(place * len(changed))] ^= mask
    return bytes(changed)


def survives(folder: Path) -> None:
    """Load a model and use it, unless it is refused."""
    try:
        loaded = load_model(folder)
    except InputError:
        return
    with np.errstate(all="ignore"), suppress(InputError):  # too large numbers of an encoder are found as they are used
        assert loaded.predict_proba([*SENTENCES, ""]).shape == (len(SENTENCES) + 1, 3)


def fuzz_file(good: Path, root: Path, data: st.DataObject) -> None:
    folder = root / "fuzz"
    rmtree(folder, ignore_errors=True)
    copytree(good / data.draw(st.sampled_from(sorted(kind.name for kind in good.iterdir()))), folder)
    file = data.draw(st.sampled_from(sorted(folder.iterdir())))
    file.write_bytes(flipped(file.read_bytes(), data.draw(FLIPS)))
    survives(folder)


def fuzz_entry(good: Path, root: Path, data: st.DataObject) -> None:
    folder = root / "fuzz"
    rmtree(folder, ignore_errors=True)
    copytree(good / data.draw(st.sampled_from(sorted(set(CLASSIFIERS) - {"linear"}))), folder)
    schema, entries = read(folder)
    entries["schema.json"] = json.dumps(schema).encode()
    name = data.draw(st.sampled_from(["schema.json", *sorted(entries)]))
    entries[name] = flipped(entries[name], data.draw(FLIPS))
    write(folder, entries.pop("schema.json"), entries)
    survives(folder)


@pytest.mark.filterwarnings("ignore")
@given(data=st.data())
@settings(FUZZ, max_examples=150)
def test_changed_bytes_give_a_model_or_a_refusal(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    fuzz_file(good, tmp_path, data)


@pytest.mark.filterwarnings("ignore")
@given(data=st.data())
@settings(FUZZ, max_examples=100)
def test_changed_bytes_inside_an_archive_give_a_model_or_a_refusal(
    good: Path, tmp_path: Path, data: st.DataObject
) -> None:
    fuzz_entry(good, tmp_path, data)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@given(data=st.data())
@settings(FUZZ, max_examples=300)
def test_many_changed_bytes_give_a_model_or_a_refusal(good: Path, tmp_path: Path, data: st.DataObject) -> None:
    fuzz_file(good, tmp_path, data)
    fuzz_entry(good, tmp_path, data)
