"""Debris: what a web page puts around an article and nobody wrote as news, by the step of cleaning that marks it."""

import re
from collections.abc import Iterable
from functools import cache

_SPEECH = r"(?:said|says|added|asked|replied|wrote|told|continued|reads?|follows?)"
# A clause after the comma shows that somebody wrote a sentence: "Posted in Kabul, the troops saw no fighting."
_CLAUSE_OPENERS = "the|a|an|this|that|it|he|she|they|we|his|her|its|their"
_NAME = r"(?-i:[A-ZÀ-Þ])[\w.'’-]+"
_LONGEST = 200  # characters of debris

# English, and what is commonest in Spanish, Portuguese, French, German, Arabic, Hindi and Chinese
_PATTERNS = {
    "no_letters": r"[\W\d_]*",
    "comments": r"""
        (?:no|\d+|post\ an?|leave\ an?|add\ an?|view|show|read|load)?\ *(?:all\ |more\ )?(?:\d+\ )?
            (?:comments?|replies|reply)\W*
      | \d*\ *(?:comentarios?|comentários?|commentaires?|kommentare?|تعليقات|التعليقات|टिप्पणियाँ|टिप्पणियां|评论|評論)
            \ *[\d():]*
      | (?:deja|escribe)\ un\ comentario | laisser\ un\ commentaire | kommentar\ (?:schreiben|hinterlassen)
      | (?:أضف|اترك)\ تعليقا?\W* | 发表评论 | 發表評論""",
    "links": r"""
        (?:share|tweet|like|e-?mail|print|save|pin|follow|subscribe|sign\ up|log\ in|advertisement|sponsored
            |related(?:\ (?:stories|articles))?|read\ (?:more|also|next|the\ full\ story)|see\ also|also\ read
            |continue\ reading|click\ here|more\ from|newer\ posts?|older\ posts?|home|top)
            (?:\ (?:this|on|us|to|by|via|it|post|article|story|page|facebook|twitter|x|whatsapp|email|e-mail
            |our\ newsletter|here|now|for|more))*\W*
      | (?:leer\ más|lea\ también|compartir|suscríbete|publicidad|leia\ (?:mais|também)|compartilhar|publicidade
            |lire\ (?:aussi|la\ suite)|partager|publicité|weiterlesen|mehr\ zum\ thema|lesen\ sie\ auch|teilen|anzeige
            |اقرأ\ (?:أيضا|المزيد)|شارك|إعلان|यह\ भी\ पढ़ें|और\ पढ़ें|शेयर\ करें|विज्ञापन
            |阅读更多|相关阅读|相关新闻|分享|广告|閱讀更多|相關新聞|廣告)\W*""",
    "live_blog_stamps": r"""
        (?:updated?\ (?:at\ )?)?\d{1,2}[:.]\d{2}(?:[:.]\d{2})?\ *(?:[ap]\.?\ ?m\.?)?
            \ *(?:GMT|UTC|BST|[CEMP][SDE]?T|CES?T|IST|MSK|Uhr|h)?(?:[+-]\d{1,2})?\W*
      | (?:\d+|an?)\ *(?:s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?)\ ago\W*""",
    "bylines": rf"""
        (?:posted|published|updated|filed|last\ modified)\ (?:by|on|at|in|under)\b
            (?!.*,\ (?:{_CLAUSE_OPENERS})\b).{{0,60}}
      | (?:by|por|par|von)\ {_NAME}(?:\ {_NAME}){{1,3}}(?:\ (?:and|y|e|et|und)\ {_NAME}(?:\ {_NAME}){{0,3}})?
            (?:[,|]\ (?-i:[A-Z])[\w\ ]{{2,40}})?""",
    "captions": r"""
        (?:photo|image|picture|file\ photo|source|credit|via)s?\ *[:/©].{0,80}
      | (?:fotos?|foto\ de\ archivo|imagen|fuente|bild|quelle|crédits?
            |صورة|المصدر|फ़ोटो|फोटो|स्रोत|图|图片来源|来源|圖片來源)
            \ *[:：/©].{0,80}""",
    "notices": r"""
        this\ story\ is\ from\ .{0,40} | (?:©|\(c\)|copyright)\ .{0,120}
      | .{0,80}\b(?:all\ rights\ reserved|todos\ los\ derechos\ reservados|todos\ os\ direitos\ reservados
            |tous\ droits\ réservés|alle\ rechte\ vorbehalten)\W*
      | .{0,40}(?:جميع\ الحقوق\ محفوظة|सर्वाधिकार\ सुरक्षित|版权所有|版權所有).{0,40}""",
    "datelines": rf"""
        (?!.*\b{_SPEECH}\b)[\w.'’-]+(?:[\ ,/]+[\w.'’-]+){{0,2}}\ *:                    # lucknow:
      | (?-i:[A-Z][A-Z.'’-]+(?:[\ ,/]+[A-Z][A-Z.'’-]+){{0,3}})                          # NEW DELHI, March 3 (Reuters) -
            (?:,\ *(?-i:[A-Z])\w+\.?(?:\ \d{{1,2}})?)?(?:,?\ \d{{4}})?\ *(?:\([\w\ /.]{{2,20}}\))?\ *[-–—:]+""",
}
DEBRIS_STEPS = tuple(_PATTERNS)


def debris_step(text: str, steps: Iterable[str] = DEBRIS_STEPS) -> str | None:
    """Return the step of cleaning by which a sentence is debris, or None.

    Examples
    --------
    >>> [debris_step(text) for text in ("View all 23 comments", "NEW DELHI, March 3 (Reuters) -", "They reply.")]
    ['comments', 'datelines', None]
    """
    if len(text) >= _LONGEST:
        return None
    found = _compile(frozenset(steps).intersection(_PATTERNS)).fullmatch(text.strip())
    return found.lastgroup if found else None


@cache
def _compile(steps: frozenset[str]) -> re.Pattern[str]:
    """Compile the patterns of some steps, each a group."""
    groups = [f"(?P<{step}>{pattern})" for step, pattern in _PATTERNS.items() if step in steps]
    return re.compile("|".join(groups) or "(?!)", re.VERBOSE | re.IGNORECASE | re.DOTALL)
