"""The stages of a training, and where what they make is kept.

An entry is written atomically, so that a killed run leaves none that is broken; a lock file lets the second of two
processes that want the same entry wait for the first.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

import pyarrow as pa
from filelock import FileLock

from slugline.cache.entries import Values, describe_change, load, prune, store
from slugline.cache.keys import Key, digest_key
from slugline.cache.memory import Made, Memory
from slugline.errors import InputError, one_line

_OVERLAP, _TOTAL = "time/overlap", "time/total"


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
    memory : Memory, optional
        Where it is kept beside, from one training to the next in this process.

    Attributes
    ----------
    notes : dict of str to str
        For each cached stage whether it was reused or made, and why.
    seconds : dict of str to float
        How long each stage took, under its metric key, such as `time/fit`.
    """

    def __init__(self, cache: Folder | Off | None = None, memory: Memory | None = None) -> None:
        self.cache = Off() if cache is None else cache
        self.memory = memory
        self.notes: dict[str, str] = {}
        self.seconds: dict[str, float] = {}
        self._start = self._last = time.perf_counter()  # the last time that a stage began or ended
        self._lock, self._running, self._overlap = Lock(), 0, 0.0

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Time the block that follows; a stage that ran before goes on counting."""
        key, start = f"time/{stage}", self._count(1)
        try:
            yield
        finally:
            end = self._count(-1)
        self.seconds[key] = self.seconds.get(key, 0.0) + end - start

    def all_seconds(self) -> dict[str, float]:
        """Return the seconds of all stages, and what they add up to.

        `time/total` are those from the start to the end of the last stage; `time/overlap` those that the stages have
        together beyond that, since some went on at the same time, in threads.
        """
        return self.seconds | {_OVERLAP: self._overlap, _TOTAL: self._last - self._start}

    def _count(self, change: int) -> float:
        """Count a stage that begins or ends now; return the time."""
        with self._lock:
            now = time.perf_counter()
            self._overlap += max(self._running - 1, 0) * (now - self._last)
            self._running, self._last = self._running + change, now
            return now

    def resume(self, seconds: Mapping[str, float]) -> None:
        """Count on from the seconds that `all_seconds` gave when the training was left."""
        self.seconds = {key: value for key, value in seconds.items() if key not in (_OVERLAP, _TOTAL)}
        self._overlap += seconds[_OVERLAP]
        self._start -= seconds[_TOTAL]

    def recall(self, stage: str, key: Key | None, make: Callable[[], Made]) -> Made:
        """Return what a stage makes, from memory where it is there; for what `run` cannot keep in files."""
        if self.memory is None or key is None:
            return make()
        return self.memory.recall(f"{stage}/{digest_key(key)}", make)

    def working_folder(self, key: Key) -> Path | None:
        """Return where the stage of a key may keep its state while it runs, for the next run if this one is killed.

        None where nothing is kept.
        """
        return None if isinstance(self.cache, Off) else Path(self.cache.path) / "unfinished" / digest_key(key)

    def run(self, stage: str, key: Key | None, make: Callable[[], Values]) -> Values:
        """Return what a stage makes, from memory or the cache where it is there.

        Parameters
        ----------
        stage : str
            The name of the stage, a folder of the cache.
        key : mapping of str to str, or None
            All that decides what the stage makes; None is never kept.
        make : callable
            Makes the values: frames, arrays, sparse matrices, and what JSON holds.
        """
        return self.recall(stage, key, lambda: self._load_or_make(stage, key, make))

    def _load_or_make(self, stage: str, key: Key | None, make: Callable[[], Values]) -> Values:
        """Return what a stage makes, from the cache where it is there."""
        if isinstance(self.cache, Off):
            return make()
        if key is None:
            self.notes[stage] = "not kept: it has input that is not in files, or cannot be read"
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

    def read(
        self, stage: str, find_key: Callable[[], Key | None], make: Callable[[], Values]
    ) -> tuple[Values, Key | None]:
        """Return what a stage makes of files, as `run` does, and its key, under which the next stages are kept.

        The key is found again after the reading. Where it is another by then, since a file came, went or changed
        meanwhile, nothing is kept, and the key is None.
        """
        if isinstance(self.cache, Off) and self.memory is None:
            return make(), None
        key = find_key()

        def make_unless_changed() -> Values:
            values = make()
            if key is not None and _find_again(find_key) != key:
                raise _ChangedInput(values)
            return values

        try:
            return self.run(stage, key, make_unless_changed), key
        except _ChangedInput as changed:
            self.notes[stage] = "not kept: its files changed while they were read"
            return changed.values, None


def _find_again(find_key: Callable[[], Key | None]) -> Key | None:
    """Return a key that was found before, None where its files are gone by now."""
    try:
        return find_key()
    except InputError:
        return None


class _ChangedInput(Exception):  # noqa: N818 - no error: what was made is used
    """Files changed while a stage read them; `values` is what it made."""

    def __init__(self, values: Values) -> None:
        super().__init__()
        self.values = values
