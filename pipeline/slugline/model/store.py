"""The format of a saved model: a folder with `model.json` and arrays, no code. CONTRIBUTING.md describes it.

A stranger may have written the files: everything is checked before it is believed, and which files are read is fixed
here, not named by the files.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pyarrow.compute as pc

from slugline.errors import InputError, listing
from slugline.model.checked_files import check, read_array, read_json
from slugline.model.heads import EstimatorHead, Head, LinearHead
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import Vectorizer, describe, from_values, to_arrays
from slugline.ngrams import NgramOptions, VocabularyCounter, minimum_word_length

_CARD = "README.md"  # the model card, for people; it is not read back
MAX_HEADER = 4 << 20  # bytes
_FORMAT = 1
_HEADER = "model.json"
_MAX_TOPICS, _MAX_VECTORIZERS, _MAX_NGRAM = 10_000, 16, 64
_MODES, _HEADS = ("multilabel", "multiclass"), ("linear", "estimators")
_OPTIONS = {
    "analyzer": ("word", "char", "char_wb"),
    "norm": ("l1", "l2", None),
    "strip_accents": ("ascii", "unicode", None),
}


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
        for name, array in to_arrays(vectorizer).items():
            np.save(folder / f"{name}_{number}.npy", array)
    np.save(folder / "thresholds.npy", model.thresholds.astype(np.float64))

    if isinstance(model.head, LinearHead):
        np.save(folder / "weights.npy", model.head.weights)
        np.save(folder / "intercept.npy", model.head.intercept)
    else:
        from slugline.model.estimators import save_estimators  # late: imports scikit-learn and skops

        save_estimators(model.head, folder)

    header = {
        "format": _FORMAT,
        "mode": model.mode,
        "topics": list(model.topics),
        "head": "linear" if isinstance(model.head, LinearHead) else "estimators",
        "features": [describe(vectorizer) for vectorizer in model.vectorizers],
        "info": dict(model.info),
    }
    if card:
        (folder / _CARD).write_text(card, encoding="utf-8")
    _write_header(folder, header)
    return folder


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
    version = header.get("format")
    check(type(version) is int and version == _FORMAT, folder, f"format {version!r:.40}; this version reads {_FORMAT}")
    topics = _read_topics(folder, header.get("topics"))
    _check_choice(folder, "mode", header.get("mode"), _MODES)

    descriptions: Any = header.get("features")
    check(isinstance(descriptions, list), folder, "features are not a list")
    _check_count(folder, "entries in features", len(descriptions), _MAX_VECTORIZERS)
    vectorizers = tuple(_read_vectorizer(folder, number, part) for number, part in enumerate(descriptions))
    thresholds = read_array(folder, "thresholds.npy", np.float64, (len(topics),))
    info: Any = header.get("info")
    check(isinstance(info, dict), folder, "info is not an object")

    n_features = sum(vectorizer.counter.n_features for vectorizer in vectorizers)
    head = _read_head(folder, header.get("head"), len(topics), n_features)
    return TopicModel(topics, header["mode"], vectorizers, head, thresholds, info=info)


def read_origin(folder: str | Path) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Return the topics and the `info` of a saved model, and read no more; raise `InputError` as loading does."""
    folder = Path(folder)
    header = read_json(folder, _HEADER, MAX_HEADER)
    info: Any = header.get("info")
    check(isinstance(info, dict), folder, "info is not an object")
    return _read_topics(folder, header.get("topics")), info


def _read_topics(folder: Path, topics: Any) -> tuple[str, ...]:
    """Return the names of the topics, checked."""
    are_names = isinstance(topics, list) and all(isinstance(topic, str) for topic in topics)
    check(are_names, folder, "topics are not a list of names")
    _check_count(folder, "topics", len(topics), _MAX_TOPICS)
    repeated = next((topic for topic, count in Counter(topics).items() if count > 1), None)
    check(repeated is None, folder, f"topic {repeated!r:.40} is repeated")
    return tuple(topics)


def _check_count(folder: Path, name: str, count: int, limit: int) -> None:
    """Raise `InputError` unless there is at least one item and at most so many."""
    check(0 < count <= limit, folder, f"{count} {name}; allowed: 1 to {limit}")


def _check_choice(folder: Path, name: str, value: Any, allowed: Sequence[str | None]) -> None:
    """Raise `InputError` unless a value of the header is among those allowed, which are named as JSON writes them."""
    names = listing("null" if choice is None else choice for choice in allowed)
    check(value in allowed, folder, f"{name} {_show(value)}; allowed: {names}")


