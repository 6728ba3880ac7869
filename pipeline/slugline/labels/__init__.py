"""Labels of sentences: by people, or by rules and a label model."""

from slugline.labels.gold import by_people, gold_files, known_labels, read_gold
from slugline.labels.labeller import Labelled, Labels, has_one_topic_each, suggest_mode
from slugline.labels.rules import vote
from slugline.labels.taxonomy import Near, Rule, Topic, collect_rules, read_taxonomy

__all__ = [
    "Labelled",
    "Labels",
    "Near",
    "Rule",
    "Topic",
    "by_people",
    "collect_rules",
    "gold_files",
    "has_one_topic_each",
    "known_labels",
    "read_gold",
    "read_taxonomy",
    "suggest_mode",
    "vote",
]
