"""Where a run comes from: which code ran, and with which libraries."""

import platform
import subprocess
from importlib.metadata import version
from importlib.util import find_spec

LIBRARIES = (
    "slugline",
    "scikit-learn",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "mlflow",
    "hydra-core",
    "joblib",
    "sentencex",
    "ftfy",
    "charset-normalizer",
    "py3langid",
    "python-dateutil",
    "regex",
    "rensa",
)
EXTRAS = ("numba",)  # which decide what is fitted, if installed


def origin_tags() -> dict[str, str]:
    """Return tags that say which code ran.

    The git commit of the working folder, whether it was changed, and versions.
    """
    installed = [*LIBRARIES, *(name for name in EXTRAS if find_spec(name))]
    versions = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in installed)]
    tags = {"versions": ", ".join(versions)}
    if commit := _git("rev-parse", "HEAD"):
        dirty = str(bool(_git("status", "--porcelain"))).lower()
        tags |= {"mlflow.source.git.commit": commit, "git.commit": commit, "git.dirty": dirty}
    return tags | {"mlflow.source.name": "slugline", "mlflow.source.type": "LOCAL"}


def _git(*arguments: str) -> str:
    """Return what git prints about the working folder; nothing outside a checkout or without git."""
    try:
        return subprocess.run(["git", *arguments], capture_output=True, text=True, check=False).stdout.strip()
    except FileNotFoundError:
        return ""
