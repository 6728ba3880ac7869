"""`slugline predict`: sentences of new articles with their topics.

The main process reads rows and cuts them into batches, workers turn a batch into the bytes of its records, the main
process writes them in order. So the batches, and with them the output, are the same whatever labels them; workers,
here or on a Dask cluster, need no common disk; and none that outlives a killed main process can spoil a file.
"""

import json
import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from slugline import __version__
from slugline.data.readers import Row, article_columns, find_files, read_rows, require_some, to_article
from slugline.data.schema import Article, Rejected, Sentence
from slugline.data.sentences import split_article, whole_article
from slugline.errors import InputError
from slugline.model import TopicModel
from slugline.model.heads import LinearHead
from slugline.prediction.output import Parts, Records, check_topics, kind_of
from slugline.prediction.workers import Engine, load, run_all
from slugline.tracking import model_folder

ROW = 100  # characters that a row counts for beside its text, so that a batch of short rows is no larger than others


@dataclass(frozen=True)
class Batch:
    """Rows of the input, each with its place, or the reason why it cannot be read; no list, which Dask would walk."""

    rows: list[tuple[str, Row | str]]


class Task(NamedTuple):
    """What decides the records, beside model and input."""

    columns: dict[str, str]
    split_sentences: bool
    explain: int
    ending: str


class Tally(NamedTuple):
    """What became of rows; `first` is the first one that was rejected."""

    articles: int = 0
    sentences: int = 0
    debris: int = 0
    rejected: int = 0
    first: Rejected | None = None

    def plus(self, other: "Tally") -> "Tally":
        """Return the sum of two."""
        articles, sentences, debris, rejected = (a + b for a, b in zip(self[:4], other[:4], strict=True))
        return Tally(articles, sentences, debris, rejected, self.first or other.first)


class Part(NamedTuple):
    """A batch labelled: its records as bytes."""

    records: bytes
    rejected: list[Rejected]
    tally: Tally


Label = Callable[[int], Generator[Part]]  # labels all batches but the first so many


def predict(config: DictConfig) -> None:
    """Label the sentences of articles, a record each, to a file or to standard output."""
    engine = Engine(config.engine, config.n_jobs, config.dask_address)
    check_options(config, engine)
    ending = ".jsonl" if config.output is None else kind_of(Path(config.output))
    columns = article_columns(OmegaConf.to_container(config.columns))  # type: ignore[arg-type]
    task = Task(columns, config.split_sentences, config.explain, ending)
    folder = str(model_folder(config.model_uri, config.tracking_uri).resolve())
    check_model(load(folder), task)  # one that does not pass is refused before anything is written
    source = OmegaConf.to_container(config.input) if OmegaConf.is_config(config.input) else str(config.input)

    def label(done: int = 0) -> Generator[Part]:
        batches = cut(read_rows(source, config.format, config.encoding), columns, config.batch)
        return run_all(engine, partial(make_part, task), folder, islice(batches, done, None))

    tally = to_stdout(label()) if config.output is None else to_file(config, folder, task, source, label)
    require_some(range(tally.articles), [tally.first] if tally.first else [], "article")
    print(summary(tally), file=sys.stderr)


def check_options(config: DictConfig, engine: Engine) -> None:
    """Raise `InputError` for options that cannot be, alone or together."""
    engine.check()
    if config.explain < 0:
        raise InputError(f"explain: {config.explain}; allowed: a number of terms, 0 for none")
    if config.batch < 1:
        raise InputError(f"batch: {config.batch}; allowed: a number of characters")
    if config.resume and config.output is None:
        raise InputError("resume=true: only what goes to a file can be taken up again; give output=FILE")


def check_model(model: TopicModel, task: Task) -> None:
    """Raise `InputError` for a model whose predictions cannot be written, or explained where that is asked for."""
    check_topics(model.topics, task.ending)
    if task.explain and not isinstance(model.head, LinearHead):
        raise InputError("explain: only linear models tell the weight of each term; give explain=0 for this one")


def summary(tally: Tally) -> str:
    """Return what was read, written and rejected, in one line."""
    return (
        f"read {tally.articles + tally.rejected} = {tally.articles} labelled + {tally.rejected} rejected; "
        f"{tally.sentences} sentences written, {tally.debris} of them debris"
    )


# Batches


def cut(rows: Iterable[tuple[str, Row | str]], columns: Mapping[str, str], most: int) -> Iterator[Batch]:
    """Cut a stream of rows into batches, each complete once it has `most` characters."""
    batch: list[tuple[str, Row | str]] = []
    size = 0
    for where, row in rows:
        kept = row if isinstance(row, str) else only_read(row, columns)
        batch.append((where, kept))
        size += ROW + length(kept)
        if size >= most:
            yield Batch(batch)
            batch, size = [], 0
    if batch:
        yield Batch(batch)


def only_read(row: Row, columns: Mapping[str, str]) -> Row:
    """Return the cells of a row that make an article; of a row without a text, which is rejected, the names alone."""
    if columns["text"] not in row:
        return dict.fromkeys(row)
    return {name: row[name] for name in columns.values() if name in row}


def length(row: Row | str) -> int:
    """Return how many characters of text a row holds."""
    return len(row) if isinstance(row, str) else sum(len(cell) for cell in row.values() if isinstance(cell, str))


