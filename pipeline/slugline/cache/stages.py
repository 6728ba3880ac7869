"""The stages of a training, and where what they make is kept.

An entry is written atomically, so that a killed run leaves none that is broken; a lock file lets the second of two
processes that want the same entry wait for the first.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from filelock import FileLock

from slugline.cache.entries import Values, describe_change, load, prune, store
from slugline.cache.keys import Key, digest_key
from slugline.errors import InputError, one_line


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
        How long each stage took, under its metric key, such as `time/fit`.
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
        entry = folder / digest_key(key)
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
            self.notes[stage] = f"made, {describe_change(folder, key)}"
            values = make()
            try:
                store(entry, key, values)
            except (OSError, pa.ArrowException, TypeError) as error:  # a full disk, or an object that is no data
                self.notes[stage] += f"; not kept: {one_line(error)}"
        prune(Path(self.cache.path), int(self.cache.max_gigabytes * 1e9), entry)
        return values
