"""The training path, Slugline against the usual ways: features, fits, whole commands, sweeps, growth.

    python experiments/benchmark.py [--quick] [features] [fasttext] [profile] [train] [sweep] [growth]

On the IndiaPoliceEvents sentences, and on text made of them: halves of two sentences put together, seeded. Ways that are
compared take turns; numbers are medians of the rounds that a row names. Prints a page, writes `benchmark.json` and
`benchmark.png` beside this file. Needs `pip install -e ".[fast,sweep]" fasttext-wheel matplotlib` and the data (see
CONTRIBUTING.md). `--quick` tries it out: little text, one round.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise, product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data")).resolve()
QUICK = "--quick" in sys.argv
ROUNDS = 1 if QUICK else 5
SIZES = [1_000, 2_000, 4_000] if QUICK else [20_000, 200_000, 2_000_000]
TOPICS = ("KILL", "ARREST", "FAIL", "FORCE", "ANY_ACTION")
FEATURES: dict[str, dict[str, Any]] = {
    "words": {"ngram_range": (1, 2), "min_df": 2, "sublinear_tf": True},
    "characters": {"analyzer": "char_wb", "ngram_range": (3, 5), "min_df": 3, "sublinear_tf": True},
}
GOALS = {  # least, or most where the sign is negative
    "features": {"1": 4.0, "all": 8.0},
    "fasttext": 3.0,
    "macro F1": 0.07,
    "train": 3.0,
    "sweep": 8.0,
    "growth": -1.2,
}
SLUGLINE = [sys.executable, "-m", "slugline"]
Row = dict[str, Any]


def main() -> None:
    """Measure the parts that are asked for, print, write."""
    if not (DATA / "india_police_events").is_dir():
        sys.exit(f"no {DATA}/india_police_events: set SLUGLINE_DATA to the folder with the data")
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true", "SLUGLINE_DATA": str(DATA)}
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parts = {
        "features": features,
        "fasttext": fasttext,
        "profile": profile,
        "train": train,
        "sweep": sweep,
        "growth": growth,
    }
    if unknown := set(sys.argv[1:]) - {"--quick", *parts}:
        sys.exit(f"{', '.join(sorted(unknown))}: no part; allowed: --quick, {', '.join(parts)}")
    asked = [name for name in parts if name in sys.argv] or list(parts)
    file = Path(__file__).with_suffix(".json")
    found = json.loads(file.read_text()) if file.exists() and not QUICK else {}
    for name in asked:
        print(f"\n{name}", flush=True)
        found[name] = []
        for row in parts[name]():
            found[name].append(row)
            print("  " + describe(row), flush=True)
        gc.collect()
        if not QUICK:  # after each part: a later one may fail
            file.write_text(json.dumps(found, indent=1) + "\n")
            plot(found, file.with_suffix(".png"))


def describe(row: Row) -> str:
    """Return a row as a line: what, ratio, whether it reaches its goal, and the numbers behind it."""
    more = ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in row.items()
        if key not in ("what", "ratio", "difference", "goal")
    )
    line = f"{row['what']:<48}"
    if "ratio" in row:
        line += f"{row['ratio']:>7.2f}x "
    if "difference" in row:
        line += f"{row['difference']:>+7.3f}  "
    if "goal" in row:
        value = row.get("ratio", row.get("difference"))
        reached = value <= -row["goal"] if row["goal"] < 0 else value >= row["goal"]
        bound = f"at {'most' if row['goal'] < 0 else 'least'} {abs(row['goal']):g}"
        line += f"({bound}: {'reached' if reached else 'missed'})  "
    return line + more


def turns(ways: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Return the median seconds of each way; they take turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            gc.collect()
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
    return {name: median(seconds) for name, seconds in times.items()}


def read() -> list[dict[str, Any]]:
    """Return the IndiaPoliceEvents sentences."""
    lines = (DATA / "india_police_events/sents.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def scaled(rows: list[dict[str, Any]], size: int) -> Iterator[dict[str, Any]]:
    """Yield so many sentences: the first half of one and the second of another, with the labels of both."""
    words, random = [row["sent_text"].split() for row in rows], np.random.default_rng(0)
    for number in range(size):
        one, other = number % len(rows), int(random.integers(len(rows)))
        first, second = words[one][: (len(words[one]) + 1) // 2], words[other][len(words[other]) // 2 :]
        labels = [topic for topic in TOPICS if topic in rows[one]["sent_labels"] + rows[other]["sent_labels"]]
        article = f"{rows[one]['doc_id']}-{number // len(rows)}"
        yield {"article_id": article, "text": " ".join(first + second) or "-", "labels": labels}


def use_cores(cores: set[int]) -> None:
    """Let all threads of this process use these cores; those that Arrow started before do not follow the main one."""
    import pyarrow as pa

    for thread in Path("/proc/self/task").iterdir():
        with suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(int(thread.name), cores)
    pa.set_cpu_count(len(cores))


def features() -> Iterator[Row]:
    """Compare our vectorizers with scikit-learn's: the same matrix, on one core and on all."""
    from sklearn.feature_extraction.text import TfidfVectorizer as Reference

    from slugline.ngrams import TfidfVectorizer

    every, texts = sorted(os.sched_getaffinity(0)), [row["text"] for row in scaled(read(), SIZES[1])]
    ways = {"ours": TfidfVectorizer, "scikit-learn": Reference}
    for (name, options), cores in product(FEATURES.items(), sorted({1, len(every)})):
        rounds = ROUNDS if name == "words" or QUICK else 3
        use_cores(set(every[:cores]))
        seconds = turns({key: partial(fit_features, kind, options, texts) for key, kind in ways.items()}, rounds)
        yield {
            "what": f"{name}, {len(texts):,} sentences, {cores} of {len(every)} cores",
            "ratio": seconds["scikit-learn"] / seconds["ours"],
            "goal": GOALS["features"]["1" if cores == 1 else "all"],  # type: ignore[index]
            "seconds": seconds["ours"],
            "scikit-learn": seconds["scikit-learn"],
            **compare(*(fit_features(kind, options, texts) for kind in ways.values())),
            "rounds": rounds,
        }
        use_cores(set(every))


