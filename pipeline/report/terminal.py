"""What the terminal shows of a run, and the descriptions that MLflow shows."""

from collections.abc import Mapping, Sequence

from pipeline.material import Material
from pipeline.metrics import tabulate
from pipeline.splits import PARTS

BASELINES = ("most_frequent", "rules")


def describe_material(material: Material) -> str:
    """Return what was read, left out and split, in a few lines."""
    counts = material.counts
    left_out = [f"{counts[key]} {key}" for key in ("debris", "unlabelled", "rejected") if counts.get(key)]
    parts = ", ".join(f"{part} {size}" for part, size in material.sizes.items())
    leaks = ", ".join(
        f"{n} {part} sentences ({material.leakage.shares[part]:.1%})" for part, n in material.leakage.sentences.items()
    )
    lines = [
        f"data    {counts['used']} of {counts['sentences']} sentences, {counts['articles']} articles; "
        f"left out: {', '.join(left_out) or 'none'}",
        f"split   {parts} sentences; on both sides: {material.leakage.articles} articles, {leaks}",
    ]
    return "\n".join(lines + [f"note    {note}" for note in material.notes])


def describe_scores(metrics: Mapping[str, float], topics: Sequence[str], part: str) -> str:
    """Return the scores of a part as a table for the terminal, baselines below."""
    table = tabulate(metrics, part, topics)
    shown = table.map("{:.3f}".format).where(table.notna(), "")
    between = [f1_interval(metrics, part, name, name in topics) for name in table.index]
    if any(between):
        shown.insert(3, "95 %", between)
    shown["support"] = [f"{value:.0f}" if value == value else "" for value in table["support"]]
    lines = [shown.to_string()]
    for name in BASELINES:
        if (key := f"{part}/f1_macro_{name}") in metrics:
            micro = metrics[f"{part}/f1_micro_{name}"]
            lines.append(f"baseline {name.replace('_', ' ')}: macro F1 {metrics[key]:.3f}, micro F1 {micro:.3f}")
    return "\n".join(lines)


def f1_interval(metrics: Mapping[str, float], part: str, name: str, is_topic: bool) -> str:
    """Return the interval of the F1 of a topic or an average, "" where there is none."""
    key = f"{part}/f1/{name}" if is_topic else f"{part}/f1_{name}"
    low, high = metrics.get(f"{key}_low"), metrics.get(f"{key}_high")
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def describe_run(metrics: Mapping[str, float], material: Material, definitions: Mapping[str, str], part: str) -> str:
    """Return the description of a run and of its model in Markdown."""
    table = tabulate(metrics, part, material.topics)
    head = f"Macro F1 on {part} **{metrics[f'{part}/f1_macro']:.3f}**, micro F1 {metrics[f'{part}/f1_micro']:.3f}"
    rows = ["| topic | precision | recall | F1 | sentences | definition |", "| --- | --- | --- | --- | --- | --- |"]
    for topic in material.topics:
        row = table.loc[topic]
        said = definitions.get(topic, "").replace("|", "/")
        rows.append(
            f"| {topic} | {row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} "
            f"| {row['support']:.0f} | {said} |"
        )
    return "\n".join([f"{head}, {material.rows(part).sum()} sentences.", "", *rows])


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


def main_part(metrics: Mapping[str, float]) -> str:
    """Return the part that a run is judged by: test, or dev where there is no test."""
    return "test" if "test/f1_macro" in metrics else "dev"
