"""Which sentences to label next."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from omegaconf import DictConfig, OmegaConf

from slugline.data.sentences import normal_form
from slugline.errors import InputError, listing
from slugline.labels import Labels
from slugline.model import TopicModel
from slugline.model import load_model as read_model
from slugline.model.vectorizers import normalize, transform_all
from slugline.review.candidates import Found, Pile, describe_pile, number
from slugline.review.selection import (
    TIMES,
    Batch,
    Priorities,
    Stability,
    disagreement,
    is_stable,
    rarity,
    rivals,
    select_batch,
    stopping,
    take_turns,
    uncertainty,
)
from slugline.tracking import model_folder

PARTS = ("uncertain", "rules disagree")
POOL = 20  # candidates that are compared for likeness, for each one that is wanted


def find_queue(config: DictConfig, pile: Pile, labels: Labels) -> Found:
    """Choose the sentences that people have not labelled and that teach the model most."""
    model = load_model(config, config.model_uri)
    candidates, summary = find_candidates(pile)
    texts = candidates["text"].tolist()
    probabilities = model.predict_proba(texts)
    limits = rivals(probabilities) if model.mode == "multiclass" else np.tile(model.thresholds, (len(texts), 1))
    votes = cast_votes(texts, model.topics, labels)
    priorities = prioritise(config, probabilities, limits, votes)
    batch = choose(config, model, texts, priorities, pile.sentences["text"][pile.by_people].tolist())
    rows = batch.rows
    summary += describe_batch(batch, priorities, model.topics)
    if config.previous_model_uri is not None:
        summary += compare_models(config, model, texts, probabilities)
    disputed = disagreement(probabilities[rows], limits[rows], votes[rows]) > 0
    reasons = [
        describe_sentence(model, PARTS[priorities.part[row]], int(priorities.topic[row]), *per_topic)
        for row, *per_topic in zip(rows, probabilities[rows], limits[rows], disputed, strict=True)
    ]
    definitions = model.info.get("definitions", {})
    shown = candidates.iloc[rows].drop(columns="labels")
    return Found(shown, model.topics, definitions, probabilities[rows], reasons, model.mode, summary)


def load_model(config: DictConfig, uri: str) -> TopicModel:
    """Return the model of a folder or MLflow URI."""
    return read_model(model_folder(uri, config.tracking_uri))


def find_candidates(pile: Pile) -> tuple[pd.DataFrame, list[str]]:
    """Return the sentences that are not labelled by people, no debris, and say what they do for the first time."""
    frame = pile.sentences
    debris = frame["debris"].to_numpy() & ~pile.by_people
    found = frame[~pile.by_people & ~debris]
    again = found["text"].map(normal_form).duplicated().to_numpy()
    counts = {"labelled": int(pile.by_people.sum()), "debris": int(debris.sum()), "copies": int(again.sum())}
    said = describe_pile(pile, int((~again).sum()), "are candidates", counts)
    if again.all():
        raise InputError(f"nothing to label: {said.removeprefix('data').strip()}")
    return found[~again].reset_index(drop=True), [said]


def cast_votes(texts: Sequence[str], topics: Sequence[str], labels: Labels) -> np.ndarray:
    """Return what most rules of the taxonomy say of the topics of a model: +1, -1, or 0, int8 (texts, topics)."""
    of, votes = [rule.topic for rule in labels.all_rules().values()], labels.vote(texts)
    columns = [votes[:, [name == topic for name in of]].sum(axis=1, dtype=np.int64) for topic in topics]
    found: np.ndarray = np.sign(np.column_stack(columns)).astype(np.int8)
    return found


def prioritise(config: Any, probabilities: np.ndarray, limits: np.ndarray, votes: np.ndarray) -> Priorities:
    """Return how soon each sentence's turn is by the weights of a config.

    All arrays have shape (sentences, topics); `limits` are thresholds, or what each topic must beat.
    """
    parts = [uncertainty(probabilities, limits), disagreement(probabilities, limits, votes)]
    weights = [config.uncertainty, config.disagreement]
    return take_turns(parts, weights, 1 + config.rarity * rarity(probabilities))


def choose(
    config: DictConfig, model: TopicModel, texts: Sequence[str], priorities: Priorities, labelled: Sequence[str]
) -> Batch:
    """Choose the batch, near-duplicates of one another and of what is labelled put off.

    Features are made for the best candidates alone, so that there may be many.
    """
    if config.diversity == 0:
        return Batch(np.argsort(-priorities.score, kind="stable")[: config.size], 0)
    pool = np.argsort(-priorities.score, kind="stable")[: POOL * config.size]
    X, seen = (features(model, found) for found in ([texts[row] for row in pool], labelled))
    batch = select_batch(priorities.score[pool], X, config.size, 1 - config.diversity, seen)
    return batch._replace(rows=pool[batch.rows])


def features(model: TopicModel, texts: Sequence[str]) -> Any:
    """Return the features of texts as a model sees them, each row of length 1."""
    return normalize(transform_all(model.vectorizers, list(texts)), "l2")


def describe_sentence(
    model: TopicModel, part: str, topic: int, probabilities: np.ndarray, limits: np.ndarray, disputed: np.ndarray
) -> str:
    """Return in one phrase why a sentence is asked for: `sanctions 0.48, threshold 0.45; rules disagree on threat`."""
    limit = "next" if model.mode == "multiclass" else "threshold"
    scores = f"{model.topics[topic]} {number(probabilities[topic])}, {limit} {number(limits[topic])}"
    if part != PARTS[0]:
        return f"rules disagree on {scores}"
    others = [model.topics[column] for column in np.flatnonzero(disputed)]
    return scores + (f"; rules disagree on {listing(others, 3)}" if others else "")


def describe_batch(batch: Batch, priorities: Priorities, topics: Sequence[str]) -> list[str]:
    """Return how many were chosen, by which part and for which topic."""
    part, topic = priorities.part[batch.rows], priorities.topic[batch.rows]
    counts = pd.DataFrame(
        {name: np.bincount(topic[part == index], minlength=len(topics)) for index, name in enumerate(PARTS)},
        index=list(topics),
    )
    reasons = ", ".join(f"{counts[name].sum()} {name}" for name in PARTS)
    put_off = f"; put off as too similar: {batch.put_off}" if batch.put_off else ""
    return [f"chosen  {len(batch.rows)} sentences: {reasons}{put_off}", counts.to_string()]


def compare_models(config: DictConfig, model: TopicModel, texts: list[str], probabilities: np.ndarray) -> list[str]:
    """Return how far each model decides like the one before, and whether labelling can stop."""
    given = config.previous_model_uri
    uris = list(given) if OmegaConf.is_list(given) else [str(given)]
    decisions = [decide_as(load_model(config, uri), model, uri, texts) for uri in uris]
    decisions.append(model.decide(probabilities))
    found = [stopping(before, after) for before, after in pairwise(decisions)]
    lines = [describe_stability(stability, since, model.topics) for stability, since in zip(found, uris, strict=True)]
    means = [stability.mean for stability in found]
    hint = (
        "predictions are stable; labelling can stop"
        if is_stable(means)
        else f"go on labelling; to stop, kappa should be 0.99 or more {TIMES} times in a row"
    )
    return [*lines, f"hint    {hint}"]


def decide_as(previous: TopicModel, model: TopicModel, uri: str, texts: list[str]) -> np.ndarray:
    """Return what an earlier model decides, topics in the order of the later; raise `InputError` if it has others."""
    if set(previous.topics) != set(model.topics):
        raise InputError(
            f"previous_model_uri: the topics of {uri} are {listing(previous.topics)}; allowed: {listing(model.topics)}"
        )
    order = [previous.topics.index(topic) for topic in model.topics]
    return previous.decide(previous.predict_proba(texts))[:, order]


def describe_stability(stability: Stability, since: str, topics: Sequence[str]) -> str:
    """Return the agreement of two models in a line."""
    known = {topic: kappa for topic, kappa in zip(topics, stability.kappa, strict=True) if kappa == kappa}
    constant = [topic for topic in topics if topic not in known]
    least = min(known, key=known.__getitem__, default=None)
    said = "" if least is None else f" (least: {least} {known[least]:.3f})"
    never = f"; nothing to compare for {listing(constant)}" if constant else ""
    return f"kappa   {stability.mean:.3f}{said} since {since}, {stability.changed:.2%} of decisions changed{never}"
