"""`slugline predict`: sentences of new articles with their topics."""

import json
import os
import sys
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import chain, islice
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

from omegaconf import DictConfig, OmegaConf

from pipeline.articles import ArticleFiles, find_files, require_some
from pipeline.models import TopicModel
from pipeline.records import Records, join_parts, kind_of, write_part
from pipeline.sentences import split_article, whole_article
from pipeline.tables import Article, InputError, Rejected
from pipeline.tracking import model_folder

BATCH = 1 << 21  # characters of text labelled at once: some 15,000 sentences

Batch = list[Article | Rejected]


class Task(NamedTuple):
    """What a worker needs to label a batch."""

    model: str
    split_sentences: bool
    explain: int


class Done(NamedTuple):
    """What became of a batch."""

    articles: int
    sentences: int
    debris: int
    rejected: list[Rejected]


def predict(config: DictConfig) -> None:
    """Label the sentences of articles, a record each, to a file or to standard output."""
    task = Task(str(model_folder(config.model_uri, config.tracking_uri)), config.split_sentences, config.explain)
    load(task.model)  # a model that does not pass its checks is refused before anything is written
    columns = OmegaConf.to_container(config.columns)
    path = OmegaConf.to_container(config.input) if OmegaConf.is_config(config.input) else config.input
    batches = cut(ArticleFiles(path, config.format, columns, config.encoding)())  # type: ignore[arg-type]
    if config.output is None:
        done = [to_stdout(task, batch) for batch in batches]
    else:
        done = to_file(config, task, batches)
    require_some(range(sum(batch.articles for batch in done)), list(chain(*(batch.rejected for batch in done))), "article")
    print(summary(done), file=sys.stderr)


def cut(items: Iterable[Article | Rejected]) -> Iterator[Batch]:
    """Cut a stream into batches of about `BATCH` characters."""
    batch: Batch = []
    size = 0
    for item in items:
        batch.append(item)
        size += len(item.text) if isinstance(item, Article) else 0
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def label(task: Task, batch: Batch) -> tuple[Records, Done]:
    """Label the sentences of a batch of articles; debris is marked and gets no topic."""
    model = load(task.model)
    articles = [item for item in batch if isinstance(item, Article)]
    split = split_article if task.split_sentences else whole_article
    sentences = [sentence for article in articles for sentence in split(article)]
    probabilities = model.predict_proba([sentence.text for sentence in sentences])
    topics = [() if sentence.debris else names for sentence, names in zip(sentences, model.names(model.decide(probabilities)), strict=True)]
    reasons = [model.explain(s.text, task.explain, names) if names else {} for s, names in zip(sentences, topics, strict=True)] if task.explain else None
    rejected = [item for item in batch if isinstance(item, Rejected)]
    done = Done(len(articles), len(sentences), sum(sentence.debris for sentence in sentences), rejected)
    return Records(model.topics, sentences, topics, probabilities, reasons), done


@lru_cache(maxsize=1)
def load(folder: str) -> TopicModel:
    """Load a model once per process."""
    return TopicModel.load(folder)


def to_stdout(task: Task, batch: Batch) -> Done:
    """Print a batch as JSON lines, and what was rejected on standard error."""
    records, done = label(task, batch)
    sys.stdout.writelines(records.json_lines())
    for item in done.rejected:
        print(f"slugline: {item.where}: {item.reason}", file=sys.stderr)
    return done


def to_file(config: DictConfig, task: Task, batches: Iterator[Batch]) -> list[Done]:
    """Label all batches, each into a part of its own beside the output, then join the parts; what is whole already is kept with `resume`."""
    output = Path(config.output)
    kind_of(output)
    parts = output.with_name(output.name + ".parts")
    begin(parts, fingerprint(config, task), config.resume)
    numbered = enumerate(batches)
    done = list(run_all(task, numbered, parts, output.suffix, config.n_jobs))
    if any(batch.articles for batch in done):
        join_parts(parts, output, load(task.model).topics, bool(task.explain))
    rmtree(parts)
    return done


