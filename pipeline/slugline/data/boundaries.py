"""Where the sentences of a text begin and end.

Lines first, then `sentencex` within a line, on a copy in which what misleads it is masked one for one, so that no
offset moves; then what it cut too early is joined again: after titles, in lists, before the speaker of a quotation.
"""

import re
from collections.abc import Iterator
from itertools import accumulate, pairwise

from sentencex import segment

Span = tuple[int, int]

_WINDOW = 2000  # characters of a line that sentencex sees at once: unclosed brackets cost it quadratic time
_LOOK = 60  # characters on each side of a cut that decide whether the sentence goes on over it
_LINE = re.compile(r"[^\n\v\f\x1c-\x1e\x85\u2028\u2029]+")
_SOLID = re.compile(r"\S")

# Tags that a page leaves in the text: blanks to sentencex, and those of blocks end a line.
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")
_BLOCK = r"(?:p|div|li|ul|ol|t[rdh]|table|h[1-6]|blockquote|section|article|figure|figcaption)\b[^<>]{0,300}>\s*"
_BLOCKS_END = re.compile(rf"(?:(?:</{_BLOCK}|<[bh]r\b[^<>]{{0,300}}>\s*))+", re.IGNORECASE)
_BLOCKS_BEGIN = re.compile(rf"(?:<{_BLOCK})+", re.IGNORECASE)

# Quote marks and brackets glue whole quotations together, a hyphen before an initial hides the initial ("non-U.S."),
# and sentencex raises on lone surrogates.
_MASK = re.compile(r"[\"“”„«»()\[\]{}\ud800-\udfff]|(?<=\w)-(?=[A-Z]\.)|(?<!\w)['‘’]|['‘’](?!\w)")
_CLOSING = re.compile(r"(?:[ \xa0\u202f]»|[\"“”»')\]}’]|</[A-Za-z]\w{0,20}>)+(?=\s|$|<)|(?<=[。！？!?])[”’」』）】》]+")
# sentencex takes these words for abbreviations before a capital letter too
_MAY_AND_NO = re.compile(r"\b(?:May|[Nn]o)\.(?=\s+[“\"'‘(]?[A-Z])")

# Where a quotation in Chinese and Japanese is followed by who said it; ftfy makes fullwidth marks ASCII ones
_SPEAKER = (
    r"(?:と|(?![^，,。]{0,10}[没沒不无無])[^，,。！？!?；\s]{0,10}(?:说|說|道|问|問|喊|表示|回答|称|稱)[，,。：:])"
)
# Exclamations in one quotation are one sentence if it goes on: "Gimme! Gimme!" the children called.
_CRY = r"[^\"“”「」«».!?！？。]{1,30}[!?！？]"
_CRIES = re.compile(rf"[\"“「«]{_CRY}(?:\s?{_CRY})+(?=[\"”」»](?:,?\s(?:[a-zа-я]|[—–-]\s)|{_SPEAKER}))")
_CRY_END = re.compile(r"[!?！？]")

_SAID = r"(?:said|says|asked|asks|shouted|cried|called|demanded|replied|wrote)\b"
_TITLES = re.compile(
    r"(?:^|[\s(“\"'‘])(?:Mr|Mrs|Ms|Dr|Prof|Gen|Lt|Col|Maj|Capt|Sgt|Adm|Cmdr|Brig|Cpl|Sen|Rep|Gov|Pres|Rev|Fr|Bro|Hon"
    r"|St|Sr|Jr|Insp|Supt|Amb|Atty"
    r"|Art|Sec|Fig|vs|v|Maj\.-Gen|Lt\.-Gen|Lt\. ?Col|Lt\. ?Gen|Brig\. ?Gen|Maj\. ?Gen"
    r"|Mt|Ft|Pt|Ste|Vol|Rs|pct|est|approx|aprox|डॉ|श्री|प्रो)\.$"
)
_Joins = list[tuple[re.Pattern[str], re.Pattern[str]]]


def _compile(*joins: tuple[str, str]) -> _Joins:
    """Compile pairs: what stands before and after a cut over which a sentence goes on."""
    return [(re.compile(before), re.compile(after)) for before, after in joins]


_SMALL = "[a-zß-öø-ÿа-яёα-ω]"
_JOINS = _compile(
    (r"[?!][\"”’'»]$", rf"(?:[A-Z][\w'’-]{{1,20}}\.? ){{1,3}}{_SAID}"),
    (r"[?!][\"”’'»]$", rf"(?:[a-z'’-]{{1,20}} ){{1,3}}{_SAID}"),
    (r"[\"”»]$", rf"[—–-]\s*{_SMALL}"),  # in Russian and Spanish, a dash stands before the speaker
    (r"[。！？!?][”」』]$", _SPEAKER),
    (r"\d [ap]\.m\.$", r"(?:(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day|[A-Z]{2,3}T|GMT|local)\b"),
    (r"[:;]\s\(?\d{1,2}\.$", ""),  # a list in a sentence
)
# In a line that has capital letters too
_JOINS_BEFORE_SMALL = _compile(
    (r"[\"”»’')]$", _SMALL),
    (r"[,:;]\s\d{1,2}\.$", _SMALL),
    (
        r"(?:^|[\s\d])(?:bn|mn|mln|mld|tn|trn|m|k|[ckm]?m|kg|ft|lbs?|oz|sq|in|hrs?|min|[ap]\. ?m"
        r"|млн|млрд|тыс|руб|Mio|Mrd)\.$",
        _SMALL,
    ),
)
_JOINS_BY_LANGUAGE = {
    "de": _compile(
        (r"(?i)\b(?:d(?:er|ie|as|en|em|es)|ein(?:e[nmr]?)?|im|ins|zum|zur|beim)\s\d{1,3}\.$", "[A-ZÄÖÜ]"),  # ordinals
    ),
    "fr": _compile((r"(?:^|\s)MM?\.$", "[A-ZÀ-Ý]")),
    "it": _compile((r"[\s’'](?:on|avv|dott|sig)\.$", "[A-ZÀ-Ý]")),
}
_LIST_MARK = re.compile(r"\(?(?:\d{1,2}|[A-Za-z]|[IVX]{1,4}|[ivx]{1,4})[.)]")
_LONGEST_MARK = 6


