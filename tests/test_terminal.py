"""What is printed: text of others steers no terminal, and lines to be pasted run nothing but what they say."""

import io
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from slugline.config.launch import compose_settings
from slugline.data import ArticleCorpus
from slugline.report.next_steps import (
    describe_comparison,
    describe_prediction,
    describe_promotion,
    name_file,
    repeat_split,
)
from slugline.terminal import _GuardedStream, neutralise, neutralise_json

HOSTILE = ["a b", "it's", "$(touch pwned)", "`touch pwned`", "${oc.env:HOME}", "\\${oc.env:HOME}", "a\nb", 'say "no"', "a,b", "[x]",
           "{x}", "\\", "a\\'", "über", "x; rm -rf y", "-x", "a=b", "#x", "*", "~", "a'\\\\${x}'"]  # fmt: skip


def read_option(option: str) -> tuple[str, object]:
    """Return the key and the value of an override as a command understands it."""
    override = OverridesParser.create().parse_override(option)
    config = OmegaConf.create({"value": override.value()})
    return override.key_or_group, OmegaConf.to_container(config, resolve=True)["value"]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_in_a_next_line_is_only_a_name(name, tmp_path):
    lines = [describe_comparison(name, f"sqlite:///{name}"), describe_prediction(None, f"models:/{name}/1", name)]
    for line in [*lines, *filter(None, [describe_promotion(f"models:/{name}/1", None)])]:
        command = line.removeprefix("next").strip().rpartition(" | ")[2].replace("slugline", "printf '%s\\0'", 1)
        words = subprocess.run(["/bin/sh", "-c", command], cwd=tmp_path, capture_output=True, check=True).stdout
        values = dict(map(read_option, words.decode().split("\0")[1:-1]))
        assert any(name in str(value) for value in values.values()), (line, values)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", HOSTILE)
def test_a_split_is_repeated_whatever_its_column_is_called(name):
    params = {"choice/split": "column", "split.column": name, "split.duplicates": "near"}
    option, column = repeat_split("0" * 32, params)
    assert option == "split=column"
    assert read_option(column) == ("split.column", name)


def test_the_next_line_reads_articles_as_they_were_read():
    data = ArticleCorpus(
        "a.csv",
        columns={"text": "2", "title": ""},
        header=False,
        separator=";",
        language="no",
        max_row_mb=64,
        cleaning={"html_tags": True, "bylines": False, "links": True, "boilerplate": True},
    )
    line = describe_prediction(data, "models:/m@champion", None).removeprefix("next").split("predict ")[1]
    settings = compose_settings("predict", shlex.split(line))
    assert settings.reading == data.reading
    assert (str(settings.columns["text"]), settings.columns["title"], settings.language) == ("2", "title", "no")
    assert (settings.cleaning["html_tags"], settings.cleaning["bylines"], settings.cleaning["links"]) == (
        True,
        False,
        True,
    )


@given(st.text(alphabet="a'\"\\${}:.,[] \t\n=é", min_size=1))
def test_every_name_comes_back_as_it_was(name):
    if not name.strip():
        return
    assert read_option(name_file("key", name)) == ("key", name)
    (word,) = shlex.split(shlex.quote(name_file("key", [name, name])))
    assert read_option(word) == ("key", [name, name])


@pytest.mark.parametrize("number", [*range(9), *range(11, 32), *range(127, 160)])
def test_control_characters_are_written_out(number):
    assert neutralise(f"a{chr(number)}[2J") == f"a\\x{number:02x}[2J"
    stream = io.StringIO()
    print(f"a{chr(number)}", "b", file=_GuardedStream(stream))
    assert stream.getvalue() == f"a\\x{number:02x} b\n"


def test_other_characters_stay_and_so_does_the_stream():
    assert neutralise("Über\tالعربية\n中文 ’ \u202b") == "Über\tالعربية\n中文 ’ \u202b"
    assert neutralise_json('{"a": "é\x9b\x7f"}'.encode()) == '{"a": "é\\u009b\\u007f"}'.encode()
    stream = _GuardedStream(io.TextIOWrapper(io.BytesIO(), encoding="utf-8"))
    stream.writelines(["\x1b", "b"])
    assert (stream.encoding, stream.isatty()) == ("utf-8", False)
    stream.flush()
    assert stream.buffer.getvalue() == b"\\x1bb"


@pytest.mark.parametrize(
    "arguments",
    [
        ["guide", "\x1b[2J"],
        ["no\x1b[2J"],
        ["train", "data=\x1b]0;x\x07"],
        ["train", "data=articles", "data.path=no\x1b[2J"],
        ["label", "name=\x1b[2J", "seed=\x9b2J"],
        ["predict", "model_uri=no\x1b[2J", "input=x\x9b2J"],
    ],
)
@pytest.mark.slow
def test_no_command_prints_what_steers_a_terminal(arguments, tmp_path):
    run = subprocess.run([sys.executable, "-m", "slugline", *arguments], cwd=tmp_path, capture_output=True, text=True)
    assert run.returncode
    assert neutralise(run.stdout + run.stderr) == run.stdout + run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.slow
def test_rejected_reasons_and_names_of_files_steer_no_terminal(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "The truce held."}\n{"text": "x", "\x1b[2J": ]\n{"text": 3}\n')
    (tmp_path / "a.jsonl").rename(tmp_path / "a\x1b[2J.jsonl")
    model = Path(__file__).parent / "models/v1/model"
    command = [sys.executable, "-m", "slugline", "predict", f"model_uri={model}", "input=[.]", "n_jobs=1"]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "read 3 = 1 labelled + 2 rejected" in run.stderr
    assert "\\x1b[2J" in run.stderr
    assert neutralise(run.stderr) == run.stderr
