"""Which n-grams to take from a text, and how to list those of one text in plain Python."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal, TypeVar

S = TypeVar("S", str, list[str])  # characters or words
_WORD_RUN = re.compile(r"(?:\(\?u\))?(?:\\b)?((?:\\w)+)\+(?:\\b)?")


@dataclass(frozen=True)
class NgramOptions:
    r"""Which n-grams to take from a text, in the words of scikit-learn's `CountVectorizer`.

    Parameters
    ----------
    analyzer : {"word", "char", "char_wb"}
        n-grams of words, of characters, or of characters within a word padded by a blank on each side.
    ngram_range : (int, int)
        Smallest and largest number of words or characters in an n-gram.
    lowercase, strip_accents, token_pattern
        As in scikit-learn; the token pattern must be a run of word characters such as `\b\w\w+\b`.
    stop_words : frozenset of str
        Words to leave out before n-grams are taken; for the analyzer "word" only.

    Examples
    --------
    >>> list(ngrams_of_text(NgramOptions("word", (1, 2)), "A fragile truce held"))
    ['fragile', 'truce', 'held', 'fragile truce', 'truce held']
    """

    analyzer: Literal["word", "char", "char_wb"] = "word"
    ngram_range: tuple[int, int] = (1, 1)
    _: KW_ONLY
    lowercase: bool = True
    strip_accents: Literal["ascii", "unicode"] | None = None
    token_pattern: str = r"(?u)\b\w\w+\b"  # noqa: S105 - no password
    stop_words: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        low, high = self.ngram_range
        if not 1 <= low <= high:
            raise ValueError(f"ngram_range is {self.ngram_range}; allowed: two numbers from 1 on, in order")
        if self.analyzer == "word" and minimum_word_length(self.token_pattern) is None:
            raise ValueError(rf"token_pattern is {self.token_pattern!r}; allowed: (?u)\b\w\w+\b with one \w or more")


def minimum_word_length(token_pattern: str) -> int | None:
    r"""Return how many characters a word needs under a pattern like `\b\w\w+\b`, or None for any other pattern."""
    match = _WORD_RUN.fullmatch(token_pattern)
    return len(match[1]) // 2 if match else None


def ngrams_of_text(options: NgramOptions, text: str) -> Iterator[str]:
    """Yield the n-grams of one text, in plain Python: quicker than arrays for a few short texts."""
    (text,) = normalize_texts(options, [text])
    if options.analyzer == "word":
        words = [word for word in re.findall(options.token_pattern, text) if word not in options.stop_words]
        yield from map(" ".join, _slices(words, options.ngram_range))
    elif options.analyzer == "char":
        yield from _slices(join_blanks(text), options.ngram_range)
    else:
        for word in text.split():
            padded = f" {word} "
            if len(padded) < options.ngram_range[0]:
                yield padded  # as in scikit-learn: a word too short for any n-gram counts as it is
            yield from _slices(padded, options.ngram_range)


def _slices(symbols: S, ngram_range: tuple[int, int]) -> Iterator[S]:
    """Yield all runs of symbols whose lengths lie in a range."""
    low, high = ngram_range
    for n in range(low, min(high, len(symbols)) + 1):
        for start in range(len(symbols) - n + 1):
            yield symbols[start : start + n]


def join_blanks(text: str) -> str:
    """Replace runs of white space by one blank, as scikit-learn's analyzer "char" does."""
    return re.sub(r"\s\s+", " ", text)


def normalize_texts(options: NgramOptions, texts: Sequence[str]) -> Sequence[str]:
    """Lower-case texts and strip their accents, where the options say so."""
    if options.lowercase:
        texts = [text.lower() for text in texts]
    if options.strip_accents is None:
        return texts

    decomposed = [text if text.isascii() else unicodedata.normalize("NFKD", text) for text in texts]
    if options.strip_accents == "ascii":
        return [text.encode("ascii", "ignore").decode() for text in decomposed]
    return [text if text.isascii() else _remove_marks(text) for text in decomposed]


def _remove_marks(decomposed: str) -> str:
    """Drop combining marks."""
    return "".join(character for character in decomposed if not unicodedata.combining(character))
