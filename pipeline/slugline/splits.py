"""Splits: which sentences train, choose (dev) and test a model, and how far a split leaks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing

PARTS = ("train", "dev", "test")
MIN_ARTICLES = 4  # two to cross-validate on, one each to choose and to test


@dataclass(frozen=True)
class ByArticle:
    """All sentences of an article on one side.

    Topics and sentences in proportion (Sechidis et al. 2011, iterative stratification).
    """

    dev: float = 0.1
    test: float = 0.2
    seed: int = 0

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,)."""
        groups, names = pd.factorize(sentences["article_id"])
        if len(names) < MIN_ARTICLES:
            raise InputError(
                f"a split by article needs at least {MIN_ARTICLES} articles, found {len(names)}; or use split=random"
            )
        return stratify_parts(Y, groups, self.dev, self.test, self.seed)


@dataclass(frozen=True)
class Random:
    """Each sentence for itself; sentences of one article stand on several sides, so scores flatter."""

    dev: float = 0.1
    test: float = 0.2
    seed: int = 0

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,)."""
        return stratify_parts(Y, np.arange(len(sentences)), self.dev, self.test, self.seed)


@dataclass(frozen=True)
class ByTime:
    """The latest articles test, those before them choose, the earliest train; articles of one moment stay together."""

    dev: float = 0.1
    test: float = 0.2

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,); raise `InputError` where an article has no date."""
        check_shares(self.dev, self.test)
        published = sentences["published"] if "published" in sentences else pd.Series([None] * len(sentences))
        time = pd.to_datetime(published, errors="coerce", utc=True, format="ISO8601")
        if time.isna().any():
            row = sentences[time.isna().to_numpy()].iloc[0]
            raise InputError(
                f"split=time: article {row['article_id']} has no date (published: {row.get('published')!r}); "
                "allowed: ISO 8601, as 2016-10-06"
            )
        later = time.rank(method="max", ascending=False, pct=True).to_numpy() - 1e-9  # share at that moment or later
        parts: np.ndarray = np.select([later <= self.test, later <= self.test + self.dev], ["test", "dev"], "train")
        if self.test > 0 and not (parts == "test").any():
            raise InputError(
                f"split=time: the latest moment holds {(time == time.max()).mean():.0%} of the sentences and stays "
                f"together; split.test={self.test}; allowed: a share as large"
            )
        return parts


@dataclass(frozen=True)
class Given:
    """The parts that a column of the data names: train, dev (or validation, valid, val) and test."""

    column: str = "split"

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,); raise `InputError` for another name."""
        if self.column not in sentences:
            raise InputError(
                f"split.column: no column '{self.column}' in the data; found: {listing(sentences.columns)}"
            )
        parts = sentences[self.column].replace({"validation": "dev", "valid": "dev", "val": "dev"})
        if len(wrong := parts[~parts.isin(PARTS)]):
            raise InputError(f"split.column '{self.column}': found {wrong.iloc[0]!r}; allowed: {listing(PARTS)}")
        return parts.to_numpy(dtype=object)


def stratify_parts(Y: np.ndarray, groups: np.ndarray, dev: float, test: float, seed: int) -> np.ndarray:
    """Return the part of each sentence by a stratified split of groups.

    Raise `InputError` when nothing is left to train on.
    """
    check_shares(dev, test)
    wanted = {part: share for part, share in (("train", 1 - dev - test), ("test", test), ("dev", dev)) if share > 0}
    return np.asarray(np.array(list(wanted), dtype=object)[stratify(Y, groups, list(wanted.values()), seed)])


def check_shares(dev: float, test: float) -> None:
    """Raise `InputError` unless the shares leave something to train on."""
    if not (0 <= dev < 1 and 0 <= test < 1 and dev + test < 1):
        raise InputError(f"split.dev={dev} and split.test={test}; allowed: from 0, and below 1 together")


def stratify(Y: np.ndarray, groups: np.ndarray, shares: Sequence[float], seed: int) -> np.ndarray:
    """Return a part (0, 1, ...) for each row, whole groups together, each with its share of each topic and of the rows.

    Takes the rarest topic that is left, gives each of its groups to the part that lacks it most (then: that lacks rows
    most; then: the first), and
    goes on; groups are shuffled first. After Sechidis, Tsoumakas and Vlahavas 2011, doi:10.1007/978-3-642-23808-6_10,
    with groups for examples.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    n_groups = int(groups.max(initial=-1)) + 1
    counts = np.column_stack(
        [np.bincount(groups, weights=column, minlength=n_groups) for column in [*Y.T, np.ones(len(Y))]]
    )
    lack = np.tile(
        counts.sum(axis=0), (len(shares), 1)
    )  # in units of a part's share, so that small parts are not passed over
    part = np.full(n_groups, -1)
    order = np.random.default_rng(seed).permutation(n_groups)
    while len(free := order[part[order] < 0]):
        left = counts[free].sum(axis=0)
        topics = np.flatnonzero(left[:-1])
        column = topics[left[topics].argmin()] if len(topics) else len(left) - 1
        having = free[counts[free, column] > 0]
        for group in having[np.argsort(-counts[having, column], kind="stable")]:
            part[group] = np.lexsort((-lack[:, -1], -lack[:, column]))[0]
            lack[part[group]] -= counts[group] / shares[part[group]]
    fill_gaps(part, counts[:, :-1] > 0, len(shares))
    return part[groups]


def fill_gaps(part: np.ndarray, has: np.ndarray, n_parts: int) -> None:
    """Move groups, in place, to parts that have none of a topic, where that takes no other part its last one of any.

    Groups with several topics can leave such gaps. `has` says which groups carry a topic, shape (groups, topics).
    """
    present = np.array([has[part == one].sum(axis=0) for one in range(n_parts)])
    for one, topic in zip(*np.nonzero((present == 0) & (has.sum(axis=0) >= n_parts)), strict=True):
        spare = [group for group in np.flatnonzero(has[:, topic]) if (present[part[group]][has[group]] > 1).all()]
        if present[one, topic] == 0 and spare:
            group = min(spare, key=lambda group: has[group].sum())
            present[part[group]] -= has[group]
            present[one] += has[group]
            part[group] = one


class Leakage(NamedTuple):
    """What stands on both sides: articles, and sentences of a part whose normalised text also stands in train."""

    articles: int
    sentences: dict[str, int]
    shares: dict[str, float]


def measure_leakage(sentences: pd.DataFrame, parts: np.ndarray) -> Leakage:
    """Count articles in several parts, and dev and test sentences that stand in train, case and marks aside."""
    per_article = pd.Series(parts, index=sentences.index).groupby(sentences["article_id"].to_numpy()).nunique()
    keys = np.array([normal_form(text) for text in sentences["text"]], dtype=object)
    train = set(keys[parts == "train"])
    found = {part: sum(key in train for key in keys[parts == part]) for part in PARTS[1:]}
    return Leakage(
        int((per_article > 1).sum()),
        found,
        {part: count / max(1, int((parts == part).sum())) for part, count in found.items()},
    )


def count_labels(Y: np.ndarray, parts: np.ndarray, topics: Sequence[str]) -> pd.DataFrame:
    """Return how many sentences of each part carry each topic: topics down, parts across."""
    return pd.DataFrame({part: Y[parts == part].sum(axis=0) for part in PARTS}, index=list(topics), dtype=int)
