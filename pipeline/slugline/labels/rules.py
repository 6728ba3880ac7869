"""Rules on many texts at once.

Texts are cut into words once, and each distinct word gets a number. Wildcards and inflections are looked up among the
distinct words, and a phrase costs no more than the places of its rarest word, so that two hundred rules are not two
hundred scans.
"""

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from importlib import import_module
from inspect import isfunction
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.errors import InputError, listing
from slugline.labels.inflections import inflect
from slugline.labels.taxonomy import VOTES, Near, Rule

TOKEN = re.compile(r"\w+|[^\w\s]")
PHRASE = re.compile(r"[\w*]+~?|[^\w\s*~]")  # a word of a phrase: with wildcards, or to be inflected
PLAIN = str.maketrans({"’": "'", "‘": "'", "\u2010": "-", "\u2011": "-"})  # marks that only look different
CUES = ("not", "no", "never", "none", "neither", "nor", "nobody", "nothing", "without", "cannot", "hardly")
BREAKS = (".", ",", ";", ":", "?", "!", "(", ")", "–", "—", "but", "although", "though", "while", "because", "after")
SCOPE = 6  # tokens that a negation reaches
LAST = chr(0x10FFFF)


class Spans(NamedTuple):
    """Where phrases stand: the places of their first tokens, and of the tokens after their last.

    Of two phrases near each other those of the first, and in `others` where the other one begins.
    """

    starts: np.ndarray
    ends: np.ndarray
    others: np.ndarray | None = None


class Tokens:
    """Texts cut into tokens: words and single other characters, in small letters, numbered by their spelling."""

    def __init__(self, texts: Sequence[str]) -> None:
        found = [TOKEN.findall(text.lower().translate(PLAIN)) for text in texts]
        self.lengths = np.fromiter(map(len, found), np.int64, len(found))
        flat = np.array([token for tokens in found for token in tokens], dtype=object)
        self.ids, distinct = pd.factorize(flat, sort=True)
        self.words: list[str] = distinct.tolist()
        self.text = np.repeat(np.arange(len(found)), self.lengths)

    @cached_property
    def order(self) -> np.ndarray:
        """The places of all tokens, those of one word together."""
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def bounds(self) -> np.ndarray:
        """Where in `order` the places of each word begin."""
        return np.searchsorted(self.ids[self.order], np.arange(len(self.words) + 1))

    def places(self, numbers: np.ndarray) -> np.ndarray:
        """Return the places of some words."""
        parts = [self.order[self.bounds[number] : self.bounds[number + 1]] for number in numbers]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def count(self, numbers: np.ndarray) -> int:
        """Return how often some words stand in the texts."""
        return int((self.bounds[numbers + 1] - self.bounds[numbers]).sum())

    def number(self, words: Sequence[str]) -> np.ndarray:
        """Return the numbers of those words that stand in the texts."""
        found = [(bisect_left(self.words, word), word) for word in words]
        known = [place for place, word in found if place < len(self.words) and self.words[place] == word]
        return np.array(known, np.int64)

    def matching(self, part: str) -> np.ndarray:
        """Return the numbers of the words that a word of a phrase stands for."""
        if part.endswith("~"):
            return self.number(inflect(part[:-1]))
        if "*" not in part:
            return self.number([part])
        prefix = part.partition("*")[0]
        first, last = bisect_left(self.words, prefix), bisect_left(self.words, prefix + LAST)
        like = re.compile(re.escape(part).replace(r"\*", r"\w*") if part != "*" else r"\w+")
        return np.array([place for place in range(first, last) if like.fullmatch(self.words[place])], np.int64)

    @cached_property
    def negated(self) -> np.ndarray:
        """Whether each token is in the scope of a negation: at most `SCOPE` tokens after its cue, in the same clause.

        After NegEx: Chapman et al. 2001, "A simple algorithm for identifying negated findings and diseases in discharge
        summaries"; with fewer cues, and clauses that end at punctuation and at some conjunctions.
        """
        here = np.arange(len(self.ids))
        cue = np.isin(self.ids, self.number(CUES)) | self._shortened()
        clause = np.isin(self.ids, self.number(BREAKS)) | np.diff(self.text, prepend=-1).astype(bool)
        last_cue = np.maximum.accumulate(np.where(cue, here, -1)) if len(here) else here
        last_break = np.maximum.accumulate(np.where(clause & ~cue, here, -1)) if len(here) else here
        return (last_cue >= 0) & (last_cue >= last_break) & (here > last_cue) & (here - last_cue <= SCOPE)

    def _shortened(self) -> np.ndarray:
        """Mark the last token of `didn't`, `can't`: an n, an apostrophe, a t."""
        ends_in_n = np.array([word.endswith("n") for word in self.words], np.bool_)
        t, apostrophe = np.isin(self.ids, self.number(["t"])), np.isin(self.ids, self.number(["'"]))
        before = np.concatenate([[False, False], (ends_in_n[self.ids[:-2]]) & apostrophe[1:-1]])[: len(self.ids)]
        return np.asarray(t & before) if len(self.ids) > 2 else np.zeros(len(self.ids), np.bool_)


