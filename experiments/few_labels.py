"""What should one do first? `python experiments/few_labels.py [--quick] [rules] [features] [KEY=VALUE ...]`.

Macro F1 on test with 8, 16 and 32 labelled sentences a topic, drawn at random from train with as many sentences again, as
people meet those too. Default model; three seeds of the split and the draw, mean (least to most).

`rules`, on the sample and on IndiaPoliceEvents (where it is at hand): a model of these labels alone, the rules alone (by
majority), and a model of these labels and of the rest of train as the rules label it. `features`, on the sample: TF-IDF,
the vectors of an encoder beside it, and an encoder that learned from the labels beside it; each with the labels alone,
with the votes of the rules as features, and (but for the last, which takes long) with the rest of train as the rules label
it. Encoders that have learned are kept in experiments/cache/few_labels; CPU seconds are of one thread and of what was not.
Without a name: both. Keys: seed=0 (this one alone; also `--quick`), size=8 (this many labels a topic alone),
kinds=word_char,tfidf_encoder (of `features`).
"""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from weak_labels import DATA, SETS, by_rules, decide, f1, read, show

from slugline.cache import Folder, Stages
from slugline.dataset import Dataset
from slugline.finetune.network import import_torch
from slugline.model.rule_votes import RuleVotes
from slugline.scoring import score
from slugline.training.fit import fit_model

KEYS = dict(argument.split("=", 1) for argument in sys.argv[1:] if "=" in argument)
SEEDS = [int(KEYS["seed"])] if "seed" in KEYS else list(range(1 if "--quick" in sys.argv else 3))
SIZES = (int(KEYS["size"]),) if "size" in KEYS else (8, 16, 32)
FEATURES = {"word_char": "TF-IDF", "tfidf_encoder": "frozen encoder", "encoder_finetuned": "fine-tuned"}
WAYS = ("labels alone", "rule votes", "rules label the rest")
RULES = RuleVotes(0.15)  # the weight of `features=word_char_rules`


def main() -> None:
    """Print the tables that are asked for, or both."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
    tables = {"rules": rules, "features": features}
    for name in [table for table in tables if table in sys.argv] or tables:
        tables[name]()


def rules() -> None:
    """Measure labels, rules and both on both sets and print a table."""
    print("| data | labels a topic | sentences labelled | labels alone | rules alone | rules and labels |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, options in SETS.items():
        if name != "sample" and not (DATA / "india_police_events").is_dir():
            print(f"no {DATA}/india_police_events: left out", file=sys.stderr)
            continue
        for size, found in zip(SIZES, zip(*(measure(options, seed) for seed in SEEDS), strict=True), strict=True):
            sentences, *scores = zip(*found, strict=True)
            cells = [name, str(size), f"{np.mean(sentences):.0f}", *(show(list(values)) for values in scores)]
            print(f"| {' | '.join(cells)} |", flush=True)


def measure(options: list[str], seed: int) -> list[tuple[int, float, float, float]]:
    """Return for each size the sentences labelled, and macro F1 on test by labels, by rules, and by both."""
    dataset, settings = read([f"seed={seed}", *options])
    test = dataset.rows("test")
    labels = replace(settings.labels, rules=True, label_model="majority")
    votes = labels.vote(dataset.sentences["text"][test].tolist())
    given = labels.combine_votes(votes, np.full((test.sum(), len(dataset.topics)), -1)) > 0.5
    by_rule = score(dataset.Y[test], given, dataset.topics)["f1_macro"]
    found = []
    for size in SIZES:
        few, drawn = draw(dataset, size, seed)
        both = f1(dataset, decide(by_rules(dataset, labels, drawn), settings))
        found.append((len(drawn), f1(few, decide(few, settings)), by_rule, both))
        print(f"seed {seed}, {size} a topic: {found[-1]}", file=sys.stderr, flush=True)
    return found


def features() -> None:
    """Measure kinds of features on the sample and print a table."""
    import_torch().set_num_threads(1)
    kinds = [kind for kind in FEATURES if kind in KEYS.get("kinds", ",".join(FEATURES)).split(",")]
    columns = [f"{FEATURES[kind]}, {way}" for kind in kinds for way in WAYS[: 2 if kind == "encoder_finetuned" else 3]]
    print(f"\n| labels a topic | {' | '.join(columns)} | CPU s |\n{'| --- ' * (len(columns) + 2)}|", flush=True)
    for size in SIZES:
        scores = np.array([list(measure_features(kinds, size, seed)) for seed in SEEDS])
        cells = [show(list(values)) for values in scores.T[:-1]]
        print(f"| {size} | {' | '.join(cells)} | {scores[:, -1].mean():.0f} |", flush=True)


def measure_features(kinds: list[str], size: int, seed: int) -> Iterator[float]:
    """Give macro F1 on test by each kind of features in each way, and then all CPU seconds."""
    begin, stages = time.process_time(), Stages(Folder("experiments/cache/few_labels"))
    for kind in kinds:
        dataset, settings = read([f"seed={seed}", f"features={kind}"])
        few, drawn = draw(dataset, size, seed)
        ways = [(few, settings), (few, replace(settings, features={**settings.features, "rules": RULES}))]
        if kind != "encoder_finetuned":
            labels = replace(settings.labels, rules=True, label_model="majority")
            ways.append((by_rules(dataset, labels, drawn), settings))
        for way, (learned_from, chosen) in zip(WAYS, ways, strict=False):
            fitted = fit_model(learned_from, chosen, stages)
            value = f1(learned_from, fitted.model.decide(fitted.probabilities))
            print(f"seed {seed}, {size} a topic, {kind}, {way}: {value:.3f}", file=sys.stderr, flush=True)
            yield value
    yield time.process_time() - begin


def draw(dataset: Dataset, size: int, seed: int) -> tuple[Dataset, np.ndarray]:
    """Return a dataset with few sentences of train, and their rows in the whole.

    For each topic as many that carry it as asked for, then as many again of any.
    """
    random = np.random.default_rng(seed)
    train = random.permutation(np.flatnonzero(dataset.rows("train")))
    by_topic = [train[dataset.Y[train, topic]][:size] for topic in range(dataset.Y.shape[1])]
    chosen = np.unique(np.concatenate(by_topic))
    drawn = np.append(chosen, np.setdiff1d(train, chosen, assume_unique=True)[: len(chosen)])
    kept = np.append(drawn, np.flatnonzero(dataset.rows("test")))
    return dataset._replace(sentences=dataset.sentences.iloc[kept].reset_index(drop=True), Y=dataset.Y[kept]), drawn


if __name__ == "__main__":
    main()
