"""Tables as text: CSV and TSV, whose first line names the columns."""

from collections.abc import Iterator, Sequence
from itertools import chain, count, islice
from typing import TextIO

from slugline.data.encodings import describe_undecoded
from slugline.data.formats.csv_records import CsvRecords
from slugline.data.formats.separators import Dialect, find_dialect
from slugline.data.opening import InputFile
from slugline.data.schema import Row, Rows, describe_repeated

NO_HEADER = "the first line names no columns"  # how the reason begins why a table has no header
_LOOKED_AT = 100  # lines in which the separator is found


def read_csv(file: InputFile) -> Rows:
    """Yield the records of a table under the names in its first line, each with `name:line` where it begins.

    The separator, where none is given, is found from the first lines. In place of a record that cannot be read comes
    the reason, a string; blank lines are skipped.
    """
    with file.open_text() as stream:
        dialect, lines = open_table(stream, file)
        records = CsvRecords(lines, dialect)
        line, header = 1 + dialect.declared, None
        for fields, taken in records:
            where, line = f"{file.name}:{line}", line + len(taken)
            if not fields:
                continue
            problem = None if all(map(str.isascii, taken)) else describe_undecoded("".join(taken), stream.encoding)
            if header is None:
                header = None if isinstance(fields, str) else _to_header(file, fields)
                problem = problem or (fields if header is None else describe_header(header))
                if problem:
                    yield where, problem
                    return
                if file.options.header:
                    continue
            yield where, problem or _to_row(header, fields)
        if records.loose:
            file.notes.append(f"rows with loose quotes: {records.loose}")


def open_table(stream: TextIO, file: InputFile) -> tuple[Dialect, Iterator[str]]:
    """Return how a table separates its fields, which is noted, and its lines without one that says so."""
    first = list(islice(stream, _LOOKED_AT))
    dialect = find_dialect(first, file.options.separator_sign)
    is_tsv = ".tsv" in file.name.lower() or file.options.format == "tsv"
    file.notes.extend(dialect.describe("\t" if is_tsv else ","))
    return dialect, chain(first[dialect.declared :], stream)


def describe_header(names: Sequence[str]) -> str | None:
    """Return what is wrong with the names of columns, None if they can be used."""
    problem = describe_repeated(names)
    repeated = next((name for name in names if names.count(name) > 1), "")
    if problem and (len(repeated) > 60 or repeated.lstrip("+-").replace(".", "").isdigit()):
        return f"{NO_HEADER}: '{repeated:.60}' stands {names.count(repeated)} times"
    return problem


def _to_header(file: InputFile, fields: Sequence[str]) -> list[str]:
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


def _to_row(header: Sequence[str], fields: Sequence[str] | str) -> Row | str:
    """Return fields under the names of their columns, or why there are none."""
    return fields if isinstance(fields, str) else dict(zip(header, fields, strict=True))
