"""Prodigy: JSON lines for its `choice` interface, and the answers that `db-out` gives.

The format: https://prodi.gy/docs/api-interfaces#choice. Annotate with `prodigy mark DATASET FILE --view-id choice`.
Answers `reject` and `ignore` to a choice are skipped sentences. A binary answer (`label` with `accept` or `reject`, of
`textcat` recipes) is about one topic: those of one annotator are put together, and must cover every topic, since a
topic that was never asked for need not be absent.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from slugline.annotate.annotation import RawAnnotation, Row, Unanswered, shorten
from slugline.annotate.tasks import Task, Tasks
from slugline.data.schema import Rejected
from slugline.errors import listing
from slugline.files import to_json_lines

HOW_TO = "Prodigy: `prodigy mark DATASET FILE --view-id choice`, then `prodigy db-out DATASET > annotations.jsonl`."
BESIDE: tuple[str, ...] = ()
_ANSWERS = ("accept", "reject", "ignore")
_FIELDS = ("answer", "accept", "options", "_input_hash", "_task_hash", "_view_id")


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as JSON lines, labels to start from preselected."""
    texts = {topic: f"{topic}: {definition}" if definition else topic for topic, definition in tasks.topics.items()}
    options = [{"id": topic, "text": text} for topic, text in texts.items()]
    config = {"choice_style": "multiple" if tasks.mode == "multilabel" else "single"}
    return {"": to_json_lines(_encode_task(task, options, config) for task in tasks.rows)}


def _encode_task(task: Task, options: list[dict[str, str]], config: dict[str, str]) -> dict[str, Any]:
    """Return a line: the text, its options, those preselected, and in `meta` what is shown below the text."""
    ids = {"sentence_id": task.sentence_id, "article_id": task.article_id}
    accepted = {} if task.preselected is None else {"accept": list(task.preselected)}
    metadata = {name: value for name, value in task.metadata.items() if value}
    shown = {"meta": metadata} if metadata else {}
    return {"text": task.text, **ids, "options": options, "config": config, **accepted, **shown}


def fits(row: Row) -> bool:
    """Tell whether a row is a task of Prodigy."""
    return any(name in row for name in _FIELDS)


def read(rows: Iterable[tuple[str, Row]], topics: Sequence[str]) -> Iterator[RawAnnotation | Rejected | Unanswered]:
    """Yield every answer, or why it is not one; a task without an answer yields nothing."""
    binary_answers: dict[tuple[str, str], list[tuple[str, Row]]] = {}
    for where, row in rows:
        answer, raw = row.get("answer"), _to_annotation(where, row)
        if answer is None:
            yield Unanswered(where)
        elif answer not in _ANSWERS:
            yield Rejected(where, f"answer is {shorten(answer)}; allowed: {listing(_ANSWERS)}")
        elif "accept" in row or "options" in row:
            yield _read_choice(raw, row)
        elif row.get("label") not in topics:
            yield Rejected(where, f"{shorten(row.get('label'))} is not a topic; allowed: {listing(topics, 40)}")
        elif isinstance(raw.sentence_id, (str, int, float)) and isinstance(
            raw.annotator, (str, int, float, type(None))
        ):
            binary_answers.setdefault((str(raw.sentence_id), str(raw.annotator)), []).append((where, row))
        else:
            yield raw  # which `validate` rejects

    for answers in binary_answers.values():
        yield _join_binary_answers(answers, topics)


def _to_annotation(where: str, row: Row) -> RawAnnotation:
    """Return the annotation of a row, without labels yet; the id of the sentence may be in `meta` too."""
    metadata = row.get("meta")
    key = row.get("sentence_id", metadata.get("sentence_id") if isinstance(metadata, dict) else None)
    annotator = row.get("_annotator_id") or row.get("_session_id")
    return RawAnnotation(where, key, None, annotator, row.get("_timestamp"), row.get("text"))


def _read_choice(raw: RawAnnotation, row: Row) -> RawAnnotation | Rejected:
    """Return the annotation in an answer to a choice."""
    if row["answer"] != "accept":
        return raw
    labels = row.get("accept", [])
    if labels is None:
        return Rejected(raw.where, "'accept' is null; allowed: a list of topics")
    return raw._replace(labels=labels)


def _join_binary_answers(answers: Sequence[tuple[str, Row]], topics: Sequence[str]) -> RawAnnotation | Rejected:
    """Join an annotator's binary answers on a sentence into one annotation; the last on each topic counts."""
    raw = _to_annotation(*answers[-1])
    answer_by_topic: dict[str, str] = {row["label"]: row["answer"] for _, row in answers}
    if set(answer_by_topic.values()) == {"ignore"}:
        return raw
    if missing := [topic for topic in topics if answer_by_topic.get(topic, "ignore") == "ignore"]:
        return Rejected(raw.where, f"answers on {listing(answer_by_topic)} alone; no answer on: {listing(missing)}")
    return raw._replace(labels=[topic for topic, answer in answer_by_topic.items() if answer == "accept"])
