"""Plots of a run, a small one per topic."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.material import Material
from pipeline.metrics import cut_points
from pipeline.models import TopicModel
from pipeline.models.fit import Outcome
from pipeline.models.heads import LinearHead


def write_top_terms(folder: Path, model: TopicModel, plot: bool, top: int = 15) -> None:
    """Write, and draw if asked, the terms with the largest weights for each topic; nothing for a model not linear."""
    if not isinstance(model.head, LinearHead):
        return
    found = {topic: model.top_terms(topic, top) for topic in model.topics}
    rows = [(topic, term, weight) for topic, terms in found.items() for term, weight in terms.items()]
    pd.DataFrame(rows, columns=["topic", "term", "weight"]).to_csv(folder / "top_terms.csv", index=False)
    if plot:
        draw: Callable[[Any, int], None] = lambda axes, topic: draw_terms(axes, found[model.topics[topic]])  # noqa: E731
        grid(folder / "top_terms.png", model.topics, draw, 1.2)


def write_plots(folder: Path, material: Material, outcome: Outcome, part: str) -> None:
    """Draw precision against recall, the confusions, and the scores against the threshold, for each topic."""
    import matplotlib as mpl

    mpl.use("Agg")
    rows = material.rows(part)
    Y, P = material.Y[rows], outcome.probabilities[rows]
    plots: dict[str, Callable[[Any, int], None]] = {
        "precision_recall": lambda axes, topic: draw_precision_recall(
            axes, Y[:, topic], P[:, topic], outcome.model.decide(P)[:, topic]
        ),
        "confusion": lambda axes, topic: draw_confusion(axes, Y[:, topic], outcome.model.decide(P)[:, topic]),
        "threshold": lambda axes, topic: draw_threshold(
            axes, Y[:, topic], P[:, topic], outcome.model.thresholds[topic], topic == 0
        ),
    }
    for name, draw in plots.items():
        grid(folder / f"{name}_{part}.png", material.topics, draw)


def grid(file: Path, topics: Sequence[str], draw: Callable[[Any, int], None], left: float = 0.5) -> None:
    """Draw one small plot per topic, with `left` inches for its labels, and save the picture."""
    from matplotlib.figure import Figure

    across = min(5, len(topics))
    down = -(-len(topics) // across)
    width, height = 2.1 + left, 2.3  # inches; placed by hand, since a layout engine draws everything twice
    figure = Figure(figsize=(width * across, height * down))
    for number, topic in enumerate(topics):
        row, column = divmod(number, across)
        place = ((column + left / width) / across, 1 - (row + 0.82) / down, 2 / width / across, 0.7 / down)
        axes = figure.add_axes(place)
        axes.set_title(topic, fontsize=9, pad=3)
        axes.tick_params(labelsize=7)
        draw(axes, number)
    figure.savefig(file, dpi=100)


def draw_terms(axes: Any, terms: Mapping[str, float]) -> None:
    """Draw the weights of terms as bars, the largest on top."""
    axes.barh(range(len(terms)), list(terms.values()), color="C0")
    axes.set_yticks(range(len(terms)), list(terms), fontsize=6, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("weight (log-odds)", fontsize=7)


def draw_precision_recall(axes: Any, y: np.ndarray, p: np.ndarray, decided: np.ndarray) -> None:
    """Draw precision against recall, the point of the threshold marked; the line of chance dotted."""
    _, ends, hits = cut_points(y, p)
    if y.any():
        axes.step(hits / y.sum(), hits / (ends + 1), where="pre", linewidth=1.2)
    if y.any() and decided.any():
        axes.plot((y & decided).sum() / y.sum(), (y & decided).sum() / decided.sum(), "o", color="C3", markersize=4)
    axes.axhline(y.mean(), linestyle=":", color="grey", linewidth=1)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.05))
    axes.set_xlabel("recall", fontsize=7)
    axes.set_ylabel("precision", fontsize=7)


def draw_confusion(axes: Any, y: np.ndarray, decided: np.ndarray) -> None:
    """Draw the four counts of labels against decisions, shaded by the share of their row."""
    counts = np.array([[(~y & ~decided).sum(), (~y & decided).sum()], [(y & ~decided).sum(), (y & decided).sum()]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row in range(2):
        for column in range(2):
            color = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=9, color=color)
    axes.set_xticks([0, 1], ["not given", "given"])
    axes.set_yticks([0, 1], ["not labelled", "labelled"], rotation=90, va="center")


def draw_threshold(axes: Any, y: np.ndarray, p: np.ndarray, threshold: float, legend: bool) -> None:
    """Draw precision, recall and F1 against the threshold, the chosen one marked."""
    ranked, ends, hits = cut_points(y, p)
    lines = {
        "precision": hits / (ends + 1),
        "recall": hits / max(y.sum(), 1),
        "F1": 2 * hits / (ends + 1 + max(y.sum(), 1)),
    }
    for (name, values), style in zip(lines.items(), (":", "--", "-"), strict=True):
        axes.plot(ranked[ends], values, style, linewidth=1.1, label=name)
    axes.axvline(threshold, color="C3", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1.05))
    axes.set_xlabel("threshold", fontsize=7)
    if legend:
        axes.legend(fontsize=6, loc="lower center", frameon=False)
