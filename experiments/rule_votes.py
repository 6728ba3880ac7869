"""Do the votes of rules help beside words? `python experiments/rule_votes.py [--quick] [weights] [sample] [IndiaPoliceEvents]`.

Words and characters with and without a column per rule of the taxonomy (`features=word_char_rules`): macro average
precision and F1 out of fold on train and on test, three tenths of the articles. `weights`: one seed of the sample, by the
weight of the columns; the default is the best out of fold. The others: five seeds of the split, paired differences at that
weight, mean (standard error). Rules are those of `labels=plover` and of `labels=india_police_events`, which were written
from the names of its labels alone.
"""

import os
import sys
from dataclasses import replace

import numpy as np
from weak_labels import DATA, SETS, read

from slugline.cache import Folder, Stages
from slugline.dataset import Dataset
from slugline.model.rule_votes import RuleVotes
from slugline.scoring import score
from slugline.splits import ByArticle
from slugline.training.fit import fit_model
from slugline.training.settings import TrainSettings

QUICK = "--quick" in sys.argv
SEEDS = range(2) if QUICK else range(5)
WEIGHTS = (0.1, 0.15, 0.2, 0.35, 0.5, 0.7, 1.0)
DEFAULT = 0.15
COLUMNS = ("out of fold ap", "out of fold f1", "test ap", "test f1")


def main() -> None:
    """Print the tables that are asked for, or all."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
    for name in [name for name in ("weights", *SETS) if name in sys.argv] or ("weights", *SETS):
        dataset, settings = read(SETS["sample" if name == "weights" else name])
        print(f"\n| {name} | {' | '.join(COLUMNS)} |\n| --- |{' --- |' * len(COLUMNS)}", flush=True)
        seeds, weights = (range(1), WEIGHTS) if name == "weights" else (SEEDS, (DEFAULT,))
        found = np.array([[measure(divide(dataset, seed), settings, w, seed) for w in (0, *weights)] for seed in seeds])
        print(f"| no rules | {' | '.join(f'{value:.4f}' for value in found[:, 0].mean(axis=0))} |")
        for place, weight in enumerate(weights, 1):
            print(f"| {weight:g} | {' | '.join(map(show, (found[:, place] - found[:, 0]).T))} |", flush=True)


def show(differences: np.ndarray) -> str:
    """Return the mean of paired differences and, where there are several, its standard error."""
    if len(differences) == 1:
        return f"{differences[0]:+.4f}"
    return f"{differences.mean():+.4f} ({differences.std(ddof=1) / len(differences) ** 0.5:.4f})"


def divide(dataset: Dataset, seed: int) -> Dataset:
    """Return a dataset divided anew."""
    parts = np.array(ByArticle(dev=0, test=0.3, seed=seed)(dataset.sentences, dataset.Y), dtype=object)
    return dataset._replace(sentences=dataset.sentences.assign(split=parts))


def measure(dataset: Dataset, settings: TrainSettings, weight: float, seed: int) -> list[float]:
    """Return macro average precision and F1, on train out of fold and on test."""
    features = TrainSettings().features | ({"rules": RuleVotes(weight)} if weight else {})
    fitted = fit_model(
        dataset,
        replace(settings, features=features, seed=seed, n_jobs=1),
        Stages(Folder("experiments/cache/rule_votes")),
    )
    scores = []
    for part in ("train", "test"):
        rows = dataset.rows(part)
        given = fitted.probabilities[rows] >= fitted.model.thresholds
        found = score(dataset.Y[rows], given, dataset.topics, probabilities=fitted.probabilities[rows])
        scores += [found["ap_macro"], found["f1_macro"]]
    print(
        f"seed {seed}, weight {weight:g}: {' '.join(f'{value:.4f}' for value in scores)}", file=sys.stderr, flush=True
    )
    return scores


if __name__ == "__main__":
    main()
