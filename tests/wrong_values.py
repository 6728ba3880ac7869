"""The walk over the keys of commands with values of a wrong kind, for two modules, so that two workers share it."""

from functools import cache

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from slugline.config.launch import register
from slugline.files import shipped_folder

VALUES = ("null", "x", "[]")
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
    """Return the dotted key of every setting of a command, and of those of its components that no other has before."""
    others = ("train", "predict")[: {"train": 0, "monitor": 2}.get(command, 1)]
    known = {key for other in others for key in all_keys(other) if "." in key}
    return [key for key in all_keys(command) if key not in known]


@cache
def all_keys(command):
    """Return the dotted key of every setting of a command, with those of its components."""
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


def walk_values(folder, command, name, value):
    """Give settings of a command this value, one after another: each is told in a line, or does no harm.

    They are those to which this value falls, as each of `VALUES` in turn: walks with all of them reach every setting.
    """
    keys = [key for key in find_keys(name) if not key.startswith("data.path")]
    for key in keys[VALUES.index(value) :: len(VALUES)]:
        others = [option for option in COMMANDS[name] if not option.startswith(f"{key}=") and key != "data"]
        done = command(folder, name, *others, f"{key}={value}")
        assert done.returncode in (0, 1), f"{key}={value}"
        assert done.stderr.count("\n") <= 1, done.stderr
