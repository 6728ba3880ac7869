"""doccano: JSON lines with `text` and `label`; all else that a line holds is metadata and comes back.

The format: https://doccano.github.io/doccano/tutorial/ and what doccano's exporter writes: one file an annotator, named
after them, or `all` of a shared project, metadata beside the text (in `meta` in old versions). doccano does not say
whether an annotator looked at an example: export approved examples only, for no label then says that no topic fits.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from slugline.annotate.annotation import Row, Said, shown
from slugline.annotate.tasks import Task, Tasks
from slugline.data.schema import Rejected

LABELS = ("label", "labels", "cats")


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as JSON lines, labels to begin with where there are any."""
    lines = (json.dumps(encode_task(task), ensure_ascii=False) + "\n" for task in tasks.rows)
    return {"": "".join(lines).encode(errors="backslashreplace")}


def encode_task(task: Task) -> dict[str, Any]:
    """Return a line: the text, the labels, and the rest as metadata."""
    labels = {} if task.proposed is None else {"label": list(task.proposed)}
    return {"text": task.text, **labels, "sentence_id": task.sentence_id, "article_id": task.article_id, **task.about}


def fits(row: Row) -> bool:
    """Tell whether a row is an example of doccano."""
    return any(name in row for name in LABELS) or ("text" in row and "sentence_id" in metadata(row))


def metadata(row: Row) -> Row:
    """Return a row with what its metadata holds beside the rest."""
    inside = [found for name in ("meta", "metadata") if isinstance(found := row.get(name), dict)]
    return {**row, **{name: value for found in inside for name, value in found.items()}}


def read(rows: Sequence[tuple[str, Row]], topics: Sequence[str]) -> Iterator[Said | Rejected]:
    """Yield the labels of every example, or why it has none; an example not annotated yet yields nothing."""
    for where, row in rows:
        found = metadata(row)
        names = [name for name in LABELS if name in row]
        if "annotations" in row and not names:
            yield Rejected(
                where, "labels by number, as doccano exported before version 1.0; export as JSONL with names"
            )
        elif names:
            labels = [row[names[0]]] if isinstance(row[names[0]], str) else row[names[0]]
            key = found.get("sentence_id")
            if key is None and isinstance(row.get("id"), str):
                key = row["id"]
            if labels is None:
                yield Rejected(where, f"'{names[0]}' is {shown(labels)}; allowed: a list of topics")
            else:
                who = found.get("annotator") or found.get("username")
                yield Said(where, key, labels, who, found.get("when"), row.get("text"))
