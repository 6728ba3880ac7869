"""Three questions to IndiaPoliceEvents: `python experiments/studies.py [--quick] [split] [models] [rules]`.

`split`: what does a leaking split flatter? The data come without one. The split others have published (ConfliBERT, Hu et
al. 2022, github.com/eventdata/ConfliBERT) draws sentences at random, about 70, 15 and 15 %, whatever their article;
`split=random` of these shares against `split=article`, same model; scores on all of test, and on test without the
sentences that stand in train word for word. Then the same test sentences twice: with other sentences of their articles
in train, and without. `models`: which features and which model? One sweep of `slugline train`,
read from MLflow. `rules`: what are gold labels worth? Rules alone (majority of the votes) and the default model trained
on all gold labels, on the same test articles, topic by topic. Needs the data at ../shared/data or SLUGLINE_DATA.
"""

import os
import subprocess
import sys
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from weak_labels import DATA, decide, f1, read, show

from slugline.data.sentences import normal_form
from slugline.dataset import Dataset
from slugline.scoring import paired_differences
from slugline.tracking import connect

QUICK = "--quick" in sys.argv
SEEDS = range(1) if QUICK else range(3)
SPLIT_SEEDS = range(2) if QUICK else range(5)
PAIR_SEEDS = range(2) if QUICK else range(20)
INDIA = "experiment=india_police_events"
SPLITS = {"random sentences": "random", "by article": "article"}
FEATURES = ["word", "char", "word_char"]
MODELS = ["linear_svc", "logistic_regression", "sgd", "complement_nb", "ridge"]
TIMES = ("metrics.time/features", "metrics.time/fit")


def main() -> None:
    """Run the studies that are asked for, or all."""
    if not (DATA / "india_police_events").is_dir():
        sys.exit(f"no {DATA}/india_police_events: set SLUGLINE_DATA to the folder with the data")
    os.environ["SLUGLINE_DATA"] = str(DATA)
    studies = {"split": split, "models": models, "rules": rules}
    if unknown := set(sys.argv[1:]) - {"--quick", *studies}:
        sys.exit(f"{', '.join(sorted(unknown))}: no study; allowed: --quick, {', '.join(studies)}")
    for name in [study for study in studies if study in sys.argv] or studies:
        print(f"\n{name}\n", flush=True)
        studies[name]()


def table(*rows: list[str]) -> None:
    """Print rows as a Markdown table, the first as its head."""
    for row in (rows[0], ["---"] * len(rows[0]), *rows[1:]):
        print(f"| {' | '.join(row)} |")


def split() -> None:
    """Compare the two splits; then, on the same sentences, training with and without their articles."""
    found = {name: pd.DataFrame([leak(kind, seed) for seed in SPLIT_SEEDS]) for name, kind in SPLITS.items()}
    keys = next(iter(found.values())).columns
    rows = [[key, *(show(list(each[key])) for each in found.values())] for key in keys]
    table(["mean (least to most)", *found], *rows)
    apart, mixed = np.array([fit_pair(seed) for seed in PAIR_SEEDS]).T
    error = (mixed - apart).std(ddof=1) / len(PAIR_SEEDS) ** 0.5
    scores = [show(list(values)) for values in (apart, mixed, mixed - apart)]
    print()
    table(
        ["macro F1 on the same sentences", "articles not in train", "articles in train", "gain", "its standard error"],
        [f"{len(PAIR_SEEDS)} seeds", *scores, f"{error:.3f}"],
    )


def leak(kind: str, seed: int) -> dict[str, float]:
    """Return how far a split leaks, and macro F1 on test with and without what stands in train word for word."""
    dataset, settings = read([f"seed={seed}", INDIA, f"split={kind}", "split.dev=0.15", "split.test=0.15"])
    given, test, copies = decide(dataset, settings), dataset.rows("test"), copied(dataset)
    rest, articles = dataset.sentences[~copies], dataset.sentences["article_id"]
    known = np.isin(articles[test].unique(), articles[dataset.rows("train")])
    return {
        "share of articles in more than one part": dataset.leakage.articles / articles.nunique(),
        "share of test articles in train": known.mean(),
        "share of test sentences in train word for word": dataset.leakage.shares["test"],
        "share of these with a topic": dataset.Y[test & copies].any(axis=1).mean(),
        "share of the others with a topic": dataset.Y[test & ~copies].any(axis=1).mean(),
        "macro F1": f1(dataset, given),
        "macro F1 without them": f1(dataset._replace(sentences=rest, Y=dataset.Y[~copies]), given[~copies]),
    }


