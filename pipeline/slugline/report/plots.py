"""Plots of a run, a small one per topic."""

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from slugline.model.heads import LinearHead
from slugline.scoring import cut_points
from slugline.spreadsheets import write_table
from slugline.training.run import TrainingRun

if TYPE_CHECKING:
    from matplotlib.axes import Axes

T = TypeVar("T")
_MAX_ACROSS = 5  # plots in a row of a picture
_MAX_DATES = 3  # written below an axis


class _TopicResult(NamedTuple):
    """Labels, probabilities and decisions for one topic, each of shape (sentences,), and its threshold."""

    y: np.ndarray
    p: np.ndarray
    decided: np.ndarray
    threshold: float


def write_top_terms(run: TrainingRun, limit: int = 15) -> None:
    """Write, and draw if `settings.plots`, the terms with the largest weights for each topic, if the model is linear.

    Where the model has pieces of words beside words, these have a table of their own.

    Parameters
    ----------
    run : TrainingRun
        A run, whose folder is there.
    limit : int, default 15
        How many terms of each topic.
    """
    if not isinstance(run.model.head, LinearHead):
        return
    terms_by_topic = {topic: run.model.top_terms(topic, limit) for topic in run.model.topics}
    _write_terms(run, "top_terms.csv", terms_by_topic)
    if run.model.has_words_and_pieces:
        pieces = {topic: run.model.top_terms(topic, limit, pieces=True) for topic in run.model.topics}
        _write_terms(run, "top_pieces.csv", pieces)
    if run.settings.plots:
        _write_grid(run.folder / "top_terms.png", terms_by_topic, _draw_terms, left=1.2)


def _write_terms(run: TrainingRun, name: str, terms_by_topic: dict[str, dict[str, float]]) -> None:
    """Write the weights of terms as a table."""
    rows = [(topic, term, weight) for topic, terms in terms_by_topic.items() for term, weight in terms.items()]
    write_table(pd.DataFrame(rows, columns=["topic", "term", "weight"]), run.folder / name)


def write_plots(run: TrainingRun) -> None:
    """Draw for each topic precision against recall, its confusions, its scores by threshold, and what tables hold."""
    results = _results_by_topic(run)
    _write_grid(_file(run, "precision_recall"), results, _draw_precision_recall, shared_scales=True)
    _write_grid(_file(run, "confusion"), results, _draw_confusion, shared_scales=True)
    _write_grid(_file(run, "threshold"), results, _draw_threshold, shared_scales=True, legend="lower center")

    if "reliability" in run.tables:
        _write_grid(_file(run, "reliability"), _table_by_topic(run, "reliability"), _draw_reliability)
    if "prevalence" in run.tables:
        _write_grid(_file(run, "prevalence"), _table_by_topic(run, "prevalence"), _draw_prevalence, legend="best")
    if "learning_curve" in run.tables:
        _write_grid(_file(run, "learning_curve"), {"macro F1": run.tables["learning_curve"]}, _draw_learning_curve)


def _file(run: TrainingRun, name: str) -> Path:
    """Return the file of a plot."""
    return run.folder / f"{name}_{run.part}.png"


def _results_by_topic(run: TrainingRun) -> dict[str, _TopicResult]:
    """Return what the model decided for each topic on the part that it is judged by."""
    rows, model = run.dataset.rows(run.part), run.model
    Y, P = run.dataset.Y[rows], run.probabilities[rows]
    columns = zip(run.dataset.topics, Y.T, P.T, model.decide(P).T, model.thresholds, strict=True)
    return {topic: _TopicResult(y, p, decided, threshold) for topic, y, p, decided, threshold in columns}


def _table_by_topic(run: TrainingRun, name: str) -> dict[str, pd.DataFrame]:
    """Return the rows of a table for each topic."""
    rows = dict(iter(run.tables[name].groupby("topic")))
    return {topic: rows[topic] for topic in run.dataset.topics}


