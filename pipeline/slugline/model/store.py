"""The format of a saved model: a folder with `model.json` and arrays, no code. CONTRIBUTING.md describes it.

Whoever wrote the files may be a stranger: everything is checked before it is believed, and what is read is named here,
not by the files.
"""

import json
import math
import os
import warnings
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any
from zipfile import ZipFile

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from slugline.errors import InputError
from slugline.model.heads import EstimatorHead, Head, LinearHead
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import Vectorizer, describe, to_arrays
from slugline.ngrams.hashing import Hashed
from slugline.ngrams.lookup import Lookup
from slugline.ngrams.rows import Ngrams

FORMAT = 1
HEADER = "model.json"
CARD = "README.md"  # what people read of a model; nothing reads it back
MAX_HEADER = 4 << 20  # bytes
MAX_TOPICS, MAX_BLOCKS = 10_000, 16
ANALYZERS, NORMS, ACCENTS, MODES = (
    ("word", "char", "char_wb"),
    ("l1", "l2", None),
    ("ascii", "unicode", None),
    ("multilabel", "multiclass"),
)
MAX_NGRAM = 64


def save(model: TopicModel, folder: Path) -> Path:
    """Write a model into a new folder: first the arrays, last the header, without which nothing loads."""
    folder.mkdir(parents=True)
    for number, part in enumerate(model.vectorizers):
        for name, array in to_arrays(part).items():
            np.save(folder / f"{name}_{number}.npy", array)
    np.save(folder / "thresholds.npy", model.thresholds.astype(np.float64))
    if isinstance(model.head, LinearHead):
        np.save(folder / "weights.npy", model.head.weights)
        np.save(folder / "intercept.npy", model.head.intercept)
    else:
        from slugline.model.estimators import save_estimators

        save_estimators(model.head, folder)
    text = json.dumps(header(model), ensure_ascii=False, indent=1, allow_nan=False)
    (folder / HEADER).write_text(text + "\n", encoding="utf-8")
    return folder


def digest(folder: Path) -> str:
    """Return 16 hexadecimal digits for a saved model: its arrays and what its header says but `info`; not its card.

    Of estimators the arrays alone count, in any order: skops names them, and numbers its nodes, by where they lie in
    memory.
    """
    hashed = blake2b(digest_size=8)
    for file in sorted(file for file in folder.iterdir() if file.name != CARD):
        hashed.update(file.name.encode())
        if file.name == HEADER:
            hashed.update(json.dumps(read_header(folder) | {"info": None}, sort_keys=True).encode())
        elif file.suffix == ".skops":
            with ZipFile(file) as archive:
                arrays = [name for name in archive.namelist() if name.endswith(".npy")]
                hashed.update(b"".join(sorted(blake2b(archive.read(name)).digest() for name in arrays)))
        else:
            hashed.update(file.read_bytes())
    return hashed.hexdigest()


def header(model: TopicModel) -> dict[str, Any]:
    """Return what `model.json` says."""
    return {
        "format": FORMAT,
        "mode": model.mode,
        "topics": list(model.topics),
        "head": "linear" if isinstance(model.head, LinearHead) else "estimators",
        "features": [describe(part) for part in model.vectorizers],
        "info": dict(model.info),
    }


def load(folder: Path) -> TopicModel:
    """Read a model; raise `InputError` with one line that says what is wrong with it."""
    head = read_header(folder)
    known = head.get("format")
    check(type(known) is int and known == FORMAT, folder, f"format {known!r:.40}; this version reads {FORMAT}")
    topics: Any = head.get("topics")
    good = isinstance(topics, list) and all(isinstance(topic, str) for topic in topics)
    check(good, folder, "topics are no list of names")
    good = 0 < len(topics) <= MAX_TOPICS and len(set(topics)) == len(topics)
    check(good, folder, "topics are none, too many or repeated")
    check(head.get("mode") in MODES, folder, f"mode {head.get('mode')!r:.40}")
    parts: Any = head.get("features")
    check(isinstance(parts, list) and 0 < len(parts) <= MAX_BLOCKS, folder, "features are no list")
    vectorizers = tuple(read_vectorizer(folder, number, part) for number, part in enumerate(parts))
    thresholds = read_array(folder, "thresholds.npy", np.float64, (len(topics),))
    info: Any = head.get("info")
    check(isinstance(info, dict), folder, "info is no object")
    width = sum(part.lookup.width for part in vectorizers)
    fitted = read_head(folder, head.get("head"), len(topics), width)
    return TopicModel(tuple(topics), head["mode"], vectorizers, fitted, thresholds, info)


