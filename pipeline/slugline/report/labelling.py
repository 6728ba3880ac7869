"""What the terminal shows of labelling: what rules catch, what annotators said, and what is still open."""

from collections.abc import Sequence

import pandas as pd

from slugline.annotate import CollectedGold, krippendorff_alpha
from slugline.errors import listing
from slugline.report.terminal import shorten_topic

_RULE_COLUMNS = (
    "coverage is the share of sentences that a rule votes on, overlaps where another rule of its topic votes too (0 if "
    "there is none), conflicts where that one votes the other way; judged are its votes on sentences that people "
    "labelled, accuracy the share of these that is right"
)


def describe_rules(rules: pd.DataFrame) -> str:
    """Return the table of rules, with what its columns mean."""
    shown = rules.drop(columns="correct").assign(
        rule=rules["rule"].map(shorten_topic), topic=rules["topic"].map(shorten_topic)
    )
    table = shown.to_string(index=False, float_format="{:.3f}".format, na_rep="-")
    return f"{table}\nnote    {_RULE_COLUMNS}"


def describe_read(collected: CollectedGold) -> str:
    """Return how many annotations were read, and which could not be used for which reason."""
    rejected, unmatched = collected.rejected, collected.unmatched
    lines = [
        f"read    {collected.read} annotations, {len(rejected)} rows rejected, "
        f"{len(unmatched)} of sentences changed or gone"
    ]
    if unanswered := collected.unanswered:
        lines.append(f"open    {len(unanswered)} tasks that nobody answered: {listing(unanswered, 5)}")
    return "\n".join([*lines, *(f"        {item}" for item in [*rejected, *unmatched])])


def describe_agreement(collected: CollectedGold, topics: Sequence[str], adjudicator: str | None) -> str:
    """Return who annotated, and where there are several, how far they agree on each topic."""
    people = sorted({annotation.annotator for annotation in collected.history})
    lines = []
    if adjudicator is not None and adjudicator not in people:
        lines.append(f"people  adjudicator={adjudicator} labelled none of these sentences, and decides nothing")
    if len(people) == 1:
        return "\n".join([*lines, f"people  {people[0]}"])
    lines.append(f"people  {listing(people)}; Krippendorff's alpha per topic:")
    # Without two answers to a sentence, or with one and the same to all, there is no agreement beyond chance to measure
    for topic, alpha in krippendorff_alpha(collected.history, topics).items():
        lines.append(f"        {topic:<16}{'     -' if pd.isna(alpha) else f'{alpha:6.2f}'}")
    return "\n".join(lines)


def describe_unresolved(unresolved: pd.DataFrame) -> str:
    """Return which sentences have answers and yet no gold label, and what would give them one; "" without any."""
    if unresolved.empty:
        return ""
    rows = unresolved.to_dict("records")
    reasons = [f"no majority on {', '.join(row['ties'])}" if row["ties"] else "skipped by all" for row in rows]
    advice = "; adjudicator=NAME lets one annotator decide" if any(row["ties"] for row in rows) else ""
    lines = [f"        {row['sentence_id']}: {reason}" for row, reason in zip(rows, reasons, strict=True)]
    return "\n".join([f"open    {len(rows)} sentences that were answered and get no gold label{advice}", *lines])
