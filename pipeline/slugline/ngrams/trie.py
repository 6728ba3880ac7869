"""Rows of symbols to n-grams, the nodes of a trie, and these to counts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.sparse import csr_array

from slugline.ngrams.arrow import Ints, binaries, find_places, strings, to_arrow, to_numpy
from slugline.ngrams.rows import Ngrams, Rows, characters, share_alphabet
from slugline.ngrams.threads import each

Found = tuple[Ints, Ints]  # where n-grams begin, and their nodes


@dataclass(frozen=True)
class Trie:
    """N-grams of symbols. A node of level n has the key (node of level n - 1) * (symbols + 1) + symbol + 1.

    `keys[n - 2]` are the sorted keys of level n, from 2 on: a node is its place there, and on level 1 the symbol.
    `columns[n - 1]` are the columns of the nodes of level n, -1 for a node that is no term.
    """

    alphabet: pa.BinaryArray
    keys: list[Ints]
    columns: list[Ints]

    @cached_property
    def size(self) -> int:
        """How many terms there are."""
        return sum(int((columns >= 0).sum()) for columns in self.columns)

    def find(self, n: int, steps: list[Found]) -> list[Found]:
        """Turn the keys of level n into nodes, leaving out unknown ones."""
        keys = self.keys[n - 2] if n - 2 < len(self.keys) else np.empty(0, np.int64)
        return [_find(keys, at, wanted) for at, wanted in steps]


def walk(
    chunks: list[Rows], at: list[Ints], longest: int, resolve: Callable[[int, list[Found]], list[Found]]
) -> Iterator[list[Found]]:
    """Yield, for n = 1, 2, ..., the n-grams that begin at the given symbols of each chunk."""
    found = [(begins, rows.symbols[begins]) for rows, begins in zip(chunks, at, strict=True)]
    for n in range(1, longest + 1):
        if n > 1:
            found = resolve(n, each(partial(_longer, n), chunks, found))
        if not any(begins.size for begins, _ in found):
            return
        yield found


def _longer(n: int, rows: Rows, shorter: Found) -> Found:
    """Give where the n-grams begin, and their keys, from the n-grams one symbol shorter."""
    at, nodes = shorter
    fits = rows.room[at] >= n
    at = at[fits]
    return at, nodes[fits] * (len(rows.alphabet) + 1) + rows.symbols[at + n - 1] + 1


def grow(ngrams: Ngrams, chunks: list[Rows]) -> tuple[Trie, list[csr_array]]:
    """Build the trie of all n-grams in some rows, columns in order of spelling, and count them in each chunk."""
    keys: list[Ints] = []
    everywhere = [np.arange(len(rows.symbols)) for rows in chunks]
    levels = list(walk(chunks, everywhere, ngrams.ngram_range[1], partial(_learn, keys)))
    sizes = [len(chunks[0].alphabet), *map(len, keys)]
    low = ngrams.ngram_range[0]
    terms = [np.full(size, n >= low) for n, size in enumerate(sizes, 1)]
    for n, level in enumerate(levels[: low - 1], 1):
        for rows, found in zip(chunks, level, strict=True):
            terms[n - 1][_counted(ngrams, rows, n, found)[1]] = True
    trie = Trie(chunks[0].alphabet, keys, _columns_in_order(len(chunks[0].alphabet) + 1, keys, terms))
    parts = list(zip(*levels, strict=True)) or [()] * len(chunks)
    return trie, each(lambda rows, found: tally(ngrams, rows, found, trie.columns, trie.size), chunks, parts)


def _learn(keys: list[Ints], _: int, steps: list[Found]) -> list[Found]:
    """Turn keys into nodes, and note the keys of this level."""
    local = each(lambda step: to_arrow(step[1]).dictionary_encode(), steps)
    merged = np.sort(np.concatenate([to_numpy(part.dictionary) for part in local]))
    known = merged[differs(merged)]
    keys.append(known)
    places = each(lambda part: find_places(to_arrow(known), part.dictionary)[to_numpy(part.indices)], local)
    return [(at, nodes) for (at, _), nodes in zip(steps, places, strict=True)]


def _find(keys: Ints, at: Ints, wanted: Ints) -> Found:
    places = find_places(to_arrow(keys), to_arrow(wanted))
    return at[places >= 0], places[places >= 0]


def _columns_in_order(width: int, keys: list[Ints], terms: list[NDArray[np.bool_]]) -> list[Ints]:
    """Give terms their columns: a walk from the root down meets them in the order of their spelling."""
    parents = [level // width for level in keys]
    sizes = [level.astype(np.int64) for level in terms]
    below = [np.zeros_like(size) for size in sizes]
    for n in range(len(keys), 0, -1):
        below[n - 1] = np.bincount(parents[n - 1], sizes[n], len(terms[n - 1])).astype(np.int64)
        sizes[n - 1] += below[n - 1]
    first = [np.cumsum(sizes[0]) - sizes[0]]
    for n, parent in enumerate(parents):
        outset = first[n] + terms[n] - (np.cumsum(below[n]) - below[n])
        first.append(outset[parent] + np.cumsum(sizes[n + 1]) - sizes[n + 1])
    return [np.where(level, column, -1) for level, column in zip(terms, first, strict=True)]


def trie_of_terms(ngrams: Ngrams, terms: pa.BinaryArray) -> Trie:
    """Build the trie of a fixed vocabulary."""
    rows = _rows_of_terms(ngrams, terms)
    keys: list[Ints] = []
    begins = rows.starts[:-1][rows.lengths > 0]
    levels = list(walk([rows], [begins], ngrams.ngram_range[1], partial(_learn, keys)))
    columns = [np.full(size, -1, np.int64) for size in (len(rows.alphabet), *map(len, keys))]
    for n, ((at, nodes),) in enumerate(levels, 1):
        ends = rows.lengths[rows.row[at]] == n
        columns[n - 1][nodes[ends]] = rows.row[at[ends]]
    return Trie(rows.alphabet, keys, columns)


def _rows_of_terms(ngrams: Ngrams, terms: pa.BinaryArray) -> Rows:
    if ngrams.analyzer != "word":
        return characters(strings(terms))
    words = pc.split_pattern(terms, b" ")
    symbols = words.values.dictionary_encode()
    return share_alphabet([Rows(to_numpy(symbols.indices), to_numpy(words.offsets), symbols.dictionary)])[0]


def spelled(trie: Trie, keep: NDArray[np.bool_], joint: str) -> pa.BinaryArray:
    """Build the terms whose columns stay, in order of their columns."""
    (between,) = binaries([joint])
    parts, places = [], []
    for n, columns in enumerate(trie.columns, 1):
        nodes = np.flatnonzero((columns >= 0) & keep[columns])
        places.append(columns[nodes])
        path = []
        for keys in reversed(trie.keys[: n - 1]):
            nodes, symbols = np.divmod(keys[nodes], len(trie.alphabet) + 1)
            path.append(trie.alphabet.take(to_arrow(symbols - 1)))
        path.append(trie.alphabet.take(to_arrow(nodes)))
        parts.append(pc.binary_join_element_wise(*reversed(path), between) if n > 1 else path[0])
    return pa.concat_arrays(parts).take(to_arrow(np.argsort(np.concatenate(places))))


def _counted(ngrams: Ngrams, rows: Rows, n: int, found: Found) -> Found:
    """Give the rows and nodes of the n-grams that count."""
    at, nodes = found
    owners = rows.row[at]
    if n >= ngrams.ngram_range[0]:
        return owners, nodes
    # scikit-learn counts a padded word too short for any n-gram once, as it is
    short = (rows.lengths[owners] == n) & (ngrams.analyzer == "char_wb")
    return owners[short], nodes[short]


def tally(ngrams: Ngrams, rows: Rows, levels: Sequence[Found], columns: list[Ints], width: int) -> csr_array:
    """Count the columns in each row by one sort of (row, column) pairs."""
    bits = width.bit_length()
    pairs = [np.empty(0, np.int64)]
    for n, found in enumerate(levels, 1):
        owners, nodes = _counted(ngrams, rows, n, found)
        column = columns[n - 1][nodes]
        pairs.append((owners << bits | column)[column >= 0])
    pair = np.sort(np.concatenate(pairs))
    new = np.flatnonzero(differs(pair))
    counts = np.diff(new, append=len(pair)).astype(np.int32)
    pair = pair[new]
    starts = np.searchsorted(pair, np.arange(len(rows.lengths) + 1) << bits).astype(np.int32)
    return csr_array((counts, (pair & (1 << bits) - 1).astype(np.int32), starts), shape=(len(rows.lengths), width))


def differs(ordered: Ints) -> NDArray[np.bool_]:
    """Mark the first of each run of equals."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]