def begin(parts: Path, mark: str, resume: bool) -> None:
    """Make the folder of parts, or take up the one of a job that was killed; raise `InputError` when that was another job."""
    note = parts / "job"
    if resume and note.is_file() and note.read_text() != mark:
        raise InputError(f"resume=true: {parts} belongs to another model, input or config; remove it, or start again with resume=false")
    if parts.exists() and not (resume and note.is_file()):
        rmtree(parts)
    try:
        parts.mkdir(exist_ok=True)
        note.write_text(mark)
    except OSError as error:
        raise InputError(f"output: cannot write beside {parts.with_suffix('')}: {error.strerror}") from error


def fingerprint(config: DictConfig, task: Task) -> str:
    """Return a digest of all that decides the rows: model, input files, config."""
    hashed = blake2b(digest_size=16)
    for file in sorted(Path(task.model).iterdir()):
        hashed.update(file.read_bytes() if file.is_file() else b"")
    path = OmegaConf.to_container(config.input) if OmegaConf.is_config(config.input) else config.input
    for file, name in find_files(path, config.format):
        if str(file) == "-" and config.resume:
            raise InputError("resume=true: standard input cannot be read again; give a file")
        state = file.stat() if file.exists() else None
        hashed.update(f"{name}\0{state and (state.st_size, state.st_mtime_ns)}\0".encode())
    settings = {key: value for key, value in OmegaConf.to_container(config).items() if key not in ("resume", "n_jobs", "model_uri")}  # type: ignore[union-attr]
    hashed.update(json.dumps(settings, sort_keys=True).encode())
    return hashed.hexdigest()


def run_all(task: Task, numbered: Iterator[tuple[int, Batch]], parts: Path, suffix: str, n_jobs: int) -> Iterator[Done]:
    """Label batches, on several cores when there are several, and yield what became of each, in order."""
    from tqdm import tqdm

    with tqdm(unit=" sentences", disable=None) as bar:
        first = list(islice(numbered, 2))
        work = chain(first, numbered)
        if len(first) < 2 or n_jobs == 1:
            results: Iterable[Done] = (do_part(task, number, batch, parts, suffix) for number, batch in work)
        else:
            from joblib import Parallel, delayed

            parallel = Parallel(n_jobs=n_jobs, return_as="generator", pre_dispatch="2*n_jobs", batch_size=1)
            results = parallel(delayed(do_part)(task, number, batch, parts, suffix) for number, batch in work)
        for done in results:
            bar.update(done.sentences)
            yield done


def do_part(task: Task, number: int, batch: Batch, parts: Path, suffix: str) -> Done:
    """Label one batch into its part; a part that is there already is left as it is."""
    part = parts / f"{number:08d}{suffix}"
    counts = part.with_suffix(".done")
    if counts.is_file():
        articles, sentences, debris, rejected = json.loads(counts.read_text())
        return Done(articles, sentences, debris, [Rejected(*item) for item in rejected])
    records, done = label(task, batch)
    write_part(records, part)
    if done.rejected:
        lines = [json.dumps(item._asdict(), ensure_ascii=False) + "\n" for item in done.rejected]
        part.with_suffix(".rejected").write_text("".join(lines), encoding="utf-8", errors="surrogatepass")
    beside = part.with_suffix(".tmp")
    beside.write_text(json.dumps(done))
    os.replace(beside, counts)  # from now on the part counts as whole
    return done


def summary(done: list[Done]) -> str:
    """Return what was read, written and rejected, in one line."""
    articles, sentences, debris = (sum(batch[column] for batch in done) for column in range(3))
    rejected = sum(len(batch.rejected) for batch in done)
    return f"read {articles + rejected} = {articles} labelled + {rejected} rejected; {sentences} sentences written, {debris} of them debris"
