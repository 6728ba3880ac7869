"""How text is encoded, found from its bytes: a mark, UTF-8, UTF-16, or the code page that makes words of it."""

import codecs
import re
import unicodedata
from typing import NamedTuple

from slugline.data.alphabets import BALTIC, CENTRAL, TURKISH, WESTERN, is_written

LOOKED_AT = 1 << 20  # bytes from which the encoding of a file is found
UNDECODED = re.compile("[\udc00-\udcff]")  # bytes outside the encoding, as the error handler `keep_bytes` keeps them
_UNMARKED = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
KEEP_BYTES = "slugline.keep_bytes"
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_CODE_PAGES = {  # for letters of Latin languages, the likeliest first
    "cp1252": WESTERN,
    "cp1250": CENTRAL,
    "cp1254": TURKISH,
    "cp1257": BALTIC,
    "mac_roman": WESTERN,
    "cp850": WESTERN,
}
_OTHER_SCRIPTS = (
    "cp1251",
    "koi8_r",
    "cp1253",
    "cp1255",
    "cp1256",
    "gb18030",
    "big5",
    "shift_jis",
    "euc_jp",
    "euc_kr",
    "cp866",
)
_WORD = re.compile(rb"[A-Za-z]*[\x80-\xff][A-Za-z\x80-\xff]*")
_CONTROLS = re.compile(rb"[\0-\x08\x0e-\x19\x1b-\x1f\x7f]")
_MANY_CONTROLS = 0.02  # share of control characters from which on a file is not text
_WIDE = 0.2  # share of control characters from which what reads as UTF-8 may be UTF-16
_WORDS = 500  # that are looked at
_SURE = 5  # words that one code page alone makes sense of, from which it is taken
_AHEAD = 0.05  # by which one of other scripts must be better than the next


class DoubtError(ValueError):
    """A file may be read in two ways: `readings` are what each value of a setting would make of it."""

    def __init__(self, setting: str, readings: dict[str, str]) -> None:
        super().__init__(setting, readings)
        self.setting, self.readings = setting, readings


class BinaryError(UnicodeError):
    """A file is no text at all."""


class _Reading(NamedTuple):
    """What a code page makes of words: how many it cannot make sense of, and the words."""

    encoding: str
    unwritten: int
    words: tuple[str, ...]


