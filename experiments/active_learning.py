"""What the review queue saves: IndiaPoliceEvents labelled anew, as if nobody had, in the order that a strategy asks for.

    python experiments/active_learning.py [--quick] [curves] [weights]

`curves`: macro F1 on test articles against the number of labels, for sentences drawn at random, by plain uncertainty
(the highest of any topic), and by the queue of `slugline review` with the weights of conf/review.yaml. All begin with
the same 100 sentences: ten that hold the name of each label as a word (kill, arrest, fail, force, action), the rest at
random. After each batch a model is fitted as `slugline train` does, its thresholds by cross-validation on the labels
there are; features come from all texts of the pool, which are at hand unlabelled too. A topic that has no positive yet
gets no model and scores 0. `weights`: other weights, on other seeds and on dev articles. Prints tables, writes
`active_learning.json` and `active_learning.png` beside this file. Needs matplotlib and the data (see CONTRIBUTING.md). `--quick` tries
it out: one seed, few labels.
"""

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ["OMP_NUM_THREADS"] = "1"  # seeds run beside each other

import numpy as np
from joblib import Parallel, delayed
from omegaconf import OmegaConf
from scipy.sparse import csr_array
from sklearn.svm import LinearSVC

from slugline.data.ready_sentences import SentenceCorpus
from slugline.data.schema import to_matrix
from slugline.labels import Labels, Topic
from slugline.model.heads import to_probabilities
from slugline.model.vectorizers import from_estimator, normalize, side_by_side
from slugline.ngrams import TfidfVectorizer
from slugline.review.queue import QueueOptions, cast_votes, prioritise
from slugline.review.selection import select_batch, uncertainty
from slugline.review.stability import is_stable, measure_stability
from slugline.scoring import TunedThreshold, score
from slugline.splits import stratify
from slugline.training.fold_features import Block
from slugline.training.heads import Examples, fit_head

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data")).resolve() / "india_police_events"
QUICK = "--quick" in sys.argv
RULES = {"KILL": "kill*", "ARREST": "arrest*", "FAIL": "fail*", "FORCE": "force*", "ANY_ACTION": "action*"}
TOPICS = tuple(RULES)
SIZES = [100, 200, 300, 400, 600, 800, 1200, 1600, 2400, 3200, 4800, 6400]
SEEDS = range(5)
DEV_SEEDS = range(300, 312)
FIRST, BY_NAME = 100, 10  # sentences to begin with, and how many of them by the name of each label
STOP_SET = 2_000  # sentences on which successive models are compared
SHIPPED: dict[str, float] = {}  # the defaults of `QueueOptions`
STRATEGIES: dict[str, Any] = {"random": None, "uncertainty": "plain", "queue": SHIPPED}
PLAIN = {"uncertainty": 1.0, "disagreement": 0.0, "rarity": 0.0, "diversity": 0.0}
WEIGHTS = {
    "uncertainty alone": {},
    "diversity 0.2": {"diversity": 0.2},
    "diversity 0.4": {"diversity": 0.4},
    "rarity 1": {"rarity": 1.0},
    "rarity 3": {"rarity": 3.0},
    "disagreement 0.1": {"disagreement": 0.1},
    "disagreement 0.25": {"disagreement": 0.25},
    "disagreement 0.5": {"disagreement": 0.5},
    "all of them": {"disagreement": 0.1, "rarity": 1.0, "diversity": 0.2},
}


class News(NamedTuple):
    """Sentences: their texts, a number for each one's article, and booleans (sentences, topics)."""

    texts: list[str]
    articles: np.ndarray
    Y: np.ndarray


class Pool(NamedTuple):
    """What there is to label, as features by vectorizer and as one matrix of rows of length 1, and what is scored."""

    news: News
    votes: np.ndarray
    blocks: list[csr_array]
    X: csr_array
    alike: csr_array
    Y_scored: np.ndarray
    X_scored: csr_array


