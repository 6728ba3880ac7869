"""The topic model: from texts to a probability per topic, and which topics pass their threshold."""

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from functools import cached_property
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from slugline.data.context import Context, find_context
from slugline.data.sentences import split_text
from slugline.errors import InputError, listing
from slugline.model.context_features import ContextFeatures, alone
from slugline.model.explanation import WHOLE, divide_whole, holds_pieces, is_encoder, share_out, to_words
from slugline.model.features import Features
from slugline.model.heads import Head, LinearHead, decide, to_probabilities
from slugline.model.rule_votes import RuleFeatures
from slugline.model.vectorizers import all_times_weights, transform_all
from slugline.terminal import neutralise

_ORIGIN = {"slugline": "Slugline", "run_id": "run", "data_digest": "training data"}  # keys of `info` and their names


class ArticleSentence(NamedTuple):
    """A sentence of an article, `text == article[start:end]` in code points, and the probability of each topic.

    `position` is 0 for the first sentence; debris of a web page, such as a byline or "Post a comment", has no `topics`.
    """

    position: int
    start: int
    end: int
    text: str
    topics: tuple[str, ...]
    probabilities: dict[str, float]


@dataclass(frozen=True, repr=False)
class TopicModel:
    """A fitted model; it consists of data only if its head is linear.

    Parameters
    ----------
    topics : tuple of str
        Names of the columns of all results.
    mode : {"multilabel", "multiclass"}
        Whether each topic is decided for itself, or each text gets exactly one topic.
    vectorizers : tuple of Features, most often Vectorizer
        Their features stand side by side.
    head : LinearHead or EstimatorHead
        Turns features into log-odds.
    thresholds : ndarray of shape (topics,)
        Least probability with which a topic is given; in "multiclass" a text gets the topic whose probability is the
        largest multiple of its threshold (all the same: the likeliest topic).
    info : mapping
        Where the model comes from, all keys optional: `slugline` (version), `run_id`, `trained` (time), `labels` (how
        many came from where), `data_digest`, `definitions` (of the topics, by name) and `reference` (what
        `slugline monitor` compares new text with).

    Examples
    --------
    >>> from slugline.model.heads import LinearHead
    >>> from slugline.model.vectorizers import Vectorizer
    >>> from slugline.ngrams import NgramOptions, VocabularyCounter
    >>> counter = VocabularyCounter.from_terms(NgramOptions(), ["sanctions", "truce"])
    >>> head = LinearHead(4 * np.eye(2, dtype=np.float32), np.array([-2.0, -2.0]))
    >>> words = Vectorizer("word", counter, idf=None)
    >>> model = TopicModel(("sanctions", "ceasefire"), "multilabel", (words,), head, np.array([0.5, 0.5]))
    >>> model.predict(["Both sides agreed to a truce.", "It rained."])
    [('ceasefire',), ()]
    >>> model.predict_proba(["Both sides agreed to a truce."]).round(2)
    array([[0.12, 0.88]])
    >>> [sentence.topics for sentence in model.predict_article("A truce holds. New sanctions were announced.")]
    [('ceasefire',), ('sanctions',)]
    >>> print(model)
    TopicModel: 2 topics, multilabel (each topic has a threshold of its own)
      topics    sanctions, ceasefire
      features  word: 2 terms
      head      linear, 2 x 2 weights
      origin    unknown
    """

    topics: tuple[str, ...]
    mode: str
    vectorizers: tuple[Features, ...]
    head: Head
    thresholds: np.ndarray
    _: KW_ONLY
    info: Mapping[str, Any] = field(default_factory=dict)

    @property
    def reads_context(self) -> bool:
        """Whether the answer for a sentence depends on its neighbours and the title of its article."""
        return any(isinstance(part, ContextFeatures) for part in self.vectorizers)

    def decision_function(self, texts: Sequence[str], context: Context | None = None) -> np.ndarray:
        """Return calibrated log-odds, shape (texts, topics); without `context` each text stands alone."""
        texts = _check_texts(texts)
        if isinstance(self.head, LinearHead):
            products = all_times_weights(self.vectorizers, texts, self.head.weights_by_feature, context)
            return np.asarray(products + self.head.intercept)
        return self.head.log_odds(transform_all(self.vectorizers, texts, context))

    def predict_proba(self, texts: Sequence[str], context: Context | None = None) -> np.ndarray:
        """Return the probability of each topic, shape (texts, topics); `context` as in `decision_function`."""
        return to_probabilities(self.decision_function(texts, context), self.mode)

    def predict(self, texts: Sequence[str], context: Context | None = None) -> list[tuple[str, ...]]:
        """Return the topics of each text; each text should be one sentence; `context` as in `decision_function`.

        For a whole article use `predict_article`.
        """
        return self.to_topics(self.decide(self.predict_proba(texts, context)))

    def predict_article(
        self, text: str, *, language: str | None = None, title: str | None = None
    ) -> list[ArticleSentence]:
        """Split an article in plain text into sentences and predict their topics, like `slugline predict`.

        Its title is read by models that read the context.
        """
        if not isinstance(text, str):
            raise TypeError(f"text is {type(text).__name__}; allowed: str, one article")
        sentences = split_text(text, language=language)
        context = find_context(sentences, [title] * len(sentences)) if self.reads_context else None
        probabilities = self.predict_proba([sentence.text for sentence in sentences], context)
        topics = self.to_topics(self.decide(probabilities))
        predicted = []
        for sentence, names, row in zip(sentences, topics, probabilities.tolist(), strict=True):
            _, _, position, start, end, part, debris = sentence
            by_topic = dict(zip(self.topics, row, strict=True))
            predicted.append(ArticleSentence(position, start, end, part, () if debris else names, by_topic))
        return predicted

    def decide(self, probabilities: np.ndarray) -> np.ndarray:
        """Return which topics are given, bool (texts, topics); see `slugline.model.heads.decide`."""
        return decide(probabilities, self.thresholds, self.mode)

    def to_topics(self, decisions: np.ndarray) -> list[tuple[str, ...]]:
        """Return decisions, bool (texts, topics), as a tuple of topics per text."""
        return [tuple(compress(self.topics, row)) for row in decisions.tolist()]

    def explain(
        self, text: str, top: int = 5, topics: Sequence[str] | None = None, *, context: Context | None = None
    ) -> dict[str, dict[str, float]]:
        """Return the `top` words of a text that move each topic most (0: all), for all topics or some.

        For each topic, words and runs of words come with what each adds to the log-odds, the largest in size first, and
        last the entry `(intercept)`; all words and the intercept add up to `decision_function`. What pieces of words
        (character n-grams) add is credited to the words that hold them. A word is credited with what the vectors of an
        encoder lose without it (occlusion), and the rest is `(sentence as a whole)`. Words of `context`, one row, are
        `before: truce`, `after: truce`, `title: truce`. The head must be linear.
        """
        X = transform_all(self.vectorizers, _check_texts([text]), context)
        return self._explain(text, X, top, topics, context=context, occlude=True)

    def explain_features(
        self,
        text: str,
        X: csr_array,
        top: int = 5,
        topics: Sequence[str] | None = None,
        *,
        context: Context | None = None,
    ) -> dict[str, dict[str, float]]:
        """As `explain`, for a text whose features, shape (1, terms), are known.

        What an encoder adds is `(sentence as a whole)`, since its text is not encoded again for each word.
        """
        return self._explain(text, X, top, topics, context=context, occlude=False)

    def _explain(
        self,
        text: str,
        X: csr_array,
        top: int,
        topics: Sequence[str] | None,
        *,
        context: Context | None,
        occlude: bool,
    ) -> dict[str, dict[str, float]]:
        """Explain a text by its words, with those that move the vectors of encoders if they are to be occluded."""
        head, names = self._linear_head(), self.topics if topics is None else topics
        rows = [self._index(topic) for topic in names]
        words, shares = to_words(self._as_words(text, X.indices, context))
        contributions = head.weights[np.ix_(rows, X.indices)].astype(np.float64) * X.data @ shares
        if occlude and WHOLE in words:
            weights = head.weights_by_feature[:, rows]
            words, contributions = divide_whole(self.vectorizers, weights, text, words, contributions)
        order = np.argsort(-np.abs(contributions), axis=1, kind="stable")[:, : top or None]

        explanation = {}
        for row, values, largest in zip(rows, contributions, order, strict=True):
            by_word = {words[place]: float(values[place]) for place in largest}
            explanation[self.topics[row]] = by_word | {"(intercept)": float(head.intercept[row])}
        return explanation

    def _as_words(self, text: str, columns: np.ndarray, context: Context | None) -> list[dict[str, float]]:
        """Return for each feature of a text, by its column, the words it stands for and their shares."""
        shares: dict[int, dict[str, float]] = {}
        start = 0
        for vectorizer, terms in zip(self.vectorizers, self._terms_by_vectorizer, strict=True):
            end = start + len(terms)
            local = columns[(columns >= start) & (columns < end)]
            shares |= share_out(vectorizer, terms, local, start, names=self.terms, text=text, context=context)
            start = end
        return [shares[column] for column in columns.tolist()]

    def top_terms(self, topic: str, top: int = 20, *, pieces: bool = False) -> dict[str, float]:
        """Return the terms with the largest weights for a topic, the largest first; the head must be linear.

        Where the model has words and pieces of words, these are the words, or with `pieces` the pieces. The dimensions
        of an encoder are terms only where there are no others.
        """
        weights = self._linear_head().weights[self._index(topic)]
        sizes = [vectorizer.n_features for vectorizer in self.vectorizers]
        is_term = ~np.repeat([is_encoder(vectorizer) for vectorizer in self.vectorizers], sizes)
        if self.has_words_and_pieces:
            is_piece = np.repeat([holds_pieces(vectorizer) for vectorizer in self.vectorizers], sizes)
            is_term &= is_piece == pieces
        columns = np.flatnonzero(is_term) if is_term.any() else np.arange(len(weights))
        largest = columns[np.argsort(-weights[columns], kind="stable")[:top]]
        return {self.terms[column]: float(weights[column]) for column in largest}

    @cached_property
    def terms(self) -> list[str]:
        """The names of all features: the term, with its vectorizer where there are several (`char: 'ce'`)."""
        lists = self._terms_by_vectorizer
        if len(lists) == 1:
            return lists[0]
        return [
            term if alone(part).kind == RuleFeatures.kind else f"{part.name}: {term!r}"
            for part, terms in zip(self.vectorizers, lists, strict=True)
            for term in terms
        ]

    @cached_property
    def _terms_by_vectorizer(self) -> list[list[str]]:
        return [vectorizer.terms() for vectorizer in self.vectorizers]

    @property
    def has_words_and_pieces(self) -> bool:
        """Whether some features are words and others are pieces of words."""
        return len({holds_pieces(part) for part in self.vectorizers if not is_encoder(part)}) > 1

    def __repr__(self) -> str:
        rule = "each topic has a threshold of its own"
        if self.mode == "multiclass":
            is_even = len(set(self.thresholds.tolist())) == 1
            rule = "the likeliest topic" if is_even else "the topic furthest above its threshold, as a multiple"
        if isinstance(self.head, LinearHead):
            topics, features = self.head.weights.shape
            head = f"linear, {topics:,} x {features:,} weights"
        else:
            head = f"{listing(sorted({type(part).__name__ for part in self.head.estimators}))}, one for each topic"

        sizes = [f"{vectorizer.name}: {vectorizer.size()}" for vectorizer in self.vectorizers]
        origin = [f"{name} {str(self.info[key])[:40]}" for key, name in _ORIGIN.items() if self.info.get(key)]
        lines = [
            f"TopicModel: {len(self.topics)} topics, {self.mode} ({rule})",
            f"  topics    {listing(self.topics, 8)}",
            f"  features  {', '.join(sizes)}",
            f"  head      {head}",
            f"  origin    {', '.join(origin) or 'unknown'}",
        ]
        return neutralise("\n".join(lines))

    def _linear_head(self) -> LinearHead:
        """Return the head; raise `InputError` unless it is linear."""
        if not isinstance(self.head, LinearHead):
            kinds = listing(sorted({type(estimator).__name__ for estimator in self.head.estimators}))
            problem = f"this model's head is not linear (EstimatorHead of {kinds})"
            raise InputError(f"{problem}; explain and top_terms need a linear model")
        return self.head

    def _index(self, topic: str) -> int:
        """Return the column of a topic; raise `InputError` if there is none."""
        if topic not in self.topics:
            raise InputError(f"the model has no topic '{topic}'; allowed: {listing(self.topics, 40)}")
        return self.topics.index(topic)


def _check_texts(texts: Sequence[str]) -> list[str]:
    """Return texts as a list; raise `TypeError` for a single string and for anything that is not text."""
    if isinstance(texts, str):
        raise TypeError("texts is one string; give a list of texts")
    as_list = list(texts)
    if wrong := [text for text in as_list if not isinstance(text, str)]:
        raise TypeError(f"texts hold {type(wrong[0]).__name__}; allowed: str")
    return as_list