def check(holds: bool, folder: Path, problem: str) -> None:
    """Raise `InputError` unless something holds."""
    if not holds:
        raise InputError(f"model {folder}: {problem}")


def read_header(folder: Path) -> dict[str, Any]:
    """Return the object in `model.json`."""
    file = regular_file(folder, HEADER)
    check(file.stat().st_size <= MAX_HEADER, folder, f"{HEADER} is larger than {MAX_HEADER} bytes")
    try:
        found = json.loads(file.read_text(encoding="utf-8"), parse_constant=lambda name: 1 / 0)
    except (ValueError, RecursionError, ZeroDivisionError) as error:
        raise InputError(f"model {folder}: {HEADER} is no JSON that we read: {str(error)[:80]}") from error
    check(isinstance(found, dict), folder, f"{HEADER} holds no object")
    return found  # type: ignore[no-any-return]


def regular_file(folder: Path, name: str) -> Path:
    """Return a file of the model; raise `InputError` when it is not there, or a link out of the folder."""
    file = folder / name
    if file.is_symlink() or not file.is_file():
        raise InputError(
            f"model {folder}: {'a link stands in place of' if file.is_symlink() else 'there is no'} {name}"
        )
    return file


def read_array(folder: Path, name: str, dtype: Any, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array of exactly this type and shape, finite; its size is checked before anything is allocated."""
    with regular_file(folder, name).open("rb") as stream:
        try:
            found, fortran, kind = read_array_header(stream, os.fstat(stream.fileno()).st_size)
        except ValueError as error:
            raise InputError(f"model {folder}: {name} is no NumPy array: {error}") from error
        check(kind == np.dtype(dtype), folder, f"{name} holds {kind!s:.40}, not {np.dtype(dtype)}")
        check(found == shape and not fortran, folder, f"{name} has shape {found!s:.40}, not {shape} in the order of C")
        array = np.fromfile(stream, dtype=kind).reshape(shape)
    check(kind.kind != "f" or bool(np.isfinite(array).all()), folder, f"{name} holds numbers that are not finite")
    return array


def read_array_header(stream: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return what NumPy's header says of an array: shape, whether columns come first, and type.

    Raises ValueError unless header and array take `size` bytes, so that no array is larger than its file.
    """
    try:
        version = np.lib.format.read_magic(stream)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        with warnings.catch_warnings():  # ours are not written by Python 2, whose headers NumPy mends and warns of
            warnings.simplefilter("error")
            shape, fortran, kind = np.lib.format.read_array_header_1_0(stream, max_header_size=1000)
    except Exception as error:  # NumPy reads the header as a Python literal: bytes by chance fail there in many ways
        raise ValueError(f"no header: {' '.join(str(error).split())[:60]}") from error
    if kind.hasobject or not kind.isnative or any(type(n) is not int or n < 0 for n in shape):
        raise ValueError(f"type {kind!s:.40} or shape {shape!s:.40}; allowed: plain numbers")
    if size - stream.tell() != math.prod(shape) * kind.itemsize:
        raise ValueError("its size is not what its shape says")
    return shape, bool(fortran), kind


def read_vectorizer(folder: Path, number: int, part: Any) -> Vectorizer:
    """Return one vectorizer, its description and its vocabulary checked."""
    where = f"features {number}"
    check(isinstance(part, dict) and isinstance(part.get("name"), str), folder, f"{where} are no object with a name")
    for key in ("lowercase", "idf", "sublinear_tf", "binary"):
        check(isinstance(part.get(key), bool), folder, f"{where}: {key} is neither true nor false")
    check(
        part.get("analyzer") in ANALYZERS and part.get("norm", 0) in NORMS and part.get("strip_accents", 0) in ACCENTS,
        folder,
        f"{where}: an unknown option",
    )
    size = part.get("terms")
    check(type(size) is int and 0 < size < 2**31, folder, f"{where}: {size!r:.40} terms")
    ngrams = read_ngrams(folder, where, part)
    idf = read_array(folder, f"idf_{number}.npy", np.float64, (size,)) if part["idf"] else None
    lookup: Lookup | Hashed
    if "alternate_sign" in part:
        check(isinstance(part["alternate_sign"], bool), folder, f"{where}: alternate_sign is neither true nor false")
        check(not part["idf"] and not part["sublinear_tf"], folder, f"{where}: hashed features have counts alone")
        lookup = Hashed(ngrams, size, part["alternate_sign"])
    else:
        lookup = Lookup(ngrams, read_terms(folder, number, size))
    return Vectorizer(part["name"], lookup, idf, part["sublinear_tf"], part["binary"], part["norm"])


def read_ngrams(folder: Path, where: str, part: Mapping[str, Any]) -> Ngrams:
    """Return how a vectorizer counts, from its checked description; a token pattern must be a plain run of letters."""
    from slugline.ngrams.rows import shortest_word

    bounds: Any = part.get("ngram_range")
    words: Any = part.get("stop_words")
    pattern: Any = part.get("token_pattern")
    good = isinstance(bounds, list) and len(bounds) == 2 and all(type(n) is int for n in bounds)
    check(good and 1 <= bounds[0] <= bounds[1] <= MAX_NGRAM, folder, f"{where}: ngram_range {bounds!r:.40}")
    good = isinstance(words, list) and all(isinstance(word, str) for word in words)
    check(good, folder, f"{where}: stop_words are no list of words")
    good = isinstance(pattern, str) and shortest_word(pattern) is not None
    check(good, folder, f"{where}: token_pattern {pattern!r:.40}")
    accents, lowercase = part["strip_accents"], part["lowercase"]
    return Ngrams(part["analyzer"], (bounds[0], bounds[1]), lowercase, accents, pattern, frozenset(words))


def read_terms(folder: Path, number: int, size: int) -> pa.BinaryArray:
    """Return a vocabulary: sorted, unique, in UTF-8 (lone surrogates allowed, as in Python's strings)."""
    offsets = read_array(folder, f"offsets_{number}.npy", np.int32, (size + 1,))
    check(
        offsets[0] == 0 and bool((offsets[1:] > offsets[:-1]).all()), folder, f"offsets_{number}.npy are not ascending"
    )
    data = read_array(folder, f"terms_{number}.npy", np.uint8, (int(offsets[-1]),))
    try:
        data.tobytes().decode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        raise InputError(f"model {folder}: terms_{number}.npy are not UTF-8: {error.reason}") from error
    starts = data[offsets[:-1]]
    check(bool((starts & 0xC0 != 0x80).all()), folder, f"offsets_{number}.npy cut a character")
    terms = pa.Array.from_buffers(pa.binary(), size, [None, pa.py_buffer(offsets), pa.py_buffer(data)])
    rising = pc.all(pc.less(terms[:-1], terms[1:])).as_py() if size > 1 else True
    check(bool(rising), folder, f"terms_{number}.npy are not sorted and unique")
    return terms


def read_head(folder: Path, kind: Any, topics: int, features: int) -> Head:
    """Return the head: arrays, or estimators of scikit-learn that our own list allows."""
    if kind == "linear":
        weights = read_array(folder, "weights.npy", np.float32, (topics, features))
        return LinearHead(weights, read_array(folder, "intercept.npy", np.float64, (topics,)))
    check(kind == "estimators", folder, f"head {kind!r:.40}")
    from slugline.model.estimators import load_estimators

    head: EstimatorHead = load_estimators(folder, topics, features)
    return head
