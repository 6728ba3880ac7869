"""Spreadsheets, CSV (RFC 4180) and what XLSX shares with it: a row a sentence, a column a topic to put an x in.

Nothing in a cell is run.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, repeat

from slugline.annotate.annotation import BadValueError, RawAnnotation, Row, Unanswered, shorten
from slugline.annotate.tasks import METADATA_COLUMNS, REQUIRED_COLUMNS, Task, Tasks
from slugline.data.schema import Rejected
from slugline.errors import InputError, listing, one_line
from slugline.spreadsheets import escape, to_csv, unescape

INSTRUCTIONS = (
    "Put an x below each topic that the sentence has.",
    "Write done into status where a sentence has no topic, or skipped where it cannot be labelled.",
    "Rows left blank are not read. annotator and when (2026-01-31 14:00) may stay blank.",
)
HOW_TO = " ".join(INSTRUCTIONS)
BESIDE: tuple[str, ...] = ()
FORMULA = object()  # stands for a formula in a cell, which is never evaluated
_LABEL_COLUMNS = ("labels", "label")
_ANSWER_COLUMNS = ("sentence_id", "text", "status", "annotator", "when", *_LABEL_COLUMNS)
_ALL_COLUMNS = ("article_id", *METADATA_COLUMNS, "reason", "instructions", "given", "suggested", *_ANSWER_COLUMNS)
_MARKS = dict.fromkeys(("x", "1", "1.0", "true", "yes", "✓"), True) | dict.fromkeys(("0", "0.0", "false", "no"), False)
_TICKS = ("x", "✓")  # a column of somebody else may well hold 1 or yes
_STATUSES = dict.fromkeys(("done", "submitted"), "done") | dict.fromkeys(("skipped", "skip", "discarded"), "skipped")


def encode(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as CSV with a byte-order mark, without which Excel does not recognise UTF-8.

    A last column, which is not read back, says in the first rows how the sheet is filled in.
    """
    notes = chain(["instructions", *INSTRUCTIONS], repeat(""))
    rows = ([*row, note] for row, note in zip(to_table(tasks), notes, strict=False))
    return {"": ("\ufeff" + to_csv(rows, escape)).encode(errors="backslashreplace")}


def to_table(tasks: Tasks) -> Iterator[list[str]]:
    """Yield the names of the columns, then the cells of every task."""
    if taken := [topic for topic in tasks.topics if topic in _ALL_COLUMNS]:
        raise InputError(f"topic '{taken[0]}' has the name of a column; rename it; taken: {listing(_ALL_COLUMNS, 20)}")
    metadata = list(tasks.rows[0].metadata) if tasks.rows else []
    has_given = any(task.given is not None for task in tasks.rows)
    has_suggested = any(task.suggested is not None for task in tasks.rows)
    known = ["given"] * has_given + ["suggested"] * has_suggested
    yield [*REQUIRED_COLUMNS, *metadata, *known, *tasks.topics, "status", "annotator", "when"]

    for task in tasks.rows:
        cells = [task.sentence_id, task.article_id, task.text, *task.metadata.values()]
        cells += [", ".join(task.given or ())] * has_given + [_describe_suggested(task)] * has_suggested
        yield cells + [""] * (len(tasks.topics) + 3)


def _describe_suggested(task: Task) -> str:
    """Return the suggested topics with their probabilities, the likeliest first."""
    scores = {topic: (task.scores or {})[topic] for topic in task.suggested or ()}
    return ", ".join(f"{topic} {scores[topic]:.2f}" for topic in sorted(scores, key=scores.__getitem__, reverse=True))


def fits(row: Row) -> bool:
    """Tell whether a row is about a sentence."""
    return "sentence_id" in row


def read(rows: Iterable[tuple[str, Row]], topics: Sequence[str]) -> Iterator[RawAnnotation | Rejected | Unanswered]:
    """Yield the annotation in every row, or why it has none; or that nobody answered it yet.

    Labels are in one column a topic, or with a delimiter (`|`, `;` or `,`) in `labels` or `label`. Without a column
    `status`, a row without any label is rejected: nobody could tell whether it was looked at. Raises `InputError` for a
    table that has no place for labels.
    """
    rows = iter(rows)
    first, columns = head = next(rows)
    missing = [topic for topic in topics if topic not in columns]
    if missing and not any(name in columns for name in _LABEL_COLUMNS):
        absent = f"no column 'labels', and none for topic {shorten(missing[0])}"
        raise InputError(one_line(f"{first}: {absent}; found: {listing(columns, 20)}", 2000))

    for where, row in chain([head], rows):
        try:
            yield _read_row(where, row, topics) or Unanswered(where)
        except BadValueError as error:
            yield Rejected(where, str(error))


