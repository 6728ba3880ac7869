"""Splitters: which sentences train, choose (dev) and test a model.

A splitter takes the labelled sentences (a frame of n rows, with what is known of their article) and their labels `Y`
(bool, shape (n, topics)), and returns an array of n parts: train, dev or test.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from slugline.duplicates import article_groups, check_how, sentence_groups
from slugline.errors import InputError, listing
from slugline.splits.parts import PARTS, describe_known, find_known, read_parts, to_part
from slugline.splits.stratification import MIN_ARTICLES, stratify


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
class _Stratified(_Shares):
    """A splitter whose parts depend on the labels, unless `keep` says in which part an article was before."""

    seed: int = 0
    keep: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if type(self.keep) is int:  # a version, as `compare` takes it
            object.__setattr__(self, "keep", str(self.keep))

    def _divide(self, sentences: pd.DataFrame, Y: np.ndarray, groups: np.ndarray) -> np.ndarray:
        """Return the part of each sentence: the one that it is known to be in, for others by a stratified split."""
        known = _join_copies(self.known_parts(sentences), groups)
        in_one_part = pd.Series(list(zip(groups, known, strict=True)))  # copies that were in several are no group
        return _stratify_parts(Y, pd.factorize(in_one_part)[0], self, known)

    def known_parts(self, sentences: pd.DataFrame) -> np.ndarray:
        """Return the parts that `keep` names, shape (sentences,), None for sentences that it does not know."""
        if self.keep is None:
            return np.full(len(sentences), None, object)
        return find_known(sentences, self.read_kept())

    def read_kept(self) -> Mapping[str, str]:
        """Return the parts that `keep` names, by the ids of articles or sentences."""
        return self.keep if isinstance(self.keep, Mapping) else read_parts(self.keep)


@dataclass(frozen=True)
class ByArticle(_Stratified):
    """All sentences of an article in one part; topics and sentences in proportion, see `stratify`.

    Parameters
    ----------
    dev, test : float
        Shares of the sentences; the rest trains.
    seed : int
        Of the order in which articles are taken.
    keep : str, optional
        Articles stay in the part that they had, others are divided as usual, whatever became of the labels: a run, as
        `slugline compare` takes it, or a file with `article_id` and `split`. A new copy of an article goes to its part.
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

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,)."""
        groups, articles = article_groups(sentences), sentences["article_id"]
        if (count := len(np.unique(groups))) < MIN_ARTICLES:
            needed = f"a split by article needs at least {MIN_ARTICLES} articles"
            are_copied = count < articles.nunique()
            copied = ", as copies of each other count as one (split.duplicates=off)" if are_copied else ""
            raise InputError(f"{needed}, found {count}{copied}; or use split=random")
        return self._divide(sentences, Y, groups)

    def known_parts(self, sentences: pd.DataFrame) -> np.ndarray:
        """Return the parts that `keep` names, of whole articles; raise `InputError` where one is in several."""
        known = super().known_parts(sentences)
        of_article: dict[str, str] = {}
        for article, part in zip(sentences["article_id"], known, strict=True):
            if part is not None and of_article.setdefault(article, part) != part:
                raise InputError(f"split.keep: article {article} is in several parts there; allowed: split=random")
        return np.array([of_article.get(article) for article in sentences["article_id"]], object)


@dataclass(frozen=True)
class Random(_Stratified):
    """Each sentence by itself: sentences of one article are in several parts, so scores flatter.

    Parameters
    ----------
    dev, test : float
        Shares of the sentences; the rest trains.
    seed : int
        Of the order in which sentences are taken.
    keep : str, optional
        As for `ByArticle`; the file may have `sentence_id` in place of `article_id`.
    duplicates : {"near", "exact", "off"}
        Which sentences are copies and stay together: those that differ in a few words, in case and numbers alone, or
        none. Copies of articles stay together in cross-validation.
    """

    def __call__(self, sentences: pd.DataFrame, Y: np.ndarray) -> np.ndarray:
        """Return the part of each sentence, shape (sentences,)."""
        return self._divide(sentences, Y, sentence_groups(sentences))


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
        parts = sentences[self.column].map(to_part)
        if parts.isna().any():
            wrong = sentences[self.column][parts.isna()].iloc[0]
            raise InputError(f"split.column '{self.column}': found {wrong!r}; allowed: {listing(PARTS)}")
        return parts.to_numpy(dtype=object)


def describe_kept(split: object, sentences: pd.DataFrame) -> list[str]:
    """Return how many articles stay in a part that they had before; raise `InputError` where none does."""
    if not isinstance(split, _Stratified) or split.keep is None:
        return []
    known, articles = pd.notna(split.known_parts(sentences)), sentences["article_id"]
    return [describe_known(articles[known].nunique(), articles.nunique(), split.read_kept(), articles.iloc[0])]


def share_out_people(split: object, Y: np.ndarray, by_people: np.ndarray) -> np.ndarray:
    """Return what a splitter is to keep in proportion: labels, and beside rules also which sentences people labelled.

    Else what people labelled, by which alone a model is judged, could all be in train.
    """
    if not isinstance(split, ByArticle | Random) or by_people.all() or not by_people.any():
        return Y
    return np.column_stack([Y, by_people])


def _join_copies(known: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Return the parts that are known, shape (sentences,); what is new is where copies of it, of its group, are.

    Where these are in several parts, that is train, which knows what is held out already; else dev.
    """
    of_group: dict[int, str] = {}
    for part in PARTS:
        of_group = dict.fromkeys(groups[known == part], part) | of_group
    parts = [of_group.get(group) if part is None else part for part, group in zip(known, groups, strict=True)]
    return np.array(parts, object)


def _stratify_parts(Y: np.ndarray, groups: np.ndarray, split: _Stratified, known: np.ndarray) -> np.ndarray:
    """Return the part of each sentence by a stratified split of groups, whose `known` parts stay."""
    # Ties go to the first part: test before dev.
    shares = {"train": 1 - split.dev - split.test, "test": split.test, "dev": split.dev}
    wanted = {part: share for part, share in shares.items() if share > 0}
    names, numbers = np.array(list(wanted), dtype=object), {part: number for number, part in enumerate(wanted)}
    parts, shared = known.copy(), np.array([part is None or part in wanted for part in known], np.bool_)
    decided = np.array([numbers.get(part, -1) for part in known[shared]], int)
    parts[shared] = names[
        stratify(Y[shared], groups[shared], list(wanted.values()), split.seed, keep_rare=True, known=decided)
    ]
    return parts
