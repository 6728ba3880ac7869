"""Does what stands beside a sentence help? `python experiments/context.py [--quick] ["UK manifestos"] [IndiaPoliceEvents]`.

Words and characters of a sentence alone, and with those of the sentences before and after and of the title
(`context=neighbours`): macro average precision and F1 out of fold on train and on test, three tenths of the articles;
three seeds of the split, paired differences, mean (standard error).
"""

import os
import sys
from dataclasses import replace

import numpy as np
from benchmark import DATA
from defaults import SETS
from rule_votes import divide, show

from slugline.cache import Folder, Stages
from slugline.config.launch import compose_settings
from slugline.dataset import Dataset, build_dataset
from slugline.model.context_features import Neighbours
from slugline.scoring import score
from slugline.training.fit import fit_model
from slugline.training.settings import TrainSettings

STUDIES = ("UK manifestos", "IndiaPoliceEvents")
SEEDS = range(1) if "--quick" in sys.argv else range(3)
CHOICES = (None, Neighbours())
COLUMNS = ("out of fold ap", "out of fold f1", "test ap", "test f1")


def main() -> None:
    """Print the tables that are asked for, or both."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
    for name in [name for name in STUDIES if name in sys.argv] or STUDIES:
        settings = compose_settings("train", [*SETS[name], "cache=off"])
        dataset = build_dataset(settings.data, settings.labels, settings.split, Stages(), context=True)
        print(f"\n| {name} | {' | '.join(COLUMNS)} |\n| --- |{' --- |' * len(COLUMNS)}", flush=True)
        pairs = [[measure(divide(dataset, seed), settings, context, seed) for context in CHOICES] for seed in SEEDS]
        off, beside = np.moveaxis(np.array(pairs), 1, 0)
        print(f"| off | {' | '.join(f'{value:.4f}' for value in off.mean(axis=0))} |")
        print(f"| neighbours | {' | '.join(map(show, (beside - off).T))} |", flush=True)


def measure(dataset: Dataset, settings: TrainSettings, context: Neighbours | None, seed: int) -> list[float]:
    """Return macro average precision and F1, on train out of fold and on test."""
    options = {"features": TrainSettings().features, "context": context, "seed": seed, "n_jobs": 1}
    fitted = fit_model(dataset, replace(settings, **options), Stages(Folder("experiments/cache/context")))
    scores = []
    for part in ("train", "test"):
        rows = dataset.rows(part)
        given = fitted.model.decide(fitted.probabilities[rows])
        found = score(dataset.Y[rows], given, dataset.topics, probabilities=fitted.probabilities[rows])
        scores += [found["ap_macro"], found["f1_macro"]]
    print(f"seed {seed}, {context}: {' '.join(f'{value:.4f}' for value in scores)}", file=sys.stderr, flush=True)
    return scores


if __name__ == "__main__":
    main()
