"""The layers of BERT and MPNet, written once, and the two that run them: NumPy, and onnxruntime by a graph made here.

Sentences of exactly the same length are run together, so nothing is padded and nothing depends on the neighbours in a
batch. In int8, weights have a scale for each row and 7 bits, so that no processor's sums of products overflow, and
each token's activations have a scale of their own: what is usual, one for the whole batch, would let neighbours in.
"""

import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from slugline.encoder.onnx_graph import Graph
from slugline.encoder.weights import EncoderWeights

_CONTRIB = "com.microsoft"
_ZERO = np.uint8(128)  # what stands for 0 in activations
_STEPS = np.float32(127)
# After GELU nothing is below -0.17: a zero that is lower leaves more steps to what is above it
_GELU_ZERO, _GELU_STEPS, _GELU_LEAST = np.uint8(10), np.float32(245), np.float32(0.017)
_TINY = np.float32(1e-12)  # the least scale, of a token of zeros

Run = Callable[[np.ndarray, np.ndarray | None], np.ndarray]


class _Operations(Protocol):
    """What a network is written in; a value is an array, or the name of one in a graph."""

    def linear(self, x: Any, names: Sequence[str], *, is_gelu: bool = False) -> list[Any]:
        """Return the products of `x` with several weights, without biases."""

    def attention(self, qkv: Sequence[Any], prefix: str) -> Any:
        """Return the attention of several heads, biases of queries, keys and values added before."""

    def add_norm(self, x: Any, product: Any, name: str, norm: str) -> Any:
        """Return the normalised sum of `x`, a product, and the bias that belongs to it."""

    def norm(self, x: Any, norm: str) -> Any:
        """Return normalised tokens."""

    def gelu(self, product: Any, name: str) -> Any:
        """Return the activation of a product, its bias added before."""


def _apply_layers(operations: _Operations, x: Any, layers: int) -> Any:
    """Return the last hidden states for the sums of embeddings."""
    x = operations.norm(x, "norm")
    for layer in range(layers):
        prefix = f"layer.{layer}."
        qkv = operations.linear(x, [prefix + name for name in ("query", "key", "value")])
        (product,) = operations.linear(operations.attention(qkv, prefix), [prefix + "attention"])
        x = operations.add_norm(x, product, prefix + "attention", prefix + "attention_norm")
        (product,) = operations.linear(x, [prefix + "intermediate"])
        inner = operations.gelu(product, prefix + "intermediate")
        (product,) = operations.linear(inner, [prefix + "output"], is_gelu=True)
        x = operations.add_norm(x, product, prefix + "output", prefix + "output_norm")
    return x


