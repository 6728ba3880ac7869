"""Which defaults? `python experiments/defaults.py [--quick] [features] [typos] [languages] [C] [multiclass] [seeds]`.

Each on the sample, IndiaPoliceEvents and the UK manifestos (the latter two from ../shared/data or SLUGLINE_DATA), split
by article, three tenths test (articles drawn at random where there are few, as of the 18 manifestos, else stratified),
five seeds of the split; also with few sentences of train, drawn at random, and the topics that at least five of them
carry. Scores are macro; differences are paired by seed: mean (standard error).

`features`: words with character n-grams of several lengths, and each alone, against 3 to 5. `typos`: the same models on
test sentences with typing errors. `languages`: the same on the multilingual sample of the tests (60 articles, a third of
them test, twenty draws), average precision. `C`: values of C against the default, and C chosen by out-of-fold scores.
`multiclass`: that where each sentence has one topic: sentences of the sample with one topic; manifestos: economic,
social or neither. `seeds`: how far macro F1 on test moves with the solver's seed alone, by the threshold's tolerance.

Every fit is kept under experiments/cache/defaults, so that a study that was stopped goes on where it was; remove that
folder after a change to features or solver. Two processes.
"""

import os
import random
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from sklearn.base import clone
from weak_labels import DATA, read

from slugline.cache import Stages
from slugline.dataset import Dataset
from slugline.ngrams import TfidfVectorizer
from slugline.scoring import TunedThreshold, score
from slugline.splits import ByArticle
from slugline.training.fit import fit_model
from slugline.training.settings import TrainSettings

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from multilingual import write_sample

FITS = Path(__file__).parent / "cache" / "defaults"
QUICK = "--quick" in sys.argv
SEEDS = range(2) if QUICK else range(5)
SOLVER_SEEDS = range(2) if QUICK else range(10)
DRAWS = range(2) if QUICK else range(20)
TOLERANCES = (0.0, 0.25, 0.5, 1.0)  # of the threshold, in standard errors of the best F1
SIZES = (0, 300, 500)  # sentences of train; 0: all
COSTS = (0.1, 0.3, 1.0, 3.0)
SETS = {
    "sample": [],
    "IndiaPoliceEvents": ["experiment=india_police_events"],
    "UK manifestos": ["data=sentences", f"data.path={DATA}/uk_manifestos/sentences.jsonl", "labels=given"],
}
EXCLUSIVE = ("sample", "UK manifestos")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WORD = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)


def char(shortest: int, longest: int, **options: Any) -> TfidfVectorizer:
    """Return character n-grams inside words."""
    chosen = {"min_df": 3, "sublinear_tf": True, **options}
    return TfidfVectorizer(analyzer="char_wb", ngram_range=(shortest, longest), **chosen)


BASE = "words, characters 3 to 5"
LEAN = "words, characters 4"
FEATURES = {
    BASE: {"word": WORD, "char": char(3, 5)},
    LEAN: {"word": WORD, "char": char(4, 4)},
    "words, characters 3 to 4": {"word": WORD, "char": char(3, 4)},
    "words": {"word": WORD},
    "characters 4": {"char": char(4, 4)},
    "words, characters 4, min_df 5": {"word": WORD, "char": char(4, 4, min_df=5)},
    "words, characters 4, counts not sublinear": {
        "word": TfidfVectorizer(ngram_range=(1, 2), min_df=2),
        "char": char(4, 4, sublinear_tf=False),
    },
}


class Fit(NamedTuple):
    """A fit to make: on which data, and with what."""

    data: str
    seed: int
    features: str = LEAN
    C: float = 0.3
    size: int = 0
    mode: str = "multilabel"
    solver_seed: int = 0

    @property
    def file(self) -> Path:
        """Where its result is kept."""
        return FITS / f"{'-'.join(map(str, self)).replace(' ', '_').replace(',', '')}.npz"


