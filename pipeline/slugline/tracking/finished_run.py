"""Finished runs in their folders: all that a store is told of one, so that it can be told later, too."""

import json
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from slugline.errors import InputError, one_line
from slugline.files import write_atomically
from slugline.launch import REPORT, TABLES
from slugline.tracking.origin import origin_tags

RECORD, METRICS, MODEL = "run.json", "metrics.json", "model"  # in the folder of a run
RUN_KEY = "run_key"  # tag of a run
_FORMAT = 1
_MAX_BYTES = 16 << 20


class DataSet(NamedTuple):
    """The sentences of a part: what they are called, where they come from, their digest and number."""

    part: str
    name: str
    source: str
    digest: str
    rows: int


@dataclass(frozen=True, kw_only=True)
class Origin:
    """What is known of a run as it begins.

    Parameters
    ----------
    key : str
        By which the run is known again in every store.
    name : str
        The name of the run.
    started : float
        When it began, in seconds from 1970.
    params, tags : mapping of str to str
        As they are logged.
    """

    key: str
    name: str
    started: float
    params: Mapping[str, str]
    tags: Mapping[str, str]

    @classmethod
    def now(cls, name: str, params: Mapping[str, Any]) -> "Origin":
        """Return the origin of a run that begins here and now."""
        key, texts = uuid4().hex, {key: str(value) for key, value in params.items()}
        return cls(key=key, name=name, started=time.time(), params=texts, tags=origin_tags() | {RUN_KEY: key})


@dataclass(frozen=True, kw_only=True)
class FinishedRun(Origin):
    """What a store is told of a run, beside the files, the metrics and the model in its folder.

    Parameters
    ----------
    folder : Path
        Where they are.
    run_id : str or None
        The id that its page, card and model name; None where it had no store.
    experiment, alias : str
        The experiment that it belongs to; the alias that its model gets where no version has it.
    registered_model : str or None
        The registered model that its model becomes a version of.
    description : str
        In Markdown, for the run and the version.
    data : sequence of DataSet
        What it was trained and tested on.
    tables : sequence of str
        The files that are shown as tables.
    """

    folder: Path
    run_id: str | None
    experiment: str
    registered_model: str | None
    alias: str
    description: str
    data: Sequence[DataSet]
    tables: Sequence[str]

    def metrics(self) -> dict[str, float]:
        """Return the metrics of the run; raise `InputError` for what is no number."""
        return read_numbers(self.folder)

    def write(self) -> None:
        """Write the record, after all else: a folder that has one is whole."""
        values = {key: value for key, value in asdict(self).items() if key != "folder"}
        text = json.dumps({"format": _FORMAT} | values, indent=1, ensure_ascii=False)
        with write_atomically(self.folder / RECORD) as draft:
            draft.write_text(text + "\n", encoding="utf-8", errors="surrogatepass")


def read_finished_run(folder: Path) -> FinishedRun:
    """Return the run that a folder holds; raise `InputError` where that is none, or one that is not whole."""
    values = _read_json(folder, RECORD)
    if values.pop("format", None) != _FORMAT:
        raise InputError(f"{folder / RECORD} is of another version of Slugline; allowed: format {_FORMAT}")
    names = {item.name for item in fields(FinishedRun)} - {"folder"}
    if wrong := sorted(
        key for key in names ^ values.keys() or names if not _CHECKS.get(key, _is_text)(values.get(key))
    ):
        raise InputError(f"{folder / RECORD} is no record of a finished run: its {wrong[0]} is missing or wrong")
    data = [DataSet(*row) for row in values.pop("data")]
    run = FinishedRun(folder=folder, data=data, **values)
    if missing := [name for name in (METRICS, MODEL, *run.tables) if not (folder / name).exists()]:
        raise InputError(f"{folder} is not whole: it has no {missing[0]}")
    run.metrics()
    from slugline.model.store import read_origin  # late: imports SciPy and Arrow

    read_origin(folder / MODEL)
    return run


def find_report(folder: Path) -> str | None:
    """Return where in the folder of a run its page is, which older versions have beside all else; None without one."""
    return next((name for name in (REPORT, Path(REPORT).name) if (folder / name).is_file()), None)


def read_numbers(folder: Path) -> dict[str, float]:
    """Return the metrics in the folder of a run; raise `InputError` for what is no number."""
    values = _read_json(folder, METRICS)
    if wrong := [key for key, value in values.items() if not _is_number(value)]:
        raise InputError(f"{folder / METRICS}: '{wrong[0]}' is no number")
    return {key: float(value) for key, value in values.items()}


def _read_json(folder: Path, name: str) -> dict[str, Any]:
    """Return what a JSON file of a run holds."""
    file = folder / name
    if not file.is_file():
        found = f"it has no {name}" if folder.is_dir() else "there is no such folder"
        raise InputError(f"{folder} is no finished run: {found}; allowed: a folder that slugline train filled")
    if file.stat().st_size > _MAX_BYTES:
        raise InputError(f"{file} is larger than {_MAX_BYTES} bytes")
    try:
        values = json.loads(file.read_text(encoding="utf-8", errors="surrogatepass"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{file} cannot be read: {one_line(error, 200)}") from error
    if not isinstance(values, dict):
        raise InputError(f"{file} is no record of a finished run: it is no object")
    return values


def _is_text(value: Any) -> bool:
    """Tell whether a value is a text."""
    return isinstance(value, str)


def _is_text_or_none(value: Any) -> bool:
    """Tell whether a value is a text or null."""
    return value is None or isinstance(value, str)


def _are_texts(value: Any) -> bool:
    """Tell whether a value is an object of texts."""
    return isinstance(value, dict) and all(map(_is_text, value.values()))


def _are_data_sets(value: Any) -> bool:
    """Tell whether a value is a list of data sets as they are written."""
    types = [str, str, str, str, int]
    return isinstance(value, list) and all(isinstance(row, list) and list(map(type, row)) == types for row in value)


def _are_names(value: Any) -> bool:
    """Tell whether a value is a list of names of files, each in the folder of tables or, as before, beside it."""
    return isinstance(value, list) and all(
        isinstance(name, str) and Path(name).name == name.removeprefix(f"{TABLES}/") for name in value
    )


def _is_key(value: Any) -> bool:
    """Tell whether a value is a key of `Origin`, which the search for it takes as it is."""
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{32}", value) is not None


def _is_time(value: Any) -> bool:
    """Tell whether a value is seconds from 1970, in this century or the next."""
    return _is_number(value) and 0 <= value < 2**33


def _is_number(value: Any) -> bool:
    """Tell whether a value is a number."""
    return isinstance(value, int | float)


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "run_id": _is_text_or_none,
    "registered_model": _is_text_or_none,
    "key": _is_key,
    "started": _is_time,
    "params": _are_texts,
    "tags": _are_texts,
    "data": _are_data_sets,
    "tables": _are_names,
}
