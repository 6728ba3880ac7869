"""Texts to rows of symbols: words or characters, numbered in the order of their spelling."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from slugline.ngrams.arrow import Ints, binaries, ends, find_places, strings, to_arrow, to_binary, to_numpy
from slugline.ngrams.threads import each

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


@dataclass(frozen=True)
class Rows:
    """Rows of symbols: row i is `symbols[starts[i]:starts[i + 1]]`, numbers into the alphabet, -1 for none of it."""

    symbols: Ints
    starts: Ints
    alphabet: pa.BinaryArray

    @cached_property
    def lengths(self) -> Ints:
        """How many symbols each row has."""
        return np.diff(self.starts)

    @cached_property
    def row(self) -> Ints:
        """The row each symbol stands in."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    @cached_property
    def room(self) -> Ints:
        """How many symbols there are from each one to the end of its row."""
        return np.repeat(self.starts[1:], self.lengths) - np.arange(len(self.symbols))


def read(ngrams: Ngrams, texts: Sequence[str]) -> Rows:
    """Read texts as rows of words, or of characters."""
    prepared = _prepared(ngrams, texts)
    if ngrams.analyzer == "char":
        return characters([_BLANKS.sub(" ", text) for text in prepared])
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


def _runs(texts: Sequence[str], member: Callable[[str], bool]) -> Rows:
    """Cut texts into the longest runs of member characters; a space is none."""
    encoded = [text.encode("utf-8", "surrogatepass") for text in texts]
    raw = b" ".join([b"", *encoded, b""])
    mask = _mask(raw, member)
    edges = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    begins = edges[::2]
    offsets = np.concatenate([[0], np.cumsum(edges[1::2] - begins)])
    words = to_binary(offsets, np.compress(mask, np.frombuffer(raw, np.uint8))).dictionary_encode()
    bounds = 1 + ends(encoded) + np.arange(len(texts) + 1)
    return Rows(to_numpy(words.indices), np.searchsorted(begins, bounds), words.dictionary)


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


def characters(texts: Sequence[str]) -> Rows:
    """Give texts as rows of characters."""
    distinct, symbols = _numbered(_code_points("".join(texts)))
    return Rows(symbols, ends(texts), binaries(map(chr, distinct)))


def _code_points(text: str) -> NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4")


def _numbered(points: NDArray[np.uint32]) -> tuple[Ints, Ints]:
    """Give the distinct code points in order, and each one's number among them."""
    present = np.zeros(int(points.max(initial=0)) + 1, np.bool_)
    present[points] = True
    return np.flatnonzero(present), (np.cumsum(present) - 1)[points]


def spelled_words(words: pa.BinaryArray) -> Rows:
    """Give words as rows of characters, a blank before and after."""
    return characters([f" {word} " for word in strings(words)])


def _only(rows: Rows, stays: NDArray[np.bool_]) -> Rows:
    """Take symbols out of the rows, so that those before and after become neighbours."""
    if stays.all():
        return rows
    kept = stays[rows.symbols]
    starts = np.concatenate([[0], np.cumsum(kept)])[rows.starts]
    return Rows((np.cumsum(stays) - 1)[rows.symbols[kept]], starts, rows.alphabet.take(to_arrow(np.flatnonzero(stays))))


def share_alphabet(chunks: list[Rows]) -> list[Rows]:
    """Give all chunks one alphabet, its symbols in the order of their spelling."""
    alphabet = pa.concat_arrays([rows.alphabet for rows in chunks]).unique()
    alphabet = alphabet.take(pc.array_sort_indices(alphabet))
    return each(lambda rows: recode(rows, alphabet), chunks)


def recode(rows: Rows, alphabet: pa.BinaryArray) -> Rows:
    """Give the symbols of rows their numbers in another alphabet, -1 where they are not in it."""
    codes = find_places(alphabet, rows.alphabet)
    return Rows(codes[rows.symbols], rows.starts, alphabet)
