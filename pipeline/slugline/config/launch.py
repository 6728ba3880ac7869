"""How Hydra runs a command: what it is told, what it says was chosen."""

import dataclasses
import os
import re
import shlex
from collections.abc import Sequence
from contextlib import redirect_stderr
from io import StringIO
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, ListConfig, OmegaConf

from slugline.config.build import build_settings, import_user_modules, shipped_options
from slugline.config.project_reading import project_option, reading_defaults
from slugline.config.quick_hydra import read_yaml_quickly
from slugline.config.run_name import SWEPT, name_run
from slugline.config.schemas import find_settings, make_schema
from slugline.config.user_files import find_groups, search_project
from slugline.data.articles import ArticleOptions
from slugline.errors import InputError, listing
from slugline.files import shipped_folder
from slugline.launch import Launch
from slugline.project import PROJECT_FILE, find_project


def register(command: str) -> None:
    """Tell Hydra a command's schema, our resolvers, and how to read YAML.

    These are `${sample:FILE}`, a file of the shipped sample; `${project:}`, the name of the user's project;
    `${reading:OPTION}`, how the project's data is read; and `${choice:GROUP,OPTION}`, what the project chooses for a
    group, else the option. The labels of the sample are for the sample alone: other data has those that it brings
    (`data=sentences`), or those of rules.
    """
    read_yaml_quickly()
    project = find_project()

    def choose(group: str, option: str, _root_: DictConfig) -> str:
        if group == "labels" and _root_.get("data") not in (None, "sample"):
            option = "given" if _root_["data"] == "sentences" else "rules"
        return project.choices.get(group, option)

    settings = find_settings(command)
    defaults = reading_defaults() if issubclass(settings, ArticleOptions) else {}
    ConfigStore.instance().store(name=f"{command}_schema", node=make_schema(settings, defaults))
    OmegaConf.register_new_resolver("reading", project_option, replace=True)
    OmegaConf.register_new_resolver("sample", lambda file: str(shipped_folder("data/sample") / file), replace=True)
    OmegaConf.register_new_resolver("project", lambda: project.name, replace=True)
    OmegaConf.register_new_resolver("choice", choose, replace=True)


def suggest_override(command: str, arguments: Sequence[str]) -> str | None:
    """Return in one line what to give in place of `--input FILE` or of a path alone; None where there is neither."""
    names = {field.name for field in dataclasses.fields(find_settings(command))}
    for argument, following in zip_longest(arguments, arguments[1:], fillvalue="VALUE"):
        name, _, value = argument.lstrip("-").partition("=")
        if argument.startswith("--") and name.replace("-", "_") in names:
            override = f"{name.replace('-', '_')}={value or following}"
            return f"found '{argument}'; options are given as KEY=VALUE: slugline {command} {shlex.quote(override)}"
        if not argument.startswith("-") and "=" not in argument and Path(argument).exists():
            key = "input" if "input" in names else "data.path"
            previous = arguments[arguments.index(argument) - 1] if arguments.index(argument) else ""
            if not previous.startswith("-"):
                override = shlex.quote(f"{key}={argument}")
                return f"found '{argument}'; options are given as KEY=VALUE: slugline {command} {override}"
    return None


def name_word(key: str, arguments: Sequence[str]) -> list[str]:
    """Return arguments in which a path alone has a key, and the quotes that Hydra wants."""
    from slugline.report.next_steps import name_file  # late: imports pandas

    def is_word(argument: str) -> bool:
        return not argument.startswith("-") and ("=" not in argument or Path(argument).exists())

    return [name_file(key, argument) if is_word(argument) else argument for argument in arguments]


def quote_signs(arguments: Sequence[str]) -> list[str]:
    """Return arguments in which one sign, as `data.delimiter=;`, and names of runs are in the quotes that Hydra wants.

    Examples
    --------
    >>> quote_signs(["data.delimiter=;", "seed=1"])
    ["data.delimiter=';'", 'seed=1']
    >>> quote_signs(["runs=[C=0.1 word,2]"])
    ["runs=['C=0.1 word',2]"]
    """
    runs = r"runs=\[([^'\"\\$\[\]]+)\]"  # a name with a comma or such signs has quotes already
    arguments = [
        f"runs=[{','.join(map(_quote_name, found[1].split(',')))}]"
        if (found := re.fullmatch(runs, argument))
        else argument
        for argument in arguments
    ]
    return [re.sub(r"^([\w.]*(?:delimiter|separator))=([^\w'\"]|\\t)$", r"\1='\2'", argument) for argument in arguments]


def _quote_name(name: str) -> str:
    """Return the name of a run in quotes, where it has signs that Hydra understands in its own way."""
    return name if re.fullmatch(r"[\w.:@/-]+", name, re.ASCII) else f"'{name.strip()}'"


def restrict_topics(arguments: Sequence[str]) -> list[str]:
    """Return arguments in which names as `labels.topics`, which is a mapping, are what they mean: `labels.only`.

    Examples
    --------
    >>> restrict_topics(["labels.topics=[flood,storm]", "+labels.topics=flood", "labels.topics={flood: [flood*]}"])
    ['labels.only=[flood,storm]', 'labels.only=[flood]', 'labels.topics={flood: [flood*]}']
    """
    renamed = [re.sub(r"^\+{0,2}labels\.topics=\[", "labels.only=[", argument) for argument in arguments]
    return [
        re.sub(r"^\+{0,2}labels\.topics=(?!null$)([^\[{$,]+)$", r"labels.only=[\1]", argument) for argument in renamed
    ]


