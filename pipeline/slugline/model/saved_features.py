"""Features of a saved model, by their kind: what a stranger may have written is checked before it is believed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from slugline.errors import InputError, one_line
from slugline.model.checked_files import check, check_choice, read_array, show
from slugline.model.context_features import ContextFeatures, Neighbours
from slugline.model.encoder_features import EncoderFeatures, read_encoder_features
from slugline.model.features import Features
from slugline.model.rule_votes import RuleFeatures, read_rules
from slugline.model.vectorizers import Vectorizer, from_values
from slugline.ngrams import NgramOptions, VocabularyCounter, minimum_word_length

KINDS = (Vectorizer.kind, EncoderFeatures.kind, RuleFeatures.kind, ContextFeatures.kind)
_MAX_NGRAM = 64
_OPTIONS = {
    "analyzer": ("word", "char", "char_wb"),
    "norm": ("l1", "l2", None),
    "strip_accents": ("ascii", "unicode", None),
}


def read_features(folder: Path, number: int, description: Any) -> Features:
    """Return one entry of a model's features, its description and its arrays checked."""
    where = f"features {number}"
    is_named = isinstance(description, dict) and isinstance(description.get("name"), str)
    check(is_named, folder, f"{where} are not an object with a name")
    kind = description.get("kind", Vectorizer.kind)
    check_choice(folder, f"{where}: kind", kind, KINDS)
    if kind == EncoderFeatures.kind:
        return read_encoder_features(folder, number, description)
    if kind == RuleFeatures.kind:
        return _read_rules(folder, where, description)
    if kind == ContextFeatures.kind:
        return _read_context(folder, number, description)
    return _read_ngrams(folder, number, description)


def _read_context(folder: Path, number: int, description: dict[str, Any]) -> ContextFeatures:
    """Return features of a sentence and what stands beside it, those of a text checked."""
    where = f"features {number}"
    inner: Any = description.get("inner")
    weight: Any = description.get("weight")
    is_inner = isinstance(inner, dict) and inner.get("kind") != ContextFeatures.kind
    check(is_inner, folder, f"{where}: inner are not features of a text")
    check(type(weight) in (int, float), folder, f"{where}: weight {show(weight)}; allowed: a number above 0")
    try:
        weight = Neighbours(float(weight)).weight
    except InputError as error:
        raise InputError(f"model {folder}: {where}: {one_line(error, 200)}") from error
    return ContextFeatures(read_features(folder, number, inner), weight)


def _read_rules(folder: Path, where: str, description: dict[str, Any]) -> RuleFeatures:
    """Return rules, each checked as those of a taxonomy are."""
    try:
        return read_rules(description)
    except InputError as error:
        raise InputError(f"model {folder}: {where}: {one_line(error, 200)}") from error


def _read_ngrams(folder: Path, number: int, description: dict[str, Any]) -> Vectorizer:
    """Return a vectorizer, its vocabulary checked."""
    where = f"features {number}"
    for key in ("lowercase", "idf", "sublinear_tf", "binary"):
        check(isinstance(description.get(key), bool), folder, f"{where}: {key} is neither true nor false")
    for key, allowed in _OPTIONS.items():
        check(key in description, folder, f"{where}: there is no {key}")
        check_choice(folder, f"{where}: {key}", description[key], allowed)

    size: Any = description.get("terms")
    is_size = type(size) is int and 0 < size < 2**31
    check(is_size, folder, f"{where}: {show(size)} terms; allowed: 1 to {2**31 - 1}")
    _check_ngrams(folder, where, description)

    values: dict[str, Any] = {"vectorizer": description}
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
    check(is_range, folder, f"{where}: ngram_range {show(bounds)}; allowed: {allowed}")

    words: Any = description.get("stop_words")
    are_words = isinstance(words, list) and all(isinstance(word, str) for word in words)
    check(are_words, folder, f"{where}: stop_words are not a list of words")

    pattern: Any = description.get("token_pattern")
    is_plain = isinstance(pattern, str) and minimum_word_length(pattern) is not None
    check(is_plain, folder, rf"{where}: token_pattern {show(pattern)}; allowed: (?u)\b\w\w+\b with one \w or more")


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
