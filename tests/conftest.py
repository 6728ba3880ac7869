"""What several test modules need: the command line, in this process or in its own, and the real data."""

import gc
import os
import subprocess
import sys
import warnings
from collections.abc import Generator, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before PyTorch and NumPy: a worker has a core, where threads would wait

import slugline.tracking.store  # sets what MLflow reads from the environment, before a test restores that
from slugline.cli import execute

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data"))
MODULE = (sys.executable, "-m", "slugline")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while tests are collected, nor ever in what that leaves: it takes a fifth of the time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def store_of(folder: Path) -> str:
    """Return the URI of the MLflow store that commands use in a folder."""
    return f"sqlite:///{folder}/store.db"


def run_slugline(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `slugline` in this process: in a folder, on the store `store.db` in there.

    Afterwards the working folder, the environment, the standard streams and what Hydra and MLflow keep for a process
    are as they were before, but for what MLflow keeps by the URI of a store: the default one, which is relative, is that of
    the first folder. An exception that the command line lets through, which is a bug, is raised.
    """
    returncode = 0
    output, errors = _stream(), _stream()
    with (
        _process_state(folder, {"MLFLOW_TRACKING_URI": store_of(folder)} | environment),
        _warnings(errors),
        _standard_input(stdin),
        redirect_stdout(output),
        redirect_stderr(errors),
    ):
        try:
            execute(arguments)
        except SystemExit as ended:
            returncode = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    return subprocess.CompletedProcess([*arguments], returncode, _text(output), _text(errors))


def run_process(folder: Path, *arguments: str, stdin: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run `slugline` as `run_slugline` does, but as a process of its own."""
    return subprocess.run(
        [*MODULE, *arguments],
        cwd=folder,
        env=os.environ | {"MLFLOW_TRACKING_URI": store_of(folder)} | environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def _stream(content: bytes = b"") -> TextIOWrapper:
    """Return a standard stream, with its `buffer`, that is kept in memory."""
    return TextIOWrapper(BytesIO(content), encoding="utf-8", newline="\n", write_through=True)


def _text(stream: TextIOWrapper) -> str:
    """Return what was written to a stream."""
    stream.flush()
    content = stream.buffer.getvalue()
    return content.decode("utf-8")


@contextmanager
def _standard_input(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, _stream(text.encode())
    try:
        yield
    finally:
        sys.stdin = before


@contextmanager
def _warnings(errors: TextIOWrapper) -> Iterator[None]:
    """Make warnings of our own modules errors, and print others to a stream unless Python hides them by default."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        for category in (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("error", module=r"slugline\b")
        yield
    for warning in caught:
        errors.write(warnings.formatwarning(warning.message, warning.category, warning.filename, warning.lineno))


@contextmanager
def _process_state(folder: Path, environment: dict[str, str]) -> Iterator[None]:
    """Run the block in a folder and an environment, and restore all that a command changes of its process."""
    place, variables, arguments, modules = Path.cwd(), dict(os.environ), sys.argv, set(sys.modules)
    os.chdir(folder)
    os.environ.update(environment)
    _reset_hydra()
    try:
        yield
    finally:
        _reset_hydra()
        _reset_mlflow()
        os.chdir(place)
        os.environ.clear()
        os.environ.update(variables)
        sys.argv = arguments
        for name in set(sys.modules) - modules:  # a user's own, in or beside the folder: others may have that name, too
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(f"{folder.parent}{os.sep}"):
                del sys.modules[name]


def _reset_hydra() -> None:
    """Make Hydra forget the command that ran."""
    if "hydra" in sys.modules:
        from hydra.core.global_hydra import GlobalHydra
        from hydra.core.hydra_config import HydraConfig

        GlobalHydra.instance().clear()
        HydraConfig.instance().cfg = None


def _reset_mlflow() -> None:
    """End the runs that are under way, and make MLflow forget its store and experiment."""
    if "mlflow" in sys.modules:
        import mlflow

        while mlflow.active_run():
            mlflow.end_run("KILLED")
        mlflow.set_tracking_uri(None)
        mlflow.tracking.fluent._active_experiment_id = None
    slugline.tracking.store.CLEARED.clear()


@pytest.fixture(scope="session")
def command():
    """`command(folder, *arguments)` runs `slugline` in this process and returns what became of it."""
    return run_slugline


@pytest.fixture(scope="session")
def process():
    """`process(folder, *arguments)` runs `slugline` as a program and returns what became of it."""
    return run_process


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