def keep_bytes(error: UnicodeError) -> tuple[str, int]:
    """Put a lone surrogate in place of each byte that cannot be decoded, in any encoding."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


codecs.register_error(KEEP_BYTES, keep_bytes)


def find_encoding(data: bytes) -> str:
    """Return the encoding of text from its first bytes, at most `LOOKED_AT`.

    That is what a byte-order mark says, UTF-16 without one, UTF-8, even with some bytes that are not, or the code page
    in which the words with other letters than a to z are words of a language. Raises `DoubtError` where two would do,
    and `BinaryError` for what is no text.

    Examples
    --------
    >>> find_encoding("trêve".encode()), find_encoding("trêve".encode("cp1252"))
    ('utf-8', 'cp1252')
    """
    data = data[:LOOKED_AT]
    if mark := next((mark for mark in _MARKS if data.startswith(mark)), None):
        return _MARKS[mark]
    if wide := _find_wide(data, _WIDE):
        return wide
    if _is_utf8(data):
        return "utf-8"
    return _find_wide(data, 0) or _find_narrow(data)


def decode(data: bytes, encoding: str | None = None) -> str:
    """Return text without its byte-order mark; bytes outside the encoding, which is found, become lone surrogates."""
    return decode_exactly(data, encoding)[2]


def decode_exactly(data: bytes, encoding: str | None = None) -> tuple[bytes, str, str]:
    """Return the byte-order mark of text, the encoding of what follows, and the text that follows."""
    encoding = encoding or find_encoding(data)
    mark = next((mark for mark in _MARKS if data.startswith(mark) and _is_unicode(encoding)), b"")
    encoding = _UNMARKED.get(mark, _name(encoding))
    return mark, encoding, data[len(mark) :].decode(encoding, KEEP_BYTES)


def describe_undecoded(text: str, encoding: str) -> str | None:
    """Return which byte could not be decoded; None where all could."""
    undecoded = None if text.isascii() else UNDECODED.search(text)
    return undecoded and f"not {_name(encoding)}: byte 0x{ord(undecoded[0]) - 0xDC00:02x}"


def is_text_encoding(name: object) -> bool:
    """Tell whether Python knows an encoding of text by a name; `hex` and `zip` encode no text."""
    try:
        return isinstance(name, str) and "a".encode(name).decode(name) == "a"
    except (LookupError, ValueError):  # the latter: an encoding that encodes nothing, or a NUL in the name
        return False


def is_plain(encoding: str) -> bool:
    """Tell whether an encoding is UTF-8, with a mark or without."""
    return _name(encoding) == "utf-8"


def _is_unicode(encoding: str) -> bool:
    """Tell whether an encoding is one that marks of byte order are of."""
    return _name(encoding).startswith("utf-")


def _name(encoding: str) -> str:
    """Return the usual name of an encoding."""
    return codecs.lookup(encoding).name.removesuffix("-sig")


def _is_utf8(data: bytes) -> bool:
    """Tell whether bytes are UTF-8, but for some that are fewer than the letters beyond ASCII; the last may be cut."""
    decoder, is_whole = codecs.getincrementaldecoder("utf-8"), len(data) < LOOKED_AT
    try:
        decoder().decode(data, is_whole)
    except UnicodeDecodeError:
        text = decoder(KEEP_BYTES).decode(data, is_whole)
        broken = len(UNDECODED.findall(text))
        return sum(not sign.isascii() for sign in text) - broken > broken
    return True


def _find_wide(data: bytes, least: float) -> str | None:
    """Return the kind of UTF-16 that bytes without a mark are, None for any other encoding.

    There are NULs, the share of control characters, which letters of some scripts have as one half, is at least
    `least`, and what is read is text; the kind with more NULs in the upper halves is tried first.
    """
    data = data[: len(data) // 2 * 2 if len(data) >= LOOKED_AT else None]
    if b"\0" not in data or len(data) % 2 or len(_CONTROLS.findall(data)) < least * len(data):
        return None
    little_first = data[1::2].count(0) >= data[::2].count(0)
    kinds = ("utf-16-le", "utf-16-be") if little_first else ("utf-16-be", "utf-16-le")
    return next((kind for kind in kinds if _is_text(data.decode(kind, "replace")[:10_000])), None)


def _is_text(text: str) -> bool:
    """Tell whether hardly any character of a text is a control, unassigned, private or broken."""
    odd = sum(unicodedata.category(sign) in ("Cc", "Cn", "Co") and sign not in "\t\r\n" for sign in text)
    return odd + text.count("\ufffd") <= _MANY_CONTROLS * len(text)


def _find_narrow(data: bytes) -> str:
    """Return the encoding of bytes that are not all UTF-8 by the lines of text among them, if these are most."""
    text = b"\n".join(line for line in data.split(b"\n") if not _CONTROLS.search(line))
    if len(text) < len(data) / 2:
        raise BinaryError("binary, not text")
    return "utf-8" if _is_utf8(text) else _find_code_page(text)


def _find_code_page(data: bytes) -> str:
    """Return the encoding of text that is not UTF-8, a sign by itself set aside."""
    words = [word for word in dict.fromkeys(found[0] for found in _WORD.finditer(data)) if len(word) > 1][:_WORDS]
    if not words:
        return next(iter(_CODE_PAGES))
    letters = b"".join(words)
    foreign = sum(byte > 127 for byte in letters) / len(letters)
    return _find_other_script(words, data) if foreign > 0.8 and max(map(len, words)) > 2 else _find_latin(words)


def _find_latin(words: list[bytes]) -> str:
    """Return the code page that makes words of a Latin language, the likeliest that makes sense of all."""
    readings = [_read_words(words, encoding) for encoding in _CODE_PAGES]
    usual, *_ = readings
    best = min(readings, key=lambda reading: reading.unwritten)  # the first of equal ones
    if best is usual or best.words == usual.words:
        return usual.encoding
    if not best.unwritten and usual.unwritten >= _SURE:
        return best.encoding
    raise _in_doubt(usual, best)


def _read_words(words: list[bytes], encoding: str) -> _Reading:
    """Return what a code page makes of words."""
    texts = tuple(word.decode(encoding, "replace") for word in words)
    return _Reading(encoding, sum(not is_written(text, _CODE_PAGES[encoding]) for text in texts), texts)


def _find_other_script(words: list[bytes], data: bytes) -> str:
    """Return the code page of a script other than Latin, by how often letters follow each other."""
    from charset_normalizer import from_bytes

    lines = [line for line in data.split(b"\n") if not line.isascii()]
    matches = from_bytes(b"\n".join(lines)[:65536], cp_isolation=[*_OTHER_SCRIPTS, "cp1252"], language_threshold=0.1)
    ranked = sorted(matches, key=lambda match: match.chaos - match.coherence)
    if not ranked:
        raise BinaryError("in no encoding that is known")
    best, second = ranked[0], ranked[1] if len(ranked) > 1 else None
    if second is None or second.chaos - second.coherence >= best.chaos - best.coherence + _AHEAD:
        return str(best.encoding)
    one, other = (_Reading(m.encoding, 0, tuple(w.decode(m.encoding, "replace") for w in words)) for m in ranked[:2])
    raise _in_doubt(one, other)


def _in_doubt(one: _Reading, other: _Reading) -> DoubtError:
    """Return the error for two encodings, with the first word that each reads in its own way."""
    pairs = zip(one.words, other.words, strict=True)
    first, second = next((pair for pair in pairs if pair[0] != pair[1]), ("", ""))
    return DoubtError("encoding", {one.encoding: first, other.encoding: second})
