"""The help of a command: what it does, its groups and its options, each with its default, on a page."""

import dataclasses
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from slugline.components import field_help
from slugline.config.schemas import find_settings, nested_settings
from slugline.config.user_files import find_config_dirs
from slugline.errors import InputError
from slugline.files import shipped_folder
from slugline.project import find_project

_GROUP = re.compile(r"^  - (?:override )?/?([a-z]+): (?:\$\{choice:\w+,(\w+)|(\S+))", re.MULTILINE)
_WIDTH, _INDENT = 110, 34


def describe_command(command: str, arguments: Sequence[str] = ()) -> str:
    """Return the help of a command; groups have the options of the user's `--config-dir`, too."""
    folders = [shipped_folder("conf"), *find_config_dirs(arguments)]
    if missing := [folder for folder in folders if not folder.is_dir()]:
        raise InputError(f"--config-dir: there is no folder '{missing[0]}'")
    text = (shipped_folder("conf") / f"{command}.yaml").read_text(encoding="utf-8")
    head, _, defaults = text.partition("defaults:")
    lines = [line.removeprefix("#").removeprefix(" ") for line in head.splitlines()]
    choices = find_project().choices
    groups = [
        _describe_group(group, choices.get(group, chosen) if chosen else option, folders)
        for group, chosen, option in _GROUP.findall(defaults)
        if group != "hydra"
    ]
    if groups:
        lines += ["", "Groups, each given as _GROUP=OPTION:", *groups]
    options = list(_describe_options(find_settings(command)))
    lines += ["", "Options, each given as KEY=VALUE:", *options] if options else []
    chosen = ", with the options of what the groups chose" if groups else ""
    lines += ["", f"slugline {command} --cfg job prints the whole config{chosen}."]
    return "\n".join(lines)


def _describe_group(group: str, default: str, folders: Sequence[Path]) -> str:
    """Return a group with its options, the default one first."""
    names = sorted({file.stem for folder in folders for file in (folder / group).glob("*.yaml")})
    others = [name for name in names if name != default]
    return _align(group, " | ".join(others if default == "null" else [default, *others]))


def _describe_options(settings: Any, prefix: str = "") -> Iterator[str]:
    """Yield a line or more for each option that is not a component."""
    texts = field_help(settings)
    for item in dataclasses.fields(settings):
        if (nested := nested_settings(item)) is not None:
            yield from _describe_options(nested, f"{item.name}.")
        elif not item.metadata.get("component"):
            yield _align(f"{prefix}{item.name}={_describe_default(item)}", texts.get(item.name, ""))


def _describe_default(item: Any) -> str:
    """Return the default of an option as it is given on the command line."""
    if item.default_factory is not dataclasses.MISSING:
        value = item.default_factory()
        if isinstance(value, list):
            return f"[{','.join(map(str, value))}]"
        return "{...}" if isinstance(value, dict) else str(value)
    if item.default is dataclasses.MISSING:
        return "???"
    if item.default is None:
        return "null"
    return str(item.default).lower() if isinstance(item.default, bool) else str(item.default)


def _align(name: str, text: str) -> str:
    """Return a name and a wrapped text in two columns."""
    lines = textwrap.wrap(text, _WIDTH - _INDENT)
    if len(name) > _INDENT - 4 or not lines:
        lines = ["", *lines]
    first, *others = lines
    return "\n".join([f"  {name:<{_INDENT - 2}}{first}".rstrip(), *(" " * _INDENT + line for line in others)])
