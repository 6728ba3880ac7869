"""Learn a vocabulary of n-grams from many texts and count it, with Arrow, NumPy and SciPy alone."""

from collections.abc import Sequence
from functools import partial
from numbers import Integral

import numpy as np
import pyarrow as pa
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csc_array, csr_array

from slugline.ngrams.matrices import count_filled_rows, count_symbols, stack
from slugline.ngrams.options import NgramOptions
from slugline.ngrams.rows import SymbolRows, read_symbols, rows_of_padded_words, share_alphabet
from slugline.ngrams.threads import map_threads, split_texts
from slugline.ngrams.trie import Trie, build_trie, spell_terms


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
        Least and largest number of texts that a term may occur in; a share of all texts if not an integer.
    max_features : int, optional
        Keep so many terms, the most frequent ones.
    binary : bool
        Count a term once per text.

    Returns
    -------
    counts : csr_array of shape (texts, terms), of type `dtype`, with sorted indices
    terms : BinaryArray
        In alphabetical order, as UTF-8; lone surrogates are passed through.

    Raises
    ------
    ValueError
        With scikit-learn's message, if there is no term or none is left.

    Examples
    --------
    >>> counts, terms = fit_count(NgramOptions("word"), ["a truce", "truce talks"])
    >>> terms.to_pylist(), counts.toarray().tolist()
    ([b'talks', b'truce'], [[0, 1], [1, 1]])
    """
    chunks = share_alphabet(map_threads(partial(read_symbols, options), split_texts(texts)))
    trie, counts = _learn(options, chunks)
    if not trie.n_terms:
        raise ValueError("empty vocabulary; perhaps the documents only contain stop words")

    if binary:
        for part in counts:
            part.data.fill(1)
    keep = _select_columns(counts, len(texts), (min_df, max_df, max_features), dtype)
    return stack(counts, dtype, keep), spell_terms(trie, keep, " " if options.analyzer == "word" else "")


def _learn(options: NgramOptions, chunks: list[SymbolRows]) -> tuple[Trie, list[csr_array | csc_array]]:
    """Build the trie of all n-grams and count them in each chunk."""
    if options.analyzer != "char_wb":
        return build_trie(options, chunks)

    trie, (counts_of_words,) = build_trie(options, [rows_of_padded_words(chunks[0].alphabet)])
    # By columns, where dropping unwanted ones costs nothing
    return trie, map_threads(lambda rows: (count_symbols(rows) @ counts_of_words).tocsc(), chunks)


def _select_columns(
    counts: Sequence[csr_array | csc_array], n_texts: int, limits: tuple[float, float, int | None], dtype: DTypeLike
) -> NDArray[np.bool_]:
    """Choose columns by the number of texts they occur in, then by how often they occur; boolean, (columns,)."""
    min_df, max_df, max_features = limits
    lowest = min_df if isinstance(min_df, Integral) else min_df * n_texts
    highest = max_df if isinstance(max_df, Integral) else max_df * n_texts
    if highest < lowest:
        raise ValueError("max_df corresponds to < documents than min_df")

    document_frequency = sum(map_threads(count_filled_rows, counts))
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
