"""Features of the settings: those that can be learned from, and what each learns."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from slugline.data.context import read_context
from slugline.encoder import SentenceEncoder
from slugline.errors import InputError, listing
from slugline.finetune import FineTunedEncoder
from slugline.labels import Labels
from slugline.model.features import Features
from slugline.model.rule_votes import RuleVotes
from slugline.model.vectorizers import from_estimator
from slugline.training.heads import as_input_error
from slugline.training.settings import TrainSettings


def choose_features(features: Mapping[str, Any], labels: Labels, *, by_rules: bool) -> tuple[dict[str, Any], list[str]]:
    """Return the features that can be learned from, by name, and what to say of the others.

    `by_rules` says that some sentences have their labels from rules. The votes of these rules foretell such labels far
    better than they foretell the truth: weights, thresholds and scores would all be too good.

    Raises
    ------
    InputError
        Where none are left.
    """
    chosen, notes = dict(features), []
    for name in [name for name, one in features.items() if isinstance(one, RuleVotes)]:
        rules = labels.all_rules()
        functions = [key for key, rule in rules.items() if rule.function]
        problem = None
        if by_rules:
            problem = "there are labels by these very rules, whose votes would only repeat them"
        elif len(functions) == len(rules):
            problem = "the labels have no rules but Python functions" if rules else "the labels have no rules"
        if problem:
            del chosen[name]
            notes.append(f"features.{name} is left out: {problem}")
        elif functions:
            notes.append(
                f"features.{name} leaves out {len(functions)} of {len(rules)} rules, as a model holds no Python "
                f"functions: {listing(functions)}"
            )
    if not chosen:
        raise InputError(f"{notes[0]}; allowed: features=word_char_rules, which has words beside them")
    return chosen, notes


def choose_for(settings: TrainSettings, sentences: pd.DataFrame) -> tuple[dict[str, Any], list[str]]:
    """As `choose_features`, for labelled sentences."""
    by_rules = bool((sentences["label_source"] == "rules").any())
    chosen, notes = choose_features(settings.features, settings.labels, by_rules=by_rules)
    if settings.context is not None:
        alone = [name for name, one in chosen.items() if isinstance(one, FineTunedEncoder)]
        notes += [f"features.{name} reads a sentence alone, as its encoder is fine-tuned" for name in alone]
        if not any(map(any, read_context(sentences))):
            notes.append(
                "context=neighbours finds nothing: no sentence has another beside it in its article, or a title"
            )
    return chosen, notes


def learns_nothing(component: Any) -> bool:
    """Tell whether features of the config are the same whatever the texts: rules, hashed terms, a frozen encoder."""
    return isinstance(component, RuleVotes | SentenceEncoder) or hasattr(component, "n_features")


def to_features(component: Any, name: str, labels: Labels) -> Features:
    """Return the features of a component that learns nothing from texts."""
    if isinstance(component, RuleVotes):
        return component.to_features(name, labels)
    with as_input_error(f"features.{name}"):
        fitted = component.fit([]) if isinstance(component, SentenceEncoder) else component
    return from_estimator(name, fitted)


def least_frequency(component: Any) -> float | None:
    """Return the `min_df` of what learns its terms from texts; None for what does not, or has a given vocabulary."""
    return None if getattr(component, "vocabulary", None) is not None else getattr(component, "min_df", None)
