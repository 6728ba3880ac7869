"""The cache of stages: what a stage made, kept as data under a key of all that decides it, for the next run.

An entry is a folder of Arrow files, NumPy arrays without pickle and JSON, so that nobody's cache can run code. It is
written beside its place and renamed when whole, so that a killed run leaves none that is broken; a lock file lets the
second of two processes that want the same entry wait for the first.
"""

import inspect
import json
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b, file_digest
from importlib.metadata import version
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from filelock import FileLock
from pyarrow import feather
from scipy.sparse import csr_array

from slugline.errors import InputError, listing

LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "ftfy", "sentencex")
KEY, VALUES = "key.json", "values.json"
Key = Mapping[str, str]
Values = dict[str, Any]  # frames, arrays, sparse matrices, and what JSON holds


@dataclass(frozen=True)
class Folder:
    """Keep what stages make in `path`, at most `max_gigabytes` in all; what was not used for longest goes first."""

    path: str = "experiments/cache"
    max_gigabytes: float = 4.0

    def __post_init__(self) -> None:
        if not self.max_gigabytes > 0:
            raise InputError(f"cache.max_gigabytes: {self.max_gigabytes}; allowed: a positive number, or cache=off")


@dataclass(frozen=True)
class Off:
    """Keep nothing."""


class Stages:
    """Runs stages, or takes what they made before; `notes` say for each stage which of both, and why."""

    def __init__(self, settings: Folder | Off) -> None:
        self.settings = settings
        self.notes: dict[str, str] = {}

    def run(self, stage: str, key: Key | None, make: Callable[[], Values]) -> Values:
        """Return what `make` gives for this key, made before or now; a key of None is never kept."""
        if isinstance(self.settings, Off):
            return make()
        if key is None:
            self.notes[stage] = "not kept: it has input that is not in files"
            return make()
        folder = Path(self.settings.path) / stage
        place = folder / digest_key(key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{place}.lock").acquire()
        except OSError as error:
            self.notes[stage] = f"not kept: {error}"
            return make()
        with lock:
            if (found := load(place)) is not None:
                self.notes[stage] = "reused"
                return found
            self.notes[stage] = f"made, {difference(folder, key)}"
            made = make()
            try:
                store(place, key, made)
            except (OSError, pa.ArrowException, TypeError) as error:  # a full disk, or an object that is no data
                self.notes[stage] += f"; not kept: {str(error).splitlines()[0]}"
        prune(Path(self.settings.path), int(self.settings.max_gigabytes * 1e9), place)
        return made


def load(place: Path) -> Values | None:
    """Return what an entry holds, or None where there is none that can be read."""
    try:
        found: Values = json.loads((place / VALUES).read_text(encoding="utf-8"))
        for file in place.iterdir():
            if file.suffix in READERS:
                found[file.stem] = READERS[file.suffix](file)
        os.utime(place)  # it was used
    except (OSError, ValueError, EOFError, pa.ArrowException):
        return None
    return found


def store(place: Path, key: Key, values: Values) -> None:
    """Write an entry beside its place and rename it."""
    with beside(place) as folder:
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


@contextmanager
def beside(place: Path) -> Iterator[Path]:
    """Give a folder to write into, which takes the place when it is whole and goes when it is not."""
    folder = Path(mkdtemp(prefix=".new-", dir=place.parent))
    try:
        yield folder
        shutil.rmtree(place, ignore_errors=True)  # what cannot be read
        folder.rename(place)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def read_frame(file: Path) -> pd.DataFrame:
    """Return a frame as it was, lists in its cells as tuples."""
    table = feather.read_table(file, memory_map=False)
    frame: pd.DataFrame = table.to_pandas()
    for column in (field.name for field in table.schema if pa.types.is_list(field.type)):
        frame[column] = pd.Series(
            [None if cell is None else tuple(cell) for cell in frame[column]], index=frame.index, dtype=object
        )
    return frame


def read_sparse(file: Path) -> csr_array:
    """Return a sparse matrix."""
    with file.open("rb") as stream:
        data, indices, indptr, shape = (np.load(stream, allow_pickle=False) for _ in range(4))
    return csr_array((data, indices, indptr), shape=tuple(shape))


READERS: dict[str, Callable[[Path], Any]] = {
    ".arrow": read_frame,
    ".npy": lambda file: np.load(file, allow_pickle=False),
    ".csr": read_sparse,
}


def difference(folder: Path, key: Key) -> str:
    """Say in what a key differs from the nearest one of the stage that is kept."""
    kept: list[dict[str, str]] = []
    for file in folder.glob(f"[!.]*/{KEY}"):
        with suppress(OSError, ValueError):  # it is just being pruned
            kept.append(json.loads(file.read_text(encoding="utf-8")))
    if not kept:
        return "nothing was kept"
    changes = [[name for name in {**old, **key} if old.get(name) != key.get(name)] for old in kept]
    nearest = min(changes, key=lambda names: len(names))
    return f"changed: {listing(nearest, 4)}" if nearest else "what was kept cannot be read"


def prune(root: Path, most: int, newest: Path) -> None:
    """Remove the entries that were not used for longest until all take at most so many bytes."""
    found = []
    for place in root.glob("*/[!.]*/"):
        with suppress(OSError):  # another process is pruning
            size = sum(file.stat().st_size for file in place.iterdir())
            found.append((place != newest, place.stat().st_mtime_ns, size, place))
    for left in [*root.glob("*/.new-*/"), *root.glob("*/.old-*/")]:  # by a killed run
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > 86400:
                shutil.rmtree(left)
    total = 0
    for kept, (_, _, size, place) in enumerate(sorted(found, key=lambda entry: (entry[0], -entry[1]))):
        total += size
        if total > most and kept:
            with suppress(OSError):
                gone = place.rename(place.with_name(f".old-{place.name}"))
                shutil.rmtree(gone)
                Path(f"{place}.lock").unlink(missing_ok=True)


def digest(text: str) -> str:
    """Return 32 hexadecimal digits for a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def digest_files(files: Iterable[tuple[Path, str]]) -> dict[str, str] | None:
    """Return a digest of the bytes of each file under its name; None when one is standard input."""
    found = {}
    for file, name in files:
        if str(file) == "-":
            return None
        with file.open("rb") as stream:
            found[f"file {name}"] = file_digest(stream, lambda: blake2b(digest_size=16)).hexdigest()
    return found


def stage_key(
    section: str, options: Mapping[str, Any], component: object, files: Iterable[tuple[Path, str]] | None
) -> Key | None:
    """Return what decides a stage that reads files: their bytes, its section of the config, code.

    None where that cannot be known: standard input, or a reader that does not say which files it reads.
    """
    if files is None or (bytes_read := digest_files(files)) is None:
        return None
    said = {f"{section}.{key}": repr(value) for key, value in options.items()}
    return said | {f"order of {section}": digest("\0".join(options))} | bytes_read | versions(component)


def chain(stage: str, before: Key | None, more: Key | None) -> Key | None:
    """Return the key of a stage that takes what another gave."""
    if before is None or more is None:
        return None
    return {stage: digest_key(before), **more}


def digest_key(key: Key) -> str:
    """Return 32 hexadecimal digits for a key, whatever the order of its entries."""
    return digest(json.dumps(key, sort_keys=True))


def versions(*components: object) -> dict[str, str]:
    """Return what code runs: of Slugline, of the libraries that stages use, of modules that components come from."""
    found = {"python": platform.python_version(), "code of slugline": own_code()}
    found |= {name: version(name) for name in LIBRARIES}
    for module in {type(component).__module__ for component in components}:
        if module.split(".")[0] not in ("slugline", "sklearn"):
            found[f"code of {module}"] = digest(source(module))
    return found


def source(module: str) -> str:
    """Return the source of a module; where it is not at hand, what is never the same."""
    try:
        return inspect.getsource(sys.modules[module])
    except (OSError, TypeError):
        return str(time.time_ns())


@cache
def own_code() -> str:
    """Return a digest of Slugline's source."""
    root = Path(__file__).parent
    return digest("\0".join(file.read_text(encoding="utf-8") for file in sorted(root.rglob("*.py"))))
