"""A run is found by whatever a user calls it; a name that may mean several lists them."""

import re
from types import SimpleNamespace

import pytest

from slugline.errors import InputError
from slugline.tracking import Mlflow, find_run


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store with runs `once`, `twice`, `twice`, a sweep with a job, and two versions of `slugline`, of the first."""
    place = tmp_path_factory.mktemp("names")
    uri = f"sqlite:///{place}/store.db"
    client, ids = Mlflow(uri).connect().MlflowClient(), []
    for name in ("once", "twice", "twice", "the sweep"):
        ids.append(client.create_run("1", run_name=name).info.run_id)
    job = client.create_run("1", run_name="C=1", tags={"mlflow.parentRunId": ids[3]}).info.run_id
    client.create_registered_model("slugline")
    for run_id in ids[:2]:
        client.create_model_version("slugline", str(place), run_id)
    client.set_registered_model_alias("slugline", "champion", "2")
    return SimpleNamespace(uri=uri, ids=ids, job=job)


def test_a_run_goes_by_its_id_its_beginning_its_name_and_its_model(store):
    once, twice, *_ = store.ids
    for name in (once, once[:8], "once", "1", "models:/slugline/1", f"runs:/{once}/model"):
        assert find_run(name, store.uri) == once
    for name in ("2", "models:/slugline@champion"):
        assert find_run(name, store.uri) == twice


def test_a_name_of_several_runs_lists_them(store):
    with pytest.raises(InputError, match=r"'twice' may mean 2 runs; give the id of one: ") as found:
        find_run("twice", store.uri)
    assert all(run_id in str(found.value) for run_id in store.ids[1:3])
    assert re.search(r"\(twice, \d{4}-\d\d-\d\d \d\d:\d\d\)", str(found.value))


def test_a_sweep_is_told_with_its_jobs(store):
    with pytest.raises(InputError, match=rf"is a sweep; give one of its jobs: all are {store.job} \(C=1\)"):
        find_run("the sweep", store.uri)


@pytest.mark.parametrize(
    "name", ["other", "99", "models:/slugline/9", "models:/none@champion", "models:/x", "a'b", "'\""]
)
def test_what_means_no_run_is_told_in_one_line(store, name):
    with pytest.raises(InputError, match="no run '") as found:
        find_run(name, store.uri)
    assert "\n" not in str(found.value)
