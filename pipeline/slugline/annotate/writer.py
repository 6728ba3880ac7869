"""Files of tasks for annotation tools."""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from slugline.annotate.annotation import shorten
from slugline.annotate.formats import FORMATS
from slugline.annotate.tasks import to_tasks
from slugline.errors import InputError, listing
from slugline.files import write_files

_FORMAT_OF_ENDING = {".csv": "csv", ".xlsx": "xlsx", ".json": "label_studio"}


def check_output(output: Path, format: str | None, key: str) -> str:
    """Return the format of a new file of tasks: the one given, else what the ending says.

    Raises
    ------
    InputError
        For an unknown format, and for a file that is there already, also one that belongs beside it, or cannot be made;
        `key` is the name of its setting.
    """
    if output.exists():
        raise InputError(f"{key}: {output} is there already and may hold labels; give another file")
    folder = next(place for place in output.absolute().parents if place.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise InputError(f"{key}: {output} cannot be written; {folder} takes no new files")
    chosen = format or _FORMAT_OF_ENDING.get(output.suffix.lower())
    if chosen is None or chosen not in FORMATS:
        found = f"'{format}'" if format else f"none, and the ending of {output} does not tell"
        raise InputError(f"format: {found}; allowed: {listing(FORMATS)}")
    if taken := [file for file in _find_beside(output, FORMATS[chosen].BESIDE) if file.exists()]:
        raise InputError(f"{key}: {taken[0]}, which belongs beside {output}, is there already; give another file")
    return chosen


def _find_beside(output: Path, suffixes: Iterable[str]) -> list[Path]:
    """Return the files that belong beside one of tasks."""
    return [output.with_suffix(suffix) for suffix in suffixes]


def write_tasks(
    output: Path,
    format: str,
    sentences: pd.DataFrame,
    topics: Mapping[str, str],
    *,
    probabilities: np.ndarray | None = None,
    reasons: Sequence[str] | None = None,
    mode: str = "multilabel",
) -> list[Path]:
    """Write sentences as tasks for an annotation tool, all files of it or none.

    Parameters
    ----------
    output : Path
        The file. Label Studio's labelling config goes beside it as `.xml`, the settings of Argilla's dataset as
        `.settings.json`.
    format : str
        One of `FORMATS`.
    sentences : DataFrame
        With `sentence_id`, `article_id`, `text`, and optionally `title`, `published`, `source` and `labels` (a tuple,
        or None).
    topics : mapping of str to str
        The definition of each topic.
    probabilities : array of shape (sentences, topics), optional
        A model's probabilities, from which topics are suggested: all from 0.5 on, in multiclass the likeliest.
    reasons : sequence of str, optional
        Why each sentence is asked for.
    mode : {"multilabel", "multiclass"}
        Whether a sentence may carry several topics.

    Returns
    -------
    list of Path
        The files beside the tasks that belong to them.

    Raises
    ------
    InputError
        For an unknown format, for what the format cannot hold, and when the disk refuses the files.
    """
    if format not in FORMATS:
        raise InputError(f"format: {shorten(format)}; allowed: {listing(FORMATS)}")

    contents = FORMATS[format].encode(to_tasks(sentences, topics, probabilities, reasons, mode))
    suffixes = [suffix for suffix in contents if suffix]
    beside = _find_beside(output, suffixes)
    if output in beside:
        others = listing(suffixes)
        raise InputError(f"output: {output} has the ending of the file beside it; allowed: any but {others}")
    write_files(
        {output: contents[""], **{file: contents[suffix] for file, suffix in zip(beside, suffixes, strict=True)}}
    )
    return beside
