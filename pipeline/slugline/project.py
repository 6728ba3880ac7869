"""A project: the folder that a command is started in, if it has a `conf/project.yaml`; and a new one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from slugline.errors import InputError, listing
from slugline.files import read_yaml, write_files

PROJECT_FILE = Path("conf/project.yaml")
DEFAULT_NAME = "slugline"
SAMPLE_MODEL = "slugline-sample"  # what the sample's model is registered as, so that nobody takes it for their own
_TEMPLATES = Path(__file__).parent / "project_template"  # Jinja2 templates, by the paths of what they become
_KEYS = ("name", "choices")


@dataclass(frozen=True)
class Project:
    """What a project decides for all commands that are started in its folder.

    Parameters
    ----------
    name : str
        The name of the MLflow experiment and of the registered model.
    choices : mapping of str to str
        The option that each group of the config has where none is chosen, such as `{"data": "project"}`.
    """

    name: str = DEFAULT_NAME
    choices: Mapping[str, str] = field(default_factory=dict)


def find_project() -> Project:
    """Return the project of the current folder; where there is none, one with Slugline's defaults.

    Raises
    ------
    InputError
        When `conf/project.yaml` is there and is not understood.
    """
    if not PROJECT_FILE.is_file():
        return Project()
    content = read_yaml(PROJECT_FILE) or {}
    if not isinstance(content, dict) or (unknown := [key for key in content if key not in _KEYS]):
        found = f"unknown key '{unknown[0]}'" if isinstance(content, dict) else "no mapping"
        raise InputError(f"{PROJECT_FILE}: {found}; allowed: {listing(_KEYS)}")
    name, choices = content.get("name", DEFAULT_NAME), content.get("choices") or {}
    if not isinstance(name, str) or not name.strip() or set(name) & set("/:"):
        raise InputError(f"{PROJECT_FILE}: name: {name!r}; allowed: a text without / and :")
    if not isinstance(choices, dict) or not all(isinstance(part, str) for pair in choices.items() for part in pair):
        raise InputError(f"{PROJECT_FILE}: choices: {choices!r}; allowed: options by group, as in {{labels: topics}}")
    return Project(name, choices)


def default_name() -> str:
    """Return the name of the current project, for settings that have it as their default."""
    return find_project().name


def default_champion() -> str:
    """Return the URI of the current project's model in use, for settings that have it as their default."""
    return f"models:/{find_project().name}@champion"


def make_project(folder: Path, topics: Sequence[str] = ()) -> str:
    """Write the files of a new project.

    Parameters
    ----------
    folder : Path
        Where; the folder may be there, but none of the files.
    topics : sequence of str
        Names for the taxonomy; without any it has three that show how rules are written.

    Returns
    -------
    str
        The name of the project: that of the folder, with what MLflow or a shell would not take replaced by hyphens.

    Raises
    ------
    InputError
        For a file that is there already, or a folder that cannot be written to; then nothing is written.
    """
    from jinja2 import Template

    name = re.sub(r"[^\w.]+", "-", folder.resolve().name).strip("-.") or "project"
    quoted = [_to_yaml_key(topic) for topic in dict.fromkeys(topics)]
    contents = {}
    for source in sorted(file for file in _TEMPLATES.rglob("*") if file.is_file()):
        place = folder / source.relative_to(_TEMPLATES)
        target = place.with_name(".gitignore") if place.name == "gitignore" else place
        text = Template(source.read_text(encoding="utf-8"), keep_trailing_newline=True).render(name=name, topics=quoted)
        contents[target] = text.encode()
    if taken := [target for target in contents if target.exists()]:
        raise InputError(f"{taken[0]} is there already: nothing was written; give another folder")
    write_files(contents)
    return name


def _to_yaml_key(topic: str) -> str:
    """Return a name as YAML holds it, quoted where it must be."""
    import yaml

    return yaml.safe_dump(topic, allow_unicode=True, width=10_000).removesuffix("...\n").strip()
