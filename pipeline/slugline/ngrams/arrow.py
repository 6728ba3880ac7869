"""Conversions between NumPy arrays, Python strings and Arrow arrays.

PyArrow's own `pa.array`, `pa.scalar` and `to_numpy` import pandas, which takes longer than predicting; these do not.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def decode_terms(terms: pa.BinaryArray) -> list[str]:
    """Return UTF-8 terms as Python strings."""
    return [term.decode("utf-8", "surrogatepass") for term in terms.to_pylist()]


def encode_terms(terms: Iterable[str]) -> pa.BinaryArray:
    """Return strings as UTF-8 bytes; lone surrogates are passed through."""
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    return binary_array(cumulative_lengths(encoded), b"".join(encoded))


def cumulative_lengths(texts: Sequence[str] | Sequence[bytes]) -> Ints:
    """Return 0 and then the total length of the texts up to each one, shape (texts + 1,)."""
    return np.cumsum(np.concatenate([[0], np.fromiter(map(len, texts), np.int64, len(texts))]))


def binary_array(offsets: Ints | NDArray[np.int32], data: bytes | NDArray[np.uint8]) -> pa.BinaryArray:
    """Return bytes cut at offsets (items + 1) as an Arrow array."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def to_arrow(numbers: Ints) -> pa.Int64Array:
    """Return integers as an Arrow array."""
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))])


def to_numpy(array: pa.Array) -> Ints:
    """Return an Arrow array of integers as int64."""
    return np.from_dlpack(array).astype(np.int64, copy=False)


def index_in(values: pa.Array, wanted: pa.Array) -> Ints:
    """Return the index of each wanted value among distinct values, -1 where it is missing."""
    missing = to_arrow(np.array([-1]))[0]
    return to_numpy(pc.coalesce(pc.index_in(wanted, value_set=values), missing))
