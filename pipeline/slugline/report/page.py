"""The page of a run: one HTML file that needs nothing else, for the screen, the phone and paper."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from slugline.launch import REPORT
from slugline.report.counts import describe_copies, describe_labels, describe_left_out
from slugline.report.judged import describe_chance
from slugline.report.plots import Plot
from slugline.report.rendering import Table, render
from slugline.report.scores import baseline_scores, format_interval, format_number, format_p, format_scores
from slugline.training.judged import CROSS_VALIDATED
from slugline.training.run import TrainingRun

_CALIBRATION_COLUMNS = {  # of the table: heading and format
    "brier": ("squared error", ".3f"),
    "brier_constant": ("of the topic's share", ".3f"),
    "ece": ("calibration error", ".3f"),
    "ece_debiased": ("less chance", ".3f"),
    "reading_budget": ("to read", ".1%"),
    "work_saved": ("work saved", ".1%"),
}


def write_page(run: TrainingRun, errors: pd.DataFrame, plots: Mapping[str, Plot]) -> None:
    """Write the page of a run into its folder, in which the one for reports is there.

    Parameters
    ----------
    run : TrainingRun
        The run.
    errors : DataFrame
        Its most confident mistakes, from `find_mistakes`.
    plots : mapping of str to Plot
        Its plots, from `draw_plots`.
    """
    part, tables, topics = run.part, run.tables, run.dataset.topics
    page = render(
        "run.html.j2",
        title=run.name,
        part="the cross-validated sentences" if part == CROSS_VALIDATED else part,
        chance=describe_chance(run),
        topics=topics,
        headline=_headline(run),
        notes=run.dataset.notes,
        one_topic=run.dataset.mode == "multiclass",
        definitions=Table(
            ["topic", "what it means"],
            [(topic, run.definitions[topic]) for topic in topics if run.definitions.get(topic)],
        ),
        data=_data(run),
        sentence_scores=_scores(run, part, "sentences"),
        other_scores=_other_scores(run),
        article_scores=_scores(run, f"{part}/article", "articles"),
        calibration=_calibration(tables["calibration"]),
        repeats=_repeats(tables["repeats"]) if "repeats" in tables else None,
        learning_curve=_learning_curve(tables["learning_curve"]) if "learning_curve" in tables else None,
        slices=_slices(tables["slices"]) if "slices" in tables else None,
        counts=_counts(tables["prevalence"]) if "prevalence" in tables else None,
        plots=plots,
        mistakes={topic: rows.to_dict("records") for topic, rows in errors.groupby("topic", sort=False)},
        train_kept=bool(run.dataset.rows("train").any()),
        commands=run.commands(),
        config=run.config,
    )
    (run.folder / REPORT).write_text(page, encoding="utf-8")


def _headline(run: TrainingRun) -> dict[str, Any]:
    """Return the score that counts, with its interval, and the baselines."""
    key = f"{run.part}/f1_macro"
    baselines = baseline_scores(run.metrics, run.part)
    return {
        "score": f"{run.metrics[key]:.3f}",
        "interval": format_interval(run.metrics, key),
        "sentences": run.describe_judged(),
        "articles": run.dataset.sentences["article_id"][run.judged.rows].nunique(),
        "baselines": ", ".join(f"{name} {macro:.3f}" for name, (macro, _) in baselines.items()),
    }


def _data(run: TrainingRun) -> dict[str, Any]:
    """Return what was read, left out and split, with how far the split leaks."""
    dataset = run.dataset
    counts, leakage, label_counts = dataset.counts, dataset.leakage, dataset.label_counts
    copied = dataset.copy_leakage.sentences if dataset.copy_leakage else {}
    parts = [
        (part, size, leakage.sentences.get(part, ""), copied.get(part, ""), run.digests.get(part, ""))
        for part, size in dataset.sizes.items()
    ]
    columns = ["part", "sentences", "also in train, word for word", "also in train, nearly", "digest"]
    topics = [(topic, *map(int, row)) for topic, *row in label_counts.itertuples()]
    return {
        "summary": (
            f"{counts['used']} of {counts['sentences']} sentences of {counts['articles']} articles; left out: "
            f"{describe_left_out(dataset)}. {describe_labels(dataset)}."
        ),
        "articles_in_several_parts": leakage.articles,
        "copies": describe_copies(dataset),
        "parts": Table(columns, parts, (1, 2, 3)),
        "topics": Table(["sentences with", *label_counts.columns], topics, range(1, 1 + label_counts.shape[1])),
    }


def _scores(run: TrainingRun, part: str, unit: str) -> Table:
    """Return the scores per topic and their averages, with intervals; `unit` is what has topics."""
    scores = format_scores(run.metrics, run.dataset.topics, part)
    columns = ["topic", "precision", "recall", "F1", "95 %", "average precision", "95 %", unit]
    return Table(columns, [list(row) for row in scores.itertuples()], range(1, len(columns)))


def _other_scores(run: TrainingRun) -> dict[str, Table]:
    """Return the scores on parts that are held out beside cross-validated sentences, by their names."""
    others = run.all_judged()[1:] if run.part == CROSS_VALIDATED else []
    return {other.part: _scores(run, other.part, "sentences") for other in others}


def _repeats(repeats: pd.DataFrame) -> dict[str, Any]:
    """Return the scores of each split, their mean and their spread, and what went wrong in splits without a score."""
    by_seed = repeats.set_index("seed").rename(index="seed {}".format)
    notes = by_seed["note"].dropna() if "note" in by_seed else pd.Series()
    scores = by_seed[["f1_macro", "f1_micro", "ap_macro"]].dropna()
    spread = scores.agg(["mean", "std"]).rename(index={"std": "standard deviation"})
    shown = pd.concat([scores, spread]).rename_axis("split").reset_index()
    shown.columns = pd.Index(["split", "macro F1", "micro F1", "macro average precision"])
    return {
        "scores": Table.from_frame(shown, decimals=3),
        "notes": [f"{split}: {note}" for split, note in notes.items()],
    }


def _learning_curve(curve: pd.DataFrame) -> Table:
    """Return macro F1 with each share of the training articles."""
    rows = []
    for point in curve.to_dict("records"):
        scored = pd.notna(point.get("f1_macro"))
        score = f"{point['f1_macro']:.3f}" if scored else point["note"]
        interval = f"{point['f1_macro_low']:.3f} to {point['f1_macro_high']:.3f}" if scored else ""
        rows.append([f"{point['share']:.0%}", point["articles"], point["sentences"], score, interval])
    return Table(["share of train", "articles", "sentences", "macro F1", "95 %"], rows, range(5))


def _calibration(calibration: pd.DataFrame) -> Table:
    """Return how far probabilities can be believed, and how much must be read to find nearly all."""
    rows = []
    for topic in calibration.to_dict("records"):
        cells = []
        for name, (_, form) in _CALIBRATION_COLUMNS.items():
            ends = [format_number(topic[f"{name}_{end}"], form) for end in ("low", "high") if f"{name}_{end}" in topic]
            cells += [format_number(topic[name], form), *([" to ".join(filter(None, ends))] if ends else [])]
        rows.append([topic["topic"], *cells])
    headings: list[str] = []
    for name, (heading, _) in _CALIBRATION_COLUMNS.items():
        headings += [heading, "95 %"] if f"{name}_low" in calibration else [heading]
    return Table(["topic", *headings], rows, range(1, 1 + len(headings)))


def _slices(slices: pd.DataFrame) -> Table:
    """Return micro F1 of each slice beside the rest, those that are worse marked."""
    rows = [
        [
            row["by"],
            row["slice"],
            row["sentences"],
            row["articles"],
            f"{row['score']:.3f}",
            f"{row['low']:.3f} to {row['high']:.3f}",
            f"{row['difference']:+.3f} ({row['difference_low']:+.3f} to {row['difference_high']:+.3f})",
            format_p(row["p_holm"]),
            "worse" if row["worse"] else "",
        ]
        for row in slices.to_dict("records")
    ]
    columns = ["by", "which", "sentences", "articles", "micro F1", "95 %", "difference from the rest", "p", ""]
    return Table(columns, rows, range(2, 8))


def _counts(prevalence: pd.DataFrame) -> dict[str, Any] | None:
    """Return how counts of sentences over time compare with the true ones; None where none could be corrected."""
    known = prevalence.dropna(subset="corrected")
    if known.empty:
        return None
    true = known["true"]
    covered = (known["low"] <= true) & (true <= known["high"])
    return {
        "counted_error": f"{(known['counted'] - true).abs().mean():.2f}",
        "corrected_error": f"{(known['corrected'] - true).abs().mean():.2f}",
        "covered": f"{covered.mean():.0%}",
        "cases": len(known),
    }
