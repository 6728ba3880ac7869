"""Every command takes a model of each kind of features, and all ways to predict give a sentence the same."""

import json
import os
from importlib.util import find_spec
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
import pytest
from test_rule_votes import write_articles
from tiny_encoders import tiny_weights, write_encoder

import slugline
from slugline.training import fitted_features

pytestmark = pytest.mark.slow
TINY = "features.encoder.folder=tiny"
TUNED = [f"features.encoder.{option}" for option in ("folds=2", "epochs=1", "frozen_layers=0", "max_length=24")]
KINDS = {
    "word_char_rules": ([], "labels"),
    "tfidf_encoder": ([TINY], "tokenizers"),
    "encoder_finetuned": ([TINY, *TUNED, "features.encoder.precision=float32"], "torch"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_command_takes_a_model_of_each_kind_of_features(kind, command, tmp_path, monkeypatch):
    options, needed = KINDS[kind]
    if needed != "labels" and not find_spec(needed):
        pytest.skip("an extra is not installed")
    features = [f"features={kind}", *options]
    write_encoder(tmp_path / "tiny", tiny_weights("mpnet"))
    data = write_articles(tmp_path)

    def run(*arguments, allowed=(0,), stdin=""):
        done = command(tmp_path, *arguments, stdin=stdin)
        assert done.returncode in allowed, (arguments, done.stderr)
        return done

    train = ["train", *data, *features, "labels.min_articles=1", "plots=false"]
    encoded = []
    encode = fitted_features._encode
    monkeypatch.setattr(
        fitted_features, "_encode", lambda encoder, texts: (encoded.append(len(texts)), encode(encoder, texts))[1]
    )
    run(*train, "name=first", "hydra.run.dir=first")
    once = len(encoded)
    assert once == (kind != "word_char_rules")
    run(*train, "-m", "model.C=0.1,1", "hydra.sweeper.evaluate=1")
    assert len(encoded) == once

    model = slugline.load_model(tmp_path / "first" / "model")
    same_everywhere(run, tmp_path, model)
    needs = next(tmp_path.rglob("requirements.txt")).read_text("utf-8")
    assert ("tokenizers==" in needs) == ("onnxruntime==" in needs) == (kind != "word_char_rules")
    refused = run("export", "model_uri=first/model", "output=model.joblib", allowed=(1,))
    assert "cannot be exported; use the model folder itself" in refused.stderr
    assert refused.stderr.count("\n") == 1
    run("review", "model_uri=first/model", "data=articles", "data.path=new.jsonl", *data[2:], "output=q.csv", "size=3")
    wrong = run("review", "what=errors", *data, *features, "output=errors.csv", allowed=(0, 1))
    assert kind != "word_char_rules" or "no label looks wrong: 40 of 40" in wrong.stderr
    run("monitor", "model_uri=first/model", "input=rows.jsonl", allowed=(0, 3))  # 3: an alarm
    run("compare", "experiment=slugline", "last=2")
    run("promote", *data, "version=2", "gate.max_calibration_error=0.9", "gate.max_macro_drop=0.9", allowed=(0, 1))
    again = run("reproduce", f"run_id={model.info['run_id']}")
    assert "every metric" in again.stdout or "equal" in again.stdout, again.stdout

    run(*train, "tracking=off", "hydra.run.dir=later")
    run("log", "later")


def same_everywhere(run, folder: Path, model: slugline.TopicModel) -> None:
    """Check that a sentence has the same probabilities in whatever batch, worker, order, format and interface."""
    texts = [row["text"] for row in map(json.loads, (folder / "new.jsonl").read_text("utf-8").splitlines())]
    expected, topics = model.predict_proba(texts), list(model.topics)
    alone = np.concatenate([model.predict_proba([text]) for text in texts[::-1]])[::-1]
    np.testing.assert_allclose(alone, expected, rtol=1e-12)  # sums over character n-grams differ in the last bit
    predict = ["predict", "model_uri=first/model", "split_sentences=false"]
    for output, how in {
        "one.jsonl": ["n_jobs=1"],
        "two.csv": ["n_jobs=2", "batch=7"],
        "one.parquet": ["n_jobs=1", "batch=1"],
    }.items():
        run(*predict, "input=new.jsonl", f"output={output}", *how)
        table = _READERS[output.split(".")[1]](folder / output)
        np.testing.assert_allclose(table[topics], expected, rtol=1e-12)
    streamed = run(*predict, "input=-", "format=jsonl", stdin=(folder / "new.jsonl").read_text("utf-8"))
    rows = pd.DataFrame(map(json.loads, streamed.stdout.splitlines()))
    np.testing.assert_allclose(rows[topics], expected, rtol=1e-12)

    store = f"sqlite:///{folder}/store.db"
    mlflow.set_tracking_uri(store)
    (version,) = mlflow.MlflowClient(store).search_model_versions(f"run_id='{model.info['run_id']}'")
    before = Path.cwd()
    os.chdir(folder)
    try:
        answers = mlflow.pyfunc.load_model(f"models:/slugline/{version.version}").predict(pd.DataFrame({"text": texts}))
    finally:
        os.chdir(before)
    np.testing.assert_allclose(answers[topics], expected, rtol=1e-12)


_READERS = {
    "jsonl": lambda file: pd.read_json(file, lines=True, precise_float=True),
    "csv": pd.read_csv,
    "parquet": pd.read_parquet,
}
