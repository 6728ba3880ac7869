"""Sentences of an article: where each begins and ends, and which are debris.

Debris is text that a web page puts around an article and nobody wrote as news: a byline, "Post a Comment", share
buttons, a bare dateline, a list of links. It is split off like any other sentence and marked.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

from sentencex import segment

from slugline.data.schema import Article, Sentence, sentence_id

_Span = tuple[int, int]

# Replaced one for one by blanks, so that no offset moves. Quote marks and brackets glue whole quotations together (and,
# unclosed, cost sentencex seconds on a megabyte), a hyphen before an initial hides the initial ("non-U.S."), and
# sentencex raises on lone surrogates.
_MASK = re.compile(r"[\"“”„«»()\[\]{}\ud800-\udfff]|(?<=\w)-(?=[A-Z]\.)|(?<!\w)['‘’]|['‘’](?!\w)")
_CLOSING = re.compile(r"[\"”»')\]}’]+(?=\s|$)")
_TITLES = re.compile(
    r"(?:^|[\s(“\"'‘])(?:Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Sgt|Adm|Cmdr|Brig|Cpl|Sen|Rep|Gov|Pres|Rev|Fr|Bro|Hon"
    r"|St|Sr|Jr|Insp|Supt|Amb|Atty"
    r"|Art|Sec|Fig|vs|v|Maj\.-Gen|Lt\.-Gen|Lt\. ?Col|Lt\. ?Gen|Brig\. ?Gen|Maj\. ?Gen)\.$"
)
# sentencex takes these words for abbreviations before a capital letter too
_MAY_AND_NO = re.compile(r"\b(?:May|[Nn]o)\.(?=\s+[“\"'‘(]?[A-Z])")
_SOLID = re.compile(r"\S")
_LONGEST_TITLE = 16  # characters: more than any of _TITLES with the mark before it
_LINE = re.compile(r"[^\n\v\f\x1c-\x1e\x85\u2028\u2029]+")

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


def split_text(text: str, *, article_id: str = "", language: str = "en") -> list[Sentence]:
    r"""Split a text into its sentences, in order and apart; all between them is blank.

    `language` is a code such as `en` or `de`, by which abbreviations are known; unknown languages are split like
    English.

    Examples
    --------
    >>> for sentence in split_text("He met Gen. Smith. They agreed on a truce.\nPost a Comment"):
    ...     print(sentence.start, sentence.end, sentence.text, sentence.debris)
    0 18 He met Gen. Smith. False
    19 42 They agreed on a truce. False
    43 57 Post a Comment True
    """
    spans = enumerate(_find_spans(text, language))
    return [_to_sentence(text, span, position, article_id) for position, span in spans]


def split_article(article: Article) -> list[Sentence]:
    """Split an article into its sentences, as `split_text` does."""
    return split_text(article.text, article_id=article.article_id, language=article.language or "en")


def whole_article(article: Article) -> list[Sentence]:
    """Return the whole text of an article, blanks at its ends aside, as one sentence."""
    return [_to_sentence(article.text, _strip(article.text, 0, len(article.text)), 0, article.article_id)]


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


def _to_sentence(text: str, span: _Span, position: int, article_id: str) -> Sentence:
    """Make the sentence of a span of a text."""
    start, end = span
    part = text[start:end]
    key = sentence_id(article_id, start, end, part)
    return Sentence(key, article_id, position, start, end, part, is_debris(part))


def _find_spans(text: str, language: str) -> list[_Span]:
    """Return start and end of each sentence, in code points, without the blanks at its ends.

    A line end ends a sentence, except in hard-wrapped text. Within a line `sentencex` decides, on a copy in which quote
    marks and brackets are blanks; then what it cut after a title ("Gen.") is joined again.
    """
    if _is_hard_wrapped(text):
        text = re.sub(r"(?<=\S)\n(?=\S)", " ", text)  # one for one: no offset moves
    lines = [line.span() for line in _LINE.finditer(text)]
    pieces = (piece for start, end in lines for piece in _split_line(text, start, end, language))
    spans = (_strip(text, start, end) for start, end in pieces)
    return [(start, end) for start, end in spans if start < end]


def _is_hard_wrapped(text: str) -> bool:
    """Return whether most lines that another one follows have 40 to 100 characters and end in mid-sentence."""
    followed = [line.rstrip() for line, after in pairwise(text.split("\n")) if line.strip() and after.strip()]
    if len(followed) < 2 or max(map(len, followed)) > 100:
        return False

    cut = [line for line in followed if len(line) >= 40 and line[-1] not in ".!?:;”\"'’"]
    return len(cut) > len(followed) / 2


def _split_line(text: str, start: int, end: int, language: str) -> Iterator[_Span]:
    """Yield the spans of one line."""
    masked = _MASK.sub(" ", text[start:end])
    cuts = [start + length for length in accumulate(map(len, segment(language, masked)))]
    if cuts[-1:] != [end]:  # nothing may be lost, whatever sentencex does
        cuts = [end]
    cuts += [start + word.end() for word in _MAY_AND_NO.finditer(masked)]

    begin = start
    for cut in sorted(set(cuts)):
        # The mask has moved closing marks behind the cut: take them back.
        stop = begin + len(masked[begin - start : cut - start].rstrip())
        stop = closing.end() if (closing := _CLOSING.match(text, stop, end)) else stop

        after = _SOLID.search(text, stop, end)
        if cut < end and (after is None or _continues(text[max(begin, stop - _LONGEST_TITLE) : stop], after[0])):
            continue
        yield begin, end if cut == end else stop
        begin = stop


def _continues(before: str, after: str) -> bool:
    """Return whether a sentence goes on over a cut: after a title, and in small letters after a quotation."""
    return bool(_TITLES.search(before)) or (before[-1:] in "\"”»’'" and after.islower())


def _strip(text: str, start: int, end: int) -> _Span:
    """Move both ends of a span past blanks."""
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), start + len(body.rstrip())
