"""Files of annotations: found out what they are, read row by row, checked."""

import codecs
import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from slugline.annotate.annotation import Annotation, Row, check, one_line, shown, topic_places
from slugline.annotate.formats import argilla, doccano, label_studio, prodigy, sheets
from slugline.data.readers import READ_ERRORS, parse_lines, read_csv
from slugline.data.schema import Rejected
from slugline.errors import InputError, listing

MODULES = {
    "label_studio": label_studio,
    "argilla": argilla,
    "prodigy": prodigy,
    "doccano": doccano,
    "csv": sheets,
    "xlsx": sheets,
}
KINDS = {"json": ("label_studio", "argilla", "prodigy", "doccano"), "csv": ("label_studio", "csv"), "xlsx": ("xlsx",)}
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",  # before UTF-16, whose mark it begins with
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
ARCHIVE, OLD_OFFICE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def read_annotations(path: Path, format: str | None, topics: Sequence[str]) -> tuple[list[Annotation], list[Rejected]]:
    """Return the annotations in a file that annotators or their tools wrote, and what could not be read of it.

    `format` is one of `FORMATS`, or None to find it out. Labels come in the order of `topics`. Where the file does not
    say who annotated, its name without ending does. Raises `InputError` for a file that is none of that format; a bad
    row is rejected and the rest goes on.
    """
    if format is not None and format not in MODULES:
        raise InputError(f"format: {shown(format)}; allowed: {listing(MODULES)}")
    places = topic_places(topics)
    rows, rejected = read_rows(path, format)
    name = format or find_format(rows, path)
    module = MODULES[name]
    fitting = [(where, row) for where, row in rows if module.fits(row)]
    if not fitting:
        raise InputError(f"{path}: no annotations as {name} has them; the first row has: {fields(rows[0][1])}")
    rejected += [Rejected(at, f"no row of {name}: {fields(row)}") for at, row in rows if not module.fits(row)]
    annotations: dict[tuple[str, str, str | None], Annotation] = {}
    found: list[Annotation] = []
    for said in module.read(fitting, tuple(places)):
        item = said if isinstance(said, Rejected) else check(said, places, path.stem)
        if isinstance(item, Annotation):
            first = annotations.setdefault((item.sentence_id, item.annotator, item.when), item)
            if first.labels == item.labels:
                found.append(item)
                continue
            item = Rejected(item.where, f"{item.annotator} said otherwise, and not at another time, at {first.where}")
        rejected.append(Rejected(item.where, one_line(item.reason)))
    return found, rejected


def find_format(rows: Sequence[tuple[str, Row]], path: Path) -> str:
    """Return the format that most rows have; raise `InputError` where none has any."""
    names = KINDS[kind_of(path, None)]
    counts = {name: sum(MODULES[name].fits(row) for _, row in rows) for name in names}
    best = max(counts, key=counts.__getitem__)
    if not counts[best]:
        raise InputError(f"{path}: no annotations; its first row has: {fields(rows[0][1])}; read: {listing(names)}")
    return best


def fields(row: Row) -> str:
    """Return the names of a row's fields for a message."""
    return one_line(listing(shown(name) for name in row)) or "nothing"


def read_rows(path: Path, format: str | None) -> tuple[list[tuple[str, Row]], list[Rejected]]:
    """Return the rows of a file, each with its place, and those that are none; raise `InputError` without any."""
    kind = kind_of(path, format)
    readers = {"json": read_json, "csv": read_table, "xlsx": sheets.read_xlsx}
    try:
        found = list(readers[kind](path))
    except READ_ERRORS as error:
        raise InputError(one_line(f"{path}: cannot be read as {kind}: {error}")) from error
    rows = [(where, row) for where, row in found if not isinstance(row, str)]
    rejected = [Rejected(where, one_line(row)) for where, row in found if isinstance(row, str)]
    if not rows:
        first = f"{rejected[0].where}: {rejected[0].reason}" if rejected else "it is empty"
        raise InputError(one_line(f"{path}: no row could be read as {kind}; {first}"))
    return rows, rejected


def kind_of(path: Path, format: str | None) -> str:
    """Return whether a file is JSON (also lines of it), CSV or XLSX, by its format, ending and first bytes."""
    head = head_of(path)
    if head.startswith(OLD_OFFICE):
        raise InputError(f"{path}: an old or encrypted Office file; save it as .xlsx without a password")
    if format == "xlsx" or (head.startswith(ARCHIVE) and format is None):
        return "xlsx"
    if head.startswith(ARCHIVE):
        raise InputError(f"{path}: an archive, not {format}; unpack it and give the files in it")
    text = head.decode(encoding_of(head), "ignore").lstrip()
    if format == "csv" or not (text.startswith(("[", "{")) or path.suffix.lower() in (".json", ".jsonl", ".ndjson")):
        return "xlsx" if path.suffix.lower() in (".xlsx", ".xlsm") and format is None else "csv"
    return "json"


def head_of(path: Path) -> bytes:
    """Return the first bytes of a file; raise `InputError` where there is none."""
    try:
        with path.open("rb") as stream:
            return stream.read(4096)
    except OSError as error:
        raise InputError(one_line(f"{path}: cannot be read: {error.strerror or error}")) from error


def encoding_of(head: bytes) -> str:
    """Return the encoding that a byte-order mark names, else UTF-8."""
    return next((name for mark, name in MARKS.items() if head.startswith(mark)), "utf-8")


def read_json(path: Path) -> Iterator[tuple[str, Row | str]]:
    """Yield the objects of a JSON list, of lines of JSON, or the one object that there is.

    The place of one in a list is its number.
    """
    data = path.read_bytes()
    encoding = encoding_of(data)
    if encoding != "utf-8":
        data = data.decode(encoding).encode()
    try:
        whole = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        found = [] if data.lstrip().startswith(b"[") else list(parse_lines(data.split(b"\n"), path.name, "utf-8"))
        if not any(isinstance(row, dict) for _, row in found):
            raise InputError(one_line(f"{path}: not JSON: {error}")) from error
        yield from found
        return
    if isinstance(whole, dict):
        yield path.name, whole
        return
    for number, item in enumerate(whole if isinstance(whole, list) else [whole], start=1):
        yield (
            f"{path.name}, record {number}",
            item if isinstance(item, dict) else f"a JSON {type(item).__name__}, not an object",
        )


def read_table(path: Path) -> Iterator[tuple[str, Row | str]]:
    """Yield the rows of a CSV file, its delimiter found out, apostrophes that `protected` cells taken off again."""
    encoding = encoding_of(head_of(path)).removesuffix("-sig")
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        first = stream.readline(1 << 20)
    headers = {sign: next(csv.reader([first], delimiter=sign), []) for sign in ",;\t"}
    delimiter = max(headers, key=lambda sign: ("sentence_id" in headers[sign], len(headers[sign])))
    for where, row in read_csv(path, path.name, encoding, delimiter):
        if isinstance(row, str):
            yield where, row
        else:
            own = sheets.unprotected
            yield where, {own(name).strip(): cell if name == "sentence_id" else own(cell) for name, cell in row.items()}
