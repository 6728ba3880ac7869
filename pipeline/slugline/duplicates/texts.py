"""Texts that are copies of each other: exact ones by their template, near ones by MinHash.

Candidates are found by locality-sensitive hashing of MinHash signatures (Broder 1997; Leskovec, Rajaraman and Ullman,
Mining of Massive Datasets, chapter 3), which `rensa` makes, and verified by their true similarity.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing

if TYPE_CHECKING:
    from scipy.sparse import csr_array

HOW = ("near", "exact", "off")
SIMILAR = 0.57  # Jaccard similarity of near copies; why, see experiments/duplicates.py
_NUMBERS = re.compile(r"\d+(?: \d+)*")
_GRAM = 5  # characters
_PERMUTATIONS, _BANDS = 128, 32
_SEED = 0
_NEIGHBOURS = 8  # within a bucket, each text is compared with so many that follow it
_BLOCK = 20_000  # texts, and pairs, worked on at a time
_CODE_BITS = np.uint64(33)  # are cut off a hash, so that it fits the columns of a sparse matrix
_ODD = np.uint64(0x9E3779B97F4A7C15)  # 2^64 by the golden ratio: as a factor it spreads what differs over 64 bits


def check_how(how: object, key: str = "split.duplicates") -> None:
    """Raise `InputError` for what is no way to look for copies."""
    if how not in HOW:
        raise InputError(f"{key}={how}; allowed: {listing(HOW)}")


def template(text: str) -> str:
    """Return what exact copies have in common: the words in lower case, with 0 for each number.

    Examples
    --------
    >>> template("Police  arrested 1,200 people.") == template("police arrested 45 people")
    True
    """
    return _NUMBERS.sub("0", normal_form(text)) or text.strip()


def group_texts(texts: Sequence[str], how: str = "near", similar: float = SIMILAR) -> np.ndarray:
    """Return the group of each text: the row of the first text in it, shape (texts,).

    Parameters
    ----------
    texts : sequence of str
        Sentences.
    how : {"near", "exact", "off"}
        Exact copies have one `template`. Near ones, too, or are linked by pairs with templates whose sets of character
        5-grams have a Jaccard similarity of at least `similar`. With "off" each text is a group.
    similar : float
        From 0 to 1.

    Examples
    --------
    >>> group_texts(["The truce held for 3 days.", "Rain fell.", "The truce held for 11 days."]).tolist()
    [0, 1, 0]
    """
    if how == "off":
        return np.arange(len(texts))
    codes, keys = pd.factorize(np.array([template(text) for text in texts], dtype=object))
    pairs = _near_pairs(list(keys), similar) if how == "near" else np.empty((0, 2), np.int64)
    return first_rows(connect(pairs, len(keys))[codes])


def connect(pairs: np.ndarray, size: int) -> np.ndarray:
    """Return the number of the group of each of `size` items, where the two of a pair, shape (pairs, 2), are of one."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1])), shape=(size, size))
    return np.asarray(connected_components(graph, directed=False)[1])


def first_rows(groups: np.ndarray) -> np.ndarray:
    """Return for each row the first row of its group."""
    first, inverse = np.unique(groups, return_index=True, return_inverse=True)[1:]
    return np.asarray(first[inverse])


def _near_pairs(keys: Sequence[str], similar: float) -> np.ndarray:
    """Return which keys are near copies of each other, by their rows, shape (pairs, 2)."""
    rows = np.array([row for row, key in enumerate(keys) if len(key) >= _GRAM], np.int64)
    grams, bands = [], []
    for start in range(0, len(rows), _BLOCK):
        block = [keys[row] for row in rows[start : start + _BLOCK]]
        ends = np.cumsum([len(key) - _GRAM + 1 for key in block])
        grams.append(_Grams(_code_grams(block), np.concatenate([[0], ends])))
        bands.append(_hash_bands(grams[-1]))
    if not grams:
        return np.empty((0, 2), np.int64)
    pairs = _find_candidates(np.concatenate(bands))
    return np.asarray(rows[pairs[_similarities(pairs, grams) >= similar]])


