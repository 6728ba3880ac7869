"""Chunks of text larger than memory, kept on disk as features; and what is counted of them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slugline.cache import load, store
from slugline.data.digests import hash_sentences
from slugline.data.languages import describe_languages
from slugline.data.read_files import ReadFile
from slugline.data.readers import describe_reading
from slugline.data.schema import GROUP_COLUMNS, Rejected
from slugline.data.sentences import normal_form
from slugline.labels import by_people
from slugline.labels.rare import set_aside
from slugline.splits import HELD_OUT, PARTS, Leakage, measure_leakage
from slugline.training.chunk_splits import digest_texts


class RowCounts:
    """What is counted of the sentences that are used: sizes, labels, leakage."""

    def __init__(self) -> None:
        self.sizes = dict.fromkeys(PARTS, 0)
        self.by_people = dict.fromkeys(HELD_OUT, 0)
        self.labels: Counter[tuple[str, str]] = Counter()  # sentences by topic and part
        self.carriers: Counter[str] = Counter()  # articles by topic; no article is in two chunks
        # Of each sentence: number of its part, digests of text, article, and what their exact copies share
        self.digests: list[tuple[np.ndarray, ...]] = []
        self.train_hash = blake2b(digest_size=8)

    def add(self, rows: pd.DataFrame) -> None:
        """Count the rows of a chunk."""
        carried: set[tuple[str, str]] = set()
        for part, article, topics, people in zip(
            rows["split"], rows["article_id"], rows["labels"], by_people(rows), strict=True
        ):
            self.sizes[part] += 1
            if part in self.by_people:
                self.by_people[part] += int(people)
            self.labels.update((topic, part) for topic in topics)
            carried.update((topic, article) for topic in topics)
        self.carriers.update(topic for topic, _ in carried)
        hash_sentences(self.train_hash, rows[rows["split"] == "train"])
        codes = np.array([PARTS.index(part) for part in rows["split"]], np.uint8)
        digests = [rows[column].to_numpy(np.uint64) for column in ("digest", *GROUP_COLUMNS)]
        self.digests.append((codes, digests[0], digest_texts(rows["article_id"]), *digests[1:]))

    def label_counts(self, topics: Sequence[str]) -> pd.DataFrame:
        """Return how many sentences of each part carry each topic: topics down, parts across."""
        counts = {part: [self.labels[topic, part] for topic in topics] for part in PARTS}
        return pd.DataFrame(counts, index=list(topics))

    def articles(self) -> int:
        """Return how many articles have sentences."""
        return len(np.unique(np.concatenate([articles for _, _, articles, _, _ in self.digests])))

    def article_groups(self, parts: Sequence[str] = PARTS) -> int:
        """Return how many articles have sentences in some parts, exact copies of an article as one."""
        chosen = [PARTS.index(part) for part in parts]
        return len(np.unique(np.concatenate([groups[np.isin(codes, chosen)] for codes, *_, groups in self.digests])))

    def leakages(self) -> tuple[Leakage, Leakage]:
        """Measure how far the parts share articles and sentences, and exact copies of them, by digests of 64 bits."""
        columns = (np.concatenate(column) for column in zip(*self.digests, strict=True))
        codes, texts, articles, sentence_groups, article_groups = columns
        parts = np.array(PARTS, object)[codes]
        return measure_leakage(texts, parts, articles), measure_leakage(sentence_groups, parts, article_groups)


@dataclass
class Chunks:
    """Chunks on disk, and what is known of them.

    `matches` are the counts of gold labels; `timeouts` says on how many sentences a rule took too long; `rare` and
    `unseen` are the topics that are set aside, with how many articles carry them; `kept`, what is said of articles that
    stay in their part. `cleaned` is what cleaning found in each chunk, `languages` counts articles; `split_here` tells
    whether they are split into sentences here.
    """

    folder: Path
    count: int = 0
    rows: RowCounts = field(default_factory=RowCounts)
    topics: tuple[str, ...] = ()
    suggested_mode: str = "multilabel"
    counts: dict[str, int] = field(default_factory=dict)
    matches: Counter[str] = field(default_factory=Counter)
    unmatched: list[str] = field(default_factory=list)
    timeouts: Counter[str] = field(default_factory=Counter)
    notes: Sequence[str] = ()
    languages: Counter[str] = field(default_factory=Counter)
    split_here: bool = True
    decided: Mapping[str, Any] = field(default_factory=dict)
    files: Sequence[ReadFile] = ()
    rejected: list[Rejected] = field(default_factory=list)
    cleaned: list[pd.DataFrame] = field(default_factory=list)
    rare: dict[str, int] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict)
    kept: list[str] = field(default_factory=list)
    by_rules_alone: bool = True

    def read_as(self) -> list[str]:
        """Return how the files were read and understood, a line for each kind."""
        return describe_reading(self.files, self.notes, self.rejected)

    def about_languages(self) -> list[str]:
        """Return what is said of the languages of the articles."""
        return describe_languages(dict(self.languages.most_common()), self.split_here)

    def count_read(self, counts: Mapping[str, int], matches: Mapping[str, int]) -> None:
        """Add what was counted of a chunk: sentences, and gold labels that match some."""
        self.counts = {key: self.counts.get(key, 0) + value for key, value in counts.items()}
        self.matches.update(matches)

    def load(self, order: Iterable[int] | None = None) -> Iterator[Any]:
        """Yield what is kept of each chunk: `X`, `rows` (ids, labels, parts), and the sentences `held_out`."""
        for number in range(self.count) if order is None else order:
            yield load(self.folder / str(number))

    def add(self, X: Any, used: pd.DataFrame) -> None:
        """Keep the features of a chunk's divided sentences, what is known of them, and the text of those held out."""
        X.data = X.data.astype(np.float32)  # half the disk
        rows = used[["sentence_id", "article_id", "labels", "label_source", "split", *GROUP_COLUMNS]]
        rows = rows.assign(digest=digest_texts(map(normal_form, used["text"])))
        held_out = used[used["split"] != "train"].drop(columns=["weights", *GROUP_COLUMNS], errors="ignore")
        self._store(self.count, X, rows, held_out.reset_index(drop=True))
        self.rows.add(rows)
        self.count += 1

    def drop_topics(self, topics: Mapping[str, int], mode: str) -> None:
        """Set topics aside; in multiclass with the sentences that carry them."""
        self.rows, before = RowCounts(), sum(self.rows.sizes.values())
        for number, chunk in enumerate(self.load()):
            numbered = chunk["rows"].assign(row=np.arange(len(chunk["rows"])))
            rows = set_aside(numbered, self.topics, topics, mode)
            held_out = set_aside(chunk["held_out"], self.topics, topics, mode)
            self._store(number, chunk["X"][rows.pop("row").to_numpy()], rows, held_out)
            self.rows.add(rows)
        self.topics = tuple(topic for topic in self.topics if topic not in topics)
        if lost := before - sum(self.rows.sizes.values()):
            self.counts |= {"used": self.counts["used"] - lost, "rare": self.counts.get("rare", 0) + lost}

    def _store(self, number: int, X: Any, rows: pd.DataFrame, held_out: pd.DataFrame) -> None:
        store(self.folder / str(number), {}, {"X": X, "rows": rows, "held_out": held_out})
