"""What makes Hydra quick: YAML is parsed by libyaml, and a config is composed once where Hydra would do it twice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from hydra._internal.core_plugins import file_config_source
from hydra._internal.hydra import Hydra
from hydra._internal.sources_registry import SourcesRegistry
from hydra.plugins.config_source import ConfigResult
from omegaconf import OmegaConf
from omegaconf._utils import get_yaml_loader
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from slugline.config.user_files import find_config_dirs

_MODE_KEYS = ("mode", "searchpath")  # of `hydra`: whether a sweep runs, and where more files are that may say so


class FileConfigSource(file_config_source.FileConfigSource):
    """Hydra's source of YAML files, which has this name too; libyaml reads them ten times as fast."""

    def load_config(self, config_path: str) -> ConfigResult:
        """Return the config in a file."""
        try:
            text = Path(self.path, self._normalize_file_name(config_path)).read_text(encoding="utf-8")
            content = yaml.load(text, _make_loader())  # noqa: S506 - it makes plain data alone, as OmegaConf's own
        except (FileNotFoundError, yaml.YAMLError):
            return super().load_config(config_path)  # which says what is wrong, and shows where
        if not isinstance(content, dict | list | None):
            return super().load_config(config_path)
        return ConfigResult(
            config=OmegaConf.create({} if content is None else content),
            path=f"{self.scheme()}://{self.path}",
            provider=self.provider,
            header=self._get_header_dict(text[:512]),
        )


def read_yaml_quickly() -> None:
    """Make Hydra read YAML files by libyaml; before it is first used, as it keeps the first source of a name."""
    SourcesRegistry.instance().register(FileConfigSource)


@contextmanager
def composing_once(arguments: Sequence[str]) -> Iterator[None]:
    """Spare Hydra its first composition, in which it looks for `hydra.mode`, where nobody can have set that."""
    original = Hydra.get_mode
    if not _may_set_mode(arguments):
        Hydra.get_mode = lambda self, config_name, overrides: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Hydra.get_mode = original  # type: ignore[method-assign]


def _may_set_mode(arguments: Sequence[str]) -> bool:
    """Tell whether the command line, or a YAML file of the user's, may set `hydra.mode`; ours do not."""
    if any(argument.startswith(("--config-path", "-cp")) for argument in arguments):
        return True
    if any("hydra" in argument and any(key in argument for key in _MODE_KEYS) for argument in arguments):
        return True
    files = (file for folder in find_config_dirs(arguments) for file in folder.rglob("*.yaml"))
    texts = (f"{file} {file.read_text(encoding='utf-8', errors='replace')}" for file in files)
    return any("hydra" in text and any(key in text for key in _MODE_KEYS) for text in texts)


def _make_loader() -> Any:
    """Return OmegaConf's loader of YAML, which makes plain data alone, with libyaml as its parser."""
    pure: Any = get_yaml_loader()
    if not yaml.__with_libyaml__:
        return pure

    def start(self: Any, stream: str) -> None:
        c_parser.__init__(self, stream)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)

    c_parser: Any = yaml.CSafeLoader.__mro__[1]
    return type("Loader", (c_parser, pure), {"__init__": start})
