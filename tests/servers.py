"""Servers for tests: PostgreSQL as a cluster of its own, and `mlflow server`, both on 127.0.0.1."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from urllib.request import urlopen

import pytest

_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
_USER = "postgres"  # which Debian's package makes; PostgreSQL refuses to run as root
needs_postgresql = pytest.mark.skipif(
    not _BINARIES or find_spec("psycopg2") is None,
    reason="no PostgreSQL: apt-get install postgresql, pip install psycopg2-binary",
)


def free_port() -> int:
    """Return a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextmanager
def postgresql() -> Iterator[str]:
    """Run a new cluster with an empty database, and give its URI; all of it is removed afterwards."""
    user = _USER if os.geteuid() == 0 else None
    place = Path(tempfile.mkdtemp(prefix="slugline-pg-"))
    port = free_port()
    try:
        if user:
            shutil.chown(place, user)
        programs, options = _BINARIES[-1], f"-h 127.0.0.1 -p {port} -k {place} -c fsync=off"
        initdb = [programs / "initdb", "-D", place / "data", "-A", "trust", "-U", "slugline", "--encoding=UTF8"]
        control = [programs / "pg_ctl", "-D", place / "data", "-w"]
        run = {"user": user, "check": True, "cwd": place, "stdout": subprocess.DEVNULL}
        subprocess.run(initdb, **run)
        subprocess.run([*control, "-l", place / "log", "-o", options, "start"], **run)
        try:
            yield f"postgresql+psycopg2://slugline@127.0.0.1:{port}/postgres"
        finally:
            subprocess.run([*control, "-m", "immediate", "stop"], **run)
    finally:
        shutil.rmtree(place)


class MlflowServer:
    """`mlflow server` on a database, which can be killed and started again at the same address."""

    def __init__(self, database: str, folder: Path) -> None:
        self.database, self.folder, self.port = database, folder, free_port()
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(self.port)]
        command += ["--backend-store-uri", self.database, "--artifacts-destination", str(self.folder)]
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        environment.pop("MLFLOW_TRACKING_URI", None)
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, start_new_session=True)
        for _ in range(240):
            try:
                urlopen(f"{self.uri}/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.5)
        raise TimeoutError((self.folder / "server.log").read_text())

    def kill(self) -> None:
        """Kill it with all that it started."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None
