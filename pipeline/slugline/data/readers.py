"""The rows of the files that a path stands for, one at a time and each with its place."""

import csv
import zlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from slugline.data.formats import FORMATS
from slugline.data.input_files import find_files, format_of, sibling_key
from slugline.data.opening import InputFile, ReadOptions
from slugline.data.predictions import undo_guard
from slugline.data.schema import Rejected, Rows
from slugline.errors import InputError

READ_ERRORS = (OSError, EOFError, zlib.error, UnicodeError, csv.Error)


def read_rows(
    path: Any,
    options: ReadOptions | None = None,
    *,
    key: str = "data.path",
    columns: Mapping[str, str] = MappingProxyType({}),
) -> Rows:
    """Read the rows of the files that `find_files` finds, one at a time, each with its place (`file` or `file:line`).

    In place of a row that cannot be read comes the reason, a string. A text file, which has no columns of its own, is
    one row with `article_id` and `text`, or what `columns` calls these. `key` is the setting that names the path.
    """
    options = options or ReadOptions()
    for file, name in find_files(path, options, key=key):
        file_format = options.format or format_of(file)
        count = 0
        try:
            rows = FORMATS[file_format].read(InputFile(file, name, options))
            for where, row in undo_guard(rows) if file_format in ("csv", "tsv") else rows:
                count += 1
                if isinstance(row, str):
                    yield where, f"{row}{_encoding_advice(row, options.encoding, key)}"
                elif not FORMATS[file_format].has_columns:
                    yield where, {columns.get(name) or name: cell for name, cell in row.items()}
                else:
                    yield where, row
        except READ_ERRORS as error:
            beyond = f" beyond row {count}" if count else ""
            advice = _encoding_advice(str(error), options.encoding, key)
            yield name, f"cannot be read as {file_format}{beyond}: {error}{advice}"
        else:
            if not count:
                yield name, "empty: no row in it"


def check_any_read(read: Sequence[object], rejected: Sequence[Rejected], noun: str) -> None:
    """Raise `InputError` with the first rejection when nothing at all could be read; `noun` says what was to be."""
    if not read:
        reason = f"{rejected[0].where}: {rejected[0].reason}" if rejected else "the files are empty"
        raise InputError(f"no {noun} could be read; {reason}")


def _encoding_advice(reason: str, encoding: str, key: str) -> str:
    """Return what to give for a file that is not UTF-8, where `key`, which names its path, has such a setting."""
    undecoded = encoding == "utf-8" and ("not utf-8" in reason or "'utf-8' codec" in reason)
    advice = f"; files from Windows are often read with {sibling_key(key, 'encoding')}=cp1252"
    return advice if undecoded and not key.startswith("labels.") else ""
