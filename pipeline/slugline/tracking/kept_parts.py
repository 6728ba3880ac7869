"""The parts that articles had in a run of before, for a split that keeps them."""

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from slugline.errors import InputError
from slugline.splits import PARTS_FILE, ByArticle, Random, read_parts
from slugline.tracking.history import read_table
from slugline.tracking.run_names import find_run
from slugline.tracking.store_errors import StoreError


def pin_kept(split: Any, uri: str | None = None) -> Any:
    """Return a splitter whose `keep` names a run by its id, so that it stays that run, or a file."""
    if not _keeps_run(split):
        return split
    try:
        return replace(split, keep=find_run(split.keep, uri))
    except StoreError:
        raise
    except InputError as error:
        raise InputError(f"split.keep: there is no such file, and {error}") from error


def resolve_kept(split: Any, uri: str | None = None) -> Any:
    """Return a splitter whose `keep` holds the parts that the run or the file it names has; any other as it is."""
    if not _keeps_run(split):
        return replace(split, keep=split.read_kept()) if _keeps(split) else split
    pinned = pin_kept(split, uri)
    try:
        content = read_table(pinned.keep, PARTS_FILE, uri)
    except StoreError:
        raise
    except InputError as error:
        wanted = f"a training that wrote {PARTS_FILE}, as all do but those with data.chunk_rows and of older versions"
        raise InputError(f"split.keep: {error}; allowed: {wanted}") from error
    with TemporaryDirectory() as folder:
        file = Path(folder) / PARTS_FILE
        file.write_bytes(content)
        return replace(split, keep=read_parts(str(file)))


def _keeps_run(split: Any) -> bool:
    """Tell whether a splitter keeps the parts of something that is no file."""
    return _keeps(split) and isinstance(split.keep, str) and not Path(split.keep).exists()


def _keeps(split: Any) -> bool:
    """Tell whether a splitter keeps parts."""
    return isinstance(split, ByArticle | Random) and split.keep is not None
