"""Classifiers that are no plain weights: one fitted scikit-learn estimator per topic, in one skops file.

A skops file names the types to make, and skops trusts those on its own list and its caller's. Here the file is audited
against the lists below before anything is made of it: which kinds of node, which types, which arrays. Types are not
enough: scikit-learn's compiled code believes the indices inside trees, neighbours and support vectors, so these are
checked too.
"""

import io
import json
import re
import stat
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import skops.io
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator
from sklearn.tree._tree import NODE_DTYPE

from slugline.errors import InputError, listing
from slugline.model.heads import EstimatorHead
from slugline.model.store import read_array, read_array_header, regular_file

FILE, SCHEMA = "head.skops", "schema.json"
MAX_SCHEMA, MAX_NODES, MAX_DEPTH = 40 << 20, 1_500_000, 64  # bytes, braces and levels of the schema: some 6,000 trees
MAX_DIRECTORY = 8 << 20  # bytes of the zip's list of entries
MAX_INFLATION = 16  # how much larger a sparse matrix, the one thing that skops compresses, may get
MAX_JOBS = 256

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
PARTS = ("sklearn.preprocessing._label.LabelBinarizer", "sklearn.tree._classes.DecisionTreeRegressor")
# What each kind of node may make. Refused, as not here: functions, methods, partials, operators, constructors, bytes,
# random states
NODES: Mapping[str, frozenset[str]] = {
    "JsonNode": frozenset({"builtins.str"}),
    "DictNode": frozenset({"builtins.dict"}),
    "ListNode": frozenset({"builtins.list"}),
    "TupleNode": frozenset({"builtins.tuple"}),
    "TypeNode": frozenset({"builtins.str", "builtins.int", "builtins.bool"}),  # the types of the keys of a dict
    "NdArrayNode": frozenset(
        {"numpy.ndarray", "numpy.bool", "numpy.int32", "numpy.int64", "numpy.float32", "numpy.float64"}
    ),
    "SparseMatrixNode": frozenset({"scipy.sparse._csr.csr_array", "scipy.sparse._csr.csr_matrix"}),
    "TreeNode": frozenset({"sklearn.tree._tree.Tree"}),
    "ObjectNode": frozenset({*CLASSIFIERS, *PARTS}),
}
TRUSTED = sorted(frozenset().union(*NODES.values()))
NAMES = re.compile(r"schema\.json|[0-9]{1,20}\.np[yz]")
SPARSE_PARTS = frozenset({"indices.npy", "indptr.npy", "format.npy", "shape.npy", "data.npy", "_is_array.npy"})
UNUSED = frozenset({"_loss", "_optimizer"})  # of use to go on training; `_loss` is made anew


class RefusedError(ValueError):
    """The file holds something that is not allowed."""


class Archive(NamedTuple):
    """A skops file whose entries passed the checks, and what its schema says."""

    zip: ZipFile
    schema: dict[str, Any]


def save_estimators(head: EstimatorHead, folder: Path) -> None:
    """Write a head into the folder of a model; raise `InputError` for a classifier that could not be loaded again."""
    for estimator in head.estimators:
        require_known(estimator)
    data = compact(skops.io.dumps([slim(estimator) for estimator in head.estimators]))
    try:
        audit(open_archive(data), head.estimators[0].n_features_in_)
    except RefusedError as error:
        raise InputError(f"model {type(head.estimators[0]).__name__} cannot be saved: {error}") from error
    (folder / FILE).write_bytes(data)
    np.save(folder / "slope.npy", head.slope.astype(np.float64))
    np.save(folder / "offset.npy", head.offset.astype(np.float64))


def load_estimators(folder: Path, topics: int, features: int) -> EstimatorHead:
    """Read a head: audit, then make, then check what was made; raise `InputError` for anything that is not allowed."""
    slope, offset = (read_array(folder, name, np.float64, (topics,)) for name in ("slope.npy", "offset.npy"))
    data = regular_file(folder, FILE).read_bytes()
    try:
        audit(open_archive(data), features)
        estimators = skops.io.loads(data, trusted=TRUSTED)
        check_estimators(estimators, topics, features)
        head = EstimatorHead(estimators, slope, offset)
        blank = head.log_odds(csr_array((1, features)))
        refuse_unless(blank.shape == (1, topics) and bool(np.isfinite(blank).all()), "its classifiers give no numbers")
    except Exception as error:  # a file from a stranger may fail anywhere in skops, NumPy, SciPy and scikit-learn
        said = " ".join(str(error).split())[:160] or type(error).__name__
        raise InputError(f"model {folder}: {FILE} is refused: {said}") from error
    return head


