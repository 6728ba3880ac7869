"""YAML files: ours, and those of the user in the folder of `--config-dir` and in that of the project."""

import argparse
import re
from collections.abc import Sequence
from pathlib import Path

from slugline.files import shipped_folder
from slugline.project import PROJECT_FILE


def find_groups(command: str) -> list[str]:
    """Return the groups of a command's config, Hydra's own among them."""
    text = (shipped_folder("conf") / f"{command}.yaml").read_text(encoding="utf-8")
    return re.findall(r"^  - (\w+): ", text, re.MULTILINE)


def find_config_dirs(arguments: Sequence[str]) -> list[Path]:
    """Return the folders of YAML files that are added to those shipped: of the command line, and of the project."""
    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    parser.add_argument("--config-dir", "-cd", type=Path, nargs="?")
    given = parser.parse_known_args(arguments)[0].config_dir
    folders = ([given] if given else []) + ([PROJECT_FILE.parent] if PROJECT_FILE.is_file() else [])
    return list({folder.resolve(): folder for folder in folders}.values())


def add_project(arguments: Sequence[str]) -> list[str]:
    """Return a command line by which Hydra also finds the YAML files of the project."""
    folders = find_config_dirs(arguments)
    if not PROJECT_FILE.is_file() or any(argument.startswith("hydra.searchpath=") for argument in arguments):
        return list(arguments)
    if any(argument.startswith(("--config-dir", "-cd")) for argument in arguments):
        return [*arguments, *(search_project() if len(folders) > 1 else [])]
    return [f"--config-dir={PROJECT_FILE.parent}", *arguments]


def search_project() -> list[str]:
    """Return the override, if there is a project, by which Hydra searches its YAML files after all others."""
    folder = f"file://{PROJECT_FILE.parent.absolute()}".replace("'", "\\'")
    return [f"hydra.searchpath=['{folder}']"] if PROJECT_FILE.is_file() else []


def find_undecodable(arguments: Sequence[str]) -> str | None:
    """Return in one line which of the user's YAML files is not UTF-8, and where; None if all are."""
    for file in sorted(file for folder in find_config_dirs(arguments) for file in folder.rglob("*.yaml")):
        content = file.read_bytes()
        try:
            content.decode("utf-8")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            return f"{file}: line {line}: byte 0x{content[error.start]:02x} is not UTF-8; save the file as UTF-8"
    return None
