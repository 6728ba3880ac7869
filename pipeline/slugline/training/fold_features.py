"""The features in each fold of a cross-validation."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array, vstack

from slugline.model.context_features import N_BLOCKS, normalize_blocks
from slugline.model.vectorizers import normalize, side_by_side


class Block(NamedTuple):
    """The features by one vectorizer, and how they are made anew in each fold.

    Parameters
    ----------
    X : csr_array of shape (sentences, terms)
        The features.
    norm : {"l1", "l2", None}
        How rows are scaled.
    min_df : int or float, optional
        In how many sentences a term must be to be learned, a share of them if not an integer; None: the columns were
        not learned from these sentences, and are the same in all folds.
    context : float, optional
        The weight of `ContextFeatures`; None: it is none of these.
    """

    X: csr_array
    norm: str | None = None
    min_df: float | None = None
    context: float | None = None


@dataclass(frozen=True)
class FoldFeatures:
    """The features in each fold of a cross-validation, as if the held-out rows had not been there for the vocabulary.

    Else a held-out sentence would have known terms where a new one has none, and thresholds would be chosen on other
    numbers than they are used on. Document frequencies stay those of all sentences, and so does what `max_df` and
    `max_features` left out.

    Parameters
    ----------
    blocks : sequence of Block
        The features by each vectorizer.
    n_further : int
        The number of last rows that are never held out and stand twice among those to learn from: with a topic, and
        without.
    """

    blocks: Sequence[Block]
    n_further: int = 0

    def divide(self, held_out: np.ndarray) -> tuple[csr_array, csr_array]:
        """Return the features of the rows to learn from and of those held out, shape (rows, terms) each."""
        held_out = np.pad(held_out, (0, self.n_further))
        learned, rest = zip(*(_divide_block(block, held_out) for block in self.blocks), strict=True)
        return repeat_last(side_by_side(learned), self.n_further), side_by_side(rest)


def repeat_last(X: csr_array, n_rows: int) -> csr_array:
    """Return a matrix with its last rows once more below them."""
    return csr_array(vstack([X, X[-n_rows:]], format="csr")) if n_rows else X


def _divide_block(block: Block, held_out: np.ndarray) -> list[csr_array]:
    """Return both parts of a block, in each the terms that the first part has often enough."""
    parts = [block.X[~held_out], block.X[held_out]]
    if block.min_df is None:
        return parts
    known = _known_columns(parts[0], block.min_df, 1 if block.context is None else N_BLOCKS)
    for part in parts:
        part.data *= known[part.indices]
        part.eliminate_zeros()
        if block.context is None:
            normalize(part, block.norm)
        else:
            normalize_blocks(part, block.norm, block.context)
    return parts


def _known_columns(X: csr_array, min_df: float, n_copies: int) -> np.ndarray:
    """Tell of each column whether its term is often enough; of several copies of all terms the first counts."""
    frequencies = np.split(np.bincount(X.indices, minlength=X.shape[1]), n_copies)[0]
    least = min_df if isinstance(min_df, Integral) else min_df * X.shape[0]
    return np.tile(frequencies >= least, n_copies)
