"""The real command: help, and one line for whatever a user gets wrong, with nothing left behind."""

import json
import random
import re
import socket
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from slugline import __version__
from slugline.cli import COMMANDS

ACTS = {
    "war": ["Tanks shelled the town of", "Bombs hit the bridge at"],
    "peace": ["Envoys signed a truce in", "Talks led to a pact at"],
    None: ["Rain fell all day on", "The market closed early in"],
}


def news(articles: int, **changes: object) -> list[dict[str, object]]:
    """Return labelled sentences of articles, some without topic, with changes to every one."""
    draw = random.Random(articles)
    rows = []
    for article in range(articles):
        for day in range(6):
            topic = draw.choice(list(ACTS))
            text = f"{draw.choice(ACTS[topic])} place {draw.randrange(50)} on day {day}."
            rows.append({"article_id": f"a{article}", "text": text, "labels": [topic] if topic else []} | changes)
    return rows


def fill(folder: Path) -> None:
    """Write the inputs that the commands below speak of."""
    contents = {
        "good": news(12),
        "one": news(1),
        "dated": news(12, published="2016-10-06"),
        "untold": news(12, labels=[]),
        "constant": news(12, labels=["war"]),
        "unlabelled": news(12, labels=None),
        "bare": [{"text": row["text"]} for row in news(12)],
    }
    for name, rows in contents.items():
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "empty.jsonl").touch()
    (folder / "binary.jsonl").write_bytes(bytes(range(256)) * 40)
    (folder / "conf" / "model").mkdir(parents=True)
    (folder / "conf" / "model" / "broken.yaml").write_text("a: [1,\n b: 2")
    (folder / "conf" / "model" / "mine.yaml").write_text("# mine\n_target_: mine.Svc\nC: 0.5\n")
    (folder / "mine.py").write_text("from sklearn.svm import LinearSVC\n\n\nclass Svc(LinearSVC):\n    pass\n")


def on(name: str, *more: str) -> tuple[str, ...]:
    """Return the arguments that train on one of these inputs."""
    return ("train", "data=sentences", "labels=given", f"data.path={name}.jsonl", *more)


