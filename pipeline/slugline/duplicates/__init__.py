"""Copies: sentences and articles that are the same but for case, blanks and numbers (exact), or a few words (near).

Nothing is deleted, since one changed word can change the event: copies get the number of a group, and a split keeps
each group on one side.
"""

from slugline.duplicates.articles import group_articles
from slugline.duplicates.groups import add_groups, article_groups, count_copies, list_copies, sentence_groups
from slugline.duplicates.texts import HOW, check_how, group_texts, template

__all__ = [
    "HOW",
    "add_groups",
    "article_groups",
    "check_how",
    "count_copies",
    "group_articles",
    "group_texts",
    "list_copies",
    "sentence_groups",
    "template",
]
