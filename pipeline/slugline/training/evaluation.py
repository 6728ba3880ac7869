"""One model on held-out sentences: metrics of dev and test, and tables of the part that it is judged by."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from slugline.dataset import Material
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.scoring import (
    Counts,
    Scores,
    check_method,
    count_articles,
    estimate_prevalence,
    max_by_article,
    period_bins,
    reading_budget,
    reliability_curve,
    score,
    score_all_slices,
    score_articles,
    score_calibration,
    score_intervals,
    slice_values,
    tabulate,
    work_saved,
)
from slugline.splits import PARTS
from slugline.training.fit import Outcome

BASELINE_SCORES = ("f1_macro", "f1_micro")


@dataclass(frozen=True)
class Evaluation:
    """How a model is judged.

    `slices` name columns, or `period`, `length` and `place` (title, first sentence, later ones). `recall` is what the
    reading budget is for. `period` and `prevalence` (difference, adjusted) say how sentences are counted over time.
    `repeats` is the number of splits, `learning_curve` shares of the training articles: each takes a fit more.
    """

    slices: list[str] = field(default_factory=lambda: ["source", "language", "period", "length", "place"])
    recall: float = 0.95
    period: str | None = None
    prevalence: str = "difference"
    repeats: int = 1
    learning_curve: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Raise `InputError` for a number that is none of its kind."""
        if not 0 < self.recall <= 1:
            raise InputError(f"evaluation.recall={self.recall}; allowed: above 0, to 1")
        if wrong := [share for share in self.learning_curve if not 0 < share <= 1]:
            raise InputError(f"evaluation.learning_curve: {wrong[0]:g}; allowed: above 0, to 1")
        check_method(self.prevalence, "evaluation.prevalence")
        if self.repeats < 1:
            raise InputError(f"evaluation.repeats={self.repeats}; allowed: 1 or more")

    def check(self, material: Material, split: Any) -> None:
        """Raise `InputError` for slices, periods or other splits that there are not."""
        if self.repeats > 1 and not hasattr(split, "seed"):
            raise InputError("evaluation.repeats: the split draws nothing; allowed: split=article, split=random")
        for name in self.slices:
            slice_values(material.sentences.head(1), name)
        period_bins(material.sentences["published"].head(1), self.period)


class Evaluated(NamedTuple):
    """What was found: `metrics` by their keys, and tables: `calibration, reliability, articles, slices, prevalence`."""

    metrics: Scores
    tables: dict[str, pd.DataFrame]


def evaluate(material: Material, outcome: Outcome, labels: Labels, how: Evaluation) -> Evaluated:
    """Score a model on dev and test beside baselines; look closer at the part that it is judged by."""
    metrics: Scores = {}
    for part in PARTS[1:]:
        if material.rows(part).any():
            metrics |= score_part(material, outcome, labels, part)
    found, tables = look_closer(material, outcome, how)
    return Evaluated(metrics | found, {name: table for name, table in tables.items() if len(table)})


def score_part(material: Material, outcome: Outcome, labels: Labels, part: str) -> Scores:
    """Return scores with 95 % intervals, and those of the baselines: the commonest topic, and the rules."""
    rows, topics = material.rows(part), material.topics
    Y, P, articles = material.Y[rows], outcome.probabilities[rows], material.sentences["article_id"][rows].to_numpy()
    decided = outcome.model.decide(P)
    metrics = score(part, Y, decided, P, topics) | with_ends(part, score_intervals(Y, decided, articles, topics, P))
    for name, guess in guesses(material, rows, labels).items():
        found = score(part, Y, guess, None, topics)
        metrics |= {f"{part}/{key}_{name}": found[f"{part}/{key}"] for key in BASELINE_SCORES}
    return metrics


def with_ends(part: str, found: dict[str, tuple[float, float]]) -> Scores:
    """Return intervals under the keys of their scores with `_low` and `_high`."""
    sides = {"low": 0, "high": 1}
    return {f"{part}/{key}_{side}": ends[place] for key, ends in found.items() for side, place in sides.items()}


