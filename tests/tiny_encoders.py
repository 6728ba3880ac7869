"""Tiny random encoders in folders, in the layout of the Hugging Face hub; their safetensors are written by hand."""

import json
from pathlib import Path

import numpy as np

from slugline.encoder import EncoderConfig, EncoderWeights, WordPieces
from slugline.encoder.reading import stored_name

WORDS = "the a ceasefire holds sanctions were imposed on rain fell talks began in city minister accused rebels army"
PIECES = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS.split(), "##s", "##ed", *"abcdefghijklmnopqrstuvwxyz.,'")
PIECES = tuple(dict.fromkeys((*PIECES, *(f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"))))
SIZES = {"vocabulary": len(PIECES) + 2, "hidden": 32, "layers": 2, "heads": 4, "intermediate": 48, "positions": 40}
MORE = {"bert": {"token_types": 2}, "mpnet": {"token_types": 0, "relative_buckets": 32, "layer_norm_eps": 1e-5}}


def tiny_weights(architecture: str = "bert", seed: int = 0, **sizes) -> EncoderWeights:
    """Return random weights, large enough that vectors of different texts differ."""
    config = EncoderConfig(architecture, **(SIZES | MORE[architecture] | sizes))
    rng = np.random.default_rng(seed)
    arrays = {
        name: (rng.normal(size=shape) * 0.2 + name.endswith("norm.weight")).astype(np.float32)
        for name, shape in config.shapes().items()
    }
    return EncoderWeights(config, arrays)


def to_safetensors(tensors: dict[str, tuple[str, np.ndarray]]) -> bytes:
    """Return a safetensors file of arrays, each with the name of its type."""
    header, start = {"__metadata__": {"format": "pt"}}, 0
    for name, (kind, array) in tensors.items():
        header[name] = {"dtype": kind, "shape": list(array.shape), "data_offsets": [start, start + array.nbytes]}
        start += array.nbytes
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + b"".join(array.tobytes() for _, array in tensors.values())


def write_encoder(folder: Path, weights: EncoderWeights, *, pieces: tuple[str, ...] = PIECES, prefix: str = "") -> Path:
    """Write an encoder as the hub has it, with the vocabulary in `vocab.txt`."""
    config = weights.config
    sizes = {
        "model_type": config.architecture,
        "vocab_size": config.vocabulary,
        "hidden_size": config.hidden,
        "num_hidden_layers": config.layers,
        "num_attention_heads": config.heads,
        "intermediate_size": config.intermediate,
        "max_position_embeddings": config.positions,
        "type_vocab_size": config.token_types,
        "relative_attention_num_buckets": config.relative_buckets,
        "layer_norm_eps": config.layer_norm_eps,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(sizes), encoding="utf-8")
    (folder / "vocab.txt").write_text("\n".join(pieces) + "\n", encoding="utf-8")
    tensors = {prefix + stored_name(name, config.architecture): ("F32", a) for name, a in weights.arrays.items()}
    tensors[prefix + "pooler.dense.bias"] = ("F32", np.zeros(config.hidden, np.float32))
    (folder / "model.safetensors").write_bytes(to_safetensors(tensors))
    return folder


def tiny_words() -> WordPieces:
    """Return the vocabulary of tiny encoders."""
    return WordPieces(PIECES)
