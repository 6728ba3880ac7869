"""Count the n-grams of many texts at once: those of a fixed vocabulary, or of a vocabulary learned from the texts.

Only Arrow, NumPy and SciPy are used, and nothing loops over words or characters in Python. README.md explains how.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csc_array, csr_array

from slugline.ngrams.arrow import Ints, binary_array, decode_terms, encode_terms, index_in, to_numpy
from slugline.ngrams.options import NgramOptions, ngrams_of_text
from slugline.ngrams.rows import Rows, read_rows, recode, rows_of_padded_words, share_alphabet
from slugline.ngrams.threads import map_threads, split_texts
from slugline.ngrams.trie import Trie, build_trie, count_columns, spell_terms, trie_of_vocabulary, walk_levels

T = TypeVar("T")
FEW_TEXTS = 8  # up to so many texts, a dict is faster than arrays


@dataclass(frozen=True)
class VocabularyCounter:
    """Count the terms of a fixed vocabulary.

    Parameters
    ----------
    options : NgramOptions
        Which n-grams to take from a text.
    terms : BinaryArray
        The vocabulary in the order of the columns, as UTF-8; lone surrogates are passed through.

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
    def from_terms(cls, options: NgramOptions, terms: Iterable[str]) -> VocabularyCounter:
        """Make a counter from a vocabulary of strings."""
        return cls(options, encode_terms(terms))

    @classmethod
    def from_buffers(
        cls, options: NgramOptions, offsets: NDArray[np.int32], data: NDArray[np.uint8]
    ) -> VocabularyCounter:
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
        """Count the terms in each text; the first call builds a table of the terms.

        Returns
        -------
        csr_array of shape (texts, terms)
            Counts, with sorted indices.
        """
        if len(texts) <= FEW_TEXTS:
            return self._count_few(texts).astype(dtype)
        return _stack(self.map_chunks(texts, _ready_to_stack), dtype)

    def map_chunks(self, texts: Sequence[str], function: Callable[[csr_array], T]) -> list[T]:
        """Count the terms in chunks of the texts, in threads, and apply a function to the counts of each chunk.

        Parameters
        ----------
        texts : sequence of str
        function : callable
            Takes int32 counts (texts of the chunk, terms), whose indices are not sorted: sorting them takes longer than
            counting.

        Returns
        -------
        list
            The function's result for each chunk, in the order of the texts.
        """
        if len(texts) <= FEW_TEXTS:
            return [function(self._count_few(texts))]
        _ = self._trie  # built here once, not in each thread
        return map_threads(lambda chunk: function(self._count_chunk(chunk)), split_texts(texts))

    def count_words(self, texts: Sequence[str]) -> tuple[Ints, Ints]:
        """Count the words of each text, and those that are not in the vocabulary; for the analyzer "word" only.

        Returns
        -------
        words, unknown_words : ndarray of shape (texts,)
        """
        rows = read_rows(self.options, texts)
        is_unknown = index_in(self.terms, rows.alphabet) < 0
        unknown = np.bincount(rows.row_of_symbol, is_unknown[rows.symbols], len(rows.lengths))
        return rows.lengths, unknown.astype(np.int64)

    @cached_property
    def _trie(self) -> Trie:
        return trie_of_vocabulary(self.options, self.terms)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(self.feature_names())}

    def _count_chunk(self, texts: Sequence[str]) -> csr_array:
        """Count the terms in one chunk of texts, by arrays."""
        rows = read_rows(self.options, texts)
        if self.options.analyzer != "char_wb":
            return self._count_rows(rows)
        counts_of_words = self._count_rows(rows_of_padded_words(rows.alphabet))
        return _count_words(rows) @ counts_of_words

    def _count_rows(self, rows: Rows) -> csr_array:
        """Count the terms in rows of symbols."""
        known = recode(rows, self._trie.alphabet)
        starts = np.flatnonzero(known.symbols >= 0)
        levels = walk_levels([known], [starts], self.options.ngram_range[1], self._trie.resolve)
        occurrences = [level for (level,) in levels]
        return count_columns(self.options, known, occurrences, self._trie.columns, self.n_features)

    def _count_few(self, texts: Sequence[str]) -> csr_array:
        """Count the terms in a few texts, by a dict."""
        indices: list[int] = []
        counts: list[int] = []
        starts = [0]
        for text in texts:
            columns = Counter(self._columns.get(term, -1) for term in ngrams_of_text(self.options, text))
            columns.pop(-1, None)
            row = sorted(columns.items())
            indices += [column for column, _ in row]
            counts += [count for _, count in row]
            starts.append(len(indices))
        arrays = [np.array(values, np.int32) for values in (counts, indices, starts)]
        return csr_array(tuple(arrays), shape=(len(texts), self.n_features))


