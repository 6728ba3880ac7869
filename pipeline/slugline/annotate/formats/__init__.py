"""The formats of annotation tools: a module each, which writes tasks and reads what annotators made of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from slugline.annotate.annotation import RawAnnotation, Row, Unanswered
from slugline.annotate.formats import argilla, doccano, label_studio, prodigy, sheets, xlsx
from slugline.annotate.tasks import Tasks
from slugline.data.schema import Rejected


class AnnotationFormat(Protocol):
    """What a module of this folder offers.

    `HOW_TO` says in a line how its files of tasks are filled in; `BESIDE` are the suffixes of files beside these.
    """

    HOW_TO: str
    BESIDE: tuple[str, ...]

    def fits(self, row: Row, /) -> bool:
        """Tell whether a row of a file looks like one of this format."""

    def read(
        self, rows: Iterable[tuple[str, Row]], topics: Sequence[str], /
    ) -> Iterator[RawAnnotation | Rejected | Unanswered]:
        """Yield the annotations in rows that fit, what could not be read of them, and which nobody answered yet."""

    def encode(self, tasks: Tasks, /) -> dict[str, bytes]:
        """Return the content of each file to write by its suffix; "" is the file of the tasks itself."""


FORMATS: Mapping[str, AnnotationFormat] = {
    "label_studio": label_studio,
    "doccano": doccano,
    "prodigy": prodigy,
    "argilla": argilla,
    "csv": sheets,
    "xlsx": xlsx,
}