def _write_grid(
    file: Path,
    panels: Mapping[str, T],
    draw: Callable[["Axes", T], None],
    *,
    left: float = 0.5,
    shared_scales: bool = False,
    legend: Literal["best", "lower center"] | None = None,
) -> None:
    """Draw one small plot per panel and save the picture.

    Parameters
    ----------
    file : Path
        Where to save it.
    panels : mapping
        What each plot shows, by its title.
    draw : callable
        Draws a panel.
    left : float, default 0.5
        Inches for the labels at the left of each plot.
    shared_scales : bool, default False
        Whether all plots have the same scales, which are then written only at the left and at the bottom: text takes
        longest to draw.
    legend : {"best", "lower center"}, optional
        Where in the first plot to put the legend; by default there is none.
    """
    from matplotlib.figure import Figure

    across = min(_MAX_ACROSS, len(panels))
    down = -(-len(panels) // across)
    width, height = 2.1 + left, 2.3  # inches; placed by hand, since a layout engine draws everything twice
    figure = Figure(figsize=(width * across, height * down))

    for number, (title, panel) in enumerate(panels.items()):
        row, column = divmod(number, across)
        place = ((column + left / width) / across, 1 - (row + 0.82) / down, 2 / width / across, 0.7 / down)
        axes = figure.add_axes(place)
        axes.set_title(title, fontsize=9, pad=3, parse_math=False)
        axes.tick_params(labelsize=7)
        draw(axes, panel)
        if legend and number == 0:
            axes.legend(fontsize=6, loc=legend, frameon=False)
        if shared_scales and column:
            axes.tick_params(labelleft=False)
            axes.set_ylabel("")
        if shared_scales and number + across < len(panels):
            axes.tick_params(labelbottom=False)
            axes.set_xlabel("")
    with warnings.catch_warnings():
        # A topic may be an emoji, say
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        figure.savefig(file, dpi=100)


def _draw_terms(axes: "Axes", terms: Mapping[str, float]) -> None:
    """Draw the weights of terms as bars, the largest on top."""
    axes.barh(range(len(terms)), list(terms.values()), color="C0")
    axes.set_yticks(range(len(terms)), list(terms), fontsize=6, parse_math=False)
    axes.invert_yaxis()
    axes.set_xlabel("weight (log-odds)", fontsize=7)


def _draw_precision_recall(axes: "Axes", result: _TopicResult) -> None:
    """Draw precision against recall, the point of the threshold marked; the line of chance dotted."""
    y, decided = result.y, result.decided
    _, ends, hits = cut_points(y, result.p)
    if y.any():
        axes.step(hits / y.sum(), hits / (ends + 1), where="pre", linewidth=1.2)
    if y.any() and decided.any():
        recall, precision = (y & decided).sum() / y.sum(), (y & decided).sum() / decided.sum()
        axes.plot(recall, precision, "o", color="C3", markersize=4)
    axes.axhline(y.mean(), linestyle=":", color="grey", linewidth=1)
    axes.set(xlim=(0, 1.02), ylim=(0, 1.05))
    axes.set_xlabel("recall", fontsize=7)
    axes.set_ylabel("precision", fontsize=7)


def _draw_confusion(axes: "Axes", result: _TopicResult) -> None:
    """Draw the four counts of labels against decisions, shaded by the share of their row."""
    y, decided = result.y, result.decided
    counts = np.array([[(~y & ~decided).sum(), (~y & decided).sum()], [(y & ~decided).sum(), (y & decided).sum()]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(2, 2):
        color = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=9, color=color)
    axes.set_xticks([0, 1], ["not given", "given"])
    axes.set_yticks([0, 1], ["not labelled", "labelled"], rotation=90, va="center")


def _draw_threshold(axes: "Axes", result: _TopicResult) -> None:
    """Draw precision, recall and F1 against the threshold, the chosen one marked."""
    ranked, ends, hits = cut_points(result.y, result.p)
    given, positive = ends + 1, max(result.y.sum(), 1)
    axes.plot(ranked[ends], hits / given, ":", linewidth=1.1, label="precision")
    axes.plot(ranked[ends], hits / positive, "--", linewidth=1.1, label="recall")
    axes.plot(ranked[ends], 2 * hits / (given + positive), "-", linewidth=1.1, label="F1")
    axes.axvline(result.threshold, color="C3", linewidth=1)
    axes.set(xlim=(0, 1), ylim=(0, 1.05))
    axes.set_xlabel("threshold", fontsize=7)


def _draw_reliability(axes: "Axes", curve: pd.DataFrame) -> None:
    """Draw the share of positives against the mean probability of each bin; on the dotted line they are equal."""
    end = max(0.05, 1.05 * curve[["probability", "share"]].to_numpy().max())
    axes.plot([0, end], [0, end], linestyle=":", color="grey", linewidth=1)
    axes.plot(curve["probability"], curve["share"], "o-", linewidth=1, markersize=3)
    axes.set(xlim=(0, end), ylim=(0, end))
    axes.set_xlabel("probability", fontsize=7)
    axes.set_ylabel("share with the topic", fontsize=7)


def _draw_prevalence(axes: "Axes", counts: pd.DataFrame) -> None:
    """Draw the corrected number of sentences per period with its interval, what was counted, and the true number."""
    counts = counts[counts["period"].notna()]
    places = np.arange(len(counts))
    axes.fill_between(places, counts["low"], counts["high"], color="C0", alpha=0.25, linewidth=0, label="95 % interval")
    axes.plot(places, counts["corrected"], color="C0", linewidth=1.2, label="corrected")
    axes.plot(places, counts["counted"], color="C1", linewidth=0.8, linestyle="--", label="counted")
    if "true" in counts:
        axes.plot(places, counts["true"], "k.", markersize=4, label="true")
    dated = places[:: max(1, -(-len(places) // _MAX_DATES))]
    axes.set_xticks(dated, [str(counts["period"].iloc[place])[:10] for place in dated], fontsize=6)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("sentences", fontsize=7)


def _draw_learning_curve(axes: "Axes", curve: pd.DataFrame) -> None:
    """Draw macro F1 against the number of training sentences, with its interval."""
    if "f1_macro" not in curve:
        return
    scored = curve[curve["f1_macro"].notna()]
    macro = scored["f1_macro"]
    errors = [macro - scored["f1_macro_low"], scored["f1_macro_high"] - macro]
    axes.errorbar(scored["sentences"], macro, errors, marker="o", markersize=3, linewidth=1, capsize=2)
    axes.set_ylim(0, 1)
    axes.set_xlabel("training sentences", fontsize=7)
