"""Explanations in words: what a piece of a word (a character n-gram) adds is credited to the words that hold it."""

import re
from collections.abc import Mapping, Sequence

import numpy as np

from slugline.data.context import SIDES, Context, no_context
from slugline.model.context_features import ContextFeatures, alone
from slugline.model.encoder_features import EncoderFeatures
from slugline.model.features import Features
from slugline.model.vectorizers import Vectorizer
from slugline.ngrams import VocabularyCounter, ngrams_of_text, normalize_texts

WHOLE = "(sentence as a whole)"  # what no word is credited with
_LETTER = re.compile(r"\w")


def is_encoder(vectorizer: Features) -> bool:
    """Return whether features are the vectors of an encoder."""
    return alone(vectorizer).kind == EncoderFeatures.kind


def occlude_words(text: str) -> dict[str, str]:
    """Return for each word of a text, in small letters without marks, the text without it.

    Examples
    --------
    >>> occlude_words("A truce, a truce!")
    {'a': 'truce, truce!', 'truce': 'A a'}
    """
    words = [(_strip_marks(word).lower(), word) for word in text.split()]
    return {bare: " ".join(word for other, word in words if other != bare) for bare, _ in words}


def holds_pieces(vectorizer: Features) -> bool:
    """Return whether features are pieces of words."""
    own = alone(vectorizer)
    return isinstance(own, Vectorizer) and own.counter.options.analyzer != "word"


def share_out(
    features: Features,
    terms: Sequence[str],
    columns: np.ndarray,
    start: int,
    *,
    names: Sequence[str],
    text: str,
    context: Context | None,
) -> dict[int, dict[str, float]]:
    """Return for each feature of a text the words it stands for, with shares that add up to 1.

    `columns` are the features in the text, among those of all vectorizers, of which these, with their `terms`, begin at
    `start`. `names` are the names of all features: hashed ones, pieces that reach over several words (analyzer "char"),
    and what is no n-gram belong to no word and keep their names. `context` has one row.
    """
    shares: dict[int, dict[str, float]] = {}
    own = alone(features)
    for begin, part in _texts_read(features, text, context):
        end = start + own.n_features
        local = {terms[column - start]: column for column in columns[(columns >= start) & (columns < end)].tolist()}
        for column, words in _share_out_alone(own, local, names, part).items():
            name = names[column]  # it says already what it is of
            shares[column] = {word if word == name else begin + word: share for word, share in words.items()}
        start = end
    return shares


def _texts_read(features: Features, text: str, context: Context | None) -> list[tuple[str, str]]:
    """Return the texts that features read, each with what its words begin with."""
    if not isinstance(features, ContextFeatures):
        return [("", text)]
    beside = no_context(1) if context is None else context
    return [("", text), *((f"{side}: ", texts[0]) for side, texts in zip(SIDES, beside, strict=True))]


def _share_out_alone(
    vectorizer: Features, columns: Mapping[str, int], names: Sequence[str], text: str
) -> dict[int, dict[str, float]]:
    """Return for each feature in a text by itself its words and their shares; `columns` maps terms to features."""
    if is_encoder(vectorizer):
        return {column: {WHOLE: 1.0} for column in columns.values()}
    if not isinstance(vectorizer, Vectorizer):
        return {column: {names[column]: 1.0} for column in columns.values()}
    options = vectorizer.counter.options
    if not isinstance(vectorizer.counter, VocabularyCounter) or options.analyzer == "char":
        return {column: {names[column]: 1.0} for column in columns.values()}
    if options.analyzer == "word":
        return {column: {term: 1.0} for term, column in columns.items()}

    words: dict[int, dict[str, int]] = {column: {} for column in columns.values()}
    (normal,) = normalize_texts(options, [text])
    for word in normal.split():
        bare = _strip_marks(word)
        for piece in ngrams_of_text(options, word):
            if piece in columns:
                counts = words[columns[piece]]
                counts[bare] = counts.get(bare, 0) + 1
    return {
        column: {word: count / sum(counts.values()) for word, count in counts.items()} or {names[column]: 1.0}
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


def divide_whole(
    vectorizers: Sequence[Features], weights: np.ndarray, text: str, words: list[str], contributions: np.ndarray
) -> tuple[list[str], np.ndarray]:
    """Credit words with what encoders add; `weights` are (features, topics), `contributions` (topics, words)."""
    occluded = occlude_words(text)
    ends = np.cumsum([part.n_features for part in vectorizers])
    pairs = zip(vectorizers, np.split(weights, ends[:-1]), strict=True)
    encoders = [(alone(part), own) for part, own in pairs if is_encoder(part)]
    texts = [text, *occluded.values()]
    products = np.sum([part.times_weights(texts, own[: part.n_features]) for part, own in encoders], axis=0)
    lost = (products[0] - products[1:]).T

    all_words = list(dict.fromkeys([*words, *occluded]))
    place = {word: number for number, word in enumerate(all_words)}
    divided = np.zeros((len(contributions), len(all_words)))
    divided[:, : len(words)] = contributions
    divided[:, [place[word] for word in occluded]] += lost
    divided[:, place[WHOLE]] -= lost.sum(axis=1)
    return all_words, divided
