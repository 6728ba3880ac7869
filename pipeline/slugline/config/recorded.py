"""Configs of recorded runs: checked like any other input, then settings again.

They come from a store that others may write to: they name no class outside the allowed modules, ask for nothing of the
environment, and set nothing but what `slugline train` knows.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import yaml

from slugline import tracking
from slugline.components import TAXONOMY, is_within
from slugline.config.build import ALLOWED_MODULES, build_settings, escape
from slugline.errors import InputError, listing, one_line
from slugline.training.settings import TrainSettings

_MAX_BYTES = 1 << 20
_MAX_DEPTH = 50
_NOT_REPRODUCED = ("cache", "tracking")  # they belong to where a run was made, not to the experiment
_TAXONOMY = tuple(f"labels.{key}." for key in TAXONOMY)
_OLD_NAMES = {  # of modules, before the package was called slugline; the longest first
    "pipeline.corpus.": "slugline.data.",
    "pipeline.features.": "slugline.ngrams.",
    "pipeline.metrics.": "slugline.scoring.",
    "pipeline.": "slugline.",
}


def read_run_settings(run_id: str, allowed: Sequence[str], uri: str | None = None) -> TrainSettings:
    """Return the settings that a run of a store was trained with; see `read_recorded`."""
    return read_recorded(tracking.read_artifact(run_id, "config.yaml", uri).decode(), allowed)


def read_recorded(text: str, allowed: Sequence[str]) -> TrainSettings:
    """Return the settings that the `config.yaml` of a run describes, without its cache and tracking.

    Parameters
    ----------
    text : str
        The file.
    allowed : sequence of str
        Modules, beside Slugline and scikit-learn, whose classes it may name.

    Raises
    ------
    InputError
        For a config that asks for more than training does.
    """
    config = _parse(text)
    if "pipeline" not in allowed:  # else that is a module of the user's own
        config = _rename(config)
    _check(config, allowed)
    return build_settings({key: node for key, node in config.items() if key not in _NOT_REPRODUCED}, TrainSettings)


def to_experiment(text: str, note: str) -> str:
    """Return the config of a run as an experiment file, which sets up that run whatever the defaults are."""
    config = _parse(text)
    groups = [item.name for item in dataclasses.fields(TrainSettings) if item.metadata.get("component")]
    kept = {key: node for key, node in config.items() if key not in _NOT_REPRODUCED} | {"name": None}
    # without these, the keys of the default options would be there too
    overrides = [{f"override /{group}": None} for group in groups if group in kept]
    body = yaml.safe_dump({"defaults": overrides} | escape(kept), sort_keys=False, allow_unicode=True, width=120)
    return f"# @package _global_\n# {note}\n{body}"


def _parse(text: str) -> dict[str, Any]:
    """Return what a config holds; raise `InputError` unless it is a plain mapping of reasonable size."""
    if len(text) > _MAX_BYTES:
        raise InputError(f"config.yaml of the run is larger than {_MAX_BYTES} bytes")
    try:
        _check_structure(text)
        config = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise InputError(f"config.yaml of the run is not YAML: {one_line(error, 200)}") from error
    known = [item.name for item in dataclasses.fields(TrainSettings)]
    if not isinstance(config, dict) or (unknown := [key for key in config if key not in known]):
        what = f"the key '{unknown[0]}'" if isinstance(config, dict) else "no keys"
        raise InputError(f"config.yaml of the run has {what}; allowed: {listing(known, 40)}")
    return config


def _check_structure(text: str) -> None:
    """Raise `InputError` for YAML of which a little text could take a long time or much memory to read."""
    depth = 0
    for event in yaml.parse(text, yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            raise InputError("config.yaml of the run has aliases, which could stand for any amount of text")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise InputError(f"config.yaml of the run is nested more than {_MAX_DEPTH} deep")


def _check(config: dict[str, Any], allowed: Sequence[str]) -> None:
    """Raise `InputError` for a config that names what is not allowed, or refers to something outside itself."""
    modules = (*ALLOWED_MODULES, *allowed)
    names = config.get("allowed_modules") or []
    if not isinstance(names, list):
        raise InputError(f"config.yaml of the run: allowed_modules: found {str(names)[:80]!r}; allowed: a list")
    if outside := [name for name in names if name not in allowed]:
        raise InputError(
            f"the run used modules that are not allowed here: {listing(outside)}; give allowed_modules=..."
        )
    for key, value in _leaves(config):
        if "${" in str(value) and not key.startswith(_TAXONOMY):  # whose names and texts nothing resolves
            raise InputError(f"config.yaml of the run: {key} refers to something outside itself: {str(value)[:80]!r}")
        permitted = {"_target_": modules, "function": allowed}.get(key.rpartition(".")[2])
        if permitted is not None and value is not None and not is_within(str(value), permitted):
            raise InputError(f"config.yaml of the run: {key}: '{value}' is not allowed; modules: {listing(permitted)}")


def _rename(node: Any) -> Any:
    """Return a config with the present names of the classes that it names."""
    if isinstance(node, list):
        return [_rename(item) for item in node]
    if not isinstance(node, dict):
        return node
    renamed = {key: _rename(item) for key, item in node.items()}
    if isinstance(target := renamed.get("_target_"), str):
        old = next((prefix for prefix in _OLD_NAMES if target.startswith(prefix)), None)
        if old is not None:
            renamed["_target_"] = _OLD_NAMES[old] + target.removeprefix(old)
    return renamed


def _leaves(node: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value of a config, and every key as a value too, with its dotted key."""
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if children is None:
        yield key, node
    else:
        for name, child in children:
            yield f"{key}.(key)", name
            yield from _leaves(child, f"{key}.{name}" if key else str(name))
