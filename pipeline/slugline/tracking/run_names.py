"""What a user may call a run: its id or how that begins, its name, a version of a registered model, a model URI."""

import re
from datetime import datetime
from typing import Any

from slugline.errors import InputError, listing, one_line
from slugline.project import default_name
from slugline.tracking.paging import experiment_ids, find_jobs, search_all
from slugline.tracking.scored_runs import check_whole
from slugline.tracking.store import REGISTERED, open_existing, store_uri
from slugline.tracking.store_errors import check_answered

_ALLOWED = "a run's id or how it begins, its name, a version of the registered model, models:/NAME/VERSION, runs:/ID"


def find_run(name: str, uri: str | None = None) -> str:
    """Return the id of the training that a name means.

    Parameters
    ----------
    name : str
        The id of a run or its beginning, the name of a run, a version number of the default registered model,
        `models:/NAME/VERSION`, `models:/NAME@ALIAS` or `runs:/ID/model`.
    uri : str, optional
        Of the store.

    Raises
    ------
    InputError
        When no run is meant, several are, a sweep, which trains nothing itself, or a job that its sweep only scored.
    """
    client = open_existing(uri, f"no run '{name}'").MlflowClient()
    if name.startswith("models:/"):
        return _check_trained(client, _find_by_model(client, name, uri))
    wanted = name.removeprefix("runs:/").partition("/")[0] if name.startswith("runs:/") else name
    found = [*_find_by_version(client, wanted), *_find_by_id(client, wanted), *_search(client, "run_name", "=", wanted)]
    by_id = {run.info.run_id: run for run in found}
    runs = [by_id[wanted]] if wanted in by_id else list(by_id.values())
    if not runs:
        raise InputError(f"no run '{name}' in {store_uri(uri)}; allowed: {_ALLOWED}")
    if len(runs) > 1:
        described = listing([f"{run.info.run_id} ({_describe(run)})" for run in runs], 8)
        raise InputError(f"'{name}' may mean {len(runs)} runs; give the id of one: {described}")
    return _check_trained(client, runs[0])


def _find_by_model(client: Any, name: str, uri: str | None) -> Any:
    """Return the run of a version of a registered model, by the version's URI."""
    from mlflow.exceptions import MlflowException

    parts = REGISTERED.fullmatch(name)
    if parts is None:
        raise InputError(f"no run '{name}'; allowed: models:/NAME/VERSION, models:/NAME@ALIAS")
    model, number, alias = parts.groups()
    try:
        version = client.get_model_version(model, number) if number else client.get_model_version_by_alias(model, alias)
        return client.get_run(version.run_id)
    except MlflowException as error:
        check_answered(store_uri(uri), error)
        raise InputError(f"no run '{name}' in {store_uri(uri)}: {one_line(error)}") from error


def _find_by_version(client: Any, number: str) -> list[Any]:
    """Return the run of a version of the default registered model, if that is what was given."""
    if not re.fullmatch(r"[1-9]\d{0,5}", number):
        return []
    versions = search_all(client.search_model_versions, f"name='{default_name()}'")
    return [client.get_run(version.run_id) for version in versions if str(version.version) == number]


def _find_by_id(client: Any, beginning: str) -> list[Any]:
    """Return the runs whose id begins so; four digits are the least."""
    return _search(client, "run_id", "LIKE", f"{beginning}%") if re.fullmatch("[0-9a-f]{4,32}", beginning) else []


def _search(client: Any, attribute: str, comparator: str, value: str) -> list[Any]:
    """Return the runs of all experiments with an attribute."""
    if "'" in value and '"' in value:
        return []  # MLflow has no way to write that
    quote = '"' if "'" in value else "'"
    condition = f"attributes.{attribute} {comparator} {quote}{value}{quote}"
    return list(search_all(client.search_runs, experiment_ids(client), condition))


def _describe(run: Any) -> str:
    """Return the name of a run and when it began, in the user's time zone."""
    return f"{run.info.run_name}, {datetime.fromtimestamp(run.info.start_time / 1000):%Y-%m-%d %H:%M}"


def _check_trained(client: Any, run: Any) -> str:
    """Return the id of a run; raise `InputError` for the parent of a sweep, and for a job that was only scored."""
    check_whole(run)
    run_id = str(run.info.run_id)
    if jobs := find_jobs(client, run):
        best = f"the best is {best_id}, " if (best_id := run.data.tags.get("best_run")) else ""
        names = listing([f"{job.info.run_id} ({job.info.run_name})" for job in jobs], 20)
        raise InputError(f"run {run_id} is a sweep; give one of its jobs: {best}all are {names}")
    return run_id
