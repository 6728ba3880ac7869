"""The language of an article: its tag, and what its text says where it has none."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING

from slugline.errors import InputError

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

_LOOK = 1000  # characters that tell the language
_MIN_PROBABILITY = 0.5
# Words that English alone has: where they abound, the model (half a second to load) need not be asked.
_ENGLISH = re.compile(r"\b(?:the|and|of|with|that|were|from|said)\b", re.IGNORECASE)
_WORD = re.compile(r"\w+")
_LETTER = re.compile(r"[^\W\d_]")
_MIN_ENGLISH = 0.08  # of the words

# Whose abbreviations and stop marks sentencex 1.0 knows; Chinese needs no abbreviations
_CODES = "am ar bg bn ca da de el en es fi fr gu hi hy it ja kk kn ml mr my nl pa pl pt ru sk ta te uk zh"
_WITH_RULES = frozenset(_CODES.split())
_WITHOUT_STOPS = frozenset({"th", "lo", "km"})
_WITHOUT_BLANKS = frozenset({"zh", "ja", "th", "lo", "km", "my", "bo"})  # between words


def primary_language(tag: str | None) -> str | None:
    """Return the language of a BCP 47 tag (RFC 5646), without script, region and case.

    Examples
    --------
    >>> [primary_language(tag) for tag in ("de-DE", "zh-Hant", "pt_BR", "EN", "")]
    ['de', 'zh', 'pt', 'en', None]
    """
    return re.split(r"[-_]", (tag or "").strip().lower())[0] or None


def check_language(tag: object, key: str) -> None:
    """Raise `InputError` where a setting that names a language does not; `key` is the setting."""
    if tag is not None and not re.fullmatch(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{1,8})*", str(tag)):
        raise InputError(f"{key}={tag}; allowed: a language tag such as de, pt-BR or 'no', or null")


def find_language(text: str) -> str | None:
    """Return the language of a text, by its first 1,000 characters, or None where they do not tell.

    By words that English alone has; else by py3langid (Lui and Baldwin 2012, aclanthology.org/P12-3005).

    Examples
    --------
    >>> find_language("El gobierno y los rebeldes firmaron el lunes una tregua de diez días en la capital.")
    'es'
    """
    head = text[:_LOOK]
    if not _LETTER.search(head):
        return None
    if len(_ENGLISH.findall(head)) > _MIN_ENGLISH * max(len(_WORD.findall(head)), 10):
        return "en"
    language, probability = _load_identifier().classify(head)
    return str(language) if probability >= _MIN_PROBABILITY else None


@cache
def _load_identifier() -> "LanguageIdentifier":
    """Load the model of py3langid."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


def describe_languages(counts: Mapping[str, int], split: bool = True) -> list[str]:
    """Return what to say of the languages of articles, of which `counts` has the numbers, the commonest first.

    `split` tells whether the articles are split into sentences here.

    Examples
    --------
    >>> for note in describe_languages({"es": 12, "sw": 3}):
    ...     print(note)
    languages of the articles: es 12, sw 3
    no abbreviations are known of sw: its sentences end at stop marks alone
    """
    notes = []
    if len(counts) > 1:
        shown = ", ".join(f"{language} {count}" for language, count in counts.items())
        notes.append(f"languages of the articles: {shown}")
    if not split:
        return notes
    if silent := _listed(counts.keys() & _WITHOUT_STOPS):
        notes.append(f"{silent} has no stop marks: a line is a sentence")
    if unknown := _listed(counts.keys() - _WITH_RULES - _WITHOUT_STOPS - {"unknown"}):
        notes.append(f"no abbreviations are known of {unknown}: its sentences end at stop marks alone")
    return notes


def describe_unspaced(languages: Iterable[str], features: Mapping[str, object]) -> list[str]:
    """Return what to say where languages are written without blanks, which all of the vectorizers need.

    Examples
    --------
    >>> from slugline.ngrams import TfidfVectorizer
    >>> describe_unspaced(["zh", "es"], {"word": TfidfVectorizer()})
    ['zh is written without blanks between words, by which these features count; try features=unspaced']
    >>> describe_unspaced(["zh"], {"unspaced": TfidfVectorizer(analyzer="char")})
    []
    """
    unspaced = _listed({*languages} & _WITHOUT_BLANKS)
    if not unspaced or any(getattr(one, "analyzer", "word") not in ("word", "char_wb") for one in features.values()):
        return []
    return [f"{unspaced} is written without blanks between words, by which these features count; try features=unspaced"]


def _listed(languages: Iterable[str]) -> str:
    """Return languages in one string."""
    return ", ".join(sorted(languages))
