"""Gold labels from annotations: files are read and added to the history, and all answers in it are merged."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from slugline.annotate.agreement import check_merge, merge_annotations
from slugline.annotate.annotation import Annotation, match_annotations, to_json_lines
from slugline.annotate.history import append_history, read_history
from slugline.annotate.reader import read_annotations
from slugline.data.input_files import find_files
from slugline.data.schema import Rejected
from slugline.errors import InputError, listing
from slugline.files import write_files

_ENDINGS = (".json", ".jsonl", ".ndjson", ".csv", ".tsv", ".txt", ".xlsx", ".xlsm")
_SETTINGS = ".settings.json"  # what `write_tasks` puts beside the tasks for Argilla


@dataclass(frozen=True)
class CollectedGold:
    """What came of collecting annotations.

    The files hold `read` annotations, of which `new` were not in the history yet; `rejected` rows could not be read,
    and the sentence of `unmatched` annotations changed or is gone. `history` are all annotations of sentences that are
    unchanged, `gold` the sentences that they resolve, with `sentence_id, article_id, text, labels, annotators`, and
    `unresolved` the others, with the columns of `MergedLabels`.
    """

    read: int
    rejected: list[Rejected]
    unmatched: list[Rejected]
    new: int
    history: list[Annotation]
    gold: pd.DataFrame
    unresolved: pd.DataFrame


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
        for file, _ in find_files(paths, format="text", key="annotations")
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

    Raises
    ------
    InputError
        For a file that holds no annotations of the format, and for a broken history.
    """
    check_merge(method, adjudicator, mode)  # before the history grows
    contents = [read_annotations(file, format, topics) for file in files]
    annotations = [annotation for read, _ in contents for annotation in read]
    matched, unmatched = match_annotations(annotations, sentences)

    new = append_history(history, matched) if matched else 0
    known, _ = match_annotations(read_history(history), sentences)
    merged = merge_annotations(known, method, adjudicator, mode)

    texts = sentences[["sentence_id", "article_id", "text"]]
    gold = merged[merged["resolved"]].merge(texts, on="sentence_id")
    return CollectedGold(
        read=len(annotations),
        rejected=[row for _, rejected in contents for row in rejected],
        unmatched=[Rejected(annotation.where, reason) for annotation, reason in unmatched],
        new=new,
        history=known,
        gold=gold[["sentence_id", "article_id", "text", "labels", "annotators"]],
        unresolved=merged[~merged["resolved"]],
    )


def write_gold(file: Path, gold: pd.DataFrame) -> None:
    """Write the gold labels of `CollectedGold` as JSON lines, which the labels of `labels=gold` are read from."""
    write_files({file: to_json_lines(gold.to_dict("records"))})
