"""What a run of the sample leaves in an MLflow store, and what it sends to its server, counted.

python experiments/run_size.py                      # of this checkout
python experiments/run_size.py OTHER/CHECKOUT ...   # of others, such as a worktree of an earlier commit, beside it
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import pandas as pd

OURS = Path(__file__).parents[1]


class Counted:
    """An ASGI application that keeps the size of the body of each request."""

    def __init__(self, app: Any):
        self.app, self.sizes = app, list[int]()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        place = len(self.sizes)
        self.sizes += [0] * (scope["type"] == "http")

        async def receive_counted() -> Any:
            message = await receive()
            if scope["type"] == "http":
                self.sizes[place] += len(message.get("body", b""))
            return message

        await self.app(scope, receive_counted, send)


def main(checkouts: list[Path]) -> None:
    """Print a row for each figure, a column for each checkout."""
    table = {}
    for checkout in [*checkouts, OURS]:
        one = subprocess.run([sys.executable, __file__, "one", checkout], stdout=subprocess.PIPE, text=True, check=True)
        table[checkout.resolve().name] = json.loads(one.stdout.splitlines()[-1])
    print(pd.DataFrame(table).to_string(float_format="{:g}".format))


def measure(checkout: Path) -> dict[str, float]:
    """Train on the sample with the code of a checkout and a new store behind a server, and return the figures."""
    from mlflow import MlflowClient

    with TemporaryDirectory() as place, serve(Path(place)) as (address, counted):
        path = {"PYTHONPATH": str(checkout.resolve() / "pipeline"), "MLFLOW_TRACKING_URI": address}
        before = len(counted.sizes)
        command = [sys.executable, "-m", "slugline", "train"]
        subprocess.run(command, cwd=place, env=os.environ | path, check=True, stdout=sys.stderr)
        sizes = counted.sizes[before:]
        (run,) = MlflowClient(address).search_runs(["1"])
        files = [file for file in Path(place, "artifacts").rglob("*") if file.is_file()]
        of_model = [file for file in files if "models" in file.relative_to(place).parts]
        of_run = [file for file in files if file not in of_model]
        return {
            "metrics": len(run.data.metrics),
            "parameters": len(run.data.params),
            "files of the run": len(of_run),
            "files of the run, kB": round(sum(file.stat().st_size for file in of_run) / 1000),
            "files of the model": len(of_model),
            "files of the model, kB": round(sum(file.stat().st_size for file in of_model) / 1000),
            "requests": len(sizes),
            "requests, kB": round(sum(sizes) / 1000),
            "requests but uploads, kB": round((sum(sizes) - sum(file.stat().st_size for file in files)) / 1000),
        }


@contextmanager
def serve(place: Path) -> Iterator[tuple[str, Counted]]:
    """Serve an MLflow store in a folder, which is made first; give the address and the counts."""
    import uvicorn
    from mlflow.server import constants

    from slugline.tracking import connect

    store = f"sqlite:///{place}/store.db"
    connect(store)
    os.environ |= {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: str(place / "artifacts"),
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    from mlflow.server.fastapi_app import app

    counted = Counted(app)
    server = uvicorn.Server(uvicorn.Config(counted, log_level="warning", lifespan="off"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", counted
        server.should_exit = True
        thread.join()


if __name__ == "__main__":
    if sys.argv[1:2] == ["one"]:
        print(json.dumps(measure(Path(sys.argv[2]))))
    else:
        main([Path(argument) for argument in sys.argv[1:]])
