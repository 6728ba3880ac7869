"""`slugline reproduce`: a recorded run again, from its config, and every metric of both side by side.

The config comes from a store that others may write to, so it is input like any other: it names no class outside the
allowed modules, asks for nothing of the environment, and sets nothing but what `slugline train` knows.
"""

import dataclasses
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml
from omegaconf import DictConfig

from slugline import tracking
from slugline.config import ALLOWED_MODULES, TrainConfig, to_experiment
from slugline.errors import InputError, listing
from slugline.tracking import Record

LARGEST = 1 << 20  # bytes of a config
RUN_LINE = re.compile(r"^run     ([0-9a-f]{32}) in experiment ", re.MULTILINE)
MODEL_DIGEST = "model_digest"


def reproduce(config: DictConfig) -> None:
    """Train again as a run was trained; print what differs, and leave with 1 where a score or the model does."""
    before = tracking.read_run(config.run_id, config.tracking_uri)
    text = tracking.read_artifact(config.run_id, "config.yaml", config.tracking_uri).decode()
    check_config(text, tuple(config.allowed_modules))
    after = tracking.read_run(train_again(text, before, config), config.tracking_uri)
    differing = compare_metrics(before, after)
    print(describe(before, after, differing))
    outcome = f"{len(differing)} metrics differ" if differing else "all metrics equal"
    tracking.set_tags(after.run_id, {"reproduces": before.run_id, "reproduced": outcome}, config.tracking_uri)
    if differing or model_digest(before) != model_digest(after):
        sys.exit(1)


def check_config(text: str, allowed: Sequence[str]) -> None:
    """Raise `InputError` for a config of a run that is none, or that asks for more than training does."""
    if len(text) > LARGEST:
        raise InputError(f"config.yaml of the run is larger than {LARGEST} bytes")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.SafeLoader)):
            raise InputError("config.yaml of the run has aliases, which could stand for any amount of text")
        found = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"config.yaml of the run is no YAML: {' '.join(str(error).split())[:200]}") from error
    known = [item.name for item in dataclasses.fields(TrainConfig)]
    if not isinstance(found, dict) or (unknown := [key for key in found if key not in known]):
        what = f"the key '{unknown[0]}'" if isinstance(found, dict) else "no keys"
        raise InputError(f"config.yaml of the run has {what}; allowed: {listing(known, 40)}")
    modules = (*ALLOWED_MODULES, *allowed)
    if outside := [name for name in found.get("allowed_modules") or () if name not in allowed]:
        raise InputError(
            f"the run used modules that are not allowed here: {listing(outside)}; give allowed_modules=..."
        )
    for key, value in leaves(found):
        if "${" in str(value):
            raise InputError(f"config.yaml of the run: {key} refers to something outside itself: {str(value)[:80]!r}")
        inside = {"_target_": modules, "function": allowed}.get(key.rpartition(".")[2])
        if inside is not None and value is not None and not within(str(value), inside):
            raise InputError(f"config.yaml of the run: {key}: '{value}' is not allowed; modules: {listing(inside)}")


def leaves(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a config, and every key as a value too, with its dotted key."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if children is None:
        yield key, node
    else:
        for name, child in children:
            yield f"{key}.(key)", name
            yield from leaves(child, f"{key}.{name}" if key else str(name))


def within(name: str, modules: Sequence[str]) -> bool:
    """Tell whether a dotted name is of one of some modules."""
    return any(name.startswith(f"{module}.") for module in modules)


def train_again(text: str, before: Record, config: DictConfig) -> str:
    """Train in a process of its own, as a user would, and return the new run's id; no model is registered."""
    with TemporaryDirectory() as folder:
        file = Path(folder) / "experiment" / "again.yaml"
        file.parent.mkdir()
        file.write_text(to_experiment(text, f"run {before.run_id}", f"{before.name}, again"), encoding="utf-8")
        options = [f"--config-dir={folder}", "experiment=again", f"tracking.experiment='{before.experiment}'"]
        options += ["tracking.registered_model=null"]
        options += [f"tracking.uri={config.tracking_uri}"] if config.tracking_uri else []
        command = [sys.executable, "-m", "slugline", "train", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = RUN_LINE.search(done.stdout)
    if done.returncode or found is None:
        raise InputError(f"run {before.run_id} cannot be trained again: {' '.join(done.stderr.split())[-500:]}")
    return found[1]


def compare_metrics(before: Record, after: Record) -> dict[str, tuple[float | None, float | None]]:
    """Return the metrics that are not equal to the last bit, times left out."""
    keys = sorted({*before.metrics, *after.metrics})
    pairs = {key: (before.metrics.get(key), after.metrics.get(key)) for key in keys if not key.startswith("time/")}
    return {
        key: (one, other) for key, (one, other) in pairs.items() if one != other and not (one != one and other != other)
    }


def model_digest(run: Record) -> str:
    """Return the digest of a run's model."""
    return run.tags.get(MODEL_DIGEST, "unknown")


def describe(before: Record, after: Record, differing: dict[str, tuple[float | None, float | None]]) -> str:
    """Return all metrics side by side, and what of data, code and model is the same."""
    pairs = {
        "data": (dict(before.digests), dict(after.digests)),
        "model": (model_digest(before), model_digest(after)),
    }
    keys = [key for key in sorted({*before.metrics, *after.metrics}) if not key.startswith("time/")]
    width = max(map(len, keys), default=0)
    lines = [f"{'metric':<{width}}  {'recorded':>12}  {'again':>12}"]
    lines += [
        f"{key:<{width}}  {show(before.metrics.get(key))}  {show(after.metrics.get(key))}"
        f"{'  differs' if key in differing else ''}"
        for key in keys
    ]
    lines += [
        f"{name:<8}{'same' if one == other else f'differs: {one} -> {other}'}" for name, (one, other) in pairs.items()
    ]
    versions = tracking.same_versions(before, after)
    lines += [f"code    {f'differs: {versions}' if versions else 'same commit and versions'}"]
    outcome = f"{len(differing)} of {len(keys)} metrics differ" if differing else f"all {len(keys)} metrics equal"
    return "\n".join([*lines, f"result  {outcome}", f"run     {after.run_id}"])


def show(value: float | None) -> str:
    """Return a metric in twelve places."""
    return f"{'none':>12}" if value is None else f"{value:>12.6f}"
