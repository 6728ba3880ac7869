"""Texts become vectors: sentences of one length together, so that each has the same vector in whatever batch."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import numpy as np

from slugline.encoder.network import Run, run_in_numpy, run_in_onnxruntime
from slugline.encoder.weights import EncoderWeights
from slugline.encoder.wordpiece import WordPieces
from slugline.errors import InputError

_CHUNK = 4096  # texts that are tokenized at a time, among which lengths are the same
_MAX_DISTANCE = 128  # of relative positions in MPNet
# Numbers of attention, which are heads × tokens² for each text: of one text at most, and of a batch of several
_MAX_ATTENTION, _MAX_BATCH = 1 << 28, 1 << 26


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """Turns texts into vectors of length 1.

    Parameters
    ----------
    weights : EncoderWeights
        In either precision.
    tokenizer : WordPieces
        Its vocabulary.
    max_length : int
        Tokens of a text that are read, with the two at its edges.
    batch_size : int
        Texts that are run together, at most; it changes the speed and nothing else.
    """

    weights: EncoderWeights
    tokenizer: WordPieces
    max_length: int = 64
    batch_size: int = 32

    def __post_init__(self) -> None:
        if self._attention(self._limit) > _MAX_ATTENTION:
            most = int((_MAX_ATTENTION / self.weights.config.heads) ** 0.5)
            raise InputError(f"max_length: {self._limit}; allowed: at most {most} where there are as many heads")

    @property
    def _limit(self) -> int:
        """The most tokens of a text that are read."""
        return min(self.max_length, self.weights.config.max_length)

    def _attention(self, length: int) -> int:
        """Return how many numbers attention takes for a text of so many tokens."""
        return self.weights.config.heads * length**2

    def encode(self, texts: Sequence[str], on_texts: Callable[[int], object] | None = None) -> np.ndarray:
        """Return the vectors of texts, float32 (texts, hidden); `on_texts` is told how many more are done.

        Raises `InputError` where numbers of the weights are so large that a vector is none.
        """
        vectors = np.empty((len(texts), self.weights.config.hidden), np.float32)
        for start in range(0, len(texts), _CHUNK):
            ids = self.tokenizer.tokenize(texts[start : start + _CHUNK], self._limit)
            for rows in self._batches([len(row) for row in ids]):
                with np.errstate(all="ignore"):
                    vectors[start + rows] = self._encode_batch(np.array([ids[row] for row in rows]))
                if not np.isfinite(vectors[start + rows]).all():
                    raise InputError("an encoder gives numbers that are not finite: those of its weights are too large")
                if on_texts is not None:
                    on_texts(len(rows))
        return vectors

    def _batches(self, lengths: Sequence[int]) -> Iterator[np.ndarray]:
        """Give the rows of texts of one length, at most so many at a time."""
        order = np.argsort(lengths, kind="stable")
        for rows in np.split(order, np.flatnonzero(np.diff(np.asarray(lengths)[order])) + 1):
            size = max(1, min(self.batch_size, _MAX_BATCH // self._attention(lengths[rows[0]])))
            for start in range(0, len(rows), size):
                yield rows[start : start + size]

    def _encode_batch(self, ids: np.ndarray) -> np.ndarray:
        """Return the vectors of texts of one length."""
        config, arrays = self.weights.config, self.weights.arrays
        x = arrays["word"][ids].astype(np.float32)
        if "word.scale" in arrays:
            x *= arrays["word.scale"][ids][..., None]
        x += arrays["position"][config.first_position : config.first_position + ids.shape[1]]
        if "token_type" in arrays:
            x += arrays["token_type"][0]
        bias = arrays.get("relative_bias")
        states = self._run(x, None if bias is None else position_bias(bias, ids.shape[1]))
        vectors = states[:, 0] if config.pooling == "cls" else states.mean(axis=1)
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    def digest(self) -> str:
        """Return 32 hexadecimal digits for all that decides the vectors of texts."""
        tokenizer = self.tokenizer
        options = (self.weights.digest(), tokenizer.pieces, tokenizer.lowercase, tokenizer.strip_accents)
        return blake2b(repr((*options, self.max_length)).encode(), digest_size=16).hexdigest()

    @cached_property
    def _run(self) -> Run:
        return (run_in_numpy if library() == "NumPy" else run_in_onnxruntime)(self.weights)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name != "_run"}  # a session stays in its process


def library() -> str:
    """Return which library runs encoders here, with its version."""
    return f"onnxruntime {version('onnxruntime')}" if find_spec("onnxruntime") else "NumPy"


def position_bias(bias: np.ndarray, length: int) -> np.ndarray:
    """Return what MPNet adds to attention by the distance of two tokens, shape (1, heads, tokens, tokens).

    Distances have buckets of their own up to a quarter of all, then wider ones, as in T5 (Raffel et al., 2020).
    """
    half = len(bias) // 2
    distance = np.arange(length)[None, :] - np.arange(length)[:, None]
    size, near = np.abs(distance), half // 2
    logarithms = np.log(np.maximum(size, 1) / near) / np.log(_MAX_DISTANCE / near)
    wide = near + (logarithms * (half - near)).astype(np.int64)
    bucket = np.where(distance > 0, half, 0) + np.where(size < near, size, np.minimum(wide, half - 1))
    return np.ascontiguousarray(bias[bucket].transpose(2, 0, 1)[None])
