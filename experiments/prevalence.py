"""How many sentences carry a topic, day by day: counted and corrected against the truth. `python experiments/prevalence.py`.

IndiaPoliceEvents, split by article: a model is fitted on train, the rates of its errors are learned out of fold there, and
it counts in test: per day, per week, and in samples of 60 test articles in which those with a topic are drawn half as often
or twice as often as others, so that it is rarer or more common than in train. Mean absolute error of the number of sentences,
its bias, how often the 95 % interval holds the true number, and its mean width; over topics and splits (`--quick`: one).
Draws the days of the first split as `prevalence.png` beside this file, by matplotlib.
"""

import sys
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from benchmark import TOPICS
from out_of_fold import Sentences, fit, load

from slugline.scoring import TunedThreshold, count_articles, estimate_prevalence
from slugline.scoring.prevalence import METHODS
from slugline.splits import stratify

SPLITS = range(1) if "--quick" in sys.argv else range(5)
KINDS = ("decisions", "decisions at 0.5", "probabilities")


def main() -> None:
    """Print a table for all topics together, one per topic, and draw."""
    sentences = load()
    found: dict[tuple[str, ...], list[pd.DataFrame]] = defaultdict(list)
    for seed in SPLITS:
        train = stratify(sentences.Y, sentences.article, [0.7, 0.3], seed) == 0
        P = fit(sentences, train)
        given = dict(zip(KINDS, (TunedThreshold()(sentences.Y[train], P[train]) <= P, P >= 0.5, P), strict=True))
        for name, rows, periods in cases(sentences, ~train, seed):
            for kind, method in product(KINDS, METHODS):
                found[name, kind, method].append(estimate(sentences, train, given[kind], rows, periods, method))
        if seed == 0:
            draw(found["day", "decisions", "adjusted"][0], found["day", "decisions", "difference"][0])
    columns = ["error", "bias", "held", "width"]
    for title, topics in [("all topics", TOPICS), *((topic, (topic,)) for topic in TOPICS)]:
        print(
            f"\n{title}\n| case | given | method | mean true | {' | '.join(columns)} |\n| --- | --- | --- |{' ---: |' * 5}"
        )
        for (name, kind, method), tables in found.items():
            table = pd.concat(tables)
            table = table[table["topic"].isin(topics)]
            if method == METHODS[0]:  # once for each kind: as it was counted
                print(line((name, kind, "as counted"), table["true"], table["counted"]))
            print(line((name, kind, method), table["true"], table["corrected"], table["low"], table["high"]))


def line(cells: tuple[str, ...], true: Any, estimated: Any, low: Any = None, high: Any = None) -> str:
    """Return a row of a table."""
    off = estimated - true
    values = [f"{true.mean():.1f}", f"{off.abs().mean():.2f}", f"{off.mean():+.2f}"]
    values += (
        ["", ""] if low is None else [f"{((low <= true) & (true <= high)).mean():.3f}", f"{(high - low).mean():.1f}"]
    )
    return f"| {' | '.join([*cells, *values])} |"


def cases(sentences: Sentences, test: np.ndarray, seed: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Return what is counted: a name, rows of sentences, and the period of each."""
    rows = np.flatnonzero(test)
    days = sentences.day[rows]
    weeks = np.array([f"week {(int(day[-2:]) - 1) // 7}" for day in days])
    found = [("day", rows, days), ("week", rows, weeks)]
    random, articles = np.random.default_rng(seed), np.unique(sentences.article[rows])
    for name, factor in (("rarer", 0.5), ("more common", 2.0)):
        for topic in range(len(TOPICS)):
            having = np.isin(articles, sentences.article[sentences.Y[:, topic]])
            share = np.where(having, factor, 1.0)
            drawn = random.choice(articles, 60, replace=False, p=share / share.sum())
            some = np.flatnonzero(np.isin(sentences.article, drawn))
            found.append((name, some, np.full(len(some), TOPICS[topic])))
    return found


def estimate(
    sentences: Sentences, train: np.ndarray, given: np.ndarray, rows: np.ndarray, periods: np.ndarray, method: str
) -> pd.DataFrame:
    """Return the estimates of all periods beside the true numbers."""
    known = count_articles(given[train], sentences.article[train], sentences.Y[train])
    found = estimate_prevalence(given[rows], periods, sentences.article[rows], known, TOPICS, method=method)
    true = pd.DataFrame(sentences.Y[rows], columns=list(TOPICS)).groupby(periods).sum().stack()
    return found.assign(
        true=[int(true[period, topic]) for period, topic in zip(found["period"], found["topic"], strict=True)]
    )


def draw(adjusted: pd.DataFrame, difference: pd.DataFrame) -> None:
    """Draw true, counted and corrected numbers per day, a panel for each topic."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, panels = plt.subplots(len(TOPICS), 1, figsize=(9, 2.1 * len(TOPICS)), sharex=True, layout="constrained")
    for panel, topic in zip(panels, TOPICS, strict=True):
        days, other = (table[table["topic"] == topic] for table in (difference, adjusted))
        place = [int(day[-2:]) for day in days["period"]]
        panel.fill_between(place, days["low"], days["high"], color="0.85", label="95 % interval (difference)")
        panel.plot(place, days["corrected"], color="tab:blue", label="corrected (difference)")
        panel.plot(place, other["corrected"], color="tab:green", lw=0.8, label="corrected (adjusted)")
        panel.plot(place, other["counted"], color="tab:orange", lw=0.8, label="counted")
        panel.plot(place, days["true"], "k.", label="true")
        panel.set_ylabel(topic)
    figure.legend(*panels[0].get_legend_handles_labels(), ncols=3, fontsize=8, loc="outside upper center")
    panels[-1].set_xlabel("day of March 2002; sentences of test articles")
    figure.savefig(Path(__file__).with_suffix(".png"), dpi=130)


if __name__ == "__main__":
    main()