class _InNumPy:
    """Computes at once."""

    def __init__(self, weights: EncoderWeights, position_bias: np.ndarray | None) -> None:
        self._config, self._arrays, self._bias = weights.config, weights.arrays, position_bias

    def linear(self, x: np.ndarray, names: Sequence[str], *, is_gelu: bool = False) -> list[np.ndarray]:
        weights = [self._arrays[f"{name}.weight"] for name in names]
        if weights[0].dtype == np.float32:
            return [x @ weight.T for weight in weights]
        if is_gelu:
            zero, scale = np.float32(_GELU_ZERO), np.maximum(x.max(-1, keepdims=True) / _GELU_STEPS, _GELU_LEAST)
        else:
            zero, scale = np.float32(_ZERO), np.maximum(np.abs(x).max(-1, keepdims=True) / _STEPS, _TINY)
        steps = np.clip(np.rint(x / scale) + zero, 0, 255) - zero
        scales = [self._arrays[f"{name}.weight.scale"] for name in names]
        return [steps @ w.T.astype(np.float32) * s * scale for w, s in zip(weights, scales, strict=True)]

    def attention(self, qkv: Sequence[np.ndarray], prefix: str) -> np.ndarray:
        n, length, hidden = qkv[0].shape
        heads = self._config.heads
        biases = [self._arrays[f"{prefix}{name}.bias"] for name in ("query", "key", "value")]
        q, k, v = (
            (product + bias).reshape(n, length, heads, -1).transpose(0, 2, 1, 3)
            for product, bias in zip(qkv, biases, strict=True)
        )
        logits = q @ k.transpose(0, 1, 3, 2) / np.float32(np.sqrt(hidden // heads))
        logits = logits if self._bias is None else logits + self._bias
        weights = np.exp(logits - logits.max(-1, keepdims=True))
        weights /= weights.sum(-1, keepdims=True)
        return np.asarray((weights @ v).transpose(0, 2, 1, 3).reshape(n, length, hidden))

    def add_norm(self, x: np.ndarray, product: np.ndarray, name: str, norm: str) -> np.ndarray:
        return self.norm(x + (product + self._arrays[f"{name}.bias"]), norm)

    def norm(self, x: np.ndarray, norm: str) -> np.ndarray:
        x = x - x.mean(-1, keepdims=True)
        x /= np.sqrt((x * x).mean(-1, keepdims=True) + np.float32(self._config.layer_norm_eps))
        return np.asarray(x * self._arrays[f"{norm}.weight"] + self._arrays[f"{norm}.bias"])

    def gelu(self, product: np.ndarray, name: str) -> np.ndarray:
        from scipy.special import erf

        x = product + self._arrays[f"{name}.bias"]
        return np.asarray(x * np.float32(0.5) * (erf(x * np.float32(np.sqrt(0.5))) + np.float32(1)))


class _InGraph:
    """Adds to a graph; all values are of shape (tokens, length of a vector)."""

    def __init__(self, weights: EncoderWeights, graph: Graph, position_bias: str) -> None:
        self._config, self._arrays, self._graph = weights.config, weights.arrays, graph
        self._bias = position_bias
        self._shape = graph.node("Shape", ["x"])
        self.rows = graph.constant("rows", np.array([-1, weights.config.hidden], np.int64))

    def linear(self, x: str, names: Sequence[str], *, is_gelu: bool = False) -> list[str]:
        node, weights = self._graph.node, [self._arrays[f"{name}.weight"] for name in names]
        constants = [self._constant(f"{name}.weight", weight.T) for name, weight in zip(names, weights, strict=True)]
        if weights[0].dtype == np.float32:
            return [node("MatMul", [x, weight]) for weight in constants]

        steps, scale, zero = self._quantize(x, is_gelu=is_gelu)
        one = self._constant("one", np.float32(1))
        products = []
        for name, weight in zip(names, constants, strict=True):
            own = self._constant(f"{name}.weight.scale")
            product = node("MatMulIntegerToFloat", [steps, weight, one, own, zero], domain=_CONTRIB)
            products.append(node("Mul", [product, scale]))
        return products

    def _quantize(self, x: str, *, is_gelu: bool) -> tuple[str, str, str]:
        """Return whole numbers (tokens, ...), the scale of each token (tokens, 1), and what stands for 0."""
        node, last = self._graph.node, self._constant("last", np.array([1], np.int64))
        largest = node("ReduceMax", [x, last], keepdims=0)
        if is_gelu:
            zero, steps, least = _GELU_ZERO, _GELU_STEPS, _GELU_LEAST
        else:
            zero, steps, least = _ZERO, _STEPS, _TINY
            largest = node("Max", [largest, node("Neg", [node("ReduceMin", [x, last], keepdims=0)])])
        kind = "gelu." if is_gelu else ""
        scale = node("Div", [largest, self._constant(f"{kind}steps", steps)])
        scale = node("Max", [scale, self._constant(f"{kind}least", least)])
        zero_name = self._constant(f"{kind}zero", zero)
        zeros = node("Expand", [zero_name, node("Shape", [scale])])
        return node("QuantizeLinear", [x, scale, zeros], axis=0), node("Unsqueeze", [scale, last]), zero_name

    def attention(self, qkv: Sequence[str], prefix: str) -> str:
        node = self._graph.node
        bias = np.concatenate([self._arrays[f"{prefix}{name}.bias"] for name in ("query", "key", "value")])
        inputs = [node("Reshape", [product, self._shape]) for product in qkv]
        inputs += [self._constant(f"{prefix}qkv.bias", bias), "", self._bias]
        attended = node("MultiHeadAttention", inputs, domain=_CONTRIB, num_heads=self._config.heads)
        return node("Reshape", [attended, self.rows])

    def add_norm(self, x: str, product: str, name: str, norm: str) -> str:
        inputs = [product, x, *(self._constant(part) for part in (f"{norm}.weight", f"{norm}.bias", f"{name}.bias"))]
        epsilon = float(self._config.layer_norm_eps)
        return self._graph.node("SkipLayerNormalization", inputs, domain=_CONTRIB, epsilon=epsilon)

    def norm(self, x: str, norm: str) -> str:
        inputs = [x, self._constant(f"{norm}.weight"), self._constant(f"{norm}.bias")]
        return self._graph.node("LayerNormalization", inputs, axis=-1, epsilon=float(self._config.layer_norm_eps))

    def gelu(self, product: str, name: str) -> str:
        return self._graph.node("BiasGelu", [product, self._constant(f"{name}.bias")], domain=_CONTRIB)

    def _constant(self, name: str, array: Any = None) -> str:
        """Add an array of the weights, or another, to the graph."""
        return self._graph.constant(name, self._arrays[name] if array is None else np.asarray(array))


def to_onnx(weights: EncoderWeights) -> bytes:
    """Return the layers as an ONNX model, from `x` (sentences, tokens, hidden), and `position_bias` where there is one.

    `x` are sums of embeddings; the output are the last hidden states, of the same shape.
    """
    graph = Graph()
    inputs = {"x": 3} | ({} if weights.config.architecture == "bert" else {"position_bias": 4})
    operations = _InGraph(weights, graph, "position_bias" if len(inputs) > 1 else "")
    states = _apply_layers(operations, graph.node("Reshape", ["x", operations.rows]), weights.config.layers)
    return graph.serialize(inputs, graph.node("Reshape", [states, graph.node("Shape", ["x"])]))


def run_in_onnxruntime(weights: EncoderWeights) -> Run:
    """Return a function that runs the layers in onnxruntime."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = int(os.environ.get("OMP_NUM_THREADS") or 0)  # 0: one a core
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3  # errors
    session = onnxruntime.InferenceSession(to_onnx(weights), options, providers=["CPUExecutionProvider"])

    def run(x: np.ndarray, position_bias: np.ndarray | None) -> np.ndarray:
        more = {} if position_bias is None else {"position_bias": position_bias}
        return np.asarray(session.run(None, {"x": x, **more})[0])

    return run


def run_in_numpy(weights: EncoderWeights) -> Run:
    """Return a function that runs the layers in NumPy: several times slower."""

    def run(x: np.ndarray, position_bias: np.ndarray | None) -> np.ndarray:
        return np.asarray(_apply_layers(_InNumPy(weights, position_bias), x, weights.config.layers))

    return run
