"""Searches of the store: MLflow answers in pages, of 100 or 1,000 each; and those that several commands need."""

from collections.abc import Callable, Iterator
from typing import Any


def search_all(search: Callable[..., Any], *args: Any, **options: Any) -> Iterator[Any]:
    """Yield all that one of the client's searches finds, asking for a page once those before have been taken.

    Parameters
    ----------
    search : callable
        A method of `MlflowClient`, such as `client.search_runs`.
    *args, **options
        What it is called with.
    """
    page = search(*args, **options)
    yield from page
    while page.token:
        page = search(*args, page_token=page.token, **options)
        yield from page


def experiment_ids(client: Any) -> list[str]:
    """Return the ids of all experiments."""
    return [str(experiment.experiment_id) for experiment in search_all(client.search_experiments)]


def find_jobs(client: Any, parent: Any) -> list[Any]:
    """Return the runs of the jobs of a sweep, whose parent run is given, the first one first."""
    condition = f"tags.`mlflow.parentRunId` = '{parent.info.run_id}'"
    return list(search_all(client.search_runs, [parent.info.experiment_id], condition, order_by=["start_time"]))
