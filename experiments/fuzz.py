"""Broken files for every reader: `python experiments/fuzz.py [READER ...] [--inputs=20000] [--seconds=600] [--seed=0]`.

Each reader gets files that our own writers wrote (of articles: those that the tests write), mutated by a seeded choice of many small damages. It may refuse a file or a
row, in one line; it must not fail otherwise, take more than 5 seconds of the processor, or lose a row where the damage leaves rows countable:
rows read, rejected and unanswered are those that are there. A reader's time is up after `--seconds`; how many inputs it got is
printed, and the seed of each failure, which `--seed=N --inputs=1` repeats.

To add a reader: a `Member` in `members()`, which names real files and says what to call.
"""

import io
import json
import random
import signal
import sys
import time
import traceback
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pandas as pd

from slugline.annotate import FORMATS, write_tasks
from slugline.annotate.history import read_history
from slugline.annotate.reader import read_annotations
from slugline.data import ArticleCorpus
from slugline.errors import InputError
from slugline.files import write_files
from slugline.labels.gold import parse_gold, read_gold

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from written_articles import ARTICLES, as_csv, compress, place, write_format
from written_articles import FORMATS as ARTICLE_FORMATS

LIMIT, PATIENCE = 5, 120  # seconds for an input, of the processor and by the clock: other jobs make that run longer
TOPICS = {"war": "Armed force.", "aid": "Material help.", "=law": "A court, or a law."}
TEXTS = [
    "The truce held, officials said.",
    '=1+1 "quoted", and; more',
    "Zwei Zeilen\nin einer",
    "Ünïcödé ’ \u202b متن",
    "x" * 300,
    "'- he said",
]


class Member(NamedTuple):
    """A reader: its name, real files of which each is damaged, and what reads one and returns how many rows it accounts for.

    `rows` is how many rows a real file has, and `is_lines` whether each is a line, so that lines can be taken out and doubled.
    """

    name: str
    files: Sequence[Path]
    read: Callable[[Path], int]
    rows: int
    is_lines: bool


def main() -> None:
    """Fuzz the readers that are asked for, print, and leave with 1 where one fell."""
    options = dict(word[2:].split("=") for word in sys.argv[1:] if word.startswith("--"))
    wanted = [word for word in sys.argv[1:] if not word.startswith("--")]
    inputs, seconds, seed = (
        int(options.get(name, usual)) for name, usual in (("inputs", 20_000), ("seconds", 600), ("seed", 0))
    )
    fallen = 0
    with TemporaryDirectory() as folder:
        for member in members(Path(folder)):
            if not wanted or member.name in wanted:
                fallen += fuzz(member, Path(folder), inputs=inputs, seconds=seconds, seed=seed)
    sys.exit(fallen > 0)


def fuzz(member: Member, folder: Path, *, inputs: int, seconds: float, seed: int) -> int:
    """Give a reader so many damaged files, print what became of them, and return how many it fell over."""
    outcomes, failures, slowest = Counter[str](), list[str](), 0.0
    start = time.perf_counter()
    contents = [file.read_bytes() for file in member.files]
    for number in range(seed, seed + inputs):
        if time.perf_counter() - start > seconds:
            break
        choice = random.Random(number)
        place = choice.randrange(len(contents))
        damage = choice.choice([*COUNTABLE] if member.is_lines and choice.random() < 0.3 else [*DAMAGES])
        data, rows = damage_file(damage, contents[place], member.rows, choice)
        file = folder / "".join(["damaged", *member.files[place].suffixes])
        file.write_bytes(data)
        began = time.process_time()
        outcome = attempt(member, file, rows if damage in COUNTABLE else None)
        slowest = max(slowest, time.process_time() - began)
        outcomes[outcome.partition(":")[0]] += 1
        if outcome.startswith(("crash", "hang", "lost")):
            failures.append(f"  seed {number}, {damage}: {outcome}")
    counts = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(
        f"{member.name:<14} {outcomes.total():>6,} inputs, seeds from {seed}: {counts}; slowest {slowest:.2f} s",
        flush=True,
    )
    print("\n".join(failures[:5]), end="\n" * bool(failures))
    return len(failures)


