"""Do the intervals hold the truth, does the paired test cry wolf? `python experiments/coverage.py [--quick]`.

Simulated articles whose sentences hang together, and IndiaPoliceEvents: out-of-fold decisions on the whole set are the
population, samples of its articles (with replacement) the data. Coverage is the share of samples whose 95 % interval of F1
holds the population's. For the false-positive rate two models of the same worth are compared: in each article they change
places by chance; the share of p below 0.05, before Holm's correction for single topics, for macro F1 as it is.
"""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pipeline.intervals import count_articles, draw, named, paired, score_intervals

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data")).resolve()
SAMPLES = 40 if "--quick" in sys.argv else 400
SIZES = (60, 150, 400)  # articles
Data = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # labels, decisions of two models, articles


def main() -> None:
    """Print both tables."""
    random = np.random.default_rng(0)
    Y, predicted = random.random((20_000, 15)) < 0.06, random.random((20_000, 15)) < 0.06
    start = time.perf_counter()
    score_intervals("test", Y, predicted, np.arange(20_000) // 16, [str(n) for n in range(15)])
    print(f"1,000 resamples of 20,000 sentences of 1,250 articles and 15 topics: {time.perf_counter() - start:.2f} s\n")
    sources: dict[str, Callable[[int, int], Data]] = {"simulated": simulate}
    truths = {"simulated": simulate(60_000, 0)}
    if (DATA / "india_police_events").is_dir():
        population = india()
        sources["IndiaPoliceEvents"] = lambda articles, seed: sample(population, articles, seed)
        truths["IndiaPoliceEvents"] = population
    print(
        "| data | articles | coverage, topics (least to most) | macro F1 | micro F1 | false positives, topics | macro F1 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, source in sources.items():
        for articles in SIZES:
            topics, macro, micro = coverage(source, truths[name], articles)
            false_topics, false_macro = false_positives(source, articles)
            print(
                f"| {name} | {articles} | {np.mean(topics):.3f} ({min(topics):.3f} to {max(topics):.3f}) | {macro:.3f} | {micro:.3f} "
                f"| {false_topics:.3f} | {false_macro:.3f} |",
                flush=True,
            )


def names(Y: np.ndarray) -> list[str]:
    """Return a name for each topic."""
    return [str(column) for column in range(Y.shape[1])]


def coverage(source: Callable[[int, int], Data], population: Data, articles: int) -> tuple[list[float], float, float]:
    """Return how often intervals hold the population's F1: of each topic, macro, micro."""
    Y, one, _, group = population
    counts = count_articles(Y, one, group)
    truth = named("test", draw(counts, np.ones((1, len(counts)))), names(Y))
    keys = [*(f"test/f1/{name}" for name in names(Y)), "test/f1_macro", "test/f1_micro"]
    hits = dict.fromkeys(keys, 0)
    for seed in range(SAMPLES):
        y, predicted, _, where = source(articles, 1 + seed)
        found = score_intervals("test", y, predicted, where, names(y), seed=seed)
        for key in keys:
            hits[key] += found[f"{key}_low"] <= truth[key][0] <= found[f"{key}_high"]
    *topics, macro, micro = (hits[key] / SAMPLES for key in keys)
    return topics, macro, micro


def false_positives(source: Callable[[int, int], Data], articles: int) -> tuple[float, float]:
    """Return how often two models of the same worth differ at 5 %: one topic for itself, and macro F1."""
    single, macro = 0, 0
    for seed in range(SAMPLES):
        y, one, other, where = source(articles, 1 + seed)
        swap = np.random.default_rng(50_000 + seed).random(int(where.max()) + 1) < 0.5
        a, b = np.where(swap[where][:, None], other, one), np.where(swap[where][:, None], one, other)
        found = paired(y, a, b, where, names(y), resamples=1000, seed=seed)
        macro += found[-1].p < 0.05
        single += paired(y[:, :1], a[:, :1], b[:, :1], where, ["0"], resamples=1000, seed=seed)[0].p < 0.05
    return single / SAMPLES, macro / SAMPLES


def simulate(articles: int, seed: int) -> Data:
    """Return articles with moods of their own: how common topics are, and how good each of two models is, go by article."""
    random = np.random.default_rng(seed)
    sizes = random.integers(4, 25, articles)
    group = np.repeat(np.arange(articles), sizes)
    common = random.normal(0, 1.3, (articles, 5))[group] - 3.5 + np.linspace(0, 1.7, 5)
    Y = random.random(common.shape) < 1 / (1 + np.exp(-common))

    def model() -> np.ndarray:
        skill = random.normal(1, 0.6, (articles, 5))[group]
        return np.where(Y, random.random(Y.shape) < 1 / (1 + np.exp(-skill)), random.random(Y.shape) < 0.02)

    return Y, model(), model(), group


def india() -> Data:
    """Return out-of-fold decisions of two models on all of IndiaPoliceEvents: words, and words and characters."""
    from benchmark import FEATURES, TOPICS, read
    from sklearn.svm import LinearSVC

    from pipeline.features import TfidfVectorizer
    from pipeline.metrics import TunedThreshold
    from pipeline.models.fit import fit_head

    rows = read()
    texts = [row["sent_text"] for row in rows]
    Y = np.array([[topic in row["sent_labels"] for topic in TOPICS] for row in rows])
    group = np.unique([row["doc_id"] for row in rows], return_inverse=True)[1]
    blocks = [TfidfVectorizer(**options).fit_transform(texts) for options in FEATURES.values()]

    def decide(some: list) -> np.ndarray:
        classifier = LinearSVC(C=0.3, tol=0.01, random_state=0)
        P = fit_head(classifier, some, ["l2"] * len(some), Y, group, "multilabel").probabilities
        return TunedThreshold()(Y, P) <= P

    return Y, decide(blocks), decide(blocks[:1]), group


def sample(population: Data, articles: int, seed: int) -> Data:
    """Return so many articles of a population, drawn with replacement."""
    *columns, group = population
    drawn = np.random.default_rng(seed).integers(group.max() + 1, size=articles)
    rows = [np.flatnonzero(group == article) for article in drawn]
    where = np.repeat(np.arange(articles), [len(part) for part in rows])
    Y, one, other = (column[np.concatenate(rows)] for column in columns)
    return Y, one, other, where


if __name__ == "__main__":
    main()
