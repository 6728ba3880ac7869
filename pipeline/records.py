"""Records of predictions: a row a sentence, as JSON lines, CSV or Parquet."""

import csv
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pipeline.tables import SENTENCE_COLUMNS, InputError, Sentence, listing

ENDINGS = (".jsonl", ".csv", ".parquet")


class Records(NamedTuple):
    """Sentences, the topics given to each, probabilities of shape (sentences, topics), and why, if asked for."""

    topics: tuple[str, ...]
    sentences: list[Sentence]
    given: Sequence[tuple[str, ...]]
    probabilities: np.ndarray
    reasons: list[dict[str, dict[str, float]]] | None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a record per sentence."""
        for number, sentence in enumerate(self.sentences):
            row = sentence._asdict() | {"topics": list(self.given[number])} | dict(zip(self.topics, self.probabilities[number].tolist(), strict=True))
            yield row | {"explain": self.reasons[number]} if self.reasons is not None else row

    def json_lines(self) -> Iterator[str]:
        """Yield a line of JSON per sentence."""
        return (json.dumps(row, ensure_ascii=False) + "\n" for row in self.rows())


def kind_of(output: Path) -> str:
    """Return a file's ending; raise `InputError` for one that cannot be written."""
    if output.suffix not in ENDINGS:
        raise InputError(f"output: '{output}' ends in '{output.suffix}'; allowed: {listing(ENDINGS)}")
    return output.suffix


def write_part(records: Records, part: Path) -> None:
    """Write records to a file by its ending; CSV without the first line, which the joined file gets."""
    if part.suffix == ".jsonl":
        with part.open("w", encoding="utf-8", errors="surrogatepass") as stream:
            stream.writelines(records.json_lines())
    elif part.suffix == ".csv":
        with part.open("w", encoding="utf-8", errors="surrogatepass", newline="") as stream:
            csv.writer(stream).writerows(map(flat, records.rows()))
    else:
        write_parquet(records, part)


def flat(row: dict[str, Any]) -> list[Any]:
    """Return a record as cells: topics with commas between, reasons as JSON."""
    cells = row | {"topics": ",".join(row["topics"])}
    return list((cells | {"explain": json.dumps(row["explain"], ensure_ascii=False)} if "explain" in row else cells).values())


def write_parquet(records: Records, part: Path) -> None:
    """Write records as a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    columns = [pa.array(values) for values in zip(*records.sentences, strict=True)] if records.sentences else []
    columns += [pa.array([list(names) for names in records.given]), *(pa.array(column) for column in records.probabilities.T)]
    if records.reasons is not None:
        columns.append(pa.array([json.dumps(reason, ensure_ascii=False) for reason in records.reasons]))
    schema = parquet_schema(records.topics, records.reasons is not None)
    table = schema.empty_table() if not records.sentences else pa.table([c.cast(f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
    parquet.write_table(table, part)


def parquet_schema(topics: Sequence[str], explained: bool) -> Any:
    """Return the columns of predictions in Parquet."""
    import pyarrow as pa

    kinds = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
    fields = [(name, kinds[kind]) for name, kind in Sentence.__annotations__.items()]
    fields += [("topics", pa.list_(pa.string())), *((topic, pa.float64()) for topic in topics)]
    return pa.schema(fields + ([("explain", pa.string())] if explained else []))


def join_parts(parts: Path, output: Path, topics: Sequence[str], explained: bool) -> None:
    """Join the parts of an output, and of what was rejected, each written beside and renamed when whole."""
    files = sorted(parts.glob(f"*{output.suffix}"))
    beside = parts / "whole"
    if output.suffix == ".parquet":
        join_parquet(files, beside, parquet_schema(topics, explained))
    else:
        names = [*SENTENCE_COLUMNS, "topics", *topics, *(["explain"] if explained else [])]
        head = ",".join(f'"{name}"' if "," in name else name for name in names) + "\r\n"
        join_bytes(files, beside, head.encode() if output.suffix == ".csv" else b"")
    os.replace(beside, output)
    rejected = output.with_name(output.name + ".rejected.jsonl")
    if found := sorted(parts.glob("*.rejected")):
        join_bytes(found, beside)
        os.replace(beside, rejected)
    else:
        rejected.unlink(missing_ok=True)  # of an earlier run on other input


def join_bytes(files: Sequence[Path], target: Path, head: bytes = b"") -> None:
    """Write files one after the other."""
    with target.open("wb") as stream:
        stream.write(head)
        for file in files:
            with file.open("rb") as part:
                shutil.copyfileobj(part, stream)


def join_parquet(files: Sequence[Path], target: Path, schema: Any) -> None:
    """Write Parquet files as the row groups of one."""
    from pyarrow import parquet

    with parquet.ParquetWriter(target, schema) as writer:
        for file in files:
            writer.write_table(parquet.read_table(file, schema=schema))
