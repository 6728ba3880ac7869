"""The guide works as it stands: its files, its commands and what it says they print."""

import json
import re
import runpy
import shlex
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pandas as pd
import pytest

from slugline.files import shipped_folder

FOLDER = Path(__file__).parents[1] / "pipeline" / "guide"
GUIDE = FOLDER / "components.md"
ROAD = ("first-steps", "gold", "comparing", "production")  # pages that one project goes through, in this order
FILE = re.compile(r"^`([\w/.]+)`[^\n]*:\n\n```(?:python|yaml)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUTPUT = re.compile(r"^```(sh|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Step(NamedTuple):
    """Commands, and the lines that the guide says they print."""

    commands: list[str]
    lines: list[str]

    @property
    def exit_code(self) -> int:
        """The exit code of each command: 1 where all that they print are errors."""
        return int(bool(self.lines) and all(line.startswith("slugline: ") for line in self.lines))


def read_steps(page: Path = GUIDE) -> list[Step]:
    """Return the commands of a page, each block with the lines of the text block that follows it."""
    steps = []
    for kind, content in OUTPUT.findall(page.read_text(encoding="utf-8")):
        if kind == "sh":
            steps.append(Step(content.splitlines(), []))
        elif steps:
            steps[-1].lines.extend(content.splitlines())
    return steps


def write_files(folder: Path, page: Path = GUIDE) -> None:
    """Write the files of a page; blocks of one file follow each other."""
    for name, content in FILE.findall(page.read_text(encoding="utf-8")):
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8") as stream:
            stream.write(content)


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The folder that the reader of the guide works in."""
    folder = tmp_path_factory.mktemp("guide") / "mine"
    write_files(folder)
    return folder


@pytest.fixture
def run(mine, command, monkeypatch, capfd):
    """Run a command of the guide in the folder, in this process; return its exit code and all that it prints."""

    def run_line(line: str) -> tuple[int, str]:
        program, *arguments = shlex.split(line)
        if program == "slugline":
            result = command(mine, *arguments)
            return result.returncode, result.stdout + result.stderr
        assert program == "python"
        monkeypatch.chdir(mine)
        monkeypatch.syspath_prepend(str(mine))
        runpy.run_path(arguments[0], run_name="__main__")
        sys.modules.pop("components", None)
        return 0, capfd.readouterr().out

    return run_line


def comparable(line: str) -> str:
    """Return a line without what differs between machines: digits, and how wide columns are."""
    return re.sub(r"\d+", "0", " ".join(line.split()))


def prints(line: str, output: str) -> bool:
    """Return whether a line of the guide is among the lines printed; `...` stands for anything."""
    pattern = re.escape(comparable(line)).replace(r"\.\.\.", ".*")
    return any(re.fullmatch(pattern, comparable(printed)) for printed in output.splitlines())


STEPS = read_steps()


@pytest.mark.slow
def test_its_commands_print_what_it_says_in_the_order_of_the_guide(run):
    for step in STEPS:  # one test: each goes on from what those before left
        output = ""
        for line in step.commands:
            exit_code, printed = run(line)
            assert exit_code == step.exit_code, printed
            output += printed
        missing = [line for line in step.lines if not prints(line, output)]
        assert not missing, output


def test_every_file_in_it_has_a_name():
    text = GUIDE.read_text(encoding="utf-8")
    assert len(FILE.findall(text)) == len(re.findall(r"^```(?:python|yaml)\n", text, re.MULTILINE))


def test_it_has_a_component_of_each_kind_and_names_each_file_that_it_makes(mine):
    text = GUIDE.read_text(encoding="utf-8")
    made = {file.relative_to(mine).as_posix() for file in (mine / "conf").rglob("*.yaml")}
    assert {name.split("/")[1] for name in made} == {"data", "labels", "split", "model", "experiment"}
    overview = text.split("```text\n")[1].split("```")[0]
    assert sorted(re.findall(r"\w+/\w+\.yaml", overview)) == sorted(name.removeprefix("conf/") for name in made)


# ---- the road of a project: the other pages, one after the other

TOPICS = {
    "ceasefire": "truce",
    "sanctions": "penalties",
    "protest": "street_protest",
}  # of the sample, as the guide calls them


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    """A folder with 120 articles of the sample as text files, as a reader of the guide has their own."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "my-articles").mkdir()
    for article in read_sample("articles.jsonl")[:120]:
        (folder / "my-articles" / f"{article['article_id']}.txt").write_text(article["text"], encoding="utf-8")
    return folder


def read_sample(name):
    """Return the rows of a file of the sample."""
    text = (shipped_folder("data/sample") / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.split("\n") if line]


def fill_in(sheet: Path) -> None:
    """Label the sentences of a sheet by the gold labels of the sample, as a person would."""
    labels = {
        row["text"]: [TOPICS[topic] for topic in row["labels"] if topic in TOPICS]
        for row in read_sample("labels.jsonl")
    }
    rows = pd.read_csv(sheet, dtype=str, keep_default_na=False)
    for place, text in enumerate(rows["text"]):
        rows.loc[place, "status"] = "done"
        for topic in labels.get(text, []):
            rows.loc[place, topic] = "1"
    rows.to_csv(sheet, index=False)


@pytest.mark.slow
def test_a_project_goes_the_whole_road_of_the_guide(desk, command):
    project, printed = desk / "border", ""
    for page in ROAD:
        for line in [line for step in read_steps(FOLDER / f"{page}.md") for line in step.commands]:
            wanted, _, otherwise = line.partition(" || ")
            run_id = re.findall(r"^run     (\w{32}) ", printed, re.MULTILINE)
            program, *arguments = shlex.split(wanted.replace("=RUN", f"={run_id[-1] if run_id else ''}"))
            if program != "slugline":
                assert program in ("cd", "cp"), line
                continue
            quick = ("plots=false", "folds=2") if arguments[0] == "train" else ()
            done = command(desk if arguments[0] == "new" else project, *arguments, *quick)
            assert done.returncode == 0 or (otherwise and done.returncode in (1, 3)), (line, done.stdout, done.stderr)
            printed += done.stdout if arguments[0] == "train" else ""
            if arguments[0] == "new":
                for file in (desk / "my-articles").iterdir():
                    shutil.copy(file, project / "articles")
                (project / "conf/labels/topics.yaml").unlink()  # the page has another in its place
                write_files(project, FOLDER / f"{page}.md")
            elif "tasks=tasks.csv" in arguments:
                fill_in(project / "tasks.csv")
    assert {"topics.csv", "queue.csv", "labels.jsonl", "topics.parquet", "model.joblib"} <= {
        file.name for file in project.iterdir()
    }


def test_the_guide_lists_its_pages_and_prints_each(command, tmp_path):
    listed = re.findall(r"slugline guide (\S+)", command(tmp_path, "guide").stdout)
    assert sorted(f"{page}.md" for page in listed) == sorted(file.name for file in FOLDER.glob("*.md"))
    for page in listed:
        assert command(tmp_path, "guide", page).stdout.strip() == (FOLDER / f"{page}.md").read_text().strip()
    wrong = command(tmp_path, "guide", "frist-steps")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)
    assert "no page 'frist-steps' in the guide; allowed: first-steps" in wrong.stderr
