"""The processes behind runs: which one a run belongs to, and that the runs of dead ones are ended."""

import logging
import os
import platform
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from slugline.errors import listing
from slugline.tracking.paging import search_all

_HOST, _PID, _STARTED = "process.host", "process.pid", "process.started"
_SECONDS = 2  # by which the start of a process may seem to differ
_logger = logging.getLogger(__name__)


def process_tags() -> dict[str, str]:
    """Return tags that say which process a run belongs to."""
    import psutil

    return {_HOST: _host(), _PID: str(os.getpid()), _STARTED: f"{psutil.Process().create_time():.2f}"}


def is_alive(tags: Mapping[str, str]) -> bool | None:
    """Tell whether the process that tags name lives; None where they name none of this host."""
    import psutil

    if tags.get(_HOST) != _host():
        return None
    try:
        process = psutil.Process(int(tags[_PID]))
        is_same = abs(process.create_time() - float(tags[_STARTED])) < _SECONDS
        return bool(is_same and process.status() != psutil.STATUS_ZOMBIE)
    except (KeyError, ValueError):
        return None
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def is_of_another(tags: Mapping[str, str]) -> bool:
    """Tell whether the process that tags name is another one than this, and is known to live."""
    return tags.get(_PID) != str(os.getpid()) and is_alive(tags) is True


def end_dead_runs(client: Any, experiments: list[str]) -> None:
    """Mark the runs of this host KILLED that are RUNNING though their process is dead, and say so in a line."""
    condition = f"attributes.status = 'RUNNING' and tags.`{_HOST}` = '{_host()}'"
    running = list(search_all(client.search_runs, experiments, condition)) if experiments else []
    ended = []
    for run in running:
        # a run may have ended since the search: that of a dead process changes no more
        if is_alive(run.data.tags) is False and client.get_run(run.info.run_id).info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")
            ended.append(f"{run.info.run_id} ({run.info.run_name}, process {run.data.tags[_PID]})")
    if ended:
        _logger.warning("marked as KILLED, since their processes are dead: %s", listing(ended, 5))


def _host() -> str:
    """Return the name of this computer; with that of the container's processes, whose numbers mean nothing outside."""
    namespace = ""
    with suppress(OSError):
        namespace = str(Path("/proc/self/ns/pid").readlink())
    name = "".join(sign for sign in platform.node() if sign not in "'\"`\\")
    return f"{name} {namespace}".strip()
