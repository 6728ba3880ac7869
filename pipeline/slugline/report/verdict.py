"""The verdict on a version that is to become the champion, for the terminal."""

import numpy as np

from slugline.errors import listing
from slugline.promotion import Figures, Gate, Reference, Verdict
from slugline.report.scores import format_p
from slugline.training.judged import CROSS_VALIDATED


def describe_verdict(verdict: Verdict) -> str:
    """Return the verdict in a few lines."""
    dataset = verdict.evaluation_set
    absent = f"; not judged, since none has it: {listing(dataset.absent)}" if dataset.absent else ""
    size = f"{len(dataset.texts)} sentences"
    if dataset.part == CROSS_VALIDATED:
        size = f"judged by cross-validation on {size} of {len(np.unique(dataset.articles))} articles"
    else:
        size = f"{size} of {dataset.part}"
    lines = [f"data    {size}{absent}"]
    lines.append(_describe_figures("candidate", verdict.candidate))
    if verdict.champion:
        lines.append(_describe_figures("champion", verdict.champion.figures))
    if verdict.best_before:
        lines.append(_describe_figures("before", verdict.best_before.figures))
    lines.append(_describe_limits(verdict.gate))
    lines += [_describe_difference(reference, verdict.gate.max_macro_drop) for reference in verdict.references()]
    if verdict.best_before:
        best = f"note    version {verdict.best_before.version} is the best of the champions before"
        lines.append(f"{best}, judged on {verdict.best_before.sentences} sentences")
    return "\n".join(lines)


def _describe_difference(reference: Reference, limit: float) -> str:
    """Return by how much macro F1 is higher than a champion's, and what the gate makes of it."""
    gap = reference.difference
    numbers = f"{gap['difference']:+.3f} ({gap['low']:+.3f} to {gap['high']:+.3f}), p {format_p(gap['p'])}"
    return f"macro F1  {numbers} against version {reference.version}: {reference.describe(limit)}"


def _describe_limits(gate: Gate) -> str:
    """Return the limits of the gate."""
    return (
        f"{'gate':<10}macro F1 worse by {gate.max_macro_drop:g} at most, least topic {gate.min_topic_f1:g} or more, "
        f"calibration error {gate.max_calibration_error:g} or less, {gate.max_milliseconds:g} ms a sentence or less, "
        f"{gate.max_megabytes:g} MB or less"
    )


def _describe_figures(name: str, figures: Figures) -> str:
    """Return the figures of a model in a line."""
    return (
        f"{name:<10}macro F1 {figures.macro:.3f}, least topic {min(figures.topics.values()):.3f}, calibration error "
        f"{figures.calibration:.3f}, {figures.milliseconds:.2f} ms a sentence, {figures.megabytes:.1f} MB"
    )
