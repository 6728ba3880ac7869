"""Tab completion, asked for as bash and zsh ask."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from slugline.cli import COMMANDS, PLAIN_COMMANDS
from slugline.config.completion import complete_line, install_completion, show_completion
from slugline.errors import InputError

NAMES = [*PLAIN_COMMANDS, *COMMANDS]
CASES = [
    ("slugline tr", ["train"]),
    ("slugline train mo", ["model="]),
    ("slugline train model=li", ["model=linear_svc"]),
    ("slugline train -m model=ridge,li", ["model=ridge,linear_svc"]),
    ("slugline train data.pa", ["data.path="]),
    ("slugline train data.path=art", ["data.path=articles/"]),
    ("slugline train data.columns.te", ["data.columns.text="]),
    ("slugline train eval", ["evaluation="]),
    ("slugline train evaluation.rep", ["evaluation.repeats="]),
    ("slugline train plots=", ["plots=false", "plots=true"]),
    ("slugline train --mul", ["--multirun"]),
    ("slugline train -v", ["-v"]),
    ("slugline predict -v", []),
    ("slugline predict inp", ["input="]),
    ("slugline predict input=articles/o", ["input=articles/one.txt"]),
    ("slugline predict input=nothing", []),
    ("slugline unknown xyz", []),
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "one.txt").write_text("It rained.")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("ZDOTDIR", raising=False)
    return tmp_path


@pytest.mark.parametrize(("line", "expected"), CASES)
def test_a_line_is_completed(folder: Path, line: str, expected: list[str]) -> None:
    assert complete_line(line, NAMES) == expected


def test_options_of_the_project_are_completed(folder: Path) -> None:
    (folder / "conf" / "labels").mkdir(parents=True)
    (folder / "conf" / "project.yaml").write_text("name: floods\n")
    (folder / "conf" / "labels" / "topics.yaml").write_text("defaults: [rules]\ntopics: {flood: [flood]}\n")
    assert complete_line("slugline train labels=top", NAMES) == ["labels=topics"]


def test_every_command_completes_its_keys(folder: Path) -> None:
    assert all(complete_line(f"slugline {command} ", NAMES) for command in COMMANDS)


def test_completion_imports_nothing_heavy(folder: Path) -> None:
    code = """
import sys
from slugline.cli import execute
execute(["--complete", "slugline train data.pa"])
execute(["--complete", "slugline predict inp"])
print(sorted({"sklearn", "pandas", "mlflow", "hydra"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["data.path=", "input=", "[]"]


def ask_bash(folder: Path, line: str, word_breaks: str) -> str:
    """Return what bash makes of a line after a tab, as its completion function answers it."""
    (folder / "bin").mkdir(exist_ok=True)
    program = folder / "bin" / "slugline"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m slugline "$@"\n')
    program.chmod(0o755)
    script = f"""
source "$HOME/.bashrc"
complete -p slugline >/dev/null || exit 1
COMP_WORDBREAKS={word_breaks} COMP_LINE='{line}' COMP_POINT={len(line)}
_slugline_completion
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    environment = os.environ | {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder)}
    done = subprocess.run(
        ["bash", "--norc", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_bash_completes_whatever_breaks_its_words(folder: Path) -> None:
    install_completion("bash")
    usual, without = "$' \\t\\n\"\\'><=;|&(:'", "$' \\t\\n'"
    assert ask_bash(folder, "slugline tr", usual) == "train"
    assert ask_bash(folder, "slugline train model=li", usual) == "linear_svc"
    assert ask_bash(folder, "slugline train data.path=art", usual) == "articles/"
    assert ask_bash(folder, "slugline train data.path=art", without) == "data.path=articles/"


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_reads_the_script(folder: Path) -> None:
    install_completion("zsh")
    done = subprocess.run(
        ["zsh", "-f", "-c", "source ~/.zshrc; echo $_comps[slugline]"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "_slugline_completion"


@pytest.mark.parametrize(("shell", "start"), [("bash", ".bashrc"), ("zsh", ".zshrc")])
def test_installing_twice_changes_the_start_file_once(folder: Path, command: Any, shell: str, start: str) -> None:
    (folder / start).write_text("alias ll=ls")
    first = command(folder, "--install-completion", shell)
    assert (first.returncode, first.stdout.startswith("wrote ")) == (0, True)
    assert start in first.stdout
    content = (folder / start).read_text()
    assert content.splitlines()[0] == "alias ll=ls"
    again = command(folder, "--install-completion", SHELL=f"/bin/{shell}")
    assert "already" in again.stdout
    assert (folder / start).read_text() == content
    assert command(folder, "--show-completion", shell).stdout == show_completion(shell)


def test_an_unknown_shell_is_told(folder: Path, command: Any) -> None:
    with pytest.raises(InputError, match=r"^completion: found shell 'fish'; allowed: bash, zsh$"):
        show_completion("fish")
    done = command(folder, "--install-completion", "fish")
    assert (done.returncode, done.stderr) == (1, "slugline: completion: found shell 'fish'; allowed: bash, zsh\n")
