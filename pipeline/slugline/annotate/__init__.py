"""Annotations: sentences go out to the tools that people label with, and what they said comes back by `sentence_id`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd

from slugline.annotate.agreement import krippendorff_alpha as krippendorff_alpha
from slugline.annotate.agreement import merge as merge
from slugline.annotate.annotation import Annotation as Annotation
from slugline.annotate.annotation import match_annotations as match_annotations
from slugline.annotate.annotation import one_line, shown
from slugline.annotate.formats import argilla, doccano, label_studio, prodigy, sheets
from slugline.annotate.history import append_history as append_history
from slugline.annotate.history import read_history as read_history
from slugline.annotate.reader import read_annotations as read_annotations
from slugline.annotate.tasks import to_tasks
from slugline.errors import InputError, listing

FORMATS: tuple[str, ...] = ("label_studio", "doccano", "prodigy", "argilla", "csv", "xlsx")
WRITERS = {
    "label_studio": label_studio.encode,
    "doccano": doccano.encode,
    "prodigy": prodigy.encode,
    "argilla": argilla.encode,
    "csv": sheets.encode_csv,
    "xlsx": sheets.encode_xlsx,
}


def write_tasks(
    output: Path,
    format: str,
    sentences: pd.DataFrame,
    topics: Mapping[str, str],
    probabilities: np.ndarray | None = None,
    reasons: Sequence[str] | None = None,
    mode: str = "multilabel",
) -> None:
    """Write sentences as a file of tasks for annotators, whole or not at all.

    `sentences` has `sentence_id`, `article_id`, `text`, and maybe `title`, `published`, `source` and `labels` (a tuple,
    or None), `topics` maps each topic to its definition, `reasons` says why each sentence is asked for.
    `probabilities`, shape (sentences, topics), become what the format has for a model's suggestions: topics from 0.5
    on, in multiclass the likeliest. Label Studio's labelling config goes beside the file as `.xml`, the settings of
    Argilla's dataset as `.settings.json`. Raises `InputError` for what the format cannot hold or the disk refuses.
    """
    if format not in WRITERS:
        raise InputError(f"format: {shown(format)}; allowed: {listing(FORMATS)}")
    parts = WRITERS[format](to_tasks(sentences, topics, probabilities, reasons, mode))
    files = {output.with_suffix(ending) if ending else output: data for ending, data in parts.items()}
    if len(files) < len(parts):
        raise InputError(f"output: {output} has the ending of the file beside it; allowed: any but {listing(parts)}")
    write_whole(files)


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files beside their places and rename them once all are there."""
    beside = {file: file.with_name(f".{file.name}.tmp") for file in files}
    try:
        for file, data in files.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            beside[file].write_bytes(data)
        for file in files:
            beside[file].replace(file)
    except OSError as error:
        for left in beside.values():
            with suppress(OSError):
                left.unlink(missing_ok=True)
        raise InputError(one_line(f"output: cannot write {file}: {error.strerror or error}")) from error
