"""Prodigy: JSON lines for its `choice` interface, and the answers that `db-out` gives.

The format: https://prodi.gy/docs/api-interfaces#choice. Annotate with `prodigy mark DATASET FILE --view-id choice`.
Answers `reject` and `ignore` to a choice are skipped sentences. A binary answer (`label` with `accept` or `reject`, of
`textcat` recipes) is about one topic: those of one annotator are put together, and must speak of every topic, since a
topic never asked for is not a topic that the sentence has not.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from slugline.annotate.annotation import Row, Said, shown
from slugline.annotate.tasks import Task, Tasks
from slugline.data.schema import Rejected
from slugline.errors import listing

ANSWERS = ("accept", "reject", "ignore")
NAMES = (str, int, type(None))
KEYS = ("answer", "accept", "options", "_input_hash", "_task_hash", "_view_id")


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as JSON lines, labels to begin with preselected."""
    options = [{"id": topic, "text": f"{topic}: {said}" if said else topic} for topic, said in tasks.topics.items()]
    style = {"choice_style": "multiple" if tasks.mode == "multilabel" else "single"}
    lines = (encode_task(task, options, style) for task in tasks.rows)
    return {
        "": "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode(errors="backslashreplace")
    }


def encode_task(task: Task, options: list[dict[str, str]], style: dict[str, str]) -> dict[str, Any]:
    """Return a line: the text, its options, those preselected, and in `meta` what is shown below the text."""
    line = {"text": task.text, "sentence_id": task.sentence_id, "article_id": task.article_id}
    accepted = {} if task.proposed is None else {"accept": list(task.proposed)}
    about = {name: said for name, said in task.about.items() if said}
    return {**line, "options": options, "config": style, **accepted, **({"meta": about} if about else {})}


def fits(row: Row) -> bool:
    """Tell whether a row is a task of Prodigy."""
    return any(name in row for name in KEYS)


def read(rows: Sequence[tuple[str, Row]], topics: Sequence[str]) -> Iterator[Said | Rejected]:
    """Yield every answer, or why it is none; a task without an answer yields nothing."""
    binary: dict[tuple[str, str], list[tuple[str, Row]]] = {}
    for where, row in rows:
        answer = row.get("answer")
        if answer is None:
            continue
        if answer not in ANSWERS:
            yield Rejected(where, f"answer is {shown(answer)}; allowed: {listing(ANSWERS)}")
        elif "accept" in row or "options" in row:
            labels = None if answer != "accept" else row.get("accept", [])
            if labels is None and answer == "accept":
                yield Rejected(where, "'accept' is null; allowed: a list of topics")
            else:
                yield said(where, row, labels)
        elif row.get("label") not in topics:
            yield Rejected(where, f"{shown(row.get('label'))} is no topic; allowed: {listing(topics, 40)}")
        elif not isinstance(key := sentence_of(row), (str, int)) or not isinstance(who := annotator_of(row), NAMES):
            yield said(where, row, [])  # which will not pass
        else:
            binary.setdefault((str(key), str(who)), []).append((where, row))
    for answers in binary.values():
        yield put_together(answers, topics)


def said(where: str, row: Row, labels: object) -> Said:
    """Return what a row says, with these labels."""
    return Said(where, sentence_of(row), labels, annotator_of(row), row.get("_timestamp"), row.get("text"))


def sentence_of(row: Row) -> object:
    """Return the id of a row's sentence, which may stand in `meta` too."""
    inside = row.get("meta")
    return row.get("sentence_id", inside.get("sentence_id") if isinstance(inside, dict) else None)


def annotator_of(row: Row) -> object:
    """Return who answered: the annotator, else the session."""
    return row.get("_annotator_id") or row.get("_session_id")


def put_together(answers: Sequence[tuple[str, Row]], topics: Sequence[str]) -> Said | Rejected:
    """Return an annotator's binary answers on a sentence as one annotation; of several on a topic the last counts."""
    where, last = answers[-1]
    answered: Mapping[str, str] = {row["label"]: row["answer"] for _, row in answers}
    if set(answered.values()) == {"ignore"}:
        return said(where, last, None)
    if missing := [topic for topic in topics if answered.get(topic, "ignore") == "ignore"]:
        return Rejected(where, f"answers on {listing(answered)} alone; nothing is said of: {listing(missing)}")
    return said(where, last, [topic for topic, answer in answered.items() if answer == "accept"])
