"""The guide to components of one's own works as it stands: its files, its commands and what it says they print."""

import re
import runpy
import shlex
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

GUIDE = Path(__file__).parents[1] / "pipeline" / "guide" / "components.md"
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


def read_steps() -> list[Step]:
    """Return the guide's commands, each block with the lines of the text block that follows it."""
    steps = []
    for kind, content in OUTPUT.findall(GUIDE.read_text(encoding="utf-8")):
        if kind == "sh":
            steps.append(Step(content.splitlines(), []))
        elif steps:
            steps[-1].lines.extend(content.splitlines())
    return steps


def write_files(folder: Path) -> None:
    """Write the guide's files; blocks of one file follow each other."""
    for name, content in FILE.findall(GUIDE.read_text(encoding="utf-8")):
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


@pytest.mark.parametrize("step", STEPS, ids=[str(number) for number in range(len(STEPS))])
def test_its_commands_print_what_it_says_in_the_order_of_the_guide(run, step):
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
