"""The format of a saved model: a folder with `model.json` and arrays, no code. CONTRIBUTING.md describes it.

A stranger may have written the files: everything is checked before it is believed, and which files are read is fixed
here, not named by the files.
"""

import json
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from slugline.errors import listing
from slugline.model.checked_files import check, check_choice, check_count, read_array, read_json
from slugline.model.context_features import ContextFeatures
from slugline.model.heads import EstimatorHead, Head, LinearHead
from slugline.model.saved_features import read_features
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import Vectorizer

_CARD = "README.md"  # the model card, for people; it is not read back
MAX_HEADER = 4 << 20  # bytes
# 1: all features are n-grams; 1 and 2: multiclass gives the likeliest topic, whatever the thresholds;
# 4: the context of sentences is read
_FORMATS = (1, 2, 3, 4)
_HEADER = "model.json"
_MAX_TOPICS, _MAX_VECTORIZERS = 10_000, 16
_MODES, _HEADS = ("multilabel", "multiclass"), ("linear", "estimators")


def save_model(model: TopicModel, folder: str | Path, card: str = "") -> Path:
    """Write a model into a new folder: first the arrays, last the header, without which nothing loads.

    Parameters
    ----------
    model : TopicModel
        A fitted model.
    folder : str or Path
        A folder that does not exist yet.
    card : str, default ""
        The model card in Markdown, for people; "" writes none.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileExistsError
        If the folder exists.
    InputError
        For a classifier that could not be loaded again.
    """
    folder = Path(folder)
    folder.mkdir(parents=True)
    for number, vectorizer in enumerate(model.vectorizers):
        for name, array in vectorizer.to_arrays().items():
            np.save(folder / f"{name}_{number}.npy", array)
    np.save(folder / "thresholds.npy", model.thresholds.astype(np.float64))

    if isinstance(model.head, LinearHead):
        np.save(folder / "weights.npy", model.head.weights)
        np.save(folder / "intercept.npy", model.head.intercept)
    else:
        from slugline.model.estimators import save_estimators  # late: imports scikit-learn and skops

        save_estimators(model.head, folder)

    header = {
        "format": _choose_format(model),
        "mode": model.mode,
        "topics": list(model.topics),
        "head": "linear" if isinstance(model.head, LinearHead) else "estimators",
        "features": [vectorizer.describe() for vectorizer in model.vectorizers],
        "info": dict(model.info),
    }
    if card:
        (folder / _CARD).write_text(card, encoding="utf-8")
    _write_header(folder, header)
    return folder


def _choose_format(model: TopicModel) -> int:
    """Return the oldest format that says all of a model."""
    if model.reads_context:
        return 4
    if model.mode == "multiclass":
        return 3
    return 2 if any(vectorizer.kind != Vectorizer.kind for vectorizer in model.vectorizers) else 1


def rename_run(folder: Path, run_id: str) -> None:
    """Give a saved model another `run_id` in its `info`, since its run was logged elsewhere."""
    header = read_json(folder, _HEADER, MAX_HEADER)
    info: Any = header.get("info")
    check(isinstance(info, dict), folder, "info is not an object")
    _write_header(folder, header | {"info": info | {"run_id": run_id}})


def _write_header(folder: Path, header: Mapping[str, Any]) -> None:
    """Write the header of a model."""
    text = json.dumps(header, ensure_ascii=False, indent=1, allow_nan=False)
    (folder / _HEADER).write_text(text + "\n", encoding="utf-8")


def digest_model(folder: Path) -> str:
    """Return 16 hexadecimal digits for a saved model: its arrays and its header, without `info` and the model card.

    Of estimators only the arrays count, in any order: skops names them, and numbers its nodes, by their addresses in
    memory.
    """
    hashed = blake2b(digest_size=8)
    for file in sorted(file for file in folder.iterdir() if file.name != _CARD):
        hashed.update(file.name.encode())
        if file.name == _HEADER:
            header = read_json(folder, _HEADER, MAX_HEADER) | {"info": None}
            hashed.update(json.dumps(header, sort_keys=True).encode())
        elif file.suffix == ".skops":
            with ZipFile(file) as archive:
                arrays = [name for name in archive.namelist() if name.endswith(".npy")]
                hashed.update(b"".join(sorted(blake2b(archive.read(name)).digest() for name in arrays)))
        else:
            hashed.update(file.read_bytes())
    return hashed.hexdigest()


