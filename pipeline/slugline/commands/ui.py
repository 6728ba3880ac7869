"""`slugline ui`: the MLflow UI on the right store, with the trainings of the project as its first page."""

import webbrowser

from slugline import tracking
from slugline.config.settings import UiSettings
from slugline.launch import Launch


def ui(settings: UiSettings, launch: Launch) -> None:
    """Serve the MLflow UI until interrupted."""
    listener = tracking.listen(settings.host, settings.port, settings.tracking_uri)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    path = tracking.landing_path(settings.experiment_name, settings.tracking_uri)
    address = f"http://{host}:{settings.port}{path}"
    print(f"MLflow UI: {address} (end with Ctrl-C)", flush=True)
    if settings.open:
        webbrowser.open(address)
    tracking.serve_ui(listener, settings.tracking_uri)
