"""The sentences of each gold label: by id, by text, or where another splitter cut, by the overlap of texts."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate, chain
from typing import Any, NamedTuple

import pandas as pd

from slugline.errors import InputError, listing

CONFLICTS = ("error", "first", "union", "drop")
_SHOWN = 5  # sentences with different labels that a message names
# What is left of UTF-8 that was read as Windows-1252 where a splitter cut its `â€™` and the like in two
CUT_SIGNS = re.compile("^(?:[™œ\x9d\ufffd]|â€™)+|(?:â€|Â|\ufffd)+$")
_Labels = tuple[str, ...]
_Votes = dict[int, list[tuple[str, _Labels]]]  # by the row of a sentence: what gold gives it, each with its place


class MatchedGold(NamedTuple):
    """What gold labels say of sentences.

    `labels` of each sentence, a tuple or None; `unmatched`, the places of the rows that match no sentence; `counts` of
    the rows matched exactly (`exact`) and where texts overlap (`overlap`), and of sentences with different labels
    (`conflicts`).
    """

    labels: pd.Series
    unmatched: list[str]
    counts: dict[str, int]


def match_gold(
    sentences: pd.DataFrame, gold: Iterable[tuple[str, dict[str, Any]]], conflict: str = "error"
) -> MatchedGold:
    """Find the sentences of each gold label from `parse_gold`.

    By `sentence_id`, else by `article_id` and exact `text`; else by overlap, where the text stands just once in the
    article, blanks aside: the sentences that it lies in, or of which it holds at least half. A text that does not stand
    there is looked for once more without the remains of mojibake at its ends that another splitter cut in two.

    Raises
    ------
    InputError
        Where gold gives a sentence different labels, and `conflict` is `error`.
    """
    rows_of_id = {key: [row] for row, key in enumerate(sentences["sentence_id"])}
    rows_of_text: dict[tuple[str, str], list[int]] = {}
    for row, key in enumerate(zip(sentences["article_id"], sentences["text"], strict=True)):
        rows_of_text.setdefault(key, []).append(row)
    articles = _Articles(sentences)

    votes: _Votes = {}
    unmatched: list[str] = []
    counts = {"exact": 0, "overlap": 0}
    for where, record in gold:
        article, text = str(record["article_id"]), str(record["text"] or "")
        exact = rows_of_id.get(str(record["sentence_id"])) or rows_of_text.get((article, text), [])
        rows = exact or articles.find_overlap(article, text)
        if rows:
            counts["exact" if exact else "overlap"] += 1
        else:
            unmatched.append(where)
        if record["labels"] is not None:
            for row in rows:
                votes.setdefault(row, []).append((where, record["labels"]))
    different = {row for row, given in votes.items() if len({frozenset(labels) for _, labels in given}) > 1}
    if different and conflict == "error":
        raise InputError(_describe_conflicts(sentences, {row: votes[row] for row in sorted(different)}))
    labels = [
        _resolve(votes[row], conflict, row in different) if row in votes else None for row in range(len(sentences))
    ]
    series = pd.Series(labels, index=sentences.index, dtype=object)
    return MatchedGold(series, unmatched, counts | {"conflicts": len(different)})


def describe_matches(counts: Mapping[str, int], unmatched: Sequence[str]) -> list[str]:
    """Return what to warn of where gold labels found no sentence, another one, contradict each other or are ignored."""
    exact, overlap = (counts.get(name, 0) for name in ("exact", "overlap"))
    total = exact + overlap + len(unmatched)
    notes = []
    if overlap:
        notes.append(f"{exact} of {total} gold labels match a sentence exactly, {overlap} by overlap of their texts")
    if unmatched:
        notes.append(
            f"{len(unmatched)} of {total} gold labels match no sentence (changed or gone): {listing(unmatched, 5)}"
        )
    if conflicts := counts.get("conflicts"):
        notes.append(f"{conflicts} sentences have different gold labels; labels.conflict decided")
    if ignored := counts.get("other_topics"):
        notes.append(f"{ignored} labels of other topics than those of labels.only (or labels.topics) were ignored")
    return notes


class _Articles:
    """The sentences of each article as one text without blanks; made for an article when it is first asked for."""

    def __init__(self, sentences: pd.DataFrame) -> None:
        self._sentences = sentences
        self._rows: Mapping[Any, Any] | None = None
        self._joined: dict[str, tuple[str, frozenset[int], list[int]]] = {}

    def find_overlap(self, article: str, text: str) -> list[int]:
        """Return the rows of the sentences that a text of an article overlaps; none where its place is unclear."""
        if self._rows is None:
            self._rows = self._sentences.groupby("article_id", sort=False).indices
        if article not in self._rows or not text.strip():
            return []
        joined, word_ends, starts = self._join(article)
        wanted = re.sub(r"\s", "", text)
        if wanted not in joined:
            wanted = CUT_SIGNS.sub("", wanted)
        if not wanted:
            return []
        places = [
            (place.start(), place.start() + len(wanted))
            for place in re.finditer(f"(?={re.escape(wanted)})", joined)
            if _is_apart(joined, place.start(), word_ends) and _is_apart(joined, place.start() + len(wanted), word_ends)
        ]
        return [int(self._rows[article][number]) for number in _covered(starts, *places[0])] if len(places) == 1 else []

    def _join(self, article: str) -> tuple[str, frozenset[int], list[int]]:
        """Return an article's text without blanks, where blanks were, and where each sentence begins, last the end."""
        if article not in self._joined and self._rows is not None:
            texts = [str(text).split() for text in self._sentences["text"].iloc[self._rows[article]]]
            words = list(chain.from_iterable(texts))
            starts = [0, *accumulate(sum(map(len, words_of_one)) for words_of_one in texts)]
            self._joined[article] = ("".join(words), frozenset([0, *accumulate(map(len, words))]), starts)
        return self._joined[article]


