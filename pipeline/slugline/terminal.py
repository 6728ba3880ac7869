"""What a program prints on a terminal: text of others cannot steer it.

An article, the name of a run or a reason can hold escape sequences, which clear the screen, write the title of the
window, or hide what was printed before: https://cwe.mitre.org/data/definitions/150.html.
"""

import os
import re
import sys
from collections.abc import Iterable
from typing import Any, TextIO, cast

# C0 but for tab and line end, DEL, and C1, in which \x9b begins a sequence as \x1b[ does
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f]")
_CONTROL_UTF8 = re.compile(rb"\x7f|\xc2([\x80-\x9f])")


def neutralise(text: str) -> str:
    r"""Return text with its control characters written out, tabs and line ends aside.

    Examples
    --------
    >>> print(neutralise("\x1b[2J gone"))
    \x1b[2J gone
    """
    return _CONTROL.sub(lambda sign: f"\\x{ord(sign[0]):02x}", text)


def neutralise_json(data: bytes) -> bytes:
    r"""Return JSON in UTF-8 with the control characters escaped that JSON lets stand; its values stay the same.

    Examples
    --------
    >>> neutralise_json('"\x9b2J"'.encode())
    b'"\\u009b2J"'
    """
    return _CONTROL_UTF8.sub(lambda sign: b"\\u00%02x" % (sign[1] or sign[0])[0], data)


def guard_output() -> None:
    """Neutralise all text that this process prints from now on; bytes written to `sys.stdout.buffer` stay."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if not isinstance(stream, _GuardedStream):
            setattr(sys, name, cast(TextIO, _GuardedStream(stream)))


def close_output() -> None:
    """Let what Python still writes to standard output, as it ends, go nowhere: nobody takes it any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _GuardedStream:
    """A text stream that neutralises what is written to it, and is otherwise the stream that it was made of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        return self._stream.write(neutralise(text))

    def writelines(self, lines: Iterable[str]) -> None:
        self._stream.writelines(map(neutralise, lines))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
