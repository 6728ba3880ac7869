"""Hashed n-grams: columns without a vocabulary, those of scikit-learn's `HashingVectorizer`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csr_array, vstack

from slugline.ngrams.arrow import to_numpy
from slugline.ngrams.fitting import fit_count
from slugline.ngrams.options import NgramOptions
from slugline.ngrams.threads import map_threads, split_texts

T = TypeVar("T")
_U32 = NDArray[np.uint32]


@dataclass(frozen=True)
class HashingCounter:
    """Count n-grams in `n_features` columns chosen by their hashes.

    With `alternate_sign`, an n-gram of negative hash counts as -1, so that n-grams that share a column cancel out on
    average.
    """

    options: NgramOptions
    n_features: int
    alternate_sign: bool = True

    def feature_names(self) -> list[str]:
        """Return `#0`, `#1`, ...: the n-grams of a column are not known."""
        return [f"#{column}" for column in range(self.n_features)]

    def count(self, texts: Sequence[str], dtype: DTypeLike = np.int64) -> csr_array:
        """Return the counts of the n-grams (texts, n_features), with sorted indices."""
        return csr_array(vstack(self.map_chunks(texts, lambda counts: counts), format="csr").astype(dtype))

    def map_chunks(self, texts: Sequence[str], function: Callable[[csr_array], T]) -> list[T]:
        """Count the n-grams in chunks of the texts and apply a function to the counts; see `VocabularyCounter`."""
        return map_threads(lambda chunk: function(self._count_chunk(chunk)), split_texts(texts))

    def _count_chunk(self, texts: Sequence[str]) -> csr_array:
        """Count the n-grams of one chunk of texts."""
        shape = (len(texts), self.n_features)
        try:
            counts, terms = fit_count(self.options, texts, dtype=np.int32)
        except ValueError:  # no text has any n-gram
            return csr_array(shape, dtype=np.int32)

        hashes = murmur3(terms)
        columns = (np.abs(hashes.astype(np.int64)) % self.n_features).astype(counts.indices.dtype)
        signs = np.ones(len(terms), np.int32)
        if self.alternate_sign:
            signs = np.where(hashes >= 0, 1, -1).astype(np.int32)
        hashed = csr_array((counts.data * signs[counts.indices], columns[counts.indices], counts.indptr), shape=shape)
        hashed.sum_duplicates()
        return hashed


def murmur3(terms: pa.BinaryArray) -> NDArray[np.int32]:
    """Return MurmurHash3 (x86, 32 bits, seed 0) of each term as signed numbers, shape (terms,).

    The algorithm is Austin Appleby's, https://github.com/aappleby/smhasher, in the public domain; here it runs block by
    block over all terms at once.
    """
    lengths = to_numpy(pc.binary_length(terms))
    data = np.frombuffer(b"".join(terms.to_pylist()) + bytes(4), np.uint8)
    starts = np.cumsum(lengths) - lengths

    # Whole blocks of four bytes
    hashes = np.zeros(len(terms), np.uint32)
    for block in range(int(lengths.max(initial=0)) // 4):
        longer = np.flatnonzero(lengths >= 4 * (block + 1))
        mixed = hashes[longer] ^ _scramble(_read_words(data, starts[longer] + 4 * block))
        hashes[longer] = _rotate(mixed, 13) * np.uint32(5) + np.uint32(0xE6546B64)

    # The one to three bytes that are left
    rest = lengths % 4
    mask = (np.uint32(1) << (rest * 8).astype(np.uint32)) - np.uint32(1)
    tail = _read_words(data, starts + lengths - rest) & mask
    hashes ^= np.where(rest > 0, _scramble(tail), np.uint32(0)) ^ lengths.astype(np.uint32)

    # The final mix
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashes = (hashes ^ hashes >> np.uint32(shift)) * np.uint32(factor)
    return (hashes ^ hashes >> np.uint32(16)).view(np.int32)


def _read_words(data: NDArray[np.uint8], positions: NDArray[np.int64]) -> _U32:
    """Read four bytes at each position as one number, the lowest byte first."""
    words = np.zeros(len(positions), np.uint32)
    for byte in range(4):
        words |= data[positions + byte].astype(np.uint32) << np.uint32(8 * byte)
    return words


def _scramble(words: _U32) -> _U32:
    """Scramble a block before it is mixed in."""
    return _rotate(words * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)


def _rotate(words: _U32, bits: int) -> _U32:
    """Rotate 32-bit words to the left."""
    return words << np.uint32(bits) | words >> np.uint32(32 - bits)
