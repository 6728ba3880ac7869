"""Components (readers, labellers, splitters, estimators) and settings as plain data: their class and their options."""

import dataclasses
import inspect
import re
import sys
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any, get_args, get_origin

from slugline.errors import InputError, listing

_KIND_NAMES = {
    str: "a text, in quotes if need be",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "a mapping of names to values",
}
TAXONOMY = ("topics", "functions", "guidelines")  # keys of a labeller


def field_help(settings: type) -> dict[str, str]:
    """Return what the docstring of a dataclass says of each field, in its `Parameters` section, on one line each.

    Fields that a class inherits are described where they are defined.

    Examples
    --------
    >>> from slugline.splits import Given
    >>> sorted(field_help(Given))
    ['column', 'duplicates']
    """
    texts: dict[str, str] = {}
    for kind in reversed(settings.__mro__):
        section = re.search(r"Parameters\n-+\n(.*?)(?=\n\w+\n-+\n|\Z)", inspect.cleandoc(kind.__doc__ or ""), re.DOTALL)
        for names, text in re.findall(
            r"^(\w[^\n:]*)(?: :[^\n]*)?\n((?:[ ]+[^\n]*\n?|\n)+)", section[1] if section else "", re.M
        ):
            texts |= dict.fromkeys(names.replace(",", " ").split(), " ".join(text.split()))
    return texts


def is_within(name: str, modules: Iterable[str]) -> bool:
    """Tell whether a dotted name is one of some modules, or inside one."""
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def to_config(component: Any) -> dict[str, Any]:
    """Return what makes a component again: `_target_`, the dotted name of its class, and all its options.

    Parameters
    ----------
    component : dataclass, scikit-learn estimator or other object
        Options are a dataclass's fields, an estimator's parameters, or else what `vars` gives. Parameters that have a
        default such as None or a type, which YAML could not tell from others, are left out.

    Returns
    -------
    dict
        Of what JSON and YAML can hold.

    Examples
    --------
    >>> from slugline.splits import ByArticle
    >>> to_config(ByArticle(test=0.3))
    {'_target_': 'slugline.splits.ByArticle', 'dev': 0.1, 'test': 0.3, 'duplicates': 'near', 'seed': 0, 'keep': None}
    """
    if dataclasses.is_dataclass(component):
        options = {field.name: getattr(component, field.name) for field in dataclasses.fields(component)}
    elif hasattr(component, "get_params"):
        options = _parameters(component)
    else:
        options = vars(component)
    return {"_target_": _public_name(type(component))} | {name: to_plain(value) for name, value in options.items()}


def to_plain(value: Any) -> Any:
    """Return a value as JSON and YAML can hold it; parts that have their default are left out of inner dataclasses."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in _changed(value)}
    if hasattr(value, "get_params") and not isinstance(value, type):
        return to_config(value)
    if isinstance(value, type):
        return value.__name__  # a dtype such as `float32`
    return to_plain(value.tolist()) if hasattr(value, "tolist") else str(value)  # NumPy's numbers and arrays


def build_value(kind: Any, value: Any, where: str) -> Any:
    """Return a value of YAML as a type: of dataclasses, lists, dicts, text, numbers, or null.

    Parameters
    ----------
    kind : type
        What the value is to become, such as `dict[str, Topic]`.
    value : object
        Of what YAML holds. A number may stand for text, a text for a list of one, nothing for a dataclass's defaults;
        and a text or a list for a dataclass that names the field which they fill in its `SHORT_FORM`.
    where : str
        Its place, for messages.

    Raises
    ------
    InputError
        For an unknown key, or a value of another type.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if dataclasses.is_dataclass(kind):
        if isinstance(value, str | list) and hasattr(kind, "SHORT_FORM"):
            value = {kind.SHORT_FORM: value}
        if isinstance(value, dict | None):
            return _build_inner(kind, value or {}, where)
    if origin is list and isinstance(value, str):
        value = [value]
    if origin is list and isinstance(value, list):
        return [build_value(arguments[0], item, f"{where}[{place}]") for place, item in enumerate(value)]
    if origin is dict and isinstance(value, dict):
        return {
            build_value(str, key, where): build_value(arguments[1], item, f"{where}.{key}")
            for key, item in value.items()
        }
    if type(value) in (arguments if origin is UnionType else (kind,)):  # not isinstance: True is no number here
        return value
    if kind is str and type(value) in (int, float):
        return str(value)  # 911 among keywords
    if kind is float and type(value) is int:
        return float(value)
    raise InputError(f"{where}: {value!r:.80}; allowed: {_name_kind(kind)}")


