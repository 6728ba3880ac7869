"""Work on chunks of text, in threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa

from slugline.ngrams.arrow import ends

T = TypeVar("T")
CHUNK = 1 << 21  # characters of text that one thread works on at a time


def cut_texts(texts: Sequence[str]) -> list[Sequence[str]]:
    """Cut texts into one or more chunks of like size, of about `CHUNK` characters at most."""
    after = ends(texts)
    cuts = np.linspace(0, after[-1], -(-int(after[-1]) // CHUNK) + 1)[1:-1]
    bounds = sorted({0, *np.searchsorted(after, cuts).tolist(), len(texts)})
    return [texts[begin:end] for begin, end in pairwise(bounds)] or [texts]


def each(function: Callable[..., T], *columns: Iterable[Any]) -> list[T]:
    """Map a function over rows of arguments, on several threads if there are several rows."""
    rows = list(zip(*columns, strict=True))
    threads = min(pa.cpu_count(), len(rows))
    if threads < 2:
        return [function(*row) for row in rows]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda row: function(*row), rows))
