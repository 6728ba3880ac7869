"""Rules as features: on which texts the rules of a taxonomy vote. In a saved model they are data, no code."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from scipy.sparse import csr_array

from slugline.components import build_value, to_plain
from slugline.data.context import Context
from slugline.errors import InputError

if TYPE_CHECKING:  # the room imports pandas, which a model without rules does not need
    from slugline.labels import Labels, Rule

_MAX_RULES, _MAX_BYTES, _MAX_WITHIN = 10_000, 1 << 20, 10_000
_MAX_WEIGHT = 1000.0


@dataclass(frozen=True)
class RuleFeatures:
    """A column per rule: `weight` where the rule votes on a text, else 0.

    A rule votes one way only, for its topic or against it, so the sign is left to what is learned: a column says how
    much it moves each topic that the rule applies. `rules` have no functions: those cannot be data.

    Examples
    --------
    >>> from slugline.labels import Rule
    >>> features = RuleFeatures("rules", {"truces": Rule(topic="ceasefire", any=["truce*"])}, weight=0.5)
    >>> features.terms(), features.transform(["A truce held.", "Rain fell."]).toarray().tolist()
    (['rule ceasefire/truces'], [[0.5], [0.0]])
    """

    kind: ClassVar[str] = "rules"
    norm: ClassVar[str | None] = None
    name: str
    rules: Mapping[str, "Rule"]
    weight: float

    @property
    def n_features(self) -> int:
        """The number of rules."""
        return len(self.rules)

    def transform(self, texts: Sequence[str], context: Context | None = None) -> csr_array:
        """Return the features of texts, shape (texts, rules), float64."""
        from slugline.labels import vote

        return csr_array((vote(texts, self.rules) != 0) * self.weight)

    def times_weights(self, texts: Sequence[str], weights: np.ndarray, context: Context | None = None) -> np.ndarray:
        """Return `transform(texts) @ weights`, shape (texts, topics)."""
        return np.asarray(self.transform(texts) @ weights)

    def terms(self) -> list[str]:
        """Return the names of the features: `rule TOPIC/NAME`, where the rule of a topic itself is `keywords`."""
        return [f"rule {rule.topic}/{'keywords' if name == rule.topic else name}" for name, rule in self.rules.items()]

    def size(self) -> str:
        """Return how many rules there are."""
        return f"{self.n_features:,} rules"

    def describe(self) -> dict[str, Any]:
        """Return the rules as JSON can hold them."""
        rules = {name: to_plain(rule) for name, rule in self.rules.items()}
        return {"name": self.name, "kind": self.kind, "weight": self.weight, "rules": rules}

    def to_arrays(self) -> dict[str, np.ndarray]:
        """Return nothing: rules have no arrays."""
        return {}


@dataclass(frozen=True)
class RuleVotes:
    """Features to be made of the rules of the labels: `slugline train features=word_char_rules`.

    They are used where all labels are by people. Where there are labels by rules, whose votes would only repeat them,
    or no rules, they are left out, which is told.

    Parameters
    ----------
    weight : float
        How much a rule counts; words and characters of a sentence have length 1 together, each.
    """

    weight: float = 0.15

    def __post_init__(self) -> None:
        if not 0 < self.weight <= _MAX_WEIGHT:
            raise InputError(f"features.rules.weight: {self.weight}; allowed: above 0, to {_MAX_WEIGHT:g}")

    def to_features(self, name: str, labels: "Labels") -> RuleFeatures:
        """Return the features; rules that are functions are left out."""
        rules = {key: rule for key, rule in labels.all_rules().items() if not rule.function}
        try:
            return read_rules(RuleFeatures(name, rules, self.weight).describe())
        except InputError as error:
            raise InputError(f"features.{name}: {error}") from error


def read_rules(description: Mapping[str, Any]) -> RuleFeatures:
    """Return the features of `RuleFeatures.describe`; raise `InputError` for what is no rule, or too many of them."""
    from slugline.labels import Rule, check_rules

    weight: Any = description.get("weight")
    rules: Any = description.get("rules")
    if type(weight) not in (int, float) or not 0 < weight <= _MAX_WEIGHT:
        raise InputError(f"weight: {weight!r:.40}; allowed: above 0, to {_MAX_WEIGHT:g}")
    if not isinstance(rules, dict) or not 0 < len(rules) <= _MAX_RULES:
        found = len(rules) if isinstance(rules, dict) else f"{rules!r:.40}"
        raise InputError(f"rules: {found}; allowed: 1 to {_MAX_RULES} by name")
    if (size := len(json.dumps(rules))) > _MAX_BYTES:
        raise InputError(f"rules: {size} bytes as JSON; allowed: up to {_MAX_BYTES}")
    built: dict[str, Rule] = build_value(dict[str, Rule], rules, "rules")
    for key, rule in built.items():
        if rule.function:
            raise InputError(f"rules.{key}.function: {rule.function!r:.40}; a model holds no functions")
        if wide := [near.within for near in rule.near if near.within > _MAX_WITHIN]:
            raise InputError(f"rules.{key}.near.within: {wide[0]!r:.40}; allowed: up to {_MAX_WITHIN}")
    check_rules(built)
    return RuleFeatures(description["name"], built, float(weight))
