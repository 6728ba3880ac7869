"""Label models: the votes of several rules on a topic become one probability.

A rule votes for a topic (+1), against it (-1) or abstains (0). Abstaining is informative too: a missing keyword is a
small sign against the topic. So an abstention is a third answer here, where libraries for annotators (crowd-kit) take
it for a missing one.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

LABEL_MODELS = ("dawid_skene", "majority")

_MIN_RULES = 3  # rules of a topic from which their accuracies can be told apart without gold labels
_MIN_GOLD = 30  # gold labels from which the accuracies of fewer rules can be estimated


class _Patterns(NamedTuple):
    """The distinct rows of votes (patterns, rules) and gold labels (patterns,): 1, 0 or -1 for unknown.

    `counts` (patterns,) are how many rows have the pattern, `of_row` (rows,) the pattern of each row.
    """

    votes: np.ndarray
    gold: np.ndarray
    counts: np.ndarray
    of_row: np.ndarray


def combine_votes(
    votes: np.ndarray,
    topic_of_rule: Sequence[str],
    topics: Sequence[str],
    label_model: str = "dawid_skene",
    gold: np.ndarray | None = None,
) -> np.ndarray:
    """Turn the votes of rules into probabilities of topics, shape (sentences, topics); 0 for a topic without rules.

    `votes` (sentences, rules) are +1, -1 or 0 (abstains); `topic_of_rule` names the topic of each rule. The label model
    "majority" takes the share of votes for the topic among those for and against it; "dawid_skene" estimates how
    accurate each rule is and weighs it by that. `gold` (sentences, topics) is 1, 0, or -1 where nobody labelled: a gold
    label is a probability of 1 or 0, and "dawid_skene" learns from it.

    Examples
    --------
    >>> votes = np.array([[1, 1], [1, -1], [0, 0]])
    >>> combine_votes(votes, ["war", "war"], ["war", "aid"], "majority").tolist()
    [[1.0, 0.0], [0.5, 0.0], [0.0, 0.0]]
    """
    estimate = {"dawid_skene": _dawid_skene, "majority": _majority}[label_model]

    shape = (len(votes), len(topics))
    known = np.full(shape, -1, np.int8) if gold is None else gold
    probabilities = np.zeros(shape)
    for column, topic in enumerate(topics):
        on_topic = _rules_on(topic, topic_of_rule)
        if on_topic.any():
            patterns = _find_patterns(votes[:, on_topic], known[:, column])
            probabilities[:, column] = estimate(patterns)[patterns.of_row]
    return np.where(known >= 0, known, probabilities)


def describe_rules(
    votes: np.ndarray, topic_of_rule: Mapping[str, str], gold: np.ndarray, topics: Sequence[str]
) -> pd.DataFrame:
    """Describe what each rule does, given votes (sentences, rules) and gold labels (sentences, topics), -1 for unknown.

    Returns a row for each rule, with `rule`, `topic`, `votes` (how many), and as shares of the sentences: `coverage`
    (it votes), `overlaps` (another rule of the topic votes too), `conflicts` (another one votes the other way). Of its
    votes, `judged` are on sentences with a gold label, `correct` agree with it, `accuracy` is the share of these.
    """
    rule_topics = np.array(list(topic_of_rule.values()))
    rows = []
    for column, (name, topic) in enumerate(topic_of_rule.items()):
        others = (rule_topics == topic) & (np.arange(len(rule_topics)) != column)
        truth = gold[:, list(topics).index(topic)]
        rows.append({"rule": name, "topic": topic, **_describe_rule(votes[:, column], votes[:, others], truth)})
    return pd.DataFrame(rows)


def disagreements(votes: np.ndarray, topic_of_rule: Sequence[str], topics: Sequence[str]) -> np.ndarray:
    """Return where rules vote both for and against a topic of a sentence: booleans, shape (sentences, topics)."""
    both = np.zeros((len(votes), len(topics)), np.bool_)
    for column, topic in enumerate(topics):
        on_topic = votes[:, _rules_on(topic, topic_of_rule)]
        both[:, column] = (on_topic == 1).any(axis=1) & (on_topic == -1).any(axis=1)
    return both


def _rules_on(topic: str, topic_of_rule: Sequence[str]) -> np.ndarray:
    """Return which rules vote on a topic, booleans (rules,)."""
    return np.array([name == topic for name in topic_of_rule], np.bool_)


def _describe_rule(votes: np.ndarray, others: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """Return the figures of one rule, given the votes of the others of its topic and the gold labels of the topic."""
    voted = votes != 0
    judged = voted & (truth >= 0)
    correct = judged & ((votes == 1) == (truth == 1))
    overlaps = voted & (others != 0).any(axis=1)
    conflicts = voted & (others == -votes[:, None]).any(axis=1)
    return {
        "votes": int(voted.sum()),
        "coverage": _share(voted),
        "overlaps": _share(overlaps),
        "conflicts": _share(conflicts),
        "judged": int(judged.sum()),
        "correct": int(correct.sum()),
        "accuracy": correct.sum() / judged.sum() if judged.any() else np.nan,
    }


def _share(sentences: np.ndarray) -> float:
    """Return the share of true ones, 0 of none."""
    return float(sentences.mean()) if len(sentences) else 0.0


def _find_patterns(votes: np.ndarray, gold: np.ndarray) -> _Patterns:
    """Find the distinct rows of votes and gold: few, however many the sentences are."""
    rows = np.column_stack([votes, gold]).astype(np.int8)
    keys = np.ascontiguousarray(rows).view(np.dtype((np.void, rows.shape[1])))[:, 0]
    _, first, of_row, counts = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
    return _Patterns(rows[first, :-1], rows[first, -1], counts, of_row)


def _majority(patterns: _Patterns) -> np.ndarray:
    """Return the share of votes for the topic among those for and against it, 0 without votes, shape (patterns,)."""
    votes_given = np.abs(patterns.votes).sum(axis=1)
    return np.asarray((patterns.votes == 1).sum(axis=1) / np.maximum(votes_given, 1))


def _dawid_skene(patterns: _Patterns) -> np.ndarray:
    """Return the probability of the topic under the model of Dawid and Skene, shape (patterns,).

    Each rule has a share of votes for, against and abstentions among the sentences that carry the topic, and another
    among those that do not; given the truth, rules answer independently of each other. The shares, how common the topic
    is, and the probabilities are estimated by expectation maximisation (Dawid and Skene 1979, "Maximum likelihood
    estimation of observer error-rates using the EM algorithm", equations 2.3 to 2.5), with gold labels as known truth,
    starting from the majority. Each share starts from one imagined sentence, so that none becomes 0. With fewer than
    `_MIN_RULES` rules and fewer than `_MIN_GOLD` gold labels, accuracies cannot be told apart: the majority decides.
    """
    majority = _majority(patterns)
    known = patterns.gold >= 0
    if patterns.votes.shape[1] < _MIN_RULES and patterns.counts[known].sum() < _MIN_GOLD:
        return majority

    truth = np.where(known, patterns.gold, 0.05 + 0.9 * majority)
    answers = np.stack([patterns.votes == answer for answer in (-1, 0, 1)], axis=-1).astype(float)
    for _ in range(200):
        before, truth = truth, np.where(known, patterns.gold, _update(answers, truth, patterns.counts))
        if np.abs(truth - before).max() < 1e-6:  # no probability moves any more
            break
    return truth


def _update(answers: np.ndarray, truth: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return the next probability of the topic for each pattern, from `answers` (patterns, rules, 3) and the last."""
    log_odds = np.zeros(len(truth))
    for sign, class_truth in ((1, truth), (-1, 1 - truth)):
        weight = class_truth * counts
        shares = (np.einsum("p,pra->ra", weight, answers) + 1 / 3) / (weight.sum() + 1)
        log_odds = log_odds + sign * (np.einsum("pra,ra->p", answers, np.log(shares)) + np.log(weight.sum() + 1))
    return np.asarray(1 / (1 + np.exp(-np.clip(log_odds, -500, 500))))
