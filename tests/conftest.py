"""What several test modules need: the real command in a process of its own, and the real data where it is at hand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data"))


def run_slugline(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `slugline` in a folder, its store `store.db` in there, and return what became of it."""
    return subprocess.run(
        [sys.executable, "-m", "slugline", *arguments],
        cwd=folder,
        env=os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{folder}/store.db"} | environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )


@pytest.fixture(scope="session")
def command():
    """`command(folder, *arguments)` runs `slugline` and returns what became of it."""
    return run_slugline


@pytest.fixture
def real_article() -> Path:
    """The real article, as it was found, beside the checkout or in SLUGLINE_DATA."""
    file = DATA / "articles" / "syria_ceasefire_resolution.txt"
    if not file.is_file():
        pytest.skip(f"no {file}: set SLUGLINE_DATA to the folder with the real article")
    return file


def keep_store():
    """MLflow writes the URI of the store in use into the environment: none hands it on to the next."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    yield
    if before is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = before


store_of_the_module = pytest.fixture(scope="module", autouse=True)(keep_store)
store_of_the_test = pytest.fixture(autouse=True)(keep_store)
