"""How the files of a project are read, which is how `predict` and `monitor` read other files unless told otherwise."""

from functools import cache
from pathlib import Path
from typing import Any

from slugline.config.user_files import search_project
from slugline.data.articles import USUAL_OPTIONS
from slugline.data.cleaning import DEFAULT_STEPS, STEPS
from slugline.data.schema import ARTICLE_COLUMNS
from slugline.errors import InputError
from slugline.files import shipped_folder
from slugline.project import PROJECT_FILE, find_project

_NAME = "project_data"  # of a config that holds nothing but the project's data
_OF_TEXT = ("language", "cleaning")  # options that hold for typed text, too


def project_columns() -> dict[str, str]:
    """Return the name in the files for every article column, as the project's data has it, else its own."""
    columns: dict[str, str] = _read_options().get("columns", {})
    return {name: name for name in ARTICLE_COLUMNS} | columns


def project_cleaning() -> dict[str, bool]:
    """Return which steps of cleaning are on, as the project's data has it."""
    switches: dict[str, bool] = _read_options().get("cleaning", {})
    return {step: switches.get(step, step in DEFAULT_STEPS) for step in STEPS}


def reading_defaults() -> dict[str, str]:
    """Return the defaults of a command's options of reading, where the project's data has others than usual.

    They are interpolations, of `project_option`, so that whatever a user gives stands in their place.
    """
    options = _read_options()
    return {name: f"${{reading:{name}}}" for name, usual in USUAL_OPTIONS.items() if options.get(name, usual) != usual}


def project_option(name: str, _root_: Any) -> Any:
    """Return an option of reading as the project's data has it, for the command of a config; typed text has few."""
    from omegaconf import OmegaConf

    is_typed = _root_.input == "-" and (OmegaConf.is_interpolation(_root_, "format") or _root_.format is None)
    options = _only_of_text(_read_options()) if is_typed else _read_options()
    return options.get(name, USUAL_OPTIONS[name])


def describe_reading(settings: Any) -> str | None:
    """Return in a line which options of a command are those of the project's data; None where none is."""
    options = _read_options()
    if settings.input == "-" and settings.format is None:  # text has no columns
        options = _only_of_text(options)
    names = [
        f"columns.{name}={column}"
        for name, column in options.get("columns", {}).items()
        if name != column and settings.columns.get(name) == column
    ]
    names += [
        f"cleaning.{step}={str(on).lower()}"
        for step, on in options.get("cleaning", {}).items()
        if on != (step in DEFAULT_STEPS) and settings.cleaning.get(step) == on
    ]
    names += [
        f"{name}={str(options[name]).lower() if isinstance(usual, bool) else options[name]}"
        for name, usual in USUAL_OPTIONS.items()
        if options.get(name, usual) != usual and getattr(settings, name) == options[name]
    ]
    return f"reading {', '.join(names)}: as the project's data ({_file()})" if names else None


def _only_of_text(options: dict[str, Any]) -> dict[str, Any]:
    """Return those options that hold for typed text, too."""
    return {name: options[name] for name in _OF_TEXT if name in options}


def _file() -> Path:
    """Return the YAML file of the project's data."""
    return PROJECT_FILE.parent / "data" / f"{find_project().choices['data']}.yaml"


def _read_options() -> dict[str, Any]:
    """Return the options of the project's reader that hold for other files too."""
    choice = find_project().choices.get("data")
    if choice is None:
        return {}
    files = sorted(file.absolute() for file in PROJECT_FILE.parent.rglob("*.yaml"))
    return _compose(choice, tuple((file, file.stat().st_mtime_ns, file.stat().st_size) for file in files))


@cache
def _compose(choice: str, files: tuple[tuple[Path, int, int], ...]) -> dict[str, Any]:
    """Compose the project's data, once for the same state of its files; raise `InputError` where that fails."""
    from hydra import compose, initialize_config_dir
    from hydra.core.config_store import ConfigStore
    from omegaconf import OmegaConf

    from slugline.config.build import CONFIG_ERRORS, describe_error

    # Data may choose its labels and split, as `data=sentences` does
    groups = [{"labels": "given"}, {"split": "article"}, {"data": choice}, "_self_"]
    ConfigStore.instance().store(name=_NAME, node={"defaults": groups})
    try:
        with initialize_config_dir(str(shipped_folder("conf")), version_base="1.3"):
            data = compose(_NAME, search_project()).data
            values = {name: OmegaConf.select(data, name) for name in USUAL_OPTIONS}
            columns, cleaning = (_to_dict(OmegaConf.select(data, name)) for name in ("columns", "cleaning"))
    except CONFIG_ERRORS as error:
        raise InputError(describe_error(error)) from error
    known = {
        name: str(column) for name, column in columns.items() if name in ARTICLE_COLUMNS and column not in (None, "")
    }
    return {"columns": known, "cleaning": cleaning} | {
        name: value for name, value in values.items() if value is not None
    }


def _to_dict(node: Any) -> dict[str, Any]:
    """Return a mapping of a config as a dict, an empty one of anything else."""
    from omegaconf import OmegaConf

    values: Any = OmegaConf.to_container(node, resolve=True) if OmegaConf.is_dict(node) else {}
    return dict(values)
