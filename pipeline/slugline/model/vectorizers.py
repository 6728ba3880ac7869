"""TF-IDF as data, a vocabulary and its weights, and the features of several vectorizers together. No scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, asdict, dataclass, fields
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array, hstack

from slugline.data.context import Context
from slugline.errors import InputError
from slugline.model.context_features import alone
from slugline.model.encoder_features import EncoderFeatures
from slugline.model.features import Features
from slugline.ngrams import HashingCounter, NgramOptions, VocabularyCounter, minimum_word_length


@dataclass(frozen=True)
class Vectorizer:
    """TF-IDF over fixed columns, with the formulas and options of scikit-learn's `TfidfVectorizer`.

    `idf` are float64 (terms,), or None for plain counts.
    """

    kind: ClassVar[str] = "ngrams"
    name: str
    counter: VocabularyCounter | HashingCounter
    idf: np.ndarray | None
    _: KW_ONLY
    sublinear_tf: bool = False
    binary: bool = False
    norm: str | None = "l2"

    def transform(self, texts: Sequence[str], context: Context | None = None) -> csr_array:
        """Return the features of texts, shape (texts, terms), float64."""
        return normalize(self._weigh(self.counter.count(texts, np.int32)), self.norm)

    def times_weights(self, texts: Sequence[str], weights: np.ndarray, context: Context | None = None) -> np.ndarray:
        """Return `transform(texts) @ weights` (texts, topics) without building the features of all texts at once."""

        def multiply_chunk(counts: csr_array) -> np.ndarray:
            X = self._weigh(counts)
            products = np.asarray(X @ weights)
            return products if self.norm is None else products / _row_lengths(X, self.norm)[:, None]

        return np.concatenate(self.counter.map_chunks(texts, multiply_chunk))

    def _weigh(self, counts: csr_array) -> csr_array:
        """Turn counts into term frequencies times idf, not normalised."""
        if self.binary:
            tf = np.ones(counts.nnz)  # sublinear_tf changes nothing: log(1) is 0
        elif self.sublinear_tf:
            # There are few distinct counts, so each logarithm is taken once
            logarithms = np.log(np.arange(1.0, counts.data.max(initial=0) + 1.0)) + 1.0
            tf = logarithms[counts.data - 1]
        else:
            tf = counts.data.astype(np.float64)
        if self.idf is not None:
            tf *= self.idf[counts.indices]
        return csr_array((tf, counts.indices, counts.indptr), shape=counts.shape)

    def terms(self) -> list[str]:
        """Return the names of the features: the vocabulary, or `#0`, `#1`, ... of hashed features."""
        return self.counter.feature_names()

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return self.counter.n_features

    def size(self) -> str:
        """Return how many features there are, with their unit."""
        return f"{self.n_features:,} {'terms' if isinstance(self.counter, VocabularyCounter) else 'hashed columns'}"

    def describe(self) -> dict[str, Any]:
        """Return how the texts are counted and weighed, in the order of saved models."""
        counter = self.counter
        description = {
            "name": self.name,
            "terms": counter.n_features,
            **asdict(counter.options),
            "idf": self.idf is not None,
            "sublinear_tf": self.sublinear_tf,
            "binary": self.binary,
            "norm": self.norm,
        }
        description["ngram_range"] = list(counter.options.ngram_range)
        description["stop_words"] = sorted(counter.options.stop_words)
        if isinstance(counter, HashingCounter):
            description["alternate_sign"] = counter.alternate_sign
        return description

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return what was learned: `offsets` and `terms` of the vocabulary, `idf`, each where there is one."""
        arrays = {} if self.idf is None else {"idf": self.idf}
        if isinstance(self.counter, VocabularyCounter):
            arrays["offsets"], arrays["terms"] = self.counter.to_buffers()
        return arrays


def normalize(X: csr_array, norm: str | None) -> csr_array:
    """Scale the rows to length 1 in place, in the l1 or l2 norm; empty rows and a norm of None change nothing."""
    if norm is not None:
        X.data /= np.repeat(_row_lengths(X, norm), np.diff(X.indptr))
    return X


def _row_lengths(X: csr_array, norm: str) -> np.ndarray:
    """Return the length of each row in the l1 or l2 norm, 1 for an empty one, shape (rows,)."""
    lengths, is_filled = np.ones(X.shape[0]), np.diff(X.indptr) > 0
    if X.nnz:
        sums = np.add.reduceat(np.abs(X.data) if norm == "l1" else X.data**2, X.indptr[:-1][is_filled])
        lengths[is_filled] = sums if norm == "l1" else np.sqrt(sums)
    return lengths


def transform_all(vectorizers: Sequence[Features], texts: Sequence[str], context: Context | None = None) -> csr_array:
    """Return the features of all vectorizers side by side, shape (texts, terms); without context texts stand alone."""
    return side_by_side([part.transform(texts, context) for part in vectorizers])


def side_by_side(blocks: Sequence[csr_array]) -> csr_array:
    """Join the features of several vectorizers into one matrix."""
    return blocks[0] if len(blocks) == 1 else csr_array(hstack(blocks, format="csr"))


