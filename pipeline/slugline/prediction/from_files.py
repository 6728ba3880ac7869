"""Prediction from files: rows become batches, batches records, and these an output that can be resumed.

The main process reads rows and cuts them into batches, workers turn a batch into the bytes of its records, the main
process writes them in order. So the batches, and with them the output, are the same whatever labels them; workers,
here or on a Dask cluster, need no shared disk; and none that outlives a killed main process can spoil a file.
"""

import json
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import astuple, replace
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Protocol

from slugline import __version__
from slugline.data.articles import read_article_rows, reject_repeated_rows
from slugline.data.input_files import NamedFile, file_state, find_files
from slugline.data.read_files import ReadFile
from slugline.data.readers import check_any_read, check_rejected
from slugline.data.schema import ABOUT_COLUMNS, Rejected
from slugline.errors import InputError
from slugline.model import TopicModel, load_model
from slugline.model.heads import LinearHead
from slugline.prediction.batches import LabelledBatch, PredictionCounts, cut_batches
from slugline.prediction.options import PredictOptions
from slugline.prediction.part_files import PartFiles
from slugline.prediction.records import check_topics
from slugline.prediction.workers import map_batches
from slugline.prediction.written import check_replaceable

_OnProgress = Callable[[PredictionCounts], object]
_OnRejected = Callable[[Rejected], object]


class _Job(NamedTuple):
    """A model, the folder it was loaded from, what to do with it, and the files that were read so far."""

    model: TopicModel
    folder: Path
    options: PredictOptions
    opened: list[ReadFile]

    def label_batches(self, skip: int = 0) -> Generator[LabelledBatch]:
        """Label all batches of the input but the first `skip`, which are only read."""
        options, labeller = self.options, self.options.labeller()
        rows = read_article_rows(options.input, options, labeller.columns, key="input", opened=self.opened)
        new_rows = reject_repeated_rows(rows, labeller.columns)
        batches = islice(cut_batches(new_rows, labeller.columns, options.batch), skip, None)
        with closing(map_batches(labeller, batches, options, self.model, str(self.folder))) as labelled:
            for batch in labelled:
                check_rejected(batch.rejected, options, "input")
                yield batch


class _ByteStream(Protocol):
    """What records can be written to, such as a file opened in mode `wb`."""

    def write(self, records: bytes, /) -> object:
        """Write the records of a batch."""


def predict_files(
    model_folder: str | Path,
    options: PredictOptions,
    *,
    stream: _ByteStream | None = None,
    on_progress: _OnProgress | None = None,
    on_rejected: _OnRejected | None = None,
    opened: list[ReadFile] | None = None,
) -> PredictionCounts:
    """Label the sentences of articles in files, a record each.

    Parameters
    ----------
    model_folder : str or Path
        Folder of a saved model.
    options : PredictOptions
        What to read and where to write.
    stream : object with `write`, optional
        Where records go when the options name no output file; each batch is one call of its `write`.
    on_progress : callable, optional
        Called with the counts so far: before the first batch, with what a resumed run keeps, and after each batch.
    on_rejected : callable, optional
        Called with each row that cannot be read when records go to a stream; with an output file, these rows go to
        `OUTPUT.rejected.jsonl` beside it.
    opened : list of ReadFile, optional
        Each file that is read is added, with what was found out about it.

    Returns
    -------
    PredictionCounts
        How many articles and sentences were labelled, and how many rows were rejected.

    Raises
    ------
    InputError
        When the model or the input cannot be read or the output cannot be written, or there is no article at all.
    """
    folder = Path(model_folder).resolve()
    job = _Job(load_model(folder), folder, options, [] if opened is None else opened)
    check_topics(job.model.topics)  # before anything is written
    if options.explain and not isinstance(job.model.head, LinearHead):
        raise InputError("explain: only linear models have a weight for each term; give explain=0 for this one")

    report_progress = on_progress or (lambda _: None)
    if options.output is not None:
        counts = _predict_to_file(job, Path(options.output), report_progress)
    elif stream is not None:
        counts = _predict_to_stream(job, stream, report_progress, on_rejected or (lambda _: None))
    else:
        raise ValueError("options.output is None; give predict_files a stream to write to")

    first_rejected = [counts.first_rejected] if counts.first_rejected else []
    check_any_read(range(counts.articles), first_rejected, "article", "input")
    return counts


