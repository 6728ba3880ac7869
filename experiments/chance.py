"""Is the line `chance` right 95 times in 100? `python experiments/chance.py [--quick] [SOURCE ...]`.

It says by how much macro F1 on as many other articles may differ by chance. Pairs of samples of articles, drawn with
replacement: from the sample that ships with Slugline (all its sentences, those of train as predicted out of fold), and from
the simulated articles of `interval_coverage.py`. A pair holds where the scores of its two samples differ by no more than
the line says, which knows the first sample alone.
"""

import sys
from functools import partial

import numpy as np
from interval_coverage import Data, only, sample, simulate

import slugline
from slugline.scoring import difference_by_chance, score
from slugline.scoring.intervals import measure_intervals
from slugline.scoring.sums import build_measures
from slugline.tracking import Off

QUICK = "--quick" in sys.argv
PAIRS, RESAMPLES = (30, 200) if QUICK else (400, 400)
SIZES = (30, 60, 150, 400)  # articles


def main() -> None:
    """Print a table: how often the line holds, what it says, and what would hold 95 times in 100."""
    print(
        "| data | articles | holds | the line says | differences of 95 in 100 are below |\n| --- | --- | --- | --- | --- |"
    )
    for name in [name for name in SOURCES if name in sys.argv] or list(SOURCES):
        population = SOURCES[name]()
        for size in SIZES:
            pairs = np.array([draw_pair(population, size, seed) for seed in range(PAIRS)])
            differences, told = pairs.T
            holds, below = np.mean(differences <= told), np.quantile(differences, 0.95)
            print(f"| {name} | {size} | {holds:.3f} | {told.mean():.3f} | {below:.3f} |", flush=True)


def draw_pair(population: Data, articles: int, seed: int) -> tuple[float, float]:
    """Return by how much macro F1 of two samples of articles differs, and what the line says of the first."""
    first, second = (sample(population, articles, 1 + 2 * seed + side) for side in (0, 1))
    scores = [score(one.Y, one.one, one.topics)["f1_macro"] for one in (first, second)]
    unseen = [topic for topic, y in zip(first.topics, first.Y.T, strict=True) if not y.any()]
    parts = only(build_measures(first.Y, first.one, first.article, first.topics), "f1/")
    random = np.random.default_rng(seed)
    ends = measure_intervals(parts, unseen, articles=articles, resamples=RESAMPLES, random=random, level=0.95)[
        "f1_macro"
    ]
    return abs(scores[0] - scores[1]), difference_by_chance(*ends)


def shipped() -> Data:
    """Return what a model of the sample predicts for all its sentences, out of fold for those of train."""
    run = slugline.train(tracking=Off(), plots=False)
    P = run.probabilities
    decided = run.model.decide(P)
    article = np.unique(run.dataset.sentences["article_id"], return_inverse=True)[1]
    order = np.argsort(article, kind="stable")
    return Data(run.dataset.Y[order], decided[order], decided[order], P[order], article[order])


SOURCES = {"sample": shipped, "5 topics": partial(simulate, 5, 0.1), "15 topics": partial(simulate, 15, 0.02)}

if __name__ == "__main__":
    main()
