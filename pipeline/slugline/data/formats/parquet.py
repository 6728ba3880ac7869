"""Parquet files."""

from typing import Any

from slugline.data.formats.parquet_limits import open_table, read_batches
from slugline.data.opening import InputFile
from slugline.data.schema import Rows, describe_repeated
from slugline.errors import one_line


def read_parquet(file: InputFile) -> Rows:
    """Yield one row a record, or why there is none; the file is read in batches, a broken group of rows is passed over.

    Records are numbered from 1.
    """
    import pyarrow as pa

    try:
        with file.open_seekable() as stream:
            table = open_table(stream)
            if problem := describe_repeated(table.schema_arrow.names):
                yield file.name, problem
                return
            first = 1
            for group in range(table.num_row_groups):
                yield from _read_group(table, group, first, file)
                first += table.metadata.row_group(group).num_rows
    except pa.ArrowException as error:
        raise OSError(one_line(error)) from error


def _read_group(table: Any, group: int, first: int, file: InputFile) -> Rows:
    """Yield the records of a group of rows, of which the first has the number `first`."""
    import pyarrow as pa

    number, last = first, first + table.metadata.row_group(group).num_rows - 1
    try:
        for batch in read_batches(table, group, file):
            try:
                rows = [file.too_long] if batch is None else batch.to_pylist()
            except _CELL_ERRORS:
                rows = [_to_row(batch.slice(index, 1)) for index in range(len(batch))]
            for row in rows:
                yield f"{file.name}:{number}", row
                number += 1
    except (pa.ArrowException, OSError) as error:
        yield f"{file.name}:{number}", f"no record from here to {last}: {one_line(error)}"


def _to_row(record: Any) -> dict[str, Any] | str:
    """Return a batch of one record as a row, or which cell Python cannot hold, such as a date after the year 9999."""
    cells = {}
    for column, value in zip(record.schema.names, record.columns, strict=True):
        try:
            cells[column] = value[0].as_py()
        except _CELL_ERRORS as error:
            return f"column '{column}' cannot be read: {error}"
    return cells


_CELL_ERRORS = (ValueError, OverflowError)
