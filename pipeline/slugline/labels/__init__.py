"""Labels of sentences: by people, or by rules and a label model."""

from slugline.labels.labeller import Labelled, Labels, apply_rules, known_labels, match_gold, parse_labels
from slugline.labels.rules import vote
from slugline.labels.taxonomy import Near, Rule, Topic, rules_of

__all__ = [
    "Labelled",
    "Labels",
    "Near",
    "Rule",
    "Topic",
    "apply_rules",
    "known_labels",
    "match_gold",
    "parse_labels",
    "rules_of",
    "vote",
]
