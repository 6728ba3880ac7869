"""Argilla 2: records with suggestions, and the settings of their dataset; records with the responses of users.

The formats: https://docs.argilla.io/latest/how_to_guides/import_export/, as the SDK writes and reads them: records by
`Dataset.records.to_json`, also flattened (`to_list(flatten=True)`), and as its server returns them. A discarded
response is a skipped sentence; a draft is rejected. `to_json` leaves out the status of a response: where several users
responded to a record, only the other forms can be read. Argilla publishes no dataset without a question that must be
answered, hence the option for no topic.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from slugline.annotate.annotation import BadValueError, RawAnnotation, Row, Unanswered, shorten, with_nested
from slugline.annotate.tasks import NO_TOPIC, Task, Tasks, check_no_topic
from slugline.data.schema import Rejected
from slugline.errors import listing

HOW_TO = (
    "Argilla: make the dataset with Settings.from_json of the .settings.json beside this file, fill it with "
    "records.from_json, and export with records.to_list(flatten=True) as JSON."
)
BESIDE: tuple[str, ...] = (".settings.json",)
_QUESTION = "topics"
_STATUSES = ("submitted", "draft", "discarded")


class _Response(NamedTuple):
    """What a user responded to the questions of a record."""

    user: object
    status: object
    values: dict[str, object]
    when: object = None


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the records as `Dataset.records.from_json` reads them, and the settings for `Settings.from_json`."""
    check_no_topic(tasks.topics, "Argilla")
    records = [_encode_task(task, tasks.mode) for task in tasks.rows]
    documents = {"": records, ".settings.json": _encode_settings(tasks)}
    return {
        suffix: json.dumps(document, ensure_ascii=False, indent=1).encode(errors="backslashreplace")
        for suffix, document in documents.items()
    }


def _encode_task(task: Task, mode: str) -> dict[str, Any]:
    """Return a record, its id that of the sentence."""
    metadata = {"article_id": task.article_id, **task.metadata}
    title = metadata.pop("title", "")
    return {
        "id": task.sentence_id,
        "fields": {"text": task.text} | ({"title": title} if title else {}),
        "metadata": {name: value for name, value in metadata.items() if value},
        "suggestions": _encode_suggestion(task, mode),
        "responses": {},
        "vectors": {},
    }


def _encode_suggestion(task: Task, mode: str) -> dict[str, Any]:
    """Return the suggested answer, with the probabilities of the model where it comes from one."""
    labels = task.preselected
    if labels is None or (mode == "multiclass" and not labels):
        return {}
    scores = [task.scores[label] for label in labels] if task.scores and task.given is None else []

    answer: dict[str, Any] = {"value": list(labels) or [NO_TOPIC], "score": scores or None}
    if mode == "multiclass":
        answer = {"value": labels[0], "score": scores[0] if scores else None}
    return {_QUESTION: answer | {"agent": "slugline" if task.given is None else "given"}}


def _encode_settings(tasks: Tasks) -> dict[str, Any]:
    """Return the settings of a dataset for the tasks: the text, the title, one question, definitions as guidelines."""
    options, settings = [*tasks.topics], {"type": "label_selection"}
    if tasks.mode == "multilabel":
        options, settings = [*options, NO_TOPIC], {"type": "multi_label_selection", "options_order": "natural"}

    as_text = {"type": "text", "use_markdown": False}
    fields = [{"name": "text", "title": "text", "required": True, "settings": as_text}]
    if any(task.metadata.get("title") for task in tasks.rows):
        fields.append({"name": "title", "title": "title", "required": False, "settings": as_text})

    definitions = [f"* **{topic}**: {definition}" for topic, definition in tasks.topics.items() if definition]
    question = {
        "name": _QUESTION,
        "title": "Which topics does the sentence have?",
        "required": True,
        "settings": {**settings, "options": [{"value": option, "text": option} for option in options]},
    }
    return {
        "guidelines": "\n".join(definitions) or None,
        "fields": fields,
        "questions": [question],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
    }


def fits(row: Row) -> bool:
    """Tell whether a row is a record of Argilla, nested or flat."""
    is_flat = "_server_id" in row or any(name.endswith(".responses") for name in row)
    has_responses = "responses" in row and ("id" in row or "external_id" in row)
    return is_flat or has_responses or isinstance(row.get("fields"), dict)


def read(rows: Iterable[tuple[str, Row]], topics: Sequence[str]) -> Iterator[RawAnnotation | Rejected | Unanswered]:
    """Yield every user's response to every record, or why it is not one; a record without any yields nothing."""
    records: list[tuple[str, Row, list[_Response]]] = []
    for where, row in rows:
        try:
            records.append((where, row, _read_responses(row)))
        except BadValueError as error:
            yield Rejected(where, str(error))

    question = _find_question([response for *_, responses in records for response in responses], topics)
    for where, row, responses in records:
        if not responses:
            yield Unanswered(where)
        # A completed record has at least one submitted response
        is_submitted = len(responses) == 1 and row.get("status") == "completed"
        for number, response in enumerate(responses, start=1):
            place = f"{where}, response {number}"
            status = "submitted" if is_submitted and response.status is None else response.status
            try:
                labels = _read_labels(response.values, status, question)
                yield _to_annotation(place, row, response, labels)
            except BadValueError as error:
                yield Rejected(place, str(error))


