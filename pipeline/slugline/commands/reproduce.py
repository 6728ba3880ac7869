"""`slugline reproduce`: a recorded run again, from its config, and the metrics of both side by side."""

import re
import sys
from dataclasses import replace

from slugline import tracking
from slugline.config.recorded import read_run_settings
from slugline.config.settings import ReproduceSettings
from slugline.launch import Launch
from slugline.tracking import Mlflow, Record
from slugline.workflow import train

_SUMMARY = re.compile(r"\w+/(f1_macro|f1_micro|ap_macro)|data/used")  # metrics that are always shown
_MODEL_DIGEST = "model_digest"
_CHOICE = "choice/"  # what the parameters of a run begin with that name the chosen options


def reproduce(settings: ReproduceSettings, launch: Launch) -> None:
    """Train again as a run was trained; print what differs, and leave with 1 where a score or the model does."""
    before = _read(tracking.find_run(settings.run_id, settings.tracking_uri), settings.tracking_uri)
    recorded = replace(
        read_run_settings(before.run_id, settings.allowed_modules, settings.tracking_uri),
        name=f"{before.name}, again",
        tracking=Mlflow(uri=settings.tracking_uri, experiment=before.experiment, registered_model=None),
    )
    choices = {key.removeprefix(_CHOICE): value for key, value in before.params.items() if key.startswith(_CHOICE)}
    run = train(recorded, Launch(choices=choices))

    after = _read(str(run.run_id), settings.tracking_uri)
    differing = _compare_metrics(before, after)
    print(_describe(before, after, differing, settings.details))
    result = f"{len(differing)} metrics differ" if differing else "all metrics equal"
    tracking.set_tags(after.run_id, {"reproduces": before.run_id, "reproduced": result}, settings.tracking_uri)
    if differing or _model_digest(before) != _model_digest(after):
        sys.exit(1)


def _read(run_id: str, uri: str | None) -> Record:
    """Return a run with all its metrics."""
    run = tracking.read_run(run_id, uri)
    return run._replace(metrics=tracking.read_metrics(run, uri))


def _compare_metrics(before: Record, after: Record) -> dict[str, tuple[float | None, float | None]]:
    """Return the metrics that are not equal to the last bit, times left out."""
    keys = sorted({*before.metrics, *after.metrics})
    pairs = {key: (before.metrics.get(key), after.metrics.get(key)) for key in keys if not key.startswith("time/")}
    return {
        key: (one, other) for key, (one, other) in pairs.items() if one != other and not (one != one and other != other)
    }


def _model_digest(run: Record) -> str:
    """Return the digest of a run's model."""
    return run.tags.get(_MODEL_DIGEST, "unknown")


def _describe(
    before: Record, after: Record, differing: dict[str, tuple[float | None, float | None]], details: bool
) -> str:
    """Return metrics side by side, means and what differs or all, and what of data, code and model is the same."""
    pairs = {
        "data": (dict(before.digests), dict(after.digests)),
        "model": (_model_digest(before), _model_digest(after)),
    }
    keys = [key for key in sorted({*before.metrics, *after.metrics}) if not key.startswith("time/")]
    shown = [key for key in keys if details or key in differing or _SUMMARY.fullmatch(key)]
    width = max(map(len, shown), default=0)
    lines = [f"{'metric':<{width}}  {'recorded':>12}  {'again':>12}"]
    lines += [
        f"{key:<{width}}  {_show(before.metrics.get(key))}  {_show(after.metrics.get(key))}"
        f"{'  differs' if key in differing else ''}"
        for key in shown
    ]
    if len(shown) < len(keys):
        lines.append(f"        and {len(keys) - len(shown)} more that are equal; details=true shows all")
    lines += [
        f"{name:<8}{'same' if one == other else f'differs: {one} -> {other}'}" for name, (one, other) in pairs.items()
    ]
    versions = tracking.describe_version_changes(before, after)
    lines += [f"code    {f'differs: {versions}' if versions else 'same commit and versions'}"]
    result = f"{len(differing)} of {len(keys)} metrics differ" if differing else f"all {len(keys)} metrics equal"
    return "\n".join([*lines, f"result  {result}", f"run     {after.run_id}"])


def _show(value: float | None) -> str:
    """Return a metric in twelve places."""
    return f"{'none':>12}" if value is None else f"{value:>12.6f}"
