"""Count the n-grams of many texts at once, with Arrow, NumPy and SciPy alone.

The counts, the terms and their order are those of scikit-learn's `CountVectorizer`. Texts become rows of symbols (words
or characters, numbered in the order of their spelling). An n-gram is a node of a trie: the node of its first n - 1
symbols and one symbol more, so a pair of integers, and no string is built before a term is known to stay. For `char_wb`
the n-grams of each distinct word are counted once, and multiplied by how often each text holds each word. Nothing here
loops over words or characters in Python, and what works on chunks of text runs on `pyarrow.cpu_count()` threads.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import pairwise
from numbers import Integral
from typing import Any, Literal, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import DTypeLike, NDArray
from scipy.sparse import csc_array, csr_array

T = TypeVar("T")
Ints = NDArray[np.int64]
Found = tuple[Ints, Ints]  # where n-grams begin, and their nodes

CHUNK = 1 << 21  # characters of text that one thread works on at a time
FEW = 8  # texts for which a dict is faster than arrays
TOKEN_PATTERN = r"(?u)\b\w\w+\b"  # noqa: S105
_RUN_PATTERN = re.compile(r"(?:\(\?u\))?(?:\\b)?((?:\\w)+)\+(?:\\b)?")
_WORD_CHARACTER = re.compile(r"\w")
_BLANKS = re.compile(r"\s\s+")
_ASCII = bytes(range(128))


@dataclass(frozen=True)
class Ngrams:
    r"""Say which n-grams to take of a text, in scikit-learn's words.

    Raises ValueError for a token pattern that is no run of word characters such as `\b\w\w+\b`, and for a range that is
    empty or has n-grams of nothing.
    """

    analyzer: Literal["word", "char", "char_wb"] = "word"
    ngram_range: tuple[int, int] = (1, 1)
    lowercase: bool = True
    strip_accents: Literal["ascii", "unicode"] | None = None
    token_pattern: str = TOKEN_PATTERN
    stop_words: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        low, high = self.ngram_range
        if not 1 <= low <= high:
            raise ValueError(f"ngram_range is {self.ngram_range}; allowed: two numbers from 1 on, in order")
        if self.analyzer == "word" and shortest_word(self.token_pattern) is None:
            raise ValueError(rf"token_pattern is {self.token_pattern!r}; allowed: (?u)\b\w\w+\b with one \w or more")


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
            return self._count_few(texts, dtype)
        _ = self._trie  # built here, not once in each thread
        return _stack(_each(self._count_chunk, _chunks(texts)), dtype)

    @cached_property
    def _trie(self) -> _Trie:
        return _trie_of_terms(self.ngrams, self.terms)

    @cached_property
    def _columns(self) -> dict[str, int]:
        return {term: column for column, term in enumerate(strings(self.terms))}

    def _count_chunk(self, texts: Sequence[str]) -> csr_array:
        rows = _read(self.ngrams, texts)
        if self.ngrams.analyzer == "char_wb":
            return _by_words(rows, self._count_rows(_spelled_words(rows.alphabet))).tocsr()
        return self._count_rows(rows)

    def _count_rows(self, rows: _Rows) -> csr_array:
        known = _recoded(rows, self._trie.alphabet)
        levels = _walk([known], [np.flatnonzero(known.symbols >= 0)], self.ngrams.ngram_range[1], self._trie.find)
        return _tally(self.ngrams, known, [found for (found,) in levels], self._trie.columns, len(self.terms))

    def _count_few(self, texts: Sequence[str], dtype: DTypeLike) -> csr_array:
        counts = [Counter(self._columns.get(term, -1) for term in spell(self.ngrams, text)) for text in texts]
        pairs = [sorted((column, count) for column, count in row.items() if column >= 0) for row in counts]
        flat = np.array([pair for row in pairs for pair in row], np.int32).reshape(-1, 2)
        starts = np.cumsum([0, *map(len, pairs)], dtype=np.int32)
        return csr_array((flat[:, 1].astype(dtype), flat[:, 0].copy(), starts), shape=(len(texts), len(self.terms)))


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
    chunks = _shared(_each(partial(_read, ngrams), _chunks(texts)))
    if ngrams.analyzer == "char_wb":
        words = _spelled_words(chunks[0].alphabet)
        trie, (of_words,) = _grow(ngrams, [words])
        counts = _each(lambda rows: _by_words(rows, of_words), chunks)
    else:
        trie, counts = _grow(ngrams, chunks)
    if not trie.size:
        raise ValueError("empty vocabulary; perhaps the documents only contain stop words")
    if binary:
        for part in counts:
            part.data.fill(1)
    keep = _kept(counts, len(texts), min_df, max_df, max_features, dtype)
    return _stack(counts, dtype, keep), _spelled(trie, keep, " " if ngrams.analyzer == "word" else "")


def shortest_word(token_pattern: str) -> int | None:
    r"""Tell how many characters a word needs under patterns such as `\b\w\w+\b`, or None for any other pattern."""
    match = _RUN_PATTERN.fullmatch(token_pattern)
    return len(match[1]) // 2 if match else None


def spell(ngrams: Ngrams, text: str) -> Iterator[str]:
    """Yield the n-grams of one text, the plain way."""
    low, high = ngrams.ngram_range
    (text,) = _prepared(ngrams, [text])
    if ngrams.analyzer == "word":
        words = [word for word in re.findall(ngrams.token_pattern, text) if word not in ngrams.stop_words]
        spans = (words[at : at + n] for n in range(low, high + 1) for at in range(len(words) - n + 1))
        yield from map(" ".join, spans)
        return
    pieces = [_BLANKS.sub(" ", text)] if ngrams.analyzer == "char" else [f" {word} " for word in text.split()]
    for piece in pieces:
        if len(piece) < low and ngrams.analyzer == "char_wb":
            yield piece
        for n in range(low, min(high, len(piece)) + 1):
            yield from (piece[at : at + n] for at in range(len(piece) - n + 1))


def strings(terms: pa.BinaryArray) -> list[str]:
    """Give terms as Python strings."""
    return [term.decode("utf-8", "surrogatepass") for term in terms.to_pylist()]


def binaries(terms: Iterable[str]) -> pa.BinaryArray:
    """Give strings as Arrow's UTF-8 bytes, lone surrogates passed through."""
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    return _binary(_ends(encoded), b"".join(encoded))


