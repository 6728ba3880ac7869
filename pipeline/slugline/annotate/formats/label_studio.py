"""Label Studio: tasks with predictions and a labelling config; its JSON, JSON-MIN and CSV exports.

The formats: https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions, and what the converter of
its SDK writes. A submitted annotation without any choice says that no topic fits; a cancelled one skips the sentence.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from slugline.annotate.annotation import BadValueError, Row, Said, shown
from slugline.annotate.tasks import ABOUT, NEEDED, Task, Tasks
from slugline.data.schema import Rejected

CONTROL, OBJECT = "topics", "text"
EXPORT = {"annotation_id", "lead_time"}  # columns that JSON-MIN and CSV have beside those of the data
DATA = {*NEEDED, *ABOUT, "reason"}
OTHER = {"id", "annotator", "created_at", "updated_at", "agreement", *EXPORT}


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as JSON, and the labelling config that goes with them."""
    rows = [encode_task(task, tasks.mode) for task in tasks.rows]
    text = json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)
    return {"": text.encode(errors="backslashreplace"), ".xml": config(tasks)}


def encode_task(task: Task, mode: str) -> dict[str, Any]:
    """Return a task: its data, and as predictions the labels it has and those a model suggests."""
    data = {"sentence_id": task.sentence_id, "article_id": task.article_id, "text": task.text, **task.about}
    predictions: list[dict[str, Any]] = []
    if task.given is not None:
        predictions.append({"model_version": "given", "result": result(task.given)})
    if task.suggested is not None:
        found = {"score": task.confidence(mode), "result": result(task.suggested)}
        predictions.append({"model_version": "slugline", **found})
    return {"data": data, **({"predictions": predictions} if predictions else {})}


def result(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return labels as Label Studio holds them; none at all is an empty list."""
    choice = {"from_name": CONTROL, "to_name": OBJECT, "type": "choices", "value": {"choices": list(labels)}}
    return [choice] if labels else []


def config(tasks: Tasks) -> bytes:
    """Return the labelling config: the text, a choice for each topic with its definition as hint."""
    view = ElementTree.Element("View")
    about = tasks.rows[0].about if tasks.rows else {}
    if "title" in about:
        ElementTree.SubElement(view, "Header", value="$title", size="4")
    ElementTree.SubElement(view, "Text", name=OBJECT, value=f"${OBJECT}")
    kind = {"choice": "multiple"} if tasks.mode == "multilabel" else {"choice": "single", "required": "true"}
    choices = ElementTree.SubElement(view, "Choices", {"name": CONTROL, "toName": OBJECT, **kind})
    for topic, definition in tasks.topics.items():
        hint = "".join(sign if sign.isprintable() else " " for sign in definition)
        ElementTree.SubElement(choices, "Choice", {"value": topic, **({"hint": hint} if hint else {})})
    if "reason" in about:
        ElementTree.SubElement(view, "Header", value="$reason", size="6")
    ElementTree.indent(view)
    return f"{ElementTree.tostring(view, encoding='unicode')}\n".encode()


def fits(row: Row) -> bool:
    """Tell whether a row is a task of Label Studio or a record of its shorter exports."""
    return isinstance(row.get("data"), dict) or row.keys() >= EXPORT


def read(rows: Sequence[tuple[str, Row]], topics: Sequence[str]) -> Iterator[Said | Rejected]:
    """Yield every annotation of every task, or why it is none; a draft is listed, a task without any yields nothing."""
    for where, row in rows:
        if not isinstance(data := row.get("data"), dict):
            yield from read_record(where, row)
            continue
        found = row.get("annotations", row.get("completions")) or []
        if not isinstance(found, list):
            yield Rejected(where, f"annotations are {shown(found)}; allowed: a list")
            continue
        for number, annotation in enumerate(found, start=1):
            yield read_annotation(f"{where}, annotation {number}", data, annotation)
        if row.get("drafts"):
            yield Rejected(where, "a draft that was not submitted")


def read_annotation(where: str, data: Row, annotation: object) -> Said | Rejected:
    """Return what one annotation of a task says."""
    if not isinstance(annotation, dict):
        return Rejected(where, f"an annotation that is {shown(annotation)}; allowed: an object")
    try:
        labels = None if is_cancelled(annotation) else choices_of(annotation.get("result"))
        who = annotator_of(annotation.get("completed_by"))
    except BadValueError as error:
        return Rejected(where, str(error))
    when = annotation.get("updated_at") or annotation.get("created_at")
    return Said(where, data.get("sentence_id"), labels, who, when, data.get("text"))


def is_cancelled(annotation: Row) -> bool:
    """Tell whether the annotator skipped the task."""
    marks = [annotation.get(name) for name in ("was_cancelled", "skipped")]
    if wrong := [mark for mark in marks if mark is not None and not isinstance(mark, bool)]:
        raise BadValueError(f"was_cancelled is {shown(wrong[0])}; allowed: true, false")
    return any(marks)


def choices_of(results: object) -> list[object]:
    """Return all that was chosen, under whatever name; raise `BadValueError` for a result without choices."""
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise BadValueError(f"the result is {shown(results)}; allowed: a list of objects")
    chosen = [item.get("value") for item in results if item.get("type") == "choices"]
    if results and not chosen:
        raise BadValueError(f"no choices among its results, but {shown(results[0].get('type'))}")
    found: list[object] = []
    for value in chosen:
        choices = value.get("choices") if isinstance(value, dict) else None
        if not isinstance(choices, list):
            raise BadValueError(f"choices are {shown(value)}; allowed: an object with a list of choices")
        found += choices
    return found


def annotator_of(completed_by: object) -> object:
    """Return who completed an annotation, given as id, name or object."""
    if isinstance(completed_by, dict):
        return completed_by.get("email") or completed_by.get("username") or completed_by.get("id")
    return completed_by


def read_record(where: str, row: Row) -> Iterator[Said | Rejected]:
    """Yield the annotation of a record of JSON-MIN or CSV, where there is one."""
    if row.get("annotation_id") in (None, ""):
        return
    names = [CONTROL] if CONTROL in row else [name for name in row if name not in DATA | OTHER]
    try:
        labels = [label for name in names for label in short_choices(row[name])]
    except BadValueError as error:
        yield Rejected(where, str(error))
        return
    when = row.get("updated_at") or row.get("created_at")
    who = annotator_of(row.get("annotator"))
    yield Said(where, row.get("sentence_id"), labels, who, when, row.get("text"))


def short_choices(value: object) -> list[object]:
    """Return choices that stand as one name, a list, or an object with a list, in CSV as JSON."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadValueError(f"choices {shown(value)} are no JSON") from error
    if isinstance(value, dict):
        value = value.get("choices")
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]
