"""Phrases in many texts at once.

Texts are cut into words once, and each distinct word gets a number. Wildcards and inflections are looked up among the
distinct words, and a phrase costs no more than the places of its rarest word, so that two hundred rules are not two
hundred scans.
"""

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.labels.inflections import inflect
from slugline.labels.taxonomy import Near

# Thai, Lao, Burmese, Khmer, Japanese, Chinese: no blanks between words, so each sign is one
_UNSPACED = (
    r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
)
# A word of a phrase: with wildcards, or to be inflected
PHRASE_WORD = re.compile(rf"[{_UNSPACED}]|(?:[^\W{_UNSPACED}]|\*)+~?|[^\w\s*~]")

_WORD_CHARACTER = re.compile(r"\w")  # marks are tokens, too
_TOKEN = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+|[^\w\s]")
_PLAIN = str.maketrans({"’": "'", "‘": "'", "\u2010": "-", "\u2011": "-"})  # marks that only look different
_CUES = ("not", "no", "never", "none", "neither", "nor", "nobody", "nothing", "without", "cannot", "hardly")
_BREAKS = (".", ",", ";", ":", "?", "!", "(", ")", "–", "—", "but", "although", "though", "while", "because", "after")
_SCOPE = 6  # tokens that a negation reaches
_LAST_CHARACTER = chr(0x10FFFF)


class Spans(NamedTuple):
    """Where phrases stand among the tokens of all texts: from their first tokens to the places after their last ones.

    For pairs of phrases near each other, `starts` and `ends` are those of the first, `partners` where the second
    begins.
    """

    starts: np.ndarray
    ends: np.ndarray
    partners: np.ndarray | None = None


_NOWHERE = Spans(np.empty(0, np.int64), np.empty(0, np.int64))


@lru_cache(maxsize=100_000)
def is_phrase(text: str) -> bool:
    """Tell whether a text is a phrase: words, and marks that are tokens, no more."""
    return bool(PHRASE_WORD.findall(text)) and not PHRASE_WORD.sub("", text).strip()


@lru_cache(maxsize=100_000)
def _words_of_phrase(phrase: str) -> tuple[str, ...]:
    """Return the words of a phrase; kept, as a model looks for the same phrases in one batch after the other."""
    return tuple(PHRASE_WORD.findall(phrase.lower().translate(_PLAIN)))