def find_spans(text: str, language: str) -> list[Span]:
    """Return start and end of each sentence, in code points, without the blanks at its ends.

    A line end ends a sentence, except in hard-wrapped text. `language` is the code by which sentencex knows
    abbreviations, as `de`.
    """
    if _is_hard_wrapped(text):
        text = re.sub(r"(?<=\S)\n(?=\S)", " ", text)  # one for one: no offset moves
    spans = (
        strip_span(text, start + begin, start + stop)
        for start, end in _find_lines(text)
        for begin, stop in _split_line(text[start:end], language)
    )
    return [(start, end) for start, end in spans if start < end]


def strip_span(text: str, start: int, end: int) -> Span:
    """Move both ends of a span past blanks."""
    body = text[start:end]
    return start + len(body) - len(body.lstrip()), start + len(body.rstrip())


def _is_hard_wrapped(text: str) -> bool:
    """Return whether most lines that another one follows have 40 to 100 characters and end in mid-sentence."""
    followed = [line.rstrip() for line, after in pairwise(text.split("\n")) if line.strip() and after.strip()]
    if len(followed) < 2 or max(map(len, followed)) > 100:
        return False

    cut = [line for line in followed if len(line) >= 40 and line[-1] not in ".!?:;”\"'’"]
    return len(cut) > len(followed) / 2


def _find_lines(text: str) -> Iterator[Span]:
    """Yield the spans of lines, which the tags of blocks (`<p>`, `<br>`) end too."""
    for line in _LINE.finditer(text):
        begin, end = line.span()
        edges = {end}
        if "<" in line[0]:
            edges |= {block.end() for block in _BLOCKS_END.finditer(text, begin, end)}
            edges |= {block.start() for block in _BLOCKS_BEGIN.finditer(text, begin, end)} - {begin}
        yield from pairwise([begin, *sorted(edges)])


def _split_line(line: str, language: str) -> Iterator[Span]:
    """Yield the spans of one line."""
    masked = _mask(line)
    joins = _JOINS + _JOINS_BY_LANGUAGE.get(language, []) + ([] if line.islower() else _JOINS_BEFORE_SMALL)
    begin = last = 0
    for cut in _find_cuts(masked, language):
        # The mask has moved closing marks behind the cut: take them back.
        stop = max(begin, last + len(masked[last:cut].rstrip()))
        stop = closing.end() if (closing := _CLOSING.match(line, stop)) else stop
        last = cut
        if cut == len(line):
            yield begin, cut
        elif (after := _SOLID.search(line, stop)) and not _goes_on(line, (begin, stop), after.start(), joins):
            yield begin, stop
            begin = stop


def _mask(line: str) -> str:
    """Replace what misleads sentencex, one for one."""
    if "<" in line:
        line = _TAG.sub(lambda tag: " " * len(tag[0]), line)
    line = _CRIES.sub(lambda cries: _CRY_END.sub(",", cries[0][:-1]) + cries[0][-1], line)
    return _MASK.sub(" ", line)


def _find_cuts(masked: str, language: str) -> list[int]:
    """Return where sentences of a line may end, the end of the line included."""
    cuts = {len(masked), *(word.end() for word in _MAY_AND_NO.finditer(masked))}
    begin = 0
    while begin < len(masked):
        window = masked[begin : begin + _WINDOW]
        end = begin + len(window)
        found = [begin + length for length in accumulate(map(len, segment(language, window)))]
        if found[-1:] != [end]:
            found = [end]  # nothing may be lost, whatever sentencex does
        cuts.update(found[:-1])
        begin = end if end == len(masked) or len(found) == 1 else found[-2]
    return sorted(cuts)


def _goes_on(line: str, span: Span, next_start: int, joins: _Joins) -> bool:
    """Return whether the sentence of a span goes on with what comes next."""
    begin, stop = span
    if stop - begin <= _LONGEST_MARK and _LIST_MARK.fullmatch(line[begin:stop].strip()):
        return True
    before, after = line[max(begin, stop - _LOOK) : stop], line[next_start : next_start + _LOOK]
    return _TITLES.search(before) is not None or any(
        left.search(before) and right.match(after) for left, right in joins
    )
