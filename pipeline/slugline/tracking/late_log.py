"""Logging of a finished run from its folder, after the training that filled it."""

from pathlib import Path
from typing import Any, NamedTuple

from slugline.errors import InputError
from slugline.tracking.finished_run import RUN_KEY, FinishedRun, read_finished_run
from slugline.tracking.paging import experiment_ids, search_all
from slugline.tracking.processes import is_of_another
from slugline.tracking.runs import Mlflow
from slugline.tracking.store import explained, store_uri


class LoggedRun(NamedTuple):
    """Where a run was logged, in words, and the URI of its model."""

    location: str
    model_uri: str


def log_folder(folder: Path, uri: str | None = None) -> LoggedRun:
    """Log the finished run of a folder, as its training would have.

    Parameters
    ----------
    folder : Path
        The folder of the run.
    uri : str, optional
        Of the store.

    Raises
    ------
    InputError
        For a folder that holds no finished run, or one that the store has already.
    """
    finished = read_finished_run(folder)
    tracking = Mlflow(uri, finished.experiment, finished.registered_model, finished.alias)
    tracking.check()
    with explained(uri, OSError):
        client = tracking.connect().MlflowClient()
        run_id = _find_open(client, finished, uri) or _create(client, finished)
        with tracking.run(finished.name, folder, finished.params, tags=finished.tags, run_id=run_id) as run:
            run.forget_error()
            model_uri = run.log_finished(finished)
            return LoggedRun(run.where(), model_uri)


def _find_open(client: Any, finished: FinishedRun, uri: str | None) -> str | None:
    """Return the run of the same training that was not finished; raise `InputError` for one that is, or goes on."""
    known = list(search_all(client.search_runs, experiment_ids(client), f"tags.{RUN_KEY} = '{finished.key}'"))
    for run in known:
        if run.info.status == "FINISHED":
            raise InputError(f"{finished.folder} is logged already, as run {run.info.run_id} in {store_uri(uri)}")
        if run.info.status == "RUNNING" and is_of_another(run.data.tags):
            raise InputError(f"{finished.folder} is being logged just now, as run {run.info.run_id}")
    return next((str(run.info.run_id) for run in known), None)


def _create(client: Any, finished: FinishedRun) -> str:
    """Make a run that began when the training did, and return its id."""
    from mlflow.tracking.context.registry import resolve_tags

    experiment = client.get_experiment_by_name(finished.experiment)
    run = client.create_run(
        experiment.experiment_id, int(finished.started * 1000), resolve_tags(dict(finished.tags)), finished.name
    )
    return str(run.info.run_id)