# Texts to rows of symbols


@dataclass(frozen=True)
class _Rows:
    """Rows of symbols: row i is `symbols[starts[i]:starts[i + 1]]`, numbers into the alphabet, -1 for none of it."""

    symbols: Ints
    starts: Ints
    alphabet: pa.BinaryArray

    @cached_property
    def lengths(self) -> Ints:
        return np.diff(self.starts)

    @cached_property
    def row(self) -> Ints:
        """The row each symbol stands in."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def room(self) -> Ints:
        """How many symbols there are from each one to the end of its row."""
        return np.repeat(self.starts[1:], self.lengths) - np.arange(len(self.symbols))


def _read(ngrams: Ngrams, texts: Sequence[str]) -> _Rows:
    prepared = _prepared(ngrams, texts)
    if ngrams.analyzer == "char":
        return _characters([_BLANKS.sub(" ", text) for text in prepared])
    if ngrams.analyzer == "char_wb":
        return _runs(prepared, lambda character: not character.isspace())
    words = _runs(prepared, lambda character: _WORD_CHARACTER.match(character) is not None)
    shortest = shortest_word(ngrams.token_pattern) or 1
    stays = [len(word) >= shortest and word not in ngrams.stop_words for word in strings(words.alphabet)]
    return _only(words, np.array(stays, np.bool_))


def _prepared(ngrams: Ngrams, texts: Sequence[str]) -> Sequence[str]:
    if ngrams.lowercase:
        texts = [text.lower() for text in texts]
    if ngrams.strip_accents is None:
        return texts
    strip = _to_ascii if ngrams.strip_accents == "ascii" else _without_accents
    return [text if text.isascii() else strip(unicodedata.normalize("NFKD", text)) for text in texts]


def _to_ascii(decomposed: str) -> str:
    return decomposed.encode("ascii", "ignore").decode()


def _without_accents(decomposed: str) -> str:
    return "".join(character for character in decomposed if not unicodedata.combining(character))


def _runs(texts: Sequence[str], member: Callable[[str], bool]) -> _Rows:
    """Cut texts into the longest runs of member characters; a space is none."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    raw = b" ".join([b"", *encoded, b""])
    mask = _mask(raw, member)
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    begins, ends = edges[::2], edges[1::2]
    offsets = np.concatenate([[0], np.cumsum(ends - begins)])
    words = _binary(offsets, np.compress(mask, np.frombuffer(raw, np.uint8))).dictionary_encode()
    bounds = 1 + _ends(encoded) + np.arange(len(texts) + 1)
    return _Rows(_numbers(words.indices), np.searchsorted(begins, bounds), words.dictionary)


