"""Spreadsheets: a row a sentence, a column a topic to put an x in; CSV and XLSX.

Nothing in a cell is run. XLSX gets cells of text; in CSV, text that a spreadsheet would run or turn into a number (an
id would lose digits) gets an apostrophe in front, which is taken off again on reading:
https://owasp.org/www-community/attacks/CSV_Injection. XLSX goes through openpyxl, which evaluates no formula.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

from slugline.annotate.annotation import BadValueError, Row, Said, one_line, shown
from slugline.annotate.tasks import ABOUT, NEEDED, Task, Tasks
from slugline.data.schema import Rejected
from slugline.errors import InputError, listing

SHEET, NOTES = "sentences", "topics"
LABELS = ("labels", "label")
READ = ("sentence_id", "text", "status", "annotator", "when", *LABELS)
COLUMNS = ("article_id", *ABOUT, "reason", "given", "suggested", *READ)
_RUN = r"([=+\-@\t\r\n＝＋－＠]|(0\d+|\d{16,}|\d+[eE]\d+)\Z)"
RISKY, APOSTROPHE = re.compile(f"'*{_RUN}"), re.compile(f"'+{_RUN}")
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
TO_ESCAPE = re.compile("[\0-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]|_(?=x[0-9A-Fa-f]{4}_)")  # ECMA-376, 22.9.2.19
MARKS = {
    **dict.fromkeys(("x", "1", "1.0", "true", "yes", "✓"), True),
    **dict.fromkeys(("0", "0.0", "false", "no"), False),
}
STATUSES = {
    **dict.fromkeys(("done", "submitted"), "done"),
    **dict.fromkeys(("skipped", "skip", "discarded"), "skipped"),
}
MOST_BYTES, MOST_ROWS, MOST_COLUMNS, MOST_SIGNS = 256 << 20, 1 << 20, 1024, 32767  # rows and signs: those of a sheet
NO_OPENPYXL = 'XLSX needs openpyxl: pip install "slugline[xlsx]", or use CSV'
HOW = (
    "Put an x below each topic that the sentence has.",
    "Write done into status where a sentence has no topic, or skipped where it cannot be labelled.",
    "Rows left blank are not read. annotator and when (2026-01-31 14:00) may stay blank.",
)


class Formula(NamedTuple):
    """A formula in a cell, which nobody evaluates."""

    text: str


def encode_csv(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as CSV (RFC 4180), with a byte-order mark, without which Excel does not see UTF-8."""
    stream = io.StringIO(newline="")
    rows = ([protected(value) for value in row] for row in table(tasks))
    csv.writer(stream).writerows(rows)
    return {"": ("\ufeff" + stream.getvalue()).encode(errors="backslashreplace")}


def table(tasks: Tasks) -> Iterator[list[str]]:
    """Yield the names of the columns, then the cells of every task."""
    if taken := [topic for topic in tasks.topics if topic in COLUMNS]:
        raise InputError(f"topic '{taken[0]}' has the name of a column; rename it; taken: {listing(COLUMNS, 20)}")
    about = list(tasks.rows[0].about) if tasks.rows else []
    known = [name for name in ("given", "suggested") if any(getattr(task, name) is not None for task in tasks.rows)]
    yield [*NEEDED, *about, *known, *tasks.topics, "status", "annotator", "when"]
    for task in tasks.rows:
        said = [", ".join(task.given or ()) if name == "given" else suggestion(task) for name in known]
        keys = [task.sentence_id, task.article_id, task.text]
        yield [*keys, *task.about.values(), *said, *("" for _ in tasks.topics), "", "", ""]


def suggestion(task: Task) -> str:
    """Return the suggested topics with their probabilities, the likeliest first."""
    scores = {topic: (task.scores or {})[topic] for topic in task.suggested or ()}
    return ", ".join(f"{topic} {scores[topic]:.2f}" for topic in sorted(scores, key=scores.__getitem__, reverse=True))


def protected(text: str) -> str:
    """Return text so that no spreadsheet runs it or makes a number of it."""
    return f"'{text}" if RISKY.match(text) else text


def unprotected(text: str) -> str:
    """Return text as it was before `protected`."""
    return text[1:] if APOSTROPHE.match(text) else text


def kept(text: str) -> str:
    """Return text so that `unprotected` gives it back: all that names and ids need in a workbook."""
    return f"'{text}" if APOSTROPHE.match(text) else text


