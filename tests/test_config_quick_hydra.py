"""Hydra is made quicker, and does what it did."""

from pathlib import Path

import pytest
from hydra._internal.core_plugins.file_config_source import FileConfigSource as Original
from hydra._internal.hydra import Hydra
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from slugline.config.quick_hydra import FileConfigSource, composing_once

CONF = Path(__file__).parents[1] / "conf"
TEXTS = [
    "",
    "# @package _global_\nhydra: {mode: MULTIRUN}\n",
    "a: 1e3\nb: 2024-05-01\nc: 1_000\nd: off\ne: ~\nf: 0o17\ng: 12:30\nh: .5\n",
    "text: >-\n  one\n  two: ${seed}\nlist: ['x', \"\\u00e4\", ???, é停火]\n? complex\n: 1\n",
    "base: &b {x: 1}\nmore:\n  <<: *b\n  y: 2\n",
    "a: 1\na: 2\n",
    "a: [1, 2\n",
    "a: b: c\n",
    "\ta: 1\n",
    "a: !!python/object/apply:os.system [true]\n",
    "- a\n- b: 1\n",
    "only text\n",
    "5\n",
]


def load(source_class, folder, name):
    """Return what a source makes of a file, or what it says is wrong."""
    try:
        found = source_class("test", str(folder)).load_config(name)
    except (YAMLError, OmegaConfBaseException, OSError) as error:
        return type(error), str(error)
    return OmegaConf.to_container(found.config), type(found.config), found.header, found.path, found.provider


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_a_file_is_read_as_hydra_reads_it_faults_too(tmp_path, text):
    (tmp_path / "mine.yaml").write_text(text, encoding="utf-8")
    assert load(FileConfigSource, tmp_path, "mine") == load(Original, tmp_path, "mine")


@pytest.mark.parametrize("name", [str(file.relative_to(CONF)) for file in sorted(CONF.rglob("*.yaml"))])
def test_every_file_of_ours_is_read_as_hydra_reads_it(name):
    assert load(FileConfigSource, CONF, name) == load(Original, CONF, name)


def test_a_file_that_is_not_there_is_told_as_hydra_tells_it(tmp_path):
    messages = []
    for source_class in (FileConfigSource, Original):
        with pytest.raises(Exception, match="Config not found") as error:
            source_class("test", str(tmp_path)).load_config("nowhere")
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_no_file_of_ours_sets_the_mode_of_hydra():
    assert [file for file in CONF.rglob("*.yaml") if "MULTIRUN" in file.read_text(encoding="utf-8")] == []


@pytest.mark.parametrize(
    ("arguments", "once"),
    [
        (["seed=1"], True),
        (["-m", "model.C=1,2"], True),
        (["hydra.mode=MULTIRUN"], False),
        (["+hydra={mode: MULTIRUN}"], False),
        (["hydra.searchpath=[file:///mine]"], False),
        (["-cp", "/mine"], False),
    ],
    ids=str,
)
def test_the_first_composition_is_spared_unless_the_command_line_may_set_a_mode(tmp_path, monkeypatch, arguments, once):
    monkeypatch.chdir(tmp_path)
    before = Hydra.get_mode
    with composing_once(arguments):
        assert (Hydra.get_mode is not before) is once
    assert Hydra.get_mode is before


@pytest.mark.parametrize("folder", ["mine", "conf"])
@pytest.mark.parametrize(
    ("name", "text", "once"),
    [
        ("experiment/seeds.yaml", "# @package _global_\nhydra:\n  mode: MULTIRUN\n", False),
        ("hydra/mine.yaml", "mode: MULTIRUN\n", False),
        ("labels/topics.yaml", "defaults: [rules]\nmode: multilabel\n", True),
    ],
)
def test_the_first_composition_is_spared_unless_a_file_of_the_users_may_set_a_mode(
    tmp_path, monkeypatch, folder, name, text, once
):
    monkeypatch.chdir(tmp_path)
    file = tmp_path / folder / name
    file.parent.mkdir(parents=True)
    file.write_text(text)
    if folder == "conf":  # that of a project, which is found without an option
        (tmp_path / "conf" / "project.yaml").write_text("name: mine\n")
    before = Hydra.get_mode
    with composing_once(["--config-dir=mine"] if folder == "mine" else []):
        assert (Hydra.get_mode is not before) is once
