"""Sentences of an article: where each begins and ends, and which are debris.

Debris is text that a web page puts around an article and nobody wrote as news: a byline, "Post a Comment", share
buttons, a bare dateline, a list of links. It is split off like any other sentence and marked.
"""

import re

from slugline.data.boundaries import Span, find_spans, strip_span
from slugline.data.languages import find_language, primary_language
from slugline.data.schema import Article, Sentence, sentence_id

_SPEECH = r"(?:said|says|added|asked|replied|wrote|told|continued|reads?|follows?)"
# A clause after the comma shows that somebody wrote a sentence: "Posted in Kabul, the troops saw no fighting."
_CLAUSE_OPENERS = "the|a|an|this|that|it|he|she|they|we|his|her|its|their"
_DEBRIS = re.compile(
    rf"""
    [\W\d_]*                                                            # no letter at all
  | (?:no|\d+|post\ an?|leave\ an?|add\ an?|view|show|read|load)?\ *(?:all\ |more\ )?(?:\d+\ )?
      (?:comments?|replies|reply)\W*
  | (?:share|tweet|like|e-?mail|print|save|pin|follow|subscribe|sign\ up|log\ in|advertisement|sponsored
      |related(?:\ (?:stories|articles))?|read\ (?:more|also|next|the\ full\ story)|see\ also|also\ read
      |continue\ reading|click\ here|more\ from|newer\ posts?|older\ posts?|home|top)
      (?:\ (?:this|on|us|to|by|via|it|post|article|story|page|facebook|twitter|x|whatsapp|email|e-mail
      |our\ newsletter|here|now|for|more))*\W*
  | (?:posted|published|updated|filed|last\ modified)\ (?:by|on|at|in|under)\b(?!.*,\ (?:{_CLAUSE_OPENERS})\b).{{0,60}}
  | this\ story\ is\ from\ .{{0,40}}
  | (?:photo|image|picture|file\ photo|source|credit|via)s?\ *[:/©].{{0,80}}
  | (?:©|\(c\)|copyright)\ .{{0,120}} | .{{0,80}}\ball\ rights\ reserved\W*
  | (?!.*\b{_SPEECH}\b)[\w.'’-]+(?:[\ ,/]+[\w.'’-]+){{0,2}}\ *:          # lucknow:
  | (?-i:[A-Z][A-Z.'’-]+(?:[\ ,/]+[A-Z][A-Z.'’-]+){{0,3}})                # NEW DELHI, March 3 (Reuters) -
      (?:,\ *(?-i:[A-Z])\w+\.?(?:\ \d{{1,2}})?)?(?:,?\ \d{{4}})?\ *(?:\([\w\ /.]{{2,20}}\))?\ *[-–—:]+
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def split_text(text: str, *, article_id: str = "", language: str | None = None) -> list[Sentence]:
    r"""Split a text into its sentences, in order and apart; all between them is blank.

    `language` is a tag such as `en` or `de-AT` (BCP 47), by which abbreviations are known; None: the text tells, and
    where it does not, it is split like English.

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
    return [_to_sentence(text, span, position, article_id) for position, span in spans]


def split_article(article: Article) -> list[Sentence]:
    """Split an article into its sentences, as `split_text` does."""
    return split_text(article.text, article_id=article.article_id, language=article.language)


def whole_article(article: Article) -> list[Sentence]:
    """Return the whole text of an article, blanks at its ends aside, as one sentence."""
    return [_to_sentence(article.text, strip_span(article.text, 0, len(article.text)), 0, article.article_id)]


def is_debris(text: str) -> bool:
    """Return whether a sentence is debris, which a web page puts around an article and nobody wrote as news.

    Examples
    --------
    >>> [is_debris(text) for text in ("View all 23 comments", "NEW DELHI, March 3 (Reuters) -", "They reply.")]
    [True, True, False]
    """
    return len(text) < 200 and _DEBRIS.fullmatch(text.strip()) is not None


def normal_form(text: str) -> str:
    """Return the words of a text in lower case, with one blank between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))


def _to_sentence(text: str, span: Span, position: int, article_id: str) -> Sentence:
    """Make the sentence of a span of a text."""
    start, end = span
    part = text[start:end]
    key = sentence_id(article_id, start, end, part)
    return Sentence(key, article_id, position, start, end, part, is_debris(part))
