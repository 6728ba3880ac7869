"""The features in each fold of a cross-validation."""

from collections.abc import Sequence

import numpy as np
from scipy.sparse import csr_array, vstack

from slugline.model.context_features import N_BLOCKS, normalize_blocks
from slugline.model.vectorizers import normalize, side_by_side


class FoldFeatures:
    """The features in each fold of a cross-validation, as if the held-out rows had not been there for the vocabulary.

    Else a held-out sentence would have known terms where a new one has none, and thresholds would be chosen on other
    numbers than they are used on. Document frequencies stay those of all sentences.

    Parameters
    ----------
    blocks : sequence of csr_array of shape (sentences, terms)
        The features by each vectorizer.
    norms : sequence of {"l1", "l2", None}
        How each vectorizer scales its rows.
    learned : sequence of bool, optional
        Whether the columns of each block are terms that were learned from the rows; other blocks are the same in all
        folds. None: all are.
    n_further : int
        The number of last rows that are never held out and stand twice among those to learn from: with a topic, and
        without.
    context : sequence of float or None, optional
        For each block the weight of `ContextFeatures`, None where it is none of these; None: none is.
    """

    def __init__(
        self,
        blocks: Sequence[csr_array],
        norms: Sequence[str | None],
        learned: Sequence[bool] | None = None,
        n_further: int = 0,
        *,
        context: Sequence[float | None] | None = None,
    ) -> None:
        self._blocks, self._norms, self._n_further = blocks, norms, n_further
        self._learned = [True] * len(blocks) if learned is None else learned
        self._context = [None] * len(blocks) if context is None else context
        # The rarest term of a vocabulary shows what min_df was
        self._least = [
            self._frequencies(number, block).min(initial=block.shape[0]) for number, block in enumerate(blocks)
        ]

    def divide(self, held_out: np.ndarray) -> tuple[csr_array, csr_array]:
        """Return the features of the rows to learn from and of those held out, shape (rows, terms) each."""
        held_out = np.pad(held_out, (0, self._n_further))
        divided = [self._divide_block(number, held_out) for number in range(len(self._blocks))]
        learned, rest = zip(*divided, strict=True)
        return repeat_last(side_by_side(learned), self._n_further), side_by_side(rest)

    def _divide_block(self, number: int, held_out: np.ndarray) -> list[csr_array]:
        """Return both parts of a block, in each the terms that the first part has often enough."""
        parts = [self._blocks[number][~held_out], self._blocks[number][held_out]]
        if not self._learned[number]:
            return parts
        known, weight = self._frequencies(number, parts[0]) >= self._least[number], self._context[number]
        known = known if weight is None else np.tile(known, N_BLOCKS)
        for part in parts:
            part.data *= known[part.indices]
            part.eliminate_zeros()
            if weight is None:
                normalize(part, self._norms[number])
            else:
                normalize_blocks(part, self._norms[number], weight)
        return parts

    def _frequencies(self, number: int, block: csr_array) -> np.ndarray:
        """Return in how many rows of a block, or of some of it, each term is, shape (terms,)."""
        frequencies = np.bincount(block.indices, minlength=block.shape[1])
        return frequencies if self._context[number] is None else np.split(frequencies, N_BLOCKS)[0]


def repeat_last(X: csr_array, n_rows: int) -> csr_array:
    """Return a matrix with its last rows once more below them."""
    return csr_array(vstack([X, X[-n_rows:]], format="csr")) if n_rows else X
