"""Rules: what each one votes on each text."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from inspect import isfunction
from typing import Any

import numpy as np
import pandas as pd

from slugline.components import is_within
from slugline.errors import InputError, listing
from slugline.labels.patterns import Found, compile_pattern, search_texts
from slugline.labels.phrases import PhraseFinder, is_phrase
from slugline.labels.taxonomy import VOTES, Rule, check_rule

_Function = Callable[[str], bool | None]


def vote(
    texts: Sequence[str],
    rules: Mapping[str, Rule],
    allowed_modules: Sequence[str] = (),
    timeouts: Counter[str] | None = None,
) -> np.ndarray:
    """Let rules vote on texts: int8, shape (texts, rules); 1 for the topic of the rule, -1 against it, 0 for neither.

    `allowed_modules` are those whose functions a rule may name in `function`. To `timeouts` are added, by rule, the
    texts on which its patterns took too long, so that they count as not found. Raises `InputError` for a phrase without
    a word, a pattern that is not a regular expression or takes too long on many texts, or a function that is not
    allowed.

    Examples
    --------
    >>> rules = {"truce": Rule(topic="ceasefire", any=["truce*"]), "sport": Rule("ceasefire", "against", any=["goal*"])}
    >>> vote(["A truce held.", "A truce, then three goals.", "Rain fell."], rules).tolist()
    [[1, 0], [1, -1], [0, 0]]
    """
    text_number, distinct = pd.factorize(np.array(texts, dtype=object))
    keys = {name: _key(name, rule) for name, rule in rules.items()}

    # Everything is checked before anything is searched.
    patterns = _compile(rules)
    named = {name: rule.function for name, rule in rules.items() if rule.function}
    functions = {name: _find_function(keys[name], dotted, allowed_modules) for name, dotted in named.items()}

    finder = PhraseFinder(list(distinct))
    votes = np.zeros((len(distinct), len(rules)), np.int8)
    for column, (name, rule) in enumerate(rules.items()):
        found = search_texts(keys[name], patterns[name], finder.texts) if patterns[name] else None
        votes[_applies(finder, rule, found, functions.get(name)), column] = VOTES[rule.vote]
        if timeouts is not None and found is not None:
            timeouts[name] += int(found.late[text_number].sum())
    return votes[text_number]


def check_rules(rules: Mapping[str, Rule]) -> None:
    """Raise `InputError` for rules, whoever wrote them, that cannot work: of a topic or of `functions`."""
    for name, rule in rules.items():
        check_rule(rule, [rule.topic], _key(name, rule))
    _compile(rules)


def _key(name: str, rule: Rule) -> str:
    """Return where a rule stands in the config; that of a topic's keywords has the topic's name."""
    return f"labels.{'topics' if name == rule.topic else 'functions'}.{name}"


def _compile(rules: Mapping[str, Rule]) -> dict[str, list[Any]]:
    """Return the patterns of each rule, ready to search; raise `InputError` for what is no phrase or no pattern."""
    for name, rule in rules.items():
        _check_phrases(_key(name, rule), rule)
    return {name: [compile_pattern(_key(name, rule), text) for text in rule.patterns] for name, rule in rules.items()}


def _applies(finder: PhraseFinder, rule: Rule, found: Found | None, function: _Function | None) -> np.ndarray:
    """Return which texts a rule votes on, booleans (texts,); `found` are those with one of its patterns."""
    alternatives = [finder.texts_with(finder.find(phrase), rule.negated) for phrase in rule.any]
    alternatives += [finder.texts_with(finder.find_pairs(near), rule.negated) for near in rule.near]
    if found is not None:
        alternatives.append(found.texts)
    if function is not None:
        size = len(finder.texts)
        alternatives.append(np.fromiter((function(text) is True for text in finder.texts), np.bool_, size))

    applies = np.any(alternatives, axis=0) if alternatives else np.ones(len(finder.texts), np.bool_)
    for phrase in rule.all:
        applies &= finder.texts_with(finder.find(phrase), rule.negated)
    for phrase in rule.none:
        applies &= ~finder.texts_with(finder.find(phrase), "count")
    return np.asarray(applies)


def _check_phrases(key: str, rule: Rule) -> None:
    """Refuse a phrase without a word."""
    pairs = [phrase for near in rule.near for phrase in (near.first, near.then)]
    for phrase in [*rule.any, *rule.all, *rule.none, *pairs]:
        if not is_phrase(phrase):
            raise InputError(f"{key}: '{phrase}' is not a phrase; allowed: words, with * and a ~ at a word's end")


def _find_function(key: str, dotted: str, allowed_modules: Sequence[str]) -> _Function:
    """Return a function by its dotted name; refuse, before importing it, one of a module that is not allowed.

    It must be a function of that very module: what a module has imported from others is not its own.
    """
    module, _, attribute = dotted.rpartition(".")
    if not is_within(module, allowed_modules):
        allowed = listing(allowed_modules) or "none (labels.allowed_modules adds some)"
        raise InputError(f"{key}.function: '{dotted}' is not allowed; modules allowed: {allowed}")

    try:
        function: _Function = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise InputError(f"{key}.function: there is no '{dotted}': {error}") from error
    if not isfunction(function) or not is_within(function.__module__, allowed_modules):
        raise InputError(f"{key}.function: '{dotted}' is not a function of an allowed module")
    return function
