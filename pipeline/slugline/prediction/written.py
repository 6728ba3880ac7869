"""Whether a file holds predictions, and may give way to new ones."""

import csv
import json
from pathlib import Path

from slugline.data.formats.csv_records import MAX_FIELD
from slugline.errors import InputError

_COLUMNS = {"sentence_id", "article_id", "text", "topics"}  # of predictions by every version
_READ_ERRORS = (OSError, ValueError, RecursionError, csv.Error)


def check_replaceable(output: Path) -> None:
    """Raise `InputError` for an output that is there already and holds anything but predictions."""
    if output.is_file() and output.stat().st_size and not holds_predictions(output):
        raise InputError(f"output: {output} is there already and holds no predictions; give another file")


def holds_predictions(file: Path) -> bool:
    """Tell by its columns whether a file, of any ending that predictions are written with, holds predictions.

    Examples
    --------
    >>> holds_predictions(Path(__file__))
    False
    """
    try:
        return set(_read_columns(file)) >= _COLUMNS
    except _READ_ERRORS:
        return False


def _read_columns(file: Path) -> list[str]:
    """Return the columns of a file of records."""
    if file.suffix == ".parquet":
        from pyarrow import parquet

        return list(parquet.read_schema(file).names)
    with file.open(encoding="utf-8", newline="") as stream:
        if file.suffix == ".csv":
            csv.field_size_limit(MAX_FIELD)
            return next(csv.reader(stream), [])
        record = json.loads(stream.readline())
    return list(record) if isinstance(record, dict) else []
