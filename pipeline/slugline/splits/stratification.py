"""Stratified division of groups: each part has its share of each topic and of the rows."""

from collections.abc import Sequence

import numpy as np

MIN_ARTICLES = 4  # two to cross-validate on, one each to choose and to test


def stratify(
    Y: np.ndarray,
    groups: np.ndarray,
    shares: Sequence[float],
    seed: int,
    *,
    keep_rare: bool = False,
    known: np.ndarray | None = None,
) -> np.ndarray:
    """Return a part for each row, whole groups together, each part with its share of each topic and of the rows.

    Takes the rarest topic that is left and gives each of its groups to the part that lacks the topic most (then: that
    lacks rows most; then: the first), and goes on; groups are shuffled first. After Sechidis, Tsoumakas and Vlahavas
    2011, doi:10.1007/978-3-642-23808-6_10, with groups for examples.

    `Y` are booleans, shape (rows, topics); `groups` the keys of groups, shape (rows,); `shares` are 1 together. Parts
    are numbered from 0, shape (rows,). With `keep_rare`, groups with a topic that fewer groups than parts carry are all
    in the first. `known` are the numbers of parts that are decided before, -1 for others, shape (rows,), the same for
    all rows of a group.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    n_groups = int(groups.max(initial=-1)) + 1
    columns = [*Y.T, np.ones(len(Y))]  # the rows themselves are counted last
    counts = np.column_stack([np.bincount(groups, weights=column, minlength=n_groups) for column in columns])

    # In units of a part's share, so that small parts are not passed over.
    lack = np.tile(counts.sum(axis=0).astype(float), (len(shares), 1))
    has = counts[:, :-1] > 0
    part = np.full(n_groups, -1)
    if known is not None:
        part[groups] = known
    if keep_rare:
        part[(part < 0) & _carries_rare(has, len(shares))] = 0
    kept = part >= 0
    for number, share in enumerate(shares):
        lack[number] -= counts[part == number].sum(axis=0) / share
    order = np.random.default_rng(seed).permutation(n_groups)
    while len(free := order[part[order] < 0]):
        # The rarest topic first: once most groups are placed, few of its own would be left to share out.
        left = counts[free].sum(axis=0)
        topics = np.flatnonzero(left[:-1])
        rarest = topics[left[topics].argmin()] if len(topics) else len(left) - 1
        having = free[counts[free, rarest] > 0]
        # The largest groups first, so that small ones can even things out.
        for group in having[np.argsort(-counts[having, rarest], kind="stable")]:
            part[group] = np.lexsort((-lack[:, -1], -lack[:, rarest]))[0]
            lack[part[group]] -= counts[group] / shares[part[group]]

    _fill_gaps(part, has, len(shares), kept)
    return part[groups]


def _carries_rare(has: np.ndarray, n_parts: int) -> np.ndarray:
    """Return which groups carry a topic that fewer groups than parts have; none where too few others are left."""
    carriers = has.sum(axis=0)
    carries_rare = np.asarray(has[:, (carriers > 0) & (carriers < n_parts)].any(axis=1))
    return carries_rare if (~carries_rare).sum() >= MIN_ARTICLES else np.zeros_like(carries_rare)


def _fill_gaps(part: np.ndarray, has: np.ndarray, n_parts: int, kept: np.ndarray) -> None:
    """Move groups, in place, to parts that lack a topic, unless that takes another part's last group with any topic.

    Groups with several topics can leave such gaps. `has` says which groups carry a topic, shape (groups, topics);
    `kept` ones stay where they are.
    """
    present = np.array([has[part == number].sum(axis=0) for number in range(n_parts)])
    common_enough = has.sum(axis=0) >= n_parts
    for gap, topic in zip(*np.nonzero((present == 0) & common_enough), strict=True):
        carriers = np.flatnonzero(has[:, topic] & ~kept)
        spare = [group for group in carriers if (present[part[group]][has[group]] > 1).all()]
        if present[gap, topic] == 0 and spare:
            group = min(spare, key=lambda group: has[group].sum())
            present[part[group]] -= has[group]
            present[gap] += has[group]
            part[group] = gap
