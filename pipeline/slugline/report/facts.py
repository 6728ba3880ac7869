"""What page and card say of a run beside its scores."""

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import NamedTuple

MARKS = re.compile(r"([\\`*_\[\]<>|#~$])")  # that mean something in Markdown or HTML


def plain(text: object) -> str:
    """Return a text that comes from config or data as one line that Markdown shows as it is."""
    return MARKS.sub(r"\\\1", " ".join(str(text).split()))


class Facts(NamedTuple):
    """Where a run comes from: its name, config, the topics' definitions, the digests of its parts, its overrides."""

    name: str
    run_id: str | None
    config: str
    definitions: Mapping[str, str]
    digests: Mapping[str, str]
    overrides: Sequence[str]

    def commands(self) -> list[str]:
        """Return the commands that train it again."""
        again = [f"slugline reproduce run_id={self.run_id}"] if self.run_id else []
        return [shlex.join(["slugline", "train", *self.overrides]), *again]
