"""New SQLite stores come from a template that MLflow's migrations made once, and are as if they had run again."""

import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from mlflow import MlflowClient

from slugline.tracking.new_store import make_store

TIMES = {"creation_time", "last_update_time"}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))
    return tmp_path / "cache" / "slugline"


def contents(file):
    """Return what a store holds: its SQL, its rows, and when it was made."""
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        schema = [tuple(row) for row in database.execute("SELECT name, sql FROM sqlite_master ORDER BY name")]
        tables = [name for name, sql in schema if (sql or "").startswith("CREATE TABLE")]
        rows = {name: [dict(row) for row in database.execute(f"SELECT * FROM {name}")] for name in tables}
    (experiment,) = rows["experiments"]
    return schema, rows, {name: experiment.pop(name) for name in TIMES}


def names(file):
    """Return the tables and indices of a store; in which order constraints stand differs from process to process."""
    return [name for name, _ in contents(file)[0]]


def test_a_store_from_the_template_is_that_of_the_migrations_but_for_when_and_where(tmp_path, cache, monkeypatch):
    stores = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        make_store(tmp_path / name / "mlflow.db")
        stores.append(contents(tmp_path / name / "mlflow.db"))
        assert len(list(cache.iterdir())) == 1

    (schema, rows, times), (other_schema, other_rows, other_times) = stores
    for name, found in (("first", rows), ("second", other_rows)):
        assert found["experiments"][0].pop("artifact_location") == str(tmp_path / name / "mlruns" / "0")
    assert (schema, rows) == (other_schema, other_rows)
    assert times["creation_time"] < other_times["creation_time"]


@pytest.mark.slow
def test_a_damaged_template_is_not_used_and_is_made_anew(tmp_path, cache):
    make_store(tmp_path / "first.db")
    (template,) = cache.iterdir()
    whole = template.read_bytes()
    middle = len(whole) // 2
    damaged = {
        "cut": whole[:middle],
        "changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "empty": b"",
        "other": b"no store at all",
    }
    for damage, content in damaged.items():
        template.write_bytes(content)
        make_store(tmp_path / f"{damage}.db")
        assert names(tmp_path / f"{damage}.db") == names(tmp_path / "first.db"), damage
        assert len(template.read_bytes()) > middle
        make_store(tmp_path / f"after {damage}.db")
        assert MlflowClient(f"sqlite:///{tmp_path}/after {damage}.db").create_experiment("works") == "1"


@pytest.mark.slow
def test_without_a_place_for_the_template_a_store_is_made_all_the_same(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "file"))
    make_store(tmp_path / "new.db")
    assert contents(tmp_path / "new.db")[1]["experiments"][0]["name"] == "Default"


@pytest.mark.slow
def test_processes_that_make_the_template_and_a_store_each_at_once_all_get_one(tmp_path, cache):
    code = "import sys; from pathlib import Path; from slugline.tracking.new_store import make_store; "
    code += "make_store(Path(sys.argv[1]))"
    stores = [tmp_path / f"{number // 2}.db" for number in range(4)]  # two processes at each
    started = [subprocess.Popen([sys.executable, "-c", code, str(store)]) for store in stores]
    assert [process.wait(timeout=240) for process in started] == [0] * 4
    assert all(names(store) == names(stores[0]) for store in stores)
    assert len(list(cache.iterdir())) == 1
