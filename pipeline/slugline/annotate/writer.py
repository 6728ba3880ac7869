"""Files of tasks for annotation tools."""

import os
from collections.abc import Mapping, Sequence
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
        For an unknown format, and for a file that is there already or cannot be made; `key` is the name of its setting.
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
    return chosen


def write_tasks(
    output: Path,
    format: str,
    sentences: pd.DataFrame,
    topics: Mapping[str, str],
    *,
    probabilities: np.ndarray | None = None,
    reasons: Sequence[str] | None = None,
    mode: str = "multilabel",
) -> None:
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

    Raises
    ------
    InputError
        For an unknown format, for what the format cannot hold, and when the disk refuses the files.
    """
    if format not in FORMATS:
        raise InputError(f"format: {shorten(format)}; allowed: {listing(FORMATS)}")

    contents = FORMATS[format].encode(to_tasks(sentences, topics, probabilities, reasons, mode))
    files = {output.with_suffix(suffix) if suffix else output: content for suffix, content in contents.items()}
    if len(files) < len(contents):
        others = listing(filter(None, contents))
        raise InputError(f"output: {output} has the ending of the file beside it; allowed: any but {others}")
    write_files(files)