def _ends(texts: Sequence[str] | Sequence[bytes]) -> Ints:
    """Give where each text ends when one stands after the other, after a 0."""
    return np.cumsum(np.concatenate([[0], np.fromiter(map(len, texts), np.int64, len(texts))]))


def _mask(raw: bytes, member: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Mark the bytes of member characters, asking once for each distinct character."""
    table = bytes(member(chr(code)) for code in range(128)) + bytes(128)
    mask = np.frombuffer(bytearray(raw.translate(table)), np.bool_)
    if raw.isascii():
        return mask
    points = _code_points(raw.translate(None, _ASCII).decode("utf-8", "surrogatepass"))
    distinct, codes = _numbered(points)
    members = np.array([member(chr(point)) for point in distinct], np.bool_)[codes]
    mask[np.frombuffer(raw, np.uint8) >= 128] = np.repeat(members, 2 + (points >= 1 << 11) + (points >= 1 << 16))
    return mask


def _characters(texts: Sequence[str]) -> _Rows:
    distinct, symbols = _numbered(_code_points("".join(texts)))
    return _Rows(symbols, _ends(texts), binaries(map(chr, distinct)))


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _numbered(points: NDArray[np.uint32]) -> Found:
    """Give the distinct code points in order, and each one's number among them."""
    present = np.zeros(int(points.max(initial=0)) + 1, np.bool_)
    present[points] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[points]


def _spelled_words(words: pa.BinaryArray) -> _Rows:
    return _characters([f" {word} " for word in strings(words)])


def _only(rows: _Rows, stays: NDArray[np.bool_]) -> _Rows:
    """Take symbols out of the rows, so that those before and after become neighbours."""
    if stays.all():
        return rows
    kept = stays[rows.symbols]
    starts = np.concatenate([[0], np.cumsum(kept)])[rows.starts]
    return _Rows((np.cumsum(stays) - 1)[rows.symbols[kept]], starts, rows.alphabet.take(_arrow(np.flatnonzero(stays))))


def _shared(chunks: list[_Rows]) -> list[_Rows]:
    """Give all chunks one alphabet, its symbols in the order of their spelling."""
    alphabet = pa.concat_arrays([rows.alphabet for rows in chunks]).unique()
    alphabet = alphabet.take(pc.array_sort_indices(alphabet))
    return _each(lambda rows: _recoded(rows, alphabet), chunks)


def _recoded(rows: _Rows, alphabet: pa.BinaryArray) -> _Rows:
    codes = _numbers(pc.coalesce(pc.index_in(rows.alphabet, value_set=alphabet), _arrow(np.array([-1]))[0]))
    return _Rows(codes[rows.symbols], rows.starts, alphabet)


# Rows of symbols to n-grams


@dataclass(frozen=True)
class _Trie:
    """N-grams of symbols. A node of level n has the key (node of level n - 1) * (symbols + 1) + symbol + 1.

    `keys[n - 2]` are the sorted keys of level n, from 2 on: a node is its place there, and on level 1 the symbol.
    `columns[n - 1]` are the columns of the nodes of level n, -1 for a node that is no term.
    """

    alphabet: pa.BinaryArray
    keys: list[Ints]
    columns: list[Ints]

    @cached_property
    def size(self) -> int:
        return sum(int((columns >= 0).sum()) for columns in self.columns)

    def find(self, n: int, steps: list[Found]) -> list[Found]:
        """Turn the keys of level n into nodes, leaving out unknown ones."""
        keys = self.keys[n - 2] if n - 2 < len(self.keys) else np.empty(0, np.int64)
        return [_find(keys, at, wanted) for at, wanted in steps]


def _walk(
    chunks: list[_Rows], at: list[Ints], longest: int, resolve: Callable[[int, list[Found]], list[Found]]
) -> Iterator[list[Found]]:
    """Yield, for n = 1, 2, ..., the n-grams that begin at the given symbols of each chunk."""
    found = [(begins, rows.symbols[begins]) for rows, begins in zip(chunks, at, strict=True)]
    for n in range(1, longest + 1):
        if n > 1:
            found = resolve(n, _each(partial(_longer, n), chunks, found))
        if not any(begins.size for begins, _ in found):
            return
        yield found


def _longer(n: int, rows: _Rows, shorter: Found) -> Found:
    """Give where the n-grams begin, and their keys, from the n-grams one symbol shorter."""
    at, nodes = shorter
    fits = rows.room[at] >= n
    at = at[fits]
    return at, nodes[fits] * (len(rows.alphabet) + 1) + rows.symbols[at + n - 1] + 1


def _grow(ngrams: Ngrams, chunks: list[_Rows]) -> tuple[_Trie, list[csr_array]]:
    """Build the trie of all n-grams in some rows, columns in order of spelling, and count them in each chunk."""
    keys: list[Ints] = []
    everywhere = [np.arange(len(rows.symbols)) for rows in chunks]
    levels = list(_walk(chunks, everywhere, ngrams.ngram_range[1], partial(_learn, keys)))
    sizes = [len(chunks[0].alphabet), *map(len, keys)]
    low = ngrams.ngram_range[0]
    terms = [np.full(size, n >= low) for n, size in enumerate(sizes, 1)]
    for n, level in enumerate(levels[: low - 1], 1):
        for rows, found in zip(chunks, level, strict=True):
            terms[n - 1][_counted(ngrams, rows, n, found)[1]] = True
    trie = _Trie(chunks[0].alphabet, keys, _columns_in_order(len(chunks[0].alphabet) + 1, keys, terms))
    parts = list(zip(*levels, strict=True)) or [()] * len(chunks)
    return trie, _each(lambda rows, found: _tally(ngrams, rows, found, trie.columns, trie.size), chunks, parts)


def _learn(keys: list[Ints], _: int, steps: list[Found]) -> list[Found]:
    """Turn keys into nodes, and note the keys of this level."""
    local = _each(lambda step: _arrow(step[1]).dictionary_encode(), steps)
    merged = np.sort(np.concatenate([_numbers(part.dictionary) for part in local]))
    known = merged[_differs(merged)]
    keys.append(known)
    places = _each(lambda part: _places(known, _numbers(part.dictionary))[_numbers(part.indices)], local)
    return [(at, nodes) for (at, _), nodes in zip(steps, places, strict=True)]


def _find(keys: Ints, at: Ints, wanted: Ints) -> Found:
    places = np.minimum(_places(keys, wanted), len(keys) - 1)
    known = keys[places] == wanted if len(keys) else np.zeros(len(wanted), np.bool_)
    return at[known], places[known]


def _places(keys: Ints, wanted: Ints) -> Ints:
    """Give the place of each wanted number in sorted keys."""
    order = np.argsort(wanted)  # one by one in order, the search stays in the processor's cache
    places = np.empty(len(wanted), np.int64)
    places[order] = np.searchsorted(keys, wanted[order])
    return places


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


def _trie_of_terms(ngrams: Ngrams, terms: pa.BinaryArray) -> _Trie:
    rows = _rows_of_terms(ngrams, terms)
    keys: list[Ints] = []
    begins = rows.starts[:-1][rows.lengths > 0]
    levels = list(_walk([rows], [begins], ngrams.ngram_range[1], partial(_learn, keys)))
    columns = [np.full(size, -1, np.int64) for size in (len(rows.alphabet), *map(len, keys))]
    for n, ((at, nodes),) in enumerate(levels, 1):
        ends = rows.lengths[rows.row[at]] == n
        columns[n - 1][nodes[ends]] = rows.row[at[ends]]
    return _Trie(rows.alphabet, keys, columns)


def _rows_of_terms(ngrams: Ngrams, terms: pa.BinaryArray) -> _Rows:
    if ngrams.analyzer != "word":
        return _characters(strings(terms))
    words = pc.split_pattern(terms, b" ")
    symbols = words.values.dictionary_encode()
    return _shared([_Rows(_numbers(symbols.indices), _numbers(words.offsets), symbols.dictionary)])[0]


def _spelled(trie: _Trie, keep: NDArray[np.bool_], joint: str) -> pa.BinaryArray:
    """Build the terms whose columns stay, in order of their columns."""
    (between,) = binaries([joint])
    parts, places = [], []
    for n, columns in enumerate(trie.columns, 1):
        nodes = np.flatnonzero((columns >= 0) & keep[columns])
        places.append(columns[nodes])
        path = []
        for keys in reversed(trie.keys[: n - 1]):
            nodes, symbols = np.divmod(keys[nodes], len(trie.alphabet) + 1)
            path.append(trie.alphabet.take(_arrow(symbols - 1)))
        path.append(trie.alphabet.take(_arrow(nodes)))
        parts.append(pc.binary_join_element_wise(*reversed(path), between) if n > 1 else path[0])
    return pa.concat_arrays(parts).take(_arrow(np.argsort(np.concatenate(places))))


# N-grams to counts


def _counted(ngrams: Ngrams, rows: _Rows, n: int, found: Found) -> Found:
    """Give the rows and nodes of the n-grams that count."""
    at, nodes = found
    owners = rows.row[at]
    if n >= ngrams.ngram_range[0]:
        return owners, nodes
    # scikit-learn counts a padded word too short for any n-gram once, as it is
    short = (rows.lengths[owners] == n) & (ngrams.analyzer == "char_wb")
    return owners[short], nodes[short]


def _tally(ngrams: Ngrams, rows: _Rows, levels: Sequence[Found], columns: list[Ints], width: int) -> csr_array:
    """Count the columns in each row by one sort of (row, column) pairs."""
    bits = width.bit_length()
    pairs = [np.empty(0, np.int64)]
    for n, found in enumerate(levels, 1):
        owners, nodes = _counted(ngrams, rows, n, found)
        column = columns[n - 1][nodes]
        pairs.append((owners << bits | column)[column >= 0])
    pair = np.sort(np.concatenate(pairs))
    new = np.flatnonzero(_differs(pair))
    counts = np.diff(new, append=len(pair)).astype(np.int32)
    pair = pair[new]
    starts = np.searchsorted(pair, np.arange(len(rows.lengths) + 1) << bits).astype(np.int32)
    return csr_array((counts, (pair & (1 << bits) - 1).astype(np.int32), starts), shape=(len(rows.lengths), width))


def _differs(ordered: Ints) -> NDArray[np.bool_]:
    """Mark the first of each run of equals."""
    return np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)]