def encode_xlsx(tasks: Tasks) -> dict[str, bytes]:
    """Return the tasks as a workbook: the sentences, and on a second sheet the topics and how to fill in the first."""
    try:
        from openpyxl import Workbook
    except ImportError as error:
        raise InputError(NO_OPENPYXL) from error
    names, *cells = table(tasks)
    rows = [[kept(name) for name in names], *([kept(key), *row] for key, *row in cells)]
    if len(rows) > MOST_ROWS:
        raise InputError(f"{len(tasks.rows)} sentences; a sheet of XLSX has {MOST_ROWS} rows; use CSV")
    if long := [cell for row in rows for cell in row if len(cell) > MOST_SIGNS]:
        raise InputError(f"{shown(long[0])} has {len(long[0])} characters; a cell of XLSX holds {MOST_SIGNS}; use CSV")
    book = Workbook(write_only=True)
    sheet, notes = book.create_sheet(SHEET), book.create_sheet(NOTES)
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["C"].width = 90
    notes.column_dimensions["B"].width = 120
    for row in rows:
        sheet.append([text_cell(sheet, value) for value in row])
    for row in [*map(list, tasks.topics.items()), *([line] for line in ("", *HOW))]:
        notes.append([text_cell(notes, value) for value in row])
    stream = io.BytesIO()
    book.save(stream)
    return {"": stream.getvalue()}


def text_cell(sheet: Any, value: str) -> Any:
    """Return a cell that is text whatever it begins with, also when someone edits it."""
    from openpyxl.cell import WriteOnlyCell

    cell = WriteOnlyCell(sheet, value=None)
    if value:
        cell.value = ""
        cell._value = TO_ESCAPE.sub(lambda sign: f"_x{ord(sign[0]):04X}_", value)  # openpyxl would look for formulas
        cell.data_type = "s"
        cell.quotePrefix = bool(RISKY.match(value))
    return cell


def read_xlsx(path: Path) -> Iterator[tuple[str, Row | str]]:
    """Yield the rows of the sheet `sentences`, or of the first; raise `InputError` when it is no workbook."""
    import warnings

    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise InputError(NO_OPENPYXL) from error
    check_archive(path)
    try:
        with path.open("rb") as stream, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what openpyxl leaves out: charts, validations, extensions
            with closing(load_workbook(stream, read_only=True, keep_links=False)) as book:
                sheet = book[SHEET] if SHEET in book.sheetnames else book[book.sheetnames[0]]
                yield from read_sheet(sheet, path.name)
    except InputError:
        raise
    except Exception as error:  # a broken workbook makes openpyxl raise whatever it stumbles on
        raise InputError(one_line(f"{path}: no workbook that can be read: {type(error).__name__}: {error}")) from error