def _predict_to_stream(
    job: _Job, stream: _ByteStream, on_progress: _OnProgress, on_rejected: _OnRejected
) -> PredictionCounts:
    """Write records as JSON lines to a stream."""
    counts = PredictionCounts()
    on_progress(counts)
    with closing(job.label_batches()) as batches:
        for batch in batches:
            stream.write(batch.records)
            for rejected in batch.rejected:
                on_rejected(rejected)
            counts += batch.counts
            on_progress(counts)
    return counts


def _predict_to_file(job: _Job, output: Path, on_progress: _OnProgress) -> PredictionCounts:
    """Label each batch into a part file beside the output, then join the parts."""
    options = job.options
    files = find_files(options.input, options, key="input")
    parts = PartFiles(output)
    _check_output(parts, options, files)
    with parts.open(_fingerprint(job, files), options.resume) as notes:
        counts = sum(map(PredictionCounts.from_json, notes), PredictionCounts())
        check_rejected([counts.first_rejected] if counts.first_rejected else [], options, "input")  # of kept parts
        on_progress(counts)

        number = len(notes)
        with closing(job.label_batches(skip=number)) as batches:
            for batch in batches:
                parts.write(number, batch.records, batch.rejected, batch.counts.to_json())
                number += 1
                counts += batch.counts
                on_progress(counts)

        if counts.articles:
            parts.join(number, job.model.topics, explained=bool(options.explain), guard=options.labeller().guard)
        parts.close(number)
    return counts


def _check_output(parts: PartFiles, options: PredictOptions, files: Sequence[NamedFile]) -> None:
    """Raise `InputError` for an output that would be read, now or the next time, or take the place of other things."""
    output = parts.output.absolute()
    if output.is_dir():
        raise InputError(f"output: {parts.output} is a folder; give a file")
    if not output.parent.is_dir():
        raise InputError(f"output: there is no folder {parts.output.parent}; make it first")

    inputs = [options.input] if isinstance(options.input, (str, Path)) else options.input
    for place in map(Path, inputs):
        if place.is_dir() and output.resolve().is_relative_to(place.resolve()):
            raise InputError(f"output: {parts.output} lies in the input folder {place}; write it elsewhere")

    written_names = {output.name, parts.rejected.name}
    for file, _ in files:
        if isinstance(file, Path) and file.name in written_names and file.resolve().parent == output.resolve().parent:
            raise InputError(f"output: {file} is read as input; write to another file")
    check_replaceable(parts.output)


def _fingerprint(job: _Job, files: Sequence[NamedFile]) -> str:
    """Return a digest of all that decides the records: version, model, input files, options."""
    options = job.options
    settings = [
        __version__,
        options.batch,
        *astuple(options.labeller()),
        ABOUT_COLUMNS,
        *astuple(replace(options.reading, on_error="reject")),  # which changes no record
    ]
    digest = blake2b(json.dumps(settings, sort_keys=True).encode(), digest_size=16)

    for part in sorted(job.folder.rglob("*")):
        if part.is_file():
            digest.update(f"\0{part.relative_to(job.folder)}\0{part.stat().st_size}\0".encode() + part.read_bytes())

    for file, name in files:
        if str(file) == "-" and options.resume:
            raise InputError("resume=true: standard input cannot be read again; give a file")
        digest.update(f"\0{name}\0{file_state(file)}".encode(errors="surrogateescape"))
    return digest.hexdigest()