class _Grams(NamedTuple):
    """The n-grams of some texts as numbers, and where those of each text begin, shape (texts + 1,)."""

    codes: np.ndarray
    starts: np.ndarray


def _code_grams(keys: Sequence[str]) -> np.ndarray:
    """Return 31 bits for each n-gram of each key, one after the other."""
    letters = np.frombuffer("".join(keys).encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)
    codes = np.zeros(len(letters) - _GRAM + 1, np.uint64)
    for place in range(_GRAM):
        codes = codes * _ODD + letters[place : place + len(codes)]
    whole = np.ones(len(codes), np.bool_)  # not across the end of a key
    for back in range(1, _GRAM):
        whole[np.cumsum([len(key) for key in keys])[:-1] - back] = False
    return np.asarray(_mix(codes[whole]) >> _CODE_BITS).astype(np.int32)


def _mix(codes: np.ndarray) -> np.ndarray:
    """Let each bit of each number depend on all its bits."""
    codes = (codes ^ (codes >> np.uint64(32))) * _ODD
    return np.asarray(codes ^ (codes >> np.uint64(29)))


def _hash_bands(grams: _Grams) -> np.ndarray:
    """Return a hash of each band of the MinHash signature of each text, shape (texts, bands)."""
    from rensa import RMinHash

    codes, starts = grams.codes.astype(np.uint64), grams.starts.astype(np.uint64)
    matrix = RMinHash.digest_matrix_from_flat_token_hashes(codes, starts, _PERMUTATIONS, _SEED)
    signatures = np.array(matrix.to_rows(), np.uint64).reshape(len(starts) - 1, _BANDS, -1)
    hashes: np.ndarray = np.zeros(signatures.shape[:2], np.uint64)
    for row in range(signatures.shape[2]):
        hashes = _mix(hashes * _ODD + signatures[:, :, row])
    return np.asarray(hashes)


def _find_candidates(bands: np.ndarray) -> np.ndarray:
    """Return pairs of texts that have a band in common, shape (pairs, 2)."""
    found = [np.empty(0, np.int64)]
    for band in bands.T:
        order = np.argsort(band, kind="stable")
        for step in range(1, _NEIGHBOURS + 1):
            alike = np.flatnonzero(band[order[step:]] == band[order[:-step]])
            found.append(order[alike] * len(bands) + order[alike + step])
    return np.column_stack(np.divmod(np.unique(np.concatenate(found)), len(bands)))


def _similarities(pairs: np.ndarray, blocks: Sequence[_Grams]) -> np.ndarray:
    """Return the Jaccard similarity of the sets of n-grams of the two texts of each pair, shape (pairs,)."""
    rows, places = np.unique(pairs, return_inverse=True)
    first, second = places.reshape(pairs.shape).T
    sets = _to_sets(blocks, rows)
    sizes = np.diff(sets.indptr)
    common = np.empty(len(pairs))
    for start in range(0, len(pairs), _BLOCK):
        block = slice(start, start + _BLOCK)
        common[block] = sets[first[block]].multiply(sets[second[block]]).sum(axis=1)
    return np.asarray(common / (sizes[first] + sizes[second] - common))


def _to_sets(blocks: Sequence[_Grams], rows: np.ndarray) -> "csr_array":
    """Return the sets of n-grams of some texts, each n-gram once, shape (rows, n-grams)."""
    from scipy.sparse import csr_array

    codes = np.concatenate([grams.codes for grams in blocks])
    counts = np.concatenate([np.diff(grams.starts) for grams in blocks])
    every = csr_array((np.ones(len(codes), np.int16), codes, np.append(0, np.cumsum(counts))), (len(counts), 2**31 - 1))
    sets = every[rows]
    sets.sum_duplicates()
    sets.data[:] = 1
    return sets
