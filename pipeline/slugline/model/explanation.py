"""Explanations in words: what a piece of a word (a character n-gram) adds is credited to the words that hold it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from slugline.model.vectorizers import Vectorizer
from slugline.ngrams import VocabularyCounter, ngrams_of_text, normalize_texts

_LETTER = re.compile(r"\w")


def holds_pieces(vectorizer: Vectorizer) -> bool:
    """Return whether features are pieces of words."""
    return vectorizer.counter.options.analyzer != "word"


def share_out(
    vectorizer: Vectorizer, names: Sequence[str], columns: Mapping[str, int], text: str
) -> dict[int, dict[str, float]]:
    """Return for each feature in a text the words it stands for, with shares that add up to 1.

    `columns` maps the terms that are in the text to their features. `names` are the names of all features: hashed ones,
    and pieces that reach over several words (analyzer "char"), belong to no word and keep their names.
    """
    options = vectorizer.counter.options
    if not isinstance(vectorizer.counter, VocabularyCounter) or options.analyzer == "char":
        return {column: {names[column]: 1.0} for column in columns.values()}
    if options.analyzer == "word":
        return {column: {term: 1.0} for term, column in columns.items()}

    words: dict[int, Counter[str]] = {column: Counter() for column in columns.values()}
    (normal,) = normalize_texts(options, [text])
    for word in normal.split():
        bare = _strip_marks(word)
        for piece in ngrams_of_text(options, word):
            if piece in columns:
                words[columns[piece]][bare] += 1
    return {
        column: {word: count / counts.total() for word, count in counts.items()} or {names[column]: 1.0}
        for column, counts in words.items()
    }


def _strip_marks(word: str) -> str:
    """Return a word without the marks around it; one of marks alone as it is."""
    first, last = _LETTER.search(word), _LETTER.search(word[::-1])
    return word[first.start() : len(word) - last.start()] if first and last else word


def to_words(features: Sequence[Mapping[str, float]]) -> tuple[list[str], np.ndarray]:
    """Return all words of features, and the share of each feature in each word, shape (features, words)."""
    words = list(dict.fromkeys(word for shares in features for word in shares))
    place = {word: number for number, word in enumerate(words)}
    matrix = np.zeros((len(features), len(words)))
    for row, shares in zip(matrix, features, strict=True):
        for word, share in shares.items():
            row[place[word]] = share
    return words, matrix
