"""The files that a change of the codebook rewrites: gold labels, the history of annotations, and taxonomies."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

from slugline.annotate.history import lock_history, read_history
from slugline.data.opening import ReadOptions
from slugline.errors import InputError, listing
from slugline.files import shipped_folder, to_json_lines, write_files
from slugline.labels.codebook_change import CodebookChange
from slugline.labels.gold import parse_gold, read_gold
from slugline.labels.gold_change import ChangedGold, change_gold
from slugline.labels.taxonomy_change import change_taxonomy, topics_in

_FOLDER = Path("codebook-changes")


@dataclass(frozen=True)
class GoldFile:
    """A file of gold labels and how it is read: `columns`, `delimiter` and `reading` as `Labels` has them."""

    file: Path
    columns: Mapping[str, str]
    delimiter: str
    reading: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class CodebookUpdate:
    """What a change of the codebook made of all files.

    Parameters
    ----------
    gold : list of ChangedGold
        The files of gold labels.
    history : tuple of int, optional
        How many annotations have other labels now, of how many; None where there is no history.
    taxonomies : list of Path
        The taxonomy files that were rewritten.
    copies : Path
        The folder with the files as they were.
    """

    gold: list[ChangedGold]
    history: tuple[int, int] | None
    taxonomies: list[Path]
    copies: Path


def find_topics(taxonomy: Iterable[str], gold: Sequence[GoldFile], history: Path) -> list[str]:
    """Return the topics of a taxonomy, then those that only gold labels and annotations name; refuse where none are."""
    names = dict.fromkeys(taxonomy)
    for source in gold:
        rows = read_gold(str(source.file), source.columns, source.reading)
        for _, row in parse_gold(rows, source.columns, source.delimiter):
            names |= dict.fromkeys(row["labels"] or ())
    for annotation in read_history(history):
        names |= dict.fromkeys(annotation.labels or ())
    if not names:
        problem = f"no topic to change: neither taxonomy nor gold labels nor {history} name any"
        raise InputError(f"{problem}; give labels.gold=FILE (labels that come with the data are changed in its files)")
    return list(names)


def read_changes(since: float) -> list[CodebookChange]:
    """Return the recorded changes of the codebook since a time, in seconds from 1970; none where there is no record."""
    log = _FOLDER / "changes.jsonl"
    if not log.is_file():
        return []
    changes = []
    for number, line in enumerate(log.read_bytes().splitlines(), 1):
        try:
            entry = json.loads(line)
            if datetime.fromisoformat(entry["when"]).timestamp() > since:
                changes.append(CodebookChange(entry["rename"], entry["merge"], entry["drop"]))
        except (ValueError, KeyError, TypeError) as error:
            raise InputError(f"{log}:{number}: no change of the codebook: {error}; take the line out") from error
    return changes


def update_codebook(
    change: CodebookChange, gold: Sequence[GoldFile], history: Path, taxonomies: Sequence[Path], *, mode: str
) -> CodebookUpdate:
    """Rewrite all files together; copies of what they were go to a folder of their own in `codebook-changes`.

    Parameters
    ----------
    change : CodebookChange
        The change.
    gold : sequence of GoldFile
        The files of gold labels.
    history : Path
        The history of annotations, which need not exist.
    taxonomies : sequence of Path
        The user's own taxonomy files.
    mode : str
        As `Labels` has it.

    Raises
    ------
    InputError
        For a file that cannot be read, cannot hold the change, or cannot be written; then nothing is changed.
    """
    with ExitStack() as stack:
        if history.is_file():
            stack.enter_context(lock_history(history))
        changed_gold = [
            change_gold(
                source.file,
                change,
                columns=source.columns,
                delimiter=source.delimiter,
                mode=mode,
                options=source.reading,
            )
            for source in gold
        ]
        contents = {item.file.resolve(): item.content for item in changed_gold if item.changed}
        counts = None
        if history.is_file():
            contents[history.resolve()], counts = _change_history(history, change)
        changed_taxonomies = {file: change_taxonomy(file, change) for file in taxonomies}
        contents |= {file.resolve(): content for file, content in changed_taxonomies.items() if content is not None}
        copies = _write_all(contents, _to_record(change, changed_gold))
    rewritten = [file for file, content in changed_taxonomies.items() if content is not None]
    return CodebookUpdate(changed_gold, counts, rewritten, copies)


def find_own_taxonomies(
    change: CodebookChange, topics: Iterable[str], files: Sequence[Path], folder: Path
) -> list[Path]:
    """Return those of the files that a taxonomy is made of that are the user's own.

    Raises
    ------
    InputError
        When a topic that changes is in a file that ships with Slugline, which is not edited, or in no file at all;
        `folder` is where a copy of a shipped one belongs.
    """
    shipped = [file for file in files if file.is_relative_to(shipped_folder("conf"))]
    own = [file for file in files if file not in shipped]
    for topic in topics:
        if change.apply_to_topic(topic) == topic:
            continue
        for file in shipped:
            if topic in topics_in(file):
                raise InputError(_describe_copy(topic, file, folder))
        if not any(topic in topics_in(file) for file in own):
            found = f"the taxonomy files {listing(files)}" if files else "any file of the labels"
            raise InputError(f"topic '{topic}' is not in {found}; nothing was changed; change it where it is written")
    return own


def _describe_copy(topic: str, file: Path, folder: Path) -> str:
    """Return how a taxonomy that ships with Slugline becomes the user's own, which can be changed."""
    copy = folder / "labels" / f"my_{file.name}"
    line = f"mkdir -p {quote(str(copy.parent))} && cp {quote(str(file))} {quote(str(copy))}"
    again = f"{quote(f'--config-dir={folder}')} labels={copy.stem}"
    problem = f"topic '{topic}' is in a taxonomy that ships with Slugline and is not edited; nothing was changed"
    return f"{problem}. Make it your own: {line} ; then start the same with {again}"


