"""Do 95 % intervals hold the truth, does the paired test cry wolf? `python experiments/interval_coverage.py [--quick] [--curves] [SOURCE ...]`.

Samples of articles, drawn with replacement, from IndiaPoliceEvents (out-of-fold decisions on the whole set are the
population) and from simulated articles, of 5 topics, and of 15, the rarest in one article of fifty. Studentised resamples with
pseudo-articles (`slugline.scoring.bootstrap`) against plain percentiles of resamples, on the same samples.

First table: coverage of intervals of F1 and their mean width, by the number of the sample's articles that have the
topic. Second: of all topics, averages, and average precision of topics that some article has. Third: how often p is below 0.05
where two models are equal (they change places in each article by chance), and how often the interval of the difference holds
that of the population (they do not change places). With `--curves` only a fourth: of calibration error, less chance, and of the share to read to find
95 %; by the number of articles that have the topic.
"""

import sys
import time
from collections import defaultdict
from functools import partial
from typing import NamedTuple

import numpy as np

from slugline.scoring import (
    TunedThreshold,
    budget_intervals,
    calibration_intervals,
    expected_calibration_error,
    reading_budget,
    score,
    score_intervals,
)
from slugline.scoring.bootstrap import draw_difference, draw_weights, resample, studentised_difference
from slugline.scoring.intervals import measure_intervals
from slugline.scoring.sums import Measure, build_measures

QUICK, CURVES = "--quick" in sys.argv, "--curves" in sys.argv
SAMPLES, RESAMPLES = (20, 200) if QUICK else (200, 400)
SIZES = (60, 150, 400)  # articles
EDGES = (0, 1, 3, 6, 11, 21, 51)
AVERAGES = ("f1, topics", "f1_macro", "f1_micro", "ap, topics", "ap_macro")
TESTS = ("equal, topics", "equal, macro", "difference, topics", "difference, macro")


class Data(NamedTuple):
    """Labels, decisions of two models and probabilities of the first, (sentences, topics), and each one's article."""

    Y: np.ndarray
    one: np.ndarray
    other: np.ndarray
    P: np.ndarray
    article: np.ndarray

    @property
    def topics(self) -> list[str]:
        """A name for each topic."""
        return [str(column) for column in range(self.Y.shape[1])]


class Tally:
    """What was found, a row for each data, size and method, a column for each kind of score."""

    def __init__(self) -> None:
        self.found: dict[tuple[str, ...], dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))

    def add(self, row: tuple[str, ...], column: str, held: bool, width: float = np.nan) -> None:
        """Count one interval or test."""
        self.found[row][column].append((held, width))

    def show(self, title: str, columns: list[str] | tuple[str, ...]) -> None:
        """Print a table."""
        print(
            f"\n{title}\n| data | articles | method | {' | '.join(columns)} |\n| --- | --- | --- |{' --- |' * len(columns)}"
        )
        for row, found in self.found.items():
            cells = [self.cell(found[column]) if found[column] else "" for column in columns]
            print(f"| {' | '.join(row)} | {' | '.join(cells)} |")

    @staticmethod
    def cell(pairs: list[tuple[float, float]]) -> str:
        """Return the share that held, and the mean width."""
        held, width = np.mean(pairs, axis=0)
        return f"{held:.3f}" + (f" ({width:.2f})" if width == width else "")


