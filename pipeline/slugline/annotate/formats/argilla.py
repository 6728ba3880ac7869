"""Argilla 2: records with suggestions, and the settings of their dataset; records with the responses of users.

The formats: https://docs.argilla.io/latest/how_to_guides/import_export/, as the SDK writes and reads them: records by
`Dataset.records.to_json`, also flattened (`to_list(flatten=True)`), and as its server returns them. A discarded
response is a skipped sentence, a draft is listed. `to_json` leaves out which a response is: what several users
responded to a record is read from the other forms alone. Argilla publishes no dataset without a question that must be
answered, hence the option for no topic.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from slugline.annotate.annotation import BadValueError, Row, Said, shown
from slugline.annotate.tasks import Task, Tasks
from slugline.data.schema import Rejected
from slugline.errors import InputError, listing

QUESTION, NONE = "topics", "none of these"
STATUSES = ("submitted", "draft", "discarded")


class Response(NamedTuple):
    """What a user responded to the questions of a record."""

    user: object
    status: object
    values: dict[str, object]
    when: object = None


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the records as `Dataset.records.from_json` reads them, and the settings for `Settings.from_json`."""
    if NONE in tasks.topics:
        raise InputError(f"topic '{NONE}' is what Argilla's option for no topic is called; rename it")
    records = json.dumps([encode_task(task, tasks.mode) for task in tasks.rows], ensure_ascii=False, indent=1)
    settings = json.dumps(settings_of(tasks), ensure_ascii=False, indent=1)
    return {"": records.encode(errors="backslashreplace"), ".settings.json": settings.encode(errors="backslashreplace")}


def encode_task(task: Task, mode: str) -> dict[str, Any]:
    """Return a record, its id that of the sentence."""
    title = {"title": task.about["title"]} if task.about.get("title") else {}
    about = {"article_id": task.article_id, **task.about}
    metadata = {name: said for name, said in about.items() if said and name not in title}
    return {
        "id": task.sentence_id,
        "fields": {"text": task.text, **title},
        "metadata": metadata,
        "suggestions": suggestion(task, mode),
        "responses": {},
        "vectors": {},
    }


def suggestion(task: Task, mode: str) -> dict[str, Any]:
    """Return the suggested answer, with a model's probabilities where it is the model's."""
    if (labels := task.proposed) is None or (mode == "multiclass" and not labels):
        return {}
    several = mode == "multilabel"
    by_model = task.given is None and task.scores is not None and len(labels) > 0
    scores = [task.scores[label] for label in labels] if by_model and task.scores else None
    value: object = list(labels) or [NONE]
    if not several:
        value = labels[0]
    score = scores if several or scores is None else scores[0]
    return {QUESTION: {"value": value, "score": score, "agent": "slugline" if task.given is None else "given"}}


def settings_of(tasks: Tasks) -> dict[str, Any]:
    """Return the settings of a dataset for the tasks: the text, the title, one question, definitions as guidelines."""
    several = tasks.mode == "multilabel"
    options = {**{topic: topic for topic in tasks.topics}, **({NONE: NONE} if several else {})}
    kind = {"type": "multi_label_selection", "options_order": "natural"} if several else {"type": "label_selection"}
    rendered = [{"value": value, "text": text} for value, text in options.items()]
    fields = [field("text", required=True)]
    if any(task.about.get("title") for task in tasks.rows):
        fields.append(field("title", required=False))
    definitions = [f"* **{topic}**: {said}" for topic, said in tasks.topics.items() if said]
    question = {"name": QUESTION, "title": "Which topics does the sentence have?", "required": True}
    return {
        "guidelines": "\n".join(definitions) or None,
        "fields": fields,
        "questions": [{**question, "settings": {**kind, "options": rendered}}],
        "vectors": [],
        "metadata": [],
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
    }


def field(name: str, required: bool) -> dict[str, Any]:
    """Return the settings of a text field."""
    return {
        "name": name,
        "title": name,
        "required": required,
        "settings": {"type": "text", "use_markdown": False},
    }


def fits(row: Row) -> bool:
    """Tell whether a row is a record of Argilla, nested or flat."""
    flat = "_server_id" in row or any(name.endswith(".responses") for name in row)
    return flat or isinstance(row.get("fields"), dict) or ("responses" in row and ("id" in row or "external_id" in row))


def read(rows: Sequence[tuple[str, Row]], topics: Sequence[str]) -> Iterator[Said | Rejected]:
    """Yield every user's response to every record, or why it is none; a record without any yields nothing."""
    found: list[tuple[str, Row, list[Response]]] = []
    for where, row in rows:
        try:
            found.append((where, row, list(responses_of(row))))
        except BadValueError as error:
            yield Rejected(where, str(error))
    question = question_of([response for *_, responses in found for response in responses], topics)
    for where, row, responses in found:
        for number, response in enumerate(responses, start=1):
            if response.status is None and len(responses) == 1 and row.get("status") == "completed":
                response = response._replace(status="submitted")  # one at least is, where a record is completed
            yield read_response(f"{where}, response {number}", row, response, question)


