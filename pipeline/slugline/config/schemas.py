"""The schema that Hydra checks each command's config against, made from the command's settings."""

import dataclasses
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import Any

from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

# The settings are imported when their command runs
SETTINGS = {
    "train": "slugline.training.settings.TrainSettings",
    "predict": "slugline.config.predict.PredictSettings",
    "label": "slugline.config.labelling.LabelSettings",
    "review": "slugline.config.labelling.ReviewSettings",
    "export": "slugline.config.settings.ExportSettings",
    "compare": "slugline.config.settings.CompareSettings",
    "promote": "slugline.config.settings.PromoteSettings",
    "reproduce": "slugline.config.settings.ReproduceSettings",
    "monitor": "slugline.config.settings.MonitorSettings",
    "log": "slugline.config.settings.LogSettings",
    "ui": "slugline.config.settings.UiSettings",
}


def find_settings(command: str) -> Any:
    """Return the settings class of a command."""
    return _import_class(SETTINGS[command])


def make_schema(settings: Any, defaults: Mapping[str, str] = MappingProxyType({})) -> Any:
    """Return a dataclass with the options, types and defaults of settings, as OmegaConf takes it.

    A component becomes whatever its group of the config holds, an option without a default a missing value. The
    schema is not frozen, since OmegaConf makes frozen ones read-only. `defaults` are interpolations that
    take the place of defaults.
    """
    fields = []
    for item in dataclasses.fields(settings):
        if (nested := nested_settings(item)) is not None:
            schema = make_schema(nested)
            fields.append((item.name, schema, dataclasses.field(default_factory=schema)))
        elif item.metadata.get("component"):
            optional = item.default is None
            fields.append((item.name, Any, dataclasses.field(default=None if optional else MISSING)))
        elif _is_required(item):
            fields.append((item.name, _schema_type(item.type), dataclasses.field(default=MISSING)))
        elif item.default_factory is not dataclasses.MISSING:
            fields.append((item.name, _schema_type(item.type), dataclasses.field(default_factory=item.default_factory)))
        else:
            fields.append(
                (item.name, _schema_type(item.type), dataclasses.field(default=defaults.get(item.name, item.default)))
            )
    return dataclasses.make_dataclass(f"{settings.__name__}Schema", fields)


def nested_settings(item: Any) -> Any:
    """Return the settings class of a field that holds settings of its own, None for any other field."""
    if name := item.metadata.get("settings"):
        return _import_class(name)
    return item.type if dataclasses.is_dataclass(item.type) else None


def _schema_type(annotation: Any) -> Any:
    """Return a type as OmegaConf checks it; anything, where it knows no such type."""
    try:
        OmegaConf.structured(dataclasses.make_dataclass("Probe", [("value", annotation, MISSING)]))
    except OmegaConfBaseException:
        return Any
    return annotation


def _is_required(item: Any) -> bool:
    """Tell whether a field has no default."""
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _import_class(name: str) -> Any:
    """Return a class by its dotted name."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(module), attribute)
