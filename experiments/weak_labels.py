"""From rules to a model, and what gold labels add: `python experiments/weak_labels.py [--quick]`.

On the sample and on IndiaPoliceEvents (where it is at hand): macro F1 on test of the rules alone, by both label models; of
the default model trained on the labels that rules give to the train part; of the same with 100, 300 and 1,000 sentences of
train labelled by people, drawn at random; and of these alone, without rules. Mean of three seeds of the split and the draw,
least and most in brackets. Thresholds are chosen on train, out of fold, as `slugline train` does.
"""

import os
import sys
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from hydra import compose, initialize_config_dir

from slugline.cache import Off, Stages
from slugline.config import instantiate, prepare, shipped
from slugline.data.schema import to_matrix
from slugline.dataset import Material
from slugline.dataset import prepare as read_material
from slugline.labels.label_model import LABEL_MODELS
from slugline.scoring import score
from slugline.training.fit import fit_model

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data")).resolve()
QUICK = "--quick" in sys.argv
SEEDS = (0,) if QUICK else (0, 1, 2)
GOLD = (0, 100) if QUICK else (0, 100, 300, 1000)
SETS = {"sample": [], "IndiaPoliceEvents": ["experiment=india_police_events", "labels=india_police_events"]}


def main() -> None:
    """Measure all ways on both sets of data and print a table."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
    prepare()
    columns: dict[str, dict[str, list[float]]] = {}
    for name, options in SETS.items():
        if name != "sample" and not (DATA / "india_police_events").is_dir():
            print(f"no {DATA}/india_police_events: left out")
            continue
        found: dict[str, list[float]] = {}
        for seed in SEEDS:
            for way, value in measure(options, seed):
                found.setdefault(way, []).append(value)
                print(f"{name}, seed {seed}: {way}: {value:.3f}", file=sys.stderr, flush=True)
        columns[name] = found
    table = pd.DataFrame(
        {name: {way: show(values) for way, values in found.items()} for name, found in columns.items()}
    )
    print(f"| macro F1 on test | {' | '.join(table.columns)} |\n| --- |{' --- |' * table.shape[1]}")
    for way, row in table.iterrows():
        print(f"| {way} | {' | '.join(row)} |")


def show(values: list[float]) -> str:
    """Return the mean, the least and the most; nothing where a topic had no example to learn from."""
    if np.isnan(values).any():
        return "a topic without an example"
    return f"{np.mean(values):.3f} ({min(values):.3f} to {max(values):.3f})"


def measure(options: list[str], seed: int) -> Any:
    """Yield each way and its macro F1 on test."""
    material, features, parts = read([f"seed={seed}", *options])
    test, train = material.rows("test"), np.flatnonzero(material.rows("train"))
    labels = parts["labels"]
    votes = labels.vote(material.sentences["text"].tolist())
    for model in LABEL_MODELS:
        given = replace(labels, label_model=model).weigh(votes, np.full(material.Y.shape, -1)) > 0.5
        yield f"rules alone, {model}", f1(material, given)
    drawn = np.random.default_rng(seed).permutation(train)
    for size in GOLD:
        for model in LABEL_MODELS:
            weak = by_rules(material, replace(labels, rules=True, label_model=model), drawn[:size])
            yield f"rules, {model}, classifier, {size} gold", fit(weak, material, features, parts, seed)
        if size:
            few = [*drawn[:size], *np.flatnonzero(test)]
            only = material._replace(sentences=material.sentences.iloc[few].reset_index(drop=True), Y=material.Y[few])
            if only.Y[:size].any(axis=0).all():
                yield f"classifier, {size} gold", fit(only, only, features, parts, seed)
            else:  # nothing to learn some topic from
                yield f"classifier, {size} gold", float("nan")
    yield "classifier, all gold labels of train", fit(material, material, features, parts, seed)


def read(options: list[str]) -> tuple[Material, dict[str, Any], dict[str, Any]]:
    """Return the material, the features and the other parts of a `slugline train` with some options."""
    with initialize_config_dir(str(shipped("conf")), version_base="1.3"):
        config = compose("train", options)
    parts = {name: instantiate(config[name], name) for name in ("data", "labels", "split", "model", "threshold")}
    features = {name: instantiate(node, name) for name, node in config.features.items()}
    return read_material(config, parts, Stages(Off()), lambda stage: nullcontext()), features, parts


def by_rules(material: Material, labels: Any, gold: np.ndarray) -> Material:
    """Return the material with labels by rules in train, all but those of some sentences."""
    sentences = material.sentences
    known = np.isin(np.arange(len(sentences)), gold)
    hidden = sentences.assign(label_source=np.where(known, "gold", ""))  # what rules may know of the truth
    labelled = labels.label_by_rules(hidden)
    weak = (material.rows("train") & ~known)[:, None]
    return material._replace(
        sentences=sentences.assign(label_source=np.where(weak[:, 0], "rules", "gold")),
        Y=np.where(weak, to_matrix(labelled["labels"], material.topics), material.Y),
        weights=np.where(weak, np.array(labelled["weights"].tolist()), 1.0),
    )


def fit(material: Material, truth: Material, features: dict[str, Any], parts: dict[str, Any], seed: int) -> float:
    """Return macro F1 on test of the default model."""
    return f1(truth, decide(material, features, parts, seed))


def decide(material: Material, features: dict[str, Any], parts: dict[str, Any], seed: int) -> np.ndarray:
    """Return which topics a model fitted on train gives each sentence, booleans (sentences, topics)."""
    clock, stages = (lambda stage: nullcontext()), Stages(Off())
    options = {"folds": 5, "seed": seed, "n_jobs": -1}
    outcome = fit_model(material, features, parts["model"], parts["threshold"], clock, stages, **options)
    return outcome.model.decide(outcome.probabilities)


def f1(material: Material, given: np.ndarray) -> float:
    """Return macro F1 on test."""
    test = material.rows("test")
    return score("test", material.Y[test], given[test], None, material.topics)["test/f1_macro"]


if __name__ == "__main__":
    main()
