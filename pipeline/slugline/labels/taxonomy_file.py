"""Taxonomies as YAML files, read without Hydra."""

from dataclasses import fields
from pathlib import Path
from typing import Any

from slugline.components import build_value
from slugline.errors import InputError, listing
from slugline.files import read_yaml
from slugline.labels.labeller import Labels

_KEYS = ("topics", "functions", "guidelines", "mode")  # what a taxonomy says; other keys are choices of a training


def read_taxonomy(file: Path) -> dict[str, Any]:
    """Read a taxonomy from a YAML file such as `conf/labels/plover.yaml`, without Hydra.

    Returns what the file gives of `topics` (dict of Topic), `functions` (dict of Rule), `guidelines` and `mode` (str),
    as in `Labels(rules=True, **read_taxonomy(file))`; other settings of a labeller are ignored. Raises `InputError`
    when the file cannot be read, or for an unknown key or a value of the wrong type.
    """
    types = {item.name: item.type for item in fields(Labels)}
    allowed = [*dict.fromkeys([*_KEYS, *types]), "_target_", "defaults"]  # the last two are Hydra's
    content = read_yaml(file)
    values = content if isinstance(content, dict) else {}
    if unknown := [key for key in values if key not in allowed]:
        raise InputError(f"{file}: unknown key '{unknown[0]}'; allowed: {listing(allowed, 20)}")
    if not values.get("topics"):
        raise InputError(f"{file}: no topics; allowed: a YAML mapping with the keys {listing(_KEYS)}")
    given = [key for key in _KEYS if key in values]
    return {key: build_value(types[key], values[key], f"{file}: {key}") for key in given}
