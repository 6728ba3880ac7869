"""Regular English inflections of a word: of a verb and of a noun alike, since a phrase does not say which it is."""

VOWELS = "aeiou"
SIBILANTS = ("s", "x", "z", "ch", "sh")


def inflect(word: str) -> tuple[str, ...]:
    """Return a word with its regular forms: in -s, -ed, -ing, for `accuse`, `carry`, `stop`, `push`, `free`.

    A last consonant is doubled where one vowel stands before it in a word of one syllable (`stop`), and in both ways
    otherwise (`permit`, `visit`), as its stress cannot be seen. Irregular forms are words to be listed by themselves.
    """
    if len(word) < 3:
        return (word,)
    stem = word[:-1]
    if word.endswith("y") and word[-2] not in VOWELS:
        forms = [f"{stem}ies", f"{stem}ied", f"{word}ing"]
    elif word.endswith("ie"):
        forms = [f"{word}s", f"{word}d", f"{word[:-2]}ying"]
    elif word.endswith("e"):
        forms = [f"{word}s", f"{word}d", f"{word}ing" if word.endswith(("ee", "oe", "ye")) else f"{stem}ing"]
    else:
        endings = [f"{word}{'es' if word.endswith(SIBILANTS) else 's'}"]
        doubled = [f"{word}{word[-1]}"] if doubles(word) else []
        plain = [] if doubled and syllables(word) == 1 else [word]
        forms = endings + [f"{base}{ending}" for base in [*plain, *doubled] for ending in ("ed", "ing")]
    return (word, *forms)


def doubles(word: str) -> bool:
    """Tell whether the last consonant may be doubled: one vowel before it, and a consonant before that."""
    return word[-1] not in f"{VOWELS}wxy" and word[-2] in VOWELS and word[-3] not in VOWELS


def syllables(word: str) -> int:
    """Return how many groups of vowels a word has."""
    return sum(
        1
        for before, letter in zip(f" {word}", word, strict=False)
        if letter in f"{VOWELS}y" and before not in f"{VOWELS}y"
    )
