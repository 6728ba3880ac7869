"""Where each sentence has one topic, what to give it? `python experiments/multiclass.py [--quick]`.

Sets of exclusive topics made from the sample, IndiaPoliceEvents and the UK manifestos (the latter two from
../shared/data or SLUGLINE_DATA), split by article; as many sentences of train as the name says, drawn at random. The
default features and a linear SVM per topic; ten seeds of the split. Compared are values of C, ways to turn decision
values into probabilities, and ways to choose the topic, with what scikit-learn's `LinearSVC(C=1).predict` gives on the
same features: differences paired by seed, mean (standard error). Log loss and calibration error are plain means.

Decision values are kept under experiments/cache/multiclass, so that a study that was stopped goes on where it was;
remove that folder after a change to features or solver.
"""

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from defaults import BASE, FEATURES, SETS, means, one_topic_each, show, table
from scipy.optimize import minimize
from scipy.sparse import csr_array, hstack
from scipy.special import log_softmax, softmax
from sklearn import svm
from sklearn.base import clone
from weak_labels import DATA, read

from slugline.model.heads import to_probabilities
from slugline.scoring import FixedThreshold, TunedThreshold, expected_calibration_error, score
from slugline.splits import stratify
from slugline.training.calibration import calibrate
from slugline.training.fold_features import Block, FoldFeatures

SEEDS = range(2) if "--quick" in sys.argv else range(10)
COSTS = (0.3, 1.0)
KEPT = Path(__file__).parent / "cache" / "multiclass"
FOLDS = 5
FOLDERS = {"IndiaPoliceEvents": "india_police_events", "UK manifestos": "uk_manifestos"}
MOST_TEST = 4000  # sentences of test
QUADS = {  # topics of the sample, by PLOVER's four classes
    "verbal cooperation": ("agreement", "consultation", "support"),
    "material cooperation": ("aid", "concession", "ceasefire"),
    "verbal conflict": ("demand", "accusation", "rejection", "threat"),
    "material conflict": ("protest", "sanctions", "mobilization", "coercion", "assault"),
}
GRID = [  # which set, how many sentences of train
    ("sample, 5 topics", 300),
    ("sample, 5 topics", 945),
    ("sample, 4 classes or none", 945),
    ("sample, 15 topics", 945),
    ("sample, 15 topics", 2100),
    ("IndiaPoliceEvents, 4 acts", 300),
    ("IndiaPoliceEvents, 4 acts", 945),
    ("UK manifestos, 3 codes", 300),
    ("UK manifestos, 3 codes", 945),
    ("UK manifestos, 3 codes", 4000),
]

Probabilities = Callable[[np.ndarray], np.ndarray]  # of decision values


class Exclusive(NamedTuple):
    """Sentences with one topic each: texts, numbers of topics and articles, shape (sentences,) each."""

    texts: np.ndarray
    y: np.ndarray
    articles: np.ndarray


class Decisions(NamedTuple):
    """Decision values (sentences, topics) of train, out of fold, and of test; their topics; what scikit-learn gives."""

    train: np.ndarray
    test: np.ndarray
    y_train: np.ndarray
    y_test: np.ndarray
    predicted: np.ndarray


class Way(NamedTuple):
    """A way to choose the topic."""

    C: float
    calibrate: Callable[[np.ndarray, np.ndarray], Probabilities] | None = None  # None: scikit-learn's `predict`
    threshold: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None  # from Y and P


def main() -> None:
    """Compare all ways on all sets and print a table."""
    rows = [["data, sentences of train", "way", "macro F1", "micro F1", "log loss", "calibration error"]]
    for name, size in GRID:
        if name.startswith("sample") or (DATA / FOLDERS[name.split(",")[0]]).is_dir():
            rows += compare(name, size)
    table(*rows)


def compare(name: str, size: int) -> list[list[str]]:
    """Return a row per way: scikit-learn's, then the others against it."""
    found = {way: [measure(rule, decide(name, seed, size, rule.C)) for seed in SEEDS] for way, rule in WAYS.items()}
    base = found["scikit-learn, C=1"]
    rows = []
    for way, scores in found.items():
        keys = ["f1_macro", "f1_micro"]
        differences = [show([one[key] - other[key] for one, other in zip(scores, base, strict=True)]) for key in keys]
        cells = means(scores, keys) if scores is base else differences
        plain = means(scores, ["log loss", "calibration error"]) if "log loss" in scores[0] else ["", ""]
        rows.append([f"{name}, {size}" if scores is base else "", way, *cells, *plain])
    print(f"{name}, {size}: done", file=sys.stderr, flush=True)
    return rows


