"""Files of annotations: their format recognised, read row by row, and checked."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from slugline.annotate.annotation import Annotation, Row, Unanswered, shorten, validate
from slugline.annotate.formats import FORMATS
from slugline.annotate.rows import find_kind, read_file
from slugline.data.opening import InputFile, ReadOptions
from slugline.data.read_files import ReadFile
from slugline.data.schema import Rejected, Rows
from slugline.errors import InputError, listing, one_line

_LOOKED_AT = 1000  # rows by which a format is recognised
_MAX_REJECTED = 100_000  # rows of a file; more are no accident
_FORMATS_OF_KIND = {
    "json": ("label_studio", "argilla", "prodigy", "doccano"),
    "csv": ("label_studio", "csv"),
    "xlsx": ("xlsx",),
}


class AnnotationFile(NamedTuple):
    """What a file of annotations holds: `unanswered` are the places of tasks that nobody answered yet.

    `read` tells how the file was read.
    """

    annotations: list[Annotation]
    rejected: list[Rejected]
    unanswered: list[str]
    read: ReadFile


def read_annotations(
    path: Path, format: str | None, topics: Sequence[str], options: ReadOptions | None = None
) -> AnnotationFile:
    """Read the annotations in a file that annotators or their tools wrote.

    `format` is one of `FORMATS`, None to recognise it by the first 1,000 rows. Labels are returned in the order of
    `topics`; the encoding and separator of text may be given in `options`. Where the file
    does not name the annotator, its own name without the ending does. Rejected are rows that cannot be read, and those
    where an annotator contradicts an earlier row of the same time. Raises `InputError` for a file that is not of the
    format, or of none, or of which more than 100,000 rows are rejected.
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"format: {shorten(format)}; allowed: {listing(FORMATS)}")
    positions = {topic: position for position, topic in enumerate(dict.fromkeys(topics))}
    if not positions:
        raise InputError("no topic: annotations say which topics a sentence has; give at least one")

    file = InputFile(path, path.name, options or ReadOptions(), key="annotations")
    kind = find_kind(path, format, file.options.encoding)
    rows = read_file(file, kind)
    first = list(islice(rows, _LOOKED_AT))
    name = _find_format(first, format, path, kind)

    rejected = _Rejections(path)
    fitting = _select_fitting(chain(first, rows), name, rejected)
    unanswered: list[str] = []
    earliest: dict[tuple[str, str, str | None], Annotation] = {}
    annotations: list[Annotation] = []
    for raw in FORMATS[name].read(fitting, tuple(positions)):
        if isinstance(raw, Unanswered):
            unanswered.append(raw.where)
            continue
        item = raw if isinstance(raw, Rejected) else validate(raw, positions, path.stem)
        item = item if isinstance(item, Rejected) else _check_contradiction(item, earliest)
        if isinstance(item, Rejected):
            rejected.append(item)
        else:
            annotations.append(item)
    return AnnotationFile(annotations, rejected, unanswered, ReadFile(file.name, name, file.notes))


class _Rejections(list[Rejected]):
    """What was rejected of a file, each in a line; too much of it raises `InputError`."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def append(self, item: Rejected) -> None:
        """Add one."""
        if len(self) == _MAX_REJECTED:
            raise InputError(one_line(f"{self._path}: more than {_MAX_REJECTED} rows are no annotations; {self[0]}"))
        super().append(item._replace(reason=one_line(item.reason, 2000)))


def _find_format(rows: Sequence[tuple[str, Row | str]], format: str | None, path: Path, kind: str) -> str:
    """Return the format of a file by its first rows; raise `InputError` where none can be read, or none is of it."""
    readable = [(where, row) for where, row in rows if not isinstance(row, str)]
    if not readable:
        reason = ": ".join(map(str, rows[0])) if rows else "it is empty"
        raise InputError(one_line(f"{path}: no row could be read as {kind}; {reason}"))
    name = format or _recognise(readable, path, kind)
    if not any(FORMATS[name].fits(row) for _, row in readable):
        others = [other for other in _FORMATS_OF_KIND[kind] if any(FORMATS[other].fits(row) for _, row in readable)]
        advice = f"; it looks like format={others[0]}" if others else ""
        fields = _list_fields(readable[0][1])
        raise InputError(f"{path}: no annotations as {name} has them; the first row has: {fields}{advice}")
    return name


def _select_fitting(rows: Rows, name: str, rejected: list[Rejected]) -> Iterator[tuple[str, Row]]:
    """Yield the rows that fit a format, and add the others to what is rejected."""
    fits = FORMATS[name].fits
    for where, row in rows:
        if isinstance(row, str):
            rejected.append(Rejected(where, row))
        elif fits(row):
            yield where, row
        else:
            rejected.append(Rejected(where, f"no row of {name}: {_list_fields(row)}"))


def _check_contradiction(
    item: Annotation, earliest: dict[tuple[str, str, str | None], Annotation]
) -> Annotation | Rejected:
    """Return an annotation, or that it contradicts an earlier one by the same annotator at the same time."""
    earlier = earliest.setdefault((item.sentence_id, item.annotator, item.when), item)
    if earlier.labels == item.labels:
        return item
    return Rejected(item.where, f"{item.annotator} gave other labels at the same time, at {earlier.where}")


def _recognise(rows: Sequence[tuple[str, Row]], path: Path, kind: str) -> str:
    """Return the format that most rows have; raise `InputError` where none has any."""
    names = _FORMATS_OF_KIND[kind]
    counts = {name: sum(FORMATS[name].fits(row) for _, row in rows) for name in names}
    best = max(counts, key=counts.__getitem__)
    if not counts[best]:
        first = _list_fields(rows[0][1])
        raise InputError(f"{path}: no annotations; its first row has: {first}; read: {listing(names)}")
    return best


def _list_fields(row: Row) -> str:
    """Return the names of a row's fields for a message."""
    return listing(shorten(name) for name in row) or "nothing"
