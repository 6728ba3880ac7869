"""Saved models and prediction, Slugline against the usual ways: sizes, seconds, and ratios, all in one run.

    python experiments/predict_benchmark.py [--quick]

One model, 131,072 word and character terms of the IndiaPoliceEvents sentences, 15 topics, weights at random but fixed,
as our folder and as the scikit-learn pipeline with the same probabilities. Ways that are compared take turns; every
number is the median of five rounds. Prints a page and writes `predict_benchmark.json` beside this file. Needs
`pip install fasttext-wheel` and the data (see CONTRIBUTING.md). `--quick` tries it out: few terms and texts, one round.
"""

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data")) / "india_police_events" / "sents.jsonl"
QUICK = "--quick" in sys.argv
ROUNDS, TERMS, TEXTS, TOPICS = (1, 1 << 13, 2_000, 15) if QUICK else (5, 1 << 17, 21_391, 15)
OPTIONS = {"word": {"ngram_range": (1, 2)}, "char": {"analyzer": "char_wb", "ngram_range": (3, 5)}}
SUBWORDS = {"words": {"wordNgrams": 2}, "words and characters": {"wordNgrams": 2, "minn": 3, "maxn": 5}}

MLFLOW_SCRIPT = """
import sys
import mlflow.sklearn
model = mlflow.sklearn.load_model(sys.argv[1])
with open(sys.argv[2]) as stream:
    print(model.predict_proba([stream.read()]))
"""
Times = dict[str, list[float]]


def main() -> None:
    """Measure, print, write."""
    os.environ |= {"MLFLOW_DISABLE_TELEMETRY": "true"}
    if not DATA.is_file():
        sys.exit(f"no {DATA}: set SLUGLINE_DATA to the folder with the data")
    texts = [json.loads(line)["sent_text"].strip() for line in DATA.read_text(encoding="utf-8").splitlines()][:TEXTS]
    with TemporaryDirectory() as place:
        folder = Path(place)
        model = make_model(texts, tuple(OPTIONS))
        found = {
            "settings": {"rounds": ROUNDS, "terms": TERMS, "topics": TOPICS, "texts": len(texts), "cores": cores()},
            "difference": difference(model, texts),
            "stored": stored(model, folder),
            "cold": cold(model, folder),
            "throughput": {f"{n} of {cores()} cores": throughput(texts, folder, n) for n in sorted({1, cores()})},
        }
    Path(__file__).with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    show(found)


def make_model(texts: list[str], names: tuple[str, ...]) -> Any:
    """Return a linear model of these features, so many terms of each that they are `TERMS` in all."""
    import numpy as np

    from slugline.model import TopicModel
    from slugline.model.heads import LinearHead
    from slugline.model.vectorizers import from_estimator
    from slugline.ngrams import TfidfVectorizer

    share = TERMS // len(OPTIONS)
    made = [TfidfVectorizer(**OPTIONS[name], max_features=share, sublinear_tf=True).fit(texts) for name in names]
    vectorizers = tuple(from_estimator(name, vectorizer) for name, vectorizer in zip(names, made, strict=True))
    width = sum(len(part.counter.terms) for part in vectorizers)
    chance = np.random.default_rng(0)
    head = LinearHead(chance.normal(0, 2, (TOPICS, width)).astype(np.float32), chance.normal(-2, 1, TOPICS))
    topics = tuple(f"topic {number}" for number in range(TOPICS))
    return TopicModel(topics, "multilabel", vectorizers, head, np.full(TOPICS, 0.5))


def difference(model: Any, texts: list[str]) -> float:
    """Return the largest difference of a probability between us and scikit-learn."""
    from slugline.model.export import to_sklearn

    return float(abs(model.predict_proba(texts) - to_sklearn(model).predict_proba(texts)).max())


