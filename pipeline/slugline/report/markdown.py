"""Text from config or data inside Markdown."""

import re

MARKS = re.compile(r"([\\`*_\[\]<>|#~$])")  # that mean something in Markdown or HTML


def plain(text: object) -> str:
    """Return a text that comes from config or data as one line that Markdown shows as it is."""
    return MARKS.sub(r"\\\1", " ".join(str(text).split()))