def _build_inner(kind: Any, values: Mapping[Any, Any], where: str) -> Any:
    """Make a topic, a rule or a pair of phrases of its keys, those without a value left out; refuse an unknown key."""
    types = {item.name: item.type for item in dataclasses.fields(kind)}
    if unknown := [key for key in values if key not in types]:
        raise InputError(f"{where}: unknown key '{unknown[0]}'; allowed: {listing(types)}")
    given = {key: value for key, value in values.items() if value is not None}
    return kind(**{key: build_value(types[key], value, f"{where}.{key}") for key, value in given.items()})


def _name_kind(kind: Any) -> str:
    """Return in words what a field may hold."""
    if dataclasses.is_dataclass(kind):
        return f"the keys {listing(item.name for item in dataclasses.fields(kind))}"
    if get_origin(kind) is UnionType:
        return f"{_KIND_NAMES[get_args(kind)[0]]}, or null"
    return _KIND_NAMES[get_origin(kind) or kind]


def settings_to_config(settings: Any) -> dict[str, Any]:
    """Return a command's settings as YAML can hold them, components with their class and all their options."""
    config: dict[str, Any] = {}
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if field.metadata.get("component") and isinstance(value, Mapping):
            config[field.name] = {name: to_config(part) for name, part in value.items()}
        elif field.metadata.get("component") and value is not None:
            config[field.name] = to_config(value)
        else:
            config[field.name] = to_plain(vars(value)) if dataclasses.is_dataclass(value) else to_plain(value)
    return config


def to_yaml(config: Mapping[str, Any]) -> str:
    """Return a config as YAML, in its order."""
    import yaml

    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True, width=120)


def to_params(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what of settings becomes parameters of a run: all but the texts of the taxonomy."""
    if "labels" not in config:
        return flatten(config)
    labels = {key: value for key, value in config["labels"].items() if key not in TAXONOMY}
    return flatten({**config, "labels": labels})


def flatten(config: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return every value of nested mappings under its dotted key.

    Examples
    --------
    >>> flatten({"model": {"C": 0.3}, "seed": 0})
    {'model.C': 0.3, 'seed': 0}
    """
    flat: dict[str, Any] = {}
    for name, value in config.items():
        key = f"{prefix}{name}"
        flat |= flatten(value, f"{key}.") if isinstance(value, Mapping) and value else {key: value}
    return flat


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return an estimator's parameters, without those that have their default and are no text, number or sequence."""
    defaults = {name: one.default for name, one in inspect.signature(type(estimator)).parameters.items()}
    return {
        name: value
        for name, value in estimator.get_params(deep=False).items()
        if isinstance(value, str | bool | int | float | list | tuple) or value is not defaults.get(name)
    }


def _changed(value: Any) -> list[dataclasses.Field[Any]]:
    """Return the fields of a dataclass that differ from their default."""
    changed = []
    for field in dataclasses.fields(value):
        default = field.default if field.default_factory is dataclasses.MISSING else field.default_factory()
        if getattr(value, field.name) != default:
            changed.append(field)
    return changed


def _public_name(kind: type) -> str:
    """Return the dotted name under which a class is imported: that of the outermost package that offers it."""
    parts = kind.__module__.split(".")
    for end in range(1, len(parts)):
        package = sys.modules.get(".".join(parts[:end]))
        if getattr(package, kind.__name__, None) is kind:
            return ".".join([*parts[:end], kind.__name__])
    return f"{kind.__module__}.{kind.__qualname__}"