def guesses(material: Material, rows: np.ndarray, labels: Labels) -> dict[str, np.ndarray]:
    """Return what the baselines give for some sentences, booleans (sentences, topics)."""
    commonest = int(material.label_counts["train"].argmax())
    found = {"most_frequent": np.tile(np.arange(len(material.topics)) == commonest, (int(rows.sum()), 1))}
    if labels.all_rules():
        votes = labels.vote(material.sentences["text"][rows].tolist())
        found["rules"] = labels.weigh(votes, np.full(material.Y[rows].shape, -1)) > 0.5
    return found


def look_closer(material: Material, outcome: Outcome, how: Evaluation) -> tuple[Scores, dict[str, pd.DataFrame]]:
    """Return calibration, ranking, scores on articles, slices and counts over time, of the part that counts."""
    part, topics = material.judged, material.topics
    rows = material.rows(part)
    sentences, Y, P = material.sentences[rows], material.Y[rows], outcome.probabilities[rows]
    decided, articles = outcome.model.decide(P), sentences["article_id"].to_numpy()
    columns = list(zip(topics, Y.T, P.T, strict=True))
    table = score_calibration(Y, P, topics)
    table["reading_budget"] = [reading_budget(y, p, how.recall) for _, y, p in columns]
    table["work_saved"] = [work_saved(y, p, how.recall) for _, y, p in columns]
    metrics = {f"{part}/{name}/{topic}": value for name in table for topic, value in table[name].to_dict().items()}
    metrics |= {f"{part}/{name}_macro": float(table[name].mean()) for name in table}
    metrics |= score_articles(part, Y, decided, articles, topics, probabilities=P)
    each = [max_by_article(values, articles) for values in (Y, decided, P)]
    metrics |= with_ends(f"{part}/article", score_intervals(each[0], each[1], range(len(each[0])), topics, each[2]))
    tables = {
        "calibration": table.reset_index(),
        "reliability": pd.concat([reliability_curve(y, p).assign(topic=topic) for topic, y, p in columns]),
        "articles": tabulate(metrics, f"{part}/article", topics).rename_axis("topic").reset_index(),
        "slices": score_all_slices(sentences, Y, decided, topics, how.slices),
        "prevalence": count_over_time(material, outcome, how),
    }
    return {key: value for key, value in metrics.items() if value == value}, tables


def count_over_time(material: Material, outcome: Outcome, how: Evaluation) -> pd.DataFrame:
    """Return estimated and true numbers of sentences per period and topic; see `estimate_prevalence`.

    Estimated as if the part had no labels: errors are learned from all other sentences. Empty where no article has a
    date, or no other sentences are there.
    """
    rows = material.rows(material.judged)
    sentences, Y = material.sentences[rows], material.Y[rows]
    periods = period_bins(sentences["published"], how.period)
    others = known_rows(material) & ~rows
    if not others.any() or not any(period is not None for period in periods):
        return pd.DataFrame()
    decided = outcome.model.decide(outcome.probabilities)
    known = count_articles(decided[others], material.sentences["article_id"][others].to_numpy(), material.Y[others])
    groups = sentences["article_id"].to_numpy()
    table = estimate_prevalence(decided[rows], periods, groups, known, material.topics, method=how.prevalence)
    true: Any = pd.DataFrame(Y, columns=list(material.topics)).groupby(periods, dropna=False).sum()
    return table.assign(true=true.to_numpy().ravel())


def known_rows(material: Material) -> np.ndarray:
    """Return which sentences people labelled; all, where they labelled none."""
    by_people = material.by_people()
    return by_people if by_people.any() else np.ones_like(by_people)


def reference_counts(material: Material, outcome: Outcome) -> Counts:
    """Return by articles what was given and what is true, out of fold for train: how far a model's counts are off."""
    rows = known_rows(material)
    decided = outcome.model.decide(outcome.probabilities[rows])
    return count_articles(decided, material.sentences["article_id"][rows].to_numpy(), material.Y[rows])
