"""The history of annotations: who said what of which sentence, when, and where that came from. Lines are only added."""

import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from slugline.annotate.agreement import latest
from slugline.annotate.annotation import Annotation, one_line, shown
from slugline.errors import InputError

FIELDS = {"sentence_id": str, "annotator": str, "where": str}
MAYBE = ("when", "text")


def append_history(file: Path, annotations: Iterable[Annotation]) -> int:
    """Add annotations to a history that is made if need be, and return how many were new.

    One with a time is new when the annotator said nothing of the sentence at that time, or something else. One without
    is new when it differs from the last that the annotator said of the sentence. Processes wait for each other; after
    a full disk or a killed run, the history is as it was before or has all.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{file}.lock"):
            lines = _new_lines(read_history(file), annotations)
            _append(file, "".join(lines).encode(errors="backslashreplace"))
    except OSError as error:
        raise InputError(one_line(f"history: cannot write {file}: {error.strerror or error}")) from error
    return len(lines)


def _new_lines(known: list[Annotation], annotations: Iterable[Annotation]) -> list[str]:
    imported = datetime.now(UTC).isoformat(timespec="seconds")
    said = {(one.sentence_id, one.annotator, one.when, one.labels) for one in known}
    last = {(one.sentence_id, one.annotator): one.labels for one in latest(known)}
    lines = []
    for one in annotations:
        key = (one.sentence_id, one.annotator)
        timed = (*key, one.when, one.labels)
        if timed in said if one.when is not None else key in last and last[key] == one.labels:
            continue
        said.add(timed)
        last[key] = one.labels
        lines.append(json.dumps({**one._asdict(), "imported": imported}, ensure_ascii=False) + "\n")
    return lines


def _append(file: Path, data: bytes) -> None:
    """Write after the last whole line, and on an error take back what was written."""
    with file.open("ab+") as stream:
        stream.seek(0)
        whole = stream.read().rfind(b"\n") + 1  # a killed run may have left part of a line
        stream.truncate(whole)
        try:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        except OSError:
            os.truncate(file, whole)
            raise


def read_history(file: Path) -> list[Annotation]:
    """Return all that a history holds, in the order in which it came in; nothing where there is no file yet.

    A last line without its end was never written whole and is passed over. Raises `InputError` for any other line that
    is no annotation.
    """
    try:
        lines = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
    except OSError as error:
        raise InputError(one_line(f"history: cannot read {file}: {error.strerror or error}")) from error
    return [_parse(line, f"{file}:{number}") for number, line in enumerate(lines, start=1) if line.strip()]


def _parse(line: bytes, where: str) -> Annotation:
    try:
        found: Any = json.loads(line)
        labels = found["labels"]
        good = all(isinstance(found[name], kind) for name, kind in FIELDS.items())
        good &= all(found[name] is None or isinstance(found[name], str) for name in MAYBE)
        good &= labels is None or (isinstance(labels, list) and all(isinstance(label, str) for label in labels))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(one_line(f"history, {where}: no annotation: {error}; take the line out")) from error
    if not good:
        raise InputError(f"history, {where}: no annotation: {shown(found)}; take the line out")
    return Annotation(
        found["sentence_id"],
        None if labels is None else tuple(labels),
        found["annotator"],
        found["when"],
        found["text"],
        found["where"],
    )
