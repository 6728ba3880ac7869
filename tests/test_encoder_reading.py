"""Encoders are read from a folder as the hub has it, as plain arrays; whatever else it holds is refused in one line."""

import json

import numpy as np
import pytest
from tiny_encoders import PIECES, tiny_weights, to_safetensors, write_encoder

from slugline.encoder import EncoderWeights, TextEncoder, WordPieces, read_encoder, running
from slugline.errors import InputError


@pytest.mark.parametrize("architecture", ["bert", "mpnet"])
@pytest.mark.parametrize("prefix", ["", "own"])
def test_an_encoder_that_was_written_is_read_as_it_was(architecture, prefix, tmp_path):
    weights = tiny_weights(architecture)
    encoder = read_encoder(write_encoder(tmp_path, weights, prefix=f"{architecture}." if prefix else ""))
    assert encoder.weights.config == weights.config
    assert encoder.tokenizer.pieces == PIECES
    assert all(np.array_equal(encoder.weights.arrays[name], array) for name, array in weights.arrays.items())
    assert encoder.weights.digest() == weights.digest() != tiny_weights(architecture, seed=1).digest()


def test_halves_and_the_upper_halves_of_floats_are_read_as_floats(tmp_path):
    weights = tiny_weights()
    file = write_encoder(tmp_path, weights) / "model.safetensors"
    for kind, dtype, tolerance in (("F16", np.float16, 1e-3), ("BF16", np.uint16, 1e-2)):
        arrays = read_encoder(write_encoder(tmp_path, weights)).weights.arrays
        content = file.read_bytes()
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        names = [name for name in header if name not in ("__metadata__", "pooler.dense.bias")]
        values = list(arrays.values())
        halves = [a.astype(dtype) if kind == "F16" else (a.view(np.uint32) >> 16).astype(dtype) for a in values]
        tensors = {name: (kind, half) for name, half in zip(names, halves, strict=True)}
        file.write_bytes(to_safetensors(tensors))
        read = read_encoder(tmp_path).weights.arrays
        for name, array in arrays.items():
            assert read[name].dtype == np.float32
            np.testing.assert_allclose(read[name], array, rtol=tolerance, atol=1e-6)


def test_the_vocabulary_of_a_tokenizer_json_and_its_options_are_used(tmp_path):
    folder = write_encoder(tmp_path, tiny_weights())
    content = {
        "model": {"type": "WordPiece", "vocab": {piece: number for number, piece in enumerate(PIECES)}},
        "added_tokens": [{"id": len(PIECES), "content": "[EXTRA]"}],
        "normalizer": {"type": "BertNormalizer", "lowercase": False, "strip_accents": True},
    }
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    tokenizer = read_encoder(folder).tokenizer
    assert (tokenizer.pieces, tokenizer.lowercase) == ((*PIECES, "[EXTRA]"), False)
    assert tokenizer.strip_accents is True


def test_texts_become_the_pieces_of_their_words_with_edges_and_a_limit(tmp_path):
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    tokenizer = read_encoder(write_encoder(tmp_path, tiny_weights())).tokenizer
    texts = ["The ceasefires HOLDS.", "", "\ud800 漢", "a " * 99, "[SEP]"]
    ids = tokenizer.tokenize(texts, max_length=12)
    pieces = [[PIECES[number] for number in row] for row in ids]
    assert pieces[0] == ["[CLS]", "the", "ceasefire", "##s", "holds", ".", "[SEP]"]
    assert pieces[1] == ["[CLS]", "[SEP]"]
    assert pieces[2] == ["[CLS]", "[UNK]", "[UNK]", "[SEP]"]
    assert pieces[3] == ["[CLS]", *["a"] * 10, "[SEP]"]
    assert pieces[4].count("[SEP]") == 1, "what a text says is never a mark of its end"


def test_mpnets_edges_win_over_berts_which_its_vocabulary_holds_too():
    pytest.importorskip("tokenizers", reason="no tokenizers: pip install tokenizers")
    pieces = WordPieces(("<s>", "<pad>", "</s>", "[UNK]", "[CLS]", "[SEP]", "rain"))
    assert pieces.tokenize(["rain"], 8) == [[0, 6, 2]]


def test_pooling_by_the_first_token_is_read_from_the_folder_of_pooling(tmp_path):
    folder = write_encoder(tmp_path, tiny_weights())
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"pooling_mode_cls_token": true}', encoding="utf-8")
    assert read_encoder(folder).weights.config.pooling == "cls"