def _is_apart(joined: str, place: int, word_ends: frozenset[int]) -> bool:
    """Tell whether a place is not within a word."""
    return place in word_ends or not (joined[place - 1].isalnum() and joined[place].isalnum())


def _covered(starts: Sequence[int], start: int, end: int) -> list[int]:
    """Return the numbers of the sentences that hold a span, or of which it holds at least half."""
    numbers = range(bisect_right(starts, start) - 1, bisect_left(starts, end))
    spans = [(number, starts[number], starts[number + 1]) for number in numbers]
    return [
        number
        for number, first, last in spans
        if (first <= start and end <= last) or 2 * (min(last, end) - max(first, start)) >= last - first > 0
    ]


def _resolve(votes: Sequence[tuple[str, _Labels]], conflict: str, different: bool) -> _Labels | None:
    """Return the labels of a sentence to which gold gives one or several."""
    if different and conflict == "drop":
        return None
    if different and conflict == "union":
        return tuple(dict.fromkeys(chain.from_iterable(labels for _, labels in votes)))
    return votes[0][1] if different else votes[-1][1]


def _describe_conflicts(sentences: pd.DataFrame, conflicts: _Votes) -> str:
    """Return in one line which sentences have different labels, and what can be done."""
    described = []
    for row, votes in list(conflicts.items())[:_SHOWN]:
        distinct = {
            frozenset(labels): f"{where} ({listing(labels) or 'no topic'})" for where, labels in reversed(votes)
        }
        places = " and ".join(list(distinct.values())[::-1][:3])
        described.append(f"{str(sentences['text'].iloc[row])[:40]!r}: {places}")
    more = f"; and {len(conflicts) - _SHOWN} more" if len(conflicts) > _SHOWN else ""
    return (
        f"gold labels give different labels to the same sentence, {len(conflicts)} times: {'; '.join(described)}{more}"
        "; correct them, or add labels.conflict=union (or first, or drop)"
    )