def _read_labels(values: Row, status: object, question: str | None) -> object:
    """Return the labels in a response, None where the sentence was skipped."""
    if status is None:
        raise BadValueError("no status: submitted, draft or discarded? export with `to_list(flatten=True)`")
    if status not in _STATUSES:
        raise BadValueError(f"status is {shorten(status)}; allowed: {listing(_STATUSES)}")
    if status == "draft":
        raise BadValueError("a draft that was not submitted")
    if status == "discarded":
        return None

    if question is None:
        raise BadValueError(f"no question '{_QUESTION}'; found: {listing(values)}")
    labels = values.get(question, [])
    if labels is None:
        raise BadValueError("submitted without a value")
    if isinstance(labels, str):
        labels = [labels]
    return [] if labels == [NO_TOPIC] else labels


def _to_annotation(where: str, row: Row, response: _Response, labels: object) -> RawAnnotation:
    """Return the annotation in a response; id and text may be in the record, its metadata or its fields."""
    values = with_nested(row, "metadata", "fields")
    key = values.get("sentence_id") or row.get("external_id") or row.get("id")
    return RawAnnotation(where, key, labels, response.user, response.when, values.get("text"))


def _find_question(responses: Sequence[_Response], topics: Sequence[str]) -> str | None:
    """Return the question that asks for topics: the one of that name, else the only one whose answers are topics."""
    names = dict.fromkeys(name for response in responses for name in response.values)
    if _QUESTION in names:
        return _QUESTION
    if len(names) < 2:
        return next(iter(names), _QUESTION)

    allowed = {*topics, NO_TOPIC}
    others = {
        name for response in responses for name, value in response.values.items() if not _is_answer(value, allowed)
    }
    fitting = [name for name in names if name not in others]
    return fitting[0] if len(fitting) == 1 else None


def _is_answer(value: object, allowed: set[str]) -> bool:
    """Tell whether a value is nothing, one of the allowed labels or a list of them."""
    labels = value if isinstance(value, list) else [value]
    return value is None or all(isinstance(label, str) and label in allowed for label in labels)


def _read_responses(row: Row) -> list[_Response]:
    """Return the responses to a record, one a user, in whichever of the three forms they stand."""
    responses = row.get("responses")
    if isinstance(responses, list):
        return [_read_server_response(item) for item in responses]
    if responses is None:
        return _group_by_user(_flat_answers(row))
    if not isinstance(responses, dict):
        raise BadValueError(f"responses are {shorten(responses)}; allowed: an object or a list")
    return _group_by_user(
        (question, answer)
        for question, answers in responses.items()
        for answer in _check_list(answers, f"responses to '{question}'")
    )


def _read_server_response(item: object) -> _Response:
    """Return a response as the server holds it, each value wrapped into an object."""
    if not isinstance(item, dict) or not isinstance(wrapped := item.get("values") or {}, dict):
        raise BadValueError(f"a response is {shorten(item)}; allowed: an object with values")
    values = {name: value.get("value") if isinstance(value, dict) else value for name, value in wrapped.items()}
    when = item.get("updated_at") or item.get("inserted_at")
    return _Response(item.get("user_id"), item.get("status"), values, when)


def _flat_answers(row: Row) -> Iterator[tuple[str, object]]:
    """Yield the question and the parts of every answer of a flattened record."""
    for name in [name for name in row if name.endswith(".responses") and row[name] is not None]:
        values = _check_list(row[name], f"'{name}'")
        absent = [None] * len(values)
        users = _check_list(row.get(f"{name}.users") or absent, f"'{name}'")
        statuses = _check_list(row.get(f"{name}.status") or absent, f"'{name}'")
        if not len(values) == len(users) == len(statuses):
            raise BadValueError(f"'{name}' has {len(values)} values, {len(users)} users, {len(statuses)} statuses")
        for value, user, status in zip(values, users, statuses, strict=True):
            yield name.removesuffix(".responses"), {"value": value, "user_id": user, "status": status}


def _group_by_user(answers: Iterable[tuple[str, object]]) -> list[_Response]:
    """Put the answers of each user together."""
    responses: dict[str, _Response] = {}
    for question, answer in answers:
        if not isinstance(answer, dict) or not isinstance(user := answer.get("user_id"), (str, int, type(None))):
            allowed = "an object with a value and the id of a user"
            raise BadValueError(f"a response is {shorten(answer)}; allowed: {allowed}")
        response = responses.setdefault(str(user), _Response(user, answer.get("status"), {}))
        response.values[question] = answer.get("value")
    return list(responses.values())


def _check_list(value: object, name: str) -> list[object]:
    """Return a list; raise `BadValueError` for anything else."""
    if not isinstance(value, list):
        raise BadValueError(f"{name} is {shorten(value)}; allowed: a list")
    return value
