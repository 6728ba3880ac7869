"""Labels of sentences: gold from a file, given with the sentences, or by the rules of a taxonomy."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing
from slugline.labels.label_model import to_probabilities
from slugline.labels.rules import vote
from slugline.labels.taxonomy import Rule, Topic, rules_of

MODES = ("multilabel", "multiclass")
GOLD_COLUMNS = ("sentence_id", "article_id", "text", "labels")


class Labelled(NamedTuple):
    """What labelling gives.

    Sentences with `labels` and `label_source` ("" where unlabelled), and gold that found no sentence.
    """

    sentences: pd.DataFrame
    topics: tuple[str, ...]
    unmatched: list[str]


@dataclass(frozen=True)
class Labels:
    """A labeller: gold labels of a file win over labels that came with the sentences, these over rules.

    `gold` is a file with labels keyed by `sentence_id`, or by `article_id` and exact `text`. `given` uses what the data
    brought. `rules` labels what is left: the votes of the topics' keywords and of `functions` become probabilities by
    `label_model`, for which gold and given labels are known truth; with `soft` a label counts the more, the surer it
    is. Without `topics` they are those that the labels name. `guidelines` are the codebook's for all topics.
    """

    mode: str = "multilabel"
    gold: Any = None
    given: bool = True
    rules: bool = False
    columns: dict[str, str] = field(default_factory=dict)
    delimiter: str = ","
    topics: dict[str, Topic] = field(default_factory=dict)
    functions: dict[str, Rule] = field(default_factory=dict)
    label_model: str = "majority"
    soft: bool = True
    guidelines: str = ""
    allowed_modules: list[str] = field(default_factory=list)

    def __call__(self, sentences: pd.DataFrame, gold_rows: Iterable[tuple[str, Any]] = ()) -> Labelled:
        """Label sentences.

        `gold_rows` are `(where, row)` of the gold file. Raises `InputError` for a topic outside the taxonomy.
        """
        if self.mode not in MODES:
            raise InputError(f"labels.mode: '{self.mode}'; allowed: {listing(MODES)}")
        labels = pd.Series([None] * len(sentences), index=sentences.index, dtype=object)
        source = pd.Series("", index=sentences.index, dtype=object)
        if self.given and "labels" in sentences:
            has = sentences["labels"].notna()
            labels, source = labels.mask(has, sentences["labels"]), source.mask(has, "given")
        gold, unmatched = match_gold(sentences, self._gold(gold_rows))
        labels, source = labels.mask(gold.notna(), gold), source.mask(gold.notna(), "gold")
        topics = self._topics(labels)
        self._check(labels.dropna(), topics)
        found = sentences.assign(labels=labels, label_source=source.astype(str))
        if self.rules:
            found = self.label_by_rules(found)
        if not topics and found["labels"].notna().any():
            raise InputError(
                f"no topic: none of the {found['labels'].notna().sum()} labelled sentences names any, "
                "nor does labels.topics"
            )
        return Labelled(found, topics, unmatched)

    def all_rules(self) -> dict[str, Rule]:
        """Return the rules: of each topic's keywords and patterns, and the labelling functions."""
        return rules_of(self.topics, self.functions)

    def vote(self, texts: Sequence[str]) -> np.ndarray:
        """Return the votes of all rules, int8, shape (texts, rules)."""
        return vote(texts, self.all_rules(), self.allowed_modules)

    def weigh(self, votes: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return the probability of each topic from votes and what is known of the truth (1, 0, -1 for unknown)."""
        of = [rule.topic for rule in self.all_rules().values()]
        return to_probabilities(votes, of, list(self.topics), self.label_model, known)

    def label_by_rules(self, sentences: pd.DataFrame) -> pd.DataFrame:
        """Label by rules what has no label, and say how sure all labels are."""
        if not self.all_rules():
            raise InputError("labels.rules: no topic has keywords or patterns, and labels.functions is empty")
        known = known_labels(sentences, self.topics)
        P = self.weigh(self.vote(sentences["text"].tolist()), known)
        unlabelled = (sentences["label_source"] == "").to_numpy()
        given = P > 0.5 if self.mode == "multilabel" else P.argmax(axis=1)[:, None] == np.arange(P.shape[1])
        ours: list[Any] = [tuple(compress(self.topics, row)) for row in given]
        labels = sentences["labels"].mask(unlabelled, pd.Series(ours, index=sentences.index, dtype=object))
        labelled = sentences.assign(labels=labels, label_source=sentences["label_source"].mask(unlabelled, "rules"))
        sure: list[Any] = list(map(tuple, np.abs(2 * P - 1).tolist()))
        return labelled.assign(weights=sure) if self.soft else labelled

    def _gold(self, rows: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, dict[str, Any]]]:
        name = {column: self.columns.get(column) or column for column in GOLD_COLUMNS}
        for where, row in rows:
            if isinstance(row, str):
                raise InputError(f"gold labels, {where}: {row}")
            if name["labels"] not in row:
                raise InputError(f"gold labels, {where}: no column '{name['labels']}'; found: {listing(row)}")
            if name["sentence_id"] not in row and (name["article_id"] not in row or name["text"] not in row):
                wanted = f"'{name['sentence_id']}', or '{name['article_id']}' and '{name['text']}'"
                raise InputError(f"gold labels, {where}: no column {wanted}; found: {listing(row)}")
            values = {column: row.get(name[column]) for column in GOLD_COLUMNS}
            yield where, values | {"labels": parse_labels(row[name["labels"]], self.delimiter, where)}

    def _topics(self, labels: pd.Series) -> tuple[str, ...]:
        if self.topics:
            return tuple(self.topics)
        return tuple(sorted({topic for found in labels.dropna() for topic in found}))

    def _check(self, labels: pd.Series, topics: tuple[str, ...]) -> None:
        known = set(topics)
        for row, found in labels.items():
            if unknown := [topic for topic in found if topic not in known]:
                raise InputError(
                    f"sentence {row}: label '{unknown[0]}' is no topic of the taxonomy; allowed: {listing(topics, 40)}"
                )
            if self.mode == "multiclass" and len(found) != 1:
                raise InputError(f"sentence {row}: {len(found)} labels, but labels.mode=multiclass wants exactly one")


def parse_labels(value: object, delimiter: str, where: str) -> tuple[str, ...] | None:
    """Return labels from a list, a JSON list or a delimited string; None (unlabelled) from None."""
    if value is None or value != value:  # NaN alone differs from itself
        return None
    if isinstance(value, str):
        stripped = value.strip()
        if stripped.startswith("["):
            try:
                value = json.loads(stripped)
            except ValueError as error:
                raise InputError(f"{where}: labels {stripped[:40]!r} begin like a JSON list but are none") from error
        else:
            value = stripped.split(delimiter)
    if not isinstance(value, (list, tuple)) or not all(isinstance(label, str) for label in value):
        raise InputError(
            f"{where}: labels are {value!r}; allowed: a list of names or one string with '{delimiter}' between names"
        )
    return tuple(dict.fromkeys(label.strip() for label in value if label.strip()))


def match_gold(sentences: pd.DataFrame, gold: Iterable[tuple[str, dict[str, Any]]]) -> tuple[pd.Series, list[str]]:
    """Return gold labels in the order of the sentences, and the places of gold rows that match no sentence."""
    by_id = {key: [row] for row, key in enumerate(sentences["sentence_id"])}
    by_text: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(sentences["article_id"], sentences["text"], strict=True)):
        by_text.setdefault(key, []).append(row)
    matched: list[Any] = [None] * len(sentences)
    unmatched = []
    for where, record in gold:
        rows = by_id.get(str(record["sentence_id"]), []) or by_text.get(
            (str(record["article_id"]), str(record["text"])), []
        )
        for row in rows:
            if matched[row] is not None and set(matched[row]) != set(record["labels"] or ()):
                raise InputError(
                    f"gold labels, {where}: other labels for the same sentence stand before: {listing(matched[row])}"
                )
            matched[row] = record["labels"]
        if not rows:
            unmatched.append(where)
    return pd.Series(matched, index=sentences.index, dtype=object), unmatched


def known_labels(sentences: pd.DataFrame, topics: Iterable[str]) -> np.ndarray:
    """Return the labels that people gave, int8, shape (sentences, topics): 1, 0, or -1 where there are none."""
    names, by_people = list(topics), sentences["label_source"].isin(["gold", "given"]).to_numpy()
    given = [labels if known else () for labels, known in zip(sentences["labels"], by_people, strict=True)]
    found = to_matrix(given, names)
    return np.where(by_people[:, None], found, -1).astype(np.int8)


def apply_rules(texts: Sequence[str], topics: Mapping[str, Topic]) -> np.ndarray:
    """Return which texts the keywords and patterns of each topic catch: booleans, shape (texts, topics)."""
    rules = rules_of(topics, {})
    votes = dict(zip(rules, vote(texts, rules).T, strict=True))
    none = np.zeros(len(texts), np.int8)
    return np.column_stack([votes.get(topic, none) for topic in topics]).astype(np.bool_)
