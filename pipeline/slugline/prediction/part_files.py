"""Part files: each batch's records in a file of its own until all are joined into the output, so a run can resume."""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from slugline.data.schema import Rejected
from slugline.errors import InputError
from slugline.files import to_json_lines, write_atomically
from slugline.prediction.records import csv_header, parquet_schema


def rejected_file(output: Path) -> Path:
    """Return the file that tells which rows were rejected for an output, and why."""
    return output.with_name(output.name + ".rejected.jsonl")


class PartFiles:
    """The part files of an output, one a batch, in a folder beside it until they are joined.

    The journal in that folder begins with the fingerprint of the job and gets a line, the note, for each part once the
    part is whole. So a run may be killed at any moment: a part without its line is written again, and without a
    journal all of them are.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output.with_name(output.name + ".parts")
        self.rejected = rejected_file(output)
        self._journal = self.folder / "journal"
        # Not `write_atomically`: a run killed while joining would leave its draft beside the output; this one is
        # overwritten by the resumed run
        self._draft = self.folder / "whole"

    @contextmanager
    def open(self, fingerprint: str, resume: bool) -> Iterator[list[str]]:
        """Make the folder, or resume what a killed run of the same job left; yield the notes of the parts it keeps.

        The fingerprint, one line, identifies this job. After an error the parts stay. Raises `InputError` when
        they are another job's, or another process is writing the same output.
        """
        from filelock import FileLock, Timeout

        with _report_disk_errors(self.output):
            if self.folder.is_dir() and any(self.folder.iterdir()) and not (self.folder / "lock").exists():
                raise InputError(f"output: the parts go to {self.folder}, which holds other files; give another output")
            self.folder.mkdir(exist_ok=True)
            lock = FileLock(self.folder / "lock")
            try:
                lock.acquire(timeout=0)
            except Timeout as error:
                raise InputError(f"output: another process is writing {self.output}") from error

        try:
            yield self._begin_journal(fingerprint, resume)
        finally:
            no_parts = len(self._read_journal()) < 2  # all are joined, or there never was one
            lock.release()
            if no_parts:
                shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, number: int, records: bytes, rejected: Sequence[Rejected], note: str) -> None:
        """Write a part, and only then its note, one line, into the journal."""
        with _report_disk_errors(self.output):
            self._part(number, "rows").write_bytes(records)
            self._part(number, "rejected").write_bytes(to_json_lines(item.to_record() for item in rejected))
            with self._journal.open("a", encoding="utf-8") as stream:
                stream.write(note + "\n")

    def join(self, count: int, topics: Sequence[str], *, explained: bool, guard: bool) -> None:
        """Join the first `count` parts into the output, which is replaced once they are.

        `guard` says whether the parts of CSV are guarded against formulas.
        """
        parts = [self._part(number, "rows") for number in range(count)]
        with _report_disk_errors(self.output):
            if self.output.suffix == ".parquet":
                _join_parquet(parts, self._draft, parquet_schema(topics, explained))
            else:
                header = csv_header(topics, explained, guard) if self.output.suffix == ".csv" else b""
                _join_bytes(parts, self._draft, header)
            self._draft.replace(self.output)

    def close(self, count: int) -> None:
        """Join what was rejected, or remove such a file of an earlier run, and give up the parts."""
        with _report_disk_errors(self.output):
            _join_bytes([self._part(number, "rejected") for number in range(count)], self._draft)
            if self._draft.stat().st_size:
                self._draft.replace(self.rejected)
            else:
                self.rejected.unlink(missing_ok=True)
            self._journal.unlink()

    def _begin_journal(self, fingerprint: str, resume: bool) -> list[str]:
        """Write a journal with the lines that are kept; return the notes among them."""
        lines = self._read_journal() if resume else []
        if lines and lines[0] != fingerprint:
            found = f"{self.folder} belongs to another model, input or config"
            raise InputError(f"resume=true: {found}; remove it, or start again with resume=false")

        lines = lines or [fingerprint]
        with _report_disk_errors(self.output), write_atomically(self._journal) as draft:
            draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return lines[1:]

    def _read_journal(self) -> list[str]:
        """Return the whole lines: the last one may have been cut off."""
        return self._journal.read_text(encoding="utf-8").split("\n")[:-1] if self._journal.is_file() else []

    def _part(self, number: int, kind: str) -> Path:
        return self.folder / f"{number:08d}.{kind}"


@contextmanager
def _report_disk_errors(output: Path) -> Iterator[None]:
    """Turn what the disk refuses into an `InputError`."""
    try:
        yield
    except OSError as error:
        problem = f"cannot write {output}: {error.strerror or error}"
        raise InputError(f"output: {problem}; resume=true continues from the finished parts") from error


def _join_bytes(parts: Iterable[Path], target: Path, header: bytes = b"") -> None:
    """Write files one after the other."""
    with target.open("wb") as stream:
        stream.write(header)
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, stream)


def _join_parquet(parts: Iterable[Path], target: Path, schema: Any) -> None:
    """Write Parquet files as the row groups of one."""
    from pyarrow import parquet

    with parquet.ParquetWriter(target, schema) as writer:
        for part in parts:
            writer.write_table(parquet.read_table(part, schema=schema))
