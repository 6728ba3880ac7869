import json
import re
import sys

import numpy as np
import pandas as pd
import pytest
from test_finetune import toy
from tiny_encoders import tiny_weights, write_encoder

import slugline
from slugline.cache import Stages
from slugline.dataset import build_dataset
from slugline.encoder import read_encoder
from slugline.errors import InputError
from slugline.finetune import FineTunedEncoder, LabelledTexts, estimator
from slugline.training.fit import fit_model, predict_out_of_fold
from slugline.training.settings import TrainSettings

pytest.importorskip("torch", reason="fine-tuning needs the extra finetune")

TINY = ("epochs=2", "folds=2", "learning_rate=0.003", "batch_size=16", "max_length=32", "frozen_layers=0")
OPTIONS = (
    "data=sentences",
    "data.path=news.jsonl",
    "features=encoder_finetuned",
    "features.encoder.folder=tiny",
    *(f"features.encoder.{option}" for option in TINY),
    "tracking=off",
    "plots=false",
)


@pytest.fixture
def folder(tmp_path):
    """A folder with labelled sentences, four an article, and a tiny encoder."""
    write_encoder(tmp_path / "tiny", tiny_weights())
    texts, Y = toy(n=160)
    with (tmp_path / "news.jsonl").open("w", encoding="utf-8") as file:
        for number, (text, row) in enumerate(zip(texts, Y, strict=True)):
            labels = [topic for topic, has in zip(("peace, or so", "sanctions"), row, strict=True) if has]
            file.write(json.dumps({"article_id": f"a{number // 4}", "text": text, "labels": labels}) + "\n")
    return tmp_path


def saved_model(folder):
    (header,) = folder.rglob("model.json")
    return header.parent


@pytest.mark.slow
def test_a_model_with_a_finetuned_encoder_is_data_that_predicts_what_was_scored(folder, command):
    run = command(folder, "train", *OPTIONS)
    assert run.returncode == 0, run.stderr
    saved = saved_model(folder)
    features = json.loads((saved / "model.json").read_text(encoding="utf-8"))["features"]
    assert [part.get("kind") for part in features] == [None, None, "encoder"]
    model = slugline.load_model(saved)
    texts, _ = toy(n=160)
    one_by_one = np.vstack([model.predict_proba([text]) for text in texts[:5]])
    np.testing.assert_allclose(model.predict_proba(texts)[:5], one_by_one, atol=1e-6)
    assert "(sentence as a whole)" in model.explain(texts[0], top=0)["sanctions"]
    assert not list((folder / "experiments" / "cache" / "unfinished").glob("*"))  # nothing is left to be taken up

    again = command(folder, "train", *OPTIONS, "model.C=1")
    assert re.search("^cache   reused .*features.encoder", again.stdout, re.MULTILINE)


def test_what_a_model_predicts_is_what_was_scored(folder, monkeypatch):
    monkeypatch.chdir(folder)
    read = []
    monkeypatch.setattr(estimator, "read_encoder", lambda folder: (read.append(folder), read_encoder(folder))[1])
    settings = slugline.project_settings(*OPTIONS, "cache=off", "features.encoder.epochs=1")
    dataset = build_dataset(settings.data, settings.labels, settings.split, Stages())
    fitted = fit_model(dataset, settings, Stages())
    assert len(read) == 1
    held_out = ~dataset.rows("train")
    predicted = fitted.model.predict_proba(dataset.sentences["text"][held_out].tolist())
    np.testing.assert_allclose(predicted, fitted.probabilities[held_out], atol=1e-4)
    assert [block.shape[1] for block in fitted.train_features][-1] == 32  # vectors, as the model makes of new texts


def test_what_was_learned_is_the_same_after_it_was_kept(folder):
    texts, Y = toy(n=80)
    encoder = FineTunedEncoder(folder=str(folder / "tiny"), folds=2, epochs=1, frozen_layers=0)
    fitted = encoder.fit(LabelledTexts(texts, Y, np.arange(80) // 4))
    again = encoder.from_values(fitted.to_values())
    assert np.array_equal(again.encoder.encode(texts), fitted.encoder.encode(texts))
    assert np.array_equal(again.out_of_fold, fitted.out_of_fold)


def test_labels_that_look_wrong_are_looked_for_with_encoders_that_did_not_see_them(folder):
    texts, Y = toy(n=80)
    encoder = FineTunedEncoder(folder=str(folder / "tiny"), folds=2, epochs=1, batch_size=16)
    sentences = pd.DataFrame({"text": texts, "article_id": np.arange(80) // 4, "label_source": "gold"})
    settings = TrainSettings(features={"encoder": encoder}, folds=2)
    P = predict_out_of_fold(sentences, Y, settings)
    assert P.shape == (80, 2)
    assert np.isfinite(P).all()


@pytest.mark.slow
def test_a_head_that_is_not_linear_is_refused(folder, command):
    run = command(folder, "train", *OPTIONS, "model=sklearn", "model._target_=sklearn.neighbors.KNeighborsClassifier")
    assert run.returncode == 1
    assert "a fine-tuned encoder needs a linear model" in run.stderr


def test_without_torch_one_line_names_the_extra(folder, command, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    run = command(folder, "train", *OPTIONS)
    assert run.returncode == 1
    assert run.stderr.strip().count("\n") == 0
    assert 'pip install "slugline[finetune]"' in run.stderr


def test_an_option_that_is_not_allowed_is_told_before_data_is_read(folder, command):
    run = command(folder, "train", *OPTIONS, "features.encoder.folds=1", "data.path=nowhere.jsonl")
    assert run.returncode == 1
    assert "folds: found 1; allowed: a whole number from 2" in run.stderr
    with pytest.raises(InputError, match="precision: 'int4'; allowed: float32, int8"):
        FineTunedEncoder(precision="int4").check_options()
