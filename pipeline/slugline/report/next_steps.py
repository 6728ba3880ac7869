"""What to type next: lines that work when they are pasted into a shell."""

import re
import shlex
from collections.abc import Sequence
from typing import Any

from slugline.data import ArticleCorpus
from slugline.launch import Launch

_INPUT = re.compile(r"[+~]*(?:data|labels)(?:[.@][^=]*)?=")  # overrides that say what is read, and its labels


def describe_next(launch: Launch, command: str, *options: str, repeat: bool = True) -> str:
    """Return a line with a command that goes on from here.

    Parameters
    ----------
    launch : Launch
        How the present command was started.
    command : str
        The next one.
    *options : str
        What it is given, as `KEY=VALUE`.
    repeat : bool
        Whether it is also given the data and labels of the present command.
    """
    keys = [option.partition("=")[0] for option in options]
    given = [option for option in launch.overrides or () if _INPUT.match(option)] if repeat else []
    kept = [option for option in given if option.lstrip("+~").partition("=")[0] not in keys]
    return f"next    {shlex.join(['slugline', command, *launch.options, *kept, *options])}"


def describe_prediction(data: Any, model_uri: str, *store: str) -> str:
    """Return a line that labels the articles which a reader reads; a text, where it reads no articles."""
    options = [f"model_uri={model_uri}", *store]
    if not isinstance(data, ArticleCorpus):
        return f"next    echo 'TEXT' | {shlex.join(['slugline', 'predict', *options])}"
    renamed = [f"columns.{name}={column}" for name, column in data.columns.items() if name != column]
    ending = [f"format={data.format}"] if data.format else []
    options += [name_file("input", data.path), *ending, *renamed, "output=topics.csv"]
    return f"next    {shlex.join(['slugline', 'predict', *options])}"


def name_file(key: str, file: str | Sequence[str]) -> str:
    """Return an override with one file or several, quoted for Hydra where they need it."""
    files = [file] if isinstance(file, str) else list(file)
    quoted = [name if re.fullmatch(r"[\w./-]+", name) else "'" + name.replace("'", "\\'") + "'" for name in files]
    return f"{key}={quoted[0]}" if len(quoted) == 1 else f"{key}=[{','.join(quoted)}]"
