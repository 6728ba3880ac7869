"""Splits: which sentences train, choose (dev) and test a model.

A splitter takes the labelled sentences (a frame of n rows, with what is known of their article) and their labels `Y`
(bool, shape (n, topics)), and returns an array of n parts: train, dev or test.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from slugline.duplicates import article_groups, check_how, sentence_groups
from slugline.errors import InputError, listing

HELD_OUT = ("dev", "test")
PARTS = ("train", *HELD_OUT)
_MIN_ARTICLES = 4  # two to cross-validate on, one each to choose and to test
_ALIASES = {"validation": "dev", "valid": "dev", "val": "dev"}


def check_seed(seed: int) -> None:
    """Raise `InputError` for what NumPy and scikit-learn do not take as a seed."""
    if type(seed) is not int or not 0 <= seed < 2**32:
        raise InputError(f"seed={seed}; allowed: a whole number from 0 to {2**32 - 1}")


@dataclass(frozen=True)
class _Shares:
    """A splitter that gives dev and test a share of the sentences each; the rest trains."""

    dev: float = 0.1
    test: float = 0.2
    duplicates: str = field(default="near", kw_only=True)

    def __post_init__(self) -> None:
        if not (0 <= self.dev < 1 and 0 <= self.test < 1 and self.dev + self.test < 1):
            shares = f"split.dev={self.dev} and split.test={self.test}"
            raise InputError(f"{shares}; allowed: from 0, and below 1 together")
        check_seed(getattr(self, "seed", 0))
        check_how(self.duplicates)


@dataclass(frozen=True)
class ByArticle(_Shares):
    """All sentences of an article in one part; topics and sentences in proportion, see `stratify`.

    Parameters
    ----------
    dev, test : float
        Shares of the sentences; the rest trains.
    seed : int
        Of the order in which articles are taken.
    duplicates : {"near", "exact", "off"}
        Which articles are copies and stay together, also in cross-validation: those that share much of their text,
        but for a few words, for case and numbers alone, or none.

    Examples
    --------
    >>> sentences = pd.DataFrame({"article_id": ["a", "a", "b", "b", "c", "c", "d", "d"]})
    >>> Y = np.ones((8, 1), bool)
    >>> ByArticle(dev=0.25, test=0.25)(sentences, Y).tolist()
    ['test', 'test', 'dev', 'dev', 'train', 'train', 'train', 'train']
    """

    seed: int = 0

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,)."""
        groups = article_groups(sentences)
        if (count := len(np.unique(groups))) < _MIN_ARTICLES:
            needed, articles = f"a split by article needs at least {_MIN_ARTICLES} articles", sentences["article_id"]
            copied = (
                ", as copies of each other count as one (split.duplicates=off)" if count < articles.nunique() else ""
            )
            raise InputError(f"{needed}, found {count}{copied}; or use split=random")
        return _stratify_parts(Y, groups, self.dev, self.test, self.seed)


