"""The server of the MLflow UI, in this process: it ends with it, and MLflow is imported once."""

import os
import socket
import warnings

from slugline.errors import InputError
from slugline.tracking.store import connect, store_uri

_GRACE = 2  # seconds that requests under way get when the server ends


def listen(host: str, port: int, uri: str | None = None) -> socket.socket:
    """Return the socket of the UI: a browser that comes before MLflow is imported waits, and is not refused.

    Raises
    ------
    InputError
        For a store with a UI of its own, or an address that is taken.
    """
    store = store_uri(uri)
    if store.startswith("http"):
        raise InputError(f"{store} is a server, which shows its own UI: open {store} in a browser")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        reason = str(error.strerror if isinstance(error, OSError) else error).partition(" (")[0]
        raise InputError(
            f"the MLflow UI cannot listen on port {port} of {host}: {reason}; give another port="
        ) from error


def serve_ui(listener: socket.socket, uri: str | None = None) -> None:
    """Serve the MLflow UI until a signal ends this process."""
    os.environ |= _server_environment(connect(uri).get_tracking_uri())
    import uvicorn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what MLflow imports, which is no concern of a user's
        from mlflow.server.fastapi_app import app
    config = uvicorn.Config(app, log_level="warning", lifespan="off", timeout_graceful_shutdown=_GRACE)
    uvicorn.Server(config).run(sockets=[listener])


def _server_environment(store: str) -> dict[str, str]:
    """Return what `mlflow server` tells its workers in their environment."""
    from mlflow.server import constants

    return {
        constants.BACKEND_STORE_URI_ENV_VAR: store,
        constants.ARTIFACT_ROOT_ENV_VAR: "mlflow-artifacts:/",
        constants.ARTIFACTS_DESTINATION_ENV_VAR: "./mlartifacts",
        constants.SERVE_ARTIFACTS_ENV_VAR: "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
