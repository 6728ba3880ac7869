"""Trainings with an encoder: each text is encoded once, the model predicts and explains like any other."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tiny_encoders import tiny_weights, write_encoder

from slugline.cache import Folder, Off, recall_rows
from slugline.model.store import load_model
from slugline.training import fitted_features


class Maker:
    """Makes a row of the length of each text, and remembers the texts."""

    def __init__(self):
        self.texts = []

    def __call__(self, texts):
        self.texts.append(texts)
        return np.array([[len(text), 1] for text in texts], np.float32)


def test_rows_of_texts_are_made_once_and_new_texts_add_only_their_own(tmp_path):
    cache, key, maker = Folder(str(tmp_path)), {"encoder": "tiny"}, Maker()
    for texts in (["ab", "c", "ab"], ["c", "def", "\ud800"], ["def", "ab"], []):
        rows = recall_rows(cache, "vectors", key, texts, maker)
        assert rows[:, 0].tolist() == [len(text) for text in texts]
    assert maker.texts == [["ab", "c"], ["def", "\ud800"]]
    recall_rows(cache, "vectors", {"encoder": "other"}, ["c"], maker)
    assert recall_rows(Off(), "vectors", key, ["c", "c"], maker).tolist() == [[1, 1], [1, 1]]
    assert maker.texts[2:] == [["c"], ["c"]]


def test_rows_that_cannot_be_read_are_made_anew_and_old_ones_leave_a_full_cache(tmp_path):
    cache, maker = Folder(str(tmp_path), max_gigabytes=4e-8), Maker()  # 20 bytes for rows, 8 each
    for texts in (["a"], ["b"], ["b", "c"], ["a"]):
        recall_rows(cache, "vectors", {}, texts, maker)
    assert maker.texts == [["a"], ["b"], ["c"], ["a"]]
    (entry,) = [folder for folder in (tmp_path / "vectors").iterdir() if folder.is_dir()]
    (entry / "digests.npy").write_bytes(b"")
    assert recall_rows(cache, "vectors", {}, ["a"], maker).tolist() == [[1, 1]]
    assert maker.texts[-1] == ["a"]


def write_news(folder: Path) -> None:
    """Write labelled sentences of articles."""
    words = {
        "ceasefire": "The ceasefire holds, talks began",
        "sanctions": "Sanctions were imposed on the army",
        "": "Rain fell",
    }
    rows = [
        {"text": f"{text} on day {article}.", "labels": [topic] if topic else [], "article_id": article}
        for article in range(20)
        for topic, text in words.items()
    ]
    (folder / "news.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_a_model_with_an_encoder_trains_predicts_and_explains_and_a_second_run_encodes_nothing(
    tmp_path, command, monkeypatch
):
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
    write_news(tmp_path)
    write_encoder(tmp_path / "tiny", tiny_weights())
    train = (
        "train",
        "data=sentences",
        "data.path=news.jsonl",
        "features.encoder.folder=tiny",
        "folds=2",
        "tracking=off",
    )
    done = command(tmp_path, *train, "features=tfidf_encoder", "hydra.run.dir=run", "plots=false")
    assert done.returncode == 0, done.stderr
    model = load_model(tmp_path / "run" / "model")
    assert [part.name for part in model.vectorizers] == ["word", "char", "encoder"]
    assert "encoder: 32 dimensions" in str(model)

    (tmp_path / "new.txt").write_text("The ceasefire holds. Rain fell on the army.")
    predict = ("model_uri=run/model", "input=new.txt", "explain=3")
    labelled = command(tmp_path, "predict", *predict)
    assert labelled.returncode == 0, labelled.stderr
    rows = [json.loads(line) for line in labelled.stdout.splitlines()]
    assert rows[0]["topics"] == ["ceasefire"]
    assert "ceasefire" in rows[0]["explain"]["ceasefire"]

    def encode_nothing(*_):
        raise AssertionError("encoded again")

    monkeypatch.setattr(fitted_features, "_encode", encode_nothing)
    again = command(tmp_path, *train, "features=encoder", "model.C=1")
    assert again.returncode == 0, again.stderr


def test_text_larger_than_memory_is_learned_from_by_an_encoder_as_it_is(tmp_path, command):
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    write_news(tmp_path)
    write_encoder(tmp_path / "tiny", tiny_weights())
    train = ("train", "data=sentences", "data.path=news.jsonl", "features=encoder", "features.encoder.folder=tiny")
    in_chunks = (
        "data.chunk_rows=7",
        "model=sgd",
        "split.dev=0.3",
        "split.duplicates=off",
        "tracking=off",
        "plots=false",
    )
    done = command(tmp_path, *train, *in_chunks, "hydra.run.dir=run")
    assert done.returncode == 0, done.stderr
    model = load_model(tmp_path / "run" / "model")
    assert [part.size() for part in model.vectorizers] == ["32 dimensions"]
    table = pd.read_parquet(tmp_path / "run" / "tables" / "predictions_test.parquet")
    np.testing.assert_allclose(table[list(model.topics)], model.predict_proba(table["text"].tolist()), atol=1e-6)


def test_without_the_extra_nothing_of_it_is_imported():
    code = "import sys, slugline.model, slugline.encoder\n"
    code += "assert not {'onnxruntime', 'tokenizers', 'torch'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
