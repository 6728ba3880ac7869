"""The registry says what a model is, which version is in use and how good it is, with lines that work when pasted."""

import json
import re
import subprocess
import sys

import pytest
from conftest import store_of
from mlflow import MlflowClient
from toy_store import DATA, toy_rows, train_toys, write_rows

from slugline.report.registered import LONGEST, OURS, describe_registered_model

ODD = "law & <b>order</b> | *x*\n# Head"


def describe(name: str, topics: dict[str, str], facts: dict[str, str]) -> str:
    return describe_registered_model(
        name, "champion", [*topics], {"definitions": topics}, facts=facts, example="They met."
    )


def test_what_others_wrote_does_not_act_in_a_description():
    text = describe("it's `a`\n```\n# b", {ODD: f"It means {ODD}"}, {"Data": ODD})
    assert [line for line in text.splitlines() if line.startswith(("#", "`"))] == []
    escaped = r"law & \<b\>order\</b\> \| \*x\* \# Head"
    assert f"* **{escaped}**: It means {escaped}" in text
    assert f"* Data: {escaped}" in text
    assert r"""    model = slugline.load_model("models:/it's `a`\n```\n# b@champion")""" in text


@pytest.mark.parametrize("info", [{}, {"definitions": 1, "labels": [], "trained": {}}])
def test_what_is_not_understood_of_a_model_is_left_out(info):
    text = describe_registered_model("m", "champion", ["truce"], info, facts={"Data": ""}, example="They met.")
    assert "* **truce**: not defined" in text
    assert re.findall(r"^\* (\w+):", text, re.MULTILINE) == []


def test_many_topics_are_cut_where_the_registry_has_no_more_room():
    text = describe("m", {f"topic {n}": "long " * 20 for n in range(90)}, {})
    assert LONGEST - 200 < len(text) <= LONGEST
    assert re.search(r"\n\nAnd \d+ more topics: see the model card\.$", text)
    assert OURS in text


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A store with two versions of a model; the first is in use."""
    place = tmp_path_factory.mktemp("registered")
    write_rows(place / "news.jsonl", toy_rows(240))
    quick = ("folds=2", "evaluation.cross_validation=false")
    return train_toys(place, quick, (*quick, "model.C=1"))


def described(folder) -> str:
    """Return the description of the registered model."""
    return MlflowClient(store_of(folder)).get_registered_model("slugline").description


@pytest.mark.slow
def test_the_lines_of_the_description_label_a_sentence_when_they_are_pasted(folder):
    text = described(folder)
    assert "* In use: version 1 (champion)" in text
    blocks = re.findall(r"(?:^    .*\n|^\n(?=    ))+", text, re.MULTILINE)
    shell, python = ("".join(line[4:] or "\n" for line in block.splitlines(True)) for block in blocks)
    run = {"cwd": folder, "capture_output": True, "text": True, "check": True}
    program = f'slugline() {{ {sys.executable} -m slugline "$@"; }}\nexport MLFLOW_TRACKING_URI={store_of(folder)}\n'
    told = subprocess.run(["sh", "-c", program + shell], **run).stdout
    assert json.loads(told.splitlines()[-1])["topics"] == ["truce"]
    code = f"import os; os.environ['MLFLOW_TRACKING_URI'] = '{store_of(folder)}'\n{python}"
    assert subprocess.run([sys.executable, "-c", code], **run).stdout == "[('truce',)]\n"


@pytest.mark.slow
def test_a_version_and_its_logged_model_show_card_scores_and_data(folder):
    client = MlflowClient(store_of(folder))
    version = client.get_model_version("slugline", "2")
    run = client.get_run(version.run_id)
    assert version.description.startswith("# ")
    assert "## How good it is" in version.description
    macro, interval = run.data.metrics["test/f1_macro"], run.data.tags["95 percent interval"]
    data = {item.dataset.name: item.dataset.digest for item in run.inputs.dataset_inputs}
    assert version.tags["macro_f1"] == f"{macro:.3f} ({interval}, test)"
    assert re.fullmatch(rf"sentences-test \(\d+ sentences, digest {data['sentences-test']}\)", version.tags["data"])
    model = client.get_logged_model(run.data.tags["model_uri"].removeprefix("models:/"))
    assert model.tags["mlflow.note.content"].startswith(version.description[:200])
    linked = {metric.key: metric for metric in model.metrics}
    assert linked["test/f1_macro"].value == macro
    assert (linked["test/f1_macro"].dataset_name, linked["test/f1_macro"].dataset_digest) == (
        "sentences-test",
        data["sentences-test"],
    )
    assert "time/total" not in linked


@pytest.fixture
def restored(folder):
    """That folder; the alias and the description are put back afterwards, since other tests read them."""
    client, before = MlflowClient(store_of(folder)), described(folder)
    yield folder
    client.set_registered_model_alias("slugline", "champion", "1")
    client.update_registered_model("slugline", before)


@pytest.mark.slow
def test_the_description_follows_the_champion_and_one_of_the_users_own_stays(restored, command):
    folder = restored
    client = MlflowClient(store_of(folder))
    wide = ("gate.max_macro_drop=1", "gate.max_calibration_error=1", "gate.min_topic_f1=0", "gate.max_milliseconds=1e3")
    done = command(folder, "promote", *DATA, *wide)
    assert done.returncode == 0, done.stderr
    assert "* In use: version 2 (champion)" in described(folder)
    assert client.get_model_version("slugline", "2").tags.keys() == {"macro_f1", "data", "promotion"}
    assert command(folder, "promote", "rollback=true").returncode == 0
    assert "* In use: version 1 (champion)" in described(folder)
    client.update_registered_model("slugline", "Ours, for the desk.")
    assert command(folder, "promote", *DATA, *wide).returncode == 0
    assert described(folder) == "Ours, for the desk."
