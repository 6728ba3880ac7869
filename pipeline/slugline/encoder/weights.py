"""The weights of a sentence encoder as plain arrays, checked against a constant list of architectures.

BERT (Devlin et al., 2019: MiniLM, bge, e5, gte) and MPNet (Song et al., 2020), whose positions are also relative.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, NoReturn

import numpy as np

from slugline.errors import InputError

ARCHITECTURES = ("bert", "mpnet")
POOLINGS = ("mean", "cls")
PRECISIONS = ("float32", "int8")
# Of a weight in int8: 7 bits, so that 16 bits hold the sum of two products with 8 bits, as some processors take them
STEPS = 63
_WORD_STEPS = 127  # of a word embedding, which is not multiplied
# The linear maps of a layer: what goes in and what comes out
MAPS = {
    "query": ("hidden", "hidden"),
    "key": ("hidden", "hidden"),
    "value": ("hidden", "hidden"),
    "attention": ("hidden", "hidden"),
    "intermediate": ("hidden", "intermediate"),
    "output": ("intermediate", "hidden"),
}
NORMS = ("attention_norm", "output_norm")
_LIMITS = {  # far above every encoder that a laptop can run
    "vocabulary": 1 << 21,
    "hidden": 1 << 13,
    "layers": 64,
    "heads": 128,
    "intermediate": 1 << 15,
    "positions": 1 << 16,
    "token_types": 16,
    "relative_buckets": 1 << 10,
}
_MAX_NUMBERS = 1 << 30  # of all arrays together: 4 GB in float32


@dataclass(frozen=True)
class EncoderConfig:
    """The sizes of an encoder.

    Parameters
    ----------
    architecture : {"bert", "mpnet"}
        The kind of encoder.
    vocabulary, hidden, layers, heads, intermediate, positions : int
        Rows of the word embeddings, length of a vector, number of layers and of attention heads in each, inner length
        of the feed-forward part, and rows of the position embeddings.
    token_types : int
        Rows of BERT's token type embeddings; only the first is used. 0 for MPNet.
    relative_buckets : int
        Buckets of MPNet's relative positions; 0 for BERT.
    layer_norm_eps : float
        Added to a variance before its root is taken.
    pooling : {"mean", "cls"}
        The vector of a sentence: the mean over its tokens, or that of the first.
    """

    architecture: str
    vocabulary: int
    hidden: int
    layers: int
    heads: int
    intermediate: int
    positions: int
    token_types: int = 2
    relative_buckets: int = 0
    layer_norm_eps: float = 1e-12
    pooling: str = "mean"

    def __post_init__(self) -> None:
        _check_choice("architecture", self.architecture, ARCHITECTURES)
        _check_choice("pooling", self.pooling, POOLINGS)
        is_bert = self.architecture == "bert"
        for name, limit in _LIMITS.items():
            least = int(name != ("relative_buckets" if is_bert else "token_types"))
            value = getattr(self, name)
            if type(value) is not int or not least <= value <= (limit if least else 0):
                _refuse(f"{name} is {value!r:.40}; allowed: {f'{least} to {limit}' if least else '0'}")
        if self.hidden % self.heads:
            _refuse(f"{self.heads} heads do not divide {self.hidden}, the length of a vector")
        if self.first_position >= self.positions - 1:
            _refuse(f"{self.positions} positions are too few")
        if not is_bert and self.relative_buckets < 4:
            _refuse(f"relative_buckets is {self.relative_buckets}; allowed: from 4")
        eps = self.layer_norm_eps
        if not isinstance(eps, float) or not 0 < eps < 1:
            _refuse(f"layer_norm_eps is {eps!r:.40}; allowed: between 0 and 1")
        if (count := sum(map(math.prod, self.shapes().values()))) > _MAX_NUMBERS:
            _refuse(f"{count} numbers; allowed: at most {_MAX_NUMBERS}")

    @property
    def first_position(self) -> int:
        """The row of the position embeddings for the first token: MPNet leaves two out."""
        return 2 if self.architecture == "mpnet" else 0

    @property
    def max_length(self) -> int:
        """The most tokens that there are positions for."""
        return self.positions - self.first_position

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the names of all arrays, in their order, and their shapes.

        A linear map has `weight` of shape (out, in), as in PyTorch, and `bias` (out,).

        Examples
        --------
        >>> config = EncoderConfig("bert", 100, 8, 1, 2, 16, 32)
        >>> list(config.shapes().items())[:3]
        [('word', (100, 8)), ('position', (32, 8)), ('token_type', (2, 8))]
        """
        shapes: dict[str, tuple[int, ...]] = {
            "word": (self.vocabulary, self.hidden),
            "position": (self.positions, self.hidden),
        }
        if self.architecture == "bert":
            shapes["token_type"] = (self.token_types, self.hidden)
        else:
            shapes["relative_bias"] = (self.relative_buckets, self.heads)
        shapes |= {f"norm.{part}": (self.hidden,) for part in ("weight", "bias")}
        for layer in range(self.layers):
            for name, (inner, outer) in MAPS.items():
                shapes[f"layer.{layer}.{name}.weight"] = (getattr(self, outer), getattr(self, inner))
                shapes[f"layer.{layer}.{name}.bias"] = (getattr(self, outer),)
            shapes |= {f"layer.{layer}.{name}.{part}": (self.hidden,) for name in NORMS for part in ("weight", "bias")}
        return shapes

    def layout(self, precision: str = "float32") -> dict[str, tuple[tuple[int, ...], np.dtype[Any]]]:
        """Return the names of all arrays in a precision, their shapes and their types."""
        single, byte = np.dtype(np.float32), np.dtype(np.int8)
        layout: dict[str, tuple[tuple[int, ...], np.dtype[Any]]] = {}
        for name, shape in self.shapes().items():
            is_byte = precision == "int8" and _is_large(name)
            layout[name] = (shape, byte if is_byte else single)
            if is_byte:
                layout[f"{name}.scale"] = (shape[:1], single)
        return layout