def _read_row(where: str, row: Row, topics: Sequence[str]) -> RawAnnotation | None:
    """Return the annotation in a row, None where it is not annotated yet."""
    if formulas := [name for name in (*_ANSWER_COLUMNS, *topics) if row.get(name) is FORMULA]:
        raise BadValueError(f"column {shorten(formulas[0])} holds a formula, which is not evaluated")
    _check_marks(row, topics)
    labels, status = _read_labels(row, topics), _read_status(row)

    if status is None and labels is None:
        if "status" not in row:
            raise BadValueError("no labels: [] or 0 says that it has none, blank that nobody looked at it")
        return None
    if status == "skipped" and labels:
        raise BadValueError(f"skipped, and yet labelled: {listing(labels)}")

    if isinstance(key := row.get("sentence_id"), str):
        key = unescape(key)  # a CSV file may have become a workbook
    answer = None if status == "skipped" else labels or []
    return RawAnnotation(where, key, answer, row.get("annotator"), row.get("when"), row.get("text"))


def _check_marks(row: Row, topics: Sequence[str]) -> None:
    """Raise `BadValueError` for a mark in a column that is not a topic; topics may have been renamed since."""
    others = [name for name in row if name not in topics and name not in _ALL_COLUMNS]
    if marked := [name for name in others if str(row[name]).strip().lower() in _TICKS]:
        raise BadValueError(f"column {shorten(marked[0])} is marked and is not a topic; allowed: {listing(topics, 40)}")


def _read_status(row: Row) -> str | None:
    """Return `done`, `skipped`, or None where the column is blank or absent."""
    mark = str(row.get("status") or "").strip().lower()
    if mark and mark not in _STATUSES:
        raise BadValueError(f"status is {shorten(mark)}; allowed: {listing(_STATUSES)}, or blank")
    return _STATUSES.get(mark)


def _read_labels(row: Row, topics: Sequence[str]) -> list[str] | None:
    """Return the labels in a row, None where all is blank."""
    for name in _LABEL_COLUMNS:
        if name in row:
            return _split_labels(row[name], topics)

    marks = {topic: _read_mark(row[topic], topic) for topic in topics}
    is_blank = all(mark is None for mark in marks.values())
    return None if is_blank else [topic for topic, mark in marks.items() if mark]


def _read_mark(value: object, topic: str) -> bool | None:
    """Return whether a topic's column is marked, None where it is blank."""
    mark = "" if value is None else str(value).strip().lower()
    if mark and mark not in _MARKS:
        raise BadValueError(f"column {shorten(topic)} holds {shorten(value)}; allowed: {listing(_MARKS)}, or blank")
    return _MARKS.get(mark)


def _split_labels(value: object, topics: Sequence[str]) -> list[str] | None:
    """Return the labels in a cell: one, several with a delimiter, or a JSON list; None for a blank one."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise BadValueError(f"labels are {shorten(value)}; allowed: topics with a delimiter, or a JSON list")

    text = value.strip()
    if text in topics:
        return [text]
    if text.startswith("["):
        try:
            return json.loads(text)  # type: ignore[no-any-return] # `validate` checks it
        except (ValueError, RecursionError) as error:
            raise BadValueError(f"labels {shorten(text)} begin like a JSON list but are not one") from error

    # The delimiter with which all are topics, else that with which they are most, for the message
    candidates = [_split(text, delimiter) for delimiter in "|;,"]
    valid = [labels for labels in candidates if all(label in topics for label in labels)]
    return valid[0] if valid else max(candidates, key=len)


def _split(text: str, delimiter: str) -> list[str]:
    """Return the parts of a text that are not blank."""
    return [part.strip() for part in text.split(delimiter) if part.strip()]
