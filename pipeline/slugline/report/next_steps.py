"""What to type next: lines that work when they are pasted into a shell."""

import re
import shlex
from collections.abc import Mapping, Sequence
from itertools import chain, count
from pathlib import Path
from typing import Any

from slugline.data import ArticleCorpus
from slugline.data.articles import USUAL_OPTIONS, article_columns
from slugline.data.cleaning import BOILERPLATE, DEFAULT_STEPS
from slugline.files import read_yaml, shipped_folder
from slugline.launch import Launch
from slugline.project import find_project

_INPUT = re.compile(r"[+~]*(?:data|labels|tracking)(?:[.@][^=]*)?=")  # overrides that say what is read and logged


def describe_next(launch: Launch, command: str, *options: str) -> str:
    """Return a line with a command that goes on from here, with the data, labels and store of the present one.

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


def repeat_split(run_id: str, params: Mapping[str, str]) -> list[str]:
    """Return overrides that divide the data as a run did, by its parameters, and keep articles in their parts.

    Without `split.keep` where the splitter has none, since its parts do not depend on labels, and where the run was
    out of core, which writes no parts.
    """
    option = params.get("choice/split", "article")
    given = {key: value for key, value in params.items() if re.match(r"split\.(?!keep)|seed$", key)}
    file = shipped_folder("conf") / "split" / f"{option}.yaml"
    usual = {f"split.{key}": str(value) for key, value in (read_yaml(file) if file.is_file() else given).items()}
    usual |= {"split.seed": given.get("seed", "0"), "seed": "0"}
    changed = [name_file(key, value) for key, value in given.items() if value != usual.get(key, value)]
    chosen = [] if option == "article" else [f"split={option}"]
    wrote_parts = "split.keep" in params and params.get("data.chunk_rows", "None") == "None"
    return [*chosen, *changed, *([f"split.keep={run_id}"] if wrote_parts else [])]


def describe_promotion(model_uri: str, store: str | None) -> str | None:
    """Return a line that judges a version of a registered model; None for a model in use, or one without a version.

    `store` is the URI of the store that was given; None for the one that commands use by themselves.
    """
    if (version := re.fullmatch(r"models:/(.+)/(\d+)", model_uri)) is None:
        return None
    options = [name_file("registered_model", version[1]), f"version={version[2]}", *_name_store(store)]
    return f"next    {shlex.join(['slugline', 'promote', *options])}"


def describe_comparison(experiment: str, store: str | None) -> str:
    """Return a line that compares the last two runs of an experiment."""
    options = [name_file("experiment", experiment), "last=2", *_name_store(store)]
    return f"next    {shlex.join(['slugline', 'compare', *options])}"


def describe_comparison_of(runs: Sequence[str], store: str | None) -> str:
    """Return a line that compares runs by their ids."""
    return f"next    {shlex.join(['slugline', 'compare', name_file('runs', runs), *_name_store(store)])}"


def describe_prediction(data: Any, model_uri: str, store: str | None, launch: Launch | None = None) -> str:
    """Return a line that labels the articles which a reader reads; a text, where it reads no articles.

    What `predict` takes by itself of the project, in which a command was launched that read its data, is left out.
    """
    options = [name_file("model_uri", model_uri), *_name_store(store)]
    if not isinstance(data, ArticleCorpus):
        return f"next    echo 'TEXT' | {shlex.join(['slugline', 'predict', *options])}"
    options.append(name_file("input", data.path))
    if launch is None or not _reads_project(launch):
        options += _repeat_reading(data)
    return f"next    {shlex.join(['slugline', 'predict', *options, 'output=topics.csv'])}"


def _repeat_reading(data: ArticleCorpus) -> list[str]:
    """Return overrides by which `predict` reads files as a reader does."""
    changed = {name: value for name, usual in USUAL_OPTIONS.items() if (value := getattr(data, name)) != usual}
    renamed = {name: column for name, column in article_columns(data.columns).items() if name != column}
    switched = {step: on for step, on in data.cleaning.items() if step != BOILERPLATE and on != (step in DEFAULT_STEPS)}
    return [
        *(name_file(name, _to_text(value)) for name, value in changed.items()),
        *(name_file(f"columns.{name}", column) for name, column in renamed.items()),
        *(f"cleaning.{step}={_to_text(on)}" for step, on in switched.items()),
    ]


def _to_text(value: object) -> str:
    """Return a value as it is given on the command line."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reads_project(launch: Launch) -> bool:
    """Tell whether a command read the data of the project in the current folder, as its config has it."""
    chosen = find_project().choices.get("data")
    changed = any(override.lstrip("+").startswith("data.") for override in launch.overrides or ())
    return chosen is not None and launch.choices.get("data") == chosen and not changed


def describe_logging(folder: Path, store: str | None) -> str:
    """Return the command that logs the finished run of a folder."""
    return shlex.join(["slugline", "log", str(folder), *_name_store(store)])


def _name_store(uri: str | None) -> list[str]:
    """Return the override for a store."""
    return [name_file("tracking_uri", uri)] if uri else []


def new_file(name: str) -> str:
    """Return a name for a new file: the one given, with a number where that is taken.

    Examples
    --------
    >>> new_file("tasks.csv")
    'tasks.csv'
    """
    file = Path(name)
    names = chain([name], (f"{file.stem}-{number}{file.suffix}" for number in count(2)))
    return next(candidate for candidate in names if not Path(candidate).exists())


def name_file(key: str, file: str | Sequence[str]) -> str:
    """Return an override with one file, name or URI, or several, quoted for Hydra where they need it."""
    files = [file] if isinstance(file, str) else list(file)
    quoted = [_quote(name) for name in files]
    return f"{key}={quoted[0]}" if len(quoted) == 1 else f"{key}=[{','.join(quoted)}]"


def _quote(text: str) -> str:
    """Return a text so that Hydra takes it as it is; nothing in it is interpolated, as `${oc.env:KEY}` would be."""
    if re.fullmatch(r"[\w.:@/-]+", text, re.ASCII):
        return text
    literal = re.sub(r"(\\*)\$\{", r"\1\1\\${", text)
    return "'" + re.sub(r"(\\*)('|\Z)", lambda sign: sign[1] * 2 + ("\\'" if sign[2] else ""), literal) + "'"
