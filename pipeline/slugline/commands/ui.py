"""`slugline ui`: the MLflow UI on the right store."""

from omegaconf import DictConfig

from slugline import tracking


def ui(config: DictConfig) -> None:
    """Serve the MLflow UI until interrupted."""
    print(
        f"MLflow UI: http://{config.host}:{config.port}/#/experiments?workflowType=machine_learning (end with Ctrl-C)",
        flush=True,
    )
    tracking.serve_ui(config.host, config.port, config.tracking_uri)
