"""What to type next: lines that work when they are pasted into a shell."""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from slugline.data import ArticleCorpus
from slugline.launch import Launch

_INPUT = re.compile(r"[+~]*(?:data|labels)(?:[.@][^=]*)?=")  # overrides that say what is read, and its labels


def describe_next(launch: Launch, command: str, *options: str) -> str:
    """Return a line with a command that goes on from here, with the data and labels of the present one.

    Parameters
    ----------
    launch : Launch
        How the present command was started.
    command : str
        The next one.
    *options : str
        What it is given, as `KEY=VALUE`.
    """
    keys = [option.partition("=")[0] for option in options]
    given = [option for option in launch.overrides or () if _INPUT.match(option)]
    kept = [option for option in given if option.lstrip("+~").partition("=")[0] not in keys]
    return f"next    {shlex.join(['slugline', command, *launch.options, *kept, *options])}"


def describe_promotion(model_uri: str, store: str | None) -> str | None:
    """Return a line that judges a version of a registered model; None for a model in use, or one without a version.

    `store` is the URI of the store that was given; None for the one that commands use by themselves.
    """
    if (version := re.fullmatch(r"models:/(.+)/(\d+)", model_uri)) is None:
        return None
    options = [f"registered_model={version[1]}", f"version={version[2]}", *_name_store(store)]
    return f"next    {shlex.join(['slugline', 'promote', *options])}"


def describe_comparison(experiment: str, store: str | None) -> str:
    """Return a line that compares the last two runs of an experiment."""
    options = [f"experiment={experiment}", "last=2", *_name_store(store)]
    return f"next    {shlex.join(['slugline', 'compare', *options])}"


def describe_prediction(data: Any, model_uri: str, store: str | None) -> str:
    """Return a line that labels the articles which a reader reads; a text, where it reads no articles."""
    options = [f"model_uri={model_uri}", *_name_store(store)]
    if not isinstance(data, ArticleCorpus):
        return f"next    echo 'TEXT' | {shlex.join(['slugline', 'predict', *options])}"
    renamed = [f"columns.{name}={column}" for name, column in data.columns.items() if name != column]
    ending = [f"format={data.format}"] if data.format else []
    options += [name_file("input", data.path), *ending, *renamed, "output=topics.csv"]
    return f"next    {shlex.join(['slugline', 'predict', *options])}"


def describe_logging(folder: Path, store: str | None) -> str:
    """Return the command that logs the finished run of a folder."""
    return shlex.join(["slugline", "log", str(folder), *_name_store(store)])


def _name_store(uri: str | None) -> list[str]:
    """Return the override for a store."""
    return [f"tracking_uri={uri}"] if uri else []


def name_file(key: str, file: str | Sequence[str]) -> str:
    """Return an override with one file or several, quoted for Hydra where they need it."""
    files = [file] if isinstance(file, str) else list(file)
    quoted = [name if re.fullmatch(r"[\w./-]+", name) else "'" + name.replace("'", "\\'") + "'" for name in files]
    return f"{key}={quoted[0]}" if len(quoted) == 1 else f"{key}=[{','.join(quoted)}]"
