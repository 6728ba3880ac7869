"""Labels of sentences: by people, or by rules and a label model."""

from slugline.labels.gold import by_people, describe_unmatched, gold_files, known_labels, read_gold
from slugline.labels.labeller import Labelled, Labels, describe_timeouts, has_one_topic_each, mode_notes, suggest_mode
from slugline.labels.matching import describe_matches
from slugline.labels.rules import check_rules, vote
from slugline.labels.taxonomy import Near, Rule, Topic, collect_rules
from slugline.labels.taxonomy_file import read_taxonomy

__all__ = [
    "Labelled",
    "Labels",
    "Near",
    "Rule",
    "Topic",
    "by_people",
    "check_rules",
    "collect_rules",
    "describe_matches",
    "describe_timeouts",
    "describe_unmatched",
    "gold_files",
    "has_one_topic_each",
    "known_labels",
    "mode_notes",
    "read_gold",
    "read_taxonomy",
    "suggest_mode",
    "vote",
]
