"""Gold labels from annotations: files are read and added to the history, and all answers in it are merged."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from slugline.annotate.agreement import check_merge, merge_annotations
from slugline.annotate.annotation import Annotation, match_annotations
from slugline.annotate.history import append_history, read_history
from slugline.annotate.reader import read_annotations
from slugline.data.input_files import find_local_files
from slugline.data.opening import ReadOptions
from slugline.data.read_files import ReadFile
from slugline.data.schema import Rejected
from slugline.errors import InputError, listing, one_line
from slugline.files import to_json_lines, write_files

_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
_GOLD_ENDINGS = (".jsonl", ".ndjson")
_SETTINGS = ".settings.json"  # what `write_tasks` puts beside the tasks for Argilla


@dataclass(frozen=True)
class CollectedGold:
    """What came of collecting annotations.

    The files hold `read` annotations, of which `new` were not in the history yet; `rejected` rows could not be read,
    nobody answered the tasks at the places `unanswered` yet, and the sentence of `unmatched` annotations changed or is
    gone. `history` are all annotations of sentences that are unchanged, `gold` the sentences that they resolve, with
    `sentence_id, article_id, text, labels, annotators`, and `unresolved` the others, with the columns of
    `MergedLabels`; `files` tell how each file was read.
    """

    read: int
    rejected: list[Rejected]
    unanswered: list[str]
    unmatched: list[Rejected]
    new: int
    history: list[Annotation]
    gold: pd.DataFrame
    unresolved: pd.DataFrame
    files: list[ReadFile]


def find_annotation_files(path: Any) -> list[Path]:
    """Find the files of annotations at a file, a folder, a glob, or several of these; raise `InputError` without any.

    A file that is named may have any ending; from folders and globs come the files that annotators or their tools
    write, and not the settings that `write_tasks` puts beside them.
    """
    paths = [path] if isinstance(path, str) else list(path)
    named = {Path(name) for name in paths if isinstance(name, str)}
    # With a format, here of articles, files of any ending are found
    files = [
        file
        for file in find_local_files(paths, ReadOptions(format="text"), key="annotations")
        if file in named or (file.name.lower().endswith(_ENDINGS) and not file.name.endswith(_SETTINGS))
    ]
    if not files:
        raise InputError(f"annotations: no file of annotations at {listing(paths)}; endings read: {listing(_ENDINGS)}")
    return files


def collect_gold(
    files: Sequence[Path],
    sentences: pd.DataFrame,
    topics: Sequence[str],
    *,
    history: Path,
    format: str | None = None,
    method: str = "majority",
    adjudicator: str | None = None,
    mode: str = "multilabel",
    options: ReadOptions | None = None,
) -> CollectedGold:
    """Read annotations, add them to the history, and merge all that the history holds into gold labels.

    Parameters
    ----------
    files : sequence of Path
        The files of annotations.
    sentences : DataFrame
        The sentences as they are now, with `sentence_id`, `article_id` and `text`.
    topics : sequence of str
        The topics that sentences may carry.
    history : Path
        The history of annotations; created where there is none.
    format : str, optional
        One of `FORMATS`; None to recognise the format of each file.
    method, adjudicator, mode
        As in `merge_annotations`.
    options : ReadOptions, optional
        The encoding and separator of the files, where they are not to be found from these.

    Raises
    ------
    InputError
        For a file that holds no annotations of the format, and for a broken history.
    """
    check_merge(method, adjudicator, mode)  # before the history grows
    contents = [read_annotations(file, format, topics, options) for file in files]
    annotations = [annotation for content in contents for annotation in content.annotations]
    matched, unmatched = match_annotations(annotations, sentences)

    new = append_history(history, matched) if matched else 0
    known, _ = match_annotations(read_history(history), sentences)
    merged = merge_annotations(known, method, adjudicator, mode)

    texts = sentences[["sentence_id", "article_id", "text"]]
    gold = merged[merged["resolved"]].merge(texts, on="sentence_id")
    return CollectedGold(
        read=len(annotations),
        rejected=[row for content in contents for row in content.rejected],
        unanswered=[where for content in contents for where in content.unanswered],
        unmatched=[Rejected(annotation.where, reason) for annotation, reason in unmatched],
        new=new,
        history=known,
        gold=gold[["sentence_id", "article_id", "text", "labels", "annotators"]],
        unresolved=merged[~merged["resolved"]],
        files=[content.read for content in contents],
    )


def read_written_gold(file: Path) -> list[dict[str, Any]]:
    """Read the rows of a file that `write_gold` is to replace, so that none is lost; none where there is no file.

    Raises `InputError` for a file that does not hold gold labels by `sentence_id` as JSON lines.
    """
    if file.suffix.lower() not in _GOLD_ENDINGS:
        raise InputError(f"output: {file}; gold labels are written as JSON lines; allowed endings: .jsonl, .ndjson")
    if not file.exists():
        return []
    try:
        rows = [json.loads(line) for line in file.read_text("utf-8-sig").split("\n") if line.strip()]
    except (OSError, ValueError) as error:
        raise InputError(one_line(f"output: {file} is there already and is no JSON lines: {error}")) from error
    if not all(isinstance(row, dict) and isinstance(row.get("sentence_id"), str) and "labels" in row for row in rows):
        raise InputError(f"output: {file} is there already and holds no gold labels by sentence_id; give another file")
    return rows


def write_gold(file: Path, gold: pd.DataFrame, others: Iterable[dict[str, Any]] = ()) -> None:
    """Write the gold labels of `CollectedGold`, then other rows, as JSON lines, which `labels=gold` reads."""
    write_files({file: to_json_lines([*gold.to_dict("records"), *others])})
