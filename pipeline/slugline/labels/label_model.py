"""Label models: the votes of several rules on a topic become one probability.

A rule votes for a topic (+1), against it (-1) or abstains (0). That it abstains says something too: a keyword that is
not there is a small sign against the topic. So an abstention is a third answer here, where libraries for annotators
(crowd-kit) take it for a missing one.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.errors import InputError, listing

LABEL_MODELS = ("dawid_skene", "majority")
ANSWERS = (-1, 0, 1)
IDENTIFIABLE = 3  # rules of a topic from which their accuracies can be told apart without gold labels
ENOUGH = 30  # gold labels from which the accuracies of fewer rules can be told
ROUNDS, SETTLED = 200, 1e-6  # at most so many rounds, or until no probability moves by more


class Counted(NamedTuple):
    """Distinct rows of votes: `votes` (patterns, rules), `gold` 1, 0 or -1 (unknown), `counts`, and each one's rows."""

    votes: np.ndarray
    gold: np.ndarray
    counts: np.ndarray
    place: np.ndarray


def to_probabilities(
    votes: np.ndarray,
    of: Sequence[str],
    topics: Sequence[str],
    how: str = "dawid_skene",
    gold: np.ndarray | None = None,
) -> np.ndarray:
    """Return the probability of each topic, shape (sentences, topics).

    `votes` (sentences, rules) are +1, -1 or 0, `of` names the topic of each rule, `gold` (sentences, topics) is 1, 0,
    or -1 where nobody labelled; a gold label is a probability of 1 or 0. A topic that no rule votes on has 0. Raises
    `InputError` for another `how`.
    """
    if how not in LABEL_MODELS:
        raise InputError(f"labels.label_model: '{how}'; allowed: {listing(LABEL_MODELS)}")
    model = dawid_skene if how == "dawid_skene" else majority
    unknown = np.full((len(votes), len(topics)), -1, np.int8) if gold is None else gold
    found = np.zeros((len(votes), len(topics)))
    for column, topic in enumerate(topics):
        mine = np.array([name == topic for name in of], np.bool_)
        if mine.any():
            counted = count_patterns(votes[:, mine], unknown[:, column])
            found[:, column] = model(counted)[counted.place]
    return np.where(unknown >= 0, unknown, found)


def count_patterns(votes: np.ndarray, gold: np.ndarray) -> Counted:
    """Count the distinct rows of votes and gold: few, however many the sentences are."""
    rows = np.column_stack([votes, gold]).astype(np.int8)
    keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1])))[:, 0]
    _, first, place, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return Counted(rows[first, :-1], rows[first, -1], counts, place)


def majority(counted: Counted) -> np.ndarray:
    """Return the share of votes for the topic among those given, 0 where none was, shape (patterns,)."""
    given = np.abs(counted.votes).sum(axis=1)
    return np.asarray((counted.votes == 1).sum(axis=1) / np.maximum(given, 1))


def dawid_skene(counted: Counted) -> np.ndarray:
    """Return the probability of the topic under the model of Dawid and Skene, shape (patterns,).

    Each rule has a share of votes for, against and abstentions among the sentences that carry the topic, and another
    among those that do not; given the truth, rules answer independently of each other. The shares, how common the topic
    is, and the probabilities are found by expectation maximisation (Dawid and Skene 1979, "Maximum likelihood
    estimation of observer error-rates using the EM algorithm", equations 2.3 to 2.5), with gold labels as known truth,
    from the majority's as the start. Each share starts from one imagined sentence, so that none becomes 0. With fewer
    than three rules, and gold labels fewer than `ENOUGH`, their accuracies cannot be told apart: the majority decides.
    """
    start = majority(counted)
    known = counted.gold >= 0
    if counted.votes.shape[1] < IDENTIFIABLE and counted.counts[known].sum() < ENOUGH:
        return start
    truth = np.where(known, counted.gold, 0.05 + 0.9 * start)
    answers = np.stack([counted.votes == answer for answer in ANSWERS], axis=-1).astype(float)
    for _ in range(ROUNDS):
        before, truth = truth, np.where(known, counted.gold, expect(answers, truth, counted.counts))
        if np.abs(truth - before).max() < SETTLED:
            break
    return truth


def expect(answers: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the probability of the topic for each pattern, from `answers` (patterns, rules, 3) and those before."""
    log_odds = np.zeros(len(truth))
    for sign, class_truth in ((1, truth), (-1, 1 - truth)):
        weight = class_truth * counts
        shares = (np.einsum("p,pra->ra", weight, answers) + 1 / 3) / (weight.sum() + 1)
        log_odds = log_odds + sign * (np.einsum("pra,ra->p", answers, np.log(shares)) + np.log(weight.sum() + 1))
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))


def describe_rules(
    votes: np.ndarray, rules: Mapping[str, str], gold: np.ndarray, topics: Sequence[str]
) -> pd.DataFrame:
    """Return what each rule does, a row each.

    `rules` maps their names to their topics, in the order of the columns of `votes`. `coverage`: share of sentences
    that it votes on; `overlaps`: where another rule of the topic votes too; `conflicts`: where one votes the other way;
    `correct`, `judged` and `accuracy`: on sentences with a gold label (`gold` (sentences, topics) 1, 0, -1 unknown).
    """
    of, rows = np.array(list(rules.values())), []
    for column, (name, topic) in enumerate(rules.items()):
        mine, others = votes[:, column], votes[:, (of == topic) & (np.arange(len(of)) != column)]
        truth = gold[:, list(topics).index(topic)]
        judged = (mine != 0) & (truth >= 0)
        correct = int((judged & ((mine == 1) == (truth == 1))).sum())
        rows.append(
            {
                "rule": name,
                "topic": topic,
                "votes": int((mine != 0).sum()),
                "coverage": float((mine != 0).mean()) if len(mine) else 0.0,
                "overlaps": float(((mine != 0) & (others != 0).any(axis=1)).mean()) if len(mine) else 0.0,
                "conflicts": float(((mine != 0) & (others == -mine[:, None]).any(axis=1)).mean()) if len(mine) else 0.0,
                "judged": int(judged.sum()),
                "correct": correct,
                "accuracy": correct / judged.sum() if judged.any() else np.nan,
            }
        )
    return pd.DataFrame(rows)


def disagreements(votes: np.ndarray, of: Sequence[str], topics: Sequence[str]) -> np.ndarray:
    """Return on which topics the rules vote both ways for a sentence, booleans (sentences, topics)."""
    columns = [np.array([name == topic for name in of], np.bool_) for topic in topics]
    both = [(votes[:, mine] == 1).any(axis=1) & (votes[:, mine] == -1).any(axis=1) for mine in columns]
    return np.column_stack(both) if both else np.zeros((len(votes), 0), np.bool_)