def main() -> None:
    """Run the studies that are asked for, or all."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
    studies = {
        "features": features,
        "typos": typos,
        "languages": languages,
        "C": costs,
        "multiclass": multiclass,
        "seeds": seeds,
    }
    if unknown := set(sys.argv[1:]) - {"--quick", *studies}:
        sys.exit(f"{', '.join(sorted(unknown))}: no study; allowed: --quick, {', '.join(studies)}")
    for name, folder in {"IndiaPoliceEvents": "india_police_events", "UK manifestos": "uk_manifestos"}.items():
        if not (DATA / folder).is_dir():
            print(f"no {DATA / folder}: left out")
            del SETS[name]
    for name in [study for study in studies if study in sys.argv] or studies:
        print(f"\n{name}\n", flush=True)
        studies[name]()


# ---- fits


def make(fits: list[Fit]) -> None:
    """Make the fits that are not there yet."""
    FITS.mkdir(parents=True, exist_ok=True)
    missing = [fit for fit in dict.fromkeys(fits) if not fit.file.exists()]
    Parallel(n_jobs=2)(delayed(run)(fit) for fit in missing)


def run(fit: Fit) -> None:
    """Make one fit and keep labels and probabilities of train, out of fold, and of test, as it is and with typing errors."""
    dataset, settings = prepare(fit.data, fit.seed, fit.size, fit.mode)
    model = clone(settings.model).set_params(C=fit.C, random_state=fit.solver_seed)
    vectorizers = {name: clone(one) for name, one in FEATURES[fit.features].items()}
    options = {"features": vectorizers, "model": model, "n_jobs": 1}
    fitted = fit_model(dataset, TrainSettings(**options, folds=settings.folds, seed=fit.seed), Stages())
    train, test = dataset.rows("train"), dataset.rows("test")
    damaged = fitted.model.predict_proba([misspell(text) for text in dataset.sentences["text"][test]])
    result = {
        "Y": dataset.Y[train],
        "P": fitted.probabilities[train],
        "Y_test": dataset.Y[test],
        "P_test": fitted.probabilities[test],
        "P_typos": damaged,
        "terms": fitted.model.head.weights.shape[1],
    }
    part = fit.file.with_suffix(f".{os.getpid()}.part.npz")
    np.savez(part, **result)
    part.replace(fit.file)


@cache
def load(data: str) -> tuple[Dataset, TrainSettings]:
    """Return a set of data and the default settings."""
    return read(SETS[data])


@cache
def prepare(data: str, seed: int, size: int, mode: str) -> tuple[Dataset, TrainSettings]:
    """Return a set of data divided anew, with only some sentences of train, and the default settings."""
    dataset, settings = load(data)
    if mode == "multiclass":
        dataset = one_topic_each(dataset)
    articles = dataset.sentences["article_id"]
    if articles.nunique() < 50:  # stratified splits of so few articles are nearly all the same one
        drawn = np.random.default_rng(seed).permutation(articles.unique())
        parts = np.where(articles.isin(drawn[: round(0.3 * len(drawn))]), "test", "train").astype(object)
    else:
        parts = np.array(ByArticle(dev=0, test=0.3, seed=seed)(dataset.sentences, dataset.Y), dtype=object)
    if size:
        train = np.flatnonzero(parts == "train")
        parts[np.random.default_rng(seed).permutation(train)[size:]] = ""
    known = dataset.Y[parts == "train"].sum(axis=0) >= 5
    used = (parts != "") & (dataset.Y[:, known].any(axis=1) if mode == "multiclass" else True)
    topics = tuple(topic for topic, one in zip(dataset.topics, known, strict=True) if one)
    sentences = dataset.sentences.assign(split=parts)[used].reset_index(drop=True)
    return dataset._replace(sentences=sentences, Y=dataset.Y[used][:, known], topics=topics), settings


def one_topic_each(dataset: Dataset) -> Dataset:
    """Return the sentences with one topic; where there are few topics, those without one too, as a topic of their own."""
    Y, topics = dataset.Y, dataset.topics
    if len(topics) < 5:
        Y, topics = np.column_stack([Y, ~Y.any(axis=1)]), (*topics, "neither")
    one = Y.sum(axis=1) == 1
    sentences = dataset.sentences[one].reset_index(drop=True)
    return dataset._replace(sentences=sentences, Y=Y[one], topics=topics, mode="multiclass")


def misspell(text: str) -> str:
    """Return a text with a typing error in about a fifth of its words of four letters or more; the same for the same text."""
    dice = random.Random(text)
    return " ".join(_mistype(word, dice) if len(word) > 3 and dice.random() < 0.2 else word for word in text.split(" "))


def _mistype(word: str, dice: random.Random) -> str:
    """Return a word with two letters swapped, or one lost, doubled or replaced."""
    at = dice.randrange(len(word) - 1)
    one, other = word[at : at + 2]
    replacement = dice.choice([other + one, other, one + one + other, dice.choice(LETTERS) + other])
    return word[:at] + replacement + word[at + 2 :]


# ---- scores


def scores(fit: Fit, threshold: Any = None) -> dict[str, float]:
    """Return macro scores of a fit: out of fold, on test, on test with typing errors."""
    result = np.load(fit.file)
    topics = [str(number) for number in range(result["Y"].shape[1])]
    thresholds = (threshold or TunedThreshold())(result["Y"], result["P"])

    def measure(Y: np.ndarray, P: np.ndarray) -> dict[str, float]:
        given = thresholds <= P if fit.mode == "multilabel" else P.argmax(axis=1)[:, None] == np.arange(P.shape[1])
        return score(Y, given, topics, probabilities=P)

    parts = {
        "out of fold": measure(result["Y"], result["P"]),
        "test": measure(result["Y_test"], result["P_test"]),
        "typos": measure(result["Y_test"], result["P_typos"]),
    }
    found = {f"{part} {key}": each[f"{key}_macro"] for part, each in parts.items() for key in ("f1", "ap")}
    return found | {"terms": float(result["terms"])}


def show(values: Any) -> str:
    """Return the mean of paired differences and its standard error."""
    return f"{np.mean(values):+.4f} ({np.std(values, ddof=1) / len(values) ** 0.5:.4f})"


def table(*rows: list[str]) -> None:
    """Print rows as a Markdown table, the first as its head."""
    for row in (rows[0], ["---"] * len(rows[0]), *rows[1:]):
        print(f"| {' | '.join(row)} |")


def differences(of: list[dict[str, float]], base: list[dict[str, float]], keys: list[str]) -> list[str]:
    """Return a cell per key: the paired difference from the base."""
    return [show([one[key] - other[key] for one, other in zip(of, base, strict=True)]) for key in keys]


def means(of: list[dict[str, float]], keys: list[str]) -> list[str]:
    """Return a cell per key: the mean."""
    return [f"{np.mean([one[key] for one in of]):.4f}" for key in keys]


# ---- studies


def features() -> None:
    """Compare features at C=0.3, on all of train; the lean ones on few labels too."""
    keys = ["out of fold ap", "test ap", "test f1"]
    _compare_features(keys, sizes=(0,), names=list(FEATURES))
    _compare_features(keys, sizes=(300,), names=[BASE, LEAN])


def typos() -> None:
    """Compare features on test sentences with typing errors."""
    _compare_features(["typos ap", "typos f1"], sizes=(0,), names=list(FEATURES)[:5])


def languages() -> None:
    """Compare features on the multilingual sample."""
    names = list(FEATURES)[:5]
    rows = [["language", *names]]
    for language in ("es", "ar", "hi", "de", "all"):
        with TemporaryDirectory() as folder:
            write_sample(Path(folder), *([] if language == "all" else [language]))
            options = [f"data.path={folder}/articles.jsonl", f"labels.gold={folder}/labels.jsonl", "labels=gold"]
            dataset, _ = read(["data=articles", *options])
        found = np.array([[_precision(dataset, name, draw) for name in names] for draw in DRAWS])
        others = [show(found[:, column] - found[:, 0]) for column in range(1, len(names))]
        rows.append([language, f"{found[:, 0].mean():.3f}", *others])
    table(*rows)


def _precision(dataset: Dataset, name: str, draw: int) -> float:
    """Return macro average precision on a third of the articles, drawn anew until each topic is in both parts."""
    articles = dataset.sentences["article_id"]
    for attempt in range(100):
        drawn = np.random.default_rng([draw, attempt]).permutation(articles.unique())
        test = articles.isin(drawn[: len(drawn) // 3]).to_numpy()
        if dataset.Y[test].any(axis=0).all() and (dataset.Y[~test].sum(axis=0) > 1).all():
            break
    divided = dataset._replace(sentences=dataset.sentences.assign(split=np.where(test, "test", "train")))
    vectorizers = {key: clone(one) for key, one in FEATURES[name].items()}
    fitted = fit_model(divided, TrainSettings(features=vectorizers, folds=3, n_jobs=1, seed=draw), Stages())
    given = np.zeros(dataset.Y[test].shape, np.bool_)
    return score(dataset.Y[test], given, dataset.topics, probabilities=fitted.probabilities[test])["ap_macro"]


def _compare_features(keys: list[str], sizes: tuple[int, ...], names: list[str]) -> None:
    """Print differences from the base for each set and size."""
    grid = [(data, size) for size in sizes for data in SETS]
    make([Fit(data, seed, name, size=size) for seed in SEEDS for name in names for data, size in grid])
    rows = [["data, sentences of train", "features", *keys, "terms"]]
    for data, size in grid:
        base = [scores(Fit(data, seed, BASE, size=size)) for seed in SEEDS]
        for name in names:
            found = [scores(Fit(data, seed, name, size=size)) for seed in SEEDS]
            cells = means(base, keys) if name == BASE else differences(found, base, keys)
            ratio = np.mean([one["terms"] / other["terms"] for one, other in zip(found, base, strict=True)])
            rows.append([f"{data}, {size or 'all'}", name, *cells, f"{ratio:.2f}"])
    table(*rows)


def costs() -> None:
    """Compare values of C, and ways to choose it."""
    _compare_costs("multilabel", list(SETS), (0, 300))


def multiclass() -> None:
    """Compare values of C where each sentence has one topic."""
    _compare_costs("multiclass", [name for name in EXCLUSIVE if name in SETS], (300, 1000))


def _compare_costs(mode: str, names: list[str], sizes: tuple[int, ...]) -> None:
    """Print differences from C=0.3 for each set and size."""
    keys = ["out of fold ap", "test ap", "test f1"]
    grid = [(data, size) for size in sizes for data in names]
    made = {
        where: [{C: Fit(where[0], seed, C=C, size=where[1], mode=mode) for C in COSTS} for seed in SEEDS]
        for where in grid
    }
    make([fit for each in made.values() for fits in each for fit in fits.values()])
    rows = [["data, sentences of train", "C", *keys]]
    for (data, size), each in made.items():
        found = [{C: scores(fit) for C, fit in fits.items()} for fits in each]
        base = [one[0.3] for one in found]
        rows.append([f"{data}, {size or 'all'}", "0.3", *means(base, keys)])
        rows += [["", str(C), *differences([one[C] for one in found], base, keys)] for C in COSTS if C != 0.3]
        for key, margin in (
            ("out of fold ap", 0),
            ("out of fold ap", 0.005),
            ("out of fold f1", 0),
            ("out of fold f1", 0.005),
        ):
            chosen = [choose(one, key, margin) for one in found]
            name = f"by {key}{f', if better by {margin}' if margin else ''}: {', '.join(f'{C:g}' for C in chosen)}"
            rows.append(["", name, *differences([one[C] for one, C in zip(found, chosen, strict=True)], base, keys)])
    table(*rows)


def choose(found: dict[float, dict[str, float]], key: str, margin: float) -> float:
    """Return the C with the best score, or the default where that is within a margin of it."""
    best = max(found, key=lambda C: (found[C][key], -C))
    return best if found[best][key] > found[0.3][key] + margin else 0.3


def seeds() -> None:
    """Compare tolerances of the threshold: how far F1 on test moves with the solver's seed, and what it is."""
    make([Fit(data, 0, solver_seed=seed) for data in SETS for seed in SOLVER_SEEDS])
    make([Fit(data, seed, size=size) for seed in SEEDS for size in SIZES for data in SETS])
    moves = f"macro F1 on test, {len(SOLVER_SEEDS)} seeds of the solver: most less least"
    rows = [["data", "tolerance", moves, *(f"F1, {size or 'all'} sentences" for size in SIZES)]]
    for data in SETS:
        base = {
            size: [scores(Fit(data, seed, size=size), TunedThreshold(tolerance=0.0)) for seed in SEEDS]
            for size in SIZES
        }
        for tolerance in TOLERANCES:
            rule = TunedThreshold(tolerance=tolerance)
            moved = [scores(Fit(data, 0, solver_seed=seed), rule)["test f1"] for seed in SOLVER_SEEDS]
            cells = []
            for size in SIZES:
                found = [scores(Fit(data, seed, size=size), rule) for seed in SEEDS]
                cells += means(found, ["test f1"]) if tolerance == 0 else differences(found, base[size], ["test f1"])
            rows.append([data, f"{tolerance}", f"{np.ptp(moved):.4f}", *cells])
    table(*rows)


if __name__ == "__main__":
    main()