def attempt(member: Member, file: Path, rows: int | None) -> str:
    """Return what became of a file: `read`, `refused`, `crash`, `hang` or `lost`, the last three with what is wrong."""
    try:
        with time_limit():
            accounted = member.read(file)
    except InputError as error:
        return "crash: a message of several lines" if "\n" in str(error) else "refused"
    except TimeoutError:
        return "hang"
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        return f"crash: {type(error).__name__} at {Path(last.filename).name}:{last.lineno}: {str(error)[:80]}"
    if rows is not None and accounted != rows:
        return f"lost: {accounted} of {rows} rows accounted for"
    return "read"


@contextmanager
def time_limit() -> Iterator[None]:
    """Raise `TimeoutError` after so many seconds of the processor, or where all waits."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGPROF, stop)
    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_PROF, LIMIT)
    signal.alarm(PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.alarm(0)


# ---- damages: some bytes and a choice -> other bytes

SIGNS = [b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"'", b",", b";", b"\t", b"[", b"]", b"{", b"}", b":", b"\\", b"=", b"\xed\xa0\x80",
         b"\xe2\x80\xa8", b"1e999", b"-0", b"null", b"true", b"NaN", b"9" * 5000, b"[" * 2000, b"\\ud800", b"a" * 5000]  # fmt: skip
KINDS = [
    None,
    True,
    0,
    -1,
    1e308,
    "",
    "x",
    [],
    {},
    [None],
    [[]],
    {"a": 1},
    ["war", "war"],
    ["war", 3],
    "2024-13-01",
    10**30,
    {"value": None},
]


def _cut(data: bytes, choice: random.Random) -> bytes:
    return data[: choice.randrange(len(data) + 1)]


def _flip(data: bytes, choice: random.Random) -> bytes:
    damaged = bytearray(data)
    for _ in range(choice.choice([1, 1, 3, 30])):
        damaged[choice.randrange(len(damaged))] = choice.randrange(256)
    return bytes(damaged)


def _insert(data: bytes, choice: random.Random) -> bytes:
    place = choice.randrange(len(data) + 1)
    return data[:place] + choice.choice(SIGNS) + data[place:]


def _delete(data: bytes, choice: random.Random) -> bytes:
    place = choice.randrange(len(data))
    return data[:place] + data[place + choice.choice([1, 2, 10, 200]) :]


def _double(data: bytes, choice: random.Random) -> bytes:
    one, other = sorted(choice.randrange(len(data)) for _ in range(2))
    return data[:other] + data[one:other] * choice.choice([1, 5]) + data[other:]


def _recode(data: bytes, choice: random.Random) -> bytes:
    coding = choice.choice(["utf-16", "utf-32", "cp1252", "utf-8-sig", "utf-16-be", "latin-1"])
    return data.decode("utf-8", "replace").encode(coding, "replace")


def _swap_words(data: bytes, choice: random.Random) -> bytes:
    words = data.split(b'"')
    one, other = (choice.randrange(len(words)) for _ in range(2))
    words[one], words[other] = words[other], words[one]
    return b'"'.join(words)


def _change_kind(data: bytes, choice: random.Random) -> bytes:
    """Put something of another kind at a place in JSON; what is no JSON gets a byte changed."""
    try:
        lines = [json.loads(line) for line in data.splitlines()] if data[:1] == b"{" else [json.loads(data)]
    except ValueError:
        return _flip(data, choice)
    places = list(_places(lines))
    holder, key = choice.choice(places)
    holder[key] = choice.choice(KINDS)
    return b"\n".join(json.dumps(line).encode() for line in lines)


def _places(node: object) -> Iterator[tuple[dict | list, object]]:
    """Yield every place in some JSON: what holds it, and its key there."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield node, key
        yield from _places(child)


