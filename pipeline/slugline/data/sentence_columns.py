"""Columns of ready-made sentences: found by their usual names and by what they hold, where the user names none."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from slugline.data.label_cells import DELIMITERS, NO_DELIMITER, find_delimiter, is_mark, names_no_topic
from slugline.data.schema import Row, describe_no_header
from slugline.data.usual_names import OF_SENTENCES, find_usual, is_usual, normal
from slugline.errors import InputError, listing

COLUMNS = tuple(OF_SENTENCES)
_ROW_NUMBERS = ("", "id", "index", "unnamed0")  # of columns that hold no topic, though all may be 0 and 1


class Layout(NamedTuple):
    """Where the sentences of some files have what, and what there is to tell about it.

    `columns` has the name in the files of each of `COLUMNS`, None where there is none; `delimiter` stands between
    labels, and is `none` where each text is one label.
    """

    columns: dict[str, str | None]
    topic_columns: list[str]
    delimiter: str
    notes: list[str]


class _Survey(NamedTuple):
    """What rows hold: the names of their columns, those of 0/1 columns, and how often each cell of labels occurs."""

    names: list[str]
    marks: list[str]
    cells: dict[str, Counter[Any]]


def find_layout(
    rows: Iterable[tuple[str, Row | str]],
    columns: Mapping[str, str | None],
    topic_columns: Sequence[str],
    delimiter: str | None,
    keep: Sequence[str],
) -> Layout:
    """Find where rows have what; what is given stays as it is.

    Raises `InputError` where the text or the labels are in none of the columns.
    """
    if unknown := [name for name in columns if name not in COLUMNS]:
        raise InputError(f"data.columns: unknown column '{unknown[0]}'; allowed: {listing(COLUMNS)}")
    columns = {name: given if given is None else str(given) for name, given in columns.items()}
    survey = _survey(rows, lambda name: name == columns.get("labels") or is_usual(name, OF_SENTENCES["labels"]))
    found, others = _find_columns(survey.names, columns)
    if found["language"] in survey.marks and not columns.get("language"):
        found["language"] = None  # it is a topic
    notes = []
    if survey.names and found["text"] is None:
        raise InputError(_missing("the text", survey.names, "data.columns.text=COLUMN"))
    if not topic_columns and survey.names and found["labels"] not in survey.names:
        taken = {*found.values(), *keep}
        topic_columns = [name for name in survey.marks if name not in taken]
        if len(topic_columns) < 2 or columns.get("labels"):
            setting = "data.columns.labels=COLUMN, or 0/1 columns as data.topic_columns=[COLUMN,COLUMN]"
            raise InputError(_missing("the labels", survey.names, setting, columns.get("labels")))
        notes.append(f"topics are the 0/1 columns {listing(topic_columns)}; others: data.topic_columns=[COLUMN,COLUMN]")
    if topic_columns:
        found["labels"] = None

    taken_columns = _describe_columns(found, columns, others)
    cells = survey.cells.get(found["labels"] or "", Counter())
    separator, separators = _choose_delimiter(cells, delimiter)
    notes = [*taken_columns, *notes, *separators, *_describe_empty(cells, found["labels"])]
    if survey.names and found["article_id"] is None:
        notes.append(
            "no column says which article a sentence is of: each counts as an article of its own, so sentences of one "
            "story may stand in several parts of the split; give data.columns.article_id=COLUMN"
        )
    return Layout(found, list(topic_columns), separator, notes)


def _survey(rows: Iterable[tuple[str, Row | str]], may_hold_labels: Callable[[str], bool]) -> _Survey:
    """Look at all rows once."""
    names: dict[str, bool] = {}  # whether a column may hold labels
    no_marks: set[str] = set()
    cells: dict[str, Counter[Any]] = defaultdict(Counter)
    for _, row in rows:
        if isinstance(row, str):
            continue
        for name, cell in row.items():
            if name not in names:
                names[name] = may_hold_labels(name)
            if names[name]:
                cells[name][_countable(cell)] += 1
            if name not in no_marks and not is_mark(cell):
                no_marks.add(name)
    marks = [name for name in names if name not in no_marks and normal(name) not in _ROW_NUMBERS]
    return _Survey(list(names), marks, cells)


def _countable(cell: Any) -> Any:
    """Return a cell as what can be counted."""
    if isinstance(cell, str):
        return cell
    return tuple(map(str, cell)) if isinstance(cell, list | tuple) else None


def _find_columns(
    names: Sequence[str], given: Mapping[str, str | None]
) -> tuple[dict[str, str | None], dict[str, list[str]]]:
    """Return the name in the files of each column, the given ones first, and what would have fitted too."""
    found: dict[str, str | None] = {}
    others: dict[str, list[str]] = {}
    for column in COLUMNS:
        taken = {*given.values(), *found.values()}
        fitting = find_usual((name for name in names if name not in taken), OF_SENTENCES[column])
        found[column] = given.get(column) or next(iter(fitting), None)
        others[column] = [] if given.get(column) else fitting[1:]
    return found, others


def _describe_columns(
    found: Mapping[str, str | None], given: Mapping[str, str | None], others: Mapping[str, list[str]]
) -> list[str]:
    """Return in one line which columns were taken, where their names are not ours or others would fit."""
    taken = {column: name for column, name in found.items() if name is not None and not given.get(column)}
    if not any(name != column or others[column] for column, name in taken.items()):
        return []
    parts = [
        f"{column} from '{name}'" + (f" (not from {listing(map(repr, others[column]))})" if others[column] else "")
        for column, name in taken.items()
    ]
    return [f"columns: {', '.join(parts)}; others: data.columns.{next(iter(taken))}=COLUMN"]


def _choose_delimiter(cells: Mapping[Any, int], given: str | None) -> tuple[str, list[str]]:
    """Return what stands between the labels of one text, and a line where that was found."""
    if given is not None:
        return DELIMITERS.get(given, given), []
    delimiter = find_delimiter(cells)
    if delimiter is not None:
        name = next(name for name, sign in DELIMITERS.items() if sign == delimiter)
        return delimiter, [f"labels are separated by '{delimiter}' (data.delimiter={name}); none: data.delimiter=none"]
    if commas := [cell for cell in cells if isinstance(cell, str) and "," in cell and cell.strip()[:1] not in "[({"]:
        return NO_DELIMITER, [f"'{commas[0]}' is taken as one label; several: data.delimiter=comma"]
    return NO_DELIMITER, []


def _describe_empty(cells: Mapping[Any, int], column: str | None) -> list[str]:
    """Return in one line how many cells of labels are empty or stand for nothing."""
    empty = {cell: count for cell, count in cells.items() if names_no_topic(cell)}
    if not empty:
        return []
    words = listing(repr(cell) for cell in empty)
    return [f"{sum(empty.values())} of {sum(cells.values())} cells of '{column}' name no topic ({words})"]


def _missing(what: str, names: Sequence[str], setting: str, given: str | None = None) -> str:
    """Return the message for a column that is not there."""
    column = f"no column '{given}' for {what}" if given else f"no column has a usual name for {what}"
    return f"data.columns: {column}; found: {listing(names, 40)}; give {setting}{describe_no_header(names)}"