class Model(NamedTuple):
    """A fitted head, the topics it has, and all thresholds."""

    head: Any
    known: np.ndarray
    thresholds: np.ndarray

    def probabilities(self, X: csr_array) -> np.ndarray:
        """Return probabilities, shape (sentences, topics), 0 for a topic without a model."""
        found = np.zeros((X.shape[0], len(TOPICS)))
        found[:, self.known] = to_probabilities(self.head.log_odds(X), "multilabel")
        return found


def main() -> None:
    """Measure the parts that are asked for, print, write."""
    if not DATA.is_dir():
        sys.exit(f"no {DATA}: set SLUGLINE_DATA to the folder with the data")
    parts = {"curves": curves, "weights": weights}
    if unknown := set(sys.argv[1:]) - {"--quick", *parts}:
        sys.exit(f"{', '.join(sorted(unknown))}: no part; allowed: --quick, {', '.join(parts)}")
    file = Path(__file__).with_suffix(".json")
    found = json.loads(file.read_text()) if file.exists() and not QUICK else {}
    news = read()
    print(
        f"{len(news.texts)} sentences; share with each topic: "
        + ", ".join(f"{t} {s:.1%}" for t, s in zip(TOPICS, news.Y.mean(axis=0), strict=True))
    )
    for name in [name for name in parts if name in sys.argv] or list(parts):
        found[name] = parts[name](news)
        if not QUICK:
            file.write_text(json.dumps(found, indent=1) + "\n")


def read() -> News:
    """Return the sentences that are no debris, which `slugline review` does not ask for either."""
    columns = {"text": "sent_text", "labels": "sent_labels", "article_id": "doc_id"}
    frame = SentenceCorpus(str(DATA / "sents.jsonl"), columns=columns)().sentences()
    labelled = Labels(topics={topic: Topic() for topic in TOPICS})(frame[~frame["debris"]]).sentences
    return News(labelled["text"].tolist(), labelled["article_id"].factorize()[0], to_matrix(labelled["labels"], TOPICS))


def part_of(news: News, rows: np.ndarray) -> News:
    """Return some of the sentences."""
    return News([news.texts[row] for row in rows], news.articles[rows], news.Y[rows])


def prepare(news: News, shares: Sequence[float], seed: int) -> Pool:
    """Split by article into a pool, what is scored, and what is left alone; make the default features."""
    part = stratify(news.Y, news.articles, shares, seed)
    pool, scored = (part_of(news, np.flatnonzero(part == number)) for number in (0, 1))
    blocks, more = [], []
    for file in ("word", "char"):
        options = OmegaConf.to_container(OmegaConf.load(ROOT / f"conf/features/{file}.yaml")[file])
        options.pop("_target_")
        vectorizer = TfidfVectorizer(**options | {"ngram_range": tuple(options["ngram_range"])})
        blocks.append(vectorizer.fit_transform(pool.texts))
        more.append(from_estimator(file, vectorizer).transform(scored.texts))
    X = side_by_side(blocks)
    rules = Labels(topics={topic: Topic(keywords=[word]) for topic, word in RULES.items()})
    votes = cast_votes(pool.texts, TOPICS, rules)
    return Pool(pool, votes, blocks, X, normalize(X.copy(), "l2"), scored.Y, side_by_side(more))


def first_batch(pool: Pool, seed: int) -> np.ndarray:
    """Return the rows that all strategies begin with."""
    rng = np.random.default_rng(seed)
    chosen: list[int] = []
    for votes in pool.votes.T:
        hits = np.setdiff1d(np.flatnonzero(votes), chosen)
        chosen += rng.permutation(hits)[:BY_NAME].tolist()
    rest = np.setdiff1d(np.arange(len(pool.votes)), chosen)
    return np.array(chosen + rng.permutation(rest)[: FIRST - len(chosen)].tolist())


