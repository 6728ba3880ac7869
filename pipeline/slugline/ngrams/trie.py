"""From rows of symbols to n-grams, the nodes of a trie, and from these to counts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slugline.ngrams.arrow import Ints, decode_terms, encode_terms, index_in, to_arrow, to_numpy
from slugline.ngrams.options import NgramOptions
from slugline.ngrams.rows import SymbolRows, rows_of_characters, share_alphabet
from slugline.ngrams.threads import map_threads


class _Occurrences(NamedTuple):
    """Where n-grams of one length occur: the first symbol of each, and its node in the trie or yet the node's key."""

    starts: Ints
    nodes: Ints


_Resolve = Callable[[int, list[_Occurrences]], list[_Occurrences]]  # from keys of a level to nodes, for each chunk


@dataclass(frozen=True)
class Trie:
    """N-grams of symbols; level n holds the n-grams of n symbols.

    A node of level 1 is a symbol of `alphabet`, which is sorted. A node of level n is the index of its key in `keys[n -
    2]`, the sorted keys of that level, and its key is (node of its first n - 1 symbols) * (symbols in the alphabet + 1)
    + last symbol + 1. `columns[n - 1]` are the columns of the nodes of level n, -1 for one that is not a term.
    """

    alphabet: pa.BinaryArray
    keys: list[Ints]
    columns: list[Ints]

    @cached_property
    def n_terms(self) -> int:
        """The number of terms."""
        return sum(int((columns >= 0).sum()) for columns in self.columns)

    def resolve(self, n: int, chunks: list[_Occurrences]) -> list[_Occurrences]:
        """Turn the keys of level n into nodes and leave out n-grams that are not in the trie."""
        keys = self.keys[n - 2] if n - 2 < len(self.keys) else np.empty(0, np.int64)
        return [_find_nodes(keys, occurrences) for occurrences in chunks]


def _find_nodes(keys: Ints, occurrences: _Occurrences) -> _Occurrences:
    """Turn keys into nodes and leave out unknown ones."""
    nodes = index_in(to_arrow(keys), to_arrow(occurrences.nodes))
    known = nodes >= 0
    return _Occurrences(occurrences.starts[known], nodes[known])


def walk_levels(
    chunks: list[SymbolRows], starts: list[Ints], longest: int, resolve: _Resolve
) -> Iterator[list[_Occurrences]]:
    """Yield, for n = 1, 2, ..., the n-grams that begin at the given symbols of each chunk."""
    level = [_Occurrences(begins, rows.symbols[begins]) for rows, begins in zip(chunks, starts, strict=True)]
    for n in range(1, longest + 1):
        if n > 1:
            level = resolve(n, map_threads(partial(_extend, n), chunks, level))
        if not any(occurrences.starts.size for occurrences in level):
            return
        yield level


def _extend(n: int, rows: SymbolRows, shorter: _Occurrences) -> _Occurrences:
    """Return the n-grams with their keys, from the n-grams that are one symbol shorter."""
    fits = rows.symbols_left[shorter.starts] >= n
    starts = shorter.starts[fits]
    return _Occurrences(starts, shorter.nodes[fits] * (len(rows.alphabet) + 1) + rows.symbols[starts + n - 1] + 1)


def build_trie(options: NgramOptions, chunks: list[SymbolRows]) -> tuple[Trie, list[csr_array]]:
    """Build the trie of all n-grams in some rows, and count them in each chunk; columns are in alphabetical order."""
    keys: list[Ints] = []
    everywhere = [np.arange(len(rows.symbols)) for rows in chunks]
    levels = list(walk_levels(chunks, everywhere, options.ngram_range[1], partial(_learn_level, keys)))

    # All n-grams of the range are terms; shorter ones only where they count by themselves
    low = options.ngram_range[0]
    level_sizes = [len(chunks[0].alphabet), *map(len, keys)]
    is_term = [np.full(size, n >= low) for n, size in enumerate(level_sizes, 1)]
    for n, level in enumerate(levels[: low - 1], 1):
        for rows, occurrences in zip(chunks, level, strict=True):
            _, nodes = _counted_nodes(options, rows, n, occurrences)
            is_term[n - 1][nodes] = True

    trie = Trie(chunks[0].alphabet, keys, _number_terms(len(chunks[0].alphabet) + 1, keys, is_term))
    levels_by_chunk = list(zip(*levels, strict=True)) or [()] * len(chunks)
    count = partial(count_columns, options, columns=trie.columns, n_columns=trie.n_terms)
    return trie, map_threads(count, chunks, levels_by_chunk)


def _learn_level(keys: list[Ints], _: int, chunks: list[_Occurrences]) -> list[_Occurrences]:
    """Turn keys into nodes, and append the distinct keys of this level to `keys`."""
    encoded = map_threads(lambda occurrences: to_arrow(occurrences.nodes).dictionary_encode(), chunks)
    merged = np.sort(np.concatenate([to_numpy(part.dictionary) for part in encoded]))
    distinct = merged[_mark_changes(merged)]
    keys.append(distinct)

    nodes = map_threads(lambda part: index_in(to_arrow(distinct), part.dictionary)[to_numpy(part.indices)], encoded)
    return [_Occurrences(chunk.starts, part) for chunk, part in zip(chunks, nodes, strict=True)]


