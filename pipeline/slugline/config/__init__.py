"""Config: a schema per command, where `conf/` is, and the only place that makes objects from config."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass, field
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any, NamedTuple

from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig as HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback as Callback  # Hydra's names for others come from here
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from slugline.errors import InputError, listing

ALLOWED_MODULES = ("slugline", "sklearn")
OUTWARD = ("cache", "n_jobs", "plots", "tracking")  # settings that change no model: not in the name of a run


@dataclass
class TrainConfig:
    """`slugline train`."""

    data: Any
    labels: Any
    split: Any
    features: Any
    model: Any
    threshold: Any
    cache: Any
    tracking: Any
    evaluation: dict[str, Any] = field(default_factory=dict)
    name: str | None = None
    seed: int = 0
    folds: int = 5
    n_jobs: int = -1
    epochs: int = 5
    plots: bool = True
    allowed_modules: list[str] = field(default_factory=list)


@dataclass
class PredictConfig:
    """`slugline predict`."""

    model_uri: str
    input: Any
    output: str | None = None
    format: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    split_sentences: bool = True
    encoding: str = "utf-8"
    tracking_uri: str | None = None
    explain: int = 0
    resume: bool = False
    n_jobs: int = -1
    batch: int = 1 << 20
    engine: str = "local"
    dask_address: str | None = None


@dataclass
class ExportConfig:
    """`slugline export`."""

    output: str
    model_uri: str
    format: str
    tracking_uri: str | None = None


@dataclass
class ReviewConfig:
    """`slugline review`."""

    data: Any
    labels: Any
    features: Any
    model: Any
    output: str
    model_uri: str
    what: str = "queue"
    size: int = 100
    format: str | None = None
    uncertainty: float = 1.0
    disagreement: float = 0.25
    rarity: float = 0.0
    diversity: float = 0.2
    previous_model_uri: Any = None
    tracking_uri: str | None = None
    seed: int = 0
    folds: int = 5
    n_jobs: int = -1
    allowed_modules: list[str] = field(default_factory=list)


@dataclass
class UiConfig:
    """`slugline ui`."""

    host: str = "127.0.0.1"
    port: int = 5000
    tracking_uri: str | None = None


@dataclass
class LabelConfig:
    """`slugline label`."""

    data: Any
    labels: Any
    cache: Any
    tracking: Any
    codebook: str | None = None
    tasks: str | None = None
    annotations: Any = None
    format: str | None = None
    size: int | None = None
    output: str = "labels.jsonl"
    history: str = "annotations.jsonl"
    merge: str = "majority"
    adjudicator: str | None = None
    name: str | None = None
    allowed_modules: list[str] = field(default_factory=list)


@dataclass
class CompareConfig:
    """`slugline compare`."""

    tracking: Any
    runs: list[str] = field(default_factory=list)
    experiment_name: str | None = None
    last: int = 5
    force: bool = False
    tracking_uri: str | None = None
    name: str | None = None


@dataclass
class PromoteConfig:
    """`slugline promote`."""

    data: Any
    labels: Any
    split: Any
    cache: Any
    gate: Any
    version: str | None = None
    part: str = "test"
    rollback: bool = False
    registered_model: str = "slugline"
    alias: str = "champion"
    seed: int = 0
    tracking_uri: str | None = None
    allowed_modules: list[str] = field(default_factory=list)


@dataclass
class ReproduceConfig:
    """`slugline reproduce`."""

    run_id: str
    tracking_uri: str | None = None
    allowed_modules: list[str] = field(default_factory=list)


@dataclass
class MonitorConfig:
    """`slugline monitor`."""

    model_uri: str
    input: Any
    tracking: Any
    period: str | None = None
    prevalence: str = "difference"
    format: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    encoding: str = "utf-8"
    tracking_uri: str | None = None
    name: str | None = None


SCHEMAS = {
    "train": TrainConfig,
    "predict": PredictConfig,
    "label": LabelConfig,
    "review": ReviewConfig,
    "export": ExportConfig,
    "compare": CompareConfig,
    "promote": PromoteConfig,
    "reproduce": ReproduceConfig,
    "monitor": MonitorConfig,
    "ui": UiConfig,
}


def shipped(folder: str) -> Path:
    """Return a folder that ships with Slugline: inside the package when installed from a wheel, else beside it."""
    package = Path(__file__).parents[1]
    inside = package / Path(folder).name
    return inside if inside.is_dir() else package.parents[1] / folder


def prepare() -> None:
    """Tell Hydra the schemas and the resolver `${sample:FILE}`, a file of the sample that ships with Slugline."""
    for name, schema in SCHEMAS.items():
        ConfigStore.instance().store(name=f"{name}_schema", node=schema)
    OmegaConf.register_new_resolver("sample", lambda file: str(shipped("data/sample") / file), replace=True)


def wrong_option(arguments: Sequence[str]) -> str | None:
    """Return in one line what Hydra, which prints several, finds wrong with the options (`--like-this`)."""
    from hydra._internal.utils import get_args_parser

    try:
        with redirect_stderr(StringIO()) as said:
            found = get_args_parser().parse_args(list(arguments))
    except SystemExit as ended:
        return said.getvalue().splitlines()[-1].partition("error: ")[2] if ended.code else None
    modes = [f"--{name}" for name in ("run", "multirun", "cfg", "info", "shell_completion") if getattr(found, name)]
    return f"found {listing(modes)}; allowed: one of them" if len(modes) > 1 else None


class Launch(NamedTuple):
    """How Hydra launched a job: the options chosen, the overrides given, and its folder."""

    choices: dict[str, str]
    overrides: list[str]
    folder: Path

    @property
    def name(self) -> str:
        """A name by what was chosen: the overrides that may change the model, else data, features and model."""
        chosen = [self.choices[group] for group in ("data", "features", "model") if group in self.choices]
        varied = [given for given in self.overrides if not re.match(rf"[+~]*({'|'.join(OUTWARD)})[.=@]", given)]
        return " ".join(varied or chosen)


def launch() -> Launch:
    """Return how this job was launched."""
    hydra = HydraConfig.get()
    options = hydra.runtime.choices.items()
    chosen = {name: str(option) for name, option in options if option is not None and not name.startswith("hydra")}
    overrides: Any = OmegaConf.to_container(
        hydra.overrides.task, resolve=False
    )  # `model.random_state=${seed}` as it is
    return Launch(chosen, list(map(str, overrides)), Path(hydra.runtime.output_dir))


def flatten(config: DictConfig, leave_out: str | None = "labels.topics") -> dict[str, Any]:
    """Return every value of a config under its dotted key, for a run's parameters; a taxonomy stays in the YAML."""
    found: dict[str, Any] = {}

    def walk(node: Any, key: str) -> None:
        if isinstance(node, dict) and node and key != leave_out:
            for name, value in node.items():
                walk(value, f"{key}.{name}" if key else str(name))
        elif key != leave_out:
            found[key] = node

    walk(OmegaConf.to_container(config, resolve=True), "")
    return found


