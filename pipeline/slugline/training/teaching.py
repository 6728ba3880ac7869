"""Teaching: a model learns from the labels and labels sentences that have none; another learns from both.

The pupil has its own features, format, size and speed. Buciluă, Caruana and Niculescu-Mizil 2006, "Model compression";
Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network".
"""

from collections.abc import Mapping
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
from slugline.finetune import FineTunedEncoder
from slugline.model.rule_votes import RuleVotes
from slugline.scoring import Scores, score
from slugline.splits import HELD_OUT
from slugline.training.heads import divide_folds
from slugline.training.opinions import FURTHER, Fit, Opinions, ask_encoders, ask_models
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

    def encoder(self, of_pupil: TrainSettings) -> FineTunedEncoder | None:
        """Return the encoder that is fine-tuned to teach, with the seed of the folds; None for any other teacher.

        Raises
        ------
        InputError
            Where it has other features beside it.
        """
        features = self.settings(of_pupil).features
        encoder = next((one for one in features.values() if isinstance(one, FineTunedEncoder)), None)
        if encoder is not None and len(features) > 1:
            found = listing(list(features))
            raise InputError(
                f"teacher.features: found {found}, but a fine-tuned encoder teaches alone; "
                "allowed: teacher=encoder_finetuned"
            )
        return None if encoder is None else replace(encoder, seed=of_pupil.seed)


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

    @property
    def folds(self) -> int:
        """The number of folds that the pupil's cross-validation must have."""
        return len(self.probabilities) - 1


def teach(dataset: Dataset, settings: TrainSettings, stages: Stages, fit: Fit) -> Taught:
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
    own, known, encoder = teacher.settings(settings), _add_further(dataset, texts), teacher.encoder(settings)
    key = _key(dataset, own, texts)

    def learn() -> dict[str, Any]:
        if encoder is None:
            fold_of_row = divide_folds(dataset.Y[train], groups[train], settings.folds, settings.seed)
            opinions = ask_models(known, own, fold_of_row, fit)
        else:
            opinions = ask_encoders(known, own, encoder, stages.working_folder(key))
        return {"opinions": opinions.by_fold.ravel(), "scores": _score(known, opinions)}

    values = stages.run("teacher", key, learn)
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
    is_encoder = settings.teacher.encoder(settings) is not None
    who = (
        "a fine-tuned encoder" if is_encoder else f"{type(teacher.model).__name__} on {listing(list(teacher.features))}"
    )
    return (
        f"taught by {who}, which labelled "
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
    further = further.assign(split=FURTHER, article_group=sentences.get("article_group", pd.Series([0])).max() + 1)
    shape = (len(texts), len(dataset.topics))
    return dataset._replace(
        sentences=pd.concat([sentences, further[[name for name in further if name in sentences]]], ignore_index=True),
        Y=np.concatenate([dataset.Y, np.zeros(shape, np.bool_)]),
        weights=None if dataset.weights is None else np.concatenate([dataset.weights, np.ones(shape)]),
    )


def _score(dataset: Dataset, opinions: Opinions) -> Scores:
    """Return the teacher's own scores on the part that the pupil is judged by."""
    part = dataset.evaluated_part
    rows = dataset.rows(part)
    P = opinions.probabilities[rows]
    scores = score(dataset.Y[rows], opinions.decided[rows], dataset.topics, probabilities=P)
    return {f"{part}/{name}": float(scores[name]) for name in ("f1_macro", "ap_macro")}


def _key(dataset: Dataset, settings: TrainSettings, texts: list[str]) -> Key:
    """Return all that decides what a teacher says."""
    sentences = dataset.sentences
    options = {name: repr(to_plain(getattr(settings, name))) for name in ("features", "model", "folds", "seed")}
    options["threshold"] = repr(to_config(settings.threshold))
    encoders = [part.digest() for part in settings.features.values() if hasattr(part, "digest")]
    votes = any(isinstance(part, RuleVotes) for part in settings.features.values())
    rules = settings.labels.all_rules() if votes else {}
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