def find_wrong_group(command: str, arguments: Sequence[str]) -> str | None:
    """Return in one line which group is given something that names no option, such as `data=null`."""
    groups = find_groups(command)
    for argument in arguments:
        group, equals, value = argument.partition("=")
        wrong = (equals and not value) or re.fullmatch(r"null|true|false|-?\d+(\.\d+)?", value, re.IGNORECASE)
        if wrong and group in groups:
            return f"{group}: found '{value}'; allowed: one of the options {listing(shipped_options(group))}"
    return None


def find_wrong_option(arguments: Sequence[str]) -> str | None:
    """Return in one line what Hydra, which prints several, finds wrong with the options (`--like-this`)."""
    from hydra._internal.utils import get_args_parser

    try:
        with redirect_stderr(StringIO()) as messages:
            options = get_args_parser().parse_args(list(arguments))
    except SystemExit as ended:
        return messages.getvalue().splitlines()[-1].partition("error: ")[2] if ended.code else None
    modes = [f"--{name}" for name in ("run", "multirun", "cfg", "info", "shell_completion") if getattr(options, name)]
    return f"found {listing(modes)}; allowed: one of them" if len(modes) > 1 else None


def compose_settings(command: str, overrides: Sequence[str] = ()) -> Any:
    """Return the settings that a command line asks for, without running the command: for scripts and tests.

    Parameters
    ----------
    command : str
        As `train`.
    overrides : sequence of str
        As `["labels=rules", "seed=1"]`.

    Examples
    --------
    >>> compose_settings("train", ["seed=1"]).split
    ByArticle(dev=0.1, test=0.2, duplicates='near', seed=1, keep=None)
    """
    register(command)
    with initialize_config_dir(str(shipped_folder("conf")), version_base="1.3"):
        return build_settings(compose(command, [*overrides, *search_project()]), find_settings(command))


def read_launch() -> Launch:
    """Return how this job was launched."""
    hydra = HydraConfig.get()
    runtime: Any = OmegaConf.to_container(hydra.runtime, resolve=False)  # a folder may be called `${x}`
    options = runtime["choices"].items()
    given = {group: str(option) for group, option in options if option is not None and not group.startswith("hydra")}
    choices = {group.rpartition("@")[2]: option for group, option in given.items()}  # features@teacher.features=char
    overrides: Any = OmegaConf.to_container(hydra.overrides.task, resolve=False)  # `${seed}` as it is written
    changed = list(map(str, overrides))
    return Launch(
        folder=Path(runtime["output_dir"]),
        name=name_run(changed, choices, os.environ.get(SWEPT, "").split()),
        overrides=changed,
        choices=choices,
        options=[f"--config-dir={folder}" for folder in _user_folders() if not _is_project(folder)],
        config_folders=_user_folders(),
    )


def describe_start(command: str, launch: Launch) -> str:
    """Return the line with which a training begins: the options of the groups, and where its files go."""
    groups = [group for group in find_groups(command) if group in launch.choices]
    options = " ".join(f"{group}={launch.choices[group]}" for group in groups)
    inside = launch.folder.is_relative_to(Path.cwd())
    return f"start   {options}; files in {launch.folder.relative_to(Path.cwd()) if inside else launch.folder}"


def read_job_number() -> int:
    """Return which job of its sweep this is, from 0."""
    return int(HydraConfig.get().job.num)


def build_job(command: str, config: DictConfig) -> tuple[Any, Launch]:
    """Return the settings of a command, all components built, and how it was launched."""
    labels = config.get("labels")
    names = _read_modules(config, "allowed_modules")
    if isinstance(labels, DictConfig):
        names += _read_modules(labels, "labels.allowed_modules")
    import_user_modules(names, _read_module_folders())
    return build_settings(config, find_settings(command)), read_launch()


def _read_modules(config: DictConfig, key: str) -> list[str]:
    """Return the names of the modules that a key allows; its last part is that of the config."""
    value = config.get(key.rpartition(".")[2])
    if not isinstance(value, ListConfig | None):
        raise InputError(f"{key}: found {value!r}; allowed: a list [MODULE,MODULE]")
    return [str(name) for name in value or ()]


def _read_module_folders() -> list[str]:
    """Return the folders in which a user's own modules are looked for: those of their config, and the current one."""
    folders = [folder for source in _user_folders() for folder in (source, source.parent)]
    return [str(folder) for folder in dict.fromkeys([*folders, Path.cwd()])]


def _user_folders() -> list[Path]:
    """Return the folders of the user's own config."""
    runtime: Any = OmegaConf.to_container(HydraConfig.get().runtime, resolve=False)  # a folder may be called `${x}`
    sources = [Path(source["path"]) for source in runtime["config_sources"] if source["schema"] == "file"]
    return [source for source in sources if source != shipped_folder("conf")]


def _is_project(folder: Path) -> bool:
    """Tell whether this is the config of the project, which all commands find by themselves."""
    return PROJECT_FILE.is_file() and folder.resolve() == PROJECT_FILE.parent.resolve()
