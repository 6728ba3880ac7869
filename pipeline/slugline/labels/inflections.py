"""Regular English inflections of a word, as a verb and as a noun, since a phrase does not say which it is."""

import re

_VOWELS = "aeiou"
_SIBILANTS = ("s", "x", "z", "ch", "sh")


def inflect(word: str) -> tuple[str, ...]:
    """Return a word with its regular forms in -s, -ed and -ing.

    The last consonant is doubled where one vowel comes before it in a word of one syllable (`stop`). In longer words
    (`permit`, `visit`) both spellings are given, as the stress cannot be seen. Irregular forms are words of their own.

    Examples
    --------
    >>> inflect("accuse")
    ('accuse', 'accuses', 'accused', 'accusing')
    >>> inflect("stop")
    ('stop', 'stops', 'stopped', 'stopping')
    """
    if len(word) < 3:
        return (word,)

    stem = word[:-1]
    if word.endswith("y") and word[-2] not in _VOWELS:
        return (word, f"{stem}ies", f"{stem}ied", f"{word}ing")
    if word.endswith("ie"):
        return (word, f"{word}s", f"{word}d", f"{word[:-2]}ying")
    if word.endswith("e"):
        return (word, f"{word}s", f"{word}d", f"{word}ing" if word.endswith(("ee", "oe", "ye")) else f"{stem}ing")

    s_form = f"{word}{'es' if word.endswith(_SIBILANTS) else 's'}"
    # Doubled after one vowel that follows a consonant; always so in a word of one syllable, a group of vowels
    may_double = word[-1] not in f"{_VOWELS}wxy" and word[-2] in _VOWELS and word[-3] not in _VOWELS
    doubled = [f"{word}{word[-1]}"] if may_double else []
    plain = [] if doubled and len(re.findall(f"[{_VOWELS}y]+", word)) == 1 else [word]
    return (word, s_form, *(f"{base}{ending}" for base in plain + doubled for ending in ("ed", "ing")))
