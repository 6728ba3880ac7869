"""What the terminal shows of a run, and the descriptions that MLflow shows."""

from collections.abc import Mapping, Sequence

import pandas as pd

from slugline.dataset import Dataset
from slugline.report.markdown import plain
from slugline.scoring import tabulate
from slugline.splits import PARTS
from slugline.training.run import TrainingRun

BASELINES = ("most_frequent", "rules")


def describe_dataset(dataset: Dataset) -> str:
    """Return what was read, left out and split, in a few lines."""
    counts = dataset.counts
    left_out = [f"{counts[key]} {key}" for key in ("debris", "unlabelled", "rejected") if counts.get(key)]
    parts = ", ".join(f"{part} {size}" for part, size in dataset.sizes.items())
    leaks = ", ".join(
        f"{n} {part} sentences ({dataset.leakage.shares[part]:.1%})" for part, n in dataset.leakage.sentences.items()
    )
    lines = [
        f"data    {counts['used']} of {counts['sentences']} sentences, {counts['articles']} articles; "
        f"left out: {', '.join(left_out) or 'none'}",
        f"split   {parts} sentences; on both sides: {dataset.leakage.articles} articles, {leaks}",
    ]
    return "\n".join(lines + [f"note    {note}" for note in dataset.notes])


def describe_scores(metrics: Mapping[str, float], topics: Sequence[str], part: str) -> str:
    """Return the scores of a part as a table for the terminal, baselines below."""
    table = tabulate(metrics, part, topics)
    shown = table.map("{:.3f}".format).where(table.notna(), "")
    shown.insert(3, "95 %", [between_ends(metrics, part, "f1", name, name in topics) for name in table.index])
    shown["support"] = [f"{value:.0f}" if value == value else "" for value in table["support"]]
    lines = [shown.to_string()]
    for name in BASELINES:
        if (key := f"{part}/f1_macro_{name}") in metrics:
            micro = metrics[f"{part}/f1_micro_{name}"]
            lines.append(f"baseline {name.replace('_', ' ')}: macro F1 {metrics[key]:.3f}, micro F1 {micro:.3f}")
    return "\n".join(lines)


def between_ends(metrics: Mapping[str, float], part: str, kind: str, name: str, is_topic: bool) -> str:
    """Return the interval of a score of a topic or of an average, "" where there is none."""
    key = f"{part}/{kind}/{name}" if is_topic else f"{part}/{kind}_{name}"
    low, high = metrics.get(f"{key}_low"), metrics.get(f"{key}_high")
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def describe_run(run: TrainingRun) -> str:
    """Return the description of a run and of its model in Markdown."""
    metrics, part, table = run.metrics, run.part, run.scores
    head = f"Macro F1 on {part} **{metrics[f'{part}/f1_macro']:.3f}**, micro F1 {metrics[f'{part}/f1_micro']:.3f}"
    rows = ["| topic | precision | recall | F1 | sentences | definition |", "| --- | --- | --- | --- | --- | --- |"]
    for topic in run.dataset.topics:
        row = table.loc[topic]
        said = plain(run.definitions.get(topic, ""))
        rows.append(
            f"| {plain(topic)} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} "
            f"| {row['support']:.0f} | {said} |"
        )
    return "\n".join([f"{head}, {run.dataset.rows(part).sum()} sentences.", "", *rows])


def describe_job(metrics: Mapping[str, float]) -> str:
    """Return the scores of one job of a sweep, in a few words."""
    found = [f"{part} {metrics[f'{part}/f1_macro']:.3f}" for part in PARTS[1:] if f"{part}/f1_macro" in metrics]
    return f"macro F1 {', '.join(found)}"


def describe_stages(notes: Mapping[str, str]) -> str:
    """Return lines that say which stages the cache saved, and why it did not save the others; nothing without cache."""
    reused = [stage for stage, note in notes.items() if note == "reused"]
    made = [f"{stage} {note}" for stage, note in notes.items() if note != "reused"]
    lines = ([f"reused {', '.join(reused)}"] if reused else []) + made
    return "\n".join(f"cache   {line}" for line in lines)


def describe_tables(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return lines on what was looked at beyond the scores: slices that are worse, other splits, fewer articles."""
    lines = []
    if "slices" in tables:
        slices = tables["slices"]
        worse = [
            f"{row['by']} {row['slice']} ({row['score']:.3f})" for row in slices[slices["worse"]].to_dict("records")
        ]
        said = (
            f"worse than the rest beyond chance: {', '.join(worse)}"
            if worse
            else "none is worse than the rest beyond chance"
        )
        lines.append(f"slices  {len(slices)}, micro F1; {said}")
    if "repeats" in tables:
        macro, splits = tables["repeats"]["f1_macro"].dropna(), len(tables["repeats"])
        spread = f"{macro.mean():.3f}, standard deviation {macro.std():.3f}, {macro.min():.3f} to {macro.max():.3f}"
        lines.append(f"repeats {len(macro)} of {splits} splits: macro F1 {spread}")
    if "learning_curve" in tables:
        for row in tables["learning_curve"].to_dict("records"):
            scored = row.get("f1_macro")
            said = f"macro F1 {scored:.3f}" if scored == scored and scored is not None else row["note"]
            lines.append(f"curve   {row['share']:.0%} of train, {row['sentences']} sentences: {said}")
    return "\n".join(lines)