def fit_features(kind: Any, options: dict[str, Any], texts: list[str]) -> tuple[Any, dict[str, int]]:
    """Return the features of the texts and their vocabulary, from a vectorizer of this kind."""
    vectorizer = kind(**options)
    return vectorizer.fit_transform(texts), vectorizer.vocabulary_


def compare(ours: tuple[Any, dict[str, int]], theirs: tuple[Any, dict[str, int]]) -> Row:
    """Return whether two matrices have the same terms at the same places, and how far their values are apart."""
    (X, terms), (X_sk, terms_sk) = ours, theirs
    for matrix in (X, X_sk):
        matrix.sort_indices()
    equal = terms == terms_sk and np.array_equal(X.indptr, X_sk.indptr) and np.array_equal(X.indices, X_sk.indices)
    return {"same matrix": equal, "largest difference": float(abs(X.data - X_sk.data).max()) if equal else "-"}


def fasttext() -> Iterator[Row]:
    """Compare features and fit with fastText's, thresholds chosen alike on dev, macro F1 on the same test sentences."""
    import fasttext as ft

    from slugline.model.vectorizers import from_estimator, side_by_side, transform_all
    from slugline.ngrams import TfidfVectorizer
    from slugline.splits import stratify
    from slugline.svm import LinearSVC
    from slugline.training.fold_features import Block
    from slugline.training.heads import Examples, fit_head

    rows = read()
    texts = [" ".join(row["sent_text"].split()) or "-" for row in rows]
    Y = np.array([[topic in row["sent_labels"] for topic in TOPICS] for row in rows])
    groups = np.unique([row["doc_id"] for row in rows], return_inverse=True)[1]
    part = stratify(Y, groups, [0.7, 0.1, 0.2], 0)
    learn = [text for text, p in zip(texts, part, strict=True) if p == 0]
    made: dict[str, Any] = {}

    def vectorize(lengths: tuple[int, int] = (3, 5)) -> tuple[tuple[Any, ...], list[Any]]:
        features = FEATURES | {"characters": FEATURES["characters"] | {"ngram_range": lengths}}
        fitted = [TfidfVectorizer(**options) for options in features.values()]
        blocks = [vectorizer.fit_transform(learn) for vectorizer in fitted]
        return tuple(from_estimator(name, one) for name, one in zip(features, fitted, strict=True)), blocks

    def ours(name: str, lengths: tuple[int, int]) -> None:
        vectorizers, matrices = vectorize(lengths)
        classifier = LinearSVC(C=0.3, dual=True, tol=0.01, random_state=0)
        blocks = [Block(X, "l2", FEATURES[name]["min_df"]) for name, X in zip(FEATURES, matrices, strict=True)]
        head = fit_head(classifier, Examples(blocks, Y[part == 0], groups[part == 0])).head
        made[name] = vectorizers, head

    def plain() -> None:
        X = side_by_side(vectorize()[1])
        for y in Y[part == 0].T:
            LinearSVC(C=0.3, dual=True, tol=0.01, random_state=0).fit(X, y)

    with TemporaryDirectory() as folder:
        file = Path(folder) / "train.txt"
        labels = [" ".join(f"__label__{t}" for t, on in zip(TOPICS, y, strict=True) if on) for y in Y[part == 0]]
        lines = [f"{label or '__label__none'} {text}\n" for label, text in zip(labels, learn, strict=True)]
        file.write_text("".join(lines), encoding="utf-8")

        def theirs() -> None:
            made["fastText"] = ft.train_supervised(str(file), **options)

        options = {"wordNgrams": 2, "epoch": 25, "thread": 2, "loss": "ova", "verbose": 0}
        ways = {"word_char": partial(ours, "word_char", (3, 5)), "word_char_4": partial(ours, "word_char_4", (4, 4))}
        seconds = turns({**ways, "plain": plain, "fastText": theirs})
        tuned = ft.train_supervised(str(file), **options, lr=0.5)  # the default, 0.1, is too low for these labels
    goal = GOALS["fasttext"]
    for name in reversed(ways):
        vectorizers, head = made[name]
        P = head.log_odds(transform_all(vectorizers, texts))
        scores = {"macro F1": f1(P, Y, part), "of fastText": f1(ask(made["fastText"], texts), Y, part)}
        times = {"seconds": seconds[name], "fastText": seconds["fastText"], "rounds": ROUNDS} | scores
        yield {
            "what": f"features ({name}), fit, cross-validation",
            "ratio": seconds["fastText"] / seconds[name],
            "goal": goal,
        } | times
    times = {"seconds": seconds["plain"], "fastText": seconds["fastText"], "rounds": ROUNDS}
    yield {
        "what": "features and one fit per topic",
        "ratio": seconds["fastText"] / seconds["plain"],
        "goal": goal,
    } | times
    yield {
        "what": "macro F1 above fastText's, same test sentences",
        "difference": scores["macro F1"] - scores["of fastText"],
        "goal": GOALS["macro F1"],
    } | scores
    scores["of fastText"] = f1(ask(tuned, texts), Y, part)
    yield {
        "what": "the same, fastText with lr=0.5",
        "difference": scores["macro F1"] - scores["of fastText"],
        "goal": GOALS["macro F1"],
    } | scores


