"""Count a fixed vocabulary of n-grams in many texts at once.

Only Arrow, NumPy and SciPy are used, and nothing loops over words or characters in Python. README.md explains how.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csr_array

from slugline.ngrams.arrow import Ints, binary_array, decode_terms, encode_terms, index_in, to_numpy
from slugline.ngrams.matrices import count_symbols, ready_to_stack, stack
from slugline.ngrams.options import NgramOptions, ngrams_of_text
from slugline.ngrams.rows import SymbolRows, read_symbols, recode, rows_of_padded_words
from slugline.ngrams.threads import map_threads, split_texts
from slugline.ngrams.trie import Trie, count_columns, trie_of_vocabulary, walk_levels

T = TypeVar("T")
FEW_TEXTS = 8  # up to so many texts, a dict is faster than arrays


@dataclass(frozen=True)
class VocabularyCounter:
    """Count the terms of a fixed vocabulary: UTF-8 terms in the order of the columns, lone surrogates passed through.

    Examples
    --------
    >>> counter = VocabularyCounter.from_terms(NgramOptions("word"), ["sanctions", "truce"])
    >>> counter.count(["A truce, and one more truce", "No sanctions"]).toarray()
    array([[0, 2],
           [1, 0]])
    """

    options: NgramOptions
    terms: pa.BinaryArray

    @classmethod
    def from_terms(cls, options: NgramOptions, terms: Iterable[str]) -> Self:
        """Make a counter from a vocabulary of strings."""
        return cls(options, encode_terms(terms))

    @classmethod
    def from_buffers(cls, options: NgramOptions, offsets: NDArray[np.int32], data: NDArray[np.uint8]) -> Self:
        """Make a counter from the offsets (terms + 1) and the UTF-8 bytes of its terms, one after the other."""
        return cls(options, binary_array(offsets, data))

    def to_buffers(self) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
        """Return the offsets (terms + 1) and the UTF-8 bytes of all terms, one after the other."""
        ends = np.cumsum(to_numpy(pc.binary_length(self.terms)))
        data = np.frombuffer(b"".join(self.terms.to_pylist()), np.uint8)
        return np.concatenate([[0], ends]).astype(np.int32), data

    @property
    def n_features(self) -> int:
        """The number of columns."""
        return len(self.terms)

    def feature_names(self) -> list[str]:
        """Return the terms, in the order of the columns."""
        return decode_terms(self.terms)

    def count(self, texts: Sequence[str], dtype: DTypeLike = np.int64) -> csr_array:
        """Return the counts of the terms (texts, terms), indices sorted; the first call builds a table of the terms."""
        if len(texts) <= FEW_TEXTS:
            return self._count_few(texts).astype(dtype)
        return stack(self.map_chunks(texts, ready_to_stack), dtype)

    def map_chunks(self, texts: Sequence[str], function: Callable[[csr_array], T]) -> list[T]:
        """Count the terms in chunks of the texts, in threads, and apply a function to the counts of each chunk.

        The function takes int32 counts (texts of the chunk, terms) whose indices are not sorted: sorting them takes
        longer than counting. Its results are returned in the order of the texts.
        """
        if len(texts) <= FEW_TEXTS:
            return [function(self._count_few(texts))]
        _ = self._trie  # built here once, not in each thread
        return map_threads(lambda chunk: function(self._count_chunk(chunk)), split_texts(texts))

    def count_words(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """Count the words of each text, and those it does not know, each (texts,); only for the analyzer "word"."""
        rows = read_symbols(self.options, texts)
        is_unknown = index_in(self.terms, rows.alphabet) < 0
        unknown = np.bincount(rows.row_of_symbol, is_unknown[rows.symbols], len(rows.lengths))
        return rows.lengths, unknown.astype(np.int64)

    @cached_property
    def _trie(self) -> Trie:
        """Build the table of the terms."""
        return trie_of_vocabulary(self.options, self.terms)

    @cached_property
    def _columns(self) -> dict[str, int]:
        """Map each term to its column."""
        return {term: column for column, term in enumerate(self.feature_names())}

    def _count_chunk(self, texts: Sequence[str]) -> csr_array:
        """Count the terms in one chunk of texts, by arrays."""
        rows = read_symbols(self.options, texts)
        if self.options.analyzer != "char_wb":
            return self._count_rows(rows)
        return count_symbols(rows) @ self._count_rows(rows_of_padded_words(rows.alphabet))

    def _count_rows(self, rows: SymbolRows) -> csr_array:
        """Count the terms in rows of symbols."""
        known = recode(rows, self._trie.alphabet)
        starts = np.flatnonzero(known.symbols >= 0)
        levels = walk_levels([known], [starts], self.options.ngram_range[1], self._trie.resolve)
        occurrences = [level for (level,) in levels]
        return count_columns(self.options, known, occurrences, self._trie.columns, self.n_features)

    def _count_few(self, texts: Sequence[str]) -> csr_array:
        """Count the terms in a few texts, by a dict."""
        counts: list[int] = []
        indices: list[int] = []
        starts = [0]
        for text in texts:
            columns = Counter(self._columns.get(term, -1) for term in ngrams_of_text(self.options, text))
            columns.pop(-1, None)
            indices += sorted(columns)
            counts += [columns[column] for column in sorted(columns)]
            starts.append(len(indices))
        arrays = [np.array(values, np.int32) for values in (counts, indices, starts)]
        return csr_array(tuple(arrays), shape=(len(texts), self.n_features))
