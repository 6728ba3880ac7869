"""The model that a command uses, in a line: what it is called, when and on whose labels it was trained, its topics."""

from collections.abc import Mapping, Sequence
from typing import Any

from slugline.errors import one_line

_ORIGINS = {"rules": "by rules", "gold": "by people", "given": "of the data"}
_SHOWN = 5  # topics that are named


def describe_used_model(name: str, topics: Sequence[str], info: Mapping[str, Any]) -> str:
    """Return a line on a model; of `info`, which a stranger may have written, what is understood."""
    parts = [name]
    if isinstance(trained := info.get("trained"), str):
        parts.append(f"trained {trained[:16].replace('T', ' ')}")
    if labels := describe_labels(info):
        parts.append(f"on labels {labels}")
    more = ", ..." if len(topics) > _SHOWN else ""
    number = "1 topic" if len(topics) == 1 else f"{len(topics)} topics"
    parts.append(f"{number}: {', '.join(topics[:_SHOWN])}{more}")
    return f"model   {one_line('; '.join(parts))}"


def describe_labels(info: Mapping[str, Any]) -> str:
    """Return who labelled what a model learned from, "" where that is not known."""
    sources = label_sources(info, "train")
    return " and ".join(f"{_ORIGINS.get(source, source)} ({count})" for source, count in sources.items())


def label_sources(info: Mapping[str, Any], part: str) -> dict[str, int]:
    """Return how many labels of a part, `train` or `judged`, came from where: people, the data or rules."""
    counts = info.get("labels")
    sources = counts.get(part) if isinstance(counts, Mapping) else None
    if not isinstance(sources, Mapping):
        return {}
    return {str(source): count for source, count in sources.items() if isinstance(count, int)}


def is_by_rules(info: Mapping[str, Any], part: str) -> bool:
    """Tell whether all labels of a part, `train` or `judged`, are known to have come from rules."""
    return set(label_sources(info, part)) == {"rules"}
