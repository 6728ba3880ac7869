"""Plots of a run, a small one per topic."""

from ast import literal_eval
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from slugline.launch import PLOTS, TABLES
from slugline.model import TopicModel
from slugline.model.heads import LinearHead
from slugline.model.rule_votes import RuleFeatures
from slugline.report.svg import Axis, Panel, picture
from slugline.scoring import cut_points
from slugline.spreadsheets import write_table
from slugline.training.run import TrainingRun

_TERMS = 15  # of each topic
_HALVES = ((0.0, "0"), (0.5, "0.5"), (1.0, "1"))


class Plot(NamedTuple):
    """A plot of a run: its small plots, a topic each, what they show, and what their lines mean (class and text)."""

    caption: str
    panels: Sequence[Panel]
    keys: Sequence[tuple[str, str]] = ()


class _TopicResult(NamedTuple):
    """Labels, probabilities and decisions for one topic, each of shape (sentences,), and its threshold."""

    y: np.ndarray
    p: np.ndarray
    decided: np.ndarray
    threshold: float


def write_top_terms(run: TrainingRun, limit: int = _TERMS) -> None:
    """Write the terms with the largest weights for each topic, if the model is linear.

    Where the model has pieces of words beside words, these have a table of their own.

    Parameters
    ----------
    run : TrainingRun
        A run, whose folder for tables is there.
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


def _write_terms(run: TrainingRun, name: str, terms_by_topic: dict[str, dict[str, float]]) -> None:
    """Write the weights of terms as a table."""
    rows = [(topic, term, weight) for topic, terms in terms_by_topic.items() for term, weight in terms.items()]
    write_table(pd.DataFrame(rows, columns=["topic", "term", "weight"]), run.folder / TABLES / name)


def draw_plots(run: TrainingRun) -> dict[str, Plot]:
    """Draw for each topic precision against recall, its confusions, its scores by threshold, and what tables hold.

    Returns
    -------
    dict of str to Plot
        By their names, such as `precision_recall`.
    """
    results = _results_by_topic(run)
    plots = {
        "precision_recall": Plot(
            "Precision against recall: what is given up of one for the other; the red point is the threshold in use.",
            [_draw_precision_recall(topic, result) for topic, result in results.items()],
            [("one", "model"), ("quiet", "chance")],
        ),
        "confusion": Plot(
            "Numbers of sentences by label (rows) and decision (columns), shaded by the share of the row.",
            [_draw_confusion(topic, result) for topic, result in results.items()],
        ),
        "threshold": Plot(
            "Precision, recall and F1 for each threshold that could be chosen.",
            [_draw_threshold(topic, result) for topic, result in results.items()],
            [("one", "F1"), ("two", "recall"), ("three", "precision"), ("mark", "threshold in use")],
        ),
    }
    if isinstance(run.model.head, LinearHead):
        plots["top_terms"] = Plot(
            "The terms with the largest weights, in log-odds; all topics have one scale.",
            list(_draw_terms({topic: _bare_terms(run.model, topic) for topic in run.model.topics})),
        )
    return plots | dict(_draw_tables(run))


def _draw_tables(run: TrainingRun) -> Iterator[tuple[str, Plot]]:
    """Draw those tables of a run that are there."""
    if "reliability" in run.tables:
        end = max(0.05, 1.05 * run.tables["reliability"][["probability", "share"]].to_numpy().max())
        yield (
            "reliability",
            Plot(
                "The share of sentences with the topic, against their probability; ten bins of as many sentences.",
                [_draw_reliability(topic, curve, end) for topic, curve in _table_by_topic(run, "reliability").items()],
                [("one", "model"), ("quiet", "equal")],
            ),
        )
    if "prevalence" in run.tables:
        yield "prevalence", draw_counts(run.tables["prevalence"], run.dataset.topics)
    if "f1_macro" in run.tables.get("learning_curve", ()):
        panel = _draw_learning_curve(run.tables["learning_curve"])
        yield "learning_curve", Plot("Macro F1 with fewer training articles, each with its 95 % interval.", [panel])


def draw_bars(title: str, names: Sequence[str], values: np.ndarray, *, at_least: float = 0.0) -> Panel:
    """Draw numbers from 0 as bars, the first on top; the scale reaches `at_least` so far."""
    x = Axis(0, 1.05 * max(at_least, float(np.max(values, initial=0.0))))
    panel = Panel(title, x, Axis(len(names), 0, ticks=()), left=270, height=90 + 28 * len(names))
    panel.bars(names, values, "bar")
    return panel


def draw_counts(counts: pd.DataFrame, topics: Sequence[str]) -> Plot:
    """Draw the numbers of sentences per period of each topic, all on one scale, from `estimate_prevalence`."""
    counts = counts[counts["period"].notna()]
    numbers = counts.reindex(columns=["high", "corrected", "counted", "true"]).to_numpy(float)
    y, rows = Axis(0, 1.05 * np.nanmax(numbers, initial=1.0), "sentences"), dict(iter(counts.groupby("topic")))
    return Plot(
        f"Sentences per period{', the true number as points' if 'true' in counts else ''}; all topics have one scale.",
        [_draw_prevalence(topic, rows[topic], y) for topic in topics if topic in rows],
        [("one", "corrected"), ("area", "its 95 % interval"), ("two", "as counted")],
    )


def write_plots(run: TrainingRun, plots: Mapping[str, Plot]) -> None:
    """Write each plot into the folder of a run as SVG, named after the part that it shows; `top_terms` shows none."""
    for name, plot in plots.items():
        file = run.folder / PLOTS / (f"{name}.svg" if name == "top_terms" else f"{name}_{run.part}.svg")
        file.write_text(picture(plot.caption, plot.keys, plot.panels), encoding="utf-8", newline="\n")


def _results_by_topic(run: TrainingRun) -> dict[str, _TopicResult]:
    """Return what the model decided for each topic on the part that it is judged by."""
    judged, Y = run.judged, run.dataset.Y[run.judged.rows]
    columns = zip(run.dataset.topics, Y.T, judged.probabilities.T, judged.decided.T, run.model.thresholds, strict=True)
    return {topic: _TopicResult(y, p, decided, threshold) for topic, y, p, decided, threshold in columns}


def _table_by_topic(run: TrainingRun, name: str) -> dict[str, pd.DataFrame]:
    """Return the rows of a table for each topic."""
    rows = dict(iter(run.tables[name].groupby("topic")))
    return {topic: rows[topic] for topic in run.dataset.topics}


def _bare_terms(model: TopicModel, topic: str) -> dict[str, float]:
    """Return the largest weights of a topic by their terms, without a vectorizer that all of them but rules have."""
    terms = model.top_terms(topic, _TERMS)
    prefixes = {f"{part.name}: " for part in model.vectorizers if part.kind != RuleFeatures.kind}
    used = [prefix for prefix in prefixes if any(term.startswith(prefix) for term in terms)]
    if len(model.vectorizers) == 1 or len(used) != 1:
        return terms
    return {_bare(term, used[0]): weight for term, weight in terms.items()}


def _bare(term: str, prefix: str) -> str:
    """Return a term without its vectorizer."""
    return str(literal_eval(term.removeprefix(prefix))) if term.startswith(prefix) else term


def _draw_terms(terms_by_topic: Mapping[str, Mapping[str, float]]) -> Iterator[Panel]:
    """Draw the weights of terms as bars, the largest on top."""
    weights = [weight for terms in terms_by_topic.values() for weight in terms.values()]
    x = Axis(min(0.0, *weights), max(0.0, *weights))
    rows = max(map(len, terms_by_topic.values()))
    for topic, terms in terms_by_topic.items():
        panel = Panel(topic, x, Axis(rows, 0, ticks=()), left=230, height=90 + 28 * rows)
        panel.bars(list(terms), np.array(list(terms.values())), "bar")
        yield panel


def _draw_precision_recall(topic: str, result: _TopicResult) -> Panel:
    """Draw precision against recall, the point of the threshold marked; the line of chance dotted."""
    y, decided = result.y, result.decided
    panel = Panel(topic, Axis(0, 1, "recall", _HALVES), Axis(0, 1, "precision", _HALVES))
    panel.rule("quiet", y=y.mean())
    _, ends, hits = cut_points(y, result.p)
    if y.any():
        panel.steps(hits / y.sum(), hits / (ends + 1), "one")
    if y.any() and decided.any():
        recall, precision = (y & decided).sum() / y.sum(), (y & decided).sum() / decided.sum()
        panel.points(np.array([recall]), np.array([precision]), "chosen")
    return panel


def _draw_confusion(topic: str, result: _TopicResult) -> Panel:
    """Draw the four counts of labels against decisions, shaded by the share of their row."""
    y, decided = result.y, result.decided
    counts = np.array([[(~y & ~decided).sum(), (~y & decided).sum()], [(y & ~decided).sum(), (y & decided).sum()]])
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    x = Axis(0, 2, ticks=((0.5, "not given"), (1.5, "given")))
    panel = Panel(
        topic, x, Axis(2, 0, ticks=((0.5, "not labelled"), (1.5, "labelled"))), left=156, height=266, grid=False
    )
    panel.cells(shares, counts)
    return panel


def _draw_threshold(topic: str, result: _TopicResult) -> Panel:
    """Draw precision, recall and F1 against the threshold, the chosen one marked."""
    ranked, ends, hits = cut_points(result.y, result.p)
    given, positive = ends + 1, max(result.y.sum(), 1)
    panel = Panel(topic, Axis(0, 1, "threshold", _HALVES), Axis(0, 1, ticks=_HALVES), left=60)
    panel.line(ranked[ends], hits / given, "three")
    panel.line(ranked[ends], hits / positive, "two")
    panel.line(ranked[ends], 2 * hits / (given + positive), "one")
    panel.rule("mark", x=result.threshold)
    return panel


def _draw_reliability(topic: str, curve: pd.DataFrame, end: float) -> Panel:
    """Draw the share of positives against the mean probability of each bin; on the dotted line they are equal."""
    panel = Panel(topic, Axis(0, end, "probability"), Axis(0, end, "share"), left=96)
    panel.rule("quiet")
    panel.line(curve["probability"].to_numpy(), curve["share"].to_numpy(), "one")
    panel.points(curve["probability"].to_numpy(), curve["share"].to_numpy(), "dot")
    return panel


def _draw_prevalence(topic: str, counts: pd.DataFrame, y: Axis) -> Panel:
    """Draw the corrected number of sentences per period with its interval, what was counted, and the true number."""
    places = np.arange(len(counts))
    dates = counts["period"].astype(str).str[:10]
    most_dates = 2 if dates.str.len().max() > 7 else 4
    dated = places[:: max(1, -(-len(places) // most_dates))].tolist()
    x = Axis(-0.5, len(places) - 0.5, ticks=[(place, dates.iloc[place]) for place in dated])
    panel = Panel(topic, x, y, left=112, height=340)
    low, high, corrected, counted = (counts[name].to_numpy(float) for name in ("low", "high", "corrected", "counted"))
    panel.band(places, low, high, "filled")
    panel.line(places, corrected, "one")
    panel.line(places, counted, "two")
    if "true" in counts:
        panel.points(places, counts["true"].to_numpy(float), "true")
    return panel


def _draw_learning_curve(curve: pd.DataFrame) -> Panel:
    """Draw macro F1 against the number of training sentences, with its interval."""
    curve = curve[curve["f1_macro"].notna()]
    sentences, macro, low, high = (
        curve[name].to_numpy(float) for name in ("sentences", "f1_macro", "f1_macro_low", "f1_macro_high")
    )
    x = Axis(0, 1.05 * sentences.max(initial=1), "training sentences")
    panel = Panel("macro F1", x, Axis(0, 1, ticks=_HALVES), left=60)
    panel.intervals(sentences, low, high, "one")
    panel.line(sentences, macro, "one")
    panel.points(sentences, macro, "dot")
    return panel
