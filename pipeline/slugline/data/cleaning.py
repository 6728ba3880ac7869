"""Cleaning by named steps, each of which `data.cleaning` switches: those that change texts, those that mark debris."""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from slugline.data.debris import DEBRIS_STEPS
from slugline.errors import InputError, listing

if TYPE_CHECKING:
    from ftfy import TextFixerConfig

# What each step lets ftfy do (Speer 2019, doi:10.5281/zenodo.2591652); NFC (Unicode annex 15) and line ends always
_FTFY = {
    "mojibake": (
        "fix_encoding",
        "restore_byte_a0",
        "replace_lossy_sequences",
        "decode_inconsistent_utf8",
        "fix_c1_controls",
        "fix_surrogates",
    ),
    "html_entities": ("unescape_html",),
    "control_characters": ("remove_control_chars", "remove_terminal_escapes"),
    "character_width": ("fix_character_width", "fix_latin_ligatures"),
}
_STEP_OF_ACTION = {action: step for step, actions in _FTFY.items() for action in actions} | dict.fromkeys(
    ("encode", "decode", "transcode"), "mojibake"
)
TEXT_STEPS = (*_FTFY, "soft_hyphens", "html_tags")
BOILERPLATE = "boilerplate"  # marks lines that many articles of a source have
STEPS = (*TEXT_STEPS, *DEBRIS_STEPS, BOILERPLATE)
DEFAULT_STEPS = frozenset(STEPS) - {"soft_hyphens", "html_tags", BOILERPLATE}

_PUNCTUATION = str.maketrans("", "", "‘’“”–—…")  # of correct text, though not ASCII
_SEGMENT = re.compile(r"[^\n]{1,1000000}\n?|\n")  # what ftfy looks at at once
_UNSEEN = re.compile(r"<!--.*?-->|<(script|style)\b[^>]*>.*?</\1\s*>", re.DOTALL | re.IGNORECASE)
_BLOCK = re.compile(
    r"\s*</?(?:p|div|li|ul|ol|t[rdh]|table|h[1-6r]|br|blockquote|section|article|figure|figcaption)\b[^<>]{0,300}>\s*",
    re.IGNORECASE,
)
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,300}>")


class Cleaned(NamedTuple):
    """A text as it was cleaned, and the steps that changed it."""

    text: str
    steps: frozenset[str] = frozenset()


def cleaning_steps(switches: Mapping[str, bool], key: str = "data.cleaning") -> frozenset[str]:
    """Return the steps that are on: the default ones, but for those that are switched.

    Raises `InputError` for what is no step; `key` is the setting that switches them.

    Examples
    --------
    >>> sorted(cleaning_steps({"html_tags": True}) - cleaning_steps({"bylines": False}))
    ['bylines', 'html_tags']
    """
    if not isinstance(switches, Mapping):
        raise InputError(f"{key}: found {switches!r}; allowed: a mapping as {{html_tags: true}}")
    if unknown := [name for name in switches if name not in STEPS]:
        raise InputError(f"{key}: unknown step '{unknown[0]}'; allowed: {listing(STEPS, 20)}")
    if wrong := [name for name, value in switches.items() if not isinstance(value, bool)]:
        raise InputError(f"{key}.{wrong[0]}={switches[wrong[0]]}; allowed: true or false")
    return frozenset(step for step in STEPS if switches.get(step, step in DEFAULT_STEPS))


def clean(text: str, steps: Iterable[str] = DEFAULT_STEPS) -> Cleaned:
    r"""Clean a text by those steps that change texts, and say which did; line ends become `\n`, characters NFC.

    Examples
    --------
    >>> cleaned = clean("schÃ¶n<br>&amp; gut", {"mojibake", "html_tags", "html_entities"})
    >>> cleaned.text, sorted(cleaned.steps)
    ('schön\n& gut', ['html_entities', 'html_tags', 'mojibake'])
    """
    steps = frozenset(steps)
    done = set()
    if "html_tags" in steps and "<" in text and (stripped := _strip_tags(text)) != text:
        text = stripped
        done.add("html_tags")
    if "soft_hyphens" in steps and "\xad" in text:
        text = text.replace("\xad", "")
        done.add("soft_hyphens")
    if _is_plain(text):
        return Cleaned(text, frozenset(done))
    text, actions = _fix(text, steps.intersection(_FTFY))
    return Cleaned(text, frozenset(done | {_STEP_OF_ACTION[action] for action in actions if action in _STEP_OF_ACTION}))


def _is_plain(text: str) -> bool:
    r"""Return whether a text needs no repair.

    So it is with ASCII without `&`, `\r` and control characters, also with curly quotes, dashes and dots: mojibake has
    letters.
    """
    ascii_text = text if text.isascii() else text.translate(_PUNCTUATION)
    return ascii_text.isascii() and "&" not in text and ascii_text.replace("\n", "").replace("\t", "").isprintable()


def _fix(text: str, steps: frozenset[str]) -> tuple[str, set[str]]:
    """Return what `ftfy.fix_text` makes of a text, and its actions, which it does not tell."""
    from ftfy import fix_and_explain

    config = _ftfy_config(steps)
    fixed: list[str] = []
    actions: set[str] = set()
    for segment in _SEGMENT.findall(text):
        if "<" in segment and config.unescape_html == "auto":
            config = config._replace(unescape_html=False)
        if _is_plain(segment):
            fixed.append(segment)
        elif config.fix_encoding and (decoded := _decode_plain(segment)):
            fixed.append(decoded)
            actions.add("decode")
        else:
            result = fix_and_explain(segment, config)
            fixed.append(result.text)
            actions.update(name if action == "apply" else action for action, name in result.explanation or ())
    return "".join(fixed), actions


def _decode_plain(text: str) -> str | None:
    """Return what UTF-8 was that was read as Windows-1252, if it is plain, as most is; else None.

    ftfy begins with just this, where the text looks bad, and has nothing to do then but try all its other repairs.
    """
    from ftfy.badness import is_bad

    try:
        decoded = text.encode("sloppy-windows-1252").decode("utf-8")
    except UnicodeError:
        return None
    return decoded if _is_plain(decoded) and is_bad(text) else None


@cache
def _ftfy_config(steps: frozenset[str]) -> "TextFixerConfig":
    """Return the config of ftfy for some steps; curly quotes stay."""
    from ftfy import TextFixerConfig

    off = {action: False for step, actions in _FTFY.items() if step not in steps for action in actions}
    return TextFixerConfig(uncurl_quotes=False, normalization="NFC", **off)


def _strip_tags(text: str) -> str:
    """Take tags, comments, scripts and styles out of a text; a block begins a line."""
    return _TAG.sub("", _BLOCK.sub("\n", _UNSEEN.sub("", text)))
