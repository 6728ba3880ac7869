"""An encoder as a network that PyTorch can train, built of our own arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from slugline.encoder import EncoderWeights
from slugline.encoder.running import position_bias
from slugline.errors import InputError
from slugline.finetune.settings import FineTuning

OUTPUT_WEIGHT, OUTPUT_BIAS = "topics.weight", "topics.bias"  # of the layer above the encoder


def import_torch() -> Any:
    """Return the `torch` module; raise `InputError` that names the extra where it is not installed."""
    try:
        import torch
    except ImportError as error:
        raise InputError(
            'features=encoder_finetuned needs PyTorch, whose CPU build will do: pip install "slugline[finetune]"'
        ) from error
    return torch


class Network:
    """An encoder with a linear layer above it, which gives a log-odds per topic.

    Parameters
    ----------
    weights : EncoderWeights
        Where training begins.
    n_topics : int
        The number of topics; their layer begins with zeros, and `Training` sets its bias.
    options : FineTuning
        Of which `frozen_layers` and `dropout` are used; dropout comes after each part of a layer and before the topics.
    """

    def __init__(self, weights: EncoderWeights, n_topics: int, options: FineTuning) -> None:
        self._torch = import_torch()
        self._weights, self._config, self._options, self.n_topics = weights, weights.config, options, n_topics
        self._device = "cuda" if self._torch.cuda.is_available() else "cpu"
        new = {
            OUTPUT_WEIGHT: np.zeros((n_topics, self._config.hidden), np.float32),
            OUTPUT_BIAS: np.zeros(n_topics, np.float32),
        }
        # A copy: the arrays may be read-only, and are not ours
        self._arrays: dict[str, Any] = {
            name: self._torch.tensor(array, device=self._device) for name, array in {**weights.arrays, **new}.items()
        }
        for array in self.trained.values():
            array.requires_grad_()

    @property
    def trained(self) -> dict[str, Any]:
        """The arrays that are trained, by name."""
        frozen = tuple(f"layer.{number}." for number in range(self._options.frozen_layers))
        return {
            name: array
            for name, array in self._arrays.items()
            if name.startswith(("layer.", "topics.")) and not name.startswith(frozen)
        }

    def log_odds(self, tokens: Sequence[Sequence[int]], *, train: bool = False) -> Any:
        """Return a log-odds per topic for a batch of tokenized sentences, a tensor (sentences, topics)."""
        torch = self._torch
        dropout = self._options.dropout if train else 0.0
        vectors = torch.nn.functional.normalize(self._pool(tokens, dropout))
        vectors = torch.nn.functional.dropout(vectors * self._config.hidden**0.5, dropout)
        return vectors @ self._arrays[OUTPUT_WEIGHT].T + self._arrays[OUTPUT_BIAS]

    def _pool(self, tokens: Sequence[Sequence[int]], dropout: float) -> Any:
        """Return the vector of each sentence."""
        torch, arrays = self._torch, self._arrays
        lengths = torch.tensor([len(ids) for ids in tokens], device=self._device)
        padded = np.zeros((len(tokens), int(lengths.max())), np.int64)
        for row, ids in zip(padded, tokens, strict=True):
            row[: len(ids)] = ids
        positions = torch.arange(padded.shape[1], device=self._device)
        is_token = positions < lengths[:, None]

        hidden = arrays["word"][torch.from_numpy(padded).to(self._device)]
        hidden = hidden + arrays["position"][self._config.first_position + positions]
        if "token_type" in arrays:
            hidden = hidden + arrays["token_type"][0]
        hidden = self._norm(hidden, "norm")
        mask = torch.where(is_token, 0.0, -torch.inf)[:, None, None, :]
        if "relative_bias" in arrays:
            rows = np.arange(self._config.relative_buckets)[:, None]
            buckets = torch.from_numpy(position_bias(rows, padded.shape[1])[0, 0]).to(self._device)
            mask = mask + arrays["relative_bias"][buckets].permute(2, 0, 1)
        for number in range(self._config.layers):
            is_trained = number >= self._options.frozen_layers
            with torch.set_grad_enabled(torch.is_grad_enabled() and is_trained):
                hidden = self._layer(hidden, mask, f"layer.{number}", dropout if is_trained else 0.0)
        if self._config.pooling == "cls":
            return hidden[:, 0]
        return (hidden * is_token[:, :, None]).sum(1) / lengths[:, None]

    def _layer(self, hidden: Any, mask: Any, name: str, dropout: float) -> Any:
        """Return what a layer makes of (sentences, tokens, hidden)."""
        functional = self._torch.nn.functional
        by_head = (*hidden.shape[:2], self._config.heads, -1)
        query, key, value = (
            self._map(hidden, f"{name}.{part}").view(by_head).transpose(1, 2) for part in ("query", "key", "value")
        )
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)
        attended = self._map(attended.transpose(1, 2).reshape(hidden.shape), f"{name}.attention")
        hidden = self._norm(hidden + functional.dropout(attended, dropout), f"{name}.attention_norm")
        inner = functional.gelu(self._map(hidden, f"{name}.intermediate"))
        outer = functional.dropout(self._map(inner, f"{name}.output"), dropout)
        return self._norm(hidden + outer, f"{name}.output_norm")

    def _map(self, X: Any, name: str) -> Any:
        """Return a linear map of the last axis."""
        return self._torch.nn.functional.linear(X, self._arrays[f"{name}.weight"], self._arrays[f"{name}.bias"])

    def _norm(self, X: Any, name: str) -> Any:
        """Return the last axis normalised."""
        weight, bias = self._arrays[f"{name}.weight"], self._arrays[f"{name}.bias"]
        return self._torch.nn.functional.layer_norm(X, weight.shape, weight, bias, self._config.layer_norm_eps)

    def set_arrays(self, arrays: Mapping[str, Any]) -> None:
        """Take other arrays, of PyTorch or NumPy, for those that are trained."""
        with self._torch.no_grad():
            for name, array in arrays.items():
                self._arrays[name].copy_(self._torch.as_tensor(array))

    def encoder(self) -> EncoderWeights:
        """Return the encoder, without the layer of the topics."""
        trained = self.trained_arrays()
        arrays = {name: trained.get(name, array) for name, array in self._weights.arrays.items()}
        return EncoderWeights(self._config, arrays)

    def projection(self) -> tuple[np.ndarray, np.ndarray]:
        """Return what makes log-odds of vectors of length 1: a matrix (topics, hidden) and an offset (topics,)."""
        arrays = self.trained_arrays()
        return arrays[OUTPUT_WEIGHT] * np.float32(self._config.hidden**0.5), arrays[OUTPUT_BIAS]

    def trained_arrays(self) -> dict[str, np.ndarray]:
        """Return the arrays that are trained as NumPy's."""
        return {name: array.detach().cpu().numpy().copy() for name, array in self.trained.items()}
