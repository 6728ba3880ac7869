"""What a change of the codebook did, as text for the terminal."""

from collections import Counter
from collections.abc import Sequence

from slugline.annotate import CodebookUpdate
from slugline.labels.codebook_change import CodebookChange

_SHOWN = 5  # sentences of each kind that are listed for another look


def describe_update(update: CodebookUpdate, change: CodebookChange, topics: Sequence[str]) -> str:
    """Return what a change did to each topic and file, and which sentences want another look, in lines."""
    before, after = Counter[str](), Counter[str]()
    lines = []
    for item in update.gold:
        before.update(item.before)
        after.update(item.after)
        gone = f", {item.removed} taken out: their only topic is dropped" if item.removed else ""
        lines.append(f"gold    {item.file}: {item.changed} of {item.rows} sentences changed{gone}")
    if update.history:
        lines.append("history {} of {} annotations changed".format(*update.history))
    lines += [f"topics  {file}" for file in update.taxonomies]
    for target in dict.fromkeys(change.apply_to_topic(topic) for topic in topics):
        parts = [topic for topic in topics if change.apply_to_topic(topic) == target]
        if parts != [target]:
            end = "dropped" if target is None else f"{target} {after[target]}"
            lines.append(f"        {', '.join(f'{part} {before[part]}' for part in parts)} -> {end}")
    lines += _describe_second_looks("several labels became one", [item for gold in update.gold for item in gold.united])
    lines += _describe_second_looks("no topic is left", [item for gold in update.gold for item in gold.bare])
    return "\n".join([*lines, f"copies  {update.copies}"])


def _describe_second_looks(reason: str, sentences: Sequence[str]) -> list[str]:
    """Return how many sentences want another look for a reason, and the first of them."""
    if not sentences:
        return []
    return [f"look    {len(sentences)} sentences again: {reason}", *(f"        {text}" for text in sentences[:_SHOWN])]
