"""The taxonomy: topics, and the rules (labelling functions) that vote on them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from slugline.errors import InputError, listing

VOTES = {"for": 1, "against": -1}

_NEGATED = ("count", "skip", "only")


@dataclass(frozen=True)
class Topic:
    """A topic of a taxonomy.

    `keywords` and `patterns` are together one rule, named like the topic: it votes for the topic where any of them is
    found. Both may be empty; then `functions` or people label the topic. In YAML, a topic may be just its keywords:
    `flood: [flood*, deluge]`, or one of them: `flood: flood*`.

    Parameters
    ----------
    definition : str
        What a sentence must tell of to carry the topic. The codebook shows it, and its first clause as a summary.
    examples : list of str
        Sentences that carry the topic, for the codebook.
    counter_examples : list of str
        Sentences that look like it and do not carry it, for the codebook.
    parent : str, optional
        The topic that this one is a part of; the codebook puts it there. Labels do not inherit it.
    codes : dict of str to str
        Codes of the topic in event ontologies, such as `{plover: "AID", cameo: "07"}`.
    keywords : list of str
        Phrases that vote for the topic; `Rule` says how they are written.
    patterns : list of str
        Regular expressions that vote for the topic; `Rule` says how they are written.

    Examples
    --------
    >>> from slugline.labels import vote
    >>> topic = Topic(definition="A halt in fighting.", keywords=["ceasefire*", "lay down * arms"])
    >>> vote(["They lay down their arms.", "They lay down."], collect_rules({"ceasefire": topic}, {})).tolist()
    [[1], [0]]
    """

    SHORT_FORM: ClassVar = "keywords"  # `flood: [flood*, deluge]` in YAML gives these

    definition: str = ""
    examples: list[str] = field(default_factory=list)
    counter_examples: list[str] = field(default_factory=list)
    parent: str | None = None
    codes: dict[str, str] = field(default_factory=dict)
    keywords: list[str] = field(default_factory=list)
    patterns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Near:
    """Two phrases close to each other.

    Parameters
    ----------
    first, then : str
        The two phrases; `Rule` says how they are written.
    within : int
        How many words and punctuation marks may stand between them at most.
    ordered : bool
        Whether `first` must come before `then`; false: either may.

    Examples
    --------
    >>> from slugline.labels import vote
    >>> rule = Rule(topic="assault", near=[Near("police", "shot", within=4)])
    >>> vote(["Police in riot gear shot at them.", "They shot at police."], {"police_shot": rule}).tolist()
    [[1], [0]]
    """

    first: str = ""
    then: str = ""
    within: int = 6
    ordered: bool = True


@dataclass(frozen=True)
class Rule:
    r"""A rule, also called a labelling function: for each sentence it votes for or against one topic, or abstains.

    It votes on a sentence where at least one of `any`, `patterns`, `near` and `function` applies (or none of these four
    is given), every phrase of `all` is found, and no phrase of `none` is found. Otherwise it abstains. Case does not
    count; in phrases, curly quote marks and plain ones are the same.

    A phrase is one or several words, which must follow each other as whole words:

    * `cease-fire` is just these words; hyphens and other punctuation count as words.
    * `sanction*` also finds "sanctions" and "sanctioned": a star in a word stands for any letters, or none.
    * `lay down * arms` finds "lay down their arms": a star by itself stands for any one word.
    * `accuse~` finds "accuse", "accuses", "accused", "accusing": a tilde stands for the regular inflections.
    * `洪水` is found anywhere: in scripts without blanks (Chinese, Japanese, Thai, Lao, Khmer, Burmese) each sign is a
      word, also for `within` and for the star.

    Parameters
    ----------
    topic : str
        The topic that the rule votes on.
    vote : {"for", "against"}
        Which way it votes.
    any : list of str
        Phrases of which one is enough.
    all : list of str
        Phrases that must all be found.
    none : list of str
        Phrases of which none may be found.
    patterns : list of str
        Regular expressions in Python's syntax, as the package `regex` reads it (also `\p{L}`), searched anywhere in the
        sentence, of which one is enough. A search that takes more than a second counts as not found, and is reported;
        more than ten such sentences are an error.
    near : list of Near
        Pairs of phrases close to each other (see `Near`), of which one is enough.
    negated : {"count", "skip", "only"}
        What becomes of phrases of `any`, `all` and `near` in the scope of a negation ("did not attack"): they `count`
        like others, are skipped, or are the only ones that count. It does not concern `none` and `patterns`.
    function : str, optional
        The dotted name of a Python function from one of `labels.allowed_modules`. It takes the text of a sentence; if
        it returns True, that is enough, like a phrase of `any`.

    Examples
    --------
    >>> from slugline.labels import vote
    >>> rule = Rule(topic="sanctions", any=["sanction~"], none=["film*"], negated="skip")
    >>> texts = ["It sanctioned two banks.", "It sanctioned the film.", "It did not sanction them."]
    >>> vote(texts, {"sanctioned": rule}).tolist()
    [[1], [0], [0]]
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


def collect_rules(topics: Mapping[str, Topic], functions: Mapping[str, Rule]) -> dict[str, Rule]:
    """Collect all rules: those of topics' keywords and patterns, named like the topics, then the labelling functions.

    Raises `InputError` for a labelling function that cannot work.
    """
    rules = {
        name: Rule(topic=name, any=topic.keywords, patterns=topic.patterns)
        for name, topic in topics.items()
        if topic.keywords or topic.patterns
    }
    for name, rule in functions.items():
        where = f"labels.functions.{name}"
        if name in rules:
            raise InputError(f"{where}: this is the name of the rule of a topic's keywords; choose another")
        check_rule(rule, topics, where)
        rules[name] = rule
    return rules


def check_rule(rule: Rule, topics: Iterable[str], where: str) -> None:
    """Raise `InputError` for a rule that cannot work."""
    if rule.topic not in topics:
        raise InputError(f"{where}.topic: '{rule.topic}' is not a topic; allowed: {listing(topics, 40)}")
    if rule.vote not in VOTES:
        raise InputError(f"{where}.vote: '{rule.vote}'; allowed: {listing(VOTES)}")
    if rule.negated not in _NEGATED:
        raise InputError(f"{where}.negated: '{rule.negated}'; allowed: {listing(_NEGATED)}")
    if not (rule.any or rule.all or rule.patterns or rule.near or rule.function or rule.none):
        raise InputError(f"{where}: nothing to look for; give any, all, none, patterns, near or function")
    if too_near := [near.within for near in rule.near if near.within < 0]:
        raise InputError(f"{where}.near.within: {too_near[0]}; allowed: a number of words, from 0")