def _double_line(data: bytes, choice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    place = choice.randrange(1, len(lines))
    return b"".join([*lines[:place], lines[place], *lines[place:]])


def _drop_line(data: bytes, choice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    del lines[choice.randrange(1, len(lines))]
    return b"".join(lines)


def _break_value(data: bytes, choice: random.Random) -> bytes:
    """Change letters of one row into others: what is in it may become wrong, where it ends cannot."""
    lines = data.splitlines(keepends=True)
    place = choice.randrange(1, len(lines))
    letters = [number for number, sign in enumerate(lines[place]) if chr(sign).isalnum()]
    damaged = bytearray(lines[place])
    for number in choice.sample(letters, min(len(letters), choice.choice([1, 5, 40]))):
        damaged[number] = choice.choice(b"abcxyz019-._ \xff")
    return b"".join([*lines[:place], bytes(damaged), *lines[place + 1 :]])


def _blank_lines(data: bytes, choice: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    place = choice.randrange(1, len(lines) + 1)
    return b"".join([*lines[:place], choice.choice([b"\n", b"\n\n\n"]), *lines[place:]])


DAMAGES = {"cut": _cut, "flip": _flip, "insert": _insert, "delete": _delete, "double": _double, "recode": _recode,
           "swap words": _swap_words, "change kind": _change_kind}  # fmt: skip
# These leave rows countable; the first line stays, since a table has its columns there. With each, how many rows it adds
COUNTABLE = {"double line": (_double_line, 1), "drop line": (_drop_line, -1), "break value": (_break_value, 0), "blank lines": (_blank_lines, 0)}  # fmt: skip


def damage_file(name: str, data: bytes, rows: int, choice: random.Random) -> tuple[bytes, int]:
    """Return a damaged file, and how many rows it has where the damage leaves them countable."""
    if name in COUNTABLE:
        damage, added = COUNTABLE[name]
        return damage(data, choice), rows + added
    if data.startswith(b"PK") and choice.random() < 0.9:  # a workbook: else its checksums refuse all
        return damage_part(name, data, choice), rows
    for _ in range(choice.choice([1, 1, 2, 4])):
        data = DAMAGES[name](data, choice) or b" "
    return data, rows


def damage_part(name: str, data: bytes, choice: random.Random) -> bytes:
    """Return an archive in which a part is damaged, and the checksums are right."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(stream, "w") as after:
        parts = before.namelist()
        damaged = choice.choice([*parts, *[part for part in parts if "sheet1" in part or "shared" in part] * 4])
        for part in parts:
            content = before.read(part)
            after.writestr(part, DAMAGES[name](content, choice) if part == damaged else content)
    return stream.getvalue()


# ---- readers


def members(folder: Path) -> Iterator[Member]:
    """Yield every reader with real files for it, made in a folder."""
    yield from annotation_members(folder)
    yield from gold_members(folder)
    yield from article_members(folder)


def annotation_members(folder: Path) -> Iterator[Member]:
    """Yield the reader of each annotation format, and that of the history."""
    texts = [text.replace("\n", " ") for text in TEXTS]
    sentences = pd.DataFrame(
        {"sentence_id": [f"{number:016x}" for number in range(6)], "article_id": "=a", "text": texts, "title": "-t"}
    )
    endings = {"csv": "csv", "xlsx": "xlsx", "label_studio": "json", "argilla": "json"}
    for name in FORMATS:
        tasks = folder / f"tasks_{name}.{endings.get(name, 'jsonl')}"
        write_tasks(tasks, name, sentences, TOPICS)
        answered = tasks.with_stem(f"answered_{name}")
        answered.write_bytes(answer(name, tasks.read_bytes()))

        def read(path: Path, name: str = name) -> int:
            content = read_annotations(path, name, list(TOPICS))
            return len(content.annotations) + len(content.rejected) + len(content.unanswered)

        is_lines = endings.get(name, "jsonl") in ("csv", "jsonl")
        yield Member(name, [answered], read, len(sentences), is_lines)
    history = folder / "history.jsonl"
    row = {"annotator": "anna", "when": "2026-01-31T14:00:00+00:00", "labels": ["war"], "text": "x"}
    write_files(
        {history: b"".join(json.dumps({"sentence_id": str(number), **row}).encode() + b"\n" for number in range(6))}
    )
    yield Member("history", [history], lambda path: len(read_history(path)), 6, False)


def answer(name: str, data: bytes) -> bytes:
    """Return the tasks of a format as somebody has answered them."""
    if name == "csv":
        lines = data.split(b"\r\n")  # no line end is in a cell
        names = lines[0].removeprefix(b"\xef\xbb\xbf").decode().split(",")
        mark = names.index("status") - names.index("instructions")
        return b"\r\n".join([lines[0], *(_fill_cell(line, mark) for line in lines[1:-1]), b""])
    if name == "xlsx":
        return data
    is_list = data.startswith(b"[")
    tasks = json.loads(data) if is_list else [json.loads(line) for line in data.splitlines()]
    for task in tasks:
        ANSWERS[name](task)
    return json.dumps(tasks).encode() if is_list else b"".join(json.dumps(task).encode() + b"\n" for task in tasks)


def _fill_cell(line: bytes, from_end: int) -> bytes:
    """Write `done` into a cell of a row, counted from its end; the last cell, with instructions, may hold commas in quotes."""
    head, quote, tail = line.partition(b',"Put ') if b',"Put ' in line else line.rpartition(b",")
    cells = head.rsplit(b",", -from_end - 1)
    cells[1] = b"done"
    return b",".join(cells) + quote + tail


def _answer_label_studio(task: dict) -> None:
    choice = {"from_name": "topics", "to_name": "text", "type": "choices", "value": {"choices": ["war"]}}
    task["annotations"] = [
        {"result": [choice], "completed_by": 1, "updated_at": "2026-01-31T14:00:00Z", "was_cancelled": False}
    ]


ANSWERS: dict[str, Callable[[dict], None]] = {
    "label_studio": _answer_label_studio,
    "doccano": lambda task: task.update(label=["war"]),
    "prodigy": lambda task: task.update(accept=["war"], answer="accept", _timestamp=1769868000),
    "argilla": lambda task: task.update(
        status="completed", responses={"topics": [{"user_id": "u", "value": ["war"], "status": "submitted"}]}
    ),
}


def gold_members(folder: Path) -> Iterator[Member]:
    """Yield the reader of gold labels for each kind of file; its first fault is an error, so every row read is right."""
    rows = [
        {"sentence_id": str(number), "text": text.replace("\n", " "), "labels": ["war", "aid"]}
        for number, text in enumerate(TEXTS)
    ]
    table = pd.DataFrame(rows).assign(labels="war,aid")
    table.to_csv(folder / "gold.csv", index=False)
    table.to_csv(folder / "gold.tsv", index=False, sep="\t")
    pd.DataFrame(rows).to_parquet(folder / "gold.parquet")
    (folder / "gold.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for ending in ("jsonl", "csv", "tsv", "parquet"):
        yield Member(
            f"gold {ending}",
            [folder / f"gold.{ending}"],
            lambda path: sum(1 for _ in parse_gold(read_gold(str(path), {}), {}, ",")),
            len(rows),
            ending != "parquet",
        )


def article_members(folder: Path) -> Iterator[Member]:
    """Yield the reader of articles for each format, and for what is compressed."""
    short = [article | {"text": article["text"].partition("\n")[0]} for article in ARTICLES]  # without line ends
    lines = {
        "csv": as_csv(short).encode(),
        "tsv": as_csv(short, "\t").encode(),
        "jsonl": b"".join(json.dumps(article).encode() + b"\n" for article in short),
    }
    for name in ARTICLE_FORMATS:
        yield article_member(
            folder, name, {f"all.{name}": lines[name]} if name in lines else write_format(name), name in lines
        )
    for ending in (".gz", ".bz2", ".xz", ".zst", ".zip"):
        yield article_member(folder, ending[1:], compress({"all.jsonl": lines["jsonl"]}, ending), False)


def article_member(folder: Path, name: str, files: dict[str, bytes], is_lines: bool) -> Member:
    """Return the reader of articles as a member, its files placed in a folder."""
    below = place(folder / "articles" / name, files)

    def read(path: Path) -> int:
        corpus = ArticleCorpus(str(path))()
        return len(corpus.articles) + len(corpus.rejected)

    return Member(f"articles {name}", [below / file for file in files], read, len(ARTICLES), is_lines)


if __name__ == "__main__":
    main()