def _change_history(file: Path, change: CodebookChange) -> tuple[bytes, tuple[int, int]]:
    """Return a history after a change, the lines that stay byte for byte, and how many annotations changed of all."""
    annotations = len(read_history(file))
    *lines, rest = file.read_bytes().split(b"\n")
    changed = 0
    for number, line in enumerate(lines):
        record = json.loads(line) if line.strip() else {"labels": None}
        after = list(change.apply_to_labels(record["labels"] or ()))
        if record["labels"] is not None and after != record["labels"]:
            changed += 1
            lines[number] = to_json_lines([record | {"labels": after}]).rstrip(b"\n")
    return b"\n".join([*lines, rest]), (changed, annotations)


def _to_record(change: CodebookChange, gold: Sequence[ChangedGold]) -> dict[str, Any]:
    """Return what is kept of a change: what was asked for, and the counts of gold labels before and after."""
    return {
        "rename": dict(change.renames),
        "merge": {target: list(parts) for target, parts in change.merges.items()},
        "drop": list(change.drops),
        "before": dict(sum((item.before for item in gold), Counter())),
        "after": dict(sum((item.after for item in gold), Counter())),
    }


def _write_all(contents: Mapping[Path, bytes], record: Mapping[str, Any]) -> Path:
    """Copy what is there, replace all files together, and add the record to those of earlier changes."""
    now = datetime.now()
    folder = _FOLDER / f"{now:%Y-%m-%d-%H-%M-%S-%f}"
    here = Path.cwd().resolve()
    copies = {file: file.relative_to(here if file.is_relative_to(here) else file.anchor) for file in contents}
    try:
        write_files({folder / copy: file.read_bytes() for file, copy in copies.items()})
        log = _FOLDER / "changes.jsonl"
        earlier = log.read_bytes() if log.is_file() else b""
    except OSError as error:
        raise InputError(f"codebook change: nothing was changed: {error}") from error
    entry = {"when": now.astimezone().isoformat(), **record}
    entry |= {"files": [copy.as_posix() for copy in copies.values()], "copies": folder.as_posix()}
    write_files({log: earlier + to_json_lines([entry]), **contents})
    return folder
