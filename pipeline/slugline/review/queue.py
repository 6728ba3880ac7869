"""Which sentences to label next: those that teach a model most."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from slugline.data.context import add_context, drop_context, read_context
from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing
from slugline.labels import Labels
from slugline.model import TopicModel
from slugline.model.vectorizers import normalize, transform_all
from slugline.review.candidates import Candidates, ReviewTasks, define_topics, describe_candidates, format_probability
from slugline.review.selection import (
    Priorities,
    Selection,
    disagreement,
    rarity,
    rivals,
    select_batch,
    take_turns,
    uncertainty,
)
from slugline.review.stability import compare_with_previous

_STRATEGIES = ("uncertain", "rules disagree")
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

    The rules of `labels` vote. With earlier models, each with its name and from old to new, the summary says when
    labelling can stop. Raises `InputError` when there is nothing to label, or an earlier model has other topics.
    """
    reads_context = any(one.reads_context for one in (model, *(previous for _, previous in previous_models)))
    if reads_context:
        candidates = replace(candidates, sentences=add_context(candidates.sentences))
    open_sentences, read = select_open(candidates)
    texts, context = open_sentences["text"].tolist(), read_context(open_sentences) if reads_context else None
    probabilities = model.predict_proba(texts, context)
    is_one = model.mode == "multiclass"
    limits = rivals(probabilities, model.thresholds) if is_one else np.tile(model.thresholds, (len(texts), 1))
    votes = cast_votes(texts, model.topics, labels)

    priorities = prioritise(options, probabilities, limits, votes)
    labelled_texts = candidates.sentences["text"][candidates.by_people].tolist()
    batch = choose(options, model, texts, priorities, labelled_texts)
    summary = [read, *_describe_batch(batch, priorities, model.topics)]
    if previous_models:
        summary += compare_with_previous(previous_models, model, texts, probabilities, context)

    rows = batch.rows
    disputed = disagreement(probabilities[rows], limits[rows], votes[rows]) > 0
    asked_by = [_STRATEGIES[index] for index in priorities.strategy[rows]]
    columns = zip(asked_by, priorities.topic[rows], probabilities[rows], limits[rows], disputed, strict=True)
    reasons = [
        describe_sentence(model, strategy, topic, probabilities=by_model, limits=bounds, disputed=by_rules)
        for strategy, topic, by_model, bounds, by_rules in columns
    ]
    return ReviewTasks(
        sentences=drop_context(open_sentences.iloc[rows].drop(columns="labels")),
        definitions=define_topics(model.topics, labels.topics, model.info),
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
    """Return what most rules of a taxonomy vote on each topic, int8 of shape (texts, topics).

    1 for the topic, -1 against it, 0 where no rule votes or as many do for as against.
    """
    topic_of_rule = np.array([rule.topic for rule in labels.all_rules().values()], dtype=object)
    votes = labels.vote(texts)
    balances = [votes[:, topic_of_rule == topic].sum(axis=1, dtype=np.int64) for topic in topics]
    return np.asarray(np.sign(np.column_stack(balances)), dtype=np.int8)


def prioritise(options: QueueOptions, probabilities: np.ndarray, limits: np.ndarray, votes: np.ndarray) -> Priorities:
    """Rank sentences by how much they would teach a model; all arrays have shape (sentences, topics).

    `limits` are the thresholds of the topics, or in multiclass their `rivals`; `votes` are those of rules: 1, -1 or 0.
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
) -> Selection:
    """Choose a batch in which no sentence is nearly the same as another or as a labelled one.

    Only the features of the best candidates are compared, so that there may be many candidates.
    """
    order = np.argsort(-priorities.score, kind="stable")
    if options.diversity == 0:
        return Selection(order[: options.size], 0)

    pool = order[: _POOL_FACTOR * options.size]
    X = normalize(transform_all(model.vectorizers, [texts[row] for row in pool]), "l2")
    X_labelled = normalize(transform_all(model.vectorizers, labelled_texts), "l2")
    batch = select_batch(priorities.score[pool], X, options.size, 1 - options.diversity, X_labelled)
    return batch._replace(rows=pool[batch.rows])


def describe_sentence(
    model: TopicModel, strategy: str, topic: int, *, probabilities: np.ndarray, limits: np.ndarray, disputed: np.ndarray
) -> str:
    """Return in one phrase why a sentence is asked for: `sanctions 0.48, threshold 0.45; rules disagree on threat`.

    `strategy`, one of `_STRATEGIES`, and `topic`, a column, are what asks for the sentence; `disputed`, booleans of
    shape (topics,), marks the topics where rules contradict the model.
    """
    limit = "to beat" if model.mode == "multiclass" else "threshold"
    probability, bound = format_probability(probabilities[topic]), format_probability(limits[topic])
    scores = f"{model.topics[topic]} {probability}, {limit} {bound}"
    if strategy != _STRATEGIES[0]:
        return f"rules disagree on {scores}"

    disputed_topics = [model.topics[column] for column in np.flatnonzero(disputed)]
    return scores + (f"; rules disagree on {listing(disputed_topics, 3)}" if disputed_topics else "")


def _describe_batch(batch: Selection, priorities: Priorities, topics: Sequence[str]) -> list[str]:
    """Return how many sentences were chosen, by which strategy and for which topic."""
    strategy, topic = priorities.strategy[batch.rows], priorities.topic[batch.rows]
    topics_asked = {name: topic[strategy == index] for index, name in enumerate(_STRATEGIES)}
    by_strategy = {name: np.bincount(columns, minlength=len(topics)) for name, columns in topics_asked.items()}
    counts = pd.DataFrame(by_strategy, index=list(topics))

    reasons = ", ".join(f"{counts[name].sum()} {name}" for name in _STRATEGIES)
    put_off = f"; put off as too similar: {batch.put_off}" if batch.put_off else ""
    return [f"chosen  {len(batch.rows)} sentences: {reasons}{put_off}", counts.to_string()]
