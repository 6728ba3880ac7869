"""Stages of a training: timed, and what they made kept under a key of all that decides it, for the next run.

An entry of the cache is a folder of Arrow files, NumPy arrays without pickle and JSON, so that nobody's cache can run
code. It is written atomically, so that a killed run leaves none that is broken; a lock file lets the second of two
processes that want the same entry wait for the first.
"""

import inspect
import json
import os
import platform
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from hashlib import blake2b, file_digest
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from filelock import FileLock
from pyarrow import feather
from scipy.sparse import csr_array

from slugline.components import flatten, to_config
from slugline.errors import InputError, listing
from slugline.files import write_atomically

LIBRARIES = ("numpy", "scipy", "pandas", "pyarrow", "scikit-learn", "ftfy", "sentencex")
KEY, VALUES = "key.json", "values.json"
SECONDS_A_DAY = 86_400
Key = Mapping[str, str]
Values = dict[str, Any]  # frames, arrays, sparse matrices, and what JSON holds


@dataclass(frozen=True)
class Folder:
    """Keep what stages make.

    Parameters
    ----------
    path : str
        The folder of the cache.
    max_gigabytes : float
        How large it may get; what was not used for longest goes first.
    """

    path: str = "experiments/cache"
    max_gigabytes: float = 4.0

    def __post_init__(self) -> None:
        if not self.max_gigabytes > 0:
            raise InputError(f"cache.max_gigabytes: {self.max_gigabytes}; allowed: a positive number, or cache=off")


@dataclass(frozen=True)
class Off:
    """Keep nothing."""


class Stages:
    """The stages of one training.

    Parameters
    ----------
    cache : Folder or Off
        Where what they make is kept.

    Attributes
    ----------
    notes : dict of str to str
        For each cached stage whether it was reused or made, and why.
    seconds : dict of str to float
        How long each stage took, under its metric key, as `time/fit`.
    """

    def __init__(self, cache: Folder | Off | None = None) -> None:
        self.cache = Off() if cache is None else cache
        self.notes: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self._start = time.perf_counter()

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Time the block that follows; a stage that ran before goes on counting."""
        key, start = f"time/{stage}", time.perf_counter()
        before = self.seconds.get(key, 0.0)
        yield
        self.seconds[key] = before + time.perf_counter() - start

    def all_seconds(self) -> dict[str, float]:
        """Return the seconds of all stages, and those since the start as `time/total`."""
        return self.seconds | {"time/total": time.perf_counter() - self._start}

    def run(self, stage: str, key: Key | None, make: Callable[[], Values]) -> Values:
        """Return what a stage makes, from the cache where it is there.

        Parameters
        ----------
        stage : str
            The name of the stage, a folder of the cache.
        key : mapping of str to str, or None
            All that decides what the stage makes; None is never kept.
        make : callable
            Makes the values: frames, arrays, sparse matrices, and what JSON holds.
        """
        if isinstance(self.cache, Off):
            return make()
        if key is None:
            self.notes[stage] = "not kept: it has input that is not in files"
            return make()
        folder = Path(self.cache.path) / stage
        entry = folder / _digest_key(key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(f"{entry}.lock").acquire()
        except OSError as error:
            self.notes[stage] = f"not kept: {error}"
            return make()

        with lock:
            if (values := load(entry)) is not None:
                self.notes[stage] = "reused"
                return values
            self.notes[stage] = f"made, {_describe_change(folder, key)}"
            values = make()
            try:
                store(entry, key, values)
            except (OSError, pa.ArrowException, TypeError) as error:  # a full disk, or an object that is no data
                self.notes[stage] += f"; not kept: {str(error).splitlines()[0]}"
        _prune(Path(self.cache.path), int(self.cache.max_gigabytes * 1e9), entry)
        return values


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


def _describe_change(folder: Path, key: Key) -> str:
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


def _prune(root: Path, limit: int, newest: Path) -> None:
    """Remove the entries that were not used for longest until all take at most `limit` bytes."""
    entries = []
    for entry in root.glob("*/[!.]*/"):
        with suppress(OSError):  # another process is pruning
            size = sum(file.stat().st_size for file in entry.iterdir())
            entries.append((entry != newest, -entry.stat().st_mtime_ns, size, entry))

    for leftover in root.glob("*/.*.tmp/"):  # of a killed run
        with suppress(OSError):
            if time.time() - leftover.stat().st_mtime > SECONDS_A_DAY:
                shutil.rmtree(leftover)

    total = 0
    for number, (_, _, size, entry) in enumerate(sorted(entries)):
        total += size
        if total > limit and number:
            with suppress(OSError):
                removed = entry.rename(entry.with_name(f".{entry.name}.tmp"))
                shutil.rmtree(removed)
                Path(f"{entry}.lock").unlink(missing_ok=True)


def digest(text: str) -> str:
    """Return 32 hexadecimal digits for a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _digest_files(files: Iterable[tuple[Path, str]]) -> dict[str, str] | None:
    """Return a digest of the bytes of each file under its name; None when one is standard input."""
    found = {}
    for file, name in files:
        if str(file) == "-":
            return None
        with file.open("rb") as stream:
            found[f"file {name}"] = file_digest(stream, lambda: blake2b(digest_size=16)).hexdigest()
    return found


def stage_key(
    section: str, component: object, files: Iterable[tuple[Path, str]] | None, modules: Iterable[str] = ()
) -> Key | None:
    """Return all that decides a stage that reads files: the bytes of these, the component's options, and code.

    Parameters
    ----------
    section : str
        The component's section of the config, as `data`.
    component : object
        The reader or labeller.
    files : iterable of (Path, str), or None
        The files it reads, each with its name; None where it does not say which.
    modules : iterable of str
        Modules whose functions it calls.

    Returns
    -------
    mapping of str to str, or None
        None where the input cannot be known: standard input, or a reader that does not say which files it reads.
    """
    if files is None or (digests := _digest_files(files)) is None:
        return None
    options = {name: repr(value) for name, value in flatten(to_config(component), f"{section}.").items()}
    order = {f"order of {section}": digest("\0".join(options))}
    return options | order | digests | versions(component, modules=modules)


def chain(stage: str, before: Key | None, more: Key | None) -> Key | None:
    """Return the key of a stage that takes what another gave."""
    if before is None or more is None:
        return None
    return {stage: _digest_key(before), **more}


def _digest_key(key: Key) -> str:
    """Return 32 hexadecimal digits for a key, whatever the order of its entries."""
    return digest(json.dumps(key, sort_keys=True))


def versions(*components: object, modules: Iterable[str] = ()) -> dict[str, str]:
    """Return what code runs: of Slugline, its libraries, the modules of components, and further modules."""
    found = {"python": platform.python_version(), "code of slugline": _own_code()}
    found |= {name: version(name) for name in LIBRARIES}
    for module in sorted({type(component).__module__ for component in components} | set(modules)):
        if module.split(".")[0] not in ("slugline", "sklearn"):
            found[f"code of {module}"] = digest(_source(module))
    return found


def _source(module: str) -> str:
    """Return the source of a module; where it is not at hand, what is never the same."""
    try:
        return inspect.getsource(import_module(module))
    except (ImportError, OSError, TypeError):
        return str(time.time_ns())


@cache
def _own_code() -> str:
    """Return a digest of Slugline's source."""
    root = Path(__file__).parent
    return digest("\0".join(file.read_text(encoding="utf-8") for file in sorted(root.rglob("*.py"))))