def copied(dataset: Dataset) -> np.ndarray:
    """Return which sentences of test stand in train too, as Slugline's measure of leakage counts them."""
    keys, test = dataset.sentences["text"].map(normal_form), dataset.rows("test")
    return test & keys.isin(set(keys[dataset.rows("train")])).to_numpy()


def fit_pair(seed: int) -> tuple[float, ...]:
    """Return macro F1 on half the sentences of test articles, without and with the other half in train.

    That half takes the place of as many sentences of train, so that both models learn from as many.
    """
    dataset, settings = read([f"seed={seed}", INDIA, "split.dev=0", "split.test=0.3"])
    random, test = np.random.default_rng(seed), dataset.rows("test")
    half = test & (random.random(len(test)) < 0.5)
    apart = dataset.sentences["split"].mask(half, "")
    mixed = apart.mask(half, "train")
    mixed[random.choice(np.flatnonzero(dataset.rows("train")), half.sum(), replace=False)] = ""
    both = [dataset._replace(sentences=dataset.sentences.assign(split=names)) for names in (apart, mixed)]
    return tuple(f1(each, decide(each, settings)) for each in both)


def models() -> None:
    """Sweep features and models; no cache, so that every job makes its features."""
    seeds = ",".join(map(str, SEEDS))
    options = [INDIA, f"features={','.join(FEATURES)}", f"model={','.join(MODELS)}", f"seed={seeds}", "plots=false"]
    options += ["cache=off", "tracking.uri=sqlite:///mlflow.db", "tracking.registered_model=null"]
    print(f"slugline train -m {' '.join(options)}\n", flush=True)
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "slugline", "train", "-m", *options]
        subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)
        store = connect(f"sqlite:///{Path(folder, 'mlflow.db')}")
        runs = store.search_runs(experiment_names=["slugline"]).dropna(subset=["params.choice/model"])
    of = dict(iter(runs.groupby(["params.choice/features", "params.choice/model"])))
    rows, first = [], of[FEATURES[0], MODELS[0]]
    for way in product(FEATURES, MODELS):
        scores = [show(list(of[way][f"metrics.test/{key}_macro"])) for key in ("f1", "ap")]
        rows.append([*way, *scores, *(f"{of[way][key].median() / first[key].median():.2f}" for key in TIMES)])
    table(["features", "model", "macro F1", "average precision", "time of features", "time of fit"], *rows)


def rules() -> None:
    """Compare rules with a model on the same test articles, topic by topic."""
    rows = []
    for topic, found in pd.concat(map(against, SEEDS)).groupby("topic", sort=False):
        scores = [show(list(found[key])) for key in ("rules", "model", "difference")]
        rows.append([topic, f"{found['support'].mean():.0f}", *scores, ", ".join(f"{p:.4f}" for p in found["p"])])
    table(["topic", "test sentences, mean", "F1 of rules", "of the model", "model less rules", "p, by seed"], *rows)


def against(seed: int) -> pd.DataFrame:
    """Return F1 of rules and of the model for each topic, then macro, and p of the difference."""
    dataset, settings = read([f"seed={seed}", INDIA, "labels=india_police_events"])
    test = dataset.rows("test")
    Y, model = dataset.Y[test], decide(dataset, settings)[test]
    votes = settings.labels.vote(dataset.sentences["text"][test].tolist())
    ruled = settings.labels.combine_votes(votes, np.full(Y.shape, -1)) > 0.5
    articles = dataset.sentences["article_id"][test].to_numpy()
    wanted = [*(f"f1/{topic}" for topic in dataset.topics), "f1_macro"]
    found = paired_differences(Y, model, ruled, dataset.topics, groups=articles).loc[wanted].reset_index(drop=True)
    found = found.rename(columns={"one": "model", "other": "rules", "p": "p_alone", "p_holm": "p"})
    return found.assign(topic=[*dataset.topics, "macro"], support=[*Y.sum(axis=0), Y.any(axis=1).sum()])


if __name__ == "__main__":
    main()
