"""Is a cross-validated score that of new articles? `python experiments/cross_validated_scores.py [--quick] [SET ...]`.

40 and 80 articles of the sample and of IndiaPoliceEvents (where it is at hand) are drawn, as if no others were labelled, and judged
by `evaluation=cross_validation split.test=0 split.dev=0`; 150 of the others say what the score truly is: `less`, of models
that learned from four fifths of the drawn ones, as those of the folds do (their mean), and `all`, of one that learned from all. Features are
words, so that it takes minutes. Beside it two quicker ways, of the out-of-fold predictions of a single fit: decided by
thresholds that were chosen on all of them (`out_of_fold/f1_macro`), and by calibration and thresholds of the other folds.

A row for each data and number of articles: mean over seeds of each way's score less the true one (`less`), with its standard error,
in macro F1 over the topics that some drawn article has, and in micro F1; how often the 95 % interval of macro F1
holds the truth; how often the scores of two draws differ by less than what `slugline train` calls chance.
"""

import os
import sys
from itertools import pairwise

import numpy as np
from weak_labels import DATA, SETS, read

from slugline.cache import Stages
from slugline.dataset import Dataset
from slugline.duplicates import article_groups
from slugline.model.heads import to_probabilities
from slugline.scoring import choose_thresholds, difference_by_chance, macro_interval, score
from slugline.training.calibration import calibrate
from slugline.training.cross_validation import cross_validate
from slugline.training.fit import FittedModel, fit_model
from slugline.training.heads import divide_folds
from slugline.training.settings import TrainSettings

QUICK = "--quick" in sys.argv
SEEDS, SIZES, OTHERS = range(2 if QUICK else 20), (40, 80), 150
WAYS = ("nested", "out of fold", "thresholds of other folds")
Found = dict[str, dict[str, float]]


def main() -> None:
    """Measure all ways on both sets and print a table."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
    asked = [name for name in SETS if name in sys.argv]
    heads = [f"{way}, {kind}" for kind in ("macro", "micro") for way in WAYS]
    print(
        f"| data | articles | true, less | true, all | {' | '.join(heads)} | held, less | held, all | within chance |"
    )
    print(f"| --- | --- |{' --- |' * (len(heads) + 5)}")
    for name, options in SETS.items():
        if asked and name not in asked:
            continue
        if name != "sample" and not (DATA / "india_police_events").is_dir():
            print(f"no {DATA}/india_police_events: left out", file=sys.stderr)
            continue
        dataset, settings = read([*options, "features=word", "n_jobs=1"])
        for size in SIZES:
            found = []
            for seed in SEEDS:
                if (one := measure(dataset, settings, size, seed)) is not None:
                    found.append(one)
                    print(f"{name}, {size}, seed {seed}: {one}", file=sys.stderr, flush=True)
            print(f"| {name} | {size} | {' | '.join(summarise(found))} |", flush=True)


def summarise(found: list[Found]) -> list[str]:
    """Return the cells of a row."""
    cells = [f"{np.mean([one['macro'][truth] for one in found]):.3f}" for truth in ("less", "all")]
    for kind in ("macro", "micro"):
        for way in WAYS:
            gaps = [one[kind][way] - one[kind]["less"] for one in found]
            cells.append(f"{np.mean(gaps):+.3f} ({np.std(gaps, ddof=1) / np.sqrt(len(gaps)):.3f})")
    for truth in ("less", "all"):
        held = [one["interval"]["low"] <= one["macro"][truth] <= one["interval"]["high"] for one in found]
        cells.append(f"{np.mean(held):.2f}")
    scores = [(one["macro"]["nested"], difference_by_chance(**one["interval"])) for one in found]
    within = [abs(a - b) <= (reach + other) / 2 for (a, reach), (b, other) in pairwise(scores)]
    return [*cells, f"{np.mean(within):.2f}"]


def measure(dataset: Dataset, settings: TrainSettings, size: int, seed: int) -> Found | None:
    """Return the scores of each way and the true ones, for one draw of articles; None where nothing can be learned."""
    groups = article_groups(dataset.sentences)
    drawn = np.random.default_rng(seed).permutation(np.unique(groups))
    split = np.select(
        [np.isin(groups, drawn[:size]), np.isin(groups, drawn[size : size + OTHERS])], ["train", "new"], ""
    )
    kept = split != ""
    few = dataset._replace(
        sentences=dataset.sentences[kept].assign(split=split[kept]).reset_index(drop=True), Y=dataset.Y[kept]
    )
    train = few.rows("train")
    few = few.with_topics(few.Y[train].any(axis=0))
    if not few.topics:
        return None
    models: list[tuple[tuple[str, ...], FittedModel]] = []

    def refit(other: Dataset) -> FittedModel:
        models.append((other.topics, fit_model(other, settings, Stages())))
        return models[-1][1]

    judged = cross_validate(few, settings, refit)
    less = [score_new(few, *model) for model in models]
    fitted = refit(few)
    Y, articles = few.Y[train], few.sentences["article_id"][train].to_numpy()
    decided = {
        "nested": judged.decided,
        "out of fold": fitted.model.decide(fitted.probabilities[train]),
        "thresholds of other folds": decide_by_others(few, settings, fitted),
    }
    scores = {way: score(Y, given, few.topics) for way, given in decided.items()}
    low, high = macro_interval(Y, judged.decided, few.topics, groups=articles)
    found: Found = {"interval": {"low": low, "high": high}}
    for kind in ("macro", "micro"):
        key = f"f1_{kind}"
        true = {"less": float(np.mean([one[key] for one in less])), "all": score_new(few, *models[-1])[key]}
        found[kind] = {way: one[key] for way, one in scores.items()} | true
    return found


def score_new(few: Dataset, topics: tuple[str, ...], fitted: FittedModel) -> dict[str, float]:
    """Return the scores of a model, which may lack topics, on the other articles."""
    new = (few.sentences["split"] == "new").to_numpy()
    decided = np.zeros_like(few.Y[new])
    decided[:, [few.topics.index(topic) for topic in topics]] = fitted.model.decide(fitted.probabilities[new])
    return score(few.Y[new], decided, few.topics)


def decide_by_others(few: Dataset, settings: TrainSettings, fitted: FittedModel) -> np.ndarray:
    """Return decisions on out-of-fold predictions, calibrated and with thresholds from the other folds."""
    train = few.rows("train")
    Y, P = few.Y[train], np.clip(fitted.probabilities[train], 1e-9, 1 - 1e-9)
    log_odds = np.log(P) - np.log1p(-P)
    fold_of_row = divide_folds(Y, article_groups(few.sentences)[train], settings.folds, settings.seed)
    decided = np.zeros_like(Y)
    for fold in np.unique(fold_of_row):
        held_out = fold_of_row == fold
        others = ~held_out
        known = Y[others].any(axis=0)
        slope, offset = calibrate(log_odds[others][:, known], Y[others][:, known])
        again = to_probabilities(slope * log_odds[:, known] + offset, few.mode)
        rows = np.tile(others[:, None], (1, int(known.sum())))
        thresholds = choose_thresholds(settings.threshold, Y[:, known], again, rows, few.mode)
        decided[np.ix_(held_out, known)] = again[held_out] >= thresholds
    return decided


if __name__ == "__main__":
    main()
