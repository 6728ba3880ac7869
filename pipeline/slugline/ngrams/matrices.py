"""Sparse matrices of counts: made from rows of symbols, and put together from the counts of chunks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csc_array, csr_array

from slugline.ngrams.arrow import Ints
from slugline.ngrams.rows import SymbolRows
from slugline.ngrams.threads import map_threads


def count_symbols(rows: SymbolRows) -> csr_array:
    """Return how often each row holds each symbol, shape (rows, symbols); a symbol may be stored several times."""
    ones = np.ones(len(rows.symbols), np.int32)
    parts = (ones, rows.symbols.astype(np.int32), rows.starts.astype(np.int32))
    return csr_array(parts, shape=(len(rows.lengths), len(rows.alphabet)))


def ready_to_stack(counts: csr_array) -> csr_array | csc_array:
    """Return counts in a form whose conversion to rows, in `stack`, leaves sorted indices."""
    return counts if counts.has_sorted_indices else counts.tocsc()


def count_filled_rows(part: csr_array | csc_array) -> Ints:
    """Return in how many rows each column occurs."""
    return np.diff(part.indptr) if part.format == "csc" else np.bincount(part.indices, minlength=part.shape[1])


def stack(parts: Sequence[csr_array | csc_array], dtype: DTypeLike, keep: NDArray[np.bool_] | None = None) -> csr_array:
    """Put the counts of the chunks one below the other, with the columns to keep or with all of them."""
    if keep is not None and keep.all():
        keep = None
    sizes = [part.nnz for part in parts]
    if keep is not None:
        sizes = map_threads(lambda part: int(count_filled_rows(part)[keep].sum()), parts)

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
