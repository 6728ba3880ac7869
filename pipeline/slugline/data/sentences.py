"""Sentences of an article: where each begins and ends, and which are debris of a web page."""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

from sentencex import segment

from slugline.data.schema import Article, Sentence, sentence_id

Span = tuple[int, int]

# One for one by blanks, so that no offset moves: quote marks glue whole quotations together (and, unclosed, cost
# sentencex
# seconds on a megabyte), brackets likewise; a hyphen before an initial hides the initial ("non-U.S."); sentencex raises
# on lone surrogates.
MASK = re.compile(r"[\"“”„«»()\[\]{}\ud800-\udfff]|(?<=\w)-(?=[A-Z]\.)|(?<!\w)['‘’]|['‘’](?!\w)")
CLOSING = re.compile(r"[\"”»')\]}’]+(?=\s|$)")
TITLES = re.compile(
    r"(?:^|[\s(“\"'‘])(?:Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Sgt|Adm|Cmdr|Brig|Cpl|Sen|Rep|Gov|Pres|Rev|Fr|Bro|Hon"
    r"|St|Sr|Jr|Insp|Supt|Amb|Atty"
    r"|Art|Sec|Fig|vs|v|Maj\.-Gen|Lt\.-Gen|Lt\. ?Col|Lt\. ?Gen|Brig\. ?Gen|Maj\. ?Gen)\.$"
)
WORDS = re.compile(
    r"\b(?:May|[Nn]o)\.(?=\s+[“\"'‘(]?[A-Z])"
)  # sentencex takes these for abbreviations before a capital too
WRAPPED = (40, 100)  # widths of lines between which text may be hard-wrapped
SOLID = re.compile(r"\S")
LONGEST = 16  # more letters than any of TITLES with the mark before it
LINE = re.compile(r"[^\n\v\f\x1c-\x1e\x85\u2028\u2029]+")

