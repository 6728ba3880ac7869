"""What the README tells a newcomer to type works as it stands."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import run_slugline

from slugline.cli import COMMANDS, PLAIN_COMMANDS

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
PROJECT = re.search(r"```sh\n(slugline new .*?)```", README, re.DOTALL)[1]  # its commands run in tests/test_project.py
LINES = [
    line.split(" #")[0].strip() for line in SHELL.replace(PROJECT, "").splitlines() if line.startswith("slugline ")
]


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory):
    """A folder with part of the sample as a user's own articles and labels, in which a model was trained."""
    folder = tmp_path_factory.mktemp("newcomer")
    articles, labels = read_sample("articles.jsonl")[::3], read_sample("labels.jsonl")
    ids = {article["article_id"] for article in articles}
    labels = [row for row in labels if row["article_id"] in ids]
    (folder / "FOLDER").mkdir()
    for article in articles:
        (folder / "FOLDER" / f"{article['article_id']}.txt").write_text(article["text"], encoding="utf-8")
    rows = [{"article_id": f"{row['article_id']}.txt", "text": row["text"], "labels": row["labels"]} for row in labels]
    for name, content in (("FILE", rows), ("few", articles), ("few_labels", labels)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    (folder / "data").symlink_to(ROOT / "data")
    (folder / "conf").symlink_to(ROOT / "conf")
    done = run(folder, "slugline train plots=false features=word folds=2")
    assert done.returncode == 0, done.stderr
    return folder


def read_sample(name):
    """Return the rows of a file of the sample."""
    return [json.loads(line) for line in (ROOT / "data/sample" / name).read_text("utf-8").splitlines()]


def run(folder, line):
    """Run a line of the README in a folder, on the store that it uses by itself."""
    words = line.replace("labels.gold=FILE", "labels.gold=FILE.jsonl").split()
    return run_slugline(folder, *words[1:], MLFLOW_TRACKING_URI="")


def test_two_commands_do_all_the_set_up():
    assert re.search(r"^pip install -e \. && slugline train\b", SHELL, re.MULTILINE)
    assert re.search(r"^pip install -e \"\.\[dev\]\" && pytest\b", SHELL, re.MULTILINE)


def test_the_table_names_the_commands_that_there_are():
    assert re.findall(r"^\| `slugline (\w+)`", README, re.MULTILINE) == [*PLAIN_COMMANDS, *COMMANDS]


@pytest.mark.slow
def test_its_python_runs_and_says_what_the_comments_say(newcomer):
    code = re.search(r"```python\n(.*?)```", README, re.DOTALL)[1]
    code += '\nassert "ceasefire" in model.predict(["The two armies agreed to a truce."])[0]\n'
    done = subprocess.run([sys.executable, "-c", code], cwd=newcomer, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("slugline predict")])
def test_its_predictions_run(newcomer, line):
    done = run(newcomer, line)
    assert done.returncode == 0, done.stderr
    assert (newcomer / "topics.jsonl").stat().st_size > 0


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if line.startswith("slugline train")])
def test_its_training_commands_run(newcomer, line):
    few = "plots=false folds=2 features=word data.path=few.jsonl labels.gold=few_labels.jsonl"
    done = run(newcomer, f"{line} {few}" if " -m " in line else line)  # six jobs: two minutes less
    assert done.returncode == 0, done.stderr
    assert "model   models:/" in done.stdout


def test_every_line_of_its_shell_is_tested():
    tested = ("slugline predict", "slugline train", "slugline ui")  # the UI in test_ui
    assert [line for line in LINES if not line.startswith(tested)] == []


def test_the_commands_for_own_articles_are_those_of_the_readme_of_a_project():
    template = (ROOT / "pipeline/slugline/project_template/README.md").read_text(encoding="utf-8")
    lines = [line.split(" #")[0].strip() for line in PROJECT.splitlines()]
    assert [line for line in lines[2:] if line not in template] == []
