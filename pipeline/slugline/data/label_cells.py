"""Label cells: the topics of a sentence as a cell of a file spells them, or as one 0/1 column for each topic."""

import ast
import json
import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from slugline.data.opening import SEPARATORS
from slugline.errors import InputError, listing

NO_DELIMITER = "none"  # each text is one label
DELIMITERS = {**SEPARATORS, NO_DELIMITER: NO_DELIMITER}

_MARKS = {"0": False, "1": True, "false": False, "true": True, "0.0": False, "1.0": True, "": False}
_NO_TOPIC = {"", "NaN", "nan", "None", "NULL", "null", "N/A", "n/a", "NA", "<NA>"}
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"", re.DOTALL)
_NUMPY_NUMBERS = re.compile(r"\[\s*[-\d.]+(\s+[-\d.]+)*\s*\]")
_WHOLE_NUMBER = re.compile(r"(-?\d+)\.0+")  # as pandas writes whole numbers in a column with blanks


def parse_labels(value: object, delimiter: str, where: str) -> tuple[str, ...] | None:
    r"""Read the labels in a cell, each once.

    A cell is a list (or array, tuple, set), such a list as JSON, Python or NumPy writes it, one text with `delimiter`
    (or its name, as `semicolon`) between topics, a number, or an object of marks (`{"war": 1, "aid": 0}`).

    None, which means unlabelled, stands for a missing cell (None or NaN); an empty text, `NaN`, `None`, `NULL` and the
    like name no topic. `where` is the place of the cell, for the error.

    Examples
    --------
    >>> parse_labels("war, aid", ",", "news.csv:2")
    ('war', 'aid')
    >>> parse_labels("['war' 'aid']", ",", "news.csv:3")
    ('war', 'aid')
    >>> parse_labels("[]", ",", "news.csv:4")
    ()
    """
    if value is None or (isinstance(value, float) and value != value):  # NaN alone differs from itself
        return None
    names = _to_names(value, DELIMITERS.get(delimiter, delimiter))
    if names is None:
        raise InputError(f"{where}: labels {value!r:.60} cannot be read; {_allowed(delimiter)}")
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def names_no_topic(value: object) -> bool:
    """Tell whether a cell is an empty text, or one that stands for nothing, such as `NaN` or `NULL`."""
    return isinstance(value, str) and value.strip() in _NO_TOPIC


def find_delimiter(cells: Iterable[Any]) -> str | None:
    """Return what stands between the labels of one text, found from the distinct cells of a column; None: nothing.

    `|` and `;` hardly occur inside a label. A comma does (`law, order`): it counts only where its parts occur again in
    other cells, and splitting gives no more labels than there were.

    Examples
    --------
    >>> find_delimiter(["war;aid", "war"]), find_delimiter(["law, order", "sport"]), find_delimiter(["a", "b", "a,b"])
    (';', None, ',')
    """
    known = [cell if isinstance(cell, str) else tuple(_to_names(cell, NO_DELIMITER) or ()) for cell in cells]
    texts = {cell.strip() for cell in known if isinstance(cell, str) and _is_plain(cell)}
    whole = {name for cell in known for name in _whole_names(cell)}

    counts = {sign: sum(sign in text for text in texts) for sign in "|;,"}
    if counts[","] and not _commas_separate(texts, whole):
        counts[","] = 0
    best = max(counts, key=lambda sign: counts[sign])
    return best if counts[best] else None


def is_mark(value: object) -> bool:
    """Tell whether a cell of a topic's own column says yes or no."""
    return str(value).strip().lower() in _MARKS


def read_marks(row: Mapping[str, Any], topic_columns: Sequence[str], where: str) -> tuple[str, ...]:
    """Return the topics whose 0/1 column holds a 1; raise `InputError` for a missing column or another mark."""
    if missing := [topic for topic in topic_columns if topic not in row]:
        raise InputError(f"{where}: no column '{missing[0]}' of data.topic_columns; found: {listing(row)}")

    marks = {topic: str(row[topic]).strip().lower() for topic in topic_columns}
    if wrong := [topic for topic, mark in marks.items() if mark not in _MARKS]:
        raise InputError(f"{where}: column '{wrong[0]}' holds '{row[wrong[0]]}'; allowed: 0, 1, true, false")
    return tuple(topic for topic, mark in marks.items() if _MARKS[mark])


