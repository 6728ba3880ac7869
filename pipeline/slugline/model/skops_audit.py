"""The audit of a skops file, before any object is made from it.

A skops file names the types to make, and skops trusts those on its own list and its caller's. Here the file is checked
against the lists below: which kinds of node, which types, which arrays. Types are not enough: scikit-learn's compiled
code trusts the indices inside trees, so these are checked too. `estimator_checks` does the same for objects.
"""

import io
import json
import re
import stat
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from zipfile import ZIP_STORED, ZipFile

import numpy as np
from sklearn.tree._tree import NODE_DTYPE

from slugline.model.checked_files import read_array_header

SCHEMA = "schema.json"
MAX_SCHEMA, MAX_DIRECTORY = 40 << 20, 8 << 20  # bytes of the schema, and of the zip's list of entries
_MAX_NODES, _MAX_DEPTH = 1_500_000, 64  # braces and levels of the schema: some 6,000 trees
_MAX_INFLATION = 16  # how much larger a sparse matrix, the one thing that skops compresses, may get

CLASSIFIERS = (
    "sklearn.dummy.DummyClassifier",
    "sklearn.ensemble._bagging.BaggingClassifier",
    "sklearn.ensemble._forest.ExtraTreesClassifier",
    "sklearn.ensemble._forest.RandomForestClassifier",
    "sklearn.ensemble._gb.GradientBoostingClassifier",
    "sklearn.ensemble._weight_boosting.AdaBoostClassifier",
    "sklearn.linear_model._logistic.LogisticRegression",
    "sklearn.linear_model._ridge.RidgeClassifier",
    "sklearn.naive_bayes.BernoulliNB",
    "sklearn.naive_bayes.ComplementNB",
    "sklearn.naive_bayes.MultinomialNB",
    "sklearn.neighbors._classification.KNeighborsClassifier",
    "sklearn.neighbors._nearest_centroid.NearestCentroid",
    "sklearn.neural_network._multilayer_perceptron.MLPClassifier",
    "sklearn.svm._classes.LinearSVC",
    "sklearn.svm._classes.NuSVC",
    "sklearn.svm._classes.SVC",
    "sklearn.tree._classes.DecisionTreeClassifier",
    "sklearn.tree._classes.ExtraTreeClassifier",
)
TREE_REGRESSOR = "sklearn.tree._classes.DecisionTreeRegressor"  # the stages of gradient boosting
_LABEL_BINARIZER = "sklearn.preprocessing._label.LabelBinarizer"

