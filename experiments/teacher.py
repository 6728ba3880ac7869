"""What does a model learn from sentences that nobody labelled? `python experiments/teacher.py [--quick | seed=N ...] [SET ...] [WAY ...]`.

Sample, IndiaPoliceEvents and UK manifestos (the latter two from ../shared/data or SLUGLINE_DATA), a quarter test, split
by article. Of the train part, labels are kept for articles drawn at random until they have 1,300 sentences (of IndiaPoliceEvents
from articles with an event, and one in four of the others; of the manifestos, which are few and long, passages of 20 sentences);
up to 5,000 of the others have none. Test F1 with the model's own thresholds and average precision, macro; and F1 out of fold,
which says whether thresholds are chosen on honest numbers. `vocabulary`: the sentences without labels are known to the
vectorizers, and weigh nothing else. `one teacher`: that of all labels speaks in each fold, too. `teacher=encoder_finetuned` needs
the extras encoder and finetune. Three seeds; all sets and ways, but for those that are given.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
from weak_labels import DATA, read, show

from slugline.cache import Folder, Stages
from slugline.dataset import Dataset
from slugline.finetune import FineTunedEncoder
from slugline.scoring import score
from slugline.training import fit, teaching
from slugline.training.settings import TrainSettings
from slugline.training.teaching import Taught, Teacher

QUICK = "--quick" in sys.argv
SEEDS = [int(given[5:]) for given in sys.argv if given.startswith("seed=")] or (range(1) if QUICK else range(3))
LABELLED, FURTHER, PASSAGE = 1_300, 5_000, 20  # sentences
SETS = {
    "sample": [],
    "IndiaPoliceEvents": ["experiment=india_police_events"],
    "UK manifestos": ["data=sentences", f"data.path={DATA}/uk_manifestos/sentences.jsonl", "labels=given"],
}
WAYS = {
    "without a teacher": None,
    "vocabulary": {"weight": 1e-6},
    "teacher=self": {},
    "teacher=self, 1,000 sentences": {"max_sentences": 1_000},
    "teacher=self, weight 0.3": {"weight": 0.3},
    "teacher=self, weight 3": {"weight": 3.0},
    "teacher=self, one teacher": {},
    "teacher=encoder_finetuned": {"features": {"encoder": FineTunedEncoder()}, "max_sentences": 10_000},
}
CACHE = Folder(str(Path(__file__).parent / "cache" / "teacher"))  # one teacher says the same to all its pupils
SCORES = ("F1", "average precision", "F1 out of fold")


def main() -> None:
    """Print a table for each set of data."""
    os.environ["SLUGLINE_DATA"] = str(DATA)
    for name in [name for name in SETS if name in sys.argv] or SETS:
        found: dict[str, list[tuple[float, ...]]] = {way: [] for way in WAYS}
        for seed in SEEDS:
            dataset, settings = read([f"seed={seed}", "split.dev=0", "split.test=0.25", *SETS[name]])
            few = draw(dataset, name, seed)
            for way in [way for way in WAYS if way in sys.argv] or WAYS:
                found[way].append(measure(few, settings, way))
                print(f"{name}, seed {seed}: {way}: {found[way][-1]}", file=sys.stderr, flush=True)
        print(f"\n| {name} | {' | '.join(SCORES)} |\n| --- |{' --- |' * len(SCORES)}")
        for way, rows in found.items():
            if rows:
                print(f"| {way} | {' | '.join(show(list(values)) for values in zip(*rows, strict=True))} |")


def draw(dataset: Dataset, name: str, seed: int) -> Dataset:
    """Return the dataset with few labels in train, the other sentences of train without any."""
    random, sentences, train = np.random.default_rng(seed), dataset.sentences, dataset.rows("train")
    if name == "UK manifestos":
        passages = sentences["article_id"] + (np.arange(len(sentences)) // PASSAGE).astype(str)
        sentences = sentences.assign(article_id=passages).drop(columns="article_group")
    articles = sentences["article_id"].to_numpy(object)
    units = random.permutation(np.unique(articles[train]))
    if name == "IndiaPoliceEvents":
        has_event = np.isin(units, articles[train & (dataset.Y.sum(axis=1) > 0)])
        units = units[has_event | (random.random(len(units)) < 0.25)]
    sizes = np.array([np.sum(articles[train] == unit) for unit in units])
    known = train & np.isin(articles, units[: np.searchsorted(sizes.cumsum(), LABELLED) + 1])
    further = random.permutation(np.flatnonzero(train & ~known))[:FURTHER]
    few = np.concatenate([np.flatnonzero(known), np.flatnonzero(dataset.rows("test"))])
    some = dataset._replace(
        sentences=sentences.iloc[few].reset_index(drop=True), Y=dataset.Y[few], unlabelled=sentences.iloc[further]
    )
    return some.with_split(some.sentences["split"].to_numpy(object))


def measure(dataset: Dataset, settings: TrainSettings, way: str) -> tuple[float, ...]:
    """Return the scores of a model that is taught in a way."""
    options = WAYS[way]
    own = settings if options is None else replace(settings, teacher=Teacher(**options))
    fit.teach = teach_once if way.endswith("one teacher") else teaching.teach
    fitted = fit.fit_model(dataset, own, Stages(CACHE))
    test, train = dataset.rows("test"), dataset.rows("train")
    P, given = fitted.probabilities, fitted.model.decide(fitted.probabilities)
    scores = score(dataset.Y[test], given[test], dataset.topics, probabilities=P[test])
    return scores["f1_macro"], scores["ap_macro"], score(dataset.Y[train], given[train], dataset.topics)["f1_macro"]


def teach_once(*arguments: object) -> Taught:
    """Return what the teacher of all labels says, as if the others said so too."""
    taught = teaching.teach(*arguments)
    return taught._replace(probabilities=np.broadcast_to(taught.probabilities[:1], taught.probabilities.shape))


if __name__ == "__main__":
    main()