def fit(pool: Pool, rows: np.ndarray, seed: int) -> Model:
    """Fit the default classifier on labelled rows, calibration and thresholds by cross-validation on them."""
    options = OmegaConf.to_container(OmegaConf.load(ROOT / "conf/model/linear_svc.yaml"))
    classifier = LinearSVC(
        **{key: value for key, value in options.items() if key != "_target_"} | {"random_state": seed}
    )
    Y = pool.news.Y[rows]
    known, thresholds = Y.any(axis=0), np.full(len(TOPICS), 0.5)
    blocks = [Block(X[rows]) for X in pool.blocks]
    examples = Examples(blocks, Y[:, known], pool.news.articles[rows])
    fitted = fit_head(classifier, examples, seed=seed)
    thresholds[known] = TunedThreshold()(Y[:, known], fitted.probabilities)
    return Model(fitted.head, known, thresholds)


def ask(
    pool: Pool, model: Model, labelled: np.ndarray, size: int, strategy: Any, rng: np.random.Generator
) -> np.ndarray:
    """Return the rows to label next."""
    left = np.setdiff1d(np.arange(len(pool.votes)), labelled)
    if strategy is None:
        return rng.permutation(left)[:size]
    P = model.probabilities(pool.X[left])[:, model.known]
    limits = np.tile(model.thresholds[model.known], (len(left), 1))
    if strategy == "plain":
        return left[np.argsort(-uncertainty(P, limits).max(axis=1), kind="stable")[:size]]
    options = QueueOptions(size, **strategy)
    priorities = prioritise(options, P, limits, pool.votes[left][:, model.known])
    batch = select_batch(priorities.score, pool.alike[left], size, 1 - options.diversity, pool.alike[labelled])
    return left[batch.rows]


def replay(
    news: News, shares: Sequence[float], seed: int, strategies: Mapping[str, Any], sizes: Sequence[int]
) -> dict[str, Any]:
    """Label more and more of a pool by each strategy; return its scores at each size, and those of all labels."""
    pool = prepare(news, shares, seed)
    count = len(pool.votes)
    stop_set = np.random.default_rng(seed).permutation(count)[:STOP_SET]
    found: dict[str, Any] = {"pool": count}
    for name, strategy in strategies.items():
        rng, labelled, before = np.random.default_rng(seed), first_batch(pool, seed), None
        found[name] = []
        for size, after in zip(sizes, [*sizes[1:], None], strict=True):
            model = fit(pool, labelled, seed)
            decisions = model.probabilities(pool.X[stop_set]) >= model.thresholds
            kappa = None if before is None else measure_stability(before, decisions).mean
            before = decisions
            found[name].append(
                {"labels": size, "kappa": kappa, "found": int(pool.news.Y[labelled].any(axis=1).sum())}
                | scores(pool, model)
            )
            if after is not None:
                labelled = np.concatenate([labelled, ask(pool, model, labelled, after - size, strategy, rng)])
    return found | {"all": scores(pool, fit(pool, np.arange(count), seed))}


def scores(pool: Pool, model: Model) -> dict[str, Any]:
    """Return macro F1 and average precision, F1 by topic, and how many topics have no model."""
    probabilities = model.probabilities(pool.X_scored)
    table = score(pool.Y_scored, probabilities >= model.thresholds, TOPICS, probabilities=probabilities)
    by_topic = {topic: table[f"f1/{topic}"] for topic in TOPICS}
    return {
        "f1": table["f1_macro"],
        "ap": table["ap_macro"],
        "by topic": by_topic,
        "without a model": int((~model.known).sum()),
    }


def replay_all(
    news: News, shares: Sequence[float], seeds: Sequence[int], strategies: Mapping[str, Any], sizes: Sequence[int]
) -> list[dict[str, Any]]:
    """Replay all seeds, two at a time."""
    seeds, sizes = (seeds[:1], sizes[:4]) if QUICK else (seeds, sizes)
    found: list[dict[str, Any]] = Parallel(n_jobs=2)(
        delayed(replay)(news, shares, seed, strategies, sizes) for seed in seeds
    )
    return found


def curves(news: News) -> Any:
    """Compare the strategies on test articles."""
    runs = replay_all(news, [0.8, 0.2], list(SEEDS), STRATEGIES, SIZES)
    sizes, goal = describe(runs, STRATEGIES)
    for name in STRATEGIES:
        stop = [stops_at(run[name]) for run in runs]
        print(
            f"{name}: labelling would be stopped at {', '.join(str(size or 'never') for size in stop)} labels (kappa 0.99 three times)"
        )
    missing = sum(run["random"][0]["without a model"] for run in runs)
    print(f"topics without a positive among the first {FIRST}, of {len(runs) * len(TOPICS)}: {missing}")
    if not QUICK:
        plot(runs, sizes, goal, Path(__file__).with_suffix(".png"))
    return runs