def to_yaml(config: DictConfig) -> str:
    """Return a config as YAML, references resolved."""
    return OmegaConf.to_yaml(config, resolve=True)


def to_experiment(text: str, note: str, name: str | None = None) -> str:
    """Return the config of a run as an experiment file, which sets up that run whatever the defaults are.

    Where it was logged and what was cached stay out: they are of the place, not of the experiment.
    """
    config = {key: node for key, node in OmegaConf.create(text).items() if key not in ("cache", "tracking")}
    config["name"] = name
    groups = [item.name for item in dataclasses.fields(TrainConfig) if item.type is Any and item.name in config]
    overrides: list[Any] = [{f"override /{group}": None} for group in groups]  # else the keys of both would be there
    return f"# @package _global_\n# {note}\n{OmegaConf.to_yaml(OmegaConf.create({'defaults': overrides} | config))}"


def check(config: DictConfig) -> None:
    """Raise `InputError` for a value that must be given and is not."""
    if missing := sorted(OmegaConf.missing_keys(config)):
        raise InputError(f"missing value: {listing(missing)}; give it as {missing[0]}=VALUE")


def instantiate(node: Any, where: str, allowed: Sequence[str] = ()) -> Any:
    """Make the object that `_target_` names, from a module of Slugline, scikit-learn, or one that the user allows.

    Nothing else is imported. Keys and types are checked against the target's fields or parameters; lists become tuples.
    Raises `InputError` for a target, key or type that is not allowed.
    """
    values: Any = OmegaConf.to_container(node, resolve=True) if isinstance(node, DictConfig) else dict(node)
    target = find_target(str(values.pop("_target_", None)), where, (*ALLOWED_MODULES, *allowed))
    if dataclasses.is_dataclass(target):
        return build_dataclass(target, values, where)
    try:
        return target(**{str(key): to_tuple(value) for key, value in values.items()})
    except TypeError as error:
        raise InputError(f"{where}: {error}; allowed: {listing(parameters(target), 40)}") from error