@dataclass(frozen=True)
class Random(_Shares):
    """Each sentence by itself: sentences of one article are in several parts, so scores flatter.

    Parameters
    ----------
    dev, test : float
        Shares of the sentences; the rest trains.
    seed : int
        Of the order in which sentences are taken.
    duplicates : {"near", "exact", "off"}
        Which sentences are copies and stay together: those that differ in a few words, in case and numbers alone, or
        none. Copies of articles stay together in cross-validation.
    """

    seed: int = 0

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,)."""
        return _stratify_parts(Y, sentence_groups(sentences), self.dev, self.test, self.seed)


@dataclass(frozen=True)
class ByTime(_Shares):
    """The latest articles test, those before them are dev, the earliest train; those of one moment stay together.

    Copies of an article count as of the time of the first, so that none is tested on what was known before.

    Parameters
    ----------
    dev, test : float
        Shares of the sentences; the rest trains.
    duplicates : {"near", "exact", "off"}
        Which articles are copies and stay together, also in cross-validation: those that share much of their text,
        but for a few words, for case and numbers alone, or none.
    """

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,); raise `InputError` where an article has no date."""
        published = sentences["published"] if "published" in sentences else pd.Series([None] * len(sentences))
        time = pd.to_datetime(published, errors="coerce", utc=True, format="ISO8601")
        if time.isna().any():
            row = sentences[time.isna().to_numpy()].iloc[0]
            value = None if pd.isna(row.get("published")) else row["published"]
            undated = f"article {row['article_id']} has no date (published: {value!r})"
            raise InputError(f"split=time: {undated}; allowed: ISO 8601, such as 2016-10-06")

        time = time.groupby(article_groups(sentences)).transform("min")
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
    """The parts that a column of the data names.

    Parameters
    ----------
    column : str
        Its name; its values are train, dev (or validation, valid, val) and test.
    duplicates : {"near", "exact", "off"}
        Which articles and sentences are copies: those that differ in a few words, in case and numbers alone, or none.
        Here they stay where they are, and are reported; in cross-validation copies of articles stay together.
    """

    column: str = "split"
    duplicates: str = field(default="near", kw_only=True)

    def __post_init__(self) -> None:
        check_how(self.duplicates)

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,); raise `InputError` for another name."""
        if self.column not in sentences:
            found = listing(sentences.columns)
            raise InputError(f"split.column: no column '{self.column}' in the data; found: {found}")
        parts = sentences[self.column].replace(_ALIASES)
        if len(wrong := parts[~parts.isin(PARTS)]):
            raise InputError(f"split.column '{self.column}': found {wrong.iloc[0]!r}; allowed: {listing(PARTS)}")
        return parts.to_numpy(dtype=object)


def stratify(
    Y: np.ndarray, groups: np.ndarray, shares: Sequence[float], seed: int, *, keep_rare: bool = False
) -> np.ndarray:
    """Return a part for each row, whole groups together, each part with its share of each topic and of the rows.

    Takes the rarest topic that is left and gives each of its groups to the part that lacks the topic most (then: that
    lacks rows most; then: the first), and goes on; groups are shuffled first. After Sechidis, Tsoumakas and Vlahavas
    2011, doi:10.1007/978-3-642-23808-6_10, with groups for examples.

    `Y` are booleans, shape (rows, topics); `groups` the keys of groups, shape (rows,); `shares` are 1 together. Parts
    are numbered from 0, shape (rows,). With `keep_rare`, groups with a topic that fewer groups than parts carry are all
    in the first.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    n_groups = int(groups.max(initial=-1)) + 1
    columns = [*Y.T, np.ones(len(Y))]  # the rows themselves are counted last
    counts = np.column_stack([np.bincount(groups, weights=column, minlength=n_groups) for column in columns])

    # In units of a part's share, so that small parts are not passed over.
    lack = np.tile(counts.sum(axis=0), (len(shares), 1))
    has = counts[:, :-1] > 0
    kept = _carries_rare(has, len(shares)) if keep_rare else np.zeros(n_groups, np.bool_)
    part = np.where(kept, 0, -1)
    if kept.any():
        lack[0] -= counts[kept].sum(axis=0) / shares[0]
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


def share_out_people(split: object, Y: np.ndarray, by_people: np.ndarray) -> np.ndarray:
    """Return what a splitter is to keep in proportion: labels, and beside rules also which sentences people labelled.

    Else what people labelled, by which alone a model is judged, could all be in train.
    """
    if not isinstance(split, ByArticle | Random) or by_people.all() or not by_people.any():
        return Y
    return np.column_stack([Y, by_people])


def check_parts(parts: np.ndarray, n_sentences: int) -> np.ndarray:
    """Return what a splitter gave; refuse it unless it is a part for each sentence."""
    if parts.shape != (n_sentences,):
        raise InputError(f"split: an array of shape {parts.shape}; allowed: ({n_sentences},), a part for each sentence")
    if unknown := sorted({str(part) for part in parts} - set(PARTS)):
        raise InputError(f"split: '{unknown[0]}' is no part; allowed: {listing(PARTS)}")
    return parts


def count_labels(Y: np.ndarray, parts: np.ndarray, topics: Sequence[str]) -> pd.DataFrame:
    """Return how many sentences of each part carry each topic: topics down, parts across."""
    return pd.DataFrame({part: Y[parts == part].sum(axis=0) for part in PARTS}, index=list(topics), dtype=int)


def _stratify_parts(Y: np.ndarray, groups: np.ndarray, dev: float, test: float, seed: int) -> np.ndarray:
    """Return the part of each sentence by a stratified split of groups."""
    # Ties go to the first part: test before dev.
    wanted = {part: share for part, share in (("train", 1 - dev - test), ("test", test), ("dev", dev)) if share > 0}
    names = np.array(list(wanted), dtype=object)
    return np.asarray(names[stratify(Y, groups, list(wanted.values()), seed, keep_rare=True)])


def _carries_rare(has: np.ndarray, n_parts: int) -> np.ndarray:
    """Return which groups carry a topic that fewer groups than parts have; none where too few others are left."""
    carriers = has.sum(axis=0)
    carries_rare = np.asarray(has[:, (carriers > 0) & (carriers < n_parts)].any(axis=1))
    return carries_rare if (~carries_rare).sum() >= _MIN_ARTICLES else np.zeros_like(carries_rare)


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
