"""Texts as rows of symbols: words or characters, numbered in alphabetical order."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slugline.ngrams import arrow
from slugline.ngrams.arrow import Ints, cumulative_lengths, decode_terms, to_arrow, to_numpy
from slugline.ngrams.options import NgramOptions, join_blanks, minimum_word_length, normalize_texts
from slugline.ngrams.threads import map_threads

_WORD_CHARACTER = re.compile(r"\w")


@dataclass(frozen=True)
class SymbolRows:
    """Rows of symbols, one after the other in `symbols`: indices into `alphabet`, or -1 for a symbol that is not in it.

    Row i is `symbols[starts[i]:starts[i + 1]]`; `starts` has shape (rows + 1,).
    """

    symbols: Ints
    starts: Ints
    alphabet: pa.BinaryArray

    @cached_property
    def lengths(self) -> Ints:
        """The number of symbols in each row, shape (rows,)."""
        return np.diff(self.starts)

    @cached_property
    def row_of_symbol(self) -> Ints:
        """The row of each symbol, shape (symbols,)."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def symbols_left(self) -> Ints:
        """The number of symbols from each one to the end of its row, shape (symbols,)."""
        return np.repeat(self.starts[1:], self.lengths) - np.arange(len(self.symbols))


def read_symbols(options: NgramOptions, texts: Sequence[str]) -> SymbolRows:
    """Read texts as rows of words, or as rows of characters where the analyzer is "char"."""
    texts = normalize_texts(options, texts)
    if options.analyzer == "char":
        return rows_of_characters([join_blanks(text) for text in texts])
    if options.analyzer == "char_wb":
        return _rows_of_runs(texts, lambda character: not character.isspace())

    words = _rows_of_runs(texts, lambda character: _WORD_CHARACTER.match(character) is not None)
    minimum = minimum_word_length(options.token_pattern) or 1
    kept = [len(word) >= minimum and word not in options.stop_words for word in decode_terms(words.alphabet)]
    return _keep_symbols(words, np.array(kept, np.bool_))


def rows_of_characters(texts: Sequence[str]) -> SymbolRows:
    """Read texts as rows of characters."""
    distinct, symbols = _number_code_points(_code_points("".join(texts)))
    return SymbolRows(symbols, cumulative_lengths(texts), arrow.encode_terms(map(chr, distinct)))


def rows_of_padded_words(words: pa.BinaryArray) -> SymbolRows:
    """Read words as rows of characters, with a blank before and after each."""
    return rows_of_characters([f" {word} " for word in decode_terms(words)])


def share_alphabet(chunks: list[SymbolRows]) -> list[SymbolRows]:
    """Give all chunks one alphabet, in alphabetical order."""
    alphabet = pa.concat_arrays([rows.alphabet for rows in chunks]).unique()
    alphabet = alphabet.take(pc.array_sort_indices(alphabet))
    return map_threads(lambda rows: recode(rows, alphabet), chunks)


def recode(rows: SymbolRows, alphabet: pa.BinaryArray) -> SymbolRows:
    """Give the symbols of rows their indices in another alphabet, -1 where they are not in it."""
    codes = arrow.index_in(alphabet, rows.alphabet)
    return SymbolRows(codes[rows.symbols], rows.starts, alphabet)


def _keep_symbols(rows: SymbolRows, kept: NDArray[np.bool_]) -> SymbolRows:
    """Take symbols out of the rows, so that their neighbours become neighbours of each other."""
    if kept.all():
        return rows

    stays = kept[rows.symbols]
    starts = np.concatenate([[0], np.cumsum(stays)])[rows.starts]
    new_codes = np.cumsum(kept) - 1
    return SymbolRows(new_codes[rows.symbols[stays]], starts, rows.alphabet.take(to_arrow(np.flatnonzero(kept))))


def _rows_of_runs(texts: Sequence[str], is_member: Callable[[str], bool]) -> SymbolRows:
    """Cut texts into the longest runs of member characters; a blank must not be a member."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    joined = b" ".join([b"", *encoded, b""])

    # The mask changes where a run begins and where it ends, in turn
    mask = _mask_members(joined, is_member)
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    begins, ends = edges[::2], edges[1::2]

    offsets = np.concatenate([[0], np.cumsum(ends - begins)])
    runs = arrow.binary_array(offsets, np.compress(mask, np.frombuffer(joined, np.uint8))).dictionary_encode()
    text_starts = 1 + cumulative_lengths(encoded) + np.arange(len(texts) + 1)
    return SymbolRows(to_numpy(runs.indices), np.searchsorted(begins, text_starts), runs.dictionary)


def _mask_members(joined: bytes, is_member: Callable[[str], bool]) -> NDArray[np.bool_]:
    """Mark the bytes of member characters; each distinct character is tested once."""
    table = bytes(is_member(chr(code)) for code in range(128)) + bytes(128)
    mask = np.frombuffer(bytearray(joined.translate(table)), np.bool_)
    if joined.isascii():
        return mask

    points = _code_points(joined.translate(None, bytes(range(128))).decode("utf-8", "surrogatepass"))
    distinct, codes = _number_code_points(points)
    members = np.array([is_member(chr(point)) for point in distinct], np.bool_)[codes]
    utf8_lengths = 2 + (points >= 1 << 11) + (points >= 1 << 16)
    mask[np.frombuffer(joined, np.uint8) >= 128] = np.repeat(members, utf8_lengths)
    return mask


def _code_points(text: str) -> NDArray[np.uint32]:
    """Return the code point of each character."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _number_code_points(points: NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Return the distinct code points in order, and the index of each point among them."""
    present = np.zeros(int(points.max(initial=0)) + 1, np.bool_)
    present[points] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[points]