def require_known(estimator: Any) -> None:
    """Raise `InputError` unless a classifier, and those inside it, are on the list of what can be saved."""
    for part in (estimator, *estimator.get_params().values()):
        if hasattr(part, "fit") and type_name(type(part)) not in CLASSIFIERS:
            allowed = listing(sorted(name.rpartition(".")[2] for name in CLASSIFIERS), 40)
            raise InputError(f"model {type(part).__name__} cannot be saved; allowed: all linear ones and {allowed}")


def type_name(kind: type) -> str:
    """Return the full name of a type."""
    return f"{kind.__module__}.{kind.__qualname__}"


def slim(value: Any) -> Any:
    """Return a copy of a fitted estimator without what only more training needs: random states, optimisers, losses."""
    if isinstance(value, np.random.RandomState):
        return None
    if isinstance(value, list):
        return [slim(item) for item in value]
    if type(value) is dict:  # a copy: one dict in two places would be written as two nodes with one number
        return {key: slim(item) for key, item in value.items()}
    if isinstance(value, np.ndarray) and value.dtype == object:
        copied = np.empty_like(value)
        copied[...] = np.reshape([slim(item) for item in value.flat], value.shape)
        return copied
    if isinstance(value, BaseEstimator):
        bare = object.__new__(type(value))
        vars(bare).update({name: slim(item) for name, item in vars(value).items() if name not in UNUSED})
        return bare
    return value


def compact(data: bytes) -> bytes:
    """Return a skops file whose schema has no indentation, which is most of a forest's."""
    stream = io.BytesIO()
    with ZipFile(io.BytesIO(data)) as archive, ZipFile(stream, "w") as written:
        for name in archive.namelist():
            raw = archive.read(name)
            if name == SCHEMA:
                raw = json.dumps(json.loads(raw), separators=(",", ":")).encode()
            written.writestr(name, raw)
    return stream.getvalue()


def refuse_unless(holds: bool, problem: str) -> None:
    """Raise `RefusedError` unless something holds."""
    if not holds:
        raise RefusedError(problem)


# The file, before anything is made of it


def open_archive(data: bytes) -> Archive:
    """Open a skops file: a flat zip of stored entries, so that nothing in it is larger than the file."""
    end, size = data[-22:], int.from_bytes(data[-10:-6], "little")
    plain = end[:4] == b"PK\5\6" and end[-2:] == b"\0\0" and data[-42:-38] != b"PK\6\7"
    refuse_unless(plain and size <= MAX_DIRECTORY, "no plain zip, or one with too many entries")
    archive = ZipFile(io.BytesIO(data))
    entries = archive.infolist()
    names = [entry.filename for entry in entries]
    odd = [name for name in names if not NAMES.fullmatch(name)]
    refuse_unless(not odd, f"an entry named {odd[:1]!r:.60}")
    refuse_unless(len(set(names)) == len(names) and SCHEMA in names, f"repeated entries, or no {SCHEMA}")
    for entry in entries:
        stored = (
            entry.compress_type == ZIP_STORED and entry.compress_size == entry.file_size and not entry.flag_bits & 1
        )
        refuse_unless(
            stored and not stat.S_ISLNK(entry.external_attr >> 16), f"{entry.filename} is compressed, locked or a link"
        )
    refuse_unless(sum(entry.file_size for entry in entries) <= len(data), "entries that overlap")
    return Archive(archive, read_schema(archive))


def read_schema(archive: ZipFile) -> dict[str, Any]:
    """Return the schema; its size is checked before it is parsed."""
    refuse_unless(archive.getinfo(SCHEMA).file_size <= MAX_SCHEMA, f"{SCHEMA} is larger than {MAX_SCHEMA} bytes")
    raw = archive.read(SCHEMA)
    refuse_unless(raw.count(b"{") + raw.count(b"[") <= MAX_NODES, f"{SCHEMA} has more than {MAX_NODES} nodes")
    schema = json.loads(raw)
    refuse_unless(isinstance(schema, dict) and "__loader__" in schema, f"{SCHEMA} holds no node")
    return schema  # type: ignore[no-any-return]


