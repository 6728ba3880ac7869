"""Parts: what they are called, and a file that names the part that articles or sentences were in before."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from slugline.data.articles import cell_text
from slugline.data.readers import read_rows
from slugline.errors import InputError, listing
from slugline.spreadsheets import unguard

HELD_OUT = ("dev", "test")
PARTS = ("train", *HELD_OUT)
PARTS_FILE = "split.csv"  # of a run: the part of each of its articles
_KEY = "split.keep"  # the setting that names the file
_NAMES = {part: part for part in PARTS} | {"validation": "dev", "valid": "dev", "val": "dev"}
_IDS = ("article_id", "sentence_id")


def to_part(name: object) -> str | None:
    """Return the part that a name stands for, such as dev for `validation`; None for any other."""
    return _NAMES.get(str(name))


def read_parts(path: Any) -> dict[str, str]:
    """Return the part of each article or sentence, by its id, that the column `split` of a file names.

    Raises `InputError` for a row that cannot be read, or an id that is in two parts.
    """
    parts: dict[str, str] = {}
    for where, row in read_rows(path, key=_KEY):
        if isinstance(row, str):
            raise InputError(f"{_KEY}, {where}: {row}")
        column = next((name for name in _IDS if name in row), None)
        if column is None or "split" not in row:
            raise InputError(f"{_KEY}, {where}: found {listing(row)}; allowed: article_id or sentence_id, and split")
        name, part = str(cell_text(row[column])), to_part(row["split"])
        if tuple(row) == (column, "split"):  # as a run's file has it, see `write_table`
            name = unguard(name)
        if part is None:
            raise InputError(f"{_KEY}, {where}: split: found {row['split']!r}; allowed: {listing(PARTS)}")
        if parts.setdefault(name, part) != part:
            raise InputError(f"{_KEY}, {where}: {column} {name} is in {part} here, and in {parts[name]} before")
    return parts


def find_known(sentences: pd.DataFrame, parts: Mapping[str, str]) -> np.ndarray:
    """Return the part of each sentence by the id of its article, else by its own; None where neither is known."""
    known = sentences["article_id"].map(parts.get)
    if "sentence_id" in sentences:
        known = known.where(known.notna(), sentences["sentence_id"].map(parts.get))
    return known.astype(object).where(known.notna(), None).to_numpy(object)


def describe_known(known: int, articles: int, parts: Mapping[str, str], example: str) -> str:
    """Return how many articles have a part that is known; raise `InputError` for none: these are parts of other data.

    `example` is the id of an article.
    """
    if not known:
        theirs = next(iter(parts), "none")
        raise InputError(f"{_KEY}: it knows none of {articles} articles; an id there is {theirs!r}, here {example!r}")
    return f"{known} of {articles} articles stay in the part that they had ({_KEY})"
