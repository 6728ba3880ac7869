"""Which sentences to label next: those that teach a model most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing
from slugline.labels import Labels
from slugline.model import TopicModel
from slugline.model.vectorizers import normalize, transform_all
from slugline.review.candidates import Candidates, ReviewTasks, define_topics, describe_candidates, format_probability
from slugline.review.selection import (
    Batch,
    Priorities,
    disagreement,
    rarity,
    rivals,
    select_batch,
    take_turns,
    uncertainty,
)
from slugline.review.stability import compare_with_previous

_PARTS = ("uncertain", "rules disagree")
_POOL_FACTOR = 20  # candidates whose features are compared, for each sentence to choose


@dataclass(frozen=True)
class QueueOptions:
    """How a queue is composed.

    Parameters
    ----------
    size : int
        How many sentences to choose, from 1.
    uncertainty, disagreement : float
        How many sentences of a batch are asked for because the model is unsure of a topic, and because rules contradict
        the model: weights from 0, one of them above 0.
    rarity : float
        How many more sentences a rare topic may ask for: with 1, a topic that hardly any sentence has may ask for up to
        twice as many as one that all have.
    diversity : float
        How far apart sentences are at least, from 0 to 1 (1 - cosine); 0 takes them as they come.

    Raises
    ------
    InputError
        For a value that is out of range.
    """

    size: int = 100
    uncertainty: float = 1.0
    disagreement: float = 0.25
    rarity: float = 0.0
    diversity: float = 0.2

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.size < 1:
            raise InputError(f"size: {self.size}; allowed: a number of sentences, from 1")
        for name in ("uncertainty", "disagreement", "rarity"):
            if not 0 <= (weight := getattr(self, name)) < float("inf"):
                raise InputError(f"{name}: {weight}; allowed: a weight, from 0")
        if not self.uncertainty + self.disagreement:
            raise InputError("uncertainty and disagreement are both 0; give one of them a weight")
        if not 0 <= self.diversity <= 1:
            raise InputError(f"diversity: {self.diversity}; allowed: 0 to 1")


def find_queue(
    candidates: Candidates,
    model: TopicModel,
    labels: Labels,
    options: QueueOptions,
    previous_models: Sequence[tuple[str, TopicModel]] = (),
) -> ReviewTasks:
    """Choose the sentences that people have not labelled and that teach the model most.

    Parameters
    ----------
    candidates : Candidates
        The sentences to choose from.
    model : TopicModel
        The model to improve.
    labels : Labels
        The taxonomy, whose rules vote.
    options : QueueOptions
        How the queue is composed.
    previous_models : sequence of (str, TopicModel)
        Earlier models with their names, from old to new; the summary then says when labelling can stop.

    Returns
    -------
    ReviewTasks
        The queue, the first to be labelled first.

    Raises
    ------
    InputError
        When there is nothing to label, or an earlier model has other topics.
    """
    open_sentences, read = select_open(candidates)
    texts = open_sentences["text"].tolist()
    probabilities = model.predict_proba(texts)
    limits = rivals(probabilities) if model.mode == "multiclass" else np.tile(model.thresholds, (len(texts), 1))
    votes = cast_votes(texts, model.topics, labels)

    priorities = prioritise(options, probabilities, limits, votes)
    labelled_texts = candidates.sentences["text"][candidates.by_people].tolist()
    batch = choose(options, model, texts, priorities, labelled_texts)
    summary = [read, *_describe_batch(batch, priorities, model.topics)]
    if previous_models:
        summary += compare_with_previous(previous_models, model, texts, probabilities)

    rows = batch.rows
    disputed = disagreement(probabilities[rows], limits[rows], votes[rows]) > 0
    reasons = [
        describe_sentence(
            model,
            _PARTS[priorities.part[row]],
            int(priorities.topic[row]),
            probabilities=probabilities[row],
            limits=limits[row],
            disputed=disputed_topics,
        )
        for row, disputed_topics in zip(rows, disputed, strict=True)
    ]
    return ReviewTasks(
        sentences=open_sentences.iloc[rows].drop(columns="labels"),
        topics=model.topics,
        definitions=define_topics(model.topics, labels.topics, model.info.get("definitions", {})),
        probabilities=probabilities[rows],
        reasons=reasons,
        mode=model.mode,
        summary=summary,
    )


def select_open(candidates: Candidates) -> tuple[pd.DataFrame, str]:
    """Return the sentences that may be asked for, each text once, and a line with how many these are.

    Sentences that people labelled, debris, and copies of an earlier sentence are left out. Raises `InputError` when
    none is left.
    """
    frame, by_people = candidates.sentences, candidates.by_people
    debris = frame["debris"].to_numpy() & ~by_people
    unlabelled = frame[~by_people & ~debris]
    copies = unlabelled["text"].map(normal_form).duplicated().to_numpy()

    counts = {"labelled": int(by_people.sum()), "debris": int(debris.sum()), "copies": int(copies.sum())}
    description = describe_candidates(candidates, int((~copies).sum()), "are candidates", counts)
    if copies.all():
        raise InputError(f"nothing to label: {description.removeprefix('data').strip()}")
    return unlabelled[~copies].reset_index(drop=True), description


def cast_votes(texts: Sequence[str], topics: Sequence[str], labels: Labels) -> np.ndarray:
    """Return what most rules of a taxonomy vote on each topic.

    Parameters
    ----------
    texts : sequence of str
        The sentences.
    topics : sequence of str
        The topics of the model.
    labels : Labels
        The taxonomy with its rules.

    Returns
    -------
    array of int8, shape (texts, topics)
        1 for the topic, -1 against it, 0 where no rule votes or as many do for as against.
    """
    topic_of_rule = np.array([rule.topic for rule in labels.all_rules().values()], dtype=object)
    votes = labels.vote(texts)
    balances = [votes[:, topic_of_rule == topic].sum(axis=1, dtype=np.int64) for topic in topics]
    majorities: np.ndarray = np.sign(np.column_stack(balances)).astype(np.int8)
    return majorities


def prioritise(options: QueueOptions, probabilities: np.ndarray, limits: np.ndarray, votes: np.ndarray) -> Priorities:
    """Rank sentences by how much they would teach a model.

    Parameters
    ----------
    options : QueueOptions
        The weights.
    probabilities : array of shape (sentences, topics)
        By the model.
    limits : array of shape (sentences, topics)
        The thresholds of the topics, or in multiclass their `rivals`.
    votes : array of int8, shape (sentences, topics)
        What rules vote: 1, -1 or 0.

    Returns
    -------
    Priorities
        How soon each sentence's turn is, and what asks for it.
    """
    scores = [uncertainty(probabilities, limits), disagreement(probabilities, limits, votes)]
    weights = [options.uncertainty, options.disagreement]
    return take_turns(scores, weights, 1 + options.rarity * rarity(probabilities))


def choose(
    options: QueueOptions,
    model: TopicModel,
    texts: Sequence[str],
    priorities: Priorities,
    labelled_texts: Sequence[str],
) -> Batch:
    """Choose a batch in which no sentence is nearly the same as another or as a labelled one.

    Parameters
    ----------
    options : QueueOptions
        The size and the least distance.
    model : TopicModel
        Its features are compared, of the best candidates alone, so that there may be many.
    texts : sequence of str
        The candidates.
    priorities : Priorities
        How soon each candidate's turn is.
    labelled_texts : sequence of str
        The sentences that are labelled already.

    Returns
    -------
    Batch
        The rows of the candidates chosen.
    """
    order = np.argsort(-priorities.score, kind="stable")
    if options.diversity == 0:
        return Batch(order[: options.size], 0)

    pool = order[: _POOL_FACTOR * options.size]
    X = _features(model, [texts[row] for row in pool])
    X_labelled = _features(model, labelled_texts)
    batch = select_batch(priorities.score[pool], X, options.size, 1 - options.diversity, X_labelled)
    return batch._replace(rows=pool[batch.rows])


def _features(model: TopicModel, texts: Sequence[str]) -> Any:
    """Return the features of texts as a model sees them, each row of length 1."""
    return normalize(transform_all(model.vectorizers, list(texts)), "l2")


def describe_sentence(
    model: TopicModel,
    part: str,
    topic: int,
    *,
    probabilities: np.ndarray,
    limits: np.ndarray,
    disputed: np.ndarray,
) -> str:
    """Say in one phrase why a sentence is asked for: `sanctions 0.48, threshold 0.45; rules disagree on threat`.

    Parameters
    ----------
    model : TopicModel
        Its topics and mode.
    part : {"uncertain", "rules disagree"}
        What asks for the sentence.
    topic : int
        The column of the topic that it is asked for.
    probabilities, limits : array of shape (topics,)
        Of the sentence.
    disputed : array of bool, shape (topics,)
        The topics of which rules contradict the model.

    Returns
    -------
    str
        The phrase.
    """
    limit = "next" if model.mode == "multiclass" else "threshold"
    probability, bound = format_probability(probabilities[topic]), format_probability(limits[topic])
    scores = f"{model.topics[topic]} {probability}, {limit} {bound}"
    if part != _PARTS[0]:
        return f"rules disagree on {scores}"

    disputed_topics = [model.topics[column] for column in np.flatnonzero(disputed)]
    return scores + (f"; rules disagree on {listing(disputed_topics, 3)}" if disputed_topics else "")


def _describe_batch(batch: Batch, priorities: Priorities, topics: Sequence[str]) -> list[str]:
    """Return how many sentences were chosen, by which part and for which topic."""
    part, topic = priorities.part[batch.rows], priorities.topic[batch.rows]
    by_part = {name: np.bincount(topic[part == index], minlength=len(topics)) for index, name in enumerate(_PARTS)}
    counts = pd.DataFrame(by_part, index=list(topics))

    reasons = ", ".join(f"{counts[name].sum()} {name}" for name in _PARTS)
    put_off = f"; put off as too similar: {batch.put_off}" if batch.put_off else ""
    return [f"chosen  {len(batch.rows)} sentences: {reasons}{put_off}", counts.to_string()]
