"""Text in SVG, which is not broken into lines by itself: how wide it is about, cut or divided to fit, and escaped."""

import unicodedata
from functools import cache
from html import escape
from itertools import takewhile

import numpy as np
import regex

_INVALID = regex.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # in XML 1.0, even as an entity


def shorten(text: str, width: float) -> str:
    """Return a text on one line, cut with an ellipsis where it would be wider; letters and their marks stay together.

    Examples
    --------
    >>> shorten("ceasefire", 500), shorten("ceasefire", 60)
    ('ceasefire', 'ceas…')
    """
    line = " ".join(text.split())
    if text_width(line) <= width:
        return line
    letters, room = regex.findall(r"\X", line[:1000]), width - text_width("…")
    ends = np.cumsum([text_width(letter) for letter in letters])
    kept = takewhile(lambda pair: pair[1] <= room, zip(letters, ends, strict=True))
    return "".join(letter[:8] for letter, _ in kept).rstrip() + "…"


def draw_text(x: float, y: float, text: str, width: float, css: str) -> str:
    """Return a text as SVG, cut to a width; what it is in full is shown where it is pointed at."""
    shown = shorten(text, width)
    if not shown:
        return ""
    full = f"<title>{to_xml(text)}</title>" if shown != text else ""
    return f'<text class="{css}" x="{x:.0f}" y="{y:.0f}">{full}{to_xml(shown)}</text>'


def to_xml(text: str) -> str:
    """Return a text for XML; characters that it cannot hold become U+FFFD."""
    return escape(_INVALID.sub("\ufffd", text)).replace("\r", "&#13;")  # else the reader would make it a line feed


def text_width(text: str) -> float:
    """Return about how wide a text is, at 22 units an em: fonts differ."""
    return 22 * sum(map(_ems, text))


@cache
def _ems(letter: str) -> float:
    """Return about how wide a character is, in ems."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return 1.0
    if letter in "mwMW@%":
        return 0.95
    return 0.7 if letter.isupper() else 0.54


def wrap(text: str, width: float) -> list[str]:
    """Divide a text into lines at its blanks."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and text_width(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def two_lines(title: str, width: float) -> list[str]:
    """Return a title in one line, or in two at a blank where it is wider."""
    first, *others = wrap(title, width)
    return [first, " ".join(others)] if others else [first]
