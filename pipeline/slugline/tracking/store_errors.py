"""What can be wrong with a store, in one line each: a file that is no store, a server that does not answer."""

import logging
import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Lock

from slugline.errors import InputError, one_line

# MLflow waits for two minutes and tries again for minutes, which looks as if nothing went on; what a user set stays
_MEANWHILE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "30",  # seconds
}
_AT_FIRST = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0", "MLFLOW_HTTP_REQUEST_TIMEOUT": "5"}
for _name, _value in _MEANWHILE.items():
    os.environ.setdefault(_name, _value)
_ENVIRONMENT_LOCK = Lock()
for _name in ("mlflow.store.db.utils", "urllib3.connectionpool"):  # print a traceback, or a line for each new try
    logging.getLogger(_name).setLevel(logging.CRITICAL)

_ADVICE = {
    "locked": "end the program that holds it",
    "full|no space|quota|too large|disk i/o": "make room on its disk",
    "read-?only|permission": "make it writable",
}
_OTHER_STORE = "or give another store by MLFLOW_TRACKING_URI"


class StoreError(InputError):
    """A store that does not answer, or not as it should."""


def store_exceptions(*others: type[Exception]) -> tuple[type[Exception], ...]:
    """Return what MLflow raises when a store fails it: its own errors, of databases, of connections, and others."""
    from mlflow.exceptions import MlflowException
    from requests import RequestException
    from sqlalchemy.exc import SQLAlchemyError

    return MlflowException, RequestException, SQLAlchemyError, *others


@contextmanager
def asking_once() -> Iterator[None]:
    """Let MLflow ask a server once in the block, and wait some seconds for the answer; a thread at a time."""
    with _ENVIRONMENT_LOCK:
        limits = {name: value for name, value in _AT_FIRST.items() if os.environ.get(name) == _MEANWHILE[name]}
        os.environ.update(limits)
        try:
            yield
        finally:
            os.environ.update({name: _MEANWHILE[name] for name in limits})


@contextmanager
def explain_store_errors(uri: str, *others: type[Exception]) -> Iterator[None]:
    """Raise `StoreError`, one line that names the store, for what goes wrong with it in the block, and for others."""
    try:
        yield
    except Exception as error:
        is_of_store = type(error).__module__.partition(".")[0] in ("mlflow", "requests", "sqlalchemy", "alembic")
        if isinstance(error, InputError) or not (is_of_store or isinstance(error, others)):
            raise  # looked at by name, so that a command that needs no MLflow does not import it for this
        found = StoreError(describe_store_error(uri, error))
        for note in getattr(error, "__notes__", ()):
            found.add_note(note)
        raise found from error


def check_answered(uri: str, error: BaseException) -> None:
    """Raise `StoreError` for an error of a store that gave no answer, other than that something is not there."""
    from requests import exceptions
    from sqlalchemy.exc import SQLAlchemyError

    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (SQLAlchemyError, exceptions.ConnectionError, exceptions.Timeout, exceptions.RetryError)):
            raise StoreError(describe_store_error(uri, error)) from error
        cause = cause.__cause__ or cause.__context__


def describe_store_error(uri: str, error: BaseException) -> str:
    """Return in one line which store failed, how, and what to do."""
    reason = one_line(_first_cause(error), 200)
    if uri.startswith("http"):
        slow = "give it more seconds by MLFLOW_HTTP_REQUEST_TIMEOUT" if "timed out" in reason else "start it again"
        return f"the MLflow server {uri} does not answer as it should: {reason}; {slow}, {_OTHER_STORE}"
    if "No module named" in reason:
        return f"no MLflow store at {uri}: {reason}; install that package, {_OTHER_STORE}"
    if uri.startswith("sqlite:///"):
        file = uri.removeprefix("sqlite:///")
        return f"the MLflow store {file} cannot be used: {reason}; {_advise(reason)}, {_OTHER_STORE}"
    return f"no MLflow store at {uri}: {reason}; allowed: sqlite:///FILE, http://HOST:PORT, or a database's URI"


def _advise(reason: str) -> str:
    """Return what to do about a file that cannot be used."""
    for words, advice in _ADVICE.items():
        if re.search(words, reason, re.IGNORECASE):
            return advice
    return "move it away if it is broken"


def _first_cause(error: BaseException) -> BaseException:
    """Return the error that was behind all others; of connections, without the addresses of Python's objects."""
    reason = getattr(error, "orig", None) or getattr(error, "reason", None) or error.__cause__ or error.__context__
    if isinstance(reason, BaseException):
        return _first_cause(reason)
    arguments = [argument for argument in error.args if isinstance(argument, BaseException)]
    return _first_cause(arguments[0]) if arguments else error


def check_database(file: Path, *, write: bool = False) -> None:
    """Raise `StoreError` for a file that is there and is no store of MLflow's, or cannot be written if that is wanted.

    Parameters
    ----------
    file : Path
        Of a SQLite store.
    write : bool
        Whether something is to be logged.
    """
    if is_new(file):
        return
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", timeout=5, uri=True)) as database:
            tables = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if write:
                database.execute("BEGIN IMMEDIATE")
                database.execute("ROLLBACK")
    except sqlite3.Error as error:
        raise StoreError(
            f"the MLflow store {file} cannot be used: {error}; {_advise(str(error))}, {_OTHER_STORE}"
        ) from error
    if tables and not {"alembic_version", "experiments"} <= tables:
        raise StoreError(f"{file} is a database, but no MLflow store; move it away, {_OTHER_STORE}")


def is_new(file: Path) -> bool:
    """Tell whether a store is still to be made: there is no file, or one with nothing in it."""
    return not file.exists() or (file.is_file() and file.stat().st_size == 0)
