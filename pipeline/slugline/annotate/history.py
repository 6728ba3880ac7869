"""The history of annotations: every answer, who gave it, when, and from which file. Lines are only ever added."""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from slugline.annotate.agreement import keep_latest
from slugline.annotate.annotation import Annotation, shorten
from slugline.errors import InputError, one_line
from slugline.files import to_json_lines


def append_history(file: Path, annotations: Iterable[Annotation]) -> int:
    """Add new annotations to a history, which is created where there is none; return how many were new.

    An annotation with a time is new unless its annotator gave the sentence the same labels at the same time. One
    without a time is new when it differs from the last that the annotator gave the sentence. Processes wait for each
    other; after a full disk or a kill, the history is as it was before or holds all.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with lock_history(file):
            new = _find_new(read_history(file), annotations)
            _append(file, to_json_lines(new))
    except OSError as error:
        raise _cannot_write(file, error) from error
    return len(new)


@contextmanager
def lock_history(file: Path) -> Iterator[None]:
    """Keep other processes from writing a history in the block; raise `InputError` where it cannot be locked."""
    lock = FileLock(f"{file}.lock")
    try:
        lock.acquire()
    except OSError as error:
        raise _cannot_write(file, error) from error
    try:
        yield
    finally:
        lock.release()


def _cannot_write(file: Path, error: OSError) -> InputError:
    """Return the error for a history that the disk refuses."""
    return InputError(one_line(f"history: cannot write {file}: {error.strerror or error}"))


def _find_new(known: list[Annotation], annotations: Iterable[Annotation]) -> list[dict[str, Any]]:
    """Return a record of each annotation that the history does not hold yet."""
    imported = datetime.now(UTC).isoformat(timespec="seconds")
    known_answers = {(item.sentence_id, item.annotator, item.when, item.labels) for item in known}
    last_labels = {(item.sentence_id, item.annotator): item.labels for item in keep_latest(known)}

    new = []
    for annotation in annotations:
        key = (annotation.sentence_id, annotation.annotator)
        answer = (*key, annotation.when, annotation.labels)
        is_untimed_repeat = annotation.when is None and key in last_labels and last_labels[key] == annotation.labels
        if is_untimed_repeat or (annotation.when is not None and answer in known_answers):
            continue

        known_answers.add(answer)
        last_labels[key] = annotation.labels
        new.append({**annotation._asdict(), "imported": imported})
    return new


def _append(file: Path, data: bytes) -> None:
    """Write after the last whole line; after an error, remove what was written."""
    with file.open("ab+") as stream:
        stream.seek(0)
        end = stream.read().rfind(b"\n") + 1  # a killed run may have left part of a line
        stream.truncate(end)
        try:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            os.truncate(file, end)
            raise


def read_history(file: Path) -> list[Annotation]:
    """Read all annotations of a history in the order in which they were added; none where there is no file yet.

    A last line without its line end was never written whole and is passed over; any other that is not an annotation
    raises `InputError`.
    """
    try:
        lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    except OSError as error:
        raise InputError(one_line(f"history: cannot read {file}: {error.strerror or error}")) from error
    return [_parse(line, f"{file}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _parse(line: bytes, where: str) -> Annotation:
    """Return the annotation in a line."""
    try:
        record: Any = json.loads(line)
        labels = record["labels"]
        valid = all(isinstance(record[name], str) for name in ("sentence_id", "annotator", "where"))
        valid &= all(isinstance(record[name], (str, type(None))) for name in ("when", "text"))
        valid &= labels is None or (isinstance(labels, list) and all(isinstance(label, str) for label in labels))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(one_line(f"history, {where}: no annotation: {error}; take the line out")) from error
    if not valid:
        raise InputError(f"history, {where}: no annotation: {shorten(record)}; take the line out")

    annotation = Annotation(**{name: record[name] for name in Annotation._fields})
    return annotation if labels is None else annotation._replace(labels=tuple(labels))
