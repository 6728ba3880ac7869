"""Label Studio: tasks with predictions and a labelling config; its JSON, JSON-MIN and CSV exports.

The formats: https://labelstud.io/guide/task_format, https://labelstud.io/guide/predictions, and what the converter of
its SDK writes. A submitted annotation without any choice says that no topic fits; a cancelled one skips the sentence.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any
from xml.etree import ElementTree

from slugline.annotate.annotation import BadValueError, RawAnnotation, Row, Unanswered, shorten
from slugline.annotate.tasks import METADATA_COLUMNS, REQUIRED_COLUMNS, Task, Tasks
from slugline.data.schema import Rejected

HOW_TO = "Label Studio: paste the .xml beside this file as labelling config, import this file, label, export as JSON."
BESIDE: tuple[str, ...] = (".xml",)
_CONTROL, _OBJECT = "topics", "text"
_EXPORT_FIELDS = {"annotation_id", "lead_time"}  # what JSON-MIN and CSV add to every row
_TASK_FIELDS = {*REQUIRED_COLUMNS, *METADATA_COLUMNS, "reason"}
_OTHER_FIELDS = {*_TASK_FIELDS, *_EXPORT_FIELDS, "id", "annotator", "created_at", "updated_at", "agreement"}


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as JSON, and the labelling config that goes with them."""
    rows = [_encode_task(task, tasks.mode) for task in tasks.rows]
    text = json.dumps(rows, ensure_ascii=False, indent=1, allow_nan=False)
    return {"": text.encode(errors="backslashreplace"), ".xml": _encode_config(tasks)}


def _encode_task(task: Task, mode: str) -> dict[str, Any]:
    """Return a task: its data, and as predictions the labels it has and those a model suggests."""
    data = {"sentence_id": task.sentence_id, "article_id": task.article_id, "text": task.text, **task.metadata}
    predictions: list[dict[str, Any]] = []
    if task.given is not None:
        predictions.append({"model_version": "given", "result": _encode_result(task.given)})
    if task.suggested is not None:
        score, result = task.confidence(mode), _encode_result(task.suggested)
        predictions.append({"model_version": "slugline", "score": score, "result": result})
    return {"data": data, **({"predictions": predictions} if predictions else {})}


def _encode_result(labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return labels as Label Studio holds them; none at all is an empty list."""
    value = {"choices": list(labels)}
    return [{"from_name": _CONTROL, "to_name": _OBJECT, "type": "choices", "value": value}] if labels else []


def _encode_config(tasks: Tasks) -> bytes:
    """Return the labelling config: the text, a choice for each topic with its definition as hint."""
    metadata = tasks.rows[0].metadata if tasks.rows else {}
    view = ElementTree.Element("View")
    if "title" in metadata:
        ElementTree.SubElement(view, "Header", value="$title", size="4")
    ElementTree.SubElement(view, "Text", name=_OBJECT, value=f"${_OBJECT}")

    kind = {"choice": "multiple"} if tasks.mode == "multilabel" else {"choice": "single", "required": "true"}
    choices = ElementTree.SubElement(view, "Choices", {"name": _CONTROL, "toName": _OBJECT, **kind})
    for topic, definition in tasks.topics.items():
        hint = "".join(sign if sign.isprintable() else " " for sign in definition)
        ElementTree.SubElement(choices, "Choice", {"value": topic, **({"hint": hint} if hint else {})})

    if "reason" in metadata:
        ElementTree.SubElement(view, "Header", value="$reason", size="6")
    ElementTree.indent(view)
    return f"{ElementTree.tostring(view, encoding='unicode')}\n".encode()


def fits(row: Row) -> bool:
    """Tell whether a row is a task of Label Studio or a record of its shorter exports."""
    return isinstance(row.get("data"), dict) or row.keys() >= _EXPORT_FIELDS


def read(rows: Iterable[tuple[str, Row]], topics: Sequence[str]) -> Iterator[RawAnnotation | Rejected | Unanswered]:
    """Yield every annotation of every task, or why it is not one, and the tasks without any."""
    for where, row in rows:
        if isinstance(data := row.get("data"), dict):
            yield from _read_task(where, row, data)
        else:
            yield Unanswered(where) if row.get("annotation_id") in (None, "") else _read_record(where, row)


def _read_task(where: str, row: Row, data: Row) -> Iterator[RawAnnotation | Rejected | Unanswered]:
    """Yield the annotations of a task."""
    annotations = row.get("annotations", row.get("completions")) or []
    if not isinstance(annotations, list):
        yield Rejected(where, f"annotations are {shorten(annotations)}; allowed: a list")
        return
    for number, annotation in enumerate(annotations, start=1):
        yield _read_annotation(f"{where}, annotation {number}", data, annotation)
    if row.get("drafts"):
        yield Rejected(where, "a draft that was not submitted")
    elif not annotations:
        yield Unanswered(where)


def _read_annotation(where: str, data: Row, annotation: object) -> RawAnnotation | Rejected:
    """Return one annotation of a task."""
    if not isinstance(annotation, dict):
        return Rejected(where, f"an annotation that is {shorten(annotation)}; allowed: an object")
    try:
        labels = None if _is_cancelled(annotation) else _read_choices(annotation.get("result"))
    except BadValueError as error:
        return Rejected(where, str(error))
    annotator = _find_annotator(annotation.get("completed_by"))
    when = annotation.get("updated_at") or annotation.get("created_at")
    return RawAnnotation(where, data.get("sentence_id"), labels, annotator, when, data.get("text"))


def _is_cancelled(annotation: Row) -> bool:
    """Tell whether the annotator skipped the task."""
    marks = [annotation.get(name) for name in ("was_cancelled", "skipped")]
    if invalid := [mark for mark in marks if mark is not None and not isinstance(mark, bool)]:
        raise BadValueError(f"was_cancelled is {shorten(invalid[0])}; allowed: true, false")
    return any(marks)


def _read_choices(results: object) -> list[object]:
    """Return all choices of all controls; raise `BadValueError` for results without choices."""
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise BadValueError(f"the result is {shorten(results)}; allowed: a list of objects")
    values = [item.get("value") for item in results if item.get("type") == "choices"]
    if results and not values:
        raise BadValueError(f"no choices among its results, but {shorten(results[0].get('type'))}")

    labels: list[object] = []
    for value in values:
        choices = value.get("choices") if isinstance(value, dict) else None
        if not isinstance(choices, list):
            raise BadValueError(f"choices are {shorten(value)}; allowed: an object with a list of choices")
        labels += choices
    return labels


def _find_annotator(completed_by: object) -> object:
    """Return who completed an annotation, given as id, name or object."""
    if isinstance(completed_by, dict):
        return completed_by.get("email") or completed_by.get("username") or completed_by.get("id")
    return completed_by


def _read_record(where: str, row: Row) -> RawAnnotation | Rejected:
    """Return the annotation in a record of JSON-MIN or CSV."""
    controls = [_CONTROL] if _CONTROL in row else [name for name in row if name not in _OTHER_FIELDS]
    try:
        labels = [label for name in controls for label in _read_short_choices(row[name])]
    except BadValueError as error:
        return Rejected(where, str(error))
    annotator = _find_annotator(row.get("annotator"))
    when = row.get("updated_at") or row.get("created_at")
    return RawAnnotation(where, row.get("sentence_id"), labels, annotator, when, row.get("text"))


def _read_short_choices(value: object) -> list[object]:
    """Return choices given as one name, a list, or an object with a list, in CSV as JSON."""
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise BadValueError(f"choices {shorten(value)} are no JSON") from error
    if isinstance(value, dict):
        value = value.get("choices")
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]