def main() -> None:
    """Print what it takes, and three tables."""
    if CURVES:
        study_curves()
        return
    random = np.random.default_rng(0)
    Y, P = random.random((20_000, 15)) < 0.06, random.random((20_000, 15))
    for more in (None, P):
        start = time.perf_counter()
        score_intervals(Y, P > 0.9, [str(n) for n in range(15)], groups=np.arange(20_000) // 16, probabilities=more)
        what = "with" if more is not None else "without"
        print(
            f"1,000 resamples, 20,000 sentences, 15 topics, {what} average precision: {time.perf_counter() - start:.2f} s"
        )
    asked = [name for name in SOURCES if name in sys.argv] or list(SOURCES)
    populations = {name: SOURCES[name]() for name in asked}
    by_support, averages, tests = Tally(), Tally(), Tally()
    for name, population in populations.items():
        for size in SIZES:
            for seed in range(SAMPLES):
                data = sample(population, size, 1 + seed)
                tally_intervals((name, str(size)), population, data, seed, by_support, averages)
                tally_tests((name, str(size)), population, data, seed, tests)
    by_support.show(
        "F1 of a topic, by the articles where it stands: coverage (mean width)", [str(edge) for edge in EDGES]
    )
    averages.show("averages: coverage (mean width)", AVERAGES)
    tests.show("two models: p below 0.05 where equal; coverage of the difference (mean width)", TESTS)


def study_curves() -> None:
    """Print how often intervals of calibration error and of the reading budget hold those of the population."""
    tally = Tally()
    for name in [name for name in SOURCES if name in sys.argv] or list(SOURCES):
        population = SOURCES[name]()
        pairs = list(zip(population.topics, population.Y.T, population.P.T, strict=True))
        truth = {f"ece_debiased/{topic}": expected_calibration_error(y, p, debiased=True) for topic, y, p in pairs}
        truth |= {f"reading_budget/{topic}": reading_budget(y, p) for topic, y, p in pairs}
        for size in SIZES[:2]:
            for seed in range(SAMPLES // 2):
                data = sample(population, size, 1 + seed)
                options = {"groups": data.article, "resamples": RESAMPLES, "seed": seed}
                found = calibration_intervals(data.Y, data.P, data.topics, **options)
                found |= budget_intervals(data.Y, data.P, data.topics, **options)
                stands = [len(np.unique(data.article[y])) for y in data.Y.T]
                for key, (low, high) in found.items():
                    kind, _, topic = key.partition("/")
                    edge = max(edge for edge in EDGES if edge <= stands[int(topic)])
                    tally.add((name, str(size), kind), str(edge), low <= truth[key] <= high, high - low)
    tally.show("curves: coverage (mean width)", [str(edge) for edge in EDGES[1:]])


def tally_intervals(
    row: tuple[str, str], population: Data, data: Data, seed: int, by_support: Tally, averages: Tally
) -> None:
    """Count whether the intervals of a sample hold the scores of the population, by both methods."""
    truth = score(population.Y, population.one, population.topics, probabilities=population.P)
    parts = only(build_measures(data.Y, data.one, data.article, data.topics, data.P), "f1", "ap")
    articles = data.article.max() + 1
    unseen = [topic for topic, y in zip(data.topics, data.Y.T, strict=True) if not y.any()]
    ours = measure_intervals(
        parts, unseen, articles=articles, resamples=RESAMPLES, random=np.random.default_rng(seed), level=0.95
    )
    weights = draw_weights(articles, RESAMPLES, np.random.default_rng(seed))
    percentile = {
        name: tuple(np.quantile(values[1:], [0.025, 0.975])) for name, values in plain(parts, weights).items()
    }
    stands = [len(np.unique(data.article[rows])) for rows in data.Y.T]
    for method, found in (("studentised", ours), ("percentile", percentile)):
        for key, (low, high) in found.items():
            kind, _, topic = key.partition("/")
            result = (low <= truth[key] <= high, high - low)
            if kind == "f1":
                edge = max(edge for edge in EDGES if edge <= stands[int(topic)])
                by_support.add((*row, method), str(edge), *result)
                averages.add((*row, method), "f1, topics", *result)
            elif kind == "ap" and data.Y[:, int(topic)].any():
                averages.add((*row, method), "ap, topics", *result)
            elif key in AVERAGES:
                averages.add((*row, method), key, *result)


def tally_tests(row: tuple[str, str], population: Data, data: Data, seed: int, tests: Tally) -> None:
    """Count false alarms of both tests, and whether the intervals of the difference hold."""
    topics = data.topics
    truth = {}
    for key in ("f1_macro", *(f"f1/{topic}" for topic in topics)):
        scores = [score(population.Y, model, topics)[key] for model in (population.one, population.other)]
        truth[key] = scores[0] - scores[1]
    swap = np.random.default_rng(50_000 + seed).random(int(data.article.max()) + 1) < 0.5
    sides = [np.where((swap[data.article] == side)[:, None], data.one, data.other) for side in (True, False)]
    for kind, (one, other) in {"equal": sides, "difference": [data.one, data.other]}.items():
        articles = data.article.max() + 1
        a, b = (only(build_measures(data.Y, side, data.article, topics), "f1/") for side in (one, other))
        drawers = {name: partial(draw_difference, a[name], b[name]) for name in a}
        found = resample(drawers, articles, RESAMPLES, np.random.default_rng(seed))
        ours = {key: studentised_difference(one, 0.95) for key, one in found.items()}
        weights = draw_weights(articles, RESAMPLES, np.random.default_rng(seed))
        values = [plain(parts, weights) for parts in (a, b)]
        theirs = {key: (*np.quantile((values[0][key] - values[1][key])[1:], [0.025, 0.975]), None) for key in ours}
        for method, found in (("studentised", ours), ("percentile", theirs)):
            for key, (low, high, p) in found.items():
                column = f"{kind}, {'macro' if key == 'f1_macro' else 'topics'}"
                if kind == "equal" and p is not None:
                    tests.add((*row, method), column, p < 0.05)
                elif kind == "difference":
                    tests.add((*row, method), column, low <= truth[key] <= high, high - low)


def plain(measures: dict[str, Measure], weights: np.ndarray) -> dict[str, np.ndarray]:
    """Return each score of the sample, first, and of each resample, and the means over topics, without pseudo-articles."""
    sums = {name: part.weigh(weights) for name, part in measures.items()}
    found = {
        name: np.divide(one.hits, one.totals, out=np.zeros(len(weights)), where=one.totals > 0)
        for name, one in sums.items()
    }
    for kind in sorted({name.partition("/")[0] for name in found if "/" in name}):
        found[f"{kind}_macro"] = np.mean(
            [values for name, values in found.items() if name.startswith(f"{kind}/")], axis=0
        )
    return found


def only(measures: dict[str, Measure], *kinds: str) -> dict[str, Measure]:
    """Return the measures of some kinds: the study takes long enough."""
    return {name: part for name, part in measures.items() if name.startswith(kinds)}


def simulate(topics: int, rarest: float, articles: int = 6_000) -> Data:
    """Return articles whose sentences hang together: topics, how well models know them, and where these err, by article."""
    random = np.random.default_rng(0)
    sizes = np.maximum(1, random.lognormal(2.5, 0.7, articles).astype(int))
    article = np.repeat(np.arange(articles), sizes)
    stands = random.random((articles, topics)) < np.geomspace(rarest, 0.5, topics)
    Y = random.random((len(article), topics)) < (stands * random.beta(1, 5.7, stands.shape))[article]
    seen = 3 * Y + (stands + 0.8 * random.normal(size=stands.shape))[article] + random.normal(size=Y.shape)
    scores = [seen + random.normal(0, 0.7, Y.shape) for _ in range(2)]
    P = 1 / (1 + np.exp(3.5 - scores[0]))
    return Data(Y, scores[0] > 3.5, scores[1] > 3.5, P, article)


def india() -> Data:
    """Return out-of-fold decisions of two models on all of IndiaPoliceEvents: words and characters, and words."""
    from out_of_fold import fit, load

    sentences = load()
    every = np.ones(len(sentences.Y), bool)
    P, Q = fit(sentences, every), fit(sentences, every, ("words",))
    one, other = (TunedThreshold()(sentences.Y, p) <= p for p in (P, Q))
    return Data(sentences.Y, one, other, P, sentences.article)


def sample(population: Data, articles: int, seed: int) -> Data:
    """Return so many articles of a population, drawn with replacement; its sentences stand by article."""
    starts = np.searchsorted(population.article, np.arange(population.article.max() + 2))
    drawn = np.random.default_rng(seed).integers(len(starts) - 1, size=articles)
    rows = np.concatenate([np.arange(starts[article], starts[article + 1]) for article in drawn])
    article = np.repeat(np.arange(articles), np.diff(starts)[drawn])
    return Data(population.Y[rows], population.one[rows], population.other[rows], population.P[rows], article)


SOURCES = {
    "5 topics": partial(simulate, 5, 0.1),
    "15 topics": partial(simulate, 15, 0.02),
    "IndiaPoliceEvents": india,
}

if __name__ == "__main__":
    main()