# arguments: what their one line of error begins with, and what else it says
CONFIG = {
    ("bogus",): ("unknown command 'bogus'; allowed: train, predict",),
    ("train", "modle=sgd"): ("unknown key 'modle'; allowed: ", "model"),
    ("train", "model.c=1"): ("unknown key 'model.c'; allowed: C, _target_, class_weight, dual, random_state, tol",),
    ("train", "data=articles"): ("missing value: data.path; give it as data.path=VALUE",),
    ("train", "model=svc"): (
        "In 'train': Could not find 'model/svc' Available options in 'model': complement_nb linear_svc",
    ),
    ("train", "model=sgd,ridge"): ("Ambiguous value for argument 'model=sgd,ridge'", "--multirun"),
    ("train", "--modle"): ("unrecognized arguments: --modle",),
    ("predict", "--input", "good.jsonl"): (
        "found '--input'; options are given as KEY=VALUE: slugline predict input=good.jsonl",
    ),
    ("predict", "--split-sentences=false"): (
        "found '--split-sentences=false'; ",
        "slugline predict split_sentences=false",
    ),
    ("predict", "good.jsonl"): (
        "found 'good.jsonl'; options are given as KEY=VALUE: slugline predict input=good.jsonl",
    ),
    ("train", "good.jsonl", "folds=2"): ("found 'good.jsonl'; ", "slugline train data.path=good.jsonl"),
    ("train", "--config-dir=conf", "model=broken"): ("", "broken.yaml: cannot be read as YAML", "line "),
    ("train", "model._target_=os.system"): (
        "model._target_: 'os.system' is not allowed; modules allowed: slugline, sklearn",
    ),
    ("predict", "model_uri=nowhere"): ("no model at 'nowhere'; allowed: a model folder, models:/NAME@ALIAS",),
}
DATA = {
    on("missing"): ("data.path: no such file or folder: missing.jsonl",),
    on("empty"): ("no sentence could be read; empty.jsonl: empty: no row in it",),
    on("binary"): ("no sentence could be read; binary.jsonl: cannot be read as jsonl: binary, not text",),
    on("bare"): (
        "data.columns: no column has a usual name for the labels; found: text; give data.columns.labels=COLUMN",
    ),
    on("one"): ("a split by article needs at least 4 articles, found 1",),
}
MORE = {  # the long tail
    ("train", "+model.c=1"): ("model: ", "unexpected keyword argument 'c'; allowed: penalty, loss"),
    ("train", "seed=many"): ("seed: ", "'many'", "Integer"),
    ("train", "labels.mode=one"): ("labels.mode: 'one'; allowed: multilabel, multiclass",),
    ("train", "threshold=fixed", "threshold.value=7"): ("threshold.value=7.0; allowed: from 0 to 1",),
    ("train", "threshold.target_precision=0.9", "threshold.target_recall=0.9"): (
        "threshold: target_precision and target_recall are both set",
    ),
    ("train", "split.dev=0.8", "split.test=0.5"): ("split.dev=0.8 and split.test=0.5; allowed: from 0, and below 1",),
    ("train", "split.dev=much"): ("split: dev: ", "'much'", "Float"),
    ("train", "model.C=${nope}"): ("model.C: Interpolation key 'nope' not found",),
    ("train", "--config-dir=conf", "model=mine"): (
        "model._target_: 'mine.Svc' is not allowed; modules allowed: slugline, sklearn",
    ),
    ("train", "model._target_=sklearn.utils.check_array"): ("model._target_: ", "is not a class of an allowed module"),
    ("predict", "inputs=a.txt"): ("unknown key 'inputs'; allowed: ", "input"),
    on("one", "split=random", "split.dev=0"): (
        "training needs sentences of at least 2 articles to cross-validate, found 1",
    ),
    ("train", "+split.shuffle=1"): ("split: unknown key 'shuffle'; allowed: dev, test, duplicates, seed",),
    ("train", "labels.topics.tax={}", "labels=given"): (
        "unknown key 'labels.topics.tax'; allowed: ",
        "+labels.topics.tax=",
    ),
    ("train", "allowed_modules=mine"): ("allowed_modules: ", "allowed: a list"),
    ("train", "experiment=nope"): (
        "In 'train': Could not find 'experiment/nope' Available options",
        "india_police_events",
    ),
    ("train", "model=[sgd"): ("", "[sgd"),
    ("train", "model"): ("Error parsing override 'model'",),
    ("train", "--cfg"): ("argument --cfg/-c: expected one argument",),
    ("train", "--cfg", "job", "-m"): ("found --multirun, --cfg; allowed: one of them",),
    ("train", "--config-dir=nowhere"): ("Additional config directory", "nowhere"),
    ("train", "data._target_=subprocess.Popen"): ("data._target_: 'subprocess.Popen' is not allowed",),
    ("train", "threshold.part=test"): ("threshold.part=test; allowed: train",),
    ("predict", "explain=many"): ("explain: ", "'many'"),
    ("export",): ("missing value: output; give it as output=VALUE",),
    ("train", "data=articles", "data.path=binary.jsonl", "labels=plover"): (
        "no article could be read; binary.jsonl: cannot be read as jsonl: binary, not text",
    ),
    ("train", "data.path=null"): ("data.path: None; allowed: a file",),
    on("good", "data.columns.text=body"): (
        "no sentence could be read; good.jsonl:1: no column 'body' for the text; found: article_id",
    ),
    on("good", "+labels.topics={war: {}}"): ("sentence ", "label 'peace' is not a topic of the taxonomy; allowed: war"),
    on("untold"): ("no topic: none of the 72 labelled sentences names any",),
    on("constant"): ("every training sentence carries: war",),
    on("unlabelled"): ("no sentence is labelled; labels come from a file (labels.gold=FILE)",),
    on("dated", "split=time"): ("split=time: the latest moment holds 100% of the sentences",),
    on("good", "split=time"): ("split=time: article a0 has no date",),
    on("good", "split=column"): ("split.column: no column 'split' in the data; found: article_id",),
    on("good", "split.dev=0", "split.test=0", "evaluation.cross_validation=false"): (
        "no sentence in dev or test to score a model on",
    ),
    on("good", "labels.mode=multiclass"): ("sentence ", "0 labels, but labels.mode=multiclass wants exactly one"),
    on("good", "data.encoding=klingon"): ("data.encoding: there is no 'klingon'",),
}
MORE |= {(*arguments, "tracking=off"): says for arguments, says in DATA.items()}


def run_in(folder: Path, command, *arguments: str):
    """Run a command in a folder with these inputs; return what became of it, and which files are new in there.

    A training takes labels without the sample's taxonomy, which Hydra composes in a fifth of the time.
    """
    own = ("labels", "data=", "experiment=", "--cfg")
    if arguments[0] == "train" and not any(part.startswith(own) for part in arguments):
        arguments = (*arguments, "labels=given")
    fill(folder)
    before = set(folder.rglob("*"))
    result = command(folder, *arguments)
    return result, sorted(str(file.relative_to(folder)) for file in set(folder.rglob("*")) - before)