def make_part(task: Task, model: TopicModel, batch: Batch) -> Part:
    """Label the sentences of a batch; debris is marked and gets no topic."""
    items = [read(where, row, task.columns) for where, row in batch.rows]
    articles = [item for item in items if isinstance(item, Article)]
    rejected = [item for item in items if isinstance(item, Rejected)]
    split = split_article if task.split_sentences else whole_article
    sentences = [sentence for article in articles for sentence in split(article)]
    probabilities = model.predict_proba([sentence.text for sentence in sentences])
    names = model.to_topics(model.decide(probabilities))
    given = [() if sentence.debris else topics for sentence, topics in zip(sentences, names, strict=True)]
    reasons = explain(model, sentences, given, task.explain) if task.explain else None
    records = Records(model.topics, sentences, given, probabilities, reasons)
    debris = sum(sentence.debris for sentence in sentences)
    tally = Tally(len(articles), len(sentences), debris, len(rejected), rejected[0] if rejected else None)
    return Part(records.encode(task.ending), rejected, tally)


def explain(
    model: TopicModel, sentences: Sequence[Sentence], given: Sequence[tuple[str, ...]], top: int
) -> list[dict[str, dict[str, float]]]:
    """Return for each sentence the terms that moved each topic that it was given."""
    asked = zip(sentences, given, strict=True)
    return [model.explain(sentence.text, top, topics) if topics else {} for sentence, topics in asked]


def read(where: str, row: Row | str, columns: Mapping[str, str]) -> Article | Rejected:
    """Return the article of a row, or why there is none."""
    return Rejected(where, row) if isinstance(row, str) else to_article(row, where, columns)


# Where records go


def to_stdout(parts: Generator[Part]) -> Tally:
    """Print records as JSON lines in UTF-8, and what was rejected on standard error."""
    tally = Tally()
    with closing(parts), progress() as advance:
        for part in parts:
            print_bytes(part.records)
            for item in part.rejected:
                print(f"slugline: {item.where}: {item.reason}", file=sys.stderr)
            tally = tally.plus(part.tally)
            advance(part.tally.sentences)
    return tally


def print_bytes(records: bytes) -> None:
    """Write to standard output; leave with 141 when nobody reads it, raise `InputError` when its disk is full."""
    try:
        sys.stdout.buffer.write(records)
        sys.stdout.buffer.flush()
    except OSError as error:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python writes as it ends
        if isinstance(error, BrokenPipeError):  # `slugline predict ... | head`
            sys.exit(141)
        raise InputError(f"cannot write standard output: {error.strerror}") from error


def to_file(config: DictConfig, folder: str, task: Task, source: Any, label: Label) -> Tally:
    """Label all batches, each into a part of its own beside the output, then join the parts.

    With `resume`, parts that a killed run left are kept: their batches are read, not labelled.
    """
    output, files = Path(config.output), find_files(source, config.format, config.encoding)
    parts = Parts(output)
    check_output(parts, source, files)
    with parts.open(fingerprint(config, folder, task, files), config.resume) as notes:
        tally, number = Tally(), len(notes)
        for note in notes:
            tally = tally.plus(from_note(note))
        labelled = label(number)
        with closing(labelled), progress(tally.sentences) as advance:
            for number, part in enumerate(labelled, start=len(notes) + 1):
                parts.write(number - 1, part.records, part.rejected, json.dumps(part.tally))
                tally = tally.plus(part.tally)
                advance(part.tally.sentences)
        if tally.articles:
            parts.join(number, load(folder).topics, bool(task.explain))
        parts.close(number)
    return tally


def from_note(note: str) -> Tally:
    """Return the tally that a part's line in the journal holds."""
    articles, sentences, debris, rejected, first = json.loads(note)
    return Tally(articles, sentences, debris, rejected, Rejected(*first) if first else None)


def check_output(parts: Parts, source: Any, files: Iterable[tuple[Path, str]]) -> None:
    """Raise `InputError` for an output that would be read: now, or from the folder of the input the next time."""
    output = parts.output.absolute()
    if output.is_dir():
        raise InputError(f"output: {parts.output} is a folder; give a file")
    if not output.parent.is_dir():
        raise InputError(f"output: there is no folder {parts.output.parent}; make it first")
    for place in map(Path, [source] if isinstance(source, str) else source):
        if place.is_dir() and output.resolve().is_relative_to(place.resolve()):
            raise InputError(f"output: {parts.output} lies in the input folder {place}; write it elsewhere")
    ours = {output.name, parts.rejected.name}
    if same := [file for file, _ in files if file.name in ours and file.resolve().parent == output.resolve().parent]:
        raise InputError(f"output: {same[0]} is read as input; write to another file")


def fingerprint(config: DictConfig, folder: str, task: Task, files: Iterable[tuple[Path, str]]) -> str:
    """Return a digest of all that decides the records: version, model, input files, options."""
    options = [__version__, config.batch, *task, config.format, config.encoding]
    hashed = blake2b(json.dumps(options, sort_keys=True).encode(), digest_size=16)
    for file in sorted(Path(folder).rglob("*")):
        if file.is_file():
            hashed.update(f"\0{file.relative_to(folder)}\0{file.stat().st_size}\0".encode() + file.read_bytes())
    for file, name in files:
        if str(file) == "-" and config.resume:
            raise InputError("resume=true: standard input cannot be read again; give a file")
        state = file.stat() if file.exists() else None
        hashed.update(f"\0{name}\0{state and (state.st_size, state.st_mtime_ns)}".encode(errors="surrogateescape"))
    return hashed.hexdigest()


@contextmanager
def progress(done: int = 0) -> Iterator[Callable[[int], object]]:
    """Show how many sentences are labelled, on a terminal."""
    if not sys.stderr.isatty():
        yield lambda count: None
        return
    from tqdm import tqdm

    with tqdm(unit=" sentences", unit_scale=True, initial=done) as bar:
        yield bar.update
