"""Gold labels: labels that people gave, read from files and matched with the sentences they were made for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from slugline.data.articles import cell_text, normalise
from slugline.data.input_files import NamedFile, find_files
from slugline.data.label_cells import parse_labels
from slugline.data.readers import read_rows
from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing

GoldRows = Iterable[tuple[str, Any]]  # places (`file` or `file:line`), each with a row or with why there is none

_COLUMNS = ("sentence_id", "article_id", "text", "labels")


def gold_files(gold: Any) -> list[NamedFile]:
    """Return the files of gold labels, each with its name; `gold` as a labeller has it."""
    return [] if gold is None else find_files(gold)


def read_gold(gold: Any, columns: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Read gold labels, texts and ids brought to the form that they have in the sentences.

    Parameters
    ----------
    gold : str, Path or list of these, optional
        The files, as `find_files` takes them; None: no gold labels.
    columns : mapping of str to str
        `sentence_id, article_id, text, labels` and their names in the files.

    Yields
    ------
    (str, Row) or (str, str)
        The place with the row, or with the reason why it cannot be read.
    """
    if gold is None:
        return
    text, *ids = (columns.get(name) or name for name in ("text", "article_id", "sentence_id"))
    for where, row in read_rows(gold):
        if not isinstance(row, str):
            row = {**row, **{column: cell_text(row[column]) for column in ids if column in row}}
            if isinstance(row.get(text), str):
                row[text] = normalise(row[text]).strip()
        yield where, row


def parse_gold(rows: GoldRows, columns: Mapping[str, str], delimiter: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Check the rows of gold labels and parse what they hold.

    Parameters
    ----------
    rows : iterable of (str, Row)
        The rows, from `read_gold`.
    columns : mapping of str to str
        `sentence_id, article_id, text, labels` and their names in the rows.
    delimiter : str
        What stands between two labels of one string.

    Yields
    ------
    (str, dict)
        The place with the `sentence_id`, `article_id`, `text` and `labels` of a row.

    Raises
    ------
    InputError
        For a row that cannot be read, or that lacks labels or what they are of.
    """
    column_of = {name: columns.get(name) or name for name in _COLUMNS}
    for where, row in rows:
        if isinstance(row, str):
            raise InputError(f"gold labels, {where}: {row}")
        _check_columns(row, column_of, where)
        labels = parse_labels(row[column_of["labels"]], delimiter, where)
        yield where, {name: row.get(column) for name, column in column_of.items()} | {"labels": labels}


def match_gold(sentences: pd.DataFrame, gold: Iterable[tuple[str, dict[str, Any]]]) -> tuple[pd.Series, list[str]]:
    """Find the sentence of each gold label: by `sentence_id`, else by `article_id` and exact `text`.

    Parameters
    ----------
    sentences : DataFrame
        The sentences, with `sentence_id`, `article_id`, `text`.
    gold : iterable of (str, dict)
        The gold labels, from `parse_gold`.

    Returns
    -------
    labels : Series of tuple or None
        The gold labels of each sentence.
    unmatched : list of str
        The places of the rows that match no sentence.

    Raises
    ------
    InputError
        When two rows give different labels to a sentence.
    """
    rows_of_id = {key: [row] for row, key in enumerate(sentences["sentence_id"])}
    rows_of_text: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(sentences["article_id"], sentences["text"], strict=True)):
        rows_of_text.setdefault(key, []).append(row)

    labels: list[Any] = [None] * len(sentences)
    unmatched = []
    for where, record in gold:
        text_key = (str(record["article_id"]), str(record["text"]))
        rows = rows_of_id.get(str(record["sentence_id"])) or rows_of_text.get(text_key, [])
        for row in rows:
            if labels[row] is not None and set(labels[row]) != set(record["labels"] or ()):
                raise InputError(
                    f"gold labels, {where}: other labels for the same sentence stand before: {listing(labels[row])}"
                )
            labels[row] = record["labels"]
        if not rows:
            unmatched.append(where)
    return pd.Series(labels, index=sentences.index, dtype=object), unmatched


def known_labels(sentences: pd.DataFrame, topics: Iterable[str]) -> np.ndarray:
    """Return the labels that people gave as a matrix.

    Parameters
    ----------
    sentences : DataFrame
        The labelled sentences, with `labels` and `label_source`.
    topics : iterable of str
        The names of the columns, in order.

    Returns
    -------
    ndarray of int8, shape (sentences, topics)
        1 where a sentence carries the topic, 0 where it does not, -1 where no person labelled it.
    """
    by_people = sentences["label_source"].isin(["gold", "given"]).to_numpy()
    labels = [labels if known else () for labels, known in zip(sentences["labels"], by_people, strict=True)]
    return np.where(by_people[:, None], to_matrix(labels, list(topics)), -1).astype(np.int8)


def _check_columns(row: Mapping[str, Any], column_of: Mapping[str, str], where: str) -> None:
    """Refuse a row without labels, or without a column to find its sentence by."""
    if column_of["labels"] not in row:
        raise InputError(f"gold labels, {where}: no column '{column_of['labels']}'; found: {listing(row)}")

    has_text = column_of["article_id"] in row and column_of["text"] in row
    if column_of["sentence_id"] not in row and not has_text:
        wanted = f"'{column_of['sentence_id']}', or '{column_of['article_id']}' and '{column_of['text']}'"
        raise InputError(f"gold labels, {where}: no column {wanted}; found: {listing(row)}")
