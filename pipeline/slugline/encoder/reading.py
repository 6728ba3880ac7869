"""Encoders from a local folder in the layout of the Hugging Face hub: weights and vocabulary are read, nothing is run.

`config.json` says the sizes, `model.safetensors` holds the weights, `tokenizer.json` or `vocab.txt` the vocabulary.
"""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from slugline.encoder.safetensors import SafetensorsFile
from slugline.encoder.weights import ARCHITECTURES, EncoderConfig, EncoderWeights
from slugline.encoder.wordpiece import WordPieces
from slugline.errors import InputError, one_line

_MAX_JSON = 24 << 20  # bytes; tokenizers of a hundred languages, with half a million pieces, have 10 MB
_FILES = ("config.json", "model.safetensors")
_CONFIG = {  # our names and those of config.json
    "vocabulary": "vocab_size",
    "hidden": "hidden_size",
    "layers": "num_hidden_layers",
    "heads": "num_attention_heads",
    "intermediate": "intermediate_size",
    "positions": "max_position_embeddings",
}
_NAMES = {
    "bert": {
        "word": "embeddings.word_embeddings.weight",
        "position": "embeddings.position_embeddings.weight",
        "token_type": "embeddings.token_type_embeddings.weight",
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "attention": "attention.output.dense",
        "attention_norm": "attention.output.LayerNorm",
    },
    "mpnet": {
        "word": "embeddings.word_embeddings.weight",
        "position": "embeddings.position_embeddings.weight",
        "relative_bias": "encoder.relative_attention_bias.weight",
        "query": "attention.attn.q",
        "key": "attention.attn.k",
        "value": "attention.attn.v",
        "attention": "attention.attn.o",
        "attention_norm": "attention.LayerNorm",
    },
}
_COMMON = {"intermediate": "intermediate.dense", "output": "output.dense", "output_norm": "output.LayerNorm"}
_UNUSED = ("pooler.", "embeddings.position_ids", "cls.", "lm_head.")  # beginnings: heads of other tasks


class Encoder(NamedTuple):
    """An encoder: its weights and its vocabulary."""

    weights: EncoderWeights
    tokenizer: WordPieces


def read_encoder(folder: str | Path) -> Encoder:
    """Read an encoder from a local folder; nothing in it is run.

    Parameters
    ----------
    folder : str or Path
        With `config.json`, `model.safetensors`, and `tokenizer.json` or `vocab.txt`; `1_Pooling/config.json` and
        `tokenizer_config.json` are used where they are there.

    Raises
    ------
    InputError
        For what is missing, of another architecture, or not what it says.
    """
    folder = Path(folder)
    for name in _FILES:
        if not (folder / name).is_file():
            raise InputError(f"encoder {folder}: there is no {name}; a folder of an encoder has {', '.join(_FILES)}")
    config, tokenizer = _read_config(folder), _read_tokenizer(folder)
    if len(tokenizer.pieces) > config.vocabulary:
        raise InputError(f"encoder {folder}: {len(tokenizer.pieces)} pieces; allowed: at most {config.vocabulary}")
    return Encoder(EncoderWeights(config, _read_arrays(folder / "model.safetensors", config)), tokenizer)


def _read_config(folder: Path) -> EncoderConfig:
    """Return the sizes of an encoder."""
    values = _read_json(folder / "config.json")
    architecture, activation = values.get("model_type"), values.get("hidden_act", "gelu")
    if architecture not in ARCHITECTURES:
        allowed = ", ".join(ARCHITECTURES)
        raise InputError(f"{folder / 'config.json'}: model_type is {architecture!r:.40}; allowed: {allowed}")
    if activation != "gelu":
        raise InputError(f"{folder / 'config.json'}: hidden_act is {activation!r:.40}; allowed: gelu")
    if (positions := values.get("position_embedding_type", "absolute")) != "absolute":
        raise InputError(f"{folder / 'config.json'}: position_embedding_type is {positions!r:.40}; allowed: absolute")

    sizes: dict[str, Any] = {name: values.get(key) for name, key in _CONFIG.items()}
    is_bert = architecture == "bert"
    sizes["token_types"] = values.get("type_vocab_size", 2) if is_bert else 0
    sizes["relative_buckets"] = 0 if is_bert else values.get("relative_attention_num_buckets", 32)
    pooling = folder / "1_Pooling" / "config.json"
    by_first = pooling.is_file() and _read_json(pooling).get("pooling_mode_cls_token") is True
    eps = values.get("layer_norm_eps", 1e-12)
    try:
        return EncoderConfig(architecture, **sizes, layer_norm_eps=eps, pooling="cls" if by_first else "mean")
    except InputError as error:
        raise InputError(f"{folder / 'config.json'}: {error}") from error