CONFIGS = {
    "another architecture": ({"model_type": "gpt2"}, "model_type is 'gpt2'; allowed: bert, mpnet"),
    "no architecture": ({"model_type": ["bert"]}, "model_type is"),
    "heads that do not divide": ({"num_attention_heads": 5}, "5 heads do not divide 32"),
    "no layers": ({"num_hidden_layers": 0}, "layers is 0; allowed: 1 to 64"),
    "a text for a number": ({"hidden_size": "32"}, "hidden is '32'"),
    "a giant": ({"hidden_size": 1 << 30}, "hidden is 1073741824"),
    "another activation": ({"hidden_act": "relu"}, "hidden_act is 'relu'; allowed: gelu"),
    "other positions": ({"position_embedding_type": "relative_key"}, "position_embedding_type"),
    "another size than the arrays": ({"hidden_size": 64}, "has shape"),
    "more numbers than memory": (
        {"vocab_size": 1 << 20, "hidden_size": 1 << 12},
        "numbers; allowed: at most 1073741824",
    ),
    "an epsilon that is no number": ({"layer_norm_eps": None}, "layer_norm_eps is None"),
    "too small a vocabulary": ({"vocab_size": 5}, "allowed: at most 5"),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_a_config_that_no_encoder_has_is_refused(case, tmp_path):
    changes, message = CONFIGS[case]
    file = write_encoder(tmp_path, tiny_weights()) / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))
    with pytest.raises(InputError) as error:
        read_encoder(tmp_path)
    assert message in str(error.value)


NAME = "embeddings.LayerNorm.bias"
TENSORS = {
    "an unknown name": (lambda header: header.update(other=header[NAME]), "'other' is no array of bert"),
    "a missing name": (lambda header: header.pop(NAME), f"there is no {NAME}"),
    "another shape": (lambda header: header[NAME].update(shape=[8, 4]), "has shape [8, 4]; allowed: [32]"),
    "another type": (lambda header: header[NAME].update(dtype="I64"), "has type 'I64'; allowed: F32, F16, BF16"),
    "a type that is a list": (lambda header: header[NAME].update(dtype=[]), "has type []"),
    "no offsets": (lambda header: header[NAME].pop("data_offsets"), "has offsets None"),
    "offsets before the start": (lambda header: header[NAME].update(data_offsets=[-128, 0]), "do not fit"),
    "offsets after the end": (
        lambda header: header[NAME].update(data_offsets=[1 << 40, (1 << 40) + 128]),
        "do not fit",
    ),
    "offsets of another size": (
        lambda header: header[NAME]["data_offsets"].append(header[NAME]["data_offsets"].pop() - 4),
        "do not fit",
    ),
    "bytes of another array": (
        lambda header: header[NAME].update(data_offsets=header[NAME.replace("bias", "weight")]["data_offsets"]),
        "arrays overlap",
    ),
    "an entry that is no object": (lambda header: header.update({NAME: 3}), "is no object"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_a_safetensors_file_that_says_what_is_not_so_is_refused(case, tmp_path):
    change, message = TENSORS[case]
    file = write_encoder(tmp_path, tiny_weights()) / "model.safetensors"
    content = file.read_bytes()
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    change(header)
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + content[end:])
    with pytest.raises(InputError) as error:
        read_encoder(tmp_path)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 8, b"\xff" * 16, (1 << 62).to_bytes(8, "little") + b"{}", b"\x02" + b"\0" * 7 + b"[]"]
)
def test_a_file_that_is_no_safetensors_file_is_refused(content, tmp_path):
    file = write_encoder(tmp_path, tiny_weights()) / "model.safetensors"
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"model\.safetensors"):
        read_encoder(tmp_path)


def test_numbers_that_are_not_finite_are_refused():
    weights = tiny_weights()
    broken = dict(weights.arrays)
    broken["word"] = np.full_like(broken["word"], np.nan)
    with pytest.raises(InputError, match="word holds numbers that are not finite"):
        EncoderWeights(weights.config, broken)


VOCABULARIES = {
    "a piece twice": ((*PIECES, "the"), "stands twice"),
    "no marks of the edges": (tuple(piece for piece in PIECES if piece != "[SEP]"), "neither [CLS] and [SEP]"),
    "nothing for unknown words": (tuple(piece for piece in PIECES if piece != "[UNK]"), "neither [UNK]"),
    "an empty piece": (("", *PIECES), "an empty piece"),
}


@pytest.mark.parametrize("case", VOCABULARIES)
def test_a_vocabulary_that_no_tokenizer_can_use_is_refused(case, tmp_path):
    pieces, message = VOCABULARIES[case]
    with pytest.raises(InputError) as error:
        read_encoder(write_encoder(tmp_path, tiny_weights(), pieces=pieces))
    assert message in str(error.value)


