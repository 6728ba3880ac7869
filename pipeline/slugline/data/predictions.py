"""Predictions that `slugline predict` wrote as CSV, read again."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from slugline.data.schema import PREDICTION_COLUMNS
from slugline.spreadsheets import unguard


def undo_guard(rows: Iterable[tuple[str, Mapping[str, Any] | str]]) -> Iterator[tuple[str, Mapping[str, Any] | str]]:
    """Yield the rows of a CSV file, with their places; those of predictions as they were before they were guarded.

    The first columns tell that it is predictions. Text of any other file stays as it is.
    """
    guarded: bool | None = None
    for where, row in rows:
        if not isinstance(row, str):
            if guarded is None:
                guarded = is_predictions(row)
            row = unguard_row(row) if guarded else row
        yield where, row


def is_predictions(names: Iterable[str]) -> bool:
    """Tell by the names of its columns whether a file holds predictions."""
    return tuple(names)[: len(PREDICTION_COLUMNS)] == PREDICTION_COLUMNS


def unguard_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with names and cells as they were before they were guarded."""
    return {unguard(name): unguard(cell) for name, cell in row.items()}
