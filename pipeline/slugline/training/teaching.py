"""Teaching: a model learns from the labels and labels sentences that have none; another learns from both.

The pupil has its own features, format, size and speed. Buciluă, Caruana and Niculescu-Mizil 2006, "Model compression";
Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np
import pandas as pd

from slugline.cache import Key, Stages, digest, versions
from slugline.components import to_config, to_plain
from slugline.data.corpus import ArticleCorpus
from slugline.data.digests import digest_sentences
from slugline.dataset import Dataset
from slugline.duplicates import article_groups, group_texts
from slugline.encoder import library
from slugline.errors import InputError, listing
from slugline.scoring import Scores, score
from slugline.splits import HELD_OUT
from slugline.training.chosen_features import is_fixed
from slugline.training.heads import divide_folds
from slugline.training.settings import COMPONENT, TrainSettings

_LEAST_ARTICLES = 3  # one held out for the pupil, two to cross-validate the teacher


@dataclass(frozen=True)
class Teacher:
    """A second model, from which that of a training learns (`teacher=NAME`).

    Parameters
    ----------
    features : mapping of str to vectorizer, optional
        Its features, as those of a training; None: the same.
    model : estimator, optional
        Its classifier, likewise.
    path : str, Path or list of these, optional
        Articles whose sentences it labels beside those of the data that nobody labelled.
    max_sentences : int
        The most sentences that it labels, drawn at random.
    weight : float
        How much each of them counts in the training; a labelled sentence counts 1.
    """

    features: Any = field(default=None, metadata=COMPONENT)
    model: Any = field(default=None, metadata=COMPONENT)
    path: Any = None
    max_sentences: int = 20_000
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Check the numbers."""
        if self.max_sentences < 1:
            raise InputError(f"teacher.max_sentences={self.max_sentences}; allowed: 1 or more")
        if not self.weight > 0:
            raise InputError(f"teacher.weight={self.weight:g}; allowed: above 0")

    def settings(self, of_pupil: TrainSettings) -> TrainSettings:
        """Return the settings that it is trained with, those of its pupil but for what it has itself."""
        own = {name: part for name in ("features", "model") if (part := getattr(self, name)) is not None}
        return replace(of_pupil, **own, teacher=None)


class Taught(NamedTuple):
    """What a teacher says of sentences without labels.

    Attributes
    ----------
    texts : list of str
        The sentences.
    probabilities : ndarray of shape (1 + folds, sentences, topics)
        By a teacher that learned from all labels, then by those that did not see a fold of the cross-validation: else a
        sentence's own label would come back to the pupil that is not to know it, and its thresholds would flatter.
    metrics : dict of str to float
        The teacher's own scores, and what was left out, by their metric keys.
    """

    texts: list[str]
    probabilities: np.ndarray
    metrics: Scores


_Fit = Callable[[Dataset, TrainSettings, Stages], Any]


def teach(dataset: Dataset, settings: TrainSettings, stages: Stages, fit: _Fit) -> Taught:
    """Fit a teacher on the labels, and let it label sentences that have none.

    Parameters
    ----------
    dataset : Dataset
        One that passes `check_dataset`.
    settings : TrainSettings
        Those of the pupil, with a `teacher`.
    stages : Stages
        Keep what the teacher says for the next run.
    fit : callable
        `fit_model`: a teacher is fitted as any model is.

    Raises
    ------
    InputError
        Where no sentence is without a label, or too few articles have labels.
    """
    teacher, train, groups = settings.teacher, dataset.rows("train"), article_groups(dataset.sentences)
    if len(np.unique(groups[train])) < _LEAST_ARTICLES:
        raise InputError(f"teacher: needs labelled sentences of at least {_LEAST_ARTICLES} articles in train")
    texts, counts = _choose_sentences(dataset, teacher, settings.seed)
    fold_of_row = np.full(len(train), -1)
    fold_of_row[train] = divide_folds(dataset.Y[train], groups[train], settings.folds, settings.seed)
    own, inner = teacher.settings(settings), Stages(settings.cache)

    known = _add_further(dataset, texts)
    fold_of_row = np.pad(fold_of_row, (0, len(texts)), constant_values=-1)

    def learn() -> dict[str, Any]:
        whole = fit(known, own, inner)
        opinions = [whole.probabilities[len(train) :]]
        for fold in range(fold_of_row.max() + 1):
            part = known.with_split(np.where(fold_of_row == fold, "left out", known.sentences["split"]))
            opinions.append(_ask(part, lambda some: fit(some, own, inner).probabilities[len(train) :], len(texts)))
        return {"opinions": np.concatenate(opinions), "scores": _score(known, whole)}

    values = stages.run("teacher", _key(dataset, own, texts), learn)
    probabilities = np.asarray(values["opinions"]).reshape(-1, len(texts), len(dataset.topics))
    metrics = {f"teacher/{key}": float(value) for key, value in {**counts, **values["scores"]}.items()}
    return Taught(texts, probabilities, metrics)


