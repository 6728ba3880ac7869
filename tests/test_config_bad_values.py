"""Values of a wrong kind for every key of the commands: one line, never a traceback."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from slugline.config.launch import register
from slugline.files import shipped_folder

# With these, a command ends before it reads any data: what is told of a value must come before that. Labels without a
# taxonomy have the same keys, and take Hydra a fifth of the time
COMMANDS = {
    "train": ["data.path=missing", "labels=given"],
    "label": ["data.path=missing", "labels=given"],
    "review": ["data.path=missing", "output=tasks.csv", "model_uri=missing"],
    "predict": ["input=missing", "model_uri=missing"],
    "export": ["output=model.joblib", "model_uri=missing"],
    "compare": ["runs=[a,b]"],
    "promote": ["data.path=missing"],
    "reproduce": ["run_id=a"],
    "monitor": ["input=missing", "model_uri=missing"],
}
NOT_WALKED = ("topics", "functions")


def find_keys(command):
    """Yield the dotted key of every setting of a command, with those of its components."""
    register(command)
    with initialize_config_dir(str(shipped_folder("conf")), version_base="1.3"):
        config = compose(command)

    def walk(node, prefix):
        for name in node:
            yield f"{prefix}{name}"
            inner = None if OmegaConf.is_missing(node, name) else node[name]
            if OmegaConf.is_dict(inner) and name not in NOT_WALKED:
                yield from walk(inner, f"{prefix}{name}.")

    return list(walk(config, ""))


@pytest.mark.slow
@pytest.mark.parametrize("value", ["null", "x", "-1", "[]", "{}", "1.5"])
@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_value_of_a_wrong_kind_is_one_line(tmp_path, command, name, value):
    for key in find_keys(name):
        if key.startswith("data.path"):
            continue
        others = [option for option in COMMANDS[name] if not option.startswith(f"{key}=") and key != "data"]
        done = command(tmp_path, name, *others, f"{key}={value}")
        assert done.returncode in (0, 1), f"{key}={value}"
        assert done.stderr.count("\n") <= 1, done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "data=null"], "data: found 'null'; allowed: one of the options articles, sample, sentences"),
        (["train", "experiment=null"], "experiment: found 'null'; allowed: one of the options"),
        (["train", "features.word=null"], "features.word: found null; allowed: a class in features.word._target_"),
        (["train", "features.word=x"], "features.word: found 'x'"),
        (["train", "+modle=x"], "unknown key 'modle'; allowed: model"),
        (["train", "evaluation=x"], "evaluation: found one value; it has keys of its own"),
        (["train", "tracking.registered_model=a/b"], "'a/b'; allowed: a name without / and :"),
        (["compare", "runs=x"], "runs: found a str; allowed: a list [A,B]"),
        (["compare", "runs=[a,b]", "force=null"], "force: found null; allowed: a value"),
        (["predict", "columns=null"], "columns: found None; allowed: a mapping"),
        (["predict", "model_uri="], "no model at ''; allowed: a model folder"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(tmp_path, command, arguments, message):
    done = command(tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
