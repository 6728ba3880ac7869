"""Settings and components built from config: the only place that makes objects of it."""

import dataclasses
import inspect
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from typing import Any, TypeVar, get_args

from hydra.errors import HydraException, OverrideParseException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from slugline.components import build_value, is_within
from slugline.config.schemas import nested_settings
from slugline.errors import InputError, describe_refusal, listing
from slugline.files import describe_yaml_error, shipped_folder

ALLOWED_MODULES = ("slugline", "sklearn")
CONFIG_ERRORS = (HydraException, OmegaConfBaseException, YAMLError)
Settings = TypeVar("Settings")
# What OmegaConf says in terms of its own classes
_WORDINGS = {
    r"^field '.*' is not Optional$": "found null; allowed: a value",
    r"^Invalid value assigned: (\w+) is not a ListConfig, list or tuple.*$": r"found a \1; allowed: a list [A,B]",
    r"^Cannot merge DictConfig with ListConfig.*$": "found a list in place of a mapping or the reverse",
    r"^Cannot assign (\w+) to Dict.*$": r"found a \1; allowed: a mapping {NAME: VALUE}",
    r"^Merge error:? .*$|^Cannot merge primitive.*$|^Invalid type assigned: (\w+) is not a subclass of.*$": (
        "found one value; it has keys of its own, as --help lists them"
    ),
    r"found a AnyNode": "found one value",
    r"ListConfig": "list",
    r"DictConfig": "mapping",
}


def build_settings(config: Any, kind: type[Settings]) -> Settings:
    """Build a command's settings, with all their components, from its config.

    Parameters
    ----------
    config : DictConfig or dict
        A value for each field of the settings; those of components name their class in `_target_`.
    kind : type
        The settings class.

    Raises
    ------
    InputError
        For a missing value, a class that is not allowed, an unknown key, or a value of the wrong type.
    """
    check_keys(config, kind)
    allowed = tuple(config.get("allowed_modules") or ())
    values: dict[str, Any] = {}
    for item in dataclasses.fields(kind):  # type: ignore[arg-type]
        if item.name not in config:
            continue
        node = config[item.name]
        if (nested := nested_settings(item)) is not None:
            values[item.name] = _build_dataclass(nested, _to_plain(node), item.name)
        elif not item.metadata.get("component") or node is None:
            values[item.name] = _to_plain(node)
        else:
            values[item.name] = _build_component(node, item.name, allowed)
    return kind(**values)


def _build_component(node: Any, where: str, allowed: Sequence[str]) -> Any:
    """Make a component, or several of them by name, as features."""
    if not isinstance(node, DictConfig | Mapping):
        raise InputError(f"{where}: found {node!r}; allowed: one of its options, or the class in _target_")
    if _holds_components(node):
        return {key: instantiate(node[key], f"{where}.{key}", allowed) for key in node}
    return instantiate(node, where, allowed)


def check_keys(config: Any, kind: type) -> None:
    """Raise `InputError` where a config has a key that its settings have not, or lacks a value that must be given."""
    if isinstance(config, DictConfig):
        check_missing(config)
    names = [item.name for item in dataclasses.fields(kind)]
    if unknown := [str(key) for key in config if key not in names]:
        near = get_close_matches(unknown[0], names, 3, 0.5) or names
        raise InputError(f"unknown key '{unknown[0]}'; allowed: {listing(near, 40)}")


def _holds_components(node: Mapping[Any, Any]) -> bool:
    """Tell whether a node of the config holds components by name, and is none itself."""
    parts = [] if "_target_" in node else [node[key] for key in node]
    return any(isinstance(part, DictConfig | Mapping) and "_target_" in part for part in parts)


