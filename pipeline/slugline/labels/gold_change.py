"""Files of gold labels after a change of the codebook: the labels are changed, all else is as it was."""

import csv
import gzip
import io
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from slugline.data.formats.tables import find_delimiter
from slugline.data.input_files import format_of
from slugline.data.label_cells import parse_labels
from slugline.data.opening import InputFile
from slugline.data.unpacking import compression
from slugline.errors import InputError, listing
from slugline.labels.codebook_change import CodebookChange
from slugline.labels.gold import parse_gold, read_gold

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
    file: Path, change: CodebookChange, *, columns: Mapping[str, str], delimiter: str, mode: str
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

    Raises
    ------
    InputError
        For a row that cannot be read, or labels that the cell cannot hold.
    """
    for _ in parse_gold(read_gold(str(file), columns), columns, delimiter):
        pass  # a row that cannot be read is told before anything is made
    names = {name: columns.get(name) or name for name in ("labels", "text", "sentence_id")}
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

    if (file_format := format_of(file)) not in _REWRITERS or compression(file.name) not in ("", ".gz"):
        allowed = f"{listing(_REWRITERS)}, as they are or with .gz"
        raise InputError(f"labels.gold: {file}: {file_format} cannot be rewritten; allowed: {allowed}")
    with InputFile(file, file.name).open_bytes() as stream:
        data = stream.read()
    data = _REWRITERS[file_format](data, names["labels"], change_row, file.name)
    changed.content = gzip.compress(data, mtime=0) if file.suffix == ".gz" else data
    return changed


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


def _rewrite_jsonl(data: bytes, column: str, change_row: _CellChange, name: str) -> bytes:
    """Rewrite the lines whose labels change; the others stay byte for byte."""
    lines = data.split(b"\n")
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        mark = b"\xef\xbb\xbf" if line.startswith(b"\xef\xbb\xbf") else b""
        row = json.loads(line.removeprefix(mark))
        cell = change_row(row, f"{name}:{number + 1}")
        if cell is _REMOVED:
            lines[number] = b""
        elif cell is not row[column]:
            text = json.dumps({**row, column: cell}, ensure_ascii=line.isascii() and b"\\u" in line)
            lines[number] = mark + text.encode(errors="backslashreplace") + line[len(line.rstrip()) :]
    kept = [line for line, before in zip(lines, data.split(b"\n"), strict=True) if line or not before.strip()]
    return b"\n".join(kept)


def _rewrite_csv(data: bytes, column: str, change_row: _CellChange, name: str, delimiter: str | None = None) -> bytes:
    """Rewrite the records whose labels change, quoted as they were; the others stay byte for byte."""
    text = data.decode()
    delimiter = delimiter or find_delimiter(text.removeprefix("\ufeff").partition("\n")[0])
    taken: list[str] = []  # the lines of the record that is read

    def take_lines() -> Any:
        for line in io.StringIO(text.removeprefix("\ufeff"), newline=""):
            taken.append(line)
            yield line

    records = csv.reader(take_lines(), delimiter=delimiter, strict=True)
    header: list[str] = next(records)
    place = header.index(column)
    pieces = ["\ufeff" if text.startswith("\ufeff") else "", *taken]
    taken.clear()
    line_number = records.line_num + 1
    for record in records:
        raw = "".join(taken)
        taken.clear()
        before = record[place] if record else None  # a blank line is no record
        cell: Any = change_row(dict(zip(header, record, strict=True)), f"{name}:{line_number}") if record else None
        line_number = records.line_num + 1
        if cell is not _REMOVED:
            changed = [*record[:place], cell, *record[place + 1 :]]
            pieces.append(raw if cell == before else _to_csv(changed, raw, delimiter))
    return "".join(pieces).encode()


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


_REWRITERS: dict[str, Callable[[bytes, str, _CellChange, str], bytes]] = {
    "jsonl": _rewrite_jsonl,
    "csv": _rewrite_csv,
    "tsv": partial(_rewrite_csv, delimiter="\t"),
    "parquet": _rewrite_parquet,
}