def audit(archive: Archive, features: int) -> None:
    """Raise `RefusedError` unless every node, type, array and tree in the file is allowed."""
    for name in archive.zip.namelist():
        if name.endswith(".npy"):
            check_array(archive.zip, name)
        elif name.endswith(".npz"):
            check_sparse(archive.zip.read(name))
    known: dict[int, dict[str, Any]] = {}
    for node in nodes(archive.schema):
        loader, made = node["__loader__"], f"{node.get('__module__')}.{node.get('__class__')}"
        allowed = isinstance(loader, str) and made in NODES.get(loader, ())
        refuse_unless(allowed, f"{loader!s:.40} of {made:.80} is not on the list of what a model may hold")
        # skops makes one object of all nodes with the same number: what was checked here must be what is made there
        number = node.get("__id__")
        refuse_unless(type(number) is int and known.setdefault(number, node) == node, "two nodes with one number")
        if loader == "TreeNode":
            check_tree(archive.zip, node, features)


def nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every node of a schema: every object with a loader, wherever it stands."""
    waiting: list[tuple[Any, int]] = [(schema, 0)]
    while waiting:
        value, depth = waiting.pop()
        refuse_unless(depth <= MAX_DEPTH, f"more than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            if "__loader__" in value:
                yield value
            waiting.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            waiting.extend((item, depth + 1) for item in value)


def check_array(archive: ZipFile, name: str) -> None:
    """Raise unless an entry is an array of numbers, names or tree nodes that is as large as it says."""
    with archive.open(name) as stream:
        _, _, kind = read_array_header(stream, archive.getinfo(name).file_size)
    refuse_unless(kind.kind in "biufU" or kind == NODE_DTYPE, f"{name} holds {kind!s:.40}")


def check_sparse(data: bytes) -> None:
    """Raise unless some bytes are a matrix in SciPy's format that is not much larger than they are."""
    with ZipFile(io.BytesIO(data)) as parts:
        refuse_unless(SPARSE_PARTS.issuperset(parts.namelist()), "a sparse matrix with unknown parts")
        size = sum(part.file_size for part in parts.infolist())
        refuse_unless(size <= MAX_INFLATION * len(data) + 4096, "a sparse matrix that unpacks to much more")
        for name in parts.namelist():
            if name != "format.npy":  # a name as bytes
                check_array(parts, name)


def check_tree(archive: ZipFile, node: Mapping[str, Any], features: int) -> None:
    """Raise unless a tree's branches lead down to its own nodes and ask for features that there are.

    Compiled code follows them without looking: github.com/scikit-learn/scikit-learn/pull/34558.
    """
    read = partial(read_value, archive)
    width, classes, outputs = map(read, node["__reduce__"]["args"]["content"])
    state = node["content"]["content"]
    tree, values, count = read(state["nodes"]), read(state["values"]), read(state["node_count"])
    plain = (width, outputs) == (features, 1) and np.shape(classes) == (1,) and classes[0] in (1, 2)
    refuse_unless(plain and classes.dtype == np.int64, f"a tree over {width!r:.20} features, not {features}")
    whole = tree.dtype == NODE_DTYPE and tree.shape == (count,) and values.dtype == np.float64
    refuse_unless(whole and count > 0 and values.shape == (count, 1, classes[0]), "a tree without all its nodes")
    at = np.flatnonzero(tree["left_child"] != -1)
    inner = tree[at]
    down = all(((inner[side] > at) & (inner[side] < count)).all() for side in ("left_child", "right_child"))
    refuse_unless(
        down and bool(((inner["feature"] >= 0) & (inner["feature"] < features)).all()),
        "a tree that leads out of itself",
    )


def read_value(archive: ZipFile, node: Mapping[str, Any]) -> Any:
    """Return the array or the literal of a node."""
    if node["__loader__"] == "JsonNode":
        return json.loads(node["content"])
    return np.load(io.BytesIO(archive.read(node["file"])), allow_pickle=False)


# The objects, before they are used


def check_estimators(found: Any, topics: int, features: int) -> None:
    """Raise unless these are as many classifiers as topics, over as many features, each whole."""
    refuse_unless(type(found) is list and len(found) == topics, f"it does not hold {topics} classifiers")
    for estimator in found:
        refuse_unless(
            type_name(type(estimator)) in CLASSIFIERS, f"{type(estimator).__name__} is no classifier of the list"
        )
        refuse_unless(
            list(estimator.classes_) == [False, True], f"{type(estimator).__name__} does not tell no from yes"
        )
        for part in parts_of(estimator, set()):
            check_part(part, features)