def test_a_vocabulary_is_data_whatever_its_pieces_are(tmp_path):
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    odd = (".*", "(a+)+$", "\x1b[2J", "\0", "\x85", "\u202e", "../../etc/passwd", "{{7*7}}", "##" + "x" * 10_000)
    folder = write_encoder(tmp_path, tiny_weights(vocabulary=len(PIECES) + len(odd)))
    vocabulary = {piece: number for number, piece in enumerate((*PIECES, *odd))}
    content = {"model": {"vocab": vocabulary}, "normalizer": {"type": "BertNormalizer"}}
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    tokenizer = read_encoder(folder).tokenizer
    assert tokenizer.pieces == (*PIECES, *odd)
    assert len(tokenizer.tokenize(["(a+)+$ " + "a" * 50 + "!" + " .* \x1b[2J \0"], 64)) == 1


@pytest.mark.slow
def test_a_million_pieces_are_refused_or_read_in_bounded_time(tmp_path):
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    many = (*PIECES, *(f"w{number}" for number in range(10**6)))
    file = write_encoder(tmp_path, tiny_weights(), pieces=many) / "config.json"
    with pytest.raises(InputError, match="1000078 pieces; allowed: at most"):
        read_encoder(tmp_path)
    assert len(WordPieces(many).tokenize(["w7 w8"], 8)[0]) == 4
    (tmp_path / "tokenizer.json").write_bytes(b" " * (25 << 20))
    with pytest.raises(InputError, match=r"tokenizer\.json is larger than 25165824 bytes"):
        read_encoder(file.parent)


def test_attention_that_would_fill_the_memory_is_refused_and_long_texts_run_in_smaller_batches(monkeypatch):
    giant = tiny_weights(positions=1 << 16)
    with pytest.raises(InputError, match="max_length: 60000; allowed: at most 8192 where there are as many heads"):
        TextEncoder(giant, WordPieces(PIECES), max_length=60_000)
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    texts = ["the army accused the rebels"] * 9
    vectors = TextEncoder(giant, WordPieces(PIECES)).encode(texts)
    monkeypatch.setattr(running, "_MAX_BATCH", 4 * 7**2 * 2)
    done: list[int] = []
    assert np.array_equal(TextEncoder(giant, WordPieces(PIECES)).encode(texts, done.append), vectors)
    assert done == [2, 2, 2, 2, 1]


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_weights_so_large_that_a_vector_is_no_number_are_one_line(precision):
    pytest.importorskip("tokenizers", reason="the extra `encoder` is not installed")
    weights = tiny_weights()
    huge = {name: array * np.float32(1e38) for name, array in weights.arrays.items()}
    weights = EncoderWeights(weights.config, {name: np.nan_to_num(array) for name, array in huge.items()})
    encoder = TextEncoder(weights.quantize() if precision == "int8" else weights, WordPieces(PIECES))
    with pytest.raises(InputError, match="numbers that are not finite: those of its weights are too large"):
        encoder.encode(["rain fell"])


TOKENIZERS = {
    "a regular expression that splits": (
        {
            "model": {"vocab": {}},
            "normalizer": {"type": "BertNormalizer"},
            "pre_tokenizer": {"type": "Split", "pattern": {"Regex": "(a+)+$"}},
        },
        "the pre_tokenizer is not BertPreTokenizer",
    ),
    "another mark of what is inside a word": (
        {"model": {"vocab": {}, "continuing_subword_prefix": "@@"}, "normalizer": {"type": "BertNormalizer"}},
        "continuing_subword_prefix is '@@'; allowed: ##",
    ),
    "half a character": (
        {
            "model": {"vocab": {"[UNK]": 0, "[CLS]": 1, "[SEP]": 2, "\ud800": 3}},
            "normalizer": {"type": "BertNormalizer"},
        },
        "a lone surrogate",
    ),
    "an id twice": ({"model": {"vocab": {"a": 0, "b": 0}}, "normalizer": {"type": "BertNormalizer"}}, "the ids of"),
    "another kind": ({"model": {"type": "BPE"}}, "the tokenizer is 'BPE'; allowed: WordPiece"),
    "another normalizer": ({"model": {"vocab": {}}, "normalizer": {"type": "NFKC"}}, "not BertNormalizer"),
    "ids with a gap": (
        {"model": {"vocab": {"a": 0, "b": 2}}, "normalizer": {"type": "BertNormalizer"}},
        "the ids of the vocabulary",
    ),
    "no vocabulary": ({"model": {"vocab": []}, "normalizer": {"type": "BertNormalizer"}}, "there is no vocabulary"),
}


@pytest.mark.parametrize("case", TOKENIZERS)
def test_a_tokenizer_json_of_another_kind_is_refused(case, tmp_path):
    content, message = TOKENIZERS[case]
    folder = write_encoder(tmp_path, tiny_weights())
    (folder / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_encoder(folder)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "vocab.txt"])
def test_a_folder_that_lacks_a_file_is_refused_with_its_name(name, tmp_path):
    (write_encoder(tmp_path, tiny_weights()) / name).unlink()
    with pytest.raises(InputError, match=name.replace(".", r"\.")):
        read_encoder(tmp_path)