def ask(model: Any, texts: list[str]) -> np.ndarray:
    """Return fastText's probabilities, shape (texts, topics).

    Not by its wrapper, which fails on NumPy 2 for one text, and gives 1.0 for all labels of a list.
    """
    found = [{label: p for p, label in model.f.predict(f"{text}\n", -1, 0.0, "strict")} for text in texts]
    return np.array([[row.get(f"__label__{topic}", 0.0) for topic in TOPICS] for row in found])


def f1(P: np.ndarray, Y: np.ndarray, part: np.ndarray) -> float:
    """Return macro F1 on test, with the thresholds that are best on dev."""
    from slugline.scoring import score
    from slugline.scoring.thresholds import best_threshold

    dev, test = part == 1, part == 2
    thresholds = np.array([best_threshold(y, p) for y, p in zip(Y[dev].T, P[dev].T, strict=True)])
    return score(Y[test], P[test] >= thresholds, TOPICS)["f1_macro"]


def run(folder: Path, command: list[str], **environment: str) -> str:
    """Run a command in a folder and return what it printed; stop when it fails."""
    ended = subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    if ended.returncode:
        sys.exit(f"{' '.join(command)}: {ended.stderr[-2000:]}")
    return ended.stdout


def profile() -> Iterator[Row]:
    """Measure what the fits of a run are made of, and whether two at once are quicker than one after the other."""
    from joblib import Parallel, delayed
    from sklearn.base import clone
    from sklearn.linear_model import LogisticRegression, RidgeClassifier, SGDClassifier
    from sklearn.svm import LinearSVC

    from slugline.model.vectorizers import side_by_side
    from slugline.ngrams import TfidfVectorizer

    rows = read()[:14_000]
    texts, Y = [row["sent_text"] for row in rows], [[topic in row["sent_labels"] for topic in TOPICS] for row in rows]
    X = side_by_side([TfidfVectorizer(**options).fit_transform(texts) for options in FEATURES.values()])
    y = np.array(Y)[:, -1]
    default = LinearSVC(C=0.3, tol=0.01, random_state=0)
    copying = LinearSVC(C=1e-8, tol=10.0, random_state=0)  # ends after one pass: what is left is the copy
    seconds = turns({"whole": partial(default.fit, X, y), "copy": partial(copying.fit, X, y)})
    yield {
        "what": f"one fit of LinearSVC, {X.shape[0]:,} x {X.shape[1]:,}, {X.nnz / 1e6:.1f} M values",
        "seconds": seconds["whole"],
        "of which the copy into liblinear's form and one pass": seconds["copy"],
        "rounds": ROUNDS,
    }
    models = {
        "LinearSVC, primal": LinearSVC(C=0.3, dual=False, tol=0.01),
        "LogisticRegression, liblinear": LogisticRegression(C=10, solver="liblinear", tol=0.01),
        "RidgeClassifier, lsqr": RidgeClassifier(solver="lsqr", tol=0.001),
        "SGDClassifier": SGDClassifier(loss="log_loss", alpha=1e-5, random_state=0),
    }
    for name, model in models.items():

        def fits(threads: int, model: Any = model) -> None:
            Parallel(threads, prefer="threads")(delayed(clone(model).fit)(X, y) for _ in range(4))

        seconds = turns({"one": partial(fits, 1), "two": partial(fits, 2)})
        yield {
            "what": f"four fits, two threads: {name}",
            "ratio": seconds["one"] / seconds["two"],
            "rounds": ROUNDS,
        } | seconds