def measure(ways: dict[str, Callable[[], object]]) -> Times:
    """Return the seconds of each way, which take turns; one turn before that does not count."""
    times: Times = {name: [] for name in ways}
    for turn in range(ROUNDS + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            times[name].append(time.perf_counter() - start)
            if turn == 0:
                times[name].clear()
    return times


def stored(model: Any, folder: Path) -> dict[str, dict[str, float]]:
    """Return the size and the load time of our folder and of the pipeline as others store it; imports do not count."""
    import joblib
    import skops.io

    from slugline import load_model
    from slugline.model import save_model
    from slugline.model.export import to_sklearn

    pipeline = to_sklearn(model)
    files = {name: folder / f"model.{name}" for name in ("pickle", "joblib", "skops")}
    ours = save_model(model, folder / "model")
    files["pickle"].write_bytes(pickle.dumps(pipeline))
    joblib.dump(pipeline, files["joblib"], compress=3)
    skops.io.dump(pipeline, files["skops"])
    trusted = skops.io.get_untrusted_types(file=files["skops"])
    ways: dict[str, Callable[[], object]] = {
        "slugline": lambda: load_model(str(ours)),
        "pickle": lambda: pickle.loads(files["pickle"].read_bytes()),
        "joblib": lambda: joblib.load(files["joblib"]),
        "skops": lambda: skops.io.load(files["skops"], trusted=trusted),
    }
    sizes = {name: file.stat().st_size for name, file in files.items()}
    sizes["slugline"] = sum(file.stat().st_size for file in ours.rglob("*"))
    times = measure(ways)
    return {name: {"megabytes": sizes[name] / 1e6, "seconds": median(times[name])} for name in ways}


def cold(model: Any, folder: Path) -> dict[str, float]:
    """Return the seconds of a command that loads a model and labels one article, everything compiled."""
    import mlflow

    from slugline.model import save_model
    from slugline.model.export import to_sklearn
    from slugline.tracking import Mlflow

    store = f"sqlite:///{folder}/store.db"
    with Mlflow(uri=store).run("benchmark", folder, {}) as run:
        run.register_model(run.log_model(save_model(model, folder / "saved")), "of a benchmark", run.run_id)
    (folder / "article.txt").write_text("The two sides agreed to a ceasefire. Sanctions stay, officials said.")
    (folder / "script.py").write_text(MLFLOW_SCRIPT)
    pipeline, kinds = to_sklearn(model), ("cloudpickle", "skops")
    for kind in kinds:
        mlflow.sklearn.save_model(
            pipeline, folder / kind, serialization_format=kind, pip_requirements=[], **trust(pipeline, kind)
        )
    predict = [sys.executable, "-m", "slugline", "predict", "input=article.txt"]
    commands = {
        "slugline predict, model folder": [*predict, f"model_uri={folder / 'model'}"],
        "slugline predict, models:/ URI": [*predict, "model_uri=models:/slugline@champion", f"tracking_uri={store}"],
        "import mlflow alone": [sys.executable, "-c", "import mlflow"],
    } | {f"mlflow.sklearn, {kind}": [sys.executable, "script.py", kind, "article.txt"] for kind in kinds}
    environment = os.environ | {"PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)

    def run_command(command: list[str]) -> None:
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)

    times = measure({name: lambda command=command: run_command(command) for name, command in commands.items()})  # type: ignore[misc]
    return {name: median(seconds) for name, seconds in times.items()}


def trust(pipeline: Any, kind: str) -> dict[str, Any]:
    """Return what MLflow wants to hear about skops: which types it may load."""
    import skops.io

    if kind != "skops":
        return {}
    return {"skops_trusted_types": skops.io.get_untrusted_types(data=skops.io.dumps(pipeline))}


def cores() -> int:
    """Return how many cores there are for us."""
    return len(os.sched_getaffinity(0))


def throughput(texts: list[str], folder: Path, n: int) -> dict[str, float]:
    """Return sentences a second of each way to predict probabilities, on so many cores."""
    import fasttext
    import pyarrow as pa

    from slugline.model.export import to_sklearn

    all_cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, set(sorted(all_cores)[:n]))
    pa.set_cpu_count(n)
    lines = [" ".join(text.split()) for text in texts]
    ways: dict[str, Callable[[], object]] = {}
    for features, names in (("words", ("word",)), ("words and characters", ("word", "char"))):
        model = make_model(texts, names)
        pipeline, other = to_sklearn(model), train_fasttext(fasttext, lines, folder, features)
        ways[f"slugline, {features}"] = lambda model=model: model.predict_proba(texts)  # type: ignore[misc]
        ways[f"scikit-learn, {features}"] = lambda pipeline=pipeline: pipeline.predict_proba(texts)  # type: ignore[misc]
        ways[f"fastText, {features}"] = lambda other=other: other.predict(lines, k=TOPICS)  # type: ignore[misc]
    times = measure(ways)
    os.sched_setaffinity(0, all_cores)
    return {name: len(texts) / median(seconds) for name, seconds in times.items()}


def train_fasttext(fasttext: Any, lines: list[str], folder: Path, features: str) -> Any:
    """Return a fastText model with as many topics: what it says is worth nothing, how fast it says so is the same."""
    file = folder / "fasttext.txt"
    file.write_text("".join(f"__label__{n % TOPICS} {line}\n" for n, line in enumerate(lines)), encoding="utf-8")
    return fasttext.train_supervised(str(file), loss="ova", dim=100, epoch=1, thread=1, verbose=0, **SUBWORDS[features])


def show(found: dict[str, Any]) -> None:
    """Print a page."""
    settings, kept = found["settings"], found["stored"]
    print("{terms:,} terms, {topics} topics, {texts:,} texts, medians of {rounds}".format(**settings))
    print(f"largest difference of a probability from scikit-learn's: {found['difference']:.1e}\n")
    print(f"{'stored as':<16}{'MB':>8}{'times ours':>12}{'load s':>10}{'times ours':>12}")
    for name, row in kept.items():
        size, seconds = (row[key] / kept["slugline"][key] for key in ("megabytes", "seconds"))
        print(f"{name:<16}{row['megabytes']:>8.1f}{size:>12.2f}{row['seconds']:>10.3f}{seconds:>12.2f}")
    print(f"\n{'first prediction of a cold command':<38}{'s':>8}{'times ours':>12}")
    first = found["cold"]["slugline predict, model folder"]
    for name, seconds in found["cold"].items():
        print(f"{name:<38}{seconds:>8.2f}{seconds / first:>12.2f}")
    for title, rates in found["throughput"].items():
        print(f"\n{title:<38}{'texts/s':>10}{'ours is':>10}")
        for name, rate in rates.items():
            ours = rates["slugline, " + name.partition(", ")[2]]
            print(f"{name:<38}{rate:>10,.0f}{ours / rate:>9.2f}x")


if __name__ == "__main__":
    main()
