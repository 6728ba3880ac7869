"""Values of a wrong kind for every key of the commands: one line, never a traceback."""

import pytest
from wrong_values import COMMANDS, VALUES, walk_values

from slugline.components import to_config
from slugline.config.build import instantiate
from slugline.errors import InputError


@pytest.mark.slow
@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "train"])
def test_a_value_of_a_wrong_kind_is_one_line(tmp_path, command, name, value):
    walk_values(tmp_path, command, name, value)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "data=null"], "data: found 'null'; allowed: one of the options articles, sample, sentences"),
        (["train", "experiment=null"], "experiment: found 'null'; allowed: one of the options"),
        (["train", "features.word=null"], "features.word: found null; allowed: a class in features.word._target_"),
        (["train", "features.word=x"], "features.word: found 'x'"),
        (["train", "+modle=x"], "unknown key 'modle'; allowed: model"),
        (["train", "evaluation=x"], "Could not find 'evaluation/x'"),
        (["train", "tracking.registered_model=a/b"], "'a/b'; allowed: a name without / and :"),
        (["compare", "runs=x"], "runs: found a str; allowed: a list [A,B]"),
        (["compare", "runs=[a,b]", "force=null"], "force: found null; allowed: a value"),
        (["predict", "columns=null"], "columns: found None; allowed: a mapping"),
        (["train", "data=articles", "data.path=[]"], "data.path: []; allowed: a file, a folder, a glob"),
        (["train", "epochs=0"], "epochs: 0; allowed: 1 or more"),
        (["train", "--config-dir=nope", "--help"], "--config-dir: there is no folder 'nope'"),
        (["promote", "gate.max_macro_drop=-1"], "gate.max_macro_drop=-1.0; allowed: from 0"),
        (["promote", "gate.min_topic_f1=nan"], "gate.min_topic_f1=nan; allowed: from 0"),
        (["predict", "model_uri="], "no model at ''; allowed: a model folder"),
    ],
)
def test_a_wrong_value_is_told_with_what_is_allowed(tmp_path, command, arguments, message):
    done = command(tmp_path, *arguments)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []  # no folder of a run that never began


@pytest.mark.slow
@pytest.mark.parametrize("value", ["[1]", "[2,1]", "[1,a]", "[0,1]", "[1,2,3]"])
def test_a_range_of_ngrams_that_is_none_is_told_with_what_is_allowed(tmp_path, command, value):
    done = command(tmp_path, "train", f"features.word.ngram_range={value}", "tracking=off", "cache=off")
    assert done.returncode == 1
    assert done.stderr.startswith("slugline: features.word.ngram_range: found (")
    assert "allowed: two numbers from 1 on, in order" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_estimator_inside_another_is_made_of_its_class_and_only_of_one_that_is_allowed():
    inner = {"_target_": "sklearn.linear_model.LogisticRegression", "C": 0.5}
    outer = {"_target_": "sklearn.calibration.CalibratedClassifierCV", "estimator": inner}
    assert instantiate(outer, "model").estimator.C == 0.5
    assert to_config(instantiate(outer, "model"))["estimator"]["_target_"] == inner["_target_"]
    for target in ("os.system", "joblib.load", "subprocess.Popen"):
        with pytest.raises(InputError, match=r"model\.estimator\._target_: .* is not allowed"):
            instantiate(outer | {"estimator": {"_target_": target}}, "model")
        with pytest.raises(InputError, match=r"model\.estimators\[0\]\[1\]\._target_: .* is not allowed"):
            instantiate(
                {"_target_": "sklearn.ensemble.VotingClassifier", "estimators": [["a", {"_target_": target}]]}, "model"
            )
