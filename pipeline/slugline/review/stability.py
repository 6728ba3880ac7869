"""When to stop labelling: successive models are compared by what they decide on the same sentences."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from slugline.data.context import Context
from slugline.errors import InputError, listing
from slugline.model import TopicModel

_STABLE_KAPPA = 0.99  # from which predictions count as stable, when it holds
_STABLE_TIMES = 3  # so many times in a row: Bloodgood and Vijay-Shanker 2009


class _Stability(NamedTuple):
    """How far two models decide alike.

    `kappa` is Cohen's of each topic, shape (topics,), NaN where both models give the topic to all sentences or to none;
    `mean` that of the topics that have one; `changed` the share of decisions that changed.
    """

    kappa: np.ndarray
    mean: float
    changed: float


def measure_stability(previous_decisions: np.ndarray, decisions: np.ndarray) -> _Stability:
    """Compare what successive models decide on the same unlabelled sentences, booleans of shape (sentences, topics).

    Bloodgood and Vijay-Shanker 2009, "A method for stopping active learning based on stabilizing predictions and the
    need for user-adjustable stopping": labelling more changes little once this kappa (Cohen 1960) stays high; see
    `is_stable`. They took 2,000 sentences drawn at random, and the same ones each time.
    """
    share, previous_share = decisions.mean(axis=0), previous_decisions.mean(axis=0)
    observed = (decisions == previous_decisions).mean(axis=0)
    expected = share * previous_share + (1 - share) * (1 - previous_share)
    kappa = np.where(expected < 1, (observed - expected) / np.where(expected < 1, 1 - expected, 1.0), np.nan)

    known = kappa[~np.isnan(kappa)]
    mean = float(known.mean()) if len(known) else float("nan")
    return _Stability(kappa, mean, float((decisions != previous_decisions).mean()))


def is_stable(mean_kappas: Sequence[float]) -> bool:
    """Tell whether labelling can stop: the last three mean kappas, from old to new, are 0.99 or more.

    Examples
    --------
    >>> is_stable([0.7, 0.99, 0.995, 0.99])
    True
    >>> is_stable([0.99, 0.995])
    False
    """
    recent = mean_kappas[-_STABLE_TIMES:]
    return len(recent) == _STABLE_TIMES and all(kappa >= _STABLE_KAPPA for kappa in recent)


def compare_with_previous(
    previous_models: Sequence[tuple[str, TopicModel]],
    model: TopicModel,
    texts: list[str],
    probabilities: np.ndarray,
    context: Context | None = None,
) -> list[str]:
    """Compare each model's decisions with those of the one before; return lines that say whether labelling can stop.

    `previous_models` go from old to new; `probabilities`, of shape (texts, topics), are the newest model's. Raises
    `InputError` for an earlier model with other topics.
    """
    names = [name for name, _ in previous_models]
    decisions = [_decide_in_order(previous, model.topics, name, texts, context) for name, previous in previous_models]
    decisions.append(model.decide(probabilities))
    stabilities = [measure_stability(before, after) for before, after in pairwise(decisions)]

    lines = [_describe(stability, name, model.topics) for stability, name in zip(stabilities, names, strict=True)]
    hint = f"go on labelling; to stop, kappa should be {_STABLE_KAPPA} or more {_STABLE_TIMES} times in a row"
    if is_stable([stability.mean for stability in stabilities]):
        hint = "predictions are stable; labelling can stop"
    return [*lines, f"hint    {hint}"]


def _decide_in_order(
    model: TopicModel, topics: Sequence[str], name: str, texts: list[str], context: Context | None
) -> np.ndarray:
    """Return what an earlier model decides, its columns in the order of these topics."""
    if set(model.topics) != set(topics):
        found = listing(model.topics)
        raise InputError(f"previous_model_uri: the topics of {name} are {found}; allowed: {listing(topics)}")
    columns = [model.topics.index(topic) for topic in topics]
    return model.decide(model.predict_proba(texts, context))[:, columns]


def _describe(stability: _Stability, since: str, topics: Sequence[str]) -> str:
    """Return the agreement of two models in a line."""
    kappas = dict(zip(topics, stability.kappa, strict=True))
    known = {topic: kappa for topic, kappa in kappas.items() if not np.isnan(kappa)}
    constant = [topic for topic in topics if topic not in known]

    least = min(known, key=known.__getitem__, default=None)
    lowest = "" if least is None else f" (least: {least} {known[least]:.3f})"
    incomparable = f"; nothing to compare for {listing(constant)}" if constant else ""
    changed = f"{stability.changed:.2%} of decisions changed"
    return f"kappa   {stability.mean:.3f}{lowest} since {since}, {changed}{incomparable}"
