"""Labels of sentences: by people, or by rules and a label model."""

from pipeline.labels.labeller import Labelled, Labels, apply_rules, known_labels, match_gold, parse_labels, to_matrix
from pipeline.labels.rules import vote
from pipeline.labels.taxonomy import Near, Rule, Topic, rules_of

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
    "to_matrix",
    "vote",
]