def parts_of(value: Any, seen: set[int]) -> Iterator[Any]:
    """Yield all estimators and sparse matrices inside a value, each once."""
    if id(value) in seen:
        return
    if isinstance(value, BaseEstimator) or issparse(value):
        seen.add(id(value))
        yield value
    inside = (
        vars(value).values() if isinstance(value, BaseEstimator) else value.values() if isinstance(value, dict) else ()
    )
    if isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.dtype == object):
        inside = np.ravel(value) if isinstance(value, np.ndarray) else value
    for item in inside:
        yield from parts_of(item, seen)


def check_part(part: Any, features: int) -> None:
    """Raise unless one estimator or sparse matrix is sound; make anew what was not saved."""
    if issparse(part):
        part.check_format(full_check=True)
        return
    kind, attributes = type(part), vars(part)
    hidden = [name for name in attributes if hasattr(kind, name)]
    refuse_unless(not hidden, f"{kind.__name__} whose {hidden[:1]} is replaced")
    refuse_unless(
        attributes.get("n_features_in_", features) == features, f"{kind.__name__} over other features than the model's"
    )
    classes, outputs = attributes.get("n_classes_", 2), attributes.get("n_outputs_", 1)
    one_answer = np.ndim(classes) == np.ndim(outputs) == 0 and classes in (1, 2) and outputs == 1
    refuse_unless(one_answer, f"{kind.__name__} of more than two classes")
    jobs = attributes.get("n_jobs")
    refuse_unless(
        jobs is None or (type(jobs) is int and -MAX_JOBS <= jobs <= MAX_JOBS),
        f"{kind.__name__} with n_jobs={jobs!r:.20}",
    )
    if kind.__name__ in CHECKS:
        CHECKS[kind.__name__](part, features)


def check_neighbours(part: Any, features: int) -> None:
    """Raise unless the neighbours have a class each; compiled code counts their classes without looking."""
    rows = part._fit_X.shape[0]
    refuse_unless(issparse(part._fit_X) and part._fit_X.shape == (rows, features), "neighbours that are no sparse rows")
    refuse_unless(
        part._fit_method == "brute" and part._tree is None and isinstance(part.metric, str), "neighbours in a tree"
    )
    refuse_unless(
        type(part.n_neighbors) is int and 0 < part.n_neighbors <= rows == part.n_samples_fit_,
        "fewer rows than neighbours",
    )
    y = part._y
    refuse_unless(
        y.shape == (rows,) and y.dtype.kind == "i" and set(np.unique(y)) <= {0, 1}, "neighbours without a class each"
    )


def check_support(part: Any, features: int) -> None:
    """Raise unless the support vectors have a weight and a class each; compiled code copies as many as it is told."""
    vectors, weights, counts = part.support_vectors_, part._dual_coef_, part._n_support
    refuse_unless(
        part._sparse is True and part.kernel in ("linear", "poly", "rbf", "sigmoid"),
        "support vectors that are not sparse",
    )
    refuse_unless(
        issparse(vectors) and vectors.shape == (len(vectors.indptr) - 1, features),
        "support vectors over other features",
    )
    refuse_unless(
        issparse(weights) and weights.data.shape == (vectors.shape[0],), "support vectors without a weight each"
    )
    sound = counts.shape == (2,) and bool((counts >= 0).all()) and int(counts.sum()) == vectors.shape[0]
    refuse_unless(sound and part._intercept_.shape == (1,), "support vectors without a class each")
    refuse_unless(
        part._probA.shape == part._probB.shape and part._probA.size <= 1, "support vectors with odd probabilities"
    )
    refuse_unless(part.class_weight_.shape == (2,), "support vectors with odd class weights")


def check_boosting(part: Any, features: int) -> None:
    """Raise unless there is one tree a stage, as compiled code takes for granted, and make the loss anew."""
    stages = part.estimators_
    refuse_unless(stages.shape == (len(stages), 1) and part.n_trees_per_iteration_ == 1, "more than one tree a stage")
    regressors = all(type_name(type(tree)) == PARTS[1] for tree in stages.flat)
    refuse_unless(regressors and part.loss in ("log_loss", "exponential"), "stages that are no trees")
    part._loss = part._get_loss(sample_weight=None)


CHECKS = {
    "KNeighborsClassifier": check_neighbours,
    "SVC": check_support,
    "NuSVC": check_support,
    "GradientBoostingClassifier": check_boosting,
}