def _show(value: Any) -> str:
    """Return a value of the header for a message: as JSON where it is null, true or false, and cut where it is long."""
    return json.dumps(value) if value is None or isinstance(value, bool) else f"{value!r:.40}"


def _read_vectorizer(folder: Path, number: int, description: Any) -> Vectorizer:
    """Return one vectorizer, its description and its vocabulary checked."""
    where = f"features {number}"
    is_named = isinstance(description, dict) and isinstance(description.get("name"), str)
    check(is_named, folder, f"{where} are not an object with a name")
    for key in ("lowercase", "idf", "sublinear_tf", "binary"):
        check(isinstance(description.get(key), bool), folder, f"{where}: {key} is neither true nor false")
    for key, allowed in _OPTIONS.items():
        check(key in description, folder, f"{where}: there is no {key}")
        _check_choice(folder, f"{where}: {key}", description[key], allowed)

    size = description.get("terms")
    is_size = type(size) is int and 0 < size < 2**31
    check(is_size, folder, f"{where}: {_show(size)} terms; allowed: 1 to {2**31 - 1}")
    _check_ngrams(folder, where, description)

    values = {"vectorizer": description}
    if description["idf"]:
        values["idf"] = read_array(folder, f"idf_{number}.npy", np.float64, (size,))
    if "alternate_sign" in description:
        is_sign = isinstance(description["alternate_sign"], bool)
        check(is_sign, folder, f"{where}: alternate_sign is neither true nor false")
        only_counts = not description["idf"] and not description["sublinear_tf"]
        check(only_counts, folder, f"{where}: hashed features have neither idf nor sublinear_tf")
    else:
        values["offsets"], values["terms"] = _read_vocabulary(folder, number, size)
    return from_values(values)


def _check_ngrams(folder: Path, where: str, description: Mapping[str, Any]) -> None:
    """Check how a vectorizer counts; its token pattern must be a plain run of word characters."""
    bounds: Any = description.get("ngram_range")
    are_numbers = isinstance(bounds, list) and len(bounds) == 2 and all(type(n) is int for n in bounds)
    is_range = are_numbers and 1 <= bounds[0] <= bounds[1] <= _MAX_NGRAM
    allowed = f"two numbers, from 1 to {_MAX_NGRAM}, in order"
    check(is_range, folder, f"{where}: ngram_range {_show(bounds)}; allowed: {allowed}")

    words: Any = description.get("stop_words")
    are_words = isinstance(words, list) and all(isinstance(word, str) for word in words)
    check(are_words, folder, f"{where}: stop_words are not a list of words")

    pattern: Any = description.get("token_pattern")
    is_plain = isinstance(pattern, str) and minimum_word_length(pattern) is not None
    check(is_plain, folder, rf"{where}: token_pattern {_show(pattern)}; allowed: (?u)\b\w\w+\b with one \w or more")


def _read_vocabulary(folder: Path, number: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Read offsets and bytes of a vocabulary: sorted and unique terms in UTF-8; lone surrogates are allowed."""
    offsets_name, terms_name = f"offsets_{number}.npy", f"terms_{number}.npy"
    offsets = read_array(folder, offsets_name, np.int32, (size + 1,))
    is_ascending = offsets[0] == 0 and bool((offsets[1:] > offsets[:-1]).all())
    check(is_ascending, folder, f"{offsets_name} are not ascending")

    data = read_array(folder, terms_name, np.uint8, (int(offsets[-1]),))
    try:
        data.tobytes().decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise InputError(f"model {folder}: {terms_name} are not UTF-8: {error.reason}") from error
    first_bytes = data[offsets[:-1]]
    is_whole = bool((first_bytes & 0xC0 != 0x80).all())  # else a byte inside a character
    check(is_whole, folder, f"{offsets_name} cut a character")

    terms = VocabularyCounter.from_buffers(NgramOptions(), offsets, data).terms
    is_sorted = size == 1 or bool(pc.all(pc.less(terms[:-1], terms[1:])).as_py())
    check(is_sorted, folder, f"{terms_name} are not sorted and unique")
    return offsets, data


def _read_head(folder: Path, kind: Any, n_topics: int, n_features: int) -> Head:
    """Return the head: arrays, or scikit-learn estimators of types that we allow."""
    if kind == "linear":
        weights = read_array(folder, "weights.npy", np.float32, (n_topics, n_features))
        return LinearHead(weights, read_array(folder, "intercept.npy", np.float64, (n_topics,)))
    _check_choice(folder, "head", kind, _HEADS)
    from slugline.model.estimators import load_estimators  # late: imports scikit-learn and skops

    head: EstimatorHead = load_estimators(folder, n_topics, n_features)
    return head
