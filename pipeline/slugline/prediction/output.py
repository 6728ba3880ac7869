"""Records of predictions: a row a sentence, as JSON lines, CSV or Parquet, written part by part."""

import csv
import io
import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slugline.data.schema import SENTENCE_COLUMNS, Rejected, Sentence
from slugline.errors import InputError, listing

ENDINGS = (".jsonl", ".csv", ".parquet")
ESCAPE = "backslashreplace"  # a lone surrogate as \udc80: what JSON calls it, and something that UTF-8 can hold
Reasons = Mapping[str, Mapping[str, float]]
to_json = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes an encoder for every call


class Records(NamedTuple):
    """Sentences, the topics given to each, probabilities of shape (sentences, topics), and why, if asked for."""

    topics: tuple[str, ...]
    sentences: Sequence[Sentence]
    given: Sequence[tuple[str, ...]]
    probabilities: np.ndarray
    reasons: Sequence[Reasons] | None

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a record per sentence."""
        for number, scores in enumerate(self.probabilities.tolist()):
            row = self.sentences[number]._asdict() | {"topics": list(self.given[number])}
            row |= zip(self.topics, scores, strict=True)
            yield row if self.reasons is None else row | {"explain": self.reasons[number]}

    def encode(self, ending: str) -> bytes:
        """Return the records as a file of an ending would hold them; CSV without its first line, see `csv_head`."""
        if ending == ".parquet":
            return encode_parquet(self)
        return encode_lines(self.rows()) if ending == ".jsonl" else encode_csv(map(flat, self.rows()))


def kind_of(output: Path) -> str:
    """Return a file's ending; raise `InputError` for one that cannot be written."""
    if output.suffix not in ENDINGS:
        raise InputError(f"output: '{output}' ends in '{output.suffix}'; allowed: {listing(ENDINGS)}")
    return output.suffix


def column_names(topics: Sequence[str], explained: bool) -> list[str]:
    """Return the columns of a file of predictions."""
    return [*SENTENCE_COLUMNS, "topics", *topics, *(["explain"] if explained else [])]


def check_topics(topics: Sequence[str], ending: str) -> None:
    """Raise `InputError` for a topic that cannot be a column: named like another, or with a comma in CSV."""
    names = Counter(column_names(topics, explained=True))
    if clash := [topic for topic in topics if names[topic] > 1]:
        raise InputError(f"the model has a topic '{clash[0]}', and predictions a column of that name; rename the topic")
    if ending == ".csv" and (comma := [topic for topic in topics if "," in topic]):
        raise InputError(f"topic '{comma[0]}' has a comma, which in CSV stands between topics; write JSONL or Parquet")
    if odd := [topic for topic in topics if topic != topic.encode(errors=ESCAPE).decode()]:
        raise InputError(f"topic {odd[0]!r} is no text that UTF-8 can hold; rename the topic")


