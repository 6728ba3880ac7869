"""From rules to a model, and what gold labels add: `python experiments/weak_labels.py [--quick]`.

On the sample and on IndiaPoliceEvents (where it is at hand): macro F1 on test of the rules alone, by both label models; of
the default model trained on the labels that rules give to the train part; of the same with 100, 300 and 1,000 sentences of
train labelled by people, drawn at random; and of these alone, without rules. Mean of three seeds of the split and the draw,
least and most in brackets. Thresholds are chosen on train, out of fold, as `slugline train` does.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slugline.cache import Stages
from slugline.config.launch import compose_settings
from slugline.data.schema import to_matrix
from slugline.dataset import Dataset, build_dataset
from slugline.labels.label_model import LABEL_MODELS
from slugline.scoring import score
from slugline.training.fit import fit_model
from slugline.training.settings import TrainSettings

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("SLUGLINE_DATA", ROOT.parent / "shared" / "data")).resolve()
QUICK = "--quick" in sys.argv
SEEDS = (0,) if QUICK else (0, 1, 2)
GOLD = (0, 100) if QUICK else (0, 100, 300, 1000)
SETS = {"sample": [], "IndiaPoliceEvents": ["experiment=india_police_events", "labels=india_police_events"]}


def main() -> None:
    """Measure all ways on both sets of data and print a table."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
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
    dataset, settings = read([f"seed={seed}", *options])
    test, train = dataset.rows("test"), np.flatnonzero(dataset.rows("train"))
    labels = settings.labels
    votes = labels.vote(dataset.sentences["text"].tolist())
    for model in LABEL_MODELS:
        given = replace(labels, label_model=model).combine_votes(votes, np.full(dataset.Y.shape, -1)) > 0.5
        yield f"rules alone, {model}", f1(dataset, given)
    drawn = np.random.default_rng(seed).permutation(train)
    for size in GOLD:
        for model in LABEL_MODELS:
            weak = by_rules(dataset, replace(labels, rules=True, label_model=model), drawn[:size])
            yield f"rules, {model}, classifier, {size} gold", fit(weak, dataset, settings)
        if size:
            few = [*drawn[:size], *np.flatnonzero(test)]
            only = dataset._replace(sentences=dataset.sentences.iloc[few].reset_index(drop=True), Y=dataset.Y[few])
            if only.Y[:size].any(axis=0).all():
                yield f"classifier, {size} gold", fit(only, only, settings)
            else:  # nothing to learn some topic from
                yield f"classifier, {size} gold", float("nan")
    yield "classifier, all gold labels of train", fit(dataset, dataset, settings)


def read(options: list[str]) -> tuple[Dataset, TrainSettings]:
    """Return the dataset and the settings of a `slugline train` with some options."""
    settings = compose_settings("train", [*options, "cache=off"])
    return build_dataset(settings.data, settings.labels, settings.split, Stages()), settings


def by_rules(dataset: Dataset, labels: Any, gold: np.ndarray) -> Dataset:
    """Return the dataset with labels by rules in train, all but those of some sentences."""
    sentences = dataset.sentences
    known = np.isin(np.arange(len(sentences)), gold)
    hidden = sentences.assign(label_source=np.where(known, "gold", ""))  # what rules may know of the truth
    labelled = labels.label_by_rules(hidden)
    weak = (dataset.rows("train") & ~known)[:, None]
    return dataset._replace(
        sentences=sentences.assign(label_source=np.where(weak[:, 0], "rules", "gold")),
        Y=np.where(weak, to_matrix(labelled["labels"], dataset.topics), dataset.Y),
        weights=np.where(weak, np.array(labelled["weights"].tolist()), 1.0),
    )


def fit(dataset: Dataset, truth: Dataset, settings: TrainSettings) -> float:
    """Return macro F1 on test of the default model."""
    return f1(truth, decide(dataset, settings))


def decide(dataset: Dataset, settings: TrainSettings) -> np.ndarray:
    """Return which topics a model fitted on train gives each sentence, booleans (sentences, topics)."""
    fitted = fit_model(dataset, settings, Stages())
    return fitted.model.decide(fitted.probabilities)


def f1(dataset: Dataset, given: np.ndarray) -> float:
    """Return macro F1 on test."""
    test = dataset.rows("test")
    return score(dataset.Y[test], given[test], dataset.topics)["f1_macro"]


if __name__ == "__main__":
    main()
