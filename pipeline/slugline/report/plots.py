"""Plots of a run, a small one per topic."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from slugline.model.heads import LinearHead
from slugline.scoring import cut_points
from slugline.training.run import TrainingRun


def write_top_terms(run: TrainingRun, top: int = 15) -> None:
    """Write, and draw if asked, the terms with the largest weights for each topic; nothing for a model not linear."""
    model, folder = run.model, run.folder
    if not isinstance(model.head, LinearHead):
        return
    found = {topic: model.top_terms(topic, top) for topic in model.topics}
    rows = [(topic, term, weight) for topic, terms in found.items() for term, weight in terms.items()]
    pd.DataFrame(rows, columns=["topic", "term", "weight"]).to_csv(folder / "top_terms.csv", index=False)
    if run.settings.plots:
        draw: Callable[[Any, int], None] = lambda axes, topic: draw_terms(axes, found[model.topics[topic]])  # noqa: E731
        grid(folder / "top_terms.png", model.topics, draw, 1.2)


def write_plots(run: TrainingRun) -> None:
    """Draw precision against recall, confusions, scores against the threshold, and the tables, for each topic."""
    import matplotlib as mpl

    mpl.use("Agg")
    part, model, tables, topics = run.part, run.model, run.tables, run.dataset.topics
    rows = run.dataset.rows(part)
    Y, P = run.dataset.Y[rows], run.probabilities[rows]
    plots: dict[str, Callable[[Any, int], None]] = {
        "precision_recall": lambda axes, topic: draw_precision_recall(
            axes, Y[:, topic], P[:, topic], model.decide(P)[:, topic]
        ),
        "confusion": lambda axes, topic: draw_confusion(axes, Y[:, topic], model.decide(P)[:, topic]),
        "threshold": lambda axes, topic: draw_threshold(
            axes, Y[:, topic], P[:, topic], model.thresholds[topic], topic == 0
        ),
    }
    by_topic = {
        name: dict(iter(tables[name].groupby("topic"))) for name in ("reliability", "prevalence") if name in tables
    }
    if "reliability" in by_topic:
        plots["reliability"] = lambda axes, topic: draw_reliability(axes, by_topic["reliability"][topics[topic]])
    if "prevalence" in by_topic:
        plots["prevalence"] = lambda axes, topic: draw_prevalence(
            axes, by_topic["prevalence"][topics[topic]], topic == 0
        )
    for name, draw in plots.items():
        grid(run.folder / f"{name}_{part}.png", topics, draw, alike=name not in by_topic)
    if "learning_curve" in tables:
        grid(
            run.folder / f"learning_curve_{part}.png",
            ["macro F1"],
            lambda axes, _: draw_curve(axes, tables["learning_curve"]),
        )


def grid(
    file: Path, topics: Sequence[str], draw: Callable[[Any, int], None], left: float = 0.5, alike: bool = False
) -> None:
    """Draw one small plot per topic, with `left` inches for its labels, and save the picture.

    Where scales are `alike`, they stand at the left and at the bottom alone: also, text is what takes longest to draw.
    """
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
        if alike and column:
            axes.tick_params(labelleft=False)
            axes.set_ylabel("")
        if alike and number + across < len(topics):
            axes.tick_params(labelbottom=False)
            axes.set_xlabel("")
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


def draw_reliability(axes: Any, curve: pd.DataFrame) -> None:
    """Draw the share of positives against the mean probability of each bin; on the dotted line they are equal."""
    most = max(0.05, 1.05 * curve[["probability", "share"]].to_numpy().max())
    axes.plot([0, most], [0, most], linestyle=":", color="grey", linewidth=1)
    axes.plot(curve["probability"], curve["share"], "o-", linewidth=1, markersize=3)
    axes.set(xlim=(0, most), ylim=(0, most))
    axes.set_xlabel("probability", fontsize=7)
    axes.set_ylabel("share with the topic", fontsize=7)


def draw_prevalence(axes: Any, counts: pd.DataFrame, legend: bool) -> None:
    """Draw the corrected number of sentences per period with its interval, what was counted, and the true number."""
    counts = counts[counts["period"].notna()]
    places = np.arange(len(counts))
    axes.fill_between(places, counts["low"], counts["high"], color="C0", alpha=0.25, linewidth=0, label="95 % interval")
    axes.plot(places, counts["corrected"], color="C0", linewidth=1.2, label="corrected")
    axes.plot(places, counts["counted"], color="C1", linewidth=0.8, linestyle="--", label="counted")
    if "true" in counts:
        axes.plot(places, counts["true"], "k.", markersize=4, label="true")
    shown = places[:: max(1, -(-len(places) // 3))]
    axes.set_xticks(shown, [str(counts["period"].iloc[place])[:10] for place in shown], fontsize=6)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("sentences", fontsize=7)
    if legend:
        axes.legend(fontsize=6, frameon=False)


def draw_curve(axes: Any, curve: pd.DataFrame) -> None:
    """Draw macro F1 against the number of training sentences, with its interval."""
    if "f1_macro" not in curve:
        return
    known = curve[curve["f1_macro"].notna()]
    low, high = (known["f1_macro"] - known["f1_macro_low"]), (known["f1_macro_high"] - known["f1_macro"])
    axes.errorbar(known["sentences"], known["f1_macro"], [low, high], marker="o", markersize=3, linewidth=1, capsize=2)
    axes.set_ylim(0, 1)
    axes.set_xlabel("training sentences", fontsize=7)
