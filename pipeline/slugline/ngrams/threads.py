"""Work on chunks of text in threads."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from slugline.ngrams.arrow import cumulative_lengths

T = TypeVar("T")
CHUNK_CHARACTERS = 1 << 21  # how much text one thread works on at a time


def split_texts(texts: Sequence[str]) -> list[Sequence[str]]:
    """Split texts into one or more chunks of similar size, of about `CHUNK_CHARACTERS` each at most."""
    ends = cumulative_lengths(texts)
    chunks = -(-int(ends[-1]) // CHUNK_CHARACTERS)
    targets = np.linspace(0, ends[-1], chunks + 1)[1:-1]
    bounds = sorted({0, *np.searchsorted(ends, targets).tolist(), len(texts)})
    return [texts[begin:end] for begin, end in pairwise(bounds)] or [texts]


def map_threads(function: Callable[..., T], *columns: Iterable[Any]) -> list[T]:
    """Map a function over rows of arguments, on several threads if there are several rows."""
    rows = list(zip(*columns, strict=True))
    threads = min(pa.cpu_count(), len(rows))
    if threads < 2:
        return [function(*row) for row in rows]

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda row: function(*row), rows))
