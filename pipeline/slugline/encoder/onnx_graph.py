"""An ONNX graph, written as the few messages of protobuf that it needs: https://onnx.ai/onnx/api/classes.html.

Graphs are made here and never read, so the `onnx` package would be one more dependency for these lines.
"""

import struct
from collections.abc import Sequence

import numpy as np

_IR_VERSION = 9
OPSETS = {"": 20, "com.microsoft": 1}
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7}


class Graph:
    """Collects the nodes and constants of a graph; each node has one output, known by its name."""

    def __init__(self) -> None:
        self._nodes: list[bytes] = []
        self._constants: dict[str, bytes] = {}

    def constant(self, name: str, array: np.ndarray) -> str:
        """Add an array under a name, once; return the name."""
        if name not in self._constants:
            dims = b"".join(_number(1, int(size)) for size in array.shape)
            kind = _number(2, _TYPES[array.dtype.name])
            self._constants[name] = dims + kind + _field(8, name) + _field(9, array.tobytes())
        return name

    def node(self, operator: str, inputs: Sequence[str], *, domain: str = "", **attributes: int | float) -> str:
        """Add a node; return the name of its output."""
        output = f"_{len(self._nodes)}"
        parts = [_field(1, name) for name in inputs] + [_field(2, output), _field(4, operator), _field(7, domain)]
        parts += [_field(5, _attribute(name, value)) for name, value in attributes.items()]
        self._nodes.append(b"".join(parts))
        return output

    def serialize(self, inputs: dict[str, int], output: str) -> bytes:
        """Return the model in bytes; `inputs` are names of float32 arrays and their numbers of dimensions."""
        parts = [_field(1, node) for node in self._nodes] + [_field(2, "encoder")]
        parts += [_field(5, constant) for constant in self._constants.values()]
        parts += [_field(11, _value(name, rank)) for name, rank in inputs.items()] + [_field(12, _value(output, None))]
        opsets = [_field(8, _field(1, domain) + _number(2, version)) for domain, version in OPSETS.items()]
        return _number(1, _IR_VERSION) + _field(7, b"".join(parts)) + b"".join(opsets)


def _value(name: str, rank: int | None) -> bytes:
    """Return the message of an input or output of float32, its dimensions of any size."""
    shape = b"" if rank is None else _field(2, b"".join(_field(1, b"") for _ in range(rank)))
    return _field(1, name) + _field(2, _field(1, _number(1, _TYPES["float32"]) + shape))


def _attribute(name: str, value: int | float) -> bytes:
    """Return the message of an attribute."""
    if isinstance(value, float):
        return _field(1, name) + b"\x15" + struct.pack("<f", value) + _number(20, 1)
    return _field(1, name) + _number(3, value) + _number(20, 2)


def _field(number: int, content: bytes | str) -> bytes:
    """Return a field of text, bytes or an inner message."""
    content = content.encode() if isinstance(content, str) else content
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    """Return a field of a whole number."""
    return _varint(number << 3) + _varint(value & (1 << 64) - 1)


def _varint(value: int) -> bytes:
    """Return a number in groups of 7 bits, the lowest first."""
    groups = bytearray()
    while value > 0x7F:
        groups.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*groups, value])