def _allowed(delimiter: str) -> str:
    """Return in words what a cell of labels may be."""
    text = "one label" if delimiter == NO_DELIMITER else f"a text with '{delimiter}' between labels"
    return f"""allowed: {text}, a number, a list such as ["war", "aid"], or marks such as {{"war": 1, "aid": 0}}"""


def _commas_separate(texts: set[str], whole: set[str]) -> bool:
    """Tell whether commas stand between labels: see `find_delimiter`; `whole` are names known from lists."""
    parts_of = {text: {part.strip() for part in text.split(",")} for text in texts}
    parts = set().union(*parts_of.values())
    occurrences = [part for several in parts_of.values() for part in several]
    recurs = len(occurrences) > len(parts) or bool(parts & whole)
    return recurs and len(parts | whole) <= len(texts | whole)


def _whole_names(cell: Any) -> Iterable[str]:
    """Return the labels of a cell that needs no delimiter to read, none for other cells."""
    if isinstance(cell, str) and _is_plain(cell):
        return ()
    return (_to_names(cell, NO_DELIMITER) or ()) if isinstance(cell, str) else cell


def _is_plain(text: str) -> bool:
    """Tell whether a cell is a text with labels in it, not a list, a number or one that names no topic."""
    stripped = text.strip()
    return not names_no_topic(stripped) and _parse_brackets(stripped) is stripped


def _to_names(value: object, delimiter: str) -> Sequence[str] | None:
    """Return the labels in a cell as they are spelled, or None for a cell that cannot be read."""
    if isinstance(value, str):
        stripped = value.strip()
        if stripped in _NO_TOPIC:
            return []
        value = _parse_brackets(stripped)
        if isinstance(value, str):
            return [_spell(part) or "" for part in ([value] if delimiter == NO_DELIMITER else value.split(delimiter))]
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers
        value = value.tolist()
    if isinstance(value, Mapping):
        return _read_cats(value)
    items = [value] if isinstance(value, int | float) else value
    if isinstance(items, set | frozenset):
        items = sorted(items, key=str)  # the order of a set of texts changes from run to run
    if not isinstance(items, list | tuple):
        return None
    names = [_spell(item) for item in items]
    return None if None in names else [str(name) for name in names]


def _spell(item: object) -> str | None:
    """Return one label as text, 2.0 as "2"; None for what is neither a text nor a number."""
    if isinstance(item, str):
        number = _WHOLE_NUMBER.fullmatch(item.strip())
        return number[1] if number else item
    if isinstance(item, bool) or not isinstance(item, int | float) or item - item != 0:  # infinity, NaN
        return None
    return str(int(item) if item == int(item) else item)


def _read_cats(cats: Mapping[Any, Any]) -> list[str] | None:
    """Return the topics that an object of marks gives a 1, as spaCy's `cats` does; None where a mark is no 0 or 1."""
    if not all(mark is None or is_mark(mark) for mark in cats.values()):
        return None
    return [str(topic) for topic, mark in cats.items() if mark is not None and _MARKS[str(mark).strip().lower()]]


def _parse_brackets(text: str) -> Any:
    """Return what a text in brackets holds, as JSON, Python or NumPy writes it, the text itself if it is a label.

    None stands for a text that begins like a list and is none.
    """
    if text.startswith("array([") and "]" in text:
        text = text[6 : text.rindex("]") + 1]
    if text[:1] not in _BRACKETS or (text[0] != "[" and text[-1:] != _BRACKETS[text[0]]):
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    outline = _QUOTED.sub("\0", text)
    if re.fullmatch(r"\[\s*\0(\s+\0)*\s*\]", outline):  # NumPy's: for Python these would be one long text
        return [_evaluate(quoted) for quoted in _QUOTED.findall(text)]
    if _NUMPY_NUMBERS.fullmatch(text):
        return text[1:-1].split()
    value = None if re.search(r"\0\s*\0", outline) else _evaluate(text)
    return text if value is None and text[0] == "(" and "\0" not in outline else value  # (organised crime) is a label


def _evaluate(text: str) -> Any:
    """Return the value that Python's text for it stands for; None for any other text. Nothing in it is run."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of a backslash before a letter
            return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return None
