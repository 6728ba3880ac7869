"""Keys of the cache: all that decides what a stage makes, so that nothing stale is ever reused."""

import inspect
import json
import platform
import time
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import blake2b, file_digest
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, cast

from slugline.components import flatten, to_config

LIBRARIES = (
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "ftfy",
    "sentencex",
    "charset-normalizer",
    "py3langid",
    "python-dateutil",
    "regex",
    "rensa",
)
EXTRAS = ("trafilatura", "markdown-it-py", "feedparser", "warcio", "openpyxl")  # which read articles, if installed
Key = Mapping[str, str]


def digest(text: str) -> str:
    """Return 32 hexadecimal digits for a text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class SourceFile(Protocol):
    """A file whose bytes can be read: a path, or a file at a URL."""

    def open(self, mode: Literal["rb"], /) -> BinaryIO:
        """Open it for reading bytes."""


def _digest_files(files: Iterable[tuple[SourceFile, str]]) -> dict[str, str] | None:
    """Return a digest of the bytes of each file under its name; None when one can be read only once, or not at all."""
    found = {}
    try:
        for file, name in files:
            if isinstance(file, Path) and not file.is_file():  # standard input, a pipe
                return None
            with file.open("rb") as stream:
                found[f"file {name}"] = file_digest(cast(Any, stream), lambda: blake2b(digest_size=16)).hexdigest()
    except OSError:  # whoever reads the file says so, in the words that fit
        return None
    return found


def stage_key(
    section: str, component: object, files: Iterable[tuple[SourceFile, str]] | None, modules: Iterable[str] = ()
) -> Key | None:
    """Return all that decides a stage that reads files: the bytes of these, the component's options, and code.

    Parameters
    ----------
    section : str
        The component's section of the config, such as `data`.
    component : object
        The reader or labeller.
    files : iterable of (Path or file at a URL, str), or None
        The files it reads, each with its name; None where it does not say which.
    modules : iterable of str
        Modules whose functions it calls.

    Returns
    -------
    mapping of str to str, or None
        None where the input cannot be known: standard input, a file that cannot be read, or a reader that does not say
        which files it reads.
    """
    if files is None or (digests := _digest_files(files)) is None:
        return None
    options = {name: repr(value) for name, value in flatten(to_config(component), f"{section}.").items()}
    order = {f"order of {section}": digest("\0".join(options))}
    return options | order | digests | versions(component, modules=modules)


def chain(stage: str, before: Key | None, more: Key | None) -> Key | None:
    """Return the key of a stage that takes what another gave."""
    if before is None or more is None:
        return None
    return {stage: digest_key(before), **more}


def digest_key(key: Key) -> str:
    """Return 32 hexadecimal digits for a key, whatever the order of its entries."""
    return digest(json.dumps(key, sort_keys=True))


def versions(*components: object, modules: Iterable[str] = ()) -> dict[str, str]:
    """Return what code runs: of Slugline, its libraries, the modules of components, and further modules."""
    found = {"python": platform.python_version(), "code of slugline": _own_code()}
    found |= {name: version(name) for name in LIBRARIES}
    found |= {name: _version_if_installed(name) for name in EXTRAS}
    for module in sorted({type(component).__module__ for component in components} | set(modules)):
        if module.split(".")[0] not in ("slugline", "sklearn"):
            found[f"code of {module}"] = digest(_source(module))
    return found


@cache
def _version_if_installed(name: str) -> str:
    """Return the version of a library, `""` where it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _source(module: str) -> str:
    """Return the source of a module; where it is not at hand, what is never the same."""
    try:
        return inspect.getsource(import_module(module))
    except (ImportError, OSError, TypeError):
        return str(time.time_ns())


@cache
def _own_code() -> str:
    """Return a digest of Slugline's source."""
    root = Path(__file__).parents[1]
    return digest("\0".join(file.read_text(encoding="utf-8") for file in sorted(root.rglob("*.py"))))