def weights(news: News) -> Any:
    """Compare weights of the queue, on other seeds, scored on dev articles."""
    strategies = {name: PLAIN | changes for name, changes in WEIGHTS.items()}
    runs = replay_all(news, [0.6, 0.2, 0.2], list(DEV_SEEDS), strategies, SIZES[:-2])
    describe(runs, strategies)
    return runs


def describe(runs: list[dict[str, Any]], strategies: Mapping[str, Any]) -> tuple[list[int], float]:
    """Print mean and range of macro F1 at each size, and the labels each strategy needs for the score of all."""
    pool, sizes = runs[0]["pool"], [row["labels"] for row in runs[0][next(iter(strategies))]]
    full = np.array([run["all"]["f1"] for run in runs])
    print(
        f"\nmacro F1, mean of {len(runs)} seeds (least to most); all {pool} labels: {full.mean():.3f} ({full.min():.3f} to {full.max():.3f})"
    )
    table = {name: np.array([[row["f1"] for row in run[name]] for run in runs]) for name in strategies}
    print(f"{'labels':<20}" + "".join(f"{size:>8}" for size in sizes) + "    mean")
    for name, values in table.items():
        print(f"{name:<20}" + "".join(f"{value:>8.3f}" for value in values.mean(axis=0)) + f"{values.mean():>8.4f}")
        if len(strategies) == len(STRATEGIES):
            for what, edge in (("  least", values.min(axis=0)), ("  most", values.max(axis=0))):
                print(f"{what:<20}" + "".join(f"{value:>8.3f}" for value in edge))
    for name, values in table.items():
        reached = reaches(values.mean(axis=0), sizes, full.mean())
        each = [reaches(row, sizes, goal) or "never" for row, goal in zip(values, full, strict=True)]
        share = f"{reached} labels, {reached / pool:.0%} of all" if reached else f"not with {sizes[-1]}"
        print(f"{name}: mean reaches that of all labels with {share}; by seed: {', '.join(map(str, each))}")
    return sizes, float(full.mean())


def reaches(values: np.ndarray, sizes: Sequence[int], goal: float) -> int | None:
    """Return the least size whose score is the goal's, None where none is."""
    return next((size for size, value in zip(sizes, values, strict=True) if value >= goal), None)


def stops_at(rows: list[dict[str, Any]]) -> int | None:
    """Return the number of labels at which predictions have been stable three times in a row."""
    kappas = [row["kappa"] for row in rows[1:]]
    return next((row["labels"] for number, row in enumerate(rows[1:], start=1) if is_stable(kappas[:number])), None)


def plot(runs: list[dict[str, Any]], sizes: Sequence[int], goal: float, file: Path) -> None:
    """Draw mean macro F1 with the range over seeds."""
    from matplotlib.figure import Figure

    axes = Figure(figsize=(7, 4.5), layout="constrained").add_subplot()
    for name in STRATEGIES:
        values = np.array([[row["f1"] for row in run[name]] for run in runs])
        (line,) = axes.plot(sizes, values.mean(axis=0), marker="o", markersize=3, label=name)
        axes.fill_between(sizes, values.min(axis=0), values.max(axis=0), alpha=0.15, color=line.get_color())
    axes.axhline(goal, color="grey", linestyle="--", label=f"all {runs[0]['pool']} labels")
    axes.axvline(runs[0]["pool"] / 3, color="grey", linestyle=":", label="a third of them")
    axes.set_xscale("log")
    axes.set_xticks(sizes, [str(size) for size in sizes], fontsize=8)
    axes.minorticks_off()
    axes.set_xlabel("labelled sentences")
    axes.set_ylabel("macro F1 on test")
    axes.legend(loc="lower right")
    axes.figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
