"""Parquet within limits: its text columns stay dictionaries, since one long text may stand in a million rows."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from slugline.data.opening import InputFile
from slugline.data.unpacking import SMALL

_BATCH, _HELD = 4096, 128 << 20  # rows, and bytes of text, held at once


def open_table(stream: BinaryIO) -> Any:
    """Open a Parquet file so that the texts of its columns are read as dictionaries."""
    from pyarrow import parquet

    schema = parquet.read_schema(stream)
    texts = [field.name for field in schema if str(field.type) in ("string", "large_string", "binary", "large_binary")]
    stream.seek(0)
    return parquet.ParquetFile(stream, read_dictionary=texts)


def read_batches(table: Any, group: int, file: InputFile) -> Iterator[Any]:
    """Yield the records of a group of rows in batches, None in place of a record that is too long.

    Raises `OSError` for a group that would unpack to too much.
    """
    metadata = table.metadata.row_group(group)
    columns = [metadata.column(number) for number in range(metadata.num_columns)]
    _check_columns(columns, metadata.num_rows, file)
    packed, unpacked = sum(column.total_compressed_size for column in columns), 0
    for batch in table.iter_batches(_batch_size(columns), row_groups=[group]):
        sizes = _text_sizes(batch)
        unpacked += int(sizes.sum()) if sizes is not None else 0
        unpacked += sum(column.nbytes for column in batch.columns if column.type.num_fields)  # lists and records
        _check_ratio(unpacked, packed, "its texts unpack", file)
        if sizes is None or (sizes.sum() <= _HELD and sizes.max() <= file.row_limit):
            yield batch
        else:
            yield from (None if size > file.row_limit else batch.slice(row, 1) for row, size in enumerate(sizes))


def _check_columns(columns: list[Any], rows: int, file: InputFile) -> None:
    """Raise `OSError` for a column that unpacks to many times its size, or whose rows are too long on average."""
    for column in columns:
        unpacked = column.total_uncompressed_size
        _check_ratio(unpacked, column.total_compressed_size, f"column '{column.path_in_schema}' unpacks", file)
        if unpacked > file.row_limit * max(rows, 1):
            raise OSError(file.too_long)


def _check_ratio(unpacked: int, packed: int, what: str, file: InputFile) -> None:
    """Raise `OSError` for what unpacks to too many times its size."""
    limits = file.unpacking_limits
    if unpacked > SMALL and unpacked > limits.ratio * max(packed, 1):
        raise OSError(f"{what} to more than {limits.ratio} times the size{limits.ratio_advice}")


def _batch_size(columns: list[Any]) -> int:
    """Return how many rows to read at once: few where a text inside a list may be long, which is repeated then."""
    nested: list[int] = [column.total_uncompressed_size for column in columns if _is_nested_text(column)]
    return max(min(_BATCH, _HELD // max([*nested, 1])), 1)


def _is_nested_text(column: Any) -> bool:
    """Tell whether a column is of texts inside lists or records, as a dictionary in the file."""
    is_text = column.physical_type == "BYTE_ARRAY" and "." in column.path_in_schema
    return is_text and any("DICTIONARY" in encoding for encoding in column.encodings)


def _text_sizes(batch: Any) -> Any:
    """Return the bytes of text in each record, an array of int64; None for a batch without text."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    total = None
    for column in batch.columns:
        if pa.types.is_dictionary(column.type):
            lengths = pc.binary_length(column.dictionary).cast(pa.int64()).take(column.indices)
            sizes = lengths.fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
            total = sizes if total is None else total + sizes
    return total if total is not None and len(total) else None
