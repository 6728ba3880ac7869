"""Arrays from a safetensors file that a stranger may have written: https://github.com/huggingface/safetensors#format.

A header of 8 bytes and JSON, then the numbers. Nothing in it can run; sizes are checked before memory is allocated.
"""

import json
import math
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from slugline.errors import InputError, one_line

_MAX_HEADER = 8 << 20  # bytes
_TYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F16": np.dtype("<f2"), "BF16": np.dtype("<u2")}


class SafetensorsFile:
    """The names in a safetensors file, and its arrays as float32, read when they are asked for.

    Raises `InputError` for a file that is not one.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            self._start = 8 + size
            self._bytes = file.stat().st_size - self._start
            self._check(2 <= size <= _MAX_HEADER and self._bytes >= 0, f"a header of {size} bytes")
            try:
                header = json.loads(stream.read(size))
            except (ValueError, RecursionError) as error:
                raise InputError(f"{file}: the header is not JSON: {one_line(error, 80)}") from error
        self._check(isinstance(header, dict), "the header is no object")
        header.pop("__metadata__", None)
        self.entries: Mapping[str, Any] = header

    def check_overlap(self) -> None:
        """Raise `InputError` where arrays share bytes: a small file could fill the memory with many of these."""
        offsets: list[Any] = [entry.get("data_offsets") for entry in self.entries.values() if isinstance(entry, dict)]
        spans = sorted(span for span in offsets if _is_span(span))
        self._check(all(end <= start for (_, end), (start, _) in pairwise(spans)), "arrays overlap")

    def read(self, name: str, shape: tuple[int, ...]) -> np.ndarray:
        """Return an array as float32; raise `InputError` unless it has this shape and an allowed type."""
        entry = self.entries[name]
        self._check(isinstance(entry, dict), f"{name} is no object")
        kind, found, offsets = (entry.get(key) for key in ("dtype", "shape", "data_offsets"))
        is_known = isinstance(kind, str) and kind in _TYPES
        self._check(is_known, f"{name} has type {kind!r:.40}; allowed: {', '.join(_TYPES)}")
        self._check(found == list(shape), f"{name} has shape {found!r:.60}; allowed: {list(shape)}")
        dtype, count = _TYPES[kind], math.prod(shape)
        fits = _is_span(offsets) and offsets[0] >= 0 and offsets[1] - offsets[0] == count * dtype.itemsize
        is_inside = fits and offsets[1] <= self._bytes
        self._check(is_inside, f"{name} has offsets {offsets!r:.60}, which do not fit its shape and the file")

        array: np.ndarray = np.fromfile(self._file, dtype, count, offset=self._start + offsets[0]).reshape(shape)
        if kind == "BF16":  # the upper half of a float32
            return (array.astype(np.uint32) << 16).view(np.float32)
        return array.astype(np.float32, copy=False)

    def _check(self, holds: bool, problem: str) -> None:
        """Raise `InputError` with the file and the problem unless a condition holds."""
        if not holds:
            raise InputError(f"{self._file}: {problem}")


def _is_span(offsets: Any) -> bool:
    """Tell whether offsets are two whole numbers."""
    return isinstance(offsets, list) and len(offsets) == 2 and all(type(one) is int for one in offsets)