def train() -> Iterator[Row]:
    """Compare the whole command with the script one would write by hand, each with a new store, then with a known one."""
    experiment = [*SLUGLINE, "train", "experiment=india_police_events"]
    with TemporaryDirectory() as top:
        number = iter(range(10_000))

        def fresh(command: list[str], **environment: str) -> Callable[[], object]:
            def call() -> None:
                folder = Path(top) / str(next(number))
                folder.mkdir()
                run(folder, command, MLFLOW_TRACKING_URI=f"sqlite:///{folder}/store.db", **environment)

            return call

        known = Path(top) / "known"
        known.mkdir()
        store = {"MLFLOW_TRACKING_URI": f"sqlite:///{known}/store.db"}
        script = [sys.executable, str(ROOT / "experiments/handwritten.py"), "liblinear", "0"]
        for command in (experiment, script):
            run(known, command, **store)
        seconds = turns(
            {
                "first": fresh(experiment),
                "script": fresh(script),
                "again": lambda: run(known, [*experiment, "model.C=1"], **store),
                "script again": lambda: run(known, script, **store),
            }
        )
        run(known, [*experiment, "cache=off", "tracking=off", "hydra.run.dir=once"])
        metrics = json.loads((known / "once/metrics.json").read_text())
        stages = {key.removeprefix("time/"): value for key, value in metrics.items() if key.startswith("time/")}
    for what, ours, theirs in (
        ("slugline train, new store, nothing cached", "first", "script"),
        ("slugline train model.C=1, features cached", "again", "script again"),
    ):
        times = {"seconds": seconds[ours], "script": seconds[theirs], "rounds": ROUNDS}
        yield {"what": what, "ratio": seconds[theirs] / seconds[ours], "goal": GOALS["train"]} | times
    yield {"what": "where the time of one run goes"} | stages


def sweep() -> Iterator[Row]:
    """Compare a sweep of 24 configs with 24 separate runs, of which every fourth is measured."""
    grids = {"features": ["word", "char", "word_char", "hashing"]}
    grids["model.C"] = ["0.1", "1"] if QUICK else ["0.03", "0.1", "0.3", "1", "3", "10"]
    base = [*SLUGLINE, "train", "experiment=india_police_events"]
    configs = [[f"{key}={value}" for key, value in zip(grids, row, strict=True)] for row in product(*grids.values())]
    some = configs[::4]
    with TemporaryDirectory() as top:
        separate = {}
        for plots in ("true", "false"):
            folder = new_store(Path(top) / f"separate {plots}", base)
            start = time.perf_counter()
            for config in some:
                run(folder, [*base, "cache=off", f"plots={plots}", *config])
            separate[plots] = (time.perf_counter() - start) / len(some) * len(configs)
        lists = [f"{key}={','.join(values)}" for key, values in grids.items()]
        for what, options in (("one process", []), ("all cores", ["hydra/launcher=joblib"])):
            folder = new_store(Path(top) / what, base)
            start = time.perf_counter()
            run(folder, [*base, "-m", "plots=false", *options, *lists])
            seconds = time.perf_counter() - start
            yield {
                "what": f"sweep of {len(configs)}, {what}",
                "ratio": separate["true"] / seconds,
                "goal": GOALS["sweep"],
                "seconds": seconds,
                "separate": separate["true"],
                "times faster than separate without plots": separate["false"] / seconds,
                "separate measured": f"{len(some)} of {len(configs)}",
                "rounds": 1,
            }