class Finder:
    """Finds phrases, patterns and pairs of phrases in some texts."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.tokens = Tokens(texts)
        self.known: dict[str, Spans] = {}

    def phrase(self, phrase: str) -> Spans:
        """Return where a phrase stands; each phrase is looked for once."""
        if phrase not in self.known:
            self.known[phrase] = self._find(PHRASE.findall(phrase.lower().translate(PLAIN)))
        return self.known[phrase]

    def _find(self, parts: Sequence[str]) -> Spans:
        tokens, length = self.tokens, len(parts)
        numbers = [tokens.matching(part) for part in parts]
        rarest = min(range(length), key=lambda place: tokens.count(numbers[place]))
        starts = np.sort(tokens.places(numbers[rarest])) - rarest
        starts = starts[(starts >= 0) & (starts + length <= len(tokens.ids))]
        starts = starts[tokens.text[starts] == tokens.text[starts + length - 1]]
        for place in range(length):
            if place != rarest:
                starts = starts[np.isin(tokens.ids[starts + place], numbers[place])]
        return Spans(starts, starts + length)

    def rows(self, spans: Spans, negated: str) -> np.ndarray:
        """Return which texts hold one of some spans that counts, booleans (texts,)."""
        starts = spans.starts
        if negated != "count":
            scope = self.tokens.negated[starts]
            if spans.others is not None:
                scope = scope | self.tokens.negated[spans.others]
            starts = starts[scope == (negated == "only")]
        found = np.zeros(len(self.texts), np.bool_)
        found[self.tokens.text[starts]] = True
        return found

    def pairs(self, near: Near) -> Spans:
        """Return the first phrases that have the other one near, the nearest one after, or else before them."""
        one, other = self.phrase(near.first), self.phrase(near.then)
        if not len(one.starts) or not len(other.starts):
            return Spans(one.starts[:0], one.ends[:0], other.starts[:0])
        text = self.tokens.text
        place = np.searchsorted(other.starts, one.ends)
        after = other.starts[np.minimum(place, len(other.starts) - 1)]
        close = (place < len(other.starts)) & (after - one.ends <= near.within) & (text[after] == text[one.starts])
        partner = after
        if not near.ordered:
            place = np.searchsorted(other.ends, one.starts, side="right") - 1  # all of one length: as ordered as starts
            before = other.starts[np.maximum(place, 0)]
            gap = one.starts - other.ends[np.maximum(place, 0)]
            earlier = (place >= 0) & (gap <= near.within) & (text[before] == text[one.starts])
            partner = np.where(close, after, before)
            close = close | earlier
        return Spans(one.starts[close], one.ends[close], partner[close])

    def pattern(self, pattern: re.Pattern[str]) -> np.ndarray:
        """Return which texts a regular expression is found in, booleans (texts,)."""
        return np.fromiter((pattern.search(text) is not None for text in self.texts), np.bool_, len(self.texts))


def vote(texts: Sequence[str], rules: Mapping[str, Rule], allowed_modules: Sequence[str] = ()) -> np.ndarray:
    """Return the votes of rules: int8, shape (texts, rules); 1 for the rule's topic, -1 against it, 0 for neither.

    Raises `InputError` for an empty phrase, a pattern that is none, or a function of a module that is not allowed.
    """
    place, distinct = pd.factorize(np.array(texts, dtype=object))
    named = {name: key_of(name, rule) for name, rule in rules.items()}
    for name, rule in rules.items():
        check_phrases(named[name], rule)
    functions = {
        name: find_function(named[name], rule.function, allowed_modules)
        for name, rule in rules.items()
        if rule.function
    }
    finder = Finder(list(distinct))
    votes = np.zeros((len(distinct), len(rules)), np.int8)
    for column, (name, rule) in enumerate(rules.items()):
        votes[:, column] = np.where(fires(finder, named[name], rule, functions.get(name)), VOTES[rule.vote], 0)
    return votes[place]


def key_of(name: str, rule: Rule) -> str:
    """Return where a rule stands in the config; the rule of a topic's keywords has the topic's name."""
    return f"labels.{'topics' if name == rule.topic else 'functions'}.{name}"


def fires(finder: Finder, name: str, rule: Rule, function: Callable[[str], bool | None] | None) -> np.ndarray:
    """Return which texts a rule votes on, booleans (texts,)."""
    found = np.zeros(len(finder.texts), np.bool_)
    for hits in first_of_all(finder, name, rule, function):
        found |= hits
    if not (rule.any or rule.patterns or rule.near or function):
        found[:] = True
    for phrase in rule.all:
        found &= finder.rows(finder.phrase(phrase), rule.negated)
    for phrase in rule.none:
        found &= ~finder.rows(finder.phrase(phrase), "count")
    return found


def first_of_all(
    finder: Finder, name: str, rule: Rule, function: Callable[[str], bool | None] | None
) -> Iterator[np.ndarray]:
    """Yield the texts that hold each of the things of which one is enough."""
    for phrase in rule.any:
        yield finder.rows(finder.phrase(phrase), rule.negated)
    for near in rule.near:
        yield finder.rows(finder.pairs(near), rule.negated)
    if rule.patterns:
        yield finder.pattern(compile_patterns(name, rule.patterns))
    if function is not None:
        yield np.fromiter((function(text) is True for text in finder.texts), np.bool_, len(finder.texts))


def check_phrases(name: str, rule: Rule) -> None:
    """Raise `InputError` for a phrase without a word."""
    phrases = [*rule.any, *rule.all, *rule.none, *(side for near in rule.near for side in (near.first, near.then))]
    for phrase in phrases:
        if not PHRASE.findall(phrase) or PHRASE.sub("", phrase).strip():
            raise InputError(f"{name}: '{phrase}' is no phrase; allowed: words, with * and a ~ at a word's end")


def compile_patterns(name: str, patterns: Sequence[str]) -> re.Pattern[str]:
    """Return one regular expression for several; raise `InputError` for one that is none."""
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise InputError(f"{name}.patterns: '{pattern}' is no regular expression: {error}") from error
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns), re.IGNORECASE)


def find_function(name: str, dotted: str, allowed_modules: Sequence[str]) -> Callable[[str], bool | None]:
    """Return a function by its dotted name; raise `InputError`, before importing it, for a module not allowed.

    It must be a function of that very module: what a module has imported from others is not its own.
    """
    module, _, attribute = dotted.rpartition(".")
    if not is_within(module, allowed_modules):
        allowed = listing(allowed_modules) or "none (labels.allowed_modules adds some)"
        raise InputError(f"{name}.function: '{dotted}' is not allowed; modules allowed: {allowed}")
    try:
        found = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{name}.function: there is no '{dotted}': {error}") from error
    if not isfunction(found) or not is_within(found.__module__, allowed_modules):
        raise InputError(f"{name}.function: '{dotted}' is no function of an allowed module")
    return found


def is_within(module: str, allowed: Sequence[str]) -> bool:
    """Tell whether a module is one of those allowed, or inside one."""
    return any(module == top or module.startswith(f"{top}.") for top in allowed)
