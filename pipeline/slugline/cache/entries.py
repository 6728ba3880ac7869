"""Entries of the cache: folders of Arrow files, NumPy arrays without pickle and JSON, so that none can run code."""

import json
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import feather
from scipy.sparse import csr_array

from slugline.cache.keys import Key
from slugline.errors import listing
from slugline.files import write_atomically

KEY, VALUES = "key.json", "values.json"
_SECONDS_A_DAY = 86_400
Values = dict[str, Any]  # frames, arrays, sparse matrices, and what JSON holds


def load(entry: Path) -> Values | None:
    """Return what an entry holds, or None where there is none that can be read."""
    try:
        values: Values = json.loads((entry / VALUES).read_text(encoding="utf-8"))
        for file in entry.iterdir():
            if file.suffix in _READERS:
                values[file.stem] = _READERS[file.suffix](file)
        os.utime(entry)  # it was used
    except (OSError, ValueError, EOFError, pa.ArrowException):
        return None
    return values


def store(entry: Path, key: Key, values: Values) -> None:
    """Write an entry."""
    with write_atomically(entry) as folder:
        folder.mkdir()
        plain = {}
        for name, value in values.items():
            if isinstance(value, pd.DataFrame):
                feather.write_feather(pa.Table.from_pandas(value, preserve_index=False), folder / f"{name}.arrow")
            elif isinstance(value, csr_array):
                with (folder / f"{name}.csr").open("wb") as stream:
                    for array in (value.data, value.indices, value.indptr, np.array(value.shape)):
                        np.save(stream, array, allow_pickle=False)
            elif isinstance(value, np.ndarray):
                np.save(folder / f"{name}.npy", value, allow_pickle=False)
            else:
                plain[name] = value
        (folder / VALUES).write_text(json.dumps(plain), encoding="utf-8")
        (folder / KEY).write_text(json.dumps(key, indent=1), encoding="utf-8")


def _read_frame(file: Path) -> pd.DataFrame:
    """Return a frame as it was, lists in its cells as tuples."""
    table = feather.read_table(file, memory_map=False)
    frame: pd.DataFrame = table.to_pandas()
    for column in (field.name for field in table.schema if pa.types.is_list(field.type)):
        frame[column] = pd.Series(
            [None if cell is None else tuple(cell) for cell in frame[column]], index=frame.index, dtype=object
        )
    return frame


def _read_sparse(file: Path) -> csr_array:
    """Return a sparse matrix."""
    with file.open("rb") as stream:
        data, indices, indptr, shape = (np.load(stream, allow_pickle=False) for _ in range(4))
    return csr_array((data, indices, indptr), shape=tuple(shape))


_READERS: dict[str, Callable[[Path], Any]] = {
    ".arrow": _read_frame,
    ".npy": lambda file: np.load(file, allow_pickle=False),
    ".csr": _read_sparse,
}


def describe_change(folder: Path, key: Key) -> str:
    """Describe in what a key differs from the nearest one that is kept of the stage."""
    kept: list[dict[str, str]] = []
    for file in folder.glob(f"[!.]*/{KEY}"):
        with suppress(OSError, ValueError):  # it is just being pruned
            kept.append(json.loads(file.read_text(encoding="utf-8")))
    if not kept:
        return "nothing was kept"
    changes = [[name for name in {**old, **key} if old.get(name) != key.get(name)] for old in kept]
    nearest = min(changes, key=len)
    return f"changed: {listing(nearest, 4)}" if nearest else "what was kept cannot be read"


def prune(root: Path, limit: int, newest: Path) -> None:
    """Remove the entries that were not used for longest until all take at most `limit` bytes."""
    entries = []
    for entry in root.glob("*/[!.]*/"):
        with suppress(OSError):  # another process is pruning
            size = sum(file.stat().st_size for file in entry.iterdir())
            entries.append((entry != newest, -entry.stat().st_mtime_ns, size, entry))

    for leftover in root.glob("*/.*.tmp/"):  # of a killed run
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime > _SECONDS_A_DAY:
                shutil.rmtree(leftover)

    total = 0
    for number, (_, _, size, entry) in enumerate(sorted(entries)):
        total += size
        if total > limit and number:
            with suppress(OSError):
                removed = entry.rename(entry.with_name(f".{entry.name}.tmp"))
                shutil.rmtree(removed)
                Path(f"{entry}.lock").unlink(missing_ok=True)
