"""`slugline log`: a finished run from its folder into a store."""

from pathlib import Path

from slugline.config.settings import LogSettings
from slugline.launch import Launch
from slugline.report.next_steps import describe_promotion
from slugline.tracking import log_folder


def log(settings: LogSettings, launch: Launch) -> None:
    """Log the run with its model, and print where it is."""
    logged = log_folder(Path(settings.folder), settings.tracking_uri)
    print(f"run     {logged.location}\nmodel   {logged.model_uri}")
    if promotion := describe_promotion(logged.model_uri, settings.tracking_uri):
        print(promotion)
