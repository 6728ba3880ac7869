"""Readers: files, folders, globs and standard input become articles, one at a time."""

import codecs
import csv
import gzip
import io
import json
import re
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from slugline.data.schema import ARTICLE_COLUMNS, Article, Rejected
from slugline.errors import InputError, listing

Row = Mapping[str, Any]
BATCH_ROWS = 4096  # rows of a Parquet file held at once
FORMATS = {".txt": "text", ".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError, csv.Error)
_PUNCTUATION = str.maketrans("", "", "‘’“”–—…")
UNDECODED = re.compile("[\udc80-\udcff]")  # bytes that are none of the encoding, as `surrogateescape` keeps them


@dataclass(frozen=True)
class ArticleFiles:
    """A reader of articles from a file, a folder, a glob, or `-` for standard input (or a list of these).

    `columns` maps article columns to their names in the files; a column that a file has not is empty, except `text`.
    `format` says what the files are when their names do not (text, jsonl, csv, tsv, parquet). `keep` names further
    columns of the files.
    """

    path: Any
    format: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    keep: Sequence[str] = ()

    def __call__(self) -> Iterator[Article | Rejected]:
        """Yield each article, its text normalised, or what was rejected and why, in order of files and rows."""
        return (item for _, item in self.read())

    def read(self) -> Iterator[tuple[str, Article | Rejected]]:
        """Yield the same, each with its place (`file` or `file:line`)."""
        columns = article_columns(self.columns)
        for where, row in read_rows(self.path, self.format, self.encoding):
            yield where, Rejected(where, row) if isinstance(row, str) else to_article(row, where, columns, self.keep)


def article_columns(columns: Mapping[str, str]) -> dict[str, str]:
    """Return the name in the files for every article column; raise `InputError` for a column that articles have not."""
    if unknown := [name for name in columns if name not in ARTICLE_COLUMNS]:
        raise InputError(f"data.columns: unknown column '{unknown[0]}'; allowed: {listing(ARTICLE_COLUMNS)}")
    return {name: columns.get(name) or name for name in ARTICLE_COLUMNS}


def to_article(row: Row, where: str, columns: Mapping[str, str], keep: Sequence[str] = ()) -> Article | Rejected:
    """Make an article of a row; its place in the file is its id where it has none."""
    text = text_of(row, columns["text"], where)
    if isinstance(text, Rejected):
        return text
    values = {name: cell(row.get(column)) for name, column in columns.items()}
    if values["title"]:
        values["title"] = normalise(values["title"])
    values |= {"article_id": values["article_id"] or cell(where), "text": text}
    return Article(**values, kept=tuple(cell(row.get(column)) for column in keep))  # type: ignore[arg-type]


def text_of(row: Row, column: str, where: str) -> str | Rejected:
    """Return the text in a column of a row, normalised, or why there is none."""
    if column not in row:
        return Rejected(where, f"no column '{column}' for the text; found: {listing(row)}")
    text = row[column]
    if not isinstance(text, str):
        return Rejected(where, f"column '{column}' is {type(text).__name__}, not text")
    if "\0" in text:
        return Rejected(where, "binary, not text (NUL bytes)")
    text = normalise(text)
    return text if text.strip() else Rejected(where, "empty text")


def cell(value: object) -> str | None:
    """Return a cell of a table as text: nothing stays nothing, dates become ISO 8601, 7.0 is 7.

    Lone surrogates (of JSON or of file names) are spelled out, since they could be written nowhere.
    """
    if value is None or value == "" or value != value:  # NaN alone differs from itself
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # as pandas has whole numbers beside blanks
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    return text.encode("utf-8", "backslashreplace").decode()


def normalise(text: str) -> str:
    r"""Mend mojibake, HTML entities, line ends and control characters, and compose to NFC (Unicode annex 15).

    Curly quotes stay. Works by ftfy (Speer 2019, doi:10.5281/zenodo.2591652); plain ASCII without `&`, `\r` or control
    characters is as it should be and passes through, also with curly quotes, dashes and dots: mojibake has letters.
    """
    plain = text if text.isascii() else text.translate(_PUNCTUATION)
    if plain.isascii() and "&" not in plain and plain.replace("\n", "").replace("\t", "").isprintable():
        return text
    from ftfy import TextFixerConfig, fix_text

    return fix_text(text, TextFixerConfig(uncurl_quotes=False, normalization="NFC"))


def read_rows(path: Any, format: str | None = None, encoding: str = "utf-8") -> Iterator[tuple[str, Row | str]]:
    """Yield `(where, row)` for every row of the files, or `(where, reason)` for what cannot be read.

    A text file is one row with `text` and `article_id`. Raises `InputError` when there is nothing at `path`.
    """
    for file, name in find_files(path, format, encoding):
        kind, number = format or format_of(file), 0
        try:
            for number, found in enumerate(READERS[kind](file, name, encoding), start=1):  # noqa: B007
                yield found
        except READ_ERRORS as error:
            yield name, f"cannot be read as {kind}{f' beyond row {number}' if number else ''}: {error}"
        else:
            if not number:
                yield name, "empty: no row in it"


def find_files(path: Any, format: str | None = None, encoding: str = "utf-8") -> list[tuple[Path, str]]:
    """Return each file and the name it goes by: its path below the folder, its path as a glob found it, or its name.

    Raises `InputError` where there is none, where one is of no known format, and for an encoding that there is not.
    """
    if format is not None and format not in READERS:
        raise InputError(f"data.format: unknown format '{format}'; allowed: {listing(READERS)}")
    try:
        codecs.lookup(encoding)
    except LookupError as error:
        raise InputError(f"encoding: there is no '{encoding}'; allowed: Python's, as utf-8, latin-1, cp1252") from error
    paths = list(path) if isinstance(path, (list, tuple)) else [path]
    if wrong := [one for one in paths if not isinstance(one, (str, Path)) or one == ""]:
        raise InputError(f"no path: {wrong[0]!r}; allowed: a file, a folder, a glob, - or a list of these")
    files = [found for one in paths for found in expand(str(one), format)]
    if not files:
        raise InputError(f"no readable file at {listing(paths)}; endings read: {listing(FORMATS)}, each also with .gz")
    for file, _ in () if format else files:
        format_of(file)
    return files


def expand(path: str, format: str | None) -> list[tuple[Path, str]]:
    """Return the files that one path stands for, sorted; in folders, those of unknown endings are passed over."""
    if path == "-":
        return [(Path("-"), "stdin")]
    place = Path(path)
    if place.is_dir():
        inside = sorted(file for file in place.rglob("*") if file.is_file())
        return [(file, file.relative_to(place).as_posix()) for file in inside if format or known_format(file)]
    if has_magic(path) and not place.exists():
        return [
            (Path(file), Path(file).as_posix()) for file in sorted(glob(path, recursive=True)) if Path(file).is_file()
        ]
    if not place.exists():
        raise InputError(f"no such file or folder: {path}")
    return [(place, place.name)]


def known_format(file: Path) -> str | None:
    """Return what a file is by its ending, `.gz` set aside."""
    return FORMATS.get(Path(file.stem if file.suffix == ".gz" else file.name).suffix.lower())


def format_of(file: Path) -> str:
    """Return what a file is by its ending; standard input is text; raise `InputError` for any other."""
    kind = "text" if str(file) == "-" else known_format(file)
    if kind is None:
        raise InputError(
            f"{file}: unknown ending; endings read: {listing(FORMATS)}, each also with .gz, or say `format=`"
        )
    return kind


def open_bytes(file: Path) -> BinaryIO:
    """Open a file, a gzip file or standard input for reading bytes."""
    if str(file) == "-":
        return sys.stdin.buffer
    return gzip.open(file) if file.suffix == ".gz" else file.open("rb")  # type: ignore[return-value]


def open_text(file: Path, encoding: str, errors: str = "strict") -> TextIO:
    """Open a file, a gzip file or standard input as text, a byte-order mark dropped, line ends as they are."""
    encoding = "utf-8-sig" if codecs.lookup(encoding).name == "utf-8" else encoding
    return io.TextIOWrapper(open_bytes(file), encoding=encoding, errors=errors, newline="")


def read_text(file: Path, name: str, encoding: str) -> Iterator[tuple[str, Row | str]]:
    """Yield the whole file as one row."""
    with open_text(file, encoding) as stream:
        text = stream.read()
    yield name, {"article_id": name, "text": text}


def read_jsonl(file: Path, name: str, encoding: str) -> Iterator[tuple[str, Row | str]]:
    """Yield one row a line; blank lines are passed over."""
    if "\n".encode(encoding) != b"\n":  # UTF-16 and the like have no byte that ends a line
        with open_text(file, encoding) as text:
            lines = text.read().encode().split(b"\n")
        yield from parse_lines(lines, name, "utf-8")
    else:
        with open_bytes(file) as stream:
            yield from parse_lines(stream, name, encoding)


def parse_lines(lines: Iterable[bytes], name: str, encoding: str) -> Iterator[tuple[str, Row | str]]:
    """Yield the row of each line that is not blank."""
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield f"{name}:{number}", parse_json(line, encoding)


def parse_json(line: bytes, encoding: str) -> Row | str:
    """Return the object that a line of JSON holds, or what is wrong with it."""
    try:
        row = json.loads(line.decode(encoding).removeprefix("\ufeff"))
    except (ValueError, RecursionError) as error:
        return f"not JSON: {error}"
    return row if isinstance(row, dict) else f"a JSON {type(row).__name__}, not an object"


def read_csv(file: Path, name: str, encoding: str, delimiter: str = ",") -> Iterator[tuple[str, Row | str]]:
    """Yield one row a record, under the names of the first line; blank lines are passed over.

    A record's place is the line it begins on.
    """
    csv.field_size_limit(sys.maxsize)
    with open_text(file, encoding, "surrogateescape") as stream:
        records = csv.reader(stream, delimiter=delimiter, strict=True)
        header = next(records, [])
        if repeated := [column for column in header if column and header.count(column) > 1]:
            yield f"{name}:1", f"column '{repeated[0]}' stands {header.count(repeated[0])} times in the first line"
            return
        while True:
            line = records.line_num + 1
            try:
                record = next(records, None)
            except csv.Error as error:
                yield f"{name}:{line}", f"no record up to line {records.line_num}: {error}"
                continue
            if record is None:
                return
            if record:
                yield f"{name}:{line}", to_row(header, record, encoding)


def to_row(header: Sequence[str], record: Sequence[str], encoding: str) -> Row | str:
    """Return a record under the names of its fields, or what is wrong with it."""
    if len(record) != len(header):
        return f"{len(record)} fields where the first line has {len(header)}"
    if wrong := UNDECODED.search("".join(record)):
        return f"not {encoding}: byte 0x{ord(wrong[0]) - 0xDC00:02x}"
    return dict(zip(header, record, strict=True))


def read_tsv(file: Path, name: str, encoding: str) -> Iterator[tuple[str, Row | str]]:
    """Yield one row a record of a tab-separated file."""
    return read_csv(file, name, encoding, delimiter="\t")


def read_parquet(file: Path, name: str, encoding: str) -> Iterator[tuple[str, Row | str]]:
    """Yield one row a record; the file is read in batches."""
    import pyarrow as pa
    from pyarrow import parquet

    number = 0
    try:
        with open_bytes(file) as stream:
            source = parquet.ParquetFile(io.BytesIO(stream.read()) if file.suffix == ".gz" else file)
            for batch in source.iter_batches(BATCH_ROWS):
                for row in batch.to_pylist():
                    number += 1
                    yield f"{name}:{number}", row
    except (pa.ArrowException, ValueError, OverflowError) as error:  # the latter two: dates that Python cannot hold
        raise OSError(str(error).splitlines()[0]) from error


READERS: dict[str, Callable[[Path, str, str], Iterator[tuple[str, Row | str]]]] = {
    "text": read_text,
    "jsonl": read_jsonl,
    "csv": read_csv,
    "tsv": read_tsv,
    "parquet": read_parquet,
}


def require_some(read: Sequence[object], rejected: Sequence[Rejected], what: str) -> None:
    """Raise `InputError` naming the first rejection when nothing at all could be read."""
    if not read:
        first = f"{rejected[0].where}: {rejected[0].reason}" if rejected else "the files are empty"
        raise InputError(f"no {what} could be read; {first}")
