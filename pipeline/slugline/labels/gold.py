"""Gold labels: labels that people gave, read from files and matched with the sentences they were made for."""

from collections.abc import Iterable, Iterator, Mapping, Set
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from slugline.data.articles import column_name, read_id
from slugline.data.cleaning import DEFAULT_STEPS, clean
from slugline.data.input_files import NamedFile, find_files
from slugline.data.label_cells import parse_labels
from slugline.data.opening import ReadOptions
from slugline.data.read_files import ReadFile
from slugline.data.readers import read_rows
from slugline.data.schema import Rejected, Row, describe_no_header, to_matrix
from slugline.data.usual_names import OF_SENTENCES, find_usual
from slugline.errors import InputError, listing, one_line

GoldRows = Iterable[tuple[str, Any]]  # places (`file` or `file:line`), each with a row or with why there is none

_COLUMNS = ("sentence_id", "article_id", "text", "labels")
_USUAL_NAMES = {
    "sentence_id": "sentence_id, sent_id, sid",
    "article_id": f"{OF_SENTENCES['article_id']}, id, article",
    "text": OF_SENTENCES["text"],
    "labels": OF_SENTENCES["labels"],
}
_LOOKED_AT = 1000  # gold labels in which a column with ids is looked for


def gold_columns() -> dict[str, str]:
    """Return every column of gold labels under its own name."""
    return {name: name for name in _COLUMNS}


def gold_files(gold: Any, options: ReadOptions | None = None) -> list[NamedFile]:
    """Return the files of gold labels, each with its name; `gold` as a labeller has it."""
    return [] if gold is None else find_files(gold, options, key="labels.gold")


def read_gold(
    gold: Any,
    columns: Mapping[str, str],
    options: ReadOptions | None = None,
    opened: list[ReadFile] | None = None,
    steps: Set[str] = DEFAULT_STEPS,
) -> Iterator[tuple[str, Any]]:
    """Read gold labels from files, texts and ids brought to the form that they have in the sentences.

    `columns` are `sentence_id, article_id, text, labels` and their names in the files. Each row comes with its place;
    in place of one that cannot be read comes the reason, a string. None for `gold`: there are no gold labels. `options`
    and `opened` are as in `read_rows`; `steps` of cleaning are those that the sentences went through.
    """
    if gold is None:
        return
    names = _names_in_files(columns)
    for where, row in read_rows(gold, options, key="labels.gold", opened=opened):
        yield where, row if isinstance(row, str) else _clean(row, names, where, steps)


def _names_in_files(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the name in the files of every column of gold labels."""
    return {name: column_name(columns, name) for name in _COLUMNS}


def _clean(row: Row, names: Mapping[str, str], where: str, steps: Set[str]) -> Row | str:
    """Return a row with ids as text and its text mended, or why it has none."""
    ids = {column: read_id(row, column, where) for column in (names["article_id"], names["sentence_id"])}
    if wrong := [found for found in ids.values() if isinstance(found, Rejected)]:
        return wrong[0].reason
    text = row.get(names["text"])
    cleaned = {names["text"]: clean(text, steps).text.strip()} if isinstance(text, str) else {}
    return {**row, **cleaned, **{column: found for column, found in ids.items() if column in row}}


def parse_gold(rows: GoldRows, columns: Mapping[str, str], delimiter: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Check the rows of `read_gold`; yield their `sentence_id`, `article_id`, `text` and `labels` with their place.

    Raises `InputError` for a row that cannot be read, or that lacks labels or what they are of.
    """
    column_of = _names_in_files(columns)
    for where, row in rows:
        if isinstance(row, str):
            raise InputError(one_line(f"gold labels, {where}: {row}"))
        _check_columns(row, column_of, where)
        labels = parse_labels(row[column_of["labels"]], delimiter, where)
        yield where, {name: row.get(column) for name, column in column_of.items()} | {"labels": labels}


def describe_unmatched(
    gold: Any,
    columns: Mapping[str, str],
    sentences: pd.DataFrame,
    count: int,
    *,
    total: int | None = None,
    options: ReadOptions | None = None,
) -> str:
    """Return in one line that no gold label matches a sentence: one of each side, and the column that may be meant.

    `sentences` may be some of the `total`; `options` as in `read_rows`.
    """
    column_of = _names_in_files(columns)
    rows = [row for _, row in islice(read_gold(gold, columns, options), _LOOKED_AT) if not isinstance(row, str)]
    shown = [
        f"{column}={rows[0][column]!r:.60}"
        for name, column in column_of.items()
        if column in rows[0] and name != "labels"
    ]
    ours = [f"{name}={sentences[name].iloc[0]!r:.60}" for name in _COLUMNS[:3] if len(sentences)]
    message = (
        f"gold labels: 0 of {count} match one of the {total or len(sentences)} sentences; "
        f"a gold label has {', '.join(shown)}; a sentence has {', '.join(ours)}"
    )
    for name in ("article_id", "sentence_id"):
        keys = set(sentences[name])
        found = {key: sum(read_id(row, key, "") in keys for row in rows) for key in rows[0]}
        best = max(found, key=lambda key: found[key])
        if found[best] and best != column_of[name]:
            return f"{message}; column '{best}' holds ids of that kind: add labels.columns.{name}={best}"
    return f"{message}; labels.columns names the columns, found: {listing(rows[0])}"


def by_people(sentences: pd.DataFrame) -> np.ndarray:
    """Return which sentences people labelled, by their `label_source`: booleans, shape (sentences,).

    A source of a labeller's own counts as people: what is not by rules is what scores may be judged by.
    """
    return ~sentences["label_source"].isin(["", "rules"]).to_numpy()


def known_labels(sentences: pd.DataFrame, topics: Iterable[str]) -> np.ndarray:
    """Return the labels that people gave (by `label_source`) as a matrix of int8, shape (sentences, topics).

    1 where a sentence carries the topic, 0 where it does not, -1 where no person labelled it.
    """
    labelled = by_people(sentences)
    labels = [labels if known else () for labels, known in zip(sentences["labels"], labelled, strict=True)]
    return np.where(labelled[:, None], to_matrix(labels, list(topics)), -1).astype(np.int8)


def _check_columns(row: Mapping[str, Any], column_of: Mapping[str, str], where: str) -> None:
    """Refuse a row without labels, or without a column to find its sentence by."""
    if column_of["labels"] not in row:
        raise InputError(_describe_missing(row, f"'{column_of['labels']}'", ["labels"], where))

    has_text = column_of["article_id"] in row and column_of["text"] in row
    if column_of["sentence_id"] not in row and not has_text:
        wanted = f"'{column_of['sentence_id']}', or '{column_of['article_id']}' and '{column_of['text']}'"
        missing = [name for name in ("article_id", "text") if column_of[name] not in row]
        raise InputError(_describe_missing(row, wanted, missing, where))


def _describe_missing(row: Mapping[str, Any], wanted: str, missing: Iterable[str], where: str) -> str:
    """Return that columns are missing, which there are, and what to add where one has a usual name."""
    usual = {name: fitting[0] for name in missing if (fitting := find_usual(row, _USUAL_NAMES[name]))}
    advice = " ".join(f"labels.columns.{name}={column}" for name, column in usual.items())
    return f"gold labels, {where}: no column {wanted}; found: {listing(row)}" + (
        f"; add {advice}" if advice else describe_no_header(row)
    )
