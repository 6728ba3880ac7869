"""The taxonomy: topics, and the labelling functions (rules) that vote on them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from slugline.errors import InputError, listing

VOTES = {"for": 1, "against": -1}
NEGATED = ("count", "skip", "only")


@dataclass  # not frozen: OmegaConf cannot fill frozen ones inside a dict
class Topic:
    """A topic of a taxonomy.

    `keywords` (phrases, see `Rule`) and `patterns` (regular expressions) are a rule: any of them votes for the topic.
    """

    definition: str = ""
    examples: list[str] = field(default_factory=list)
    counter_examples: list[str] = field(default_factory=list)
    parent: str | None = None
    codes: dict[str, str] = field(default_factory=dict)
    keywords: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)


@dataclass
class Near:
    """Two phrases with at most `within` words and marks between them, the first one first unless `ordered` is false."""

    first: str = ""
    then: str = ""
    within: int = 6
    ordered: bool = True


@dataclass
class Rule:
    """A labelling function: it votes for or against one topic, or abstains.

    It votes where one of `any`, `patterns`, `near` is found (or none of these is given), with all of `all` and none of
    `none`. A phrase is words; `*` in a word stands for any letters, alone for any one word; `accuse~` for the word and
    its regular inflections. Case does not count, nor whether quotes are
    curly. `patterns` are regular expressions. `negated` says whether a phrase
    in the scope of a negation counts: `count`, `skip`, or `only` there; patterns it does not concern. `function` is the
    dotted name of a function of one of `labels.allowed_modules` that takes a text and returns true, false or none.
    Patterns are Python's: one with nested repeats, as `(a+)+`, can take for ever on some text.
    """

    topic: str = ""
    vote: str = "for"
    any: list[str] = field(default_factory=list)
    all: list[str] = field(default_factory=list)
    none: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)
    near: list[Near] = field(default_factory=list)
    negated: str = "count"
    function: str | None = None


def rules_of(topics: Mapping[str, Topic], functions: Mapping[str, Rule]) -> dict[str, Rule]:
    """Return all rules: that of each topic's keywords and patterns, under its name, then the labelling functions.

    Raises `InputError` for a function that cannot be.
    """
    rules = {
        name: Rule(topic=name, any=topic.keywords, patterns=topic.patterns)
        for name, topic in topics.items()
        if topic.keywords or topic.patterns
    }
    for name, rule in functions.items():
        where = f"labels.functions.{name}"
        if name in rules:
            raise InputError(f"{where}: this is the name of the rule of a topic's keywords; give it another")
        if rule.topic not in topics:
            raise InputError(f"{where}.topic: '{rule.topic}' is no topic; allowed: {listing(topics, 40)}")
        if rule.vote not in VOTES:
            raise InputError(f"{where}.vote: '{rule.vote}'; allowed: {listing(VOTES)}")
        if rule.negated not in NEGATED:
            raise InputError(f"{where}.negated: '{rule.negated}'; allowed: {listing(NEGATED)}")
        if not (rule.any or rule.all or rule.patterns or rule.near or rule.function or rule.none):
            raise InputError(f"{where}: nothing to look for; give any, all, none, patterns, near or function")
        if wrong := [near.within for near in rule.near if near.within < 0]:
            raise InputError(f"{where}.near.within: {wrong[0]}; allowed: a number of words, from 0")
        rules[name] = rule
    return rules
