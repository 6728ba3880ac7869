"""Crews: who labels batches. This process, processes of its own, or the workers of a Dask cluster, all by one loop."""

import os
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from importlib import import_module
from itertools import chain, islice
from typing import Any, NamedTuple

from slugline.errors import InputError
from slugline.model import TopicModel, load_model

ENGINES = ("local", "dask")
PATIENCE = "20s"  # to wait for a Dask scheduler, and for a worker of its

Work = Callable[[TopicModel, Any], Any]  # from a model and a batch to what becomes of it; it is sent to other processes


class Crew(NamedTuple):
    """`submit` takes a batch and returns how to get the result; at most `ahead` batches wait for others to be taken."""

    submit: Callable[[Any], Callable[[], Any]]
    ahead: int


class Engine(NamedTuple):
    """Which crew to take: `name` is local or dask, `n_jobs` counts processes, `address` is a Dask scheduler's."""

    name: str = "local"
    n_jobs: int = -1
    address: str | None = None

    def check(self) -> None:
        """Raise `InputError` for what cannot be."""
        if self.name not in ENGINES:
            raise InputError(f"engine: unknown engine '{self.name}'; allowed: {', '.join(ENGINES)}")
        if self.address and self.name != "dask":
            raise InputError("dask_address: only engine=dask uses a cluster; give that too")
        if self.n_jobs == 0:
            raise InputError("n_jobs: 0; allowed: a number of processes, -1 for all cores")


def run_all(engine: Engine, work: Work, folder: str, batches: Iterator[Any]) -> Generator[Any]:
    """Yield the result of each batch by the model in a folder, in order; few are under way, so memory does not grow."""
    first = list(islice(batches, 2))
    if not first:
        return
    waiting: deque[Callable[[], Any]] = deque()
    with find_crew(engine, work, folder, several=len(first) > 1) as crew:
        for batch in chain(first, batches):
            waiting.append(crew.submit(batch))
            if len(waiting) > crew.ahead:
                yield waiting.popleft()()
        while waiting:
            yield waiting.popleft()()


@contextmanager
def find_crew(engine: Engine, work: Work, folder: str, several: bool) -> Iterator[Crew]:
    """Give a crew: this process where there is only one batch, or one core."""
    if engine.name == "dask":
        with dask_crew(engine, work, load(folder)) as crew:
            yield crew
    elif several and (n_jobs := count_jobs(engine.n_jobs)) > 1:
        with process_crew(n_jobs, work, folder) as crew:
            yield crew
    else:
        yield Crew(partial(partial, work, load(folder)), 0)


@lru_cache(maxsize=1)
def load(folder: str) -> TopicModel:
    """Load a model once per process."""
    return load_model(folder)


def count_jobs(n_jobs: int) -> int:
    """Return a number of processes, as joblib counts: -1 is all cores that this process may use."""
    from joblib import effective_n_jobs

    return int(effective_n_jobs(n_jobs))


@contextmanager
def process_crew(n_jobs: int, work: Work, folder: str) -> Iterator[Crew]:
    """Give processes on this machine.

    Not by `joblib.Parallel`: it takes batches from the reader in a thread of its own, and shares no loop with Dask.
    """
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import get_context

    pool = ProcessPoolExecutor(n_jobs, get_context("spawn"), initializer=start_worker)
    try:
        yield Crew(lambda batch: pool.submit(work_by, work, folder, batch).result, 2 * n_jobs)
    except BrokenExecutor as error:
        raise lost_worker() from error
    finally:
        pool.shutdown(cancel_futures=True)


def work_by(work: Work, folder: str, batch: Any) -> Any:
    """Do the work on a batch by the model in a folder."""
    return work(load(folder), batch)


def start_worker() -> None:
    """Prepare a worker: one thread, as there is a worker for each core, and an end when the main process ends."""
    import signal
    from threading import Thread

    import pyarrow as pa

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the main process ends the workers
    pa.set_cpu_count(1)
    Thread(target=end_with_parent, daemon=True).start()


def end_with_parent() -> None:
    """End this process when the one that started it is gone, killed maybe."""
    from multiprocessing import parent_process

    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


def lost_worker() -> InputError:
    """Return what to say when a worker is gone."""
    return InputError(
        "a worker process ended before its work was done, killed maybe for want of memory; "
        "n_jobs=1 needs least, and resume=true takes up what is done"
    )


@contextmanager
def dask_crew(engine: Engine, work: Work, model: TopicModel) -> Iterator[Crew]:
    """Give the workers of a Dask cluster; raise `InputError` where there is no Dask or no cluster.

    The model goes to them as data: they need Slugline, but neither the folder of the model nor the disk of the output.
    """
    try:
        dask, distributed = import_module("dask"), import_module("distributed")
    except ImportError as error:
        raise InputError('engine=dask: Dask is not installed; pip install "slugline[dask]"') from error
    quiet = {"distributed.admin.large-graph-warning-threshold": "1GiB"}  # one long article may be large
    with dask.config.set(quiet), dask_client(engine, distributed) as client:
        shared = client.scatter(model, broadcast=True)
        ahead = 2 * sum(client.nthreads().values())
        try:
            yield Crew(lambda batch: client.submit(work, shared, batch, pure=False).result, ahead)
        except distributed.KilledWorker as error:
            raise lost_worker() from error


@contextmanager
def dask_client(engine: Engine, distributed: Any) -> Iterator[Any]:
    """Give a client of the cluster at an address, or of one of processes on this machine, started for the call."""
    if engine.address:
        with connect(engine.address, distributed) as client:
            yield client
        return
    options = {"threads_per_worker": 1, "host": "127.0.0.1", "dashboard_address": None, "silence_logs": "CRITICAL"}
    cluster = distributed.LocalCluster(n_workers=count_jobs(engine.n_jobs), **options)
    with cluster, distributed.Client(cluster) as client:
        yield client


def connect(address: str, distributed: Any) -> Any:
    """Return a client of a cluster that has workers."""
    try:
        client = distributed.Client(address, timeout=PATIENCE)
        client.wait_for_workers(1, timeout=PATIENCE)
    except (OSError, ValueError) as error:  # a TimeoutError is an OSError
        raise InputError(f"dask_address: no Dask scheduler with workers at '{address}': {error}") from error
    return client
