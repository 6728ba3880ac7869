"""Text from config or data inside Markdown."""

import re

_MARKS = re.compile(r"([\\`*_\[\]<>|#~$])")  # that mean something in Markdown or HTML


def plain(text: object) -> str:
    r"""Return a text that comes from config or data as one line that Markdown shows as it is.

    Examples
    --------
    >>> print(plain("a <b>bold</b> *topic*"))
    a \<b\>bold\</b\> \*topic\*
    """
    return _MARKS.sub(r"\\\1", " ".join(str(text).split()))
