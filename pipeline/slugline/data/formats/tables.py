"""Tables as text: CSV and TSV, whose first line names the columns."""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count
from typing import TextIO

from slugline.data.encodings import describe_undecoded
from slugline.data.formats.csv_records import MAX_FIELD, CsvRecords, take_lines
from slugline.data.formats.separators import Dialect, find_dialect
from slugline.data.opening import InputFile
from slugline.data.schema import Rows, describe_repeated
from slugline.data.streams import read_lines

NO_HEADER = "the first line names no columns"  # how the reason begins why a table has no header
_LOOKED_AT, _MOST_LOOKED_AT = 100, 1 << 20  # lines, and characters, in which the separator is found


def read_csv(file: InputFile) -> Rows:
    """Yield the records of a table under the names in its first line, each with `name:line` where it begins.

    The separator, where none is given, is found from the first lines. In place of a record that cannot be read comes
    the reason, a string; blank lines are skipped.
    """
    header: list[str] | None = None
    with file.open_text() as stream:
        for where, fields in _read_records(stream, file):
            if isinstance(fields, str):
                yield where, fields
                if header is None and file.options.header:
                    return
            elif header is not None:
                yield where, dict(zip(header, fields, strict=True))
            else:
                header = to_header(file, fields)
                if problem := describe_header(header):
                    yield where, problem
                    return
                if not file.options.header:
                    yield where, dict(zip(header, fields, strict=True))


def _read_records(stream: TextIO, file: InputFile) -> Iterator[tuple[str, list[str] | str]]:
    """Yield the fields of each record that is not blank, or why it has none, with its place."""
    dialect, lines = open_table(read_lines(stream, file.row_limit), file)
    records = CsvRecords(lines, dialect, file.row_limit)
    line = 1 + dialect.declared
    for fields, taken in records:
        if taken == [""]:
            yield f"{file.name}:{line}", file.too_long
        elif fields:
            undecoded = None if all(map(str.isascii, taken)) else describe_undecoded("".join(taken), stream.encoding)
            overran = isinstance(fields, str) and records.overran
            yield f"{file.name}:{line}", undecoded or (f"{fields}, or it is {file.too_long}" if overran else fields)
        line += len(taken)
    if records.loose:
        file.notes.append(f"rows with loose quotes: {records.loose}")


def open_table(stream: Iterable[str], file: InputFile) -> tuple[Dialect, Iterator[str]]:
    """Return how a table separates its fields, which is noted, and its lines without one that says so."""
    all_lines = iter(stream)
    csv.field_size_limit(MAX_FIELD)  # what is looked at here is little
    first = take_lines(all_lines, _LOOKED_AT, _MOST_LOOKED_AT)
    dialect = find_dialect(first, file.options.separator_sign)
    is_tsv = ".tsv" in file.name.lower() or file.options.format == "tsv"
    file.notes.extend(dialect.describe("\t" if is_tsv else ","))
    return dialect, chain(first[dialect.declared :], all_lines)


def describe_header(names: Sequence[str]) -> str | None:
    """Return what is wrong with the names of columns, None if they can be used."""
    repeated = next((name for name, count in Counter(names).items() if count > 1), "")
    if len(repeated) > 60 or repeated.lstrip("+-").replace(".", "").isdigit():
        return f"{NO_HEADER}: '{repeated:.60}' stands {names.count(repeated)} times"
    return describe_repeated(names)


def to_header(file: InputFile, fields: Sequence[str]) -> list[str]:
    """Return the names of columns; those without one go by their number, if there are several."""
    if not file.options.header:
        return [str(number) for number in range(len(fields))]
    names = [name.strip() for name in fields]
    unnamed = [number for number, name in enumerate(names) if not name]
    if len(unnamed) > 1:
        file.notes.append(f"columns without a name: {len(unnamed)}")
        free = (f"column {number}" for number in count() if f"column {number}" not in names)
        return [name or next(free) for name in names]
    return names