def assert_one_line(result, left, says):
    """Assert that a command ended with 1 and one line that says this, and left nothing behind but what it read."""
    begin, *others = says
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith(f"slugline: {begin}"), result.stderr
    assert all(other in result.stderr for other in others), result.stderr
    assert result.returncode == 1
    # stages that were done before the mistake showed stay in the cache
    assert [file for file in left if file != "experiments" and not file.startswith("experiments/cache")] == []


@pytest.mark.parametrize("arguments", CONFIG, ids=" ".join)
def test_a_mistake_in_the_command_or_config_is_one_line_and_leaves_nothing(command, tmp_path, arguments):
    result, left = run_in(tmp_path, command, *arguments)
    assert_one_line(result, left, CONFIG[arguments])
    # a training has begun where it takes the class of a component to see the mistake
    assert result.stdout == "" or re.fullmatch(r"start   labels=.*; files in experiments/runs/.*\n", result.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("arguments", DATA, ids=lambda arguments: " ".join(arguments[3:]))
def test_data_that_nothing_can_be_learned_from_is_one_line_and_leaves_no_run(command, tmp_path, arguments):
    assert_one_line(*run_in(tmp_path, command, *arguments), DATA[arguments])


@pytest.mark.slow
@pytest.mark.parametrize("arguments", MORE, ids=" ".join)
def test_any_other_mistake_is_one_line_and_leaves_nothing(command, tmp_path, arguments):
    assert_one_line(*run_in(tmp_path, command, *arguments), MORE[arguments])


@pytest.mark.parametrize("name", COMMANDS)
def test_help_of_a_command_shows_its_keys_and_writes_nothing(command, tmp_path, name):
    result, left = run_in(tmp_path, command, name, "--help")
    assert (result.returncode, result.stderr, left) == (0, "", [])
    assert "tracking" in result.stdout
    assert re.search(r"model +linear_svc \| complement_nb ", result.stdout) or name != "train"


def test_help_lists_every_command_and_so_does_no_argument(command, tmp_path):
    text = command(tmp_path, "--help").stdout
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert command(tmp_path).stdout == text
    assert command(tmp_path, "--version").stdout == f"slugline {__version__}\n"


def test_cfg_job_prints_the_whole_config_and_runs_nothing(command, tmp_path):
    result, left = run_in(tmp_path, command, "train", "--cfg", "job")
    assert (result.returncode, result.stderr, left) == (0, "", [])
    for key in (
        "target_precision: null",
        "registered_model: ${project:}",
        "allowed_modules: []",
        "sublinear_tf: true",
        "alias: champion",
    ):
        assert key in result.stdout


@pytest.mark.parametrize("module", ["mine.py", "conf/mine.py"])
def test_a_users_config_folder_and_module_beside_it_train_a_model_once_allowed(command, tmp_path, module):
    fill(tmp_path)
    (tmp_path / "mine.py").rename(tmp_path / module)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    options = ["model=mine", "model.C=${folds}", "tracking=off", "plots=false", "data.path=../good.jsonl"]
    arguments = ["train", "data=sentences", "labels=given", f"--config-dir={tmp_path}/conf", *options]
    result = command(elsewhere, *arguments, "allowed_modules=[mine]")
    assert (result.returncode, result.stderr) == (0, "")
    assert "f1" in result.stdout
    (header,) = elsewhere.glob("experiments/runs/*/*/model/model.json")
    assert "_target_: mine.Svc\n  C: 5\n" in (header.parents[1] / "config.yaml").read_text()
    assert "mine" not in sys.modules  # `command` saw to it


def test_a_users_module_that_is_nowhere_is_one_line_with_where_it_was_looked_for(command, tmp_path):
    fill(tmp_path)
    (tmp_path / "mine.py").unlink()
    result = command(tmp_path, *on("good", "--config-dir=conf", "model=mine", "allowed_modules=[mine]"))
    assert (result.returncode, result.stderr.count("\n")) == (1, 1)
    assert result.stderr.startswith("slugline: allowed_modules: there is no module 'mine'; looked in: ")
    assert str(tmp_path) in result.stderr


RULES = """
def says_truce(text):
    return "truce" in text
"""


def test_a_users_rules_beside_a_config_folder_label_once_allowed(command, tmp_path):
    fill(tmp_path)
    (tmp_path / "my_rules.py").write_text(RULES)
    topics = {"peace": {"keywords": ["pact"]}, "war": {"keywords": ["shelled", "bombs"]}}
    functions = {"truce": {"topic": "peace", "function": "my_rules.says_truce"}}
    labels = {"topics": topics, "functions": functions, "rules": True, "given": False}
    (tmp_path / "conf/experiment").mkdir()
    (tmp_path / "conf/experiment/own.yaml").write_text(f"# @package _global_\n{json.dumps({'labels': labels})}\n")
    options = ["--config-dir=conf", "experiment=own", "tracking=off", "plots=false", "features=word"]
    refused = command(tmp_path, *on("good", *options))
    assert refused.returncode == 1
    assert "my_rules" in refused.stderr
    assert refused.stderr.count("\n") == 1
    result = command(tmp_path, *on("good", *options, "labels.allowed_modules=[my_rules]"))
    assert (result.returncode, result.stderr) == (0, "")
    assert "all labels come from rules" in result.stdout


def test_a_model_that_the_store_has_not_is_one_line_and_nothing_is_labelled(command, tmp_path):
    (tmp_path / "a.txt").write_text("The truce held.")
    result = command(
        tmp_path, "predict", "model_uri=models:/slugline-sample@champion", "input=a.txt", "output=out.jsonl"
    )
    assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
    assert result.stderr.startswith(
        "slugline: no model at 'models:/slugline-sample@champion': there is no store sqlite:///"
    )
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


@pytest.fixture(scope="module")
def stored(command, tmp_path_factory):
    """A folder with these inputs, in which two models were trained."""
    folder = tmp_path_factory.mktemp("stored")
    fill(folder)
    for _ in range(2):
        assert command(folder, *on("good", "features=word", "plots=false")).returncode == 0
    return folder


def runs_of(folder: Path):
    """Return the runs of the experiment in a folder's store, oldest first."""
    store = MlflowClient(f"sqlite:///{folder}/store.db")
    return store.search_runs([store.get_experiment_by_name("slugline").experiment_id], order_by=["start_time"])


@pytest.mark.slow
def test_a_model_that_a_store_with_others_has_not_is_one_line_too(command, stored):
    folder, before = stored, set(stored.rglob("*"))
    for uri in ("models:/other@champion", "models:/slugline/7", "runs:/0123456789abcdef0123456789abcdef/model"):
        result = command(folder, "predict", f"model_uri={uri}", "input=good.jsonl", "output=out.jsonl")
        assert (result.returncode, result.stdout, result.stderr.count("\n")) == (1, "", 1)
        assert result.stderr.startswith(f"slugline: no model at '{uri}' in the store sqlite:///")
    assert set(folder.rglob("*")) == before


def test_a_run_that_fails_in_a_store_with_others_adds_none(command, stored):
    before = len(runs_of(stored))
    for arguments in DATA:
        assert command(stored, *arguments).returncode == 1
    assert len(runs_of(stored)) == before


GOOD = ("data=sentences", "data.path=good.jsonl", "labels=given")
TOPICS = "+labels.topics={war: {keywords: [bombs]}, peace: {}}"
# arguments, what is printed, and a file that is there afterwards
PROGRAMS = {
    "predict": (("input=good.jsonl", "output=topics.jsonl"), "sentences written", "topics.jsonl"),
    "label": ((*GOOD, TOPICS), "war", "good.jsonl"),
    "review": (("data=articles", "data.path=bare.jsonl", "labels=given", "output=queue.csv"), "", "queue.csv"),
    "export": (("output=model.joblib",), "model.joblib: 2 topics", "model.joblib"),
    "compare": (("experiment=slugline", "last=2"), "f1_macro", "store.db"),
    "promote": ((*GOOD, "version=2", "gate.max_macro_drop=1"), "champion", "store.db"),
    "reproduce": (("run_id=RUN_ID",), "metrics equal", "store.db"),
    "monitor": (("input=good.jsonl",), "sentences", "store.db"),
}


@pytest.mark.parametrize(
    "name", ["predict", *(pytest.param(name, marks=pytest.mark.slow) for name in PROGRAMS if name != "predict")]
)
def test_each_command_runs_as_a_program(process, stored, name):
    arguments, says, file = PROGRAMS[name]  # `train` is one in test_train
    run_id = runs_of(stored)[0].info.run_id
    result = process(stored, name, *(argument.replace("RUN_ID", run_id) for argument in arguments))
    assert result.returncode == 0 or (name, result.returncode) == ("monitor", 3), result.stderr
    assert "Traceback" not in result.stderr
    assert says in result.stdout + result.stderr
    assert (stored / file).stat().st_size


def test_a_port_of_the_ui_that_is_taken_is_one_line_of_the_program(process, stored):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = process(stored, "ui", f"port={port}")
    assert result.returncode == 1
    assert result.stdout == ""
    problem = "Address already in use; give another port="
    assert result.stderr == f"slugline: the MLflow UI cannot listen on port {port} of 127.0.0.1: {problem}\n"