def _by_words(rows: _Rows, of_words: csr_array) -> csc_array:
    """Count n-grams in texts from the words in texts and the n-grams in words."""
    words = csr_array(
        (np.ones(len(rows.symbols), np.int32), rows.symbols.astype(np.int32), rows.starts.astype(np.int32)),
        shape=(len(rows.lengths), of_words.shape[0]),
    )
    # by columns, as it must be turned round twice to sort its indices, and meanwhile unwanted columns go at no cost
    return (words @ of_words).tocsc()


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
    frequency = sum(_each(_rows_with, counts))
    keep = np.asarray((frequency <= most) & (frequency >= least))
    if max_features is not None and keep.sum() > max_features:
        totals = sum(_each(lambda part: part.sum(axis=0), counts)).astype(np.zeros(1, dtype).sum().dtype)
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
    sizes = _each(lambda part: int(_rows_with(part)[keep].sum()), parts) if some else [part.nnz for part in parts]
    ends = np.cumsum(sizes)
    index = np.int32 if ends[-1] <= np.iinfo(np.int32).max else np.int64
    data, indices = np.empty(ends[-1], dtype), np.empty(ends[-1], index)

    def place(part: csr_array | csc_array, size: int, end: int) -> Any:
        rows = (part[:, keep] if some else part).tocsr()
        data[end - size : end] = rows.data
        indices[end - size : end] = rows.indices
        return np.diff(rows.indptr)

    lengths = _each(place, parts, sizes, ends)
    starts = np.cumsum(np.concatenate([[0], *lengths]), dtype=index)
    width = int(keep.sum()) if keep is not None else parts[0].shape[1]
    return csr_array((data, indices, starts), shape=(len(starts) - 1, width))