@dataclass(frozen=True, eq=False)
class EncoderWeights:
    """An encoder: its sizes, and its arrays, all checked.

    Parameters
    ----------
    config : EncoderConfig
        The sizes.
    arrays : mapping of str to ndarray
        By the names of `layout`: float32; with precision "int8", word embeddings and the weights of linear maps are
        int8, each with a `scale` (rows,) of float32 beside it.
    precision : {"float32", "int8"}
        Of the large arrays.
    """

    config: EncoderConfig
    arrays: Mapping[str, np.ndarray]
    precision: str = "float32"

    def __post_init__(self) -> None:
        _check_choice("precision", self.precision, PRECISIONS)
        layout = self.config.layout(self.precision)
        if missing := [name for name in layout if name not in self.arrays]:
            _refuse(f"there is no {missing[0]}")
        if unknown := [name for name in self.arrays if name not in layout]:
            _refuse(f"{unknown[0]!r:.80} is no array of {self.config.architecture}")
        for name, (shape, dtype) in layout.items():
            array = self.arrays[name]
            if array.shape != shape or array.dtype != dtype:
                _refuse(f"{name} is {array.dtype} {array.shape}; allowed: {dtype} {shape}")
            if array.dtype != np.int8 and not np.isfinite(array).all():
                _refuse(f"{name} holds numbers that are not finite")
            steps = _steps(name)
            if array.dtype == np.int8 and (array.min() < -steps or array.max() > steps):
                _refuse(f"{name} holds numbers beyond {steps}")

    def quantize(self) -> "EncoderWeights":
        """Return the encoder in int8: a fourth of the size."""
        if self.precision == "int8":
            return self
        arrays: dict[str, np.ndarray] = {}
        for name, array in self.arrays.items():
            if _is_large(name):
                scale = np.maximum(np.abs(array).max(axis=1), np.float32(1e-12)) / np.float32(_steps(name))
                arrays[name] = np.rint(array / scale[:, None]).astype(np.int8)
                arrays[f"{name}.scale"] = scale
            else:
                arrays[name] = array
        return EncoderWeights(self.config, arrays, "int8")

    def digest(self) -> str:
        """Return 32 hexadecimal digits for sizes and arrays."""
        hashed = blake2b(f"{self.config!r} {self.precision}".encode(), digest_size=16)
        for name in self.config.layout(self.precision):
            hashed.update(np.ascontiguousarray(self.arrays[name]).data)
        return hashed.hexdigest()


def check_precision(precision: object) -> None:
    """Raise `InputError` for a precision that there is not."""
    if precision not in PRECISIONS:
        raise InputError(f"precision: {precision!r:.40}; allowed: {', '.join(PRECISIONS)}")


def _steps(name: str) -> int:
    """Return the largest number of an array in int8."""
    return _WORD_STEPS if name == "word" else STEPS


def _is_large(name: str) -> bool:
    """Tell whether an array is int8 in that precision."""
    return name == "word" or (name.startswith("layer.") and name.split(".")[2] in MAPS and name.endswith(".weight"))


def _check_choice(name: str, value: object, allowed: tuple[str, ...]) -> None:
    """Raise `InputError` unless a value is allowed."""
    if value not in allowed:
        _refuse(f"{name} is {value!r:.40}; allowed: {', '.join(allowed)}")


def _refuse(problem: str) -> NoReturn:
    """Raise `InputError`."""
    raise InputError(f"encoder: {problem}")