def load_model(folder: str | Path) -> TopicModel:
    """Read a model from a folder that `save_model` wrote; no code from the model runs.

    Raises
    ------
    InputError
        If a file is missing or wrong; the message names it in one line.
    """
    folder = Path(folder)
    header = read_json(folder, _HEADER, MAX_HEADER)
    version: Any = header.get("format")
    is_known = type(version) is int and version in _FORMATS
    check(is_known, folder, f"format {version!r:.40}; this version reads {listing(map(str, _FORMATS))}")
    topics = _read_topics(folder, header.get("topics"))
    check_choice(folder, "mode", header.get("mode"), _MODES)

    descriptions: Any = header.get("features")
    check(isinstance(descriptions, list), folder, "features are not a list")
    check_count(folder, "entries in features", len(descriptions), _MAX_VECTORIZERS)
    vectorizers = tuple(read_features(folder, number, part) for number, part in enumerate(descriptions))
    thresholds = _read_thresholds(folder, len(topics), header["mode"], version)
    info: Any = header.get("info")
    check(isinstance(info, dict), folder, "info is not an object")

    n_features = sum(vectorizer.n_features for vectorizer in vectorizers)
    head = _read_head(folder, header.get("head"), len(topics), n_features)
    return TopicModel(topics, header["mode"], vectorizers, head, thresholds, info=info)


def read_origin(folder: str | Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the topics and the `info` of a saved model, and read no more; raise `InputError` as loading does."""
    folder = Path(folder)
    header = read_json(folder, _HEADER, MAX_HEADER)
    info: Any = header.get("info")
    check(isinstance(info, dict), folder, "info is not an object")
    return _read_topics(folder, header.get("topics")), info


def saves_context(folder: str | Path) -> bool:
    """Tell whether a saved model reads the context of sentences; raise `InputError` as loading does."""
    features: Any = read_json(Path(folder), _HEADER, MAX_HEADER).get("features")
    check(isinstance(features, list), Path(folder), "features are not a list")
    return any(isinstance(part, dict) and part.get("kind") == ContextFeatures.kind for part in features)


def _read_topics(folder: Path, topics: Any) -> tuple[str, ...]:
    """Return the names of the topics, checked."""
    are_names = isinstance(topics, list) and all(isinstance(topic, str) for topic in topics)
    check(are_names, folder, "topics are not a list of names")
    check_count(folder, "topics", len(topics), _MAX_TOPICS)
    repeated = next((topic for topic, count in Counter(topics).items() if count > 1), None)
    check(repeated is None, folder, f"topic {repeated!r:.40} is repeated")
    return tuple(topics)


def _read_thresholds(folder: Path, topics: int, mode: str, version: Any) -> np.ndarray:
    """Return the thresholds; in multiclass those of format 3, as before it the likeliest topic was given."""
    thresholds = read_array(folder, "thresholds.npy", np.float64, (topics,))
    if mode == "multiclass":
        if version < 3:
            return np.full(topics, 1 / topics)
        check(bool((thresholds > 0).all()), folder, "thresholds.npy: a threshold is not above 0")
    return thresholds


def _read_head(folder: Path, kind: Any, n_topics: int, n_features: int) -> Head:
    """Return the head: arrays, or scikit-learn estimators of types that we allow."""
    if kind == "linear":
        weights = read_array(folder, "weights.npy", np.float32, (n_topics, n_features))
        return LinearHead(weights, read_array(folder, "intercept.npy", np.float64, (n_topics,)))
    check_choice(folder, "head", kind, _HEADS)
    from slugline.model.estimators import load_estimators  # late: imports scikit-learn and skops

    head: EstimatorHead = load_estimators(folder, n_topics, n_features)
    return head
