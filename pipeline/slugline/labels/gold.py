"""Gold labels: labels that people gave, read from files and matched with the sentences they were made for."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from slugline.data.articles import cell_text, clean_text
from slugline.data.input_files import NamedFile, find_files
from slugline.data.label_cells import parse_labels
from slugline.data.readers import read_rows
from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing

GoldRows = Iterable[tuple[str, Any]]  # places (`file` or `file:line`), each with a row or with why there is none

_COLUMNS = ("sentence_id", "article_id", "text", "labels")


def gold_files(gold: Any) -> list[NamedFile]:
    """Return the files of gold labels, each with its name; `gold` as a labeller has it."""
    return [] if gold is None else find_files(gold, key="labels.gold")


def read_gold(gold: Any, columns: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    """Read gold labels from files, texts and ids brought to the form that they have in the sentences.

    `columns` are `sentence_id, article_id, text, labels` and their names in the files. Each row comes with its place;
    in place of one that cannot be read comes the reason, a string. None for `gold`: there are no gold labels.
    """
    if gold is None:
        return
    text, *ids = (columns.get(name) or name for name in ("text", "article_id", "sentence_id"))
    for where, row in read_rows(gold, key="labels.gold"):
        if not isinstance(row, str):
            row = {**row, **{column: cell_text(row[column]) for column in ids if column in row}}
            if isinstance(row.get(text), str):
                row[text] = clean_text(row[text]).strip()
        yield where, row


def parse_gold(rows: GoldRows, columns: Mapping[str, str], delimiter: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Check the rows of `read_gold`; yield their `sentence_id`, `article_id`, `text` and `labels` with their place.

    Raises `InputError` for a row that cannot be read, or that lacks labels or what they are of.
    """
    column_of = {name: columns.get(name) or name for name in _COLUMNS}
    for where, row in rows:
        if isinstance(row, str):
            raise InputError(f"gold labels, {where}: {row}")
        _check_columns(row, column_of, where)
        labels = parse_labels(row[column_of["labels"]], delimiter, where)
        yield where, {name: row.get(column) for name, column in column_of.items()} | {"labels": labels}


def match_gold(sentences: pd.DataFrame, gold: Iterable[tuple[str, dict[str, Any]]]) -> tuple[pd.Series, list[str]]:
    """Find the sentence of each gold label from `parse_gold`: by `sentence_id`, else by `article_id` and exact `text`.

    Returns the gold labels of each sentence, a tuple or None, and the places of the rows that match no sentence. Raises
    `InputError` when two rows give different labels to a sentence.
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
                before = listing(labels[row])
                raise InputError(f"gold labels, {where}: an earlier row gives this sentence other labels: {before}")
            labels[row] = record["labels"]
        if not rows:
            unmatched.append(where)
    return pd.Series(labels, index=sentences.index, dtype=object), unmatched


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
        raise InputError(f"gold labels, {where}: no column '{column_of['labels']}'; found: {listing(row)}")

    has_text = column_of["article_id"] in row and column_of["text"] in row
    if column_of["sentence_id"] not in row and not has_text:
        wanted = f"'{column_of['sentence_id']}', or '{column_of['article_id']}' and '{column_of['text']}'"
        raise InputError(f"gold labels, {where}: no column {wanted}; found: {listing(row)}")
