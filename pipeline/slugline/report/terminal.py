"""What the terminal shows of a run."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from slugline.data.dates import describe_dates
from slugline.dataset import Dataset
from slugline.report.counts import describe_copies, describe_left_out, describe_shared
from slugline.report.scores import baseline_scores, format_scores
from slugline.splits import HELD_OUT
from slugline.training.judged import CROSS_VALIDATED

_WIDEST_TOPIC = 40
_STAGES = {
    "articles": "read articles",
    "sentences": "split into sentences",
    "labels": "label",
    "duplicates": "find copies",
    "split": "split into train, dev, test",
    "teacher": "teach",
    "features": "features",
    "fit": "fit and cross-validate",
    "thresholds": "choose thresholds",
    "cross_validation": "cross-validate all of it",
    "evaluate": "evaluate",
    "repeats": "repeat on other splits",
    "learning_curve": "learning curve",
    "report": "write report and model",
    "log": "log to MLflow",
}
_SCORES = {"precision": "precision", "recall": "recall", "f1": "f1", "f1_interval": "95 %", "ap": "ap"}


def describe_dataset(dataset: Dataset) -> str:
    """Return what was read, left out and split, in a few lines."""
    counts, leakage = dataset.counts, dataset.leakage
    parts = ", ".join(f"{part} {size}" for part, size in dataset.sizes.items())
    unused = counts["used"] - sum(dataset.sizes.values())
    by_rules = f"; not used: {unused} of dev and test, which rules labelled" if unused else ""

    lines = [
        f"data    {counts['used']} of {counts['sentences']} sentences, {counts['articles']} articles; "
        f"left out: {describe_left_out(dataset)}",
        f"split   {parts} sentences{by_rules}; articles in several parts: {leakage.articles}; in train word for word: "
        f"{describe_shared(leakage)}",
    ]
    if dates := describe_dates(counts["dated"], counts["undated"]):
        lines.insert(1, f"dates   {dates}")
    if copies := describe_copies(dataset):
        lines.append(f"copies  {copies}")
    if len(dataset.cleaned):
        lines.append(f"cleaned {_describe_cleaned(dataset.cleaned)}")
    return "\n".join([*lines, *describe_notes(dataset.notes)])


def describe_notes(notes: Iterable[str]) -> list[str]:
    """Return a line for each note, such as on how the columns of files were understood."""
    return [f"note    {note}" for note in notes]


def _describe_cleaned(cleaned: pd.DataFrame) -> str:
    """Return how many articles each step of cleaning changed, and how many sentences each marked as debris."""
    marked = cleaned["sentence_id"].notna()
    kinds = ((cleaned.loc[~marked, "step"], "articles"), (cleaned.loc[marked, "step"], "sentences"))
    counts = [(steps.value_counts().to_dict(), noun) for steps, noun in kinds if len(steps)]
    return "; ".join(f"{', '.join(f'{step} {count}' for step, count in each.items())} {noun}" for each, noun in counts)


def describe_scores(metrics: Mapping[str, float], topics: Sequence[str], part: str) -> str:
    """Return the scores of a part as a table, baselines below."""
    scores = format_scores(metrics, topics, part)[[*_SCORES, "support"]].rename(columns=_SCORES)
    baselines = [
        f"baseline {name}: macro F1 {macro:.3f}, micro F1 {micro:.3f}"
        for name, (macro, micro) in baseline_scores(metrics, part).items()
    ]
    scores.index = [shorten_topic(name) for name in scores.index]
    return "\n".join([scores.to_string(), *baselines])


def shorten_topic(name: object) -> str:
    """Return the name of a topic so that a table with it fits a terminal."""
    text = str(name)
    return text if len(text) <= _WIDEST_TOPIC else f"{text[: _WIDEST_TOPIC - 1]}…"


def describe_job(metrics: Mapping[str, float]) -> str:
    """Return the scores of one job of a sweep, in a few words."""
    names = {CROSS_VALIDATED: "cross-validated"} | {part: part for part in HELD_OUT}
    keys = {name: f"{part}/f1_macro" for part, name in names.items()}
    return f"macro F1 {', '.join(f'{name} {metrics[key]:.3f}' for name, key in keys.items() if key in metrics)}"


def describe_seconds(metrics: Mapping[str, float]) -> str:
    """Return the seconds of each stage as a table; its lines add up to the last, the total."""
    seconds = {key.removeprefix("time/"): value for key, value in metrics.items() if key.startswith("time/")}
    total, overlap = seconds.pop("total"), seconds.pop("overlap")
    names = _STAGES | {stage: stage for stage in seconds if stage not in _STAGES}
    rows = [(name, seconds[stage]) for stage, name in names.items() if stage in seconds]
    rows.append(("in no stage", total + overlap - sum(seconds.values())))
    if overlap:
        rows.append(("counted twice, as two stages went on at once", -overlap))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"seconds {name:<{width}} {value:7.2f}" for name, value in [*rows, ("total", total)])


def describe_stages(notes: Mapping[str, str]) -> str:
    """Return lines that say which stages the cache saved, and why it did not save the others; "" without cache."""
    reused = [stage for stage, note in notes.items() if note == "reused"]
    computed = [f"{stage} {note}" for stage, note in notes.items() if note != "reused"]
    lines = ([f"reused {', '.join(reused)}"] if reused else []) + computed
    return "\n".join(f"cache   {line}" for line in lines)


def describe_tables(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return lines on what was looked at beyond the scores: slices that are worse, other splits, fewer articles."""
    lines = []
    if "slices" in tables:
        lines.append(f"slices  {_describe_slices(tables['slices'])}")
    if "repeats" in tables:
        lines.append(f"repeats {_describe_repeats(tables['repeats'])}")
    if "learning_curve" in tables:
        lines += [f"curve   {_describe_point(point)}" for point in tables["learning_curve"].to_dict("records")]
    return "\n".join(lines)


def _describe_slices(slices: pd.DataFrame) -> str:
    """Return which slices are worse than the rest."""
    rows = slices[slices["worse"]].to_dict("records")
    worse = ", ".join(f"{row['by']} {row['slice']} ({row['score']:.3f})" for row in rows)
    verdict = f"worse than the rest beyond chance: {worse}" if worse else "none is worse than the rest beyond chance"
    return f"{len(slices)}, micro F1; {verdict}"


def _describe_repeats(repeats: pd.DataFrame) -> str:
    """Return the spread of macro F1 over splits."""
    macro = repeats["f1_macro"].dropna()
    spread = f"{macro.mean():.3f}, standard deviation {macro.std():.3f}, {macro.min():.3f} to {macro.max():.3f}"
    return f"{len(macro)} of {len(repeats)} splits: macro F1 {spread}"


def _describe_point(point: Mapping[Any, Any]) -> str:
    """Return the score at one point of a learning curve, or why there is none."""
    score = f"macro F1 {point['f1_macro']:.3f}" if pd.notna(point.get("f1_macro")) else point["note"]
    return f"{point['share']:.0%} of train, {point['sentences']} sentences: {score}"
