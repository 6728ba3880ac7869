"""Files of gold labels after a change of the codebook: the labels are changed, all else is as it was."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slugline.data.articles import column_name
from slugline.data.encodings import decode_exactly
from slugline.data.formats.csv_records import CsvRecords
from slugline.data.formats.tables import open_table, to_header
from slugline.data.input_files import format_of
from slugline.data.label_cells import parse_labels
from slugline.data.opening import InputFile, ReadOptions
from slugline.data.predictions import is_predictions, unguard_row
from slugline.data.unpacking import compression
from slugline.errors import InputError, listing
from slugline.labels.codebook_change import CodebookChange
from slugline.labels.gold import parse_gold, read_gold
from slugline.spreadsheets import guard, unguard

_REMOVED = object()  # in place of a cell: its row goes
_CellChange = Callable[[Mapping[str, Any], str], Any]  # a row and its place, to the new cell or `_REMOVED`


@dataclass
class ChangedGold:
    """A file of gold labels after a change of the codebook.

    Parameters
    ----------
    file : Path
        The file.
    content : bytes
        What it is to hold.
    before, after : Counter of str
        Labelled sentences of each topic.
    rows, changed, removed : int
        How many rows there are, how many have other labels now, and how many are gone from the file: in multiclass,
        where a sentence has exactly one topic, those whose topic is dropped.
    united, bare : list of str
        Sentences that people should look at again: those of which several labels became one, and those that carry
        no topic any more; each with its place, labels and text.
    """

    file: Path
    content: bytes = b""
    before: Counter[str] = field(default_factory=Counter)
    after: Counter[str] = field(default_factory=Counter)
    rows: int = 0
    changed: int = 0
    removed: int = 0
    united: list[str] = field(default_factory=list)
    bare: list[str] = field(default_factory=list)

    def count(self, labels: Sequence[str], after: Sequence[str], change: CodebookChange, sentence: str) -> None:
        """Count a sentence with its labels before and after."""
        self.rows += 1
        self.changed += tuple(labels) != tuple(after)
        self.before.update(labels)
        self.after.update(after)
        if change.loses_its_only_topics(labels):
            self.bare.append(sentence)
        elif len(after) < sum(label not in change.drops for label in labels):
            self.united.append(sentence)


def change_gold(
    file: Path,
    change: CodebookChange,
    *,
    columns: Mapping[str, str],
    delimiter: str,
    mode: str,
    options: ReadOptions | None = None,
) -> ChangedGold:
    """Return what a file of gold labels holds after a change; the file itself is left alone.

    Parameters
    ----------
    file : Path
        JSON lines, CSV, TSV or Parquet, each maybe with `.gz`.
    change : CodebookChange
        The change.
    columns, delimiter, mode
        As `Labels` has them.
    options : ReadOptions, optional
        How the file is read, as `Labels` has it; it is written with the same encoding and separator.

    Raises
    ------
    InputError
        For a row that cannot be read, or labels that the cell cannot hold.
    """
    source = InputFile(file, file.name, options or ReadOptions(), key="labels.gold")
    _check_rewritable(source)
    for _ in parse_gold(read_gold(str(file), columns, source.options), columns, delimiter):
        pass  # a row that cannot be read is told before anything is made
    names = {name: column_name(columns, name) for name in ("labels", "text", "sentence_id")}
    changed = ChangedGold(file)

    def change_row(row: Mapping[str, Any], where: str) -> Any:
        """Count a row, and return its new cell."""
        cell = row[names["labels"]]
        labels = parse_labels(cell, delimiter, where)
        if labels is None:
            return cell
        after = change.apply_to_labels(labels)
        said = str(row.get(names["text"]) or row.get(names["sentence_id"]) or "")
        changed.count(labels, after, change, f"{where}  {', '.join(labels)}: {' '.join(said.split())[:60]}")
        if mode == "multiclass" and change.loses_its_only_topics(labels):
            changed.removed += 1
            return _REMOVED
        return cell if after == labels else _write_cell(cell, after, delimiter, where)

    data = _rewrite(source, names["labels"], change_row)
    changed.content = gzip.compress(data, mtime=0) if file.suffix == ".gz" else data
    return changed


def _check_rewritable(file: InputFile) -> None:
    """Raise `InputError` for a file of a format, or compressed in a way, that is only read."""
    file_format = file.options.format or format_of(file.path)
    if file_format not in (*_REWRITERS, "parquet") or compression(file.path.name) not in ("", ".gz"):
        allowed = f"{listing([*_REWRITERS, 'parquet'])}, as they are or with .gz"
        raise InputError(f"labels.gold: {file.path}: {file_format} cannot be rewritten; allowed: {allowed}")


def _write_cell(cell: Any, labels: Sequence[str], delimiter: str, where: str) -> Any:
    """Return labels in the form of the cell that they replace: a list, a list of JSON, or delimited text."""
    if not isinstance(cell, str):
        return list(labels)
    is_list = cell.strip().startswith("[")
    between = f"{delimiter} " if f"{delimiter} " in cell else delimiter
    text = json.dumps(list(labels), ensure_ascii=False) if is_list else between.join(labels)
    try:
        read = parse_labels(text, delimiter, where)
    except InputError:
        read = None
    if read != tuple(labels):
        raise InputError(
            f"gold labels, {where}: the cell {cell!r} has '{delimiter}' between topics and cannot hold {text!r}; "
            f"choose a name without '{delimiter}', at the ends blanks, and [ at the beginning"
        )
    return text


def _rewrite(file: InputFile, column: str, change_row: _CellChange) -> bytes:
    """Return a file with other cells in a column, in the encoding that it has."""
    with file.open_bytes() as stream:
        data = stream.read()
    file_format = file.options.format or format_of(file.path)
    if file_format not in _REWRITERS:
        return _rewrite_parquet(data, column, change_row, file.name)
    mark, encoding, text = decode_exactly(data, file.options.encoding)
    text = _REWRITERS[file_format](text, file, column, change_row, encoding)
    try:
        return mark + text.encode(encoding)
    except UnicodeEncodeError as error:
        sign = error.object[error.start]
        raise InputError(
            f"gold labels, {file.name}: its encoding, {encoding}, has no {sign!r}; save it as UTF-8"
        ) from error


def _rewrite_json_lines(text: str, file: InputFile, column: str, change_row: _CellChange, encoding: str) -> str:
    """Rewrite the lines whose labels change; the others stay as they are."""
    kept = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            kept.append(line)
            continue
        mark = "\ufeff" if line.startswith("\ufeff") else ""
        row = json.loads(line.removeprefix(mark))
        cell = change_row(row, f"{file.name}:{number}")
        if cell is _REMOVED:
            continue
        changed = f"{mark}{_to_json({**row, column: cell}, line, encoding)}{line[len(line.rstrip()) :]}"
        kept.append(line if cell is row[column] else changed)
    return "\n".join(kept)


def _to_json(row: Mapping[str, Any], line: str, encoding: str) -> str:
    """Return a row as JSON, with escapes in place of letters where its line had such, or the encoding has no others."""
    text = json.dumps(row, ensure_ascii=line.isascii() and "\\u" in line)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(row)
    return text


def _rewrite_csv(text: str, file: InputFile, column: str, change_row: _CellChange, encoding: str) -> str:
    """Rewrite the records whose labels change, quoted as they were; the others stay as they are."""
    dialect, lines = open_table(io.StringIO(text, newline=""), file)
    pieces = [text[: text.index("\n") + 1]] if dialect.declared else []
    number = 1 + dialect.declared
    header: list[str] = []
    for fields, taken in CsvRecords(lines, dialect):
        raw, where, number = "".join(taken), f"{file.name}:{number}", number + len(taken)
        names_columns = not header and file.options.header
        header = header or to_header(file, fields)
        if not fields or names_columns:
            pieces.append(raw)
            continue
        guarded = is_predictions(header)
        place = [unguard(name) if guarded else name for name in header].index(column)
        as_read: Mapping[str, Any] = dict(zip(header, fields, strict=True))
        row = unguard_row(as_read) if guarded else as_read
        cell = change_row(row, where)
        if cell is not _REMOVED:
            changed = [*fields[:place], guard(cell) if guarded else cell, *fields[place + 1 :]]
            pieces.append(raw if cell == row[column] else _to_csv(changed, raw, dialect.separator))
    return "".join(pieces)


def _to_csv(record: Sequence[str], raw: str, delimiter: str) -> str:
    """Return a record as text, with the quotes and the line end of the text that it replaces."""
    quoting = csv.QUOTE_ALL if raw.count('"') >= 2 * len(record) else csv.QUOTE_MINIMAL
    stream = io.StringIO()
    # the quotes are right for any line end if the one here is the longest; it gives way to that of the record
    csv.writer(stream, delimiter=delimiter, quoting=quoting, lineterminator="\r\n").writerow(record)  # type: ignore[arg-type]
    return stream.getvalue().removesuffix("\r\n") + raw[len(raw.rstrip("\r\n")) :]


def _rewrite_parquet(data: bytes, column: str, change_row: _CellChange, name: str) -> bytes:
    """Replace the column of labels, which keeps its type."""
    import pyarrow as pa
    from pyarrow import parquet

    table = parquet.read_table(io.BytesIO(data))
    cells = [change_row(row, f"{name}:{number}") for number, row in enumerate(table.to_pylist(), 1)]
    kept = pa.array([cell is not _REMOVED for cell in cells], type=pa.bool_())
    place = table.schema.get_field_index(column)
    labels = pa.array([None if cell is _REMOVED else cell for cell in cells], type=table.schema.field(place).type)
    stream = io.BytesIO()
    parquet.write_table(table.set_column(place, table.schema.field(place), labels).filter(kept), stream)
    return stream.getvalue()


_REWRITERS: dict[str, Callable[[str, InputFile, str, _CellChange, str], str]] = {
    "jsonl": _rewrite_json_lines,
    "csv": _rewrite_csv,
    "tsv": _rewrite_csv,
}
