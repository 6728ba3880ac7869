"""Formats of articles: a reader for each, and the endings by which its files are known.

A reader takes an `InputFile` and yields rows, each with its place (`name` or `name:line`); in place of a row that
cannot be read comes the reason, a string. To add a format: a module with a reader, and a line in `FORMATS`.
"""

from collections.abc import Callable
from typing import NamedTuple

from slugline.data.formats.feeds import read_feed
from slugline.data.formats.html import read_html
from slugline.data.formats.json_lines import read_json_lines
from slugline.data.formats.json_values import read_json
from slugline.data.formats.mail import read_mail
from slugline.data.formats.markdown import read_markdown
from slugline.data.formats.parquet import read_parquet
from slugline.data.formats.tables import read_csv
from slugline.data.formats.text import read_text
from slugline.data.formats.warc import read_warc
from slugline.data.formats.workbook import read_workbook
from slugline.data.opening import InputFile
from slugline.data.schema import Rows


class Format(NamedTuple):
    """The reader of a format, the endings of its files, and whether its rows have columns that users name."""

    read: Callable[[InputFile], Rows]
    endings: tuple[str, ...]
    has_columns: bool = True


FORMATS = {
    "text": Format(read_text, (".txt",), has_columns=False),
    "markdown": Format(read_markdown, (".md", ".markdown"), has_columns=False),
    "html": Format(read_html, (".html", ".htm", ".xhtml"), has_columns=False),
    "eml": Format(read_mail, (".eml",), has_columns=False),
    "json": Format(read_json, (".json",)),
    "jsonl": Format(read_json_lines, (".jsonl", ".ndjson")),
    "csv": Format(read_csv, (".csv",)),
    "tsv": Format(read_csv, (".tsv",)),
    "xlsx": Format(read_workbook, (".xlsx", ".xlsm")),
    "parquet": Format(read_parquet, (".parquet",)),
    "feed": Format(read_feed, (".rss", ".atom", ".xml"), has_columns=False),
    "warc": Format(read_warc, (".warc",), has_columns=False),
}
FORMAT_OF_ENDING = {ending: name for name, known in FORMATS.items() for ending in known.endings}