def find_target(name: str, where: str, allowed: Sequence[str]) -> Any:
    """Return the class that a dotted name stands for; its first part must be allowed, and only classes are."""
    module, _, attribute = name.rpartition(".")
    if not module or not all(part.isidentifier() for part in name.split(".")):
        raise InputError(f"{where}._target_: '{name}' is no dotted name of a class")
    if not any(module == top or module.startswith(f"{top}.") for top in allowed):
        raise InputError(
            f"{where}._target_: '{name}' is not allowed; modules allowed: {listing(allowed)} (more by allowed_modules)"
        )
    try:
        target = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{where}._target_: there is no '{name}': {error}") from error
    if not isinstance(target, type) or not any(
        target.__module__ == top or target.__module__.startswith(f"{top}.") for top in allowed
    ):
        raise InputError(
            f"{where}._target_: '{name}' is not a class of an allowed module; modules allowed: {listing(allowed)}"
        )
    return target


def build_dataclass(target: Any, values: Mapping[Any, Any], where: str) -> Any:
    """Make a component of ours from its keys, types checked by OmegaConf."""
    names = [item.name for item in dataclasses.fields(target)]
    if unknown := [key for key in values if key not in names]:
        raise InputError(f"{where}: unknown key '{unknown[0]}'; allowed: {listing(names)}")
    try:
        return OmegaConf.to_object(OmegaConf.merge(OmegaConf.structured(target), values))
    except OmegaConfBaseException as error:
        raise InputError(f"{where}: {one_line(error)}") from error


def parameters(target: Any) -> list[str]:
    """Return the names that a class takes."""
    import inspect

    return [name for name in inspect.signature(target).parameters if name not in ("args", "kwargs")]


def to_tuple(value: Any) -> Any:
    """Return lists as tuples, as scikit-learn wants `ngram_range`."""
    return tuple(value) if isinstance(value, list) else value


def one_line(error: BaseException) -> str:
    """Return what Hydra or OmegaConf found wrong as one sentence that lists what is allowed."""
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    text = re.sub(r"\s+", " ", str(cause if str(cause) else error)).strip()
    if isinstance(cause, OmegaConfBaseException):
        text = re.sub(r"\s*(full_key: .*|object_type=.*|reference_type=.*)$", "", re.sub(r" full_key: .*", "", text))
        if cause.parent_node is not None and "not in" in text and isinstance(cause.parent_node, DictConfig):
            known = listing(sorted(map(str, cause.parent_node)), 40) or f"new ones, as +{cause.full_key}=VALUE"
            return f"unknown key '{cause.full_key}'; allowed: {known}"
        return f"{cause.full_key}: {text}" if cause.full_key else text
    return text


CONFIG_ERRORS = (HydraException, OmegaConfBaseException, YAMLError)
