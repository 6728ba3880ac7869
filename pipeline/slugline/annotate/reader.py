"""Files of annotations: their format recognised, read row by row, and checked."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from slugline.annotate.annotation import Annotation, Row, Unanswered, shorten, validate
from slugline.annotate.formats import FORMATS
from slugline.annotate.rows import find_kind, read_file
from slugline.data.opening import InputFile, ReadOptions
from slugline.data.read_files import ReadFile
from slugline.data.schema import Rejected
from slugline.errors import InputError, listing, one_line

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

    `format` is one of `FORMATS`, None to recognise it. Labels are returned in the order of `topics`; the
    encoding and separator of text may be given in `options`. Where the file
    does not name the annotator, its own name without the ending does. Rejected are rows that cannot be read, and those
    where an annotator contradicts an earlier row of the same time. Raises `InputError` for a file that is not of the
    format, or of none.
    """
    if format is not None and format not in FORMATS:
        raise InputError(f"format: {shorten(format)}; allowed: {listing(FORMATS)}")
    positions = {topic: position for position, topic in enumerate(dict.fromkeys(topics))}
    if not positions:
        raise InputError("no topic: annotations say which topics a sentence has; give at least one")

    file = InputFile(path, path.name, options or ReadOptions(), key="annotations")
    kind = find_kind(path, format, file.options.encoding)
    rows, rejected = read_file(file, kind)
    name = format or _recognise(rows, path, kind)
    fits = FORMATS[name].fits
    fitting = [(where, row) for where, row in rows if fits(row)]
    if not fitting:
        others = [other for other in _FORMATS_OF_KIND[kind] if any(FORMATS[other].fits(row) for _, row in rows)]
        advice = f"; it looks like format={others[0]}" if others else ""
        fields = _list_fields(rows[0][1])
        raise InputError(f"{path}: no annotations as {name} has them; the first row has: {fields}{advice}")
    rejected += [Rejected(where, f"no row of {name}: {_list_fields(row)}") for where, row in rows if not fits(row)]

    raw = list(FORMATS[name].read(fitting, tuple(positions)))
    unanswered = [item.where for item in raw if isinstance(item, Unanswered)]
    answers = [item for item in raw if not isinstance(item, Unanswered)]
    items = [item if isinstance(item, Rejected) else validate(item, positions, path.stem) for item in answers]
    annotations, invalid = _reject_contradictions(items)
    reasons = [item._replace(reason=one_line(item.reason, 2000)) for item in rejected + invalid]
    return AnnotationFile(annotations, reasons, unanswered, ReadFile(file.name, name, file.notes))


def _reject_contradictions(items: Sequence[Annotation | Rejected]) -> tuple[list[Annotation], list[Rejected]]:
    """Keep annotations but for those that contradict an earlier one by the same annotator at the same time."""
    first: dict[tuple[str, str, str | None], Annotation] = {}
    annotations, rejected = [], []
    for item in items:
        if isinstance(item, Rejected):
            rejected.append(item)
            continue

        earlier = first.setdefault((item.sentence_id, item.annotator, item.when), item)
        if earlier.labels == item.labels:
            annotations.append(item)
        else:
            reason = f"{item.annotator} gave other labels at the same time, at {earlier.where}"
            rejected.append(Rejected(item.where, reason))
    return annotations, rejected


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