def new_store(folder: Path, base: list[str]) -> Path:
    """Return a new folder with a store and nothing cached: what a way before has cached must not help the next."""
    folder.mkdir()
    run(folder, [*base, "cache=off", "plots=false"])
    return folder


MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
ended = subprocess.run(sys.argv[1:], capture_output=True, text=True)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
print(json.dumps([time.perf_counter() - start, peak, ended.returncode, ended.stderr[-500:]]))
"""


def growth() -> Iterator[Row]:
    """Measure seconds and memory of training in chunks and of prediction on more and more text."""
    streamed = ["features=hashing", "model=sgd", "data.chunk_rows=20000", "epochs=1", "plots=false"]
    source = ["tracking=off", "cache=off", "data=sentences", "labels=given"]
    found: dict[str, list[tuple[float, float]]] = {"train in chunks": [], "predict": []}
    with TemporaryDirectory() as top:
        folder, rows = Path(top), read()
        for size in SIZES:
            file = folder / f"{size}.jsonl"
            with file.open("w", encoding="utf-8") as stream:
                stream.writelines(json.dumps(row) + "\n" for row in scaled(rows, size))
            if size == SIZES[0]:
                run(folder, [*SLUGLINE, "train", *source, f"data.path={file}", "hydra.run.dir=model"])
            commands = {
                "train in chunks": [*SLUGLINE, "train", *source, *streamed, f"data.path={file}"],
                "predict": [
                    *SLUGLINE,
                    "predict",
                    "model_uri=model/model",
                    f"input={file}",
                    "output=out.jsonl",
                    "n_jobs=2",
                ],
            }
            for what, command in commands.items():
                seconds, peak, code, said = json.loads(run(folder, [sys.executable, "-c", MEASURE, *command]))
                if code:
                    yield {
                        "what": f"{what}, {size:,} sentences: FAILED",
                        "said": (said.strip().splitlines() or [""])[-1],
                    }
                    continue
                found[what].append((seconds, peak))
                yield {
                    "what": f"{what}, {size:,} sentences",
                    "seconds": seconds,
                    "MB of the largest process": peak,
                    "microseconds a sentence": seconds / size * 1e6,
                    "rounds": 1,
                }
            (folder / "out.jsonl").unlink(missing_ok=True)
            file.unlink()
    for what, measured in found.items():
        if len(measured) == len(SIZES):
            yield from grown(what, measured)


def grown(what: str, measured: list[tuple[float, float]]) -> Iterator[Row]:
    """Compare seconds a sentence and memory of the most text with those of the least."""
    (first, small), (last, large) = measured[0], measured[-1]
    growing = (last / SIZES[-1]) / (first / SIZES[0])
    yield {"what": f"{what}: seconds a sentence, last to first", "ratio": growing, "goal": GOALS["growth"]}
    steps = zip(pairwise(SIZES), pairwise(seconds for seconds, _ in measured), strict=True)
    added = [(after - before) / (large_size - size) for (size, large_size), (before, after) in steps]
    yield {  # the start of a command, which the least text pays for too, does not count here
        "what": f"{what}: seconds an added sentence, last to first",
        "ratio": added[-1] / added[0],
        "microseconds": ", ".join(f"{value * 1e6:.3g}" for value in added),
    }
    yield {"what": f"{what}: memory, last to first", "ratio": large / small, "goal": GOALS["growth"]}


def plot(found: dict[str, list[Row]], file: Path) -> None:
    """Draw all ratios as bars, their goals as marks."""
    from matplotlib.figure import Figure

    rows = [row for part in found.values() for row in part if "ratio" in row and "goal" in row]
    figure = Figure(figsize=(9, 0.6 + 0.32 * len(rows)), layout="constrained")
    axes = figure.add_subplot()
    axes.barh(range(len(rows)), [row["ratio"] for row in rows], color="C0")
    axes.plot([abs(row["goal"]) for row in rows], range(len(rows)), "|", color="C3", markersize=14, label="goal")
    axes.set_yticks(range(len(rows)), [row["what"] for row in rows], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel("times faster (growth: times more, least is best)")
    axes.legend(loc="lower right")
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    main()
