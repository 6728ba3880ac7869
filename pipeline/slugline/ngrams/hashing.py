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
from slugline.ngrams.lookup import fit_count
from slugline.ngrams.rows import Ngrams
from slugline.ngrams.threads import cut_texts, each

T = TypeVar("T")
U32 = NDArray[np.uint32]


@dataclass(frozen=True)
class Hashed:
    """Count n-grams in `n_features` columns that their hashes give; with a sign if `alternate_sign`."""

    ngrams: Ngrams
    n_features: int
    alternate_sign: bool = True

    @property
    def width(self) -> int:
        """How many columns there are."""
        return self.n_features

    def names(self) -> list[str]:
        """Return what columns are called: their n-grams are not known."""
        return [f"#{column}" for column in range(self.n_features)]

    def count(self, texts: Sequence[str], dtype: DTypeLike = np.int64) -> csr_array:
        """Count the n-grams of each text: a matrix of (texts, n_features) with sorted indices."""
        return csr_array(vstack(self.each_chunk(texts, lambda counts: counts), format="csr").astype(dtype))

    def each_chunk(self, texts: Sequence[str], use: Callable[[csr_array], T]) -> list[T]:
        """Count the n-grams of each chunk of texts, hand the counts on, and return what comes of them, in order."""
        return each(lambda chunk: use(self._count_chunk(chunk)), cut_texts(texts))

    def _count_chunk(self, texts: Sequence[str]) -> csr_array:
        shape = (len(texts), self.n_features)
        try:
            counts, terms = fit_count(self.ngrams, texts, dtype=np.int32)
        except ValueError:  # no text has any n-gram
            return csr_array(shape, dtype=np.int32)
        hashes = murmur3(terms)
        columns = (np.abs(hashes.astype(np.int64)) % self.n_features).astype(counts.indices.dtype)
        signs = np.where(hashes >= 0, 1, -1).astype(np.int32) if self.alternate_sign else np.ones(len(terms), np.int32)
        found = csr_array((counts.data * signs[counts.indices], columns[counts.indices], counts.indptr), shape=shape)
        found.sum_duplicates()
        return found


def murmur3(terms: pa.BinaryArray) -> NDArray[np.int32]:
    """Return MurmurHash3 (x86, 32 bits, seed 0) of each term as signed numbers.

    The algorithm is Austin Appleby's, https://github.com/aappleby/smhasher, in the public domain; here block by block
    over all terms at once.
    """
    lengths = to_numpy(pc.binary_length(terms))
    data = np.frombuffer(b"".join(terms.to_pylist()) + bytes(4), np.uint8)
    starts = np.cumsum(lengths) - lengths
    hashes = np.zeros(len(terms), np.uint32)
    for block in range(int(lengths.max(initial=0)) // 4):
        at = np.flatnonzero(lengths >= 4 * (block + 1))
        mixed = hashes[at] ^ _scrambled(_word(data, starts[at] + 4 * block))
        hashes[at] = _rotated(mixed, 13) * np.uint32(5) + np.uint32(0xE6546B64)
    rest = lengths % 4
    tail = _word(data, starts + lengths - rest) & ((np.uint32(1) << (rest * 8).astype(np.uint32)) - np.uint32(1))
    hashes ^= np.where(rest > 0, _scrambled(tail), np.uint32(0)) ^ lengths.astype(np.uint32)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashes = (hashes ^ hashes >> np.uint32(shift)) * np.uint32(factor)
    return (hashes ^ hashes >> np.uint32(16)).view(np.int32)


def _word(data: NDArray[np.uint8], at: NDArray[np.int64]) -> U32:
    """Read four bytes at each place, the lowest first."""
    one, two, three, four = (data[at + byte].astype(np.uint32) << np.uint32(8 * byte) for byte in range(4))
    return np.asarray(one | two | three | four)


def _scrambled(words: U32) -> U32:
    return _rotated(words * np.uint32(0xCC9E2D51), 15) * np.uint32(0x1B873593)


def _rotated(words: U32, by: int) -> U32:
    return words << np.uint32(by) | words >> np.uint32(32 - by)