def fit_count(
    options: NgramOptions,
    texts: Sequence[str],
    *,
    min_df: float = 1,
    max_df: float = 1.0,
    max_features: int | None = None,
    binary: bool = False,
    dtype: DTypeLike = np.int64,
) -> tuple[csr_array, pa.BinaryArray]:
    """Learn the terms of texts and count them.

    Parameters
    ----------
    options : NgramOptions
        Which n-grams to take from a text.
    texts : sequence of str
    min_df, max_df : int or float
        Least and largest number of texts that a term may stand in; a share of all texts if not an integer.
    max_features : int, optional
        Keep so many terms, the most frequent ones.
    binary : bool
        Count a term once per text.
    dtype : dtype
        Type of the counts.

    Returns
    -------
    counts : csr_array of shape (texts, terms)
        With sorted indices.
    terms : BinaryArray
        In alphabetical order, as UTF-8; lone surrogates are passed through.

    Raises
    ------
    ValueError
        With scikit-learn's message, if there is no term or none is left.

    Examples
    --------
    >>> counts, terms = fit_count(NgramOptions("word"), ["a truce", "truce talks"])
    >>> decode_terms(terms)
    ['talks', 'truce']
    >>> counts.toarray()
    array([[0, 1],
           [1, 1]])
    """
    chunks = share_alphabet(map_threads(partial(read_rows, options), split_texts(texts)))
    trie, counts = _learn(options, chunks)
    if not trie.n_terms:
        raise ValueError("empty vocabulary; perhaps the documents only contain stop words")

    if binary:
        for part in counts:
            part.data.fill(1)
    keep = _select_columns(counts, len(texts), min_df=min_df, max_df=max_df, max_features=max_features, dtype=dtype)
    return _stack(counts, dtype, keep), spell_terms(trie, keep, " " if options.analyzer == "word" else "")


def _learn(options: NgramOptions, chunks: list[Rows]) -> tuple[Trie, list[csr_array | csc_array]]:
    """Build the trie of all n-grams and count them in each chunk."""
    if options.analyzer != "char_wb":
        return build_trie(options, chunks)

    trie, (counts_of_words,) = build_trie(options, [rows_of_padded_words(chunks[0].alphabet)])
    # By columns, where dropping unwanted ones costs nothing
    return trie, map_threads(lambda rows: (_count_words(rows) @ counts_of_words).tocsc(), chunks)


def _count_words(rows: Rows) -> csr_array:
    """Return how often each row holds each word of the alphabet; the same word may stand in a row more than once."""
    ones = np.ones(len(rows.symbols), np.int32)
    parts = (ones, rows.symbols.astype(np.int32), rows.starts.astype(np.int32))
    return csr_array(parts, shape=(len(rows.lengths), len(rows.alphabet)))


def _ready_to_stack(counts: csr_array) -> csr_array | csc_array:
    """Return counts in a form whose conversion to rows, in `_stack`, leaves sorted indices."""
    return counts if counts.has_sorted_indices else counts.tocsc()


def _select_columns(
    counts: Sequence[csr_array | csc_array],
    n_texts: int,
    *,
    min_df: float,
    max_df: float,
    max_features: int | None,
    dtype: DTypeLike,
) -> NDArray[np.bool_]:
    """Choose columns by the number of texts they occur in, then by how often they occur; boolean, (columns,)."""
    lowest = min_df if isinstance(min_df, Integral) else min_df * n_texts
    highest = max_df if isinstance(max_df, Integral) else max_df * n_texts
    if highest < lowest:
        raise ValueError("max_df corresponds to < documents than min_df")

    document_frequency = sum(map_threads(_count_filled_rows, counts))
    keep = np.asarray((document_frequency <= highest) & (document_frequency >= lowest))
    if max_features is not None and keep.sum() > max_features:
        total_type = np.zeros(1, dtype).sum().dtype
        totals = sum(map_threads(lambda part: part.sum(axis=0), counts)).astype(total_type)
        # Among equally frequent terms scikit-learn keeps those that this very call happens to put first
        most_frequent = (-totals[keep]).argsort()[:max_features]
        columns = np.flatnonzero(keep)[most_frequent]
        keep = np.zeros(counts[0].shape[1], np.bool_)
        keep[columns] = True
    if not keep.any():
        raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")
    return keep


def _count_filled_rows(part: csr_array | csc_array) -> Ints:
    """Return in how many rows each column occurs."""
    return np.diff(part.indptr) if part.format == "csc" else np.bincount(part.indices, minlength=part.shape[1])


def _stack(
    parts: Sequence[csr_array | csc_array], dtype: DTypeLike, keep: NDArray[np.bool_] | None = None
) -> csr_array:
    """Put the counts of the chunks one below the other, with the columns to keep or with all of them."""
    if keep is not None and keep.all():
        keep = None
    sizes = [part.nnz for part in parts]
    if keep is not None:
        sizes = map_threads(lambda part: int(_count_filled_rows(part)[keep].sum()), parts)

    # One allocation for all chunks, filled in threads: `vstack` would copy once more
    ends = np.cumsum(sizes)
    index_type = np.int32 if ends[-1] <= np.iinfo(np.int32).max else np.int64
    data, indices = np.empty(ends[-1], dtype), np.empty(ends[-1], index_type)

    def fill(part: csr_array | csc_array, size: int, end: int) -> Any:
        rows = (part if keep is None else part[:, keep]).tocsr()
        data[end - size : end] = rows.data
        indices[end - size : end] = rows.indices
        return np.diff(rows.indptr)

    lengths = map_threads(fill, parts, sizes, ends)
    starts = np.cumsum(np.concatenate([[0], *lengths]), dtype=index_type)
    width = parts[0].shape[1] if keep is None else int(keep.sum())
    return csr_array((data, indices, starts), shape=(len(starts) - 1, width))