def check_archive(path: Path) -> None:
    """Raise `InputError` for what is no workbook, or would unpack to more than `MOST_BYTES`.

    `zipfile` gives no more of a part than the size that the archive says it has.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise InputError(one_line(f"{path}: no XLSX workbook: {error}")) from error
    if "xl/workbook.xml" not in {part.filename for part in parts}:
        raise InputError(f"{path}: an archive without a workbook; found: {listing((p.filename for p in parts), 4)}")
    if (size := sum(part.file_size for part in parts)) > MOST_BYTES:
        raise InputError(f"{path}: unpacks to {size} bytes; allowed: {MOST_BYTES}; use CSV")


def read_sheet(sheet: Any, name: str) -> Iterator[tuple[str, Row | str]]:
    """Yield the rows of a sheet under the names of its first row; blank rows are passed over."""
    sheet.reset_dimensions()  # those that the file claims
    first = next(sheet.iter_rows(max_row=1), ())
    header = [
        unprotected(text).strip() if isinstance(text := plain(cell), str) else "" for cell in first[:MOST_COLUMNS]
    ]
    if twice := [column for column in header if column and header.count(column) > 1]:
        raise InputError(f"{name}:1: column {shown(twice[0])} stands {header.count(twice[0])} times")
    if not any(header):
        raise InputError(f"{name}: no names of columns in the first row")
    rows = sheet.iter_rows(min_row=2, max_row=MOST_ROWS, max_col=len(header))
    for number, row in enumerate(rows, start=2):
        values = [plain(cell) for cell in row]
        if any(value not in (None, "") for value in values):
            yield f"{name}:{number}", {key: value for key, value in zip(header, values, strict=False) if key}


def plain(cell: Any) -> Any:
    """Return what is in a cell, text as it was before it was escaped.

    openpyxl takes `x005F_` out of shared strings, so a text that spells out `_x000D_` comes back with that sign.
    """
    if cell.data_type == "f":
        return Formula(str(cell.value))
    value = cell.value
    return ESCAPED.sub(lambda found: chr(int(found[1], 16)), value) if isinstance(value, str) else value


def fits(row: Row) -> bool:
    """Tell whether a row is about a sentence."""
    return "sentence_id" in row


def read(rows: Sequence[tuple[str, Row]], topics: Sequence[str]) -> Iterator[Said | Rejected]:
    """Yield what every row says, or why it says nothing; a row whose status and labels are blank yields nothing.

    Labels stand in one column a topic, or with a delimiter (`|`, `;` or `,`) in `labels` or `label`. Without a column
    `status`, a row without any label is refused: nobody could tell whether it was looked at.
    """
    check_columns(*rows[0], topics)
    for where, row in rows:
        try:
            if formulas := [name for name in (*READ, *topics) if isinstance(row.get(name), Formula)]:
                raise BadValueError(f"column {shown(formulas[0])} holds a formula, which is not evaluated")
            labels, status = labels_of(row, topics), status_of(row)
        except BadValueError as error:
            yield Rejected(where, str(error))
            continue
        if status is None and labels is None:
            if "status" not in row:
                yield Rejected(where, "no labels: [] or 0 says that it has none, blank that nobody looked at it")
            continue
        if status == "skipped" and labels:
            yield Rejected(where, f"skipped, and yet labelled: {listing(labels)}")
            continue
        key = row.get("sentence_id")
        key = unprotected(key) if isinstance(key, str) else key  # a CSV file may have become a workbook
        found = None if status == "skipped" else labels or []
        yield Said(where, key, found, row.get("annotator"), row.get("when"), row.get("text"))


def check_columns(where: str, row: Row, topics: Sequence[str]) -> None:
    """Raise `InputError` for a table that has no place for labels."""
    missing = [topic for topic in topics if topic not in row]
    if missing and not any(name in row for name in LABELS):
        raise InputError(
            one_line(f"{where}: no column 'labels', and none for topic {shown(missing[0])}; found: {listing(row, 20)}")
        )


def status_of(row: Row) -> str | None:
    """Return `done`, `skipped`, or None where nothing is said."""
    mark = str(row.get("status") or "").strip().lower()
    if mark and mark not in STATUSES:
        raise BadValueError(f"status is {shown(mark)}; allowed: {listing(STATUSES)}, or blank")
    return STATUSES.get(mark)


def labels_of(row: Row, topics: Sequence[str]) -> list[str] | None:
    """Return the labels in a row, None where all is blank."""
    for name in LABELS:
        if name in row:
            return split_labels(row[name], topics)
    marks = {topic: mark_of(row[topic], topic) for topic in topics}
    return None if set(marks.values()) == {None} else [topic for topic, mark in marks.items() if mark]


def mark_of(value: object, topic: str) -> bool | None:
    """Return whether a topic's column is marked, None where it is blank."""
    mark = "" if value is None else str(value).strip().lower()
    if mark and mark not in MARKS:
        raise BadValueError(f"column {shown(topic)} holds {shown(value)}; allowed: {listing(MARKS)}, or blank")
    return MARKS.get(mark)


def split_labels(value: object, topics: Sequence[str]) -> list[str] | None:
    """Return the labels in a cell: one, several with a delimiter, or a JSON list; None for a blank one."""
    import json

    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if not isinstance(value, str):
        raise BadValueError(f"labels are {shown(value)}; allowed: topics with a delimiter, or a JSON list")
    text = value.strip()
    if text in topics:
        return [text]
    if text.startswith("["):
        try:
            return json.loads(text)  # type: ignore[no-any-return] # checked with all that rows say
        except (ValueError, RecursionError) as error:
            raise BadValueError(f"labels {shown(text)} begin like a JSON list but are none") from error
    ways = [[label.strip() for label in text.split(sign) if label.strip()] for sign in "|;,"]
    known: Mapping[str, int] = dict.fromkeys(topics, 0)
    return next((way for way in ways if all(label in known for label in way)), max(ways, key=len))
