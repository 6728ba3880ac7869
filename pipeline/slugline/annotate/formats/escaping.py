"""Text in spreadsheets, so that no program runs it as a formula or turns it into a number.

An apostrophe in front says that a cell is text: https://owasp.org/www-community/attacks/CSV_Injection. An id of digits
would lose some of them as a number.
"""

import re

_FORMULA_OR_NUMBER = r"([=+\-@\t\r\n＝＋－＠]|(0\d+|\d{16,}|\d+[eE]\d+)\Z)"
_RISKY, _ESCAPED = re.compile(f"'*{_FORMULA_OR_NUMBER}"), re.compile(f"'+{_FORMULA_OR_NUMBER}")


def is_risky(text: str) -> bool:
    """Tell whether a spreadsheet would take text for a formula or a number, apostrophes in front set aside."""
    return bool(_RISKY.match(text))


def escape(text: str) -> str:
    """Return text with an apostrophe in front where it is risky."""
    return f"'{text}" if is_risky(text) else text


def escape_ambiguous(text: str) -> str:
    """Return text with an apostrophe in front where `unescape` would otherwise take one off."""
    return f"'{text}" if _ESCAPED.match(text) else text


def unescape(text: str) -> str:
    """Return text as it was before `escape` or `escape_ambiguous`."""
    return text[1:] if _ESCAPED.match(text) else text
