"""Vectors of a sentence encoder as features of a model: weights and vocabulary are saved as arrays of numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csr_array

from slugline.data.context import Context
from slugline.encoder import EncoderConfig, EncoderWeights, TextEncoder, WordPieces, check_tokenizers
from slugline.errors import InputError
from slugline.model.checked_files import check, read_array, show

_MAX_VOCABULARY = 64 << 20  # bytes
_CHUNK = 4096  # texts whose vectors are in memory together
_ARRAYS: dict[np.dtype[Any], str] = {np.dtype(np.int8): "encoder_bytes", np.dtype(np.float32): "encoder_floats"}


@dataclass(frozen=True)
class EncoderFeatures:
    """The vectors of texts, scaled to the length `weight`."""

    kind: ClassVar[str] = "encoder"
    norm: ClassVar[None] = None
    name: str
    encoder: TextEncoder
    weight: float = 1.0

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return self.encoder.weights.config.hidden

    def to_matrix(self, vectors: np.ndarray) -> csr_array:
        """Return vectors of length 1 as features, float64."""
        return csr_array(vectors.astype(np.float64) * self.weight)

    def transform(self, texts: Sequence[str], context: Context | None = None) -> csr_array:
        """Return the features of texts, shape (texts, dimensions), float64."""
        return self.to_matrix(self.encoder.encode(texts))

    def times_weights(self, texts: Sequence[str], weights: np.ndarray, context: Context | None = None) -> np.ndarray:
        """Return `transform(texts) @ weights`, shape (texts, topics)."""
        products = np.empty((len(texts), weights.shape[1]))
        for start in range(0, len(texts), _CHUNK):
            vectors = self.encoder.encode(texts[start : start + _CHUNK]).astype(np.float64)
            # A product with a matrix may add in another order for another number of rows
            products[start : start + _CHUNK] = np.einsum("ij,jk->ik", vectors, weights) * self.weight
        return products

    def terms(self) -> list[str]:
        """Return the names of the features."""
        return [f"dimension {number}" for number in range(self.n_features)]

    def size(self) -> str:
        """Return how many features there are, with their unit."""
        return f"{self.n_features:,} dimensions"

    def describe(self) -> dict[str, Any]:
        """Return sizes and options."""
        weights, tokenizer = self.encoder.weights, self.encoder.tokenizer
        return {
            "kind": self.kind,
            "name": self.name,
            "weight": float(self.weight),
            "max_length": self.encoder.max_length,
            "precision": weights.precision,
            "encoder": asdict(weights.config),
            "lowercase": tokenizer.lowercase,
            "strip_accents": tokenizer.strip_accents,
            "vocabulary_bytes": len(_join(tokenizer.pieces)),
        }

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return all arrays of a type as one, in the order of the layout, and the vocabulary as lines of UTF-8."""
        weights = self.encoder.weights
        joined = {"encoder_pieces": np.frombuffer(_join(self.encoder.tokenizer.pieces), np.uint8)}
        for dtype, name in _ARRAYS.items():
            parts = [weights.arrays[key].ravel() for key in _names(weights.config, weights.precision, dtype)]
            if parts:
                joined[name] = np.concatenate(parts)
        return joined


def read_encoder_features(folder: Path, number: int, description: Mapping[str, Any]) -> EncoderFeatures:
    """Return the features of a saved model, all checked."""
    where = f"features {number}"
    check_tokenizers()
    weight: Any = description.get("weight")
    max_length: Any = description.get("max_length")
    is_weight = isinstance(weight, float) and 0 < weight < 1000
    check(is_weight, folder, f"{where}: weight {show(weight)}; allowed: a number above 0")
    is_length = type(max_length) is int and 3 <= max_length < 1 << 16
    check(is_length, folder, f"{where}: max_length {show(max_length)}; allowed: a whole number from 3")
    lowercase: Any = description.get("lowercase")
    strip_accents: Any = description.get("strip_accents")
    are_flags = isinstance(lowercase, bool) and isinstance(strip_accents, bool | None)
    check(are_flags, folder, f"{where}: lowercase or strip_accents are neither true nor false")
    size: Any = description.get("vocabulary_bytes")
    is_size = type(size) is int and 0 < size <= _MAX_VOCABULARY
    check(is_size, folder, f"{where}: vocabulary_bytes {show(size)}; allowed: 1 to {_MAX_VOCABULARY}")
    try:
        weights = _read_weights(folder, number, description)
        data = read_array(folder, f"encoder_pieces_{number}.npy", np.uint8, (size,)).tobytes()
        # Counted before they are made: each takes far more than its byte in the file
        count, most = data.count(b"\n") + 1, weights.config.vocabulary
        check(count <= most, folder, f"{where}: {count} pieces; allowed: at most {most}")
        tokenizer = WordPieces(tuple(data.decode().split("\n")), lowercase, strip_accents)
        return EncoderFeatures(description["name"], TextEncoder(weights, tokenizer, max_length), weight)
    except (InputError, UnicodeDecodeError) as error:
        found = str(error)
        raise InputError(found if found.startswith("model ") else f"model {folder}: {where}: {found}") from error


def _read_weights(folder: Path, number: int, description: Mapping[str, Any]) -> EncoderWeights:
    """Return the weights of an encoder; no array is larger than its file."""
    sizes: Any = description.get("encoder")
    precision: Any = description.get("precision")
    names = [field.name for field in fields(EncoderConfig)]
    are_sizes = isinstance(sizes, dict) and sorted(sizes) == sorted(names)
    check(are_sizes, folder, f"features {number}: encoder has not the keys {', '.join(names)}")
    check(precision in ("int8", "float32"), folder, f"features {number}: precision {show(precision)}")
    config = EncoderConfig(**sizes)

    layout = config.layout(precision)
    arrays: dict[str, np.ndarray] = {}
    for dtype, name in _ARRAYS.items():
        keys = _names(config, precision, dtype)
        counts = [int(np.prod(layout[key][0])) for key in keys]
        if not keys:
            continue
        joined = read_array(folder, f"{name}_{number}.npy", dtype, (sum(counts),))
        parts = np.split(joined, np.cumsum(counts)[:-1])
        arrays |= {key: part.reshape(layout[key][0]) for key, part in zip(keys, parts, strict=True)}
    return EncoderWeights(config, arrays, precision)


def _names(config: EncoderConfig, precision: str, dtype: np.dtype[Any]) -> list[str]:
    """Return the names of the arrays of a type, in their order."""
    return [name for name, (_, own) in config.layout(precision).items() if own == dtype]


def _join(pieces: Sequence[str]) -> bytes:
    """Return a vocabulary as lines."""
    return "\n".join(pieces).encode()