def all_times_weights(
    vectorizers: Sequence[Features], texts: Sequence[str], weights: np.ndarray, context: Context | None = None
) -> np.ndarray:
    """Return `transform_all(vectorizers, texts, context) @ weights` (texts, topics) for weights (terms, topics)."""
    ends = np.cumsum([vectorizer.n_features for vectorizer in vectorizers])
    weights_by_vectorizer = np.split(weights, ends[:-1])
    pairs = zip(vectorizers, weights_by_vectorizer, strict=True)
    return np.asarray(sum(part.times_weights(texts, own, context) for part, own in pairs))


def count_words(vectorizers: Sequence[Features], texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray | None]:
    """Count the words of each text, and those that are unknown to the model, each shape (texts,).

    The first vectorizer of words decides; where there is none, words are separated by blanks, and the second array is
    None.
    """
    for vectorizer in map(alone, vectorizers):
        if not isinstance(vectorizer, Vectorizer) or vectorizer.counter.options.analyzer != "word":
            continue
        if isinstance(vectorizer.counter, VocabularyCounter):
            return vectorizer.counter.count_words(texts)
    return np.array([len(text.split()) for text in texts], np.int64), None


def check_vectorizer(name: str, vectorizer: Any) -> None:
    """Raise `InputError` for a vectorizer that no model can hold, fitted or not.

    An estimator of ours says so itself, by `check_options`. Of others that is one with a function for its analyzer,
    preprocessor, tokenizer or accent stripper, or with a token pattern that could take for ever on some text.
    """
    if hasattr(vectorizer, "check_options"):
        try:
            vectorizer.check_options()
        except InputError as error:
            raise InputError(f"features.{name}: {error}") from error
        return
    options = {
        key: getattr(vectorizer, key, None) for key in ("analyzer", "strip_accents", "preprocessor", "tokenizer")
    }
    if any(map(callable, options.values())):
        problem = "a function in place of the analyzer cannot be saved"
        raise InputError(f"features.{name}: {problem}; allowed: word, char, char_wb")
    pattern = getattr(vectorizer, "token_pattern", None)
    if options["analyzer"] == "word" and (not isinstance(pattern, str) or minimum_word_length(pattern) is None):
        allowed = r"(?u)\b\w\w+\b with one \w or more"
        raise InputError(f"features.{name}.token_pattern: found {pattern!r:.80}; allowed: {allowed}")


def from_estimator(name: str, fitted: Any) -> Features:
    """Extract the data from a fitted vectorizer of counts, TF-IDF or hashes, scikit-learn's or ours, or an encoder.

    What has an `encoder_`, a `TextEncoder`, and its `weight` becomes `EncoderFeatures`.

    Raises `InputError` as `check_vectorizer` does.
    """
    check_vectorizer(name, fitted)
    if hasattr(fitted, "encoder_"):
        return EncoderFeatures(name, fitted.encoder_, float(fitted.weight))
    stop_words = fitted.get_stop_words() if fitted.analyzer == "word" else None
    named = {key: getattr(fitted, key) for key in ("strip_accents", "token_pattern")}
    named |= {"lowercase": bool(fitted.lowercase), "stop_words": frozenset(stop_words or ())}
    options = NgramOptions(fitted.analyzer, tuple(fitted.ngram_range), **named)
    if hasattr(fitted, "n_features"):
        hashing = HashingCounter(options, int(fitted.n_features), bool(fitted.alternate_sign))
        return Vectorizer(name, hashing, None, binary=bool(fitted.binary), norm=fitted.norm)

    vocabulary, binary = fitted.vocabulary_, bool(fitted.binary)
    counter = VocabularyCounter.from_terms(options, sorted(vocabulary, key=vocabulary.__getitem__))
    if not hasattr(fitted, "idf_"):
        return Vectorizer(name, counter, None, binary=binary, norm=None)
    idf = np.asarray(fitted.idf_, dtype=np.float64) if fitted.use_idf else None
    return Vectorizer(name, counter, idf, sublinear_tf=bool(fitted.sublinear_tf), binary=binary, norm=fitted.norm)


def to_values(features: Features) -> dict[str, Any]:
    """Return fitted features as a description and arrays."""
    return {"vectorizer": features.describe(), **features.to_arrays()}


def from_values(values: Mapping[str, Any]) -> Vectorizer:
    """Return the features of `to_values`, unchecked; `store.load_model` checks what a stranger may have written."""
    description = values["vectorizer"]
    options = {field.name: description[field.name] for field in fields(NgramOptions)}
    options |= {"ngram_range": tuple(options["ngram_range"]), "stop_words": frozenset(options["stop_words"])}

    counter: VocabularyCounter | HashingCounter
    if "alternate_sign" in description:
        counter = HashingCounter(NgramOptions(**options), description["terms"], description["alternate_sign"])
    else:
        counter = VocabularyCounter.from_buffers(NgramOptions(**options), values["offsets"], values["terms"])
    weighing = {key: description[key] for key in ("sublinear_tf", "binary", "norm")}
    return Vectorizer(description["name"], counter, values.get("idf"), **weighing)