SPEECH = r"(?:said|says|added|asked|replied|wrote|told|continued|reads?|follows?)"
THEN = "the|a|an|this|that|it|he|she|they|we|his|her|its|their"  # "Posted in Kabul, the troops saw no fighting."
DEBRIS = re.compile(
    rf"""
    [\W\d_]*                                                            # no letter at all
  | (?:no|\d+|post\ an?|leave\ an?|add\ an?|view|show|read|load)?\ *(?:all\ |more\ )?(?:\d+\ )?
      (?:comments?|replies|reply)\W*
  | (?:share|tweet|like|e-?mail|print|save|pin|follow|subscribe|sign\ up|log\ in|advertisement|sponsored
      |related(?:\ (?:stories|articles))?|read\ (?:more|also|next|the\ full\ story)|see\ also|also\ read
      |continue\ reading|click\ here|more\ from|newer\ posts?|older\ posts?|home|top)
      (?:\ (?:this|on|us|to|by|via|it|post|article|story|page|facebook|twitter|x|whatsapp|email|e-mail
      |our\ newsletter|here|now|for|more))*\W*
  | (?:posted|published|updated|filed|last\ modified)\ (?:by|on|at|in|under)\b(?!.*,\ (?:{THEN})\b).{{0,60}}
  | this\ story\ is\ from\ .{{0,40}}
  | (?:photo|image|picture|file\ photo|source|credit|via)s?\ *[:/©].{{0,80}}
  | (?:©|\(c\)|copyright)\ .{{0,120}} | .{{0,80}}\ball\ rights\ reserved\W*
  | (?!.*\b{SPEECH}\b)[\w.'’-]+(?:[\ ,/]+[\w.'’-]+){{0,2}}\ *:          # lucknow:
  | (?-i:[A-Z][A-Z.'’-]+(?:[\ ,/]+[A-Z][A-Z.'’-]+){{0,3}})                # NEW DELHI, March 3 (Reuters) -
      (?:,\ *(?-i:[A-Z])\w+\.?(?:\ \d{{1,2}})?)?(?:,?\ \d{{4}})?\ *(?:\([\w\ /.]{{2,20}}\))?\ *[-–—:]+
    """,
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def split_article(article: Article) -> list[Sentence]:
    """Split an article into its sentences."""
    return [to_sentence(article, *spot) for spot in enumerate(find_spans(article.text, article.language or "en"))]


def whole_article(article: Article) -> list[Sentence]:
    """Take an article's text, blanks at its ends aside, as the one sentence that it is."""
    start = len(article.text) - len(article.text.lstrip())
    return [to_sentence(article, 0, (start, len(article.text.rstrip())))]


def to_sentence(article: Article, position: int, span: Span) -> Sentence:
    """Make the sentence of a span of an article."""
    start, end = span
    text = article.text[start:end]
    key = sentence_id(article.article_id, start, end, text)
    return Sentence(key, article.article_id, position, start, end, text, is_debris(text))


def is_debris(text: str) -> bool:
    """Tell whether a sentence is what a web page puts around news: comment links, share buttons, bare datelines."""
    return len(text) < 200 and DEBRIS.fullmatch(text.strip()) is not None


def find_spans(text: str, language: str = "en") -> list[Span]:
    """Return start and end of each sentence, in code points; blanks at its ends are no part of it.

    A line end ends a sentence, except in hard-wrapped text. Within a line `sentencex` decides, on a copy in which quote
    marks and
    brackets are blanks; then what was cut after a title ("Gen.") is joined again.
    """
    flat = unwrap(text)
    lines = [(line.start(), line.end()) for line in LINE.finditer(flat)]
    spans = (span for start, end in lines for span in split_line(flat, start, end, language))
    return [span for start, end in spans if (span := strip(text, start, end))[0] < span[1]]


def unwrap(text: str) -> str:
    """Return the text with the line ends of hard-wrapped paragraphs as blanks: same length, same offsets."""
    return re.sub(r"(?<=\S)\n(?=\S)", " ", text) if is_hard_wrapped(text) else text


def is_hard_wrapped(text: str) -> bool:
    """Tell whether lines are cut to a width.

    Most lines that another follows are of 40 to 100 characters and end in mid-sentence.
    """
    inner = [line.rstrip() for line, after in pairwise(text.split("\n")) if line.strip() and after.strip()]
    if len(inner) < 2 or max(map(len, inner)) > WRAPPED[1]:
        return False
    cut = [line for line in inner if len(line) >= WRAPPED[0] and line[-1] not in ".!?:;”\"'’"]
    return len(cut) > len(inner) / 2


def split_line(text: str, start: int, end: int, language: str) -> Iterator[Span]:
    """Yield the spans of one line."""
    masked = MASK.sub(" ", text[start:end])
    cuts = [start + cut for cut in accumulate(map(len, segment(language, masked)))]
    if cuts[-1:] != [end]:  # nothing may be lost, whatever the splitter does
        cuts = [end]
    cuts += [start + word.end() for word in WORDS.finditer(masked)]
    begin = start
    for cut in sorted(set(cuts)):
        stop = begin + len(masked[begin - start : cut - start].rstrip())
        stop = closing.end() if (closing := CLOSING.match(text, stop, end)) else stop
        after = SOLID.search(text, stop, end)
        if cut < end and (after is None or goes_on(text[max(begin, stop - LONGEST) : stop], after[0])):
            continue
        yield begin, end if cut == end else stop
        begin = stop


def goes_on(before: str, after: str) -> bool:
    """Tell whether a sentence goes on over a cut, from what ends before it and the first letter after it.

    Behind a title, or in small letters behind a quotation ("Why?" asked ...).
    """
    return bool(TITLES.search(before)) or (before[-1:] in "\"”»’'" and after.islower())


def strip(text: str, start: int, end: int) -> Span:
    """Move both ends of a span past blanks."""
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), start + len(body.rstrip())


def normal_form(text: str) -> str:
    """Return the words of a text in lower case, with one blank between them."""
    return " ".join(re.findall(r"\w+", text.casefold()))
