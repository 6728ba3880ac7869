"""Parquet files."""

import io

from slugline.data.opening import InputFile
from slugline.data.schema import Rows, describe_repeated


def read_parquet(file: InputFile) -> Rows:
    """Yield one row a record; the file is read in batches."""
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    try:
        with file.open_bytes() as stream:
            source = io.BytesIO(stream.read()) if file.path.suffix == ".gz" else file.path
            table = parquet.ParquetFile(source)
            if problem := describe_repeated(table.schema_arrow.names):
                yield file.name, problem
                return
            for batch in table.iter_batches(4096):  # rows held at once
                for row in batch.to_pylist():
                    number += 1
                    yield f"{file.name}:{number}", row
    except (pa.ArrowException, ValueError, OverflowError) as error:  # the latter two: dates that Python cannot hold
        raise OSError(str(error).splitlines()[0]) from error
