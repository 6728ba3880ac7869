"""Tab completion: what may follow on a command line, and the scripts with which bash and zsh ask for it."""

import dataclasses
import os
from collections.abc import Iterator, Sequence
from glob import escape, glob
from pathlib import Path
from typing import Any

from slugline.config.schemas import SETTINGS, find_settings, nested_settings
from slugline.config.user_files import find_config_dirs, find_groups
from slugline.errors import InputError, listing
from slugline.files import read_yaml, shipped_folder, write_atomically

_OPTIONS = ("--help", "--cfg", "--config-dir=", "--multirun", "-m")
_MAX_DEPTH = 2  # of keys in YAML files: data.columns.text, and not each keyword of a taxonomy
_SCRIPTS = {
    # The word is taken from the line, since bash breaks words at the characters of COMP_WORDBREAKS, such as `=` and `:`
    "bash": r"""_slugline_completion() {
    local line="${COMP_LINE:0:COMP_POINT}" found word before=""
    word="${line##*[[:space:]]}"
    [[ "$COMP_WORDBREAKS" == *=* ]] && before="${word%"${word##*[=:]}"}"
    COMPREPLY=()
    while IFS= read -r found; do
        found="${found#"$before"}"
        COMPREPLY+=("${found// /\\ }")
    done < <(slugline --complete "$line" 2>/dev/null)
    [[ "${COMPREPLY[0]}" == *[=./] ]] && compopt -o nospace 2>/dev/null
    return 0
}
complete -F _slugline_completion slugline
""",
    "zsh": r"""(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
_slugline_completion() {
    local -a found
    found=("${(@f)$(slugline --complete "${(j: :)words[1,CURRENT-1]} $PREFIX" 2>/dev/null)}")
    [[ -n "$found" ]] && compadd -S '' -- $found
}
compdef _slugline_completion slugline
""",
}
_START_FILES = {"bash": ".bashrc", "zsh": ".zshrc"}


def complete_line(line: str, commands: Sequence[str]) -> list[str]:
    """Return what the last word of a command line may become.

    Parameters
    ----------
    line : str
        The line up to the cursor, with the program's name, such as `slugline train mo`.
    commands : sequence of str
        The names of all commands.

    Examples
    --------
    >>> complete_line("slugline train model=lin", ["train", "predict"])
    ['model=linear_svc']
    """
    words = [*line.split()[1:], *([""] if line[-1:].isspace() else [])]
    *before, word = words or [""]
    if not before:
        found: Iterator[str] = iter([*commands, "--help", "--version", "--install-completion", "--show-completion"])
    elif before[0] not in SETTINGS:
        return _find_paths(word)
    elif word.startswith("--config-dir="):
        found = ("--config-dir=" + path for path in _find_paths(word.partition("=")[2]))
    elif word.startswith("-"):
        found = iter((*_OPTIONS, "-v") if before[0] == "train" else _OPTIONS)
    elif "=" in word:
        found = _complete_value(before[0], word)
    else:
        found = _find_keys(before[0], word)
    return sorted({text for text in found if text.startswith(word)})


def show_completion(shell: str | None = None) -> str:
    """Return the script that makes a shell complete; by default for the shell that `SHELL` names."""
    return _SCRIPTS[_check_shell(shell)]


def install_completion(shell: str | None = None) -> str:
    """Write the script of a shell, and a line that reads it into the shell's start file; return what was done."""
    shell = _check_shell(shell)
    script = Path.home() / ".local" / "share" / "slugline" / f"completion.{shell}"
    start = Path(os.environ.get("ZDOTDIR") or Path.home() if shell == "zsh" else Path.home()) / _START_FILES[shell]
    try:
        script.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(script) as draft:
            draft.write_text(_SCRIPTS[shell], encoding="utf-8")
        line = f'source "{script}"'
        content = start.read_text(encoding="utf-8") if start.is_file() else ""
        if line in content.splitlines():
            return f"wrote {script}; {start} reads it already"
        with start.open("a", encoding="utf-8") as stream:
            stream.write(f"{'' if content.endswith(chr(10)) or not content else chr(10)}{line}\n")
    except (OSError, UnicodeError) as error:
        raise InputError(f"completion: cannot write {script} and {start}: {error}") from error
    return f"wrote {script}, and a line into {start} that reads it; for this shell: source {start}"


def _check_shell(shell: str | None) -> str:
    """Return the name of a shell that can be made to complete."""
    name = shell or Path(os.environ.get("SHELL", "")).name
    if name not in _SCRIPTS:
        raise InputError(f"completion: found shell '{name}'; allowed: {listing(_SCRIPTS)}")
    return name


def _own_groups(command: str) -> list[str]:
    """Return the groups of a command's config, without Hydra's own."""
    return [group for group in find_groups(command) if group != "hydra"]


def _find_options(group: str) -> dict[str, Path]:
    """Return the options of a group, each with its file."""
    folders = [shipped_folder("conf"), *find_config_dirs(())]
    return {file.stem: file for folder in folders for file in (folder / group).glob("*.yaml")}


def _find_keys(command: str, word: str) -> Iterator[str]:
    """Yield groups and options as `KEY=`, and those below a group or below settings once the word has a dot."""
    groups = _own_groups(command)
    if "." not in word:
        yield from (f"{group}=" for group in groups)
    for key in _find_defaults(command, word):
        if key.partition(".")[0] not in groups or "." in word:
            yield f"{key}=" if "." in word or "." not in key else f"{key.partition('.')[0]}."


def _find_defaults(command: str, word: str) -> dict[str, Any]:
    """Return the keys of a command's options, each with its default, and those of the group that a word begins with."""
    defaults = dict(_list_fields(find_settings(command)))
    group = word.partition(".")[0]
    if "." in word and group in _own_groups(command):
        for file in _find_options(group).values():
            defaults |= _flatten(read_yaml(file), f"{group}.")
    return defaults


def _list_fields(settings: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the options of settings with their defaults."""
    for item in dataclasses.fields(settings):
        if (nested := nested_settings(item)) is not None:
            yield from _list_fields(nested, f"{item.name}.")
        elif not item.metadata.get("component"):
            yield f"{prefix}{item.name}", item.default


def _flatten(content: Any, prefix: str, depth: int = 1) -> dict[str, Any]:
    """Return the keys of a YAML file as they are given on the command line, with their values."""
    keys: dict[str, Any] = {}
    for key, value in content.items() if isinstance(content, dict) else ():
        if key in ("_target_", "defaults"):
            continue
        if isinstance(value, dict) and depth < _MAX_DEPTH and key != "topics":
            keys |= _flatten(value, f"{prefix}{key}.", depth + 1)
        else:
            keys[f"{prefix}{key}"] = value
    return keys


def _complete_value(command: str, word: str) -> Iterator[str]:
    """Yield the options of a group, true and false, or paths; for a sweep after the last comma."""
    key, _, value = word.partition("=")
    earlier, comma, last = value.rpartition(",")
    head = f"{key}={earlier}{comma}"
    default = _find_defaults(command, key).get(key)
    if key in _own_groups(command):
        yield from (head + option for option in _find_options(key))
    elif isinstance(default, bool):
        yield from (f"{head}true", f"{head}false")
    elif not isinstance(default, int | float):
        yield from (head + path for path in _find_paths(last))


def _find_paths(start: str) -> list[str]:
    """Return the paths that begin so, folders with a slash at their end; hidden ones only if asked for."""
    paths = glob(f"{escape(start)}*")
    return sorted(f"{path}/" if Path(path).is_dir() else path for path in paths)
