"""`slugline ui`: the MLflow UI on the right store."""

from slugline import tracking
from slugline.config.settings import UiSettings
from slugline.launch import Launch


def ui(settings: UiSettings, launch: Launch) -> None:
    """Serve the MLflow UI until interrupted."""
    tracking.check_ui(settings.host, settings.port, settings.tracking_uri)
    address = f"http://{settings.host}:{settings.port}/#/experiments?workflowType=machine_learning"
    print(f"MLflow UI: {address} (end with Ctrl-C)", flush=True)
    tracking.serve_ui(settings.host, settings.port, settings.tracking_uri)
