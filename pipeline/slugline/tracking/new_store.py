"""New SQLite stores: made whole or not at all, and quickly once MLflow's migrations ran for this user."""

import gzip
import hashlib
import os
import shutil
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from slugline.files import write_atomically
from slugline.tracking.store_errors import is_new


def make_store(file: Path) -> None:
    """Make a SQLite store where there is none, under another name first: half of one could never be used."""
    from filelock import FileLock

    if not is_new(file):
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{file}.lock"):  # opened new by several processes at once it is left broken
        if not is_new(file):
            return
        with _new_store() as made, write_atomically(file) as draft:  # a killed one leaves its draft, so late
            shutil.copyfile(made, draft)  # a copy, since MLflow keeps what it has opened


@contextmanager
def _new_store() -> Iterator[Path]:
    """Give a new store in a temporary folder, from the template of this MLflow, which is made if need be."""
    from mlflow import MlflowClient

    template = _template_file()
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = Path(folder) / "mlflow.db"
        known = _read_template(template)
        if known is not None:
            made.write_bytes(known)
        MlflowClient(f"sqlite:///{made}").search_experiments(max_results=1)
        if known is None:
            with suppress(OSError):  # the next store is then made as this one was
                _write_template(template, Path(shutil.copyfile(made, Path(folder) / "template.db")))
        yield made


def _template_file() -> Path:
    """Return where the store without experiments is kept that is copied for new ones, for these very migrations."""
    scripts = (files("mlflow") / "store" / "db_migrations" / "versions").iterdir()
    migrations = sorted(script.name for script in scripts if script.name.endswith(".py"))
    digest = hashlib.sha256(" ".join(migrations).encode()).hexdigest()[:12]
    base = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_CACHE_HOME")
    return Path(base or "~/.cache").expanduser() / "slugline" / f"mlflow-{version('mlflow')}-{digest}.db.gz"


def _read_template(file: Path) -> bytes | None:
    """Return the store that is kept, None where there is none, or a damaged one, as its checksum tells."""
    try:
        return gzip.decompress(file.read_bytes()) or None  # an empty file is well-formed
    except (OSError, EOFError, zlib.error):
        return None


def _write_template(file: Path, store: Path) -> None:
    """Keep a store without experiments: the path in its first one, which MLflow makes when it opens it, is its own."""
    with closing(sqlite3.connect(store)) as database, database:
        database.execute("DELETE FROM experiments")
    with write_atomically(file) as draft:
        draft.write_bytes(gzip.compress(store.read_bytes()))