def encode_lines(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return rows as JSON lines."""
    return "".join(to_json(row) + "\n" for row in rows).encode(errors=ESCAPE)


def encode_csv(rows: Iterable[Sequence[Any]]) -> bytes:
    """Return rows as CSV (RFC 4180)."""
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    return stream.getvalue().encode(errors=ESCAPE)


def flat(row: dict[str, Any]) -> list[Any]:
    """Return a record as cells: topics with commas between, reasons as JSON."""
    cells = row | {"topics": ",".join(row["topics"])}
    return [to_json(cell) if isinstance(cell, dict) else cell for cell in cells.values()]


def encode_parquet(records: Records) -> bytes:
    """Return records as a Parquet file."""
    import pyarrow as pa
    from pyarrow import parquet

    columns: list[Any] = [*zip(*records.sentences, strict=True)] or [() for _ in SENTENCE_COLUMNS]
    columns += [[list(names) for names in records.given], *records.probabilities.T]
    if records.reasons is not None:
        columns.append([to_json(reasons) for reasons in records.reasons])
    schema = parquet_schema(records.topics, records.reasons is not None)
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    stream = io.BytesIO()
    parquet.write_table(pa.table(arrays, schema=schema), stream)
    return stream.getvalue()


def parquet_schema(topics: Sequence[str], explained: bool) -> Any:
    """Return the columns of predictions in Parquet."""
    import pyarrow as pa

    kinds = {str: pa.string(), int: pa.int64(), bool: pa.bool_()}
    fields = [(name, kinds[kind]) for name, kind in Sentence.__annotations__.items()]
    fields += [("topics", pa.list_(pa.string())), *((topic, pa.float64()) for topic in topics)]
    return pa.schema(fields + ([("explain", pa.string())] if explained else []))


@dataclass(frozen=True)
class Parts:
    """The parts of an output, one a batch, in a folder beside it until they are joined.

    The journal there begins with the mark of the job and gets a line for each part once that is whole. So a run may be
    killed at any moment: a part without its line is written again, and without a journal all of them are.
    """

    output: Path

    @property
    def folder(self) -> Path:
        """Where the parts are."""
        return self.output.with_name(self.output.name + ".parts")

    @property
    def rejected(self) -> Path:
        """Where what was rejected goes."""
        return self.output.with_name(self.output.name + ".rejected.jsonl")

    @contextmanager
    def open(self, mark: str, resume: bool) -> Iterator[list[str]]:
        """Make the folder, or take up what a killed run of the same job left; give the notes of the parts kept.

        Raises `InputError` when those are another job's, or another process is at it. After an error the parts stay.
        """
        from filelock import FileLock, Timeout

        with writing(self.output):
            self.folder.mkdir(exist_ok=True)
            lock = FileLock(self.folder / "lock")
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                raise InputError(f"output: another process is writing {self.output}") from error
        try:
            yield self._begin(mark, resume)
        finally:
            empty = len(self._read_journal()) < 2
            lock.release()
            if empty:  # all parts are joined, or there never was one
                shutil.rmtree(self.folder, ignore_errors=True)

    def _begin(self, mark: str, resume: bool) -> list[str]:
        found = self._read_journal() if resume else []
        if found and found[0] != mark:
            raise InputError(
                f"resume=true: {self.folder} belongs to another model, input or config; "
                "remove it, or start again with resume=false"
            )
        kept = found or [mark]
        with writing(self.output):
            beside = self.folder / "journal.new"
            beside.write_text("".join(f"{line}\n" for line in kept), encoding="utf-8")
            beside.replace(self._journal)
        return kept[1:]

    @property
    def _journal(self) -> Path:
        return self.folder / "journal"

    def _read_journal(self) -> list[str]:
        """Return the whole lines: the last one may have been cut off."""
        return self._journal.read_text(encoding="utf-8").split("\n")[:-1] if self._journal.is_file() else []

    def _rows(self, number: int) -> Path:
        return self.folder / f"{number:08d}.rows"

    def _reasons(self, number: int) -> Path:
        return self.folder / f"{number:08d}.rejected"

    def write(self, number: int, records: bytes, rejected: Sequence[Rejected], note: str) -> None:
        """Write a part, then its note, one line, into the journal."""
        with writing(self.output):
            self._rows(number).write_bytes(records)
            self._reasons(number).write_bytes(encode_lines(item._asdict() for item in rejected))
            with self._journal.open("a", encoding="utf-8") as stream:
                stream.write(note + "\n")

    def join(self, parts: int, topics: Sequence[str], explained: bool) -> None:
        """Join the parts of the output, written beside and renamed when whole."""
        files, beside = [self._rows(number) for number in range(parts)], self.folder / "whole"
        with writing(self.output):
            if self.output.suffix == ".parquet":
                join_parquet(files, beside, parquet_schema(topics, explained))
            else:
                csv_head = encode_csv([column_names(topics, explained)])
                join_bytes(files, beside, csv_head if self.output.suffix == ".csv" else b"")
            beside.replace(self.output)

    def close(self, parts: int) -> None:
        """Join what was rejected (or remove the file of an earlier run where nothing was), and give up the parts."""
        beside = self.folder / "whole"
        with writing(self.output):
            join_bytes([self._reasons(number) for number in range(parts)], beside)
            if beside.stat().st_size:
                beside.replace(self.rejected)
            else:
                self.rejected.unlink(missing_ok=True)
            self._journal.unlink()


@contextmanager
def writing(output: Path) -> Iterator[None]:
    """Turn what the disk refuses into an `InputError`."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"output: cannot write {output}: {reason}; resume=true takes up what is done") from error


def join_bytes(files: Iterable[Path], target: Path, head: bytes = b"") -> None:
    """Write files one after the other."""
    with target.open("wb") as stream:
        stream.write(head)
        for file in files:
            with file.open("rb") as part:
                shutil.copyfileobj(part, stream)


def join_parquet(files: Iterable[Path], target: Path, schema: Any) -> None:
    """Write Parquet files as the row groups of one."""
    from pyarrow import parquet

    with parquet.ParquetWriter(target, schema) as writer:
        for file in files:
            writer.write_table(parquet.read_table(file, schema=schema))
