"""Dual coordinate descent for support vector machines with squared hinge loss, compiled by numba.

Hsieh, Chang, Lin, Keerthi and Sundararajan 2008, "A dual coordinate descent method for large-scale linear SVM",
algorithm 3, as liblinear has it, but for the end: all rows are then checked against the same bound.
"""

import numpy as np
from numba import njit

_MULTIPLIER, _INCREMENT = np.uint64(6364136223846793005), np.uint64(1442695040888963407)  # Knuth's MMIX generator
_HIGH_BITS, _ONE = np.uint64(33), np.uint64(1)
# What numba compiles has no annotations: it infers the types from each call


@njit(cache=True, nogil=True)
def descend(indptr, indices, data, y, cost, weights, scale, tol, max_iter, seed):  # type: ignore[no-untyped-def]
    """Minimise the dual problem in place; return how many passes it took, and whether it converged.

    Parameters
    ----------
    indptr, indices, data : ndarray
        The features as a CSR matrix of shape (rows, features), the indices unsigned.
    y : ndarray of shape (rows,)
        The classes, 1 or -1.
    cost : ndarray of shape (rows,)
        C times the weight of each row; one of 0 is left out.
    weights : ndarray of shape (features + 1,)
        Zeros, which become the solution; the last one is that of the constant feature.
    scale : float
        The value of the constant feature in each row; 0: none.
    tol : float
        By how much the projected gradients may differ from each other and from 0 at the end.
    max_iter : int
        The most passes.
    seed : int
        Of the order of the rows.
    """
    constant = weights.shape[0] - 1
    rows, alpha = np.empty(y.shape[0], np.int64), np.zeros(y.shape[0])  # the latter are the dual variables
    diagonal, curvature = np.empty(y.shape[0]), np.zeros(y.shape[0])  # the latter of a row once it is needed
    used = 0
    for row in range(y.shape[0]):
        if cost[row] > 0.0:
            rows[used] = row
            used += 1
            diagonal[row] = 0.5 / cost[row]

    active = used  # the rows in the first places of `rows`
    state, bound, is_check = np.uint64(seed), np.inf, False
    for iteration in range(max_iter):
        for last in range(active - 1, 0, -1):
            state = state * _MULTIPLIER + _INCREMENT
            other = np.int64((state >> _HIGH_BITS) % (np.uint64(last) + _ONE))
            rows[last], rows[other] = rows[other], rows[last]

        highest, lowest, number = 0.0, 0.0, 0
        while number < active:
            row = rows[number]
            begin, end = indptr[row], indptr[row + 1]
            decision = scale * weights[constant]
            for place in range(begin, end):
                decision += weights[indices[place]] * data[place]
            before = alpha[row]
            gradient = y[row] * decision - 1.0 + diagonal[row] * before
            if before == 0.0 and (gradient > bound or (is_check and gradient >= 0.0)):  # rests until the next check
                active -= 1
                rows[number], rows[active] = rows[active], rows[number]
                continue
            number += 1
            if before == 0.0 and gradient >= 0.0:
                continue
            highest, lowest = max(highest, gradient), min(lowest, gradient)
            if curvature[row] == 0.0:
                curvature[row] = diagonal[row] + scale * scale
                for place in range(begin, end):
                    curvature[row] += data[place] * data[place]
            after = max(before - gradient / curvature[row], 0.0)
            if after != before:
                alpha[row] = after
                step = (after - before) * y[row]
                for place in range(begin, end):
                    weights[indices[place]] += step * data[place]
                weights[constant] += step * scale

        if highest - lowest > tol:
            bound, is_check = highest if highest > 0.0 else np.inf, False
        elif number == used or is_check:
            return iteration + 1, True
        else:
            active, bound, is_check = used, np.inf, True
    return max_iter, False