def measure(way: Way, decisions: Decisions) -> dict[str, float]:
    """Return the scores of a way on test."""
    topics = np.arange(decisions.train.shape[1])
    Y, Y_train = decisions.y_test[:, None] == topics, decisions.y_train[:, None] == topics
    if way.calibrate is None or way.threshold is None:
        return score(Y, decisions.predicted[:, None] == topics, topics.astype(str))
    probabilities = way.calibrate(decisions.train, decisions.y_train)
    P = probabilities(decisions.test)
    thresholds = way.threshold(Y_train, probabilities(decisions.train))
    scores = score(Y, (P / thresholds).argmax(axis=1)[:, None] == topics, topics.astype(str))
    errors = [expected_calibration_error(y, p) for y, p in zip(Y.T, P.T, strict=True)]
    return scores | {"log loss": float(-np.log(P[Y]).mean()), "calibration error": float(np.mean(errors))}


# ---- data and decision values


@cache
def load(name: str) -> Exclusive:
    """Return a set of exclusive topics."""
    dataset = read(SETS[name.split(",")[0]])[0]
    Y = dataset.Y
    if name == "sample, 5 topics":
        Y = Y[:, np.argsort(-Y[Y.sum(axis=1) == 1].sum(axis=0))[:5]] & (Y.sum(axis=1) == 1)[:, None]
    elif name == "sample, 4 classes or none":
        columns = [[dataset.topics.index(topic) for topic in topics] for topics in QUADS.values()]
        Y = np.column_stack([*(Y[:, one].any(axis=1) for one in columns), ~Y.any(axis=1)])
    elif name == "IndiaPoliceEvents, 4 acts":  # ARREST, FAIL, FORCE, which all of KILL have, or another action
        Y = np.column_stack([Y[:, 1:4], Y[:, 4] & ~Y[:, :4].any(axis=1)])
    else:
        dataset = one_topic_each(dataset)
        Y = dataset.Y
    one = Y.sum(axis=1) == 1
    sentences = dataset.sentences[one]
    return Exclusive(sentences["text"].to_numpy(), Y[one].argmax(axis=1), sentences["article_id"].to_numpy())