def import_user_modules(names: Sequence[str], folders: Sequence[str]) -> None:
    """Import modules that the user allows, from folders beside the config where Python does not find them.

    The folders do not become part of Python's search path, so no other import can find anything there.

    Raises
    ------
    InputError
        When a module is nowhere to be found; the folders are named.
    """
    for name in names:
        if find_spec(name.partition(".")[0]) is not None:
            continue
        spec = PathFinder.find_spec(name.partition(".")[0], list(folders))
        if spec is None or spec.loader is None:
            raise InputError(f"allowed_modules: there is no module '{name}'; looked in: {listing(folders)}")
        module = module_from_spec(spec)
        sys.modules[spec.name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[spec.name]  # half of a module is none
            raise


def check_missing(config: DictConfig) -> None:
    """Raise `InputError` for a value that must be given and is not."""
    if missing := sorted(OmegaConf.missing_keys(config)):
        raise InputError(f"missing value: {listing(missing)}; give it as {missing[0]}=VALUE")


def instantiate(node: Any, where: str, allowed: Sequence[str] = ()) -> Any:
    """Make the object that `_target_` names.

    Parameters
    ----------
    node : DictConfig or dict
        `_target_`, the dotted name of a class of Slugline, scikit-learn or a module in `allowed`, and its options.
        Nothing else is imported. Lists become the tuples that scikit-learn wants.
    where : str
        The node's place in the config, for messages.
    allowed : sequence of str
        Further modules whose classes may be made.

    Raises
    ------
    InputError
        For a target, key or type that is not allowed.
    """
    if not isinstance(node, DictConfig | Mapping):
        raise InputError(
            f"{where}: found {'null' if node is None else repr(node)}; allowed: a class in {where}._target_"
        )
    values: Any = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else dict(node)
    if "_target_" not in values:
        options = listing(shipped_options(where))
        base = f"begin its YAML file with 'defaults: [OPTION]', where OPTION is one of {options}" if options else ""
        raise InputError(f"{where}: there is no _target_; {base or 'give the dotted name of a class'}")
    target = _find_target(str(values.pop("_target_")), where, (*ALLOWED_MODULES, *allowed))
    if dataclasses.is_dataclass(target):
        return _build_dataclass(target, values, where, allowed)
    try:
        return target(**{str(key): _to_option(value, f"{where}.{key}", allowed) for key, value in values.items()})
    except TypeError as error:
        raise InputError(f"{where}: {error}; allowed: {listing(_parameters(target), 40)}") from error


def shipped_options(group: str) -> list[str]:
    """Return the options of a group of the config that ship with Slugline."""
    return sorted(file.stem for file in (shipped_folder("conf") / group).glob("*.yaml"))


def _find_target(name: str, where: str, allowed: Sequence[str]) -> Any:
    """Return the class that a dotted name stands for; its first part must be allowed, and only classes are."""
    module, _, attribute = name.rpartition(".")
    if not module or not all(part.isidentifier() for part in name.split(".")):
        raise InputError(f"{where}._target_: '{name}' is not the dotted name of a class")
    if not is_within(module, allowed):
        raise InputError(
            f"{where}._target_: '{name}' is not allowed; modules allowed: {listing(allowed)} (more by allowed_modules)"
        )
    try:
        target = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{where}._target_: there is no '{name}': {error}") from error
    if not isinstance(target, type) or not is_within(target.__module__, allowed):
        raise InputError(
            f"{where}._target_: '{name}' is not a class of an allowed module; modules allowed: {listing(allowed)}"
        )
    return target


def _build_dataclass(target: Any, values: Any, where: str, allowed: Sequence[str] = ()) -> Any:
    """Make a component of ours from its keys, types checked by OmegaConf, and the components that it holds."""
    if not isinstance(values, Mapping):
        raise InputError(f"{where}: found {values!r:.80}; allowed: a mapping {{KEY: VALUE}}")
    names = [item.name for item in dataclasses.fields(target)]
    if unknown := [key for key in values if key not in names]:
        raise InputError(f"{where}: unknown key '{unknown[0]}'; allowed: {listing(names)}")
    # OmegaConf takes half a second for the topics and rules of a taxonomy
    inner = {item.name: item.type for item in dataclasses.fields(target) if _holds_dataclasses(item.type)}
    parts = {item.name for item in dataclasses.fields(target) if item.metadata.get("component")}
    plain = {key: value for key, value in values.items() if key not in inner and key not in parts}
    try:
        component = OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(target), escape(plain)))
        given = [key for key in inner if values.get(key) is not None]
        return dataclasses.replace(
            component,  # type: ignore[type-var]
            **{key: _build_inner(inner[key], values[key], f"{where}.{key}") for key in given},
            **{key: _build_component(values[key], f"{where}.{key}", allowed) for key in parts if values.get(key)},
        )
    except OmegaConfBaseException as error:
        raise InputError(f"{where}: {describe_error(error)}") from error


