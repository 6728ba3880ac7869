"""The language of an article: its tag, and what its text says where it has none."""

import re


def primary_language(tag: str | None) -> str | None:
    """Return the language of a BCP 47 tag (RFC 5646), without script, region and case.

    Examples
    --------
    >>> [primary_language(tag) for tag in ("de-DE", "zh-Hant", "pt_BR", "EN", "")]
    ['de', 'zh', 'pt', 'en', None]
    """
    return re.split(r"[-_]", (tag or "").strip().lower())[0] or None