class PhraseFinder:
    """Finds phrases, and pairs of phrases near each other, in some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self._tokens = _Tokens(texts)
        self._spans_of_phrase: dict[str, Spans] = {}

    def find(self, phrase: str) -> Spans:
        """Return where a phrase stands; each phrase is searched for once."""
        if phrase not in self._spans_of_phrase:
            self._spans_of_phrase[phrase] = self._search(_words_of_phrase(phrase))
        return self._spans_of_phrase[phrase]

    def find_pairs(self, near: Near) -> Spans:
        """Return where a first phrase has the second one near: the nearest after it, or else before it."""
        first, second = self.find(near.first), self.find(near.then)
        if not len(first.starts) or not len(second.starts):
            return Spans(first.starts[:0], first.ends[:0], second.starts[:0])

        text_of = self._tokens.text_of
        place = np.searchsorted(second.starts, first.ends)
        partner = second.starts[np.minimum(place, len(second.starts) - 1)]
        gap = partner - first.ends
        close = (place < len(second.starts)) & (gap <= near.within) & (text_of[partner] == text_of[first.starts])

        if not near.ordered:
            # A phrase always has the same length, so its ends are in the same order as its starts.
            place = np.searchsorted(second.ends, first.starts, side="right") - 1
            before = second.starts[np.maximum(place, 0)]
            gap = first.starts - second.ends[np.maximum(place, 0)]
            close_before = (place >= 0) & (gap <= near.within) & (text_of[before] == text_of[first.starts])
            partner = np.where(close, partner, before)
            close = close | close_before
        return Spans(first.starts[close], first.ends[close], partner[close])

    def texts_with(self, spans: Spans, negated: str) -> np.ndarray:
        """Return which texts hold one of some spans: booleans, shape (texts,); `Rule` says what `negated` does."""
        starts = spans.starts
        if negated != "count":
            in_scope = self._tokens.is_negated[starts]
            if spans.partners is not None:
                in_scope = in_scope | self._tokens.is_negated[spans.partners]
            starts = starts[in_scope == (negated == "only")]

        has_one = np.zeros(len(self.texts), np.bool_)
        has_one[self._tokens.text_of[starts]] = True
        return has_one

    def _search(self, words: Sequence[str]) -> Spans:
        """Return where words follow each other, starting from the places of the rarest one."""
        tokens, length = self._tokens, len(words)
        numbers = []
        for word in words:
            numbers.append(tokens.find_words(word))
            if not len(numbers[-1]):  # as most words of most phrases are, where there are few texts
                return _NOWHERE
        rarest = min(range(length), key=lambda position: tokens.count(numbers[position]))

        starts = np.sort(tokens.places(numbers[rarest])) - rarest
        starts = starts[(starts >= 0) & (starts + length <= len(tokens.ids))]
        starts = starts[tokens.text_of[starts] == tokens.text_of[starts + length - 1]]
        for position in range(length):
            if position != rarest:
                starts = starts[np.isin(tokens.ids[starts + position], numbers[position])]
        return Spans(starts, starts + length)


class _Tokens:
    """Texts cut into tokens: words and single other characters, in lower case, numbered by their spelling.

    `words` are the distinct tokens, sorted; `ids` the number in `words` of each token, `text_of` the text it is in.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        tokens_of_text = [_TOKEN.findall(text.lower().translate(_PLAIN)) for text in texts]
        lengths = np.fromiter(map(len, tokens_of_text), np.int64, len(tokens_of_text))
        tokens = np.array([token for tokens in tokens_of_text for token in tokens], dtype=object)
        self.ids, distinct = pd.factorize(tokens, sort=True)
        self.words: list[str] = distinct.tolist()
        self.text_of = np.repeat(np.arange(len(tokens_of_text)), lengths)
        self._numbers_of_part: dict[str, np.ndarray] = {}

    @cached_property
    def is_negated(self) -> np.ndarray:
        """Whether each token is in the scope of a negation: at most `_SCOPE` tokens after its cue, in the same clause.

        After NegEx: Chapman et al. 2001, "A simple algorithm for identifying negated findings and diseases in discharge
        summaries"; with fewer cues, and clauses that end at punctuation and at some conjunctions.
        """
        here = np.arange(len(self.ids))
        is_cue = np.isin(self.ids, self._numbers(_CUES)) | self._is_contracted_not()
        is_break = np.isin(self.ids, self._numbers(_BREAKS)) | np.diff(self.text_of, prepend=-1).astype(bool)

        last_cue = np.maximum.accumulate(np.where(is_cue, here, -1)) if len(here) else here
        last_break = np.maximum.accumulate(np.where(is_break & ~is_cue, here, -1)) if len(here) else here
        return (last_cue >= 0) & (last_cue >= last_break) & (here > last_cue) & (here - last_cue <= _SCOPE)

    def find_words(self, part: str) -> np.ndarray:
        """Return the numbers of the words that a word of a phrase stands for; each is looked up once."""
        if part not in self._numbers_of_part:
            self._numbers_of_part[part] = self._look_up(part)
        return self._numbers_of_part[part]

    def _look_up(self, part: str) -> np.ndarray:
        """Return the numbers of the words that a word of a phrase stands for."""
        if part.endswith("~"):
            return self._numbers(inflect(part[:-1]))
        if "*" not in part:
            return self._numbers([part])

        prefix = part.partition("*")[0]
        first, last = bisect_left(self.words, prefix), bisect_left(self.words, prefix + _LAST_CHARACTER)
        pieces = part.split("*")
        matches = [number for number in range(first, last) if _holds_pieces(self.words[number], pieces)]
        return np.array(matches, np.int64)

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Return the places of some words."""
        parts = [self._order[self._bounds[number] : self._bounds[number + 1]] for number in numbers]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def count(self, numbers: np.ndarray) -> int:
        """Return how often some words occur in the texts."""
        return int((self._bounds[numbers + 1] - self._bounds[numbers]).sum())

    @cached_property
    def _order(self) -> np.ndarray:
        """The places of all tokens, those of one word together."""
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def _bounds(self) -> np.ndarray:
        """Where in `_order` the places of each word begin."""
        return np.searchsorted(self.ids[self._order], np.arange(len(self.words) + 1))

    def _numbers(self, words: Sequence[str]) -> np.ndarray:
        """Return the numbers of those words that occur in the texts."""
        candidates = [(bisect_left(self.words, word), word) for word in words]
        known = [number for number, word in candidates if number < len(self.words) and self.words[number] == word]
        return np.array(known, np.int64)

    def _is_contracted_not(self) -> np.ndarray:
        """Return which tokens are the last one of `didn't`, `can't`: a word in n, an apostrophe, a t."""
        if len(self.ids) <= 2:
            return np.zeros(len(self.ids), np.bool_)
        ends_in_n = np.array([word.endswith("n") for word in self.words], np.bool_)[self.ids]
        is_apostrophe = np.isin(self.ids, self._numbers(["'"]))
        is_t = np.isin(self.ids, self._numbers(["t"]))
        contracted = ends_in_n[:-2] & is_apostrophe[1:-1] & is_t[2:]
        return np.concatenate([[False, False], contracted])


def _holds_pieces(word: str, pieces: Sequence[str]) -> bool:
    """Tell whether a word has pieces in order, the first at its start, the last at its end, any letters between.

    In linear time, which a regular expression would not take on a word of a million letters.
    """
    first, *middle, last = pieces
    place, end = len(first), len(word) - len(last)
    if place > end or not (word.startswith(first) and word.endswith(last) and _WORD_CHARACTER.match(word)):
        return False
    for piece in middle:
        place = word.find(piece, place, end) + len(piece)
        if place < len(piece):
            return False
    return True