def read_response(where: str, row: Row, response: Response, question: str | None) -> Said | Rejected:
    """Return what a response says."""
    status = response.status
    if status is None:
        return Rejected(where, "no status: submitted, draft or discarded? export with `to_list(flatten=True)`")
    if status not in STATUSES:
        return Rejected(where, f"status is {shown(status)}; allowed: {listing(STATUSES)}")
    if status == "draft":
        return Rejected(where, "a draft that was not submitted")
    labels: object = None
    if status == "submitted":
        if question is None:
            return Rejected(where, f"no question '{QUESTION}'; found: {listing(response.values)}")
        labels = response.values.get(question, [])
        labels = [labels] if isinstance(labels, str) else labels
        labels = [] if labels == [NONE] else labels
        if labels is None:
            return Rejected(where, "submitted without a value")
    inside = [part for name in ("metadata", "fields") if isinstance(part := row.get(name), dict)]
    said = {**row, **{name: value for part in inside for name, value in part.items()}}
    key = said.get("sentence_id") or row.get("external_id") or row.get("id")
    return Said(where, key, labels, response.user, response.when, said.get("text"))


def question_of(responses: Sequence[Response], topics: Sequence[str]) -> str | None:
    """Return the question that asks for topics: the one of that name, else the only one whose answers are topics."""
    allowed = {*topics, NONE}
    names = {name: True for response in responses for name in response.values}
    if QUESTION in names or len(names) < 2:
        return next(iter([QUESTION] if QUESTION in names else names), QUESTION)
    for response in responses:
        for name, value in response.values.items():
            answers = value if isinstance(value, list) else [value]
            names[name] &= value is None or all(isinstance(one, str) and one in allowed for one in answers)
    fitting = [name for name, all_topics in names.items() if all_topics]
    return fitting[0] if len(fitting) == 1 else None


def responses_of(row: Row) -> Iterator[Response]:
    """Yield the responses to a record, one a user, in whichever of the three forms they stand."""
    found = row.get("responses")
    if isinstance(found, list):
        for item in found:
            if not isinstance(item, dict) or not isinstance(values := item.get("values") or {}, dict):
                raise BadValueError(f"a response is {shown(item)}; allowed: an object with values")
            when = item.get("updated_at") or item.get("inserted_at")
            yield Response(item.get("user_id"), item.get("status"), unwrapped(values), when)
    elif isinstance(found, dict):
        yield from by_user(
            (question, item)
            for question, items in found.items()
            for item in as_list(items, f"responses to '{question}'")
        )
    elif found is not None:
        raise BadValueError(f"responses are {shown(found)}; allowed: an object or a list")
    else:
        yield from by_user(flat_responses(row))


def flat_responses(row: Row) -> Iterator[tuple[str, object]]:
    """Yield the question and the parts of every response of a flattened record."""
    for name in [name for name in row if name.endswith(".responses") and row[name] is not None]:
        values = as_list(row[name], f"'{name}'")
        beside = [row.get(f"{name}.{part}") or [None] * len(values) for part in ("users", "status")]
        users, statuses = (as_list(part, f"'{name}'") for part in beside)
        if not len(values) == len(users) == len(statuses):
            raise BadValueError(f"'{name}' has {len(values)} values, {len(users)} users, {len(statuses)} statuses")
        for value, user, status in zip(values, users, statuses, strict=True):
            yield name.removesuffix(".responses"), {"value": value, "user_id": user, "status": status}


def by_user(items: Iterator[tuple[str, object]]) -> Iterator[Response]:
    """Put the answers of each user together."""
    users: dict[str, Response] = {}
    for question, item in items:
        if not isinstance(item, dict) or not isinstance(user := item.get("user_id"), (str, int, type(None))):
            raise BadValueError(f"a response is {shown(item)}; allowed: an object with a value and the id of a user")
        users.setdefault(str(user), Response(user, item.get("status"), {})).values[question] = item.get("value")
    yield from users.values()


def as_list(value: object, what: str) -> list[object]:
    """Return a list, or raise `BadValueError` for anything else."""
    if not isinstance(value, list):
        raise BadValueError(f"{what} is {shown(value)}; allowed: a list")
    return value


def unwrapped(values: Mapping[str, object]) -> dict[str, object]:
    """Return the value of each question, which the server wraps into an object."""
    return {name: value.get("value") if isinstance(value, dict) else value for name, value in values.items()}