# Arrays to and from Arrow: `pa.array`, `pa.scalar` and `to_numpy` import pandas, which takes longer than predicting


def _binary(offsets: Ints, data: bytes | NDArray[np.uint8]) -> pa.BinaryArray:
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def _arrow(numbers: Ints) -> pa.Int64Array:
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))])


def _numbers(array: pa.Array) -> Ints:
    return np.from_dlpack(array).astype(np.int64, copy=False)


# Chunks and threads


def _chunks(texts: Sequence[str]) -> list[Sequence[str]]:
    """Cut texts into one or more chunks of like size, of about `CHUNK` characters at most."""
    ends = _ends(texts)
    cuts = np.linspace(0, ends[-1], -(-int(ends[-1]) // CHUNK) + 1)[1:-1]
    bounds = sorted({0, *np.searchsorted(ends, cuts).tolist(), len(texts)})
    return [texts[begin:end] for begin, end in pairwise(bounds)] or [texts]


def _each(function: Callable[..., T], *columns: Iterable[Any]) -> list[T]:
    """Map a function over rows of arguments, on several threads if there are several rows."""
    rows = list(zip(*columns, strict=True))
    threads = min(pa.cpu_count(), len(rows))
    if threads < 2:
        return [function(*row) for row in rows]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda row: function(*row), rows))
