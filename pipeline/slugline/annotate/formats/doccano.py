"""doccano: JSON lines with `text` and `label`; all else that a line holds is metadata and comes back.

The format: https://doccano.github.io/doccano/tutorial/ and what doccano's exporter writes: one file an annotator, named
after them, or `all` of a shared project, metadata beside the text (in `meta` in old versions). doccano does not say
whether an annotator looked at an example. So tasks come without labels, those known stand in the metadata `suggested`,
and a label of its own says that no topic fits: an example without labels is one that nobody answered. In examples that
were no tasks of ours, which have no `suggested`, no label says that no topic fits: export approved ones only.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from slugline.annotate.annotation import RawAnnotation, Row, Unanswered, shorten, with_nested
from slugline.annotate.tasks import NO_TOPIC, Task, Tasks, check_no_topic
from slugline.data.schema import Rejected
from slugline.files import to_json_lines

HOW_TO = (
    f"doccano: in a text classification project with these topics and '{NO_TOPIC}' as labels, import this file as "
    f"JSONL; give each example its topics, or '{NO_TOPIC}'; export as JSONL. Examples without labels are not read."
)
BESIDE: tuple[str, ...] = ()
_LABEL_FIELDS, _METADATA_FIELDS = ("label", "labels", "cats"), ("meta", "metadata")
_SUGGESTED = "suggested"
_OLD_EXPORT = "labels by number, as doccano exported before version 1.0; export as JSONL with names"


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as JSON lines, without labels; those known are metadata."""
    check_no_topic(tasks.topics, "doccano")
    return {"": to_json_lines(map(_encode_task, tasks.rows))}


def _encode_task(task: Task) -> dict[str, Any]:
    """Return a line: the text, and the rest as metadata."""
    ids = {"sentence_id": task.sentence_id, "article_id": task.article_id}
    return {"text": task.text, **ids, **task.metadata, _SUGGESTED: ", ".join(task.preselected or ())}


def fits(row: Row) -> bool:
    """Tell whether a row is an example of doccano."""
    is_unlabelled = "text" in row and "sentence_id" in with_nested(row, *_METADATA_FIELDS)
    return is_unlabelled or any(name in row for name in _LABEL_FIELDS)


def read(rows: Iterable[tuple[str, Row]], topics: Sequence[str]) -> Iterator[RawAnnotation | Rejected | Unanswered]:
    """Yield the labels of every example, or why it has none, and the examples without labels yet."""
    for where, row in rows:
        name = next((name for name in _LABEL_FIELDS if name in row), None)
        if name is not None:
            yield _read_example(where, row, name)
        elif "annotations" in row:
            yield Rejected(where, _OLD_EXPORT)
        else:
            yield Unanswered(where)


def _read_example(where: str, row: Row, label_field: str) -> RawAnnotation | Rejected | Unanswered:
    """Return the annotation in an example; in one of our tasks, no label at all is no answer."""
    labels = row[label_field]
    if labels is None:
        return Rejected(where, f"'{label_field}' is {shorten(labels)}; allowed: a list of topics")
    if isinstance(labels, str):
        labels = [labels]

    values = with_nested(row, *_METADATA_FIELDS)
    if labels == [] and _SUGGESTED in values:
        return Unanswered(where)
    if labels == [NO_TOPIC]:
        labels = []
    key = values.get("sentence_id")
    if key is None and isinstance(row.get("id"), str):  # doccano's own ids are numbers
        key = row["id"]
    annotator = values.get("annotator") or values.get("username")
    return RawAnnotation(where, key, labels, annotator, values.get("when"), row.get("text"))
