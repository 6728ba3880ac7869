"""What stages made, kept in memory from one training to the next in the same process."""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from sys import getsizeof
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from scipy.sparse import csr_array

Made = TypeVar("Made")


class Memory:
    """Keep what was made up to a size in bytes; beyond, what was not used for longest goes.

    What is recalled is the same object again, so nobody may change it.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[str, tuple[Any, int]] = OrderedDict()

    def recall(self, key: str, make: Callable[[], Made]) -> Made:
        """Return what is kept under a key, else make it and keep it."""
        if key in self._entries:
            self._entries.move_to_end(key)
            kept: Made = self._entries[key][0]
            return kept
        made = make()
        self._entries[key] = (made, count_bytes(made))
        while sum(size for _, size in self._entries.values()) > self.max_bytes:
            self._entries.popitem(last=False)
        return made

    def clear(self) -> None:
        """Forget everything."""
        self._entries.clear()


def count_bytes(value: Any) -> int:
    """Return how much memory a value takes: frames, arrays and sparse matrices, and what holds them."""
    if isinstance(value, pd.DataFrame):
        return int(value.memory_usage(deep=True).sum())
    if isinstance(value, csr_array):
        return count_bytes([value.data, value.indices, value.indptr])
    if isinstance(value, np.ndarray):
        return int(value.nbytes)
    if isinstance(value, Mapping):
        return getsizeof(value) + sum(map(count_bytes, value.values()))
    if isinstance(value, list | tuple):
        return getsizeof(value) + sum(map(count_bytes, value))
    if is_dataclass(value):
        return sum(count_bytes(getattr(value, field.name)) for field in fields(value))
    return getsizeof(value)