def divide(data: Exclusive, seed: int, size: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows of train and of test, of other articles; drawn anew until train has each topic five times."""
    random = np.random.default_rng(seed)
    while True:
        drawn = random.permutation(np.unique(data.articles))
        is_test = np.isin(data.articles, drawn[: round(0.3 * len(drawn))])
        train = np.sort(random.permutation(np.flatnonzero(~is_test))[:size])
        if np.bincount(data.y[train], minlength=data.y.max() + 1).min() >= 5:
            return train, random.permutation(np.flatnonzero(is_test))[:MOST_TEST]


def decide(name: str, seed: int, size: int, C: float) -> Decisions:
    """Return decision values as `slugline train` makes them, and what scikit-learn predicts on the same features."""
    file = KEPT / f"{name}-{size}-{seed}-{C}.npz".replace(" ", "_")
    if file.exists():
        return Decisions(**np.load(file))
    data = load(name)
    train, test = divide(data, seed, size)
    vectorizers = [clone(one) for one in FEATURES[BASE].values()]
    blocks = [Block(csr_array(one.fit_transform(data.texts[train])), one.norm, one.min_df) for one in vectorizers]
    X = hstack([block.X for block in blocks], format="csr")
    X_test = hstack([one.transform(data.texts[test]) for one in vectorizers])
    y = data.y[train]
    Y = y[:, None] == np.arange(y.max() + 1)
    fold_of_row = stratify(Y, data.articles[train], [1 / FOLDS] * FOLDS, 0)
    features = FoldFeatures(blocks)
    out_of_fold = np.empty(Y.shape)
    for fold in range(FOLDS):
        held_out = fold_of_row == fold
        learned, rest = features.divide(held_out)
        out_of_fold[held_out] = fit(C, learned, Y[~held_out], rest)
    predicted = svm.LinearSVC(C=C).fit(X, y).predict(X_test)
    made = Decisions(out_of_fold, fit(C, X, Y, X_test), y, data.y[test], predicted)
    KEPT.mkdir(parents=True, exist_ok=True)
    np.savez(file, **made._asdict())
    return made


def fit(C: float, X: csr_array, Y: np.ndarray, X_test: csr_array) -> np.ndarray:
    """Return decision values of an SVM per topic, (sentences, topics); a sure no where there is no example."""
    machine = svm.LinearSVC(C=C, tol=0.01, random_state=0)
    columns = [
        clone(machine).fit(X, y).decision_function(X_test) if y.any() else -np.ones(X_test.shape[0]) for y in Y.T
    ]
    return np.column_stack(columns)


# ---- ways to probabilities


def platt(decisions: np.ndarray, y: np.ndarray) -> Probabilities:
    """Fit a sigmoid per topic; rows are made to sum to 1."""
    slope, offset = calibrate(decisions, y[:, None] == np.arange(decisions.shape[1]))
    return lambda other: to_probabilities(slope * other + offset, "multiclass")


def softmax_one_slope(decisions: np.ndarray, y: np.ndarray) -> Probabilities:
    """Fit a softmax of the decision values: a slope for all topics, an offset for each."""
    return _fit_softmax(decisions, y, slopes=1)


def softmax_slopes(decisions: np.ndarray, y: np.ndarray) -> Probabilities:
    """Fit a softmax of the decision values: a slope and an offset for each topic ("vector scaling")."""
    return _fit_softmax(decisions, y, slopes=decisions.shape[1])


def _fit_softmax(decisions: np.ndarray, y: np.ndarray, slopes: int) -> Probabilities:
    """Minimize the log loss of softmax(slope * decisions + offset), its slopes being one or one for each topic."""
    Y = y[:, None] == np.arange(decisions.shape[1])

    def loss(values: np.ndarray) -> tuple[float, np.ndarray]:
        scores = values[:slopes] * decisions + values[slopes:]
        gap = softmax(scores, axis=1) - Y
        by_slope = (gap * decisions).sum(axis=0)
        gradient = np.append(by_slope if slopes > 1 else by_slope.sum(), gap.sum(axis=0))
        return -log_softmax(scores, axis=1)[Y].mean(), gradient / len(y)

    start = np.append(np.full(slopes, 2.0), np.zeros(Y.shape[1]))
    values = minimize(loss, start, jac=True, method="L-BFGS-B").x
    return lambda other: softmax(values[:slopes] * other + values[slopes:], axis=1)


# ---- ways to a topic


def likeliest(Y: np.ndarray, P: np.ndarray) -> np.ndarray:
    """Choose the likeliest topic."""
    return FixedThreshold()(Y, P, "multiclass")


def root_of_share(Y: np.ndarray, P: np.ndarray) -> np.ndarray:
    """Choose the topic that is most above the square root of its share, whatever the scores."""
    return np.sqrt(P.mean(axis=0))


def power_of_share(tolerance: float) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Choose by a power of shares with a good macro F1 out of fold."""
    return lambda Y, P: TunedThreshold(tolerance=tolerance)(Y, P, "multiclass")


def ascent(Y: np.ndarray, P: np.ndarray) -> np.ndarray:
    """Choose by a threshold for each topic, found topic after topic, three times: the mean of all nearly as good."""
    topics, steps = np.arange(Y.shape[1]), np.linspace(-2, 2, 41)
    offsets, log_P, y = np.zeros(len(topics)), np.log(P), Y.argmax(axis=1)
    positives = Y.sum(axis=0)

    def macro_f1(given: np.ndarray) -> float:
        hits = np.bincount(y[y == given], minlength=len(topics))
        return float(np.mean(2 * hits / (positives + np.bincount(given, minlength=len(topics)))))

    for topic in [*topics] * 3:
        is_it = topics == topic
        F1 = np.array([macro_f1((log_P - np.where(is_it, step, offsets)).argmax(axis=1)) for step in steps])
        weights = np.maximum(F1 - (F1.max() - 0.25 / len(y) ** 0.5), 0)
        offsets[topic] = np.average(steps, weights=weights)
    return np.exp(offsets)


WAYS = {
    "scikit-learn, C=1": Way(1.0),
    "scikit-learn, C=0.3": Way(0.3),
    "likeliest, sigmoids, C=0.3 (the default until now)": Way(0.3, platt, likeliest),
    "likeliest, sigmoids, C=1": Way(1.0, platt, likeliest),
    "likeliest, softmax of one slope": Way(0.3, softmax_one_slope, likeliest),
    "likeliest, softmax of a slope each": Way(0.3, softmax_slopes, likeliest),
    "a threshold each, sigmoids": Way(0.3, platt, ascent),
    "a threshold each, softmax of a slope each": Way(0.3, softmax_slopes, ascent),
    "root of share, sigmoids": Way(0.3, platt, root_of_share),
    "power of share, sigmoids, best": Way(0.3, platt, power_of_share(0.0)),
    "power of share, sigmoids, tolerance 0.5 (the default now)": Way(0.3, platt, power_of_share(0.5)),
    "the same, tolerance 1": Way(0.3, platt, power_of_share(1.0)),
    "the same, tolerance 0.5, C=1": Way(1.0, platt, power_of_share(0.5)),
    "power of share, softmax of one slope, tolerance 0.5": Way(0.3, softmax_one_slope, power_of_share(0.5)),
    "power of share, softmax of a slope each, tolerance 0.5": Way(0.3, softmax_slopes, power_of_share(0.5)),
}

if __name__ == "__main__":
    main()
