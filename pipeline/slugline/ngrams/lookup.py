"""Count the n-grams of many texts at once, with Arrow, NumPy and SciPy alone.

The counts, the terms and their order are those of scikit-learn's `CountVectorizer`. Texts become rows of symbols (words
or characters, numbered in the order of their spelling). An n-gram is a node of a trie: the node of its first n - 1
symbols and one symbol more, so a pair of integers, and no string is built before a term is known to stay. For `char_wb`
the n-grams of each distinct word are counted once, and multiplied by how often each text holds each word. Nothing here
loops over words or characters in Python, and what works on chunks of text runs on `pyarrow.cpu_count()` threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from numbers import Integral
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csc_array, csr_array

from slugline.ngrams.arrow import Ints, strings
from slugline.ngrams.rows import Ngrams, Rows, read, recode, share_alphabet, spell, spelled_words
from slugline.ngrams.threads import cut_texts, each
from slugline.ngrams.trie import Trie, grow, spelled, tally, trie_of_terms, walk

T = TypeVar("T")
FEW = 8  # texts for which a dict is faster than arrays


@dataclass(frozen=True)
class Lookup:
    """Count a fixed vocabulary; `terms` are UTF-8 (lone surrogates passed through) in the order of their columns."""

    ngrams: Ngrams
    terms: pa.BinaryArray

    def count(self, texts: Sequence[str], dtype: DTypeLike = np.int64) -> csr_array:
        """Count the terms in each text.

        Returns a matrix of (texts, terms) with sorted indices. The first call builds a table of the terms.
        """
        if len(texts) <= FEW:
            return self._count_few(texts).astype(dtype)
        return _stack(self.each_chunk(texts, _sorted), dtype)

    def each_chunk(self, texts: Sequence[str], use: Callable[[csr_array], T]) -> list[T]:
        """Count the terms in each chunk of texts, hand the counts on, and return what comes of them, in order.

        Chunks are counted and used in threads. Counts are int32 matrices (texts, terms) whose indices are not sorted,
        as sorting takes longer than counting.
        """
        if len(texts) <= FEW:
            return [use(self._count_few(texts))]
        _ = self._trie  # built here, not once in each thread
        return each(lambda chunk: use(self._count_chunk(chunk)), cut_texts(texts))

    @property
    def width(self) -> int:
        """How many columns there are."""
        return len(self.terms)

    def names(self) -> list[str]:
        """Return what columns are called: their terms."""
        return strings(self.terms)

    @cached_property
    def _trie(self) -> Trie:
        return trie_of_terms(self.ngrams, self.terms)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(strings(self.terms))}

    def _count_chunk(self, texts: Sequence[str]) -> csr_array:
        rows = read(self.ngrams, texts)
        if self.ngrams.analyzer == "char_wb":
            return _by_words(rows, self._count_rows(spelled_words(rows.alphabet)))
        return self._count_rows(rows)

    def _count_rows(self, rows: Rows) -> csr_array:
        known = recode(rows, self._trie.alphabet)
        levels = walk([known], [np.flatnonzero(known.symbols >= 0)], self.ngrams.ngram_range[1], self._trie.find)
        return tally(self.ngrams, known, [found for (found,) in levels], self._trie.columns, len(self.terms))

    def _count_few(self, texts: Sequence[str]) -> csr_array:
        counts = [Counter(self._columns.get(term, -1) for term in spell(self.ngrams, text)) for text in texts]
        pairs = [sorted((column, count) for column, count in row.items() if column >= 0) for row in counts]
        flat = np.array([pair for row in pairs for pair in row], np.int32).reshape(-1, 2)
        starts = np.cumsum([0, *map(len, pairs)], dtype=np.int32)
        return csr_array((flat[:, 1].copy(), flat[:, 0].copy(), starts), shape=(len(texts), len(self.terms)))


def fit_count(
    ngrams: Ngrams,
    texts: Sequence[str],
    *,
    min_df: float = 1,
    max_df: float = 1.0,
    max_features: int | None = None,
    binary: bool = False,
    dtype: DTypeLike = np.int64,
) -> tuple[csr_array, pa.BinaryArray]:
    """Learn the terms of some texts and count them.

    Returns a matrix of (texts, terms) with sorted indices, and the sorted terms as UTF-8, lone surrogates passed
    through. `min_df` and `max_df` are numbers of texts if integers, else shares. Raises ValueError in scikit-learn's
    words if no term is found, or none is left.
    """
    chunks = share_alphabet(each(partial(read, ngrams), cut_texts(texts)))
    if ngrams.analyzer == "char_wb":
        words = spelled_words(chunks[0].alphabet)
        trie, (of_words,) = grow(ngrams, [words])
        counts = each(lambda rows: _by_words(rows, of_words).tocsc(), chunks)  # unwanted columns go at no cost
    else:
        trie, counts = grow(ngrams, chunks)
    if not trie.size:
        raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
    if binary:
        for part in counts:
            part.data.fill(1)
    keep = _kept(counts, len(texts), min_df, max_df, max_features, dtype)
    return _stack(counts, dtype, keep), spelled(trie, keep, " " if ngrams.analyzer == "word" else "")


def _by_words(rows: Rows, of_words: csr_array) -> csr_array:
    """Count n-grams in texts from the words in texts and the n-grams in words."""
    words = csr_array(
        (np.ones(len(rows.symbols), np.int32), rows.symbols.astype(np.int32), rows.starts.astype(np.int32)),
        shape=(len(rows.lengths), of_words.shape[0]),
    )
    return words @ of_words


def _sorted(counts: csr_array) -> csr_array | csc_array:
    """Give counts in a form that `_stack` makes rows with sorted indices of, by turning it round once more."""
    return counts if counts.has_sorted_indices else counts.tocsc()


def _kept(
    counts: Sequence[csr_array | csc_array],
    texts: int,
    min_df: float,
    max_df: float,
    max_features: int | None,
    dtype: DTypeLike,
) -> NDArray[np.bool_]:
    """Choose columns by the number of texts they are in, then by how often they occur."""
    least = min_df if isinstance(min_df, Integral) else min_df * texts
    most = max_df if isinstance(max_df, Integral) else max_df * texts
    if most < least:
        raise ValueError("max_df corresponds to < documents than min_df")
    width = counts[0].shape[1]
    frequency = sum(each(_rows_with, counts))
    keep = np.asarray((frequency <= most) & (frequency >= least))
    if max_features is not None and keep.sum() > max_features:
        totals = sum(each(lambda part: part.sum(axis=0), counts)).astype(np.zeros(1, dtype).sum().dtype)
        # among equals scikit-learn keeps what this very call happens to put first
        best = (-totals[keep]).argsort()[:max_features]
        places = np.flatnonzero(keep)[best]
        keep = np.zeros(width, np.bool_)
        keep[places] = True
    if not keep.any():
        raise ValueError("After pruning, no terms remain. Try a lower min_df or a higher max_df.")
    return keep


def _rows_with(part: csr_array | csc_array) -> Ints:
    """Count the rows that have each column."""
    return np.diff(part.indptr) if part.format == "csc" else np.bincount(part.indices, minlength=part.shape[1])


def _stack(
    parts: Sequence[csr_array | csc_array], dtype: DTypeLike, keep: NDArray[np.bool_] | None = None
) -> csr_array:
    """Put the counts of the chunks one below the other, with the columns to keep or all."""
    some = keep is not None and not keep.all()
    sizes = each(lambda part: int(_rows_with(part)[keep].sum()), parts) if some else [part.nnz for part in parts]
    ends = np.cumsum(sizes)
    index = np.int32 if ends[-1] <= np.iinfo(np.int32).max else np.int64
    data, indices = np.empty(ends[-1], dtype), np.empty(ends[-1], index)

    def place(part: csr_array | csc_array, size: int, end: int) -> Any:
        rows = (part[:, keep] if some else part).tocsr()
        data[end - size : end] = rows.data
        indices[end - size : end] = rows.indices
        return np.diff(rows.indptr)

    lengths = each(place, parts, sizes, ends)
    starts = np.cumsum(np.concatenate([[0], *lengths]), dtype=index)
    width = int(keep.sum()) if keep is not None else parts[0].shape[1]
    return csr_array((data, indices, starts), shape=(len(starts) - 1, width))
