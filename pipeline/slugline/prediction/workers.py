"""Workers that label batches: this process, a pool of processes, or a Dask cluster, all driven by one loop."""

import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial
from importlib import import_module
from itertools import chain, islice
from threading import Thread
from typing import Any, NamedTuple, TypeVar

from slugline.errors import InputError
from slugline.model import TopicModel, load_model
from slugline.prediction.options import PredictOptions

_DASK_TIMEOUT = "20s"  # to wait for a Dask scheduler, and then for its first worker
_LOST_WORKER = (
    "a worker process ended before its work was done, perhaps killed for lack of memory; "
    "n_jobs=1 needs least memory, and resume=true continues from the finished parts"
)

_BatchT = TypeVar("_BatchT")
_ResultT = TypeVar("_ResultT")
_Work = Callable[[TopicModel, _BatchT], _ResultT]  # what is done with a batch; it is sent to other processes


class _WorkerPool(NamedTuple):
    """An open pool: `submit` takes a batch and returns a function that waits for its result.

    At most `max_pending` batches are under way besides the one whose result is awaited.
    """

    submit: Callable[[Any], Callable[[], Any]]
    max_pending: int


def map_batches(
    work: _Work[_BatchT, _ResultT], batches: Iterator[_BatchT], options: PredictOptions, model: TopicModel, folder: str
) -> Generator[_ResultT]:
    """Do the work on each batch, in order; few batches are pending at once, so memory does not grow with the input.

    Work and batches must be picklable. The model is for this process, which does a single batch, and for Dask; other
    processes on this machine load it from its folder. Raises `InputError` when a worker is lost, or there is no Dask or
    no cluster.
    """
    first = list(islice(batches, 2))
    if not first:
        return

    pending: deque[Callable[[], _ResultT]] = deque()
    with _open_pool(options, work, model, folder, several=len(first) > 1) as pool:
        for batch in chain(first, batches):
            pending.append(pool.submit(batch))
            if len(pending) > pool.max_pending:
                yield pending.popleft()()
        while pending:
            yield pending.popleft()()


@contextmanager
def _open_pool(
    options: PredictOptions, work: _Work[Any, Any], model: TopicModel, folder: str, *, several: bool
) -> Iterator[_WorkerPool]:
    """Open a pool of workers; where there is only one batch, or one core, this process is the worker."""
    if options.engine == "dask":
        with _dask_pool(options, work, model) as pool:
            yield pool
    elif several and (n_jobs := _count_jobs(options.n_jobs)) > 1:
        with _process_pool(n_jobs, work, folder) as pool:
            yield pool
    else:
        yield _WorkerPool(lambda batch: partial(work, model, batch), 0)


def _count_jobs(n_jobs: int) -> int:
    """Return a number of processes, as joblib counts: -1 is all cores that this process may use."""
    from joblib import effective_n_jobs

    return int(effective_n_jobs(n_jobs))


@contextmanager
def _process_pool(n_jobs: int, work: _Work[Any, Any], model_folder: str) -> Iterator[_WorkerPool]:
    """Open a pool of processes on this machine.

    Not by `joblib.Parallel`: it takes batches from the reader in a thread of its own, and shares no loop with Dask.
    """
    from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
    from multiprocessing import get_context

    executor = ProcessPoolExecutor(n_jobs, get_context("spawn"), initializer=_start_worker)
    try:
        yield _WorkerPool(lambda batch: executor.submit(_work_on, work, model_folder, batch).result, 2 * n_jobs)
    except BrokenExecutor as error:
        raise InputError(_LOST_WORKER) from error
    finally:
        executor.shutdown(cancel_futures=True)


_load_model = lru_cache(maxsize=1)(load_model)  # once per worker process


def _work_on(work: _Work[Any, Any], model_folder: str, batch: Any) -> Any:
    """Do the work on a batch in a worker process."""
    return work(_load_model(model_folder), batch)


def _start_worker() -> None:
    """Prepare a worker: one thread, as there is a worker for each core, and an end when the main process ends."""
    import pyarrow as pa

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; the main process ends the workers
    pa.set_cpu_count(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # encoders read it
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it has ended, perhaps killed."""
    from multiprocessing import parent_process

    if (parent := parent_process()) is not None:
        parent.join()
        os._exit(1)


@contextmanager
def _dask_pool(options: PredictOptions, work: _Work[Any, Any], model: TopicModel) -> Iterator[_WorkerPool]:
    """Open the workers of a Dask cluster; raise `InputError` where there is no Dask or no cluster.

    The model goes to them as data: they need Slugline, but neither the folder of the model nor the disk of the output.
    """
    try:
        dask, distributed = import_module("dask"), import_module("distributed")
    except ImportError as error:
        raise InputError('engine=dask: Dask is not installed; pip install "slugline[dask]"') from error

    quiet = {"distributed.admin.large-graph-warning-threshold": "1GiB"}  # one long article may be large
    with dask.config.set(quiet), _dask_client(options, distributed) as client:
        remote_model = client.scatter(model, broadcast=True)
        threads = sum(client.nthreads().values())
        try:
            yield _WorkerPool(lambda batch: client.submit(work, remote_model, batch, pure=False).result, 2 * threads)
        except distributed.KilledWorker as error:
            raise InputError(_LOST_WORKER) from error


@contextmanager
def _dask_client(options: PredictOptions, distributed: Any) -> Iterator[Any]:
    """Open a client of the cluster at an address, or of one of processes on this machine, started for the call."""
    address = options.dask_address
    if not address:
        quiet = {"host": "127.0.0.1", "dashboard_address": None, "silence_logs": "CRITICAL"}
        cluster = distributed.LocalCluster(n_workers=_count_jobs(options.n_jobs), threads_per_worker=1, **quiet)
        with cluster, distributed.Client(cluster) as client:
            yield client
        return

    try:
        client = distributed.Client(address, timeout=_DASK_TIMEOUT)
        client.wait_for_workers(1, timeout=_DASK_TIMEOUT)
    except (OSError, ValueError) as error:  # a TimeoutError is an OSError
        raise InputError(f"dask_address: no Dask scheduler with workers at '{address}': {error}") from error
    with client:
        yield client