# What each kind of node may make. All other kinds are refused: functions, methods, partials, operators, constructors,
# bytes, random states
_ALLOWED: Mapping[str, frozenset[str]] = {
    "JsonNode": frozenset({"builtins.str"}),
    "DictNode": frozenset({"builtins.dict"}),
    "ListNode": frozenset({"builtins.list"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "TypeNode": frozenset({"builtins.str", "builtins.int", "builtins.bool"}),  # the types of the keys of a dict
    "NdArrayNode": frozenset(f"numpy.{name}" for name in ("ndarray", "bool", "int32", "int64", "float32", "float64")),
    "SparseMatrixNode": frozenset({"scipy.sparse._csr.csr_array", "scipy.sparse._csr.csr_matrix"}),
    "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
    "ObjectNode": frozenset({*CLASSIFIERS, TREE_REGRESSOR, _LABEL_BINARIZER}),
}
TRUSTED = sorted(frozenset().union(*_ALLOWED.values()))
_ENTRY_NAME = re.compile(r"schema\.json|[0-9]{1,20}\.np[yz]")
_SPARSE_PARTS = frozenset({"indices.npy", "indptr.npy", "format.npy", "shape.npy", "data.npy", "_is_array.npy"})


class RefusedError(ValueError):
    """The file holds something that is not allowed."""


def refuse_unless(holds: bool, problem: str) -> None:
    """Raise `RefusedError` unless a condition holds."""
    if not holds:
        raise RefusedError(problem)


def audit(data: bytes, n_features: int) -> None:
    """Check every entry, node, type, array and tree of a skops file for a model of `n_features` features.

    Raises `RefusedError` for anything that is not allowed; incomplete files raise other errors too.
    """
    archive = _open_archive(data)
    schema = _read_schema(archive)
    for name in archive.namelist():
        if name.endswith(".npy"):
            _check_array(archive, name)
        elif name.endswith(".npz"):
            _check_sparse(archive.read(name))

    nodes_by_number: dict[int, dict[str, Any]] = {}
    for node in _iterate_nodes(schema):
        loader, type_made = node["__loader__"], f"{node.get('__module__')}.{node.get('__class__')}"
        is_allowed = isinstance(loader, str) and type_made in _ALLOWED.get(loader, ())
        refuse_unless(is_allowed, f"{loader!s:.40} of {type_made:.80} is not on the list of what a model may hold")

        # skops makes one object of all nodes with the same number: what is checked here must be what is made there
        number = node.get("__id__")
        is_unique = type(number) is int and nodes_by_number.setdefault(number, node) == node
        refuse_unless(is_unique, "two nodes with one number")
        if loader == "TreeNode":
            _check_tree(archive, node, n_features)


def _open_archive(data: bytes) -> ZipFile:
    """Open a skops file: a flat zip of stored entries, so that nothing in it is larger than the file."""
    # The last 22 bytes must be the zip's end record: without a comment, and not of the format for large files
    end, directory_size = data[-22:], int.from_bytes(data[-10:-6], "little")
    is_plain = end[:4] == b"PK\5\6" and end[-2:] == b"\0\0" and data[-42:-38] != b"PK\6\7"
    refuse_unless(is_plain and directory_size <= MAX_DIRECTORY, "it is not a plain zip, or has too many entries")

    archive = ZipFile(io.BytesIO(data))
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    odd = [name for name in names if not _ENTRY_NAME.fullmatch(name)]
    refuse_unless(not odd, f"an entry named {odd[:1]!r:.60}")
    refuse_unless(len(set(names)) == len(names) and SCHEMA in names, f"repeated entries, or no {SCHEMA}")

    for entry in entries:
        is_stored = entry.compress_type == ZIP_STORED and entry.compress_size == entry.file_size
        is_odd = entry.flag_bits & 1 or stat.S_ISLNK(entry.external_attr >> 16)  # encrypted, or a link
        refuse_unless(is_stored and not is_odd, f"{entry.filename} is compressed, locked or a link")
    refuse_unless(sum(entry.file_size for entry in entries) <= len(data), "entries that overlap")
    return archive


def _read_schema(archive: ZipFile) -> dict[str, Any]:
    """Return the schema; its size is checked before it is parsed."""
    refuse_unless(archive.getinfo(SCHEMA).file_size <= MAX_SCHEMA, f"{SCHEMA} is larger than {MAX_SCHEMA} bytes")
    raw = archive.read(SCHEMA)
    refuse_unless(raw.count(b"{") + raw.count(b"[") <= _MAX_NODES, f"{SCHEMA} has more than {_MAX_NODES} nodes")
    schema = json.loads(raw)
    if not (isinstance(schema, dict) and "__loader__" in schema):
        raise RefusedError(f"{SCHEMA} does not hold a node")
    return schema


def _iterate_nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of a schema: every object with a loader, at any depth."""
    waiting: list[tuple[Any, int]] = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        refuse_unless(depth <= _MAX_DEPTH, f"more than {_MAX_DEPTH} levels")
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, depth + 1) for item in value)


def _check_array(archive: ZipFile, name: str) -> None:
    """Refuse an entry unless it is an array of numbers, names or tree nodes, and as large as its header says."""
    with archive.open(name) as stream:
        _, _, dtype = read_array_header(stream, archive.getinfo(name).file_size)
    refuse_unless(dtype.kind in "biufU" or dtype == NODE_DTYPE, f"{name} holds {dtype!s:.40}")


def _check_sparse(data: bytes) -> None:
    """Refuse bytes unless they are a sparse matrix in SciPy's format that does not unpack to much more."""
    with ZipFile(io.BytesIO(data)) as parts:
        refuse_unless(_SPARSE_PARTS.issuperset(parts.namelist()), "a sparse matrix with unknown parts")
        size = sum(part.file_size for part in parts.infolist())
        refuse_unless(size <= _MAX_INFLATION * len(data) + 4096, "a sparse matrix that unpacks to much more")
        for name in parts.namelist():
            if name != "format.npy":  # a name as bytes
                _check_array(parts, name)


def _check_tree(archive: ZipFile, node: Mapping[str, Any], n_features: int) -> None:
    """Refuse a tree unless its branches lead down to its own nodes and use features that exist.

    Compiled code follows them without checks: github.com/scikit-learn/scikit-learn/pull/34558.
    """
    read = partial(_read_value, archive)
    width, classes, outputs = map(read, node["__reduce__"]["args"]["content"])
    state = node["content"]["content"]
    tree, values, count = read(state["nodes"]), read(state["values"]), read(state["node_count"])

    has_one_output = (width, outputs) == (n_features, 1) and np.shape(classes) == (1,) and classes[0] in (1, 2)
    refuse_unless(has_one_output and classes.dtype == np.int64, f"a tree over {width!r:.20} features, not {n_features}")
    is_whole = tree.dtype == NODE_DTYPE and tree.shape == (count,) and values.dtype == np.float64
    refuse_unless(is_whole and count > 0 and values.shape == (count, 1, classes[0]), "a tree without all its nodes")

    at = np.flatnonzero(tree["left_child"] != -1)
    inner = tree[at]
    leads_down = all(((inner[side] > at) & (inner[side] < count)).all() for side in ("left_child", "right_child"))
    has_features = bool(((inner["feature"] >= 0) & (inner["feature"] < n_features)).all())
    refuse_unless(leads_down and has_features, "a tree that leads out of itself")


def _read_value(archive: ZipFile, node: Mapping[str, Any]) -> Any:
    """Return the array or the literal of a node."""
    if node["__loader__"] == "JsonNode":
        return json.loads(node["content"])
    return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)
