"""Arrays to and from Arrow.

`pa.array`, `pa.scalar` and `to_numpy` import pandas, which takes longer than predicting; these do not.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def strings(terms: pa.BinaryArray) -> list[str]:
    """Give terms as Python strings."""
    return [term.decode("utf-8", "surrogatepass") for term in terms.to_pylist()]


def binaries(terms: Iterable[str]) -> pa.BinaryArray:
    """Give strings as Arrow's UTF-8 bytes, lone surrogates passed through."""
    encoded = [term.encode("utf-8", "surrogatepass") for term in terms]
    return to_binary(ends(encoded), b"".join(encoded))


def ends(texts: Sequence[str] | Sequence[bytes]) -> Ints:
    """Give where each text ends when one stands after the other, after a 0."""
    return np.cumsum(np.concatenate([[0], np.fromiter(map(len, texts), np.int64, len(texts))]))


def to_binary(offsets: Ints, data: bytes | NDArray[np.uint8]) -> pa.BinaryArray:
    """Give bytes cut at offsets as Arrow's."""
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(data)]
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, buffers)


def to_arrow(numbers: Ints) -> pa.Int64Array:
    """Give numbers as Arrow's."""
    return pa.Array.from_buffers(pa.int64(), len(numbers), [None, pa.py_buffer(np.ascontiguousarray(numbers))])


def to_numpy(array: pa.Array) -> Ints:
    """Give Arrow's numbers as int64."""
    return np.from_dlpack(array).astype(np.int64, copy=False)


def find_places(values: pa.Array, wanted: pa.Array) -> Ints:
    """Give the place of each wanted value among distinct values, -1 where it is not one of them."""
    return to_numpy(pc.coalesce(pc.index_in(wanted, value_set=values), to_arrow(np.array([-1]))[0]))