def _read_arrays(file: Path, config: EncoderConfig) -> dict[str, np.ndarray]:
    """Return the arrays by our names; raise `InputError` for one that is missing or that no such encoder has."""
    stored, shapes = SafetensorsFile(file), config.shapes()
    prefix = (
        f"{config.architecture}." if any(name.startswith(f"{config.architecture}.") for name in stored.entries) else ""
    )
    names = {ours: prefix + stored_name(ours, config.architecture) for ours in shapes}
    known = set(names.values())
    for name in stored.entries:
        if name not in known and not name.removeprefix(prefix).startswith(_UNUSED):
            raise InputError(f"{file}: {name!r:.80} is no array of {config.architecture}")
    if missing := [name for name in names.values() if name not in stored.entries]:
        raise InputError(f"{file}: there is no {missing[0]}")
    stored.check_overlap()
    return {ours: stored.read(name, shapes[ours]) for ours, name in names.items()}


def stored_name(ours: str, architecture: str) -> str:
    """Return the name of an array in the files of the hub.

    Examples
    --------
    >>> stored_name("layer.0.attention_norm.bias", "mpnet")
    'encoder.layer.0.attention.LayerNorm.bias'
    """
    names = _NAMES[architecture] | _COMMON
    if ours.startswith("layer."):
        _, layer, name, part = ours.split(".")
        return f"encoder.layer.{layer}.{names[name]}.{part}"
    return f"embeddings.LayerNorm.{ours.removeprefix('norm.')}" if ours.startswith("norm.") else names[ours]


def _read_tokenizer(folder: Path) -> WordPieces:
    """Return the vocabulary, of `tokenizer.json` where it is there."""
    file = folder / "tokenizer.json"
    try:
        if file.is_file():
            return _from_tokenizer_json(_read_json(file))
        file = folder / "vocab.txt"
        if not file.is_file():
            raise InputError("there is neither tokenizer.json nor vocab.txt")
        options = folder / "tokenizer_config.json"
        values = _read_json(options) if options.is_file() else {}
        lowercase, strip = values.get("do_lower_case", True), values.get("strip_accents")
        return WordPieces(tuple(_read_text(file).removesuffix("\n").split("\n")), lowercase is not False, _flag(strip))
    except InputError as error:
        raise InputError(f"{file}: {error}") from error


def _from_tokenizer_json(values: dict[str, Any]) -> WordPieces:
    """Return the vocabulary of a `tokenizer.json`: of the type WordPiece, with BERT's normalisation."""
    model, normalizer = values.get("model"), values.get("normalizer")
    kind = model.get("type", "WordPiece") if isinstance(model, dict) else None
    if not isinstance(model, dict) or kind != "WordPiece":
        raise InputError(f"the tokenizer is {kind!r:.40}; allowed: WordPiece")
    if not isinstance(normalizer, dict) or normalizer.get("type") != "BertNormalizer":
        raise InputError("the normalizer is not BertNormalizer")
    splitter = values.get("pre_tokenizer", {"type": "BertPreTokenizer"})
    if not isinstance(splitter, dict) or splitter.get("type") != "BertPreTokenizer":
        raise InputError("the pre_tokenizer is not BertPreTokenizer")
    if (prefix := model.get("continuing_subword_prefix", "##")) != "##":
        raise InputError(f"continuing_subword_prefix is {prefix!r:.40}; allowed: ##")
    ids, added = model.get("vocab"), values.get("added_tokens")
    if not isinstance(ids, dict) or not isinstance(added, list | None):
        raise InputError("there is no vocabulary")
    ids = ids | {str(entry.get("content")): entry.get("id") for entry in added or () if isinstance(entry, dict)}
    by_id = {number: piece for piece, number in ids.items() if type(number) is int and isinstance(piece, str)}
    if sorted(by_id) != list(range(len(ids))):
        raise InputError("the ids of the vocabulary are not 0, 1, 2 ...")
    lowercase = normalizer.get("lowercase", True) is not False
    return WordPieces(
        tuple(by_id[number] for number in range(len(by_id))), lowercase, _flag(normalizer.get("strip_accents"))
    )


def _flag(value: object) -> bool | None:
    """Return True or False, and None for anything else."""
    return value if isinstance(value, bool) else None


def _read_text(file: Path) -> str:
    """Return the text of a file of a sane size; raise `InputError` for another."""
    if file.stat().st_size > _MAX_JSON:
        raise InputError(f"{file} is larger than {_MAX_JSON} bytes")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{file} is not UTF-8: {error.reason}") from error


def _read_json(file: Path) -> dict[str, Any]:
    """Return the object in a JSON file; raise `InputError` for anything else."""
    text = _read_text(file)
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise (
            error if isinstance(error, InputError) else InputError(f"{file} is not JSON: {one_line(error, 80)}")
        ) from error
    if not isinstance(values, dict):
        raise InputError(f"{file} does not hold an object")
    return values