def describe_taught(settings: TrainSettings, metrics: Mapping[str, float]) -> str:
    """Return by what, and on how many sentences, a model was taught."""
    teacher = settings.teacher.settings(settings)
    of_articles, copies = (int(metrics[f"teacher/{key}"]) for key in ("held_out", "copies"))
    left_out = [f"{of_articles} of articles of dev and test"] if of_articles else []
    left_out += [f"{copies} copies of sentences of dev and test"] if copies else []
    scores = ", ".join(
        f"macro F1 on {part} {metrics[key]:.3f}" for part in HELD_OUT if (key := f"teacher/{part}/f1_macro") in metrics
    )
    return (
        f"taught by {type(teacher.model).__name__} on {listing(list(teacher.features))}, which labelled "
        f"{int(metrics['teacher/sentences'])} sentences without labels ({scores}); "
        f"left out: {', '.join(left_out) or 'none'}"
    )


class _FurtherArticles(ArticleCorpus):
    """Articles that bring no labels."""

    key: ClassVar[str] = "teacher.path"


def _choose_sentences(dataset: Dataset, teacher: Teacher, seed: int) -> tuple[list[str], dict[str, int]]:
    """Return the sentences that a teacher labels, each once, and counts of these and of what was left out.

    None is of an article of dev or test, or a copy of a sentence there: by these the pupil is judged.
    """
    sentences, unlabelled = dataset.sentences, dataset.unlabelled
    is_held_out = sentences["split"].isin(HELD_OUT).to_numpy()
    of_held_out = unlabelled["article_id"].isin(sentences["article_id"][is_held_out])
    texts = unlabelled["text"][~of_held_out].tolist()
    if teacher.path is not None:
        further = _FurtherArticles(teacher.path)().sentences()
        texts += further["text"][~further["debris"]].tolist()

    groups = group_texts([*sentences["text"], *texts])
    known, others = groups[: len(sentences)], groups[len(sentences) :]
    is_copy = np.isin(others, known[is_held_out])
    firsts = np.unique(others, return_index=True)[1]
    rows = firsts[~np.isin(others[firsts], known)]
    counts = {"held_out": int(of_held_out.sum()), "copies": int(is_copy.sum())}
    if not len(rows):
        raise InputError(
            f"teacher: no sentence is left for it to label: {len(dataset.unlabelled)} of the data have no label, "
            f"{counts['held_out']} of them in articles of dev and test; give articles without labels as teacher.path"
        )
    if len(rows) > teacher.max_sentences:
        rows = np.random.default_rng(seed).permutation(rows)[: teacher.max_sentences]
    return [texts[row] for row in sorted(rows)], {"sentences": min(len(rows), teacher.max_sentences), **counts}


def _add_further(dataset: Dataset, texts: list[str]) -> Dataset:
    """Return the dataset with further sentences in none of its parts, so that fits encode them but once."""
    sentences = dataset.sentences
    further = pd.DataFrame({"text": texts, "article_id": "", "label_source": "", "labels": [()] * len(texts)})
    further = further.assign(split="further", article_group=sentences.get("article_group", pd.Series([0])).max() + 1)
    shape = (len(texts), len(dataset.topics))
    return dataset._replace(
        sentences=pd.concat([sentences, further[[name for name in further if name in sentences]]], ignore_index=True),
        Y=np.concatenate([dataset.Y, np.zeros(shape, np.bool_)]),
        weights=None if dataset.weights is None else np.concatenate([dataset.weights, np.ones(shape)]),
    )


def _ask(dataset: Dataset, fit: Callable[[Dataset], np.ndarray], n_texts: int) -> np.ndarray:
    """Return what a fit of those topics that train has and lacks says of further sentences, shape (texts, topics)."""
    Y = dataset.Y[dataset.rows("train")]
    seen = Y.any(axis=0) & ~Y.all(axis=0)
    some = dataset.with_topics(seen)
    probabilities = np.tile(Y.all(axis=0).astype(np.float64), (n_texts, 1))
    probabilities[:, seen] = fit(some)
    return probabilities


def _score(dataset: Dataset, fitted: Any) -> Scores:
    """Return the teacher's own scores on the part that the pupil is judged by."""
    part = dataset.evaluated_part
    rows = dataset.rows(part)
    P = fitted.probabilities[rows]
    scores = score(dataset.Y[rows], fitted.model.decide(P), dataset.topics, probabilities=P)
    return {f"{part}/{name}": float(scores[name]) for name in ("f1_macro", "ap_macro")}


def _key(dataset: Dataset, settings: TrainSettings, texts: list[str]) -> Key:
    """Return all that decides what a teacher says."""
    sentences = dataset.sentences
    options = {name: repr(to_plain(getattr(settings, name))) for name in ("features", "model", "folds", "seed")}
    options["threshold"] = repr(to_config(settings.threshold))
    encoders = [part.digest() for part in settings.features.values() if hasattr(part, "digest")]
    rules = settings.labels.all_rules() if any(map(is_fixed, settings.features.values())) else {}
    arrays = {"groups": article_groups(sentences), "weights": dataset.weights}
    return {
        **options,
        "labels": f"{digest_sentences(sentences)} {dataset.mode} {listing(dataset.topics, len(dataset.topics))}",
        "encoders": f"{encoders} {library()}",
        "rules": digest(repr(to_plain(rules))),
        "split": digest("\0".join(sentences["split"])),
        **{name: digest("" if array is None else repr(array.tolist())) for name, array in arrays.items()},
        "sentences without labels": digest("\0".join(texts)),
        **versions(*settings.features.values(), settings.model),
    }
