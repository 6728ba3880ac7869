"""Files made to take memory: each is read in a process of its own, whose peak memory and outcome a table shows.

`python experiments/memory_attacks.py [NAME ...]` makes the files in a temporary folder (about 1.5 GB of disk at most),
reads each with the default limits, and prints the table as Markdown.
"""

import bz2
import gzip
import io
import json
import lzma
import random
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

MB = 1 << 20
GOOD = {"text": "The truce held overnight."}
ANSWER = b'{"sentence_id": "s", "text": "The truce held.", "accept": ["war"], "answer": "accept"}\n'
LINE = json.dumps(GOOD).encode() + b"\n"


def zeros(megabytes: int = 1024) -> Iterator[bytes]:
    """Yield zeros."""
    for _ in range(megabytes):
        yield bytes(MB)


def letters(megabytes: int, before: bytes = b"", after: bytes = b"") -> Iterator[bytes]:
    """Yield a long word between two others."""
    yield before
    for _ in range(megabytes):
        yield b"a" * MB
    yield after


def noise(megabytes: int) -> Iterator[bytes]:
    """Yield letters and digits that no packing makes smaller than half."""
    choice = random.Random(0)
    for _ in range(megabytes):
        yield choice.randbytes(MB // 2).hex().encode()


def write(file: Path, chunks: Iterator[bytes], opener: Callable[..., io.BufferedIOBase] | None = None) -> None:
    """Write a file, maybe compressed."""
    with (opener or open)(file, "wb") as stream:
        for chunk in chunks:
            stream.write(chunk)


def write_zstd(file: Path, chunks: Iterator[bytes]) -> None:
    """Write a file of Zstandard."""
    import pyarrow as pa

    with pa.CompressedOutputStream(str(file), "zstd") as stream:
        for chunk in chunks:
            stream.write(chunk)


def write_zip(file: Path, members: dict[str, Iterator[bytes]]) -> None:
    """Write an archive."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, chunks in members.items():
            with archive.open(name, "w", force_zip64=True) as stream:
                for chunk in chunks:
                    stream.write(chunk)


def write_workbook(file: Path, sheet: Iterator[bytes], strings: Iterator[bytes] | None = None) -> None:
    """Write a workbook with a sheet and shared strings of its own."""
    from openpyxl import Workbook

    whole = io.BytesIO()
    book = Workbook()
    book.active.append(["text", "title"])
    book.active.append([GOOD["text"], "x"])
    book.save(whole)
    with zipfile.ZipFile(whole) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            own = {"xl/worksheets/sheet1.xml": sheet, "xl/sharedStrings.xml": strings}.get(name)
            with new.open(name, "w", force_zip64=True) as stream:
                for chunk in own or [old.read(name)]:
                    stream.write(chunk)


def laughs(around: str) -> bytes:
    """Return XML whose entities would grow to 10^9 times their text; `around` holds `%s` for the last of them."""
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    return f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha ha ha ha">{entities}]>{around % "&l9;"}'.encode()


def quadratic(around: str) -> bytes:
    """Return XML with one long entity that stands in it many times."""
    return (f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "{"a" * MB}">]>' + around % ("&a;" * 5000)).encode()


FEED = "<rss version='2.0'><channel><title>T</title><item><title>A</title><description>%s</description></item></channel></rss>"
SHEET = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
    '<row r="1"><c r="A1" t="inlineStr"><is><t>text</t></is></c></row>'
    '<row r="2"><c r="A2" t="inlineStr"><is><t>%s</t></is></c></row></sheetData></worksheet>'
)


def in_sheet(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a sheet whose second row has some chunks in the text of its only cell."""
    before, after = (part.encode() for part in (SHEET % "\0").split("\0"))
    yield before
    yield from chunks
    yield after


def open_quote(file: Path) -> None:
    """Write a table with a quote that is never closed."""
    lines = (b'he said "no" and left,1\n' * (MB // 25) for _ in range(300))
    write(file, (chunk for part in ([b'text,n\ngood,1\n"open,2\n'], lines) for chunk in part))


def parquet_word(file: Path, rows: int, megabytes: int, compression: str = "zstd") -> None:
    """Write Parquet with one long word in all rows, once in its dictionary."""
    import pyarrow as pa
    from pyarrow import parquet

    word = pa.array(["a" * (megabytes * MB)], pa.large_string())
    text = pa.DictionaryArray.from_arrays(pa.array([0] * rows, pa.int32()), word)
    parquet.write_table(pa.table({"text": text}), file, compression=compression, dictionary_pagesize_limit=2 << 30)


def parquet_lists(file: Path) -> None:
    """Write Parquet with one long word in lists, in all rows."""
    import pyarrow as pa
    from pyarrow import parquet

    words = pa.DictionaryArray.from_arrays(pa.array([0] * 20000, pa.int32()), pa.array(["a" * (8 * MB)]))
    lists = pa.ListArray.from_arrays(pa.array(range(20001), pa.int32()), words)
    table = pa.table({"text": ["The truce held."] * 20000, "labels": lists})
    parquet.write_table(table, file, compression="zstd", dictionary_pagesize_limit=1 << 30)


def warc(file: Path, head: bytes, chunks: list[bytes]) -> None:
    """Write a WARC file of one response."""
    http = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + head + b"\r\n"
    size = len(http) + sum(map(len, chunks))
    start = (
        "WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: http://x.example/\r\nWARC-Date: 2024-03-05T00:00:00Z\r\n"
        f"Content-Type: application/http; msgtype=response\r\nContent-Length: {size}\r\n\r\n"
    )
    write(file, iter([start.encode(), http, *chunks, b"\r\n\r\n"]))


def aliases(file: Path) -> None:
    """Write Markdown whose front matter grows to 10^9 times its text."""
    lines = ["a0: &a0 [ha, ha, ha]", *(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10))]
    file.write_text("---\n" + "\n".join(lines) + "\ntitle: *a9\n---\nThe truce held.\n")


def many_members(file: Path) -> None:
    """Write an archive of 300,000 empty members."""
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(300_000):
            archive.writestr(f"{number}.txt", b"")


ATTACKS: dict[str, tuple[str, Callable[[Path], object]]] = {
    "1 GB of zeros, .gz": ("a.txt.gz", lambda file: write(file, zeros(), gzip.open)),
    "1 GB of zeros as lines, .gz": ("a.jsonl.gz", lambda file: write(file, zeros(), gzip.open)),
    "1 GB of zeros as a table, .gz": ("a.csv.gz", lambda file: write(file, zeros(), gzip.open)),
    "1 GB of zeros, .bz2": ("a.jsonl.bz2", lambda file: write(file, zeros(), bz2.open)),
    "1 GB of zeros, .xz": ("a.csv.xz", lambda file: write(file, zeros(), lzma.open)),
    "1 GB of zeros, .zst": ("a.jsonl.zst", lambda file: write_zstd(file, zeros())),
    "1 GB of zeros, .zip": ("a.zip", lambda file: write_zip(file, {"a.txt": zeros(), "b.jsonl": iter([LINE])})),
    "300,000 members, .zip": ("a.zip", many_members),
    "a line of 200 MB, JSON lines": (
        "a.jsonl",
        lambda file: write(file, letters(200, LINE + b'{"text": "', b'"}\n' + LINE)),
    ),
    "a line of 200 MB, table": ("a.csv", lambda file: write(file, letters(200, b"text,n\ngood,1\n", b",2\ngood,3\n"))),
    "a quoted cell of 200 MB": (
        "a.csv",
        lambda file: write(file, letters(200, b'text,n\ngood,1\n"', b'",2\ngood,3\n')),
    ),
    "a quote that never ends, 300 MB": ("a.csv", open_quote),
    "a text of 1 GB": ("a.txt", lambda file: write(file, letters(1024))),
    "Markdown of 1 GB": ("a.md", lambda file: write(file, letters(1024))),
    "Markdown of 1 MB of marks": ("a.md", lambda file: write(file, iter([b"*a_[" * (MB // 4)]))),
    "Markdown of 1 MB of blocks": ("a.md", lambda file: write(file, iter([b"a\n\n" * (MB // 3)]))),
    "front matter that grows": ("a.md", aliases),
    "a page of 1 GB": ("a.html", lambda file: write(file, letters(1024, b"<html><body><p>", b"</p>"))),
    "a page of 4 MB of paragraphs": (
        "a.html",
        lambda file: write(file, iter([b"<html><body>", b"<p>a b</p>" * (4 * MB // 11)])),
    ),
    "a page of 4 MB of open tags": (
        "a.html",
        lambda file: write(file, iter([b"<html><body>", b"<div>" * (4 * MB // 5 - 9)])),
    ),
    "a page of 4 MB in one paragraph": (
        "a.html",
        lambda file: write(file, iter([b"<html><body><p>", b"The truce held. " * (4 * MB // 16 - 9)])),
    ),
    "a mail of 1 GB": ("a.eml", lambda file: write(file, letters(1024, b"Subject: x\nFrom: a\n\n"))),
    "a mail of 16 MB of headers": (
        "a.eml",
        lambda file: write(file, iter([b"Subject: x\n", b"X-A: b\n" * (16 * MB // 7 - 9), b"\n\ntext"])),
    ),
    "JSON, a text of 200 MB": (
        "a.json",
        lambda file: write(file, letters(200, b'[{"text": "good"}, {"text": "', b'"}, {"text": "good"}]')),
    ),
    "JSON, 200 MB of brackets": ("a.json", lambda file: write(file, iter([b"[" * MB] * 200))),
    "JSON, 15 MB of small values": (
        "a.json",
        lambda file: write(file, iter([b'{"a": [', b"{}," * (5 * MB), b'0], "text": "x"}'])),
    ),
    "feed, entities that grow": ("a.rss", lambda file: file.write_bytes(laughs(FEED))),
    "feed, one long entity": ("a.rss", lambda file: file.write_bytes(quadratic(FEED))),
    "feed of 4 MB of items": (
        "a.rss",
        lambda file: write(
            file,
            iter(
                [
                    b"<rss version='2.0'><channel>",
                    b"<item><title>a</title></item>" * (4 * MB // 32),
                    b"</channel></rss>",
                ]
            ),
        ),
    ),
    "workbook, entities that grow": ("a.xlsx", lambda file: write_workbook(file, iter([laughs(SHEET)]))),
    "workbook, a sheet of 1 GB": (
        "a.xlsx",
        lambda file: write_workbook(file, in_sheet(letters(1024))),
    ),
    "workbook, a cell of 300 MB": ("a.xlsx", lambda file: write_workbook(file, in_sheet(noise(300)))),
    "workbook, 300 MB between the rows": (
        "a.xlsx",
        lambda file: write_workbook(
            file, in_sheet(b"x</t></is></c></row>%s<row><c><is><t>" % one for one in noise(300))
        ),
    ),
    "workbook, 15 MB of small cells in a row": (
        "a.xlsx",
        lambda file: write_workbook(file, in_sheet(iter([b"x</t></is></c>", b"<c/>" * (15 * MB // 4), b"<c><is><t>"]))),
    ),
    "workbook, 15 MB of rows without cells": (
        "a.xlsx",
        lambda file: write_workbook(
            file, in_sheet(iter([b"x</t></is></c></row>", b"<row/>" * (15 * MB // 6), b"<row><c><is><t>"]))
        ),
    ),
    "workbook of annotations, a cell of 300 MB": (
        "annotations.xlsx",
        lambda file: write_workbook(file, in_sheet(noise(300))),
    ),
    "JSON of annotations, a text of 200 MB": (
        "annotations.json",
        lambda file: write(file, letters(200, b'[{"text": "', b'"}]')),
    ),
    "JSON of annotations, 200 MB of brackets": ("annotations.json", lambda file: write(file, iter([b"[" * MB] * 200))),
    "JSON lines of annotations, 200 MB of empty objects": (
        "annotations.jsonl",
        lambda file: write(file, iter([ANSWER, *[b"{}\n" * (MB // 3)] * 200])),
    ),
    "workbook, 1 GB of shared texts": ("a.xlsx", lambda file: write_workbook(file, iter([b"<x/>"]), zeros())),
    "workbook, 30 MB of small shared texts": (
        "a.xlsx",
        lambda file: write_workbook(
            file,
            iter([(SHEET % "x").encode()]),
            iter(
                [
                    b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">',
                    b"<si><t>ab</t></si>" * (30 * MB // 18),
                    b"</sst>",
                ]
            ),
        ),
    ),
    "Parquet, a word of 300 MB": ("a.parquet", lambda file: parquet_word(file, 1, 300)),
    "Parquet, a word of 100 MB in 100,000 rows": ("a.parquet", lambda file: parquet_word(file, 100_000, 100, "none")),
    "Parquet, a word of 10 MB in 100,000 rows": ("a.parquet", lambda file: parquet_word(file, 100_000, 10)),
    "Parquet, a word of 8 MB in 20,000 lists": ("a.parquet", parquet_lists),
    "WARC, a page of 1 GB": ("a.warc", lambda file: warc(file, b"", [b"a" * MB] * 1024)),
    "WARC, a page of 1 GB of zeros, gzip inside": (
        "a.warc",
        lambda file: warc(file, b"Content-Encoding: gzip\r\n", [gzip.compress(bytes(1024 * MB))]),
    ),
    "WARC, a header of 1 GB": ("a.warc", lambda file: write(file, letters(1024, b"WARC/1.0\r\nX: "))),
}


def read_as_annotations(file: Path) -> tuple[int, list[str]]:
    """Read a file as annotations; return how many there are, and why others are not."""
    from slugline.annotate.reader import read_annotations
    from slugline.errors import InputError

    try:
        found = read_annotations(file, None, ["war"])
    except InputError as error:
        return 0, [str(error)]
    return len(found.annotations), [str(item) for item in found.rejected]


def read_as_articles(file: Path) -> tuple[int, list[str]]:
    """Read a file as articles; return how many there are, and why others are not."""
    from slugline.data.articles import read_articles
    from slugline.data.schema import Rejected

    read, reasons = 0, []
    for _, item in read_articles(file):
        if isinstance(item, Rejected):
            reasons.append(item.reason)
        else:
            read += 1
    return read, reasons


def read(file: Path) -> None:
    """Read a file as articles, or as annotations by its name; print what came of it, and the peak memory of this process in bytes."""
    read, reasons = read_as_annotations(file) if file.stem == "annotations" else read_as_articles(file)
    status = Path("/proc/self/status").read_text()  # the figure of getrusage is of the process that started this, too
    peak = int(status.partition("VmHWM:")[2].split()[0]) * 1024
    print(json.dumps([read, len(reasons), reasons[:1], peak]))


def main(names: list[str]) -> None:
    """Make the files, read them, print the table."""
    print("| attack | file | peak memory | seconds | outcome |\n| --- | --- | --- | --- | --- |")
    for attack in names or ATTACKS:
        name, make = ATTACKS[attack]
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, name)
            make(file)
            begin = time.monotonic()
            done = subprocess.run([sys.executable, __file__, "--read", str(file)], capture_output=True, text=True)
            seconds = time.monotonic() - begin
            size = file.stat().st_size
        if done.returncode:
            print(f"| {attack} | {size / MB:.1f} MB | | {seconds:.1f} | {done.stderr.strip().splitlines()[-1:]} |")
            continue
        read_rows, rejected, reasons, peak = json.loads(done.stdout)
        outcome = f"{read_rows} read, {rejected} rejected" + (f": {reasons[0][:110]}" if reasons else "")
        print(f"| {attack} | {size / MB:.1f} MB | {peak / MB:.0f} MB | {seconds:.1f} | {outcome} |", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        read(Path(sys.argv[2]))
    else:
        main(sys.argv[1:])
