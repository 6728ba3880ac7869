"""What should one do first? `python experiments/few_labels.py [--quick]`.

On the sample and on IndiaPoliceEvents (where it is at hand): macro F1 on test with 8, 16 and 32 labelled sentences a topic,
drawn at random from train with as many sentences again, as people meet those too: of a model of these alone, of the rules alone (by majority), and of a model of these and of the
rest of train as the rules label it. Default features and model; three seeds of the split and the draw, mean (least to
most).
"""

import os
import sys
from dataclasses import replace

import numpy as np
from weak_labels import DATA, SETS, by_rules, decide, f1, read, show

from slugline.dataset import Dataset
from slugline.scoring import score

QUICK = "--quick" in sys.argv
SEEDS = range(1) if QUICK else range(3)
SIZES = (8, 16, 32)


def main() -> None:
    """Measure all ways on both sets and print a table."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
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
        drawn = draw(dataset, size, seed)
        kept = np.append(drawn, np.flatnonzero(test))
        few = dataset._replace(sentences=dataset.sentences.iloc[kept].reset_index(drop=True), Y=dataset.Y[kept])
        both = f1(dataset, decide(by_rules(dataset, labels, drawn), settings))
        found.append((len(drawn), f1(few, decide(few, settings)), by_rule, both))
        print(f"seed {seed}, {size} a topic: {found[-1]}", file=sys.stderr, flush=True)
    return found


def draw(dataset: Dataset, size: int, seed: int) -> np.ndarray:
    """Return rows of train: for each topic as many that carry it as asked for, then as many again of any."""
    random = np.random.default_rng(seed)
    train = random.permutation(np.flatnonzero(dataset.rows("train")))
    by_topic = [train[dataset.Y[train, topic]][:size] for topic in range(dataset.Y.shape[1])]
    chosen = np.unique(np.concatenate(by_topic))
    return np.append(chosen, np.setdiff1d(train, chosen, assume_unique=True)[: len(chosen)])


if __name__ == "__main__":
    main()
