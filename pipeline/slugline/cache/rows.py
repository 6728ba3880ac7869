"""Rows of numbers of texts, kept by the digest of each text: what is new is made, and no more."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

import numpy as np
import pyarrow as pa
from filelock import FileLock

from slugline.cache.entries import load, prune, store
from slugline.cache.keys import Key, digest_key
from slugline.cache.stages import Folder, Off

_DIGEST = 16  # bytes


def recall_rows(
    cache: Folder | Off, stage: str, key: Key, texts: Sequence[str], make: Callable[[list[str]], np.ndarray]
) -> np.ndarray:
    """Return a row for each text, from the cache where it is there.

    Parameters
    ----------
    cache : Folder or Off
        Where rows are kept.
    stage : str
        A folder of the cache.
    key : mapping of str to str
        All that decides a row besides its text.
    texts : sequence of str
        n texts.
    make : callable
        Makes the rows of distinct texts, shape (texts, numbers).

    Returns
    -------
    ndarray of shape (n, numbers)
    """
    digests = [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_DIGEST).digest() for text in texts]
    text_by_digest = dict(zip(digests, texts, strict=True))
    if isinstance(cache, Off):
        return _arrange(digests, list(text_by_digest), make(list(text_by_digest.values())))
    entry = Path(cache.path) / stage / digest_key(key)
    try:
        entry.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(f"{entry}.lock").acquire()
    except OSError:
        return _arrange(digests, list(text_by_digest), make(list(text_by_digest.values())))

    with lock:
        values = load(entry) or {}
        known, rows = _read(values.get("digests"), values.get("rows"))
        seen = set(known)
        if missing := [one for one in text_by_digest if one not in seen]:
            made = make([text_by_digest[one] for one in missing])
            if rows is not None and (rows.nbytes + made.nbytes) > cache.max_gigabytes * 5e8:  # half of the cache
                kept = np.array([one in text_by_digest for one in known], bool)
                known, rows = [one for one in known if one in text_by_digest], rows[kept]
            known, rows = known + missing, made if rows is None else np.concatenate([rows, made])
            with suppress(OSError, pa.ArrowException):  # a full disk: they are made again
                store(entry, key, {"digests": np.frombuffer(b"".join(known), np.uint8), "rows": rows})
    prune(Path(cache.path), int(cache.max_gigabytes * 1e9), entry)
    return np.empty((0, 0), np.float32) if rows is None else _arrange(digests, known, rows)


def _read(digests: object, rows: object) -> tuple[list[bytes], np.ndarray | None]:
    """Return the digests and rows of an entry; nothing where they do not fit each other."""
    if not isinstance(digests, np.ndarray) or not isinstance(rows, np.ndarray) or rows.ndim != 2:
        return [], None
    data = digests.tobytes()
    known = [data[start : start + _DIGEST] for start in range(0, len(data), _DIGEST)]
    return (known, rows) if len(known) == len(rows) else ([], None)


def _arrange(digests: Sequence[bytes], known: Sequence[bytes], rows: np.ndarray) -> np.ndarray:
    """Return the row of each digest."""
    place = {one: number for number, one in enumerate(known)}
    return rows[np.array([place[one] for one in digests], np.intp)]
