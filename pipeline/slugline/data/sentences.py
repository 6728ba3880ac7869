"""Sentences of an article: where each begins and ends, and which are debris.

Debris is text that a web page puts around an article and nobody wrote as news: a byline, "Post a Comment", share
buttons, a bare dateline, a list of links. It is split off like any other sentence and marked.
"""

import re
from collections.abc import Set

from slugline.data.boundaries import Span, find_spans, strip_span
from slugline.data.cleaning import DEFAULT_STEPS
from slugline.data.debris import debris_step
from slugline.data.languages import find_language, primary_language
from slugline.data.schema import Article, Sentence, sentence_id


def split_text(
    text: str, *, article_id: str = "", language: str | None = None, steps: Set[str] = DEFAULT_STEPS
) -> list[Sentence]:
    r"""Split a text into its sentences, in order and apart; all between them is blank.

    `language` is a tag such as `en` or `de-AT` (BCP 47), by which abbreviations are known; None: the text tells, and
    where it does not, it is split like English. `steps` are those of cleaning that mark debris.

    Examples
    --------
    >>> for sentence in split_text("He met Gen. Smith. They agreed on a truce.\nPost a Comment"):
    ...     print(sentence.start, sentence.end, sentence.text, sentence.debris)
    0 18 He met Gen. Smith. False
    19 42 They agreed on a truce. False
    43 57 Post a Comment True
    """
    known = primary_language(language) or find_language(text) or "en"
    spans = enumerate(find_spans(text, known))
    return [_to_sentence(text, span, position, article_id, steps) for position, span in spans]


def split_article(article: Article, steps: Set[str] = DEFAULT_STEPS) -> list[Sentence]:
    """Split an article into its sentences, as `split_text` does."""
    return split_text(article.text, article_id=article.article_id, language=article.language, steps=steps)


def whole_article(article: Article, steps: Set[str] = DEFAULT_STEPS) -> list[Sentence]:
    """Return the whole text of an article, blanks at its ends aside, as one sentence."""
    span = strip_span(article.text, 0, len(article.text))
    return [_to_sentence(article.text, span, 0, article.article_id, steps)]


def normal_form(text: str) -> str:
    """Return the words of a text in lower case, with one blank between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _to_sentence(text: str, span: Span, position: int, article_id: str, steps: Set[str]) -> Sentence:
    """Make the sentence of a span of a text."""
    start, end = span
    part = text[start:end]
    key = sentence_id(article_id, start, end, part)
    return Sentence(key, article_id, position, start, end, part, debris_step(part, steps) is not None)
