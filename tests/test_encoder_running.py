"""An encoder gives each sentence the same vector in whatever batch, in a graph of onnxruntime as in plain NumPy."""

import pickle

import numpy as np
import pytest
from tiny_encoders import tiny_weights, tiny_words

from slugline.encoder import TextEncoder, running

pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")

TEXTS = [
    "The ceasefire holds in the city.",
    "",
    "Sanctions were imposed on the minister.",
    "rain fell",
    "the army accused the rebels, " * 8,
    "\ud800 talks began",
    "Talks began in the city, and the rain fell on the army.",
] * 3
KINDS = [(architecture, precision) for architecture in ("bert", "mpnet") for precision in ("float32", "int8")]


def encoder(architecture: str, precision: str, **options) -> TextEncoder:
    weights = tiny_weights(architecture)
    return TextEncoder(weights.quantize() if precision == "int8" else weights, tiny_words(), **options)


@pytest.fixture(params=["onnxruntime", "numpy"])
def library(request, monkeypatch):
    """What runs the layers."""
    if request.param == "numpy":
        monkeypatch.setattr(running, "find_spec", lambda name: None)
    else:
        pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
    return request.param


@pytest.mark.parametrize(("architecture", "precision"), KINDS)
def test_a_sentence_has_the_same_vector_in_whatever_batch_alone_and_in_a_stream(architecture, precision, monkeypatch):
    pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
    vectors = encoder(architecture, precision).encode(TEXTS)
    alone = encoder(architecture, precision, batch_size=1)
    assert np.array_equal(vectors, np.concatenate([alone.encode([text]) for text in TEXTS]))
    reverse = encoder(architecture, precision, batch_size=3).encode(TEXTS[::-1])
    assert np.array_equal(vectors, reverse[::-1])
    monkeypatch.setattr(running, "_CHUNK", 5)
    assert np.array_equal(vectors, encoder(architecture, precision).encode(TEXTS))
    assert len(np.unique(vectors.round(4), axis=0)) == 7


@pytest.mark.parametrize("architecture", ["bert", "mpnet"])
def test_numpy_gives_the_vectors_of_onnxruntime(architecture, monkeypatch):
    pytest.importorskip("onnxruntime", reason="the extra `encoder` is not installed")
    vectors, in_bytes = (encoder(architecture, kind).encode(TEXTS) for kind in ("float32", "int8"))
    monkeypatch.setattr(running, "find_spec", lambda name: None)
    np.testing.assert_allclose(encoder(architecture, "float32").encode(TEXTS), vectors, atol=1e-4)
    # A number on the edge of two steps may be rounded up by one and down by the other
    assert (encoder(architecture, "int8").encode(TEXTS) * in_bytes).sum(axis=1).min() > 0.999


@pytest.mark.parametrize("architecture", ["bert", "mpnet"])
def test_int8_points_where_float32_points(architecture, library):
    vectors = encoder(architecture, "float32").encode(TEXTS)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, rtol=1e-5)
    assert (encoder(architecture, "int8").encode(TEXTS) * vectors).sum(axis=1).min() > 0.99


def test_an_encoder_is_sent_to_other_processes_without_its_session(library):
    encoding = encoder("mpnet", "int8")
    vectors = encoding.encode(TEXTS)
    assert np.array_equal(pickle.loads(pickle.dumps(encoding)).encode(TEXTS), vectors)
    assert encoding.encode([]).shape == (0, 32)


def test_texts_that_are_done_are_counted(library):
    done = []
    encoder("bert", "float32").encode(TEXTS, done.append)
    assert sum(done) == len(TEXTS)


def test_a_text_is_cut_where_the_positions_end(library):
    text = "the army accused the rebels " * 50
    longest, longer = (encoder("mpnet", "float32", max_length=length).encode([text]) for length in (38, 500))
    assert np.array_equal(longest, longer)
    assert not np.array_equal(longest, encoder("mpnet", "float32", max_length=12).encode([text]))


# Beginnings of what transformers 5.24 gives for the same weights
VECTORS = {
    "bert": ([0.0941, 0.1298, -0.1058, 0.1861], [0.0201, 0.1985, -0.1378, 0.1629]),
    "mpnet": ([0.1255, -0.2269, 0.1762, 0.3679], [0.0561, -0.1479, 0.1724, 0.3991]),
}


@pytest.mark.parametrize("architecture", VECTORS)
def test_vectors_are_those_of_the_library_that_the_architecture_comes_from(architecture, library):
    weights = tiny_weights(architecture, positions=310)
    texts = ["The ceasefire holds in the city.", "the army accused the rebels, " * 40]
    vectors = TextEncoder(weights, tiny_words(), max_length=300).encode(texts)
    np.testing.assert_allclose(vectors[:, :4], VECTORS[architecture], atol=6e-5)
