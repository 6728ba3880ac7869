"""What labelling rules do: how often they vote and contradict each other, and how good they are on gold labels."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from slugline.errors import InputError, listing
from slugline.labels import Labels, Rule, describe_timeouts, known_labels
from slugline.labels.label_model import describe_rules, disagreements
from slugline.scoring import prefixed, score

_RATES = ("coverage", "overlaps", "conflicts", "accuracy")


@dataclass(frozen=True)
class RulesReport:
    """What labelling rules do on sentences.

    `rules` has a row for each, with its `coverage, overlaps, conflicts` and `accuracy` (see `describe_rules`), and on
    how many sentences its patterns took too long, if any (`timeouts`). `disagreements` has one for each sentence and
    topic that rules vote both ways on. `labels` are the sentences with the probability of each topic that follows from
    the votes; gold labels are not used. `metrics` hold the rates of each rule, such as `rules/coverage/<rule>`, and
    the scores of all rules together on the `judged` sentences, those with gold labels for every topic, such as
    `gold/f1_macro`. `seconds` is how long the rules took to vote, `notes` are what to warn of.
    """

    rules: pd.DataFrame
    disagreements: pd.DataFrame
    labels: pd.DataFrame
    metrics: dict[str, float]
    judged: int
    seconds: float
    notes: list[str]


def report_rules(sentences: pd.DataFrame, topics: Sequence[str], labels: Labels) -> RulesReport:
    """Apply the rules of a taxonomy to labelled sentences and report what they do; raise `InputError` without any."""
    rules = labels.all_rules()
    if not rules:
        raise InputError("no rule: labels.topics have no keywords or patterns, and labels.functions is empty")
    topic_of_rule = {name: rule.topic for name, rule in rules.items()}

    start = time.perf_counter()
    timeouts = Counter[str]()
    votes = labels.vote(sentences["text"].tolist(), timeouts)
    seconds = time.perf_counter() - start

    gold = known_labels(sentences, topics)
    probabilities = labels.combine_votes(votes, np.full_like(gold, -1))  # as if no gold label were known
    table = describe_rules(votes, topic_of_rule, gold, topics)
    if timeouts.total():
        table["timeouts"] = table["rule"].map(timeouts)
    judged = (gold >= 0).all(axis=1)
    metrics = {
        f"rules/{rate}/{row['rule']}": row[rate]
        for row in table.to_dict("records")
        for rate in _RATES
        if not np.isnan(row[rate])
    }
    if judged.any():
        P = probabilities[judged]
        metrics |= prefixed("gold", score(gold[judged] == 1, P > 0.5, topics, probabilities=P))

    columns = sentences[["sentence_id", "article_id", "text"]]
    return RulesReport(
        rules=table,
        disagreements=_list_disagreements(sentences, votes, topic_of_rule, topics),
        labels=columns.join(pd.DataFrame(probabilities, columns=list(topics))),
        metrics=metrics,
        judged=int(judged.sum()),
        seconds=seconds,
        notes=_note_silent(topics, rules) + describe_timeouts(timeouts),
    )


def _note_silent(topics: Sequence[str], rules: Mapping[str, Rule]) -> list[str]:
    """Return which topics have no rule."""
    silent = sorted(set(topics) - {rule.topic for rule in rules.values()})
    return [f"without any rule: {listing(silent)}; give keywords in labels.topics"] if silent else []


def _list_disagreements(
    sentences: pd.DataFrame, votes: np.ndarray, topic_of_rule: dict[str, str], topics: Sequence[str]
) -> pd.DataFrame:
    """Return a row for each sentence and topic that rules vote both ways on, with the rules of both sides."""
    names, rule_topics = np.array(list(topic_of_rule)), np.array(list(topic_of_rule.values()))
    ids, texts = sentences["sentence_id"].tolist(), sentences["text"].tolist()
    rows = []
    for row, column in np.argwhere(disagreements(votes, list(rule_topics), topics)):
        of_topic = rule_topics == topics[column]
        supporters, opponents = (", ".join(names[of_topic & (votes[row] == vote)]) for vote in (1, -1))
        rows.append((ids[row], topics[column], supporters, opponents, texts[row]))
    return pd.DataFrame(rows, columns=["sentence_id", "topic", "for", "against", "text"])