def _number_terms(width: int, keys: list[Ints], is_term: list[NDArray[np.bool_]]) -> list[Ints]:
    """Give terms their columns in alphabetical order, the order of a walk from the root down."""
    parents = [level // width for level in keys]

    # From the deepest level up: how many terms lie below each node, and how many with the node itself
    subtree_terms = [level.astype(np.int64) for level in is_term]
    terms_below = [np.zeros_like(terms) for terms in subtree_terms]
    for n in range(len(keys), 0, -1):
        below = np.bincount(parents[n - 1], subtree_terms[n], len(is_term[n - 1]))
        terms_below[n - 1] = below.astype(np.int64)
        subtree_terms[n - 1] += terms_below[n - 1]

    # From the root down: the first column of each node's subtree
    first_columns = [np.cumsum(subtree_terms[0]) - subtree_terms[0]]
    for n, parent in enumerate(parents):
        offset = first_columns[n] + is_term[n] - (np.cumsum(terms_below[n]) - terms_below[n])
        first_columns.append(offset[parent] + np.cumsum(subtree_terms[n + 1]) - subtree_terms[n + 1])
    return [np.where(level, columns, -1) for level, columns in zip(is_term, first_columns, strict=True)]


def trie_of_vocabulary(options: NgramOptions, terms: pa.BinaryArray) -> Trie:
    """Build the trie of a fixed vocabulary, whose terms are given in the order of their columns."""
    rows = _rows_of_terms(options, terms)
    keys: list[Ints] = []
    begins = rows.starts[:-1][rows.lengths > 0]
    levels = list(walk_levels([rows], [begins], options.ngram_range[1], partial(_learn_level, keys)))

    columns = [np.full(size, -1, np.int64) for size in (len(rows.alphabet), *map(len, keys))]
    for n, (occurrences,) in enumerate(levels, 1):
        term = rows.row_of_symbol[occurrences.starts]
        is_whole = rows.lengths[term] == n
        columns[n - 1][occurrences.nodes[is_whole]] = term[is_whole]
    return Trie(rows.alphabet, keys, columns)


def _rows_of_terms(options: NgramOptions, terms: pa.BinaryArray) -> SymbolRows:
    """Read terms as rows of the words or characters they consist of."""
    if options.analyzer != "word":
        return rows_of_characters(decode_terms(terms))

    words = pc.split_pattern(terms, b" ")
    symbols = words.values.dictionary_encode()
    rows = SymbolRows(to_numpy(symbols.indices), to_numpy(words.offsets), symbols.dictionary)
    return share_alphabet([rows])[0]


def spell_terms(trie: Trie, keep: NDArray[np.bool_], separator: str) -> pa.BinaryArray:
    """Return the terms of the columns to keep (boolean, one per column), in the order of their columns."""
    (between,) = encode_terms([separator])
    parts, columns_of_parts = [], []
    for n, columns in enumerate(trie.columns, 1):
        nodes = np.flatnonzero((columns >= 0) & keep[columns])
        columns_of_parts.append(columns[nodes])

        # A key is its parent and its last symbol, so n-grams are read from their last symbol to their first
        path = []
        for keys in reversed(trie.keys[: n - 1]):
            nodes, symbols = np.divmod(keys[nodes], len(trie.alphabet) + 1)
            path.append(trie.alphabet.take(to_arrow(symbols - 1)))
        path.append(trie.alphabet.take(to_arrow(nodes)))
        parts.append(pc.binary_join_element_wise(*reversed(path), between) if n > 1 else path[0])

    order = np.argsort(np.concatenate(columns_of_parts))
    return pa.concat_arrays(parts).take(to_arrow(order))


def count_columns(
    options: NgramOptions, rows: SymbolRows, levels: Sequence[_Occurrences], columns: list[Ints], n_columns: int
) -> csr_array:
    """Count the columns in each row, int32 (rows, n_columns), by one sort of (row, column) pairs."""
    # A pair is one integer: the row in the upper bits, the column in the lower ones
    bits = n_columns.bit_length()
    pairs = [np.empty(0, np.int64)]
    for n, occurrences in enumerate(levels, 1):
        owners, nodes = _counted_nodes(options, rows, n, occurrences)
        column = columns[n - 1][nodes]
        pairs.append((owners << bits | column)[column >= 0])

    ordered = np.sort(np.concatenate(pairs))
    first = np.flatnonzero(_mark_changes(ordered))
    counts = np.diff(first, append=len(ordered)).astype(np.int32)
    distinct = ordered[first]

    starts = np.searchsorted(distinct, np.arange(len(rows.lengths) + 1) << bits).astype(np.int32)
    indices = (distinct & (1 << bits) - 1).astype(np.int32)
    return csr_array((counts, indices, starts), shape=(len(rows.lengths), n_columns))


def _counted_nodes(options: NgramOptions, rows: SymbolRows, n: int, occurrences: _Occurrences) -> tuple[Ints, Ints]:
    """Return the row and the node of each n-gram of n symbols that counts."""
    owners = rows.row_of_symbol[occurrences.starts]
    if n >= options.ngram_range[0]:
        return owners, occurrences.nodes

    # scikit-learn counts a padded word too short for any n-gram once, as it is
    is_short = (rows.lengths[owners] == n) & (options.analyzer == "char_wb")
    return owners[is_short], occurrences.nodes[is_short]


def _mark_changes(ordered: Ints) -> NDArray[np.bool_]:
    """Mark the first of each run of equal values."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