def _build_inner(kind: Any, value: Any, where: str) -> Any:
    """Make the dataclasses of a key; a list of names stays one, as labels.topics=[flood,storm] is."""
    names = isinstance(value, list) and all(isinstance(name, str | int) for name in value)
    return value if names and where.endswith(".topics") else build_value(kind, value, where)


def _holds_dataclasses(annotation: Any) -> bool:
    """Tell whether a type is that of a dict of dataclasses."""
    return any(dataclasses.is_dataclass(part) for part in get_args(annotation))


def _parameters(target: Any) -> list[str]:
    """Return the names that a class takes."""
    return [name for name in inspect.signature(target).parameters if name not in ("args", "kwargs")]


def _to_option(value: Any, where: str, allowed: Sequence[str]) -> Any:
    """Return an option of an estimator: lists as tuples, as `ngram_range` must be; objects made."""
    if isinstance(value, list):
        return tuple(_to_option(item, f"{where}[{number}]", allowed) for number, item in enumerate(value))
    return instantiate(value, where, allowed) if isinstance(value, dict) and "_target_" in value else value


def escape(value: Any) -> Any:
    """Return values so that OmegaConf takes `${` for text: what was resolved, or comes from a store, stays as it is."""
    if isinstance(value, Mapping):
        return {key: escape(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [escape(item) for item in value]
    # A backslash before `${` is doubled, or it would take away the effect of ours
    return re.sub(r"(\\*)\$\{", r"\1\1\\${", value) if isinstance(value, str) else value


def _to_plain(node: Any) -> Any:
    """Return what a node of a config holds as plain Python."""
    return OmegaConf.to_container(node, resolve=True) if OmegaConf.is_config(node) else node


def is_explained(error: BaseException) -> bool:
    """Tell whether an error is told in a line: a mistake of the user's, or what the computer refused; else a bug."""
    return isinstance(error, (InputError, *CONFIG_ERRORS)) or describe_refusal(error) is not None


def describe_error(error: BaseException) -> str:
    """Return an error of ours, of Hydra or of OmegaConf as one sentence that lists what is allowed, with its notes."""
    return "; ".join([_describe(error), *getattr(error, "__notes__", ())])


def _describe(error: BaseException) -> str:
    """Return an error of ours, of Hydra or of OmegaConf as one sentence that lists what is allowed."""
    if isinstance(error, InputError):
        return str(error)
    if refusal := describe_refusal(error):
        return refusal
    if isinstance(error, YAMLError):
        return describe_yaml_error(error)
    if isinstance(error, OverrideParseException):
        key, _, value = error.override.partition("=")
        if odd := re.search(r"[^\w.+~@/-]", key):
            return f"found '{key}'; keys with '{odd[0]}' are written in a YAML file, as conf/labels/NAME.yaml"
        if value and '"' not in value and "'" not in value:
            return f"found {error.override}, whose signs need quotes: " + shlex.quote(f'{key}="{value}"')
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = re.sub(r"\s+", " ", str(cause if str(cause) else error)).strip()
    text = re.sub(r" ?(Config search|Search) path:.*", "", text)
    if composing := re.match(r"In '(.+?)': \w+ raised while composing config: (.*?)(?: full_key:.*)?$", text):
        return f"{composing[1]}.yaml: {_reword(composing[2])}"
    if unloaded := re.match(r"In '(.+?)': Could not load '(.+)/(.+)'", text):
        options = listing(shipped_options(unloaded[2]))
        return f"{unloaded[1]}.yaml: defaults: there is no '{unloaded[3]}'; allowed: {options}, or one of your own"
    if isinstance(cause, OmegaConfBaseException):
        text = re.sub(r"\s*(full_key: .*|object_type=.*|reference_type=.*)$", "", re.sub(r" full_key: .*", "", text))
        if cause.parent_node is not None and "not in" in text and isinstance(cause.parent_node, DictConfig):
            known = listing(sorted(map(str, cause.parent_node)), 40) or f"new ones, as +{cause.full_key}=VALUE"
            return f"unknown key '{cause.full_key}'; allowed: {known}"
        return f"{cause.full_key}: {_reword(text)}" if cause.full_key else _reword(text)
    return text


def _reword(text: str) -> str:
    """Return what OmegaConf says in plain words."""
    for pattern, words in _WORDINGS.items():
        text = re.sub(pattern, words, text)
    return text
