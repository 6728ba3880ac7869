"""The card of a model, in Markdown: Mitchell et al. 2019, "Model cards for model reporting"."""

from slugline.report.markdown import plain
from slugline.report.terminal import BASELINES, between_ends
from slugline.training.run import TrainingRun


def describe_model(run: TrainingRun) -> str:
    """Return what a stranger should know before using a model: what it is for, how good it is, where it fails."""
    sections = {
        "What it does": _purpose(run),
        "What it learned from": _origin(run),
        "How good it is": _scores(run),
        "Where it is worse": _weak_spots(run),
        "What to keep in mind": _caveats(run),
        "How to train it again": [f"    {line}" for line in "\n".join(run.commands()).splitlines()],
    }
    lines = [f"# {plain(run.name)}"]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _purpose(run: TrainingRun) -> list[str]:
    """Return what the model is to tell, and how it is used."""
    kind = "exactly one topic" if run.dataset.mode == "multiclass" else "any number of topics, or none,"
    defined = [
        f"* **{plain(topic)}**: {plain(run.definitions.get(topic) or 'not defined')}" for topic in run.dataset.topics
    ]
    use = '`slugline predict model_uri=... input=...`, or in Python `slugline.load_model("...").predict([...])`.'
    return [f"Gives each sentence of a news article {kind} with a probability each. Use: {use}", "", *defined]


def _origin(run: TrainingRun) -> list[str]:
    """Return the data: how much, who labelled, how it was parted."""
    sources = ", ".join(
        f"{n} {plain(name)}" for name, n in run.dataset.sentences["label_source"].value_counts().items()
    )
    parts = ", ".join(
        f"{part} {size} (digest {run.digests.get(part, 'none')})" for part, size in run.dataset.sizes.items()
    )
    dates = run.dataset.sentences["published"].dropna()
    between = f" Published {str(dates.min())[:10]} to {str(dates.max())[:10]}." if len(dates) else ""
    counted = f"{run.dataset.counts['used']} sentences of {run.dataset.counts['articles']} articles: {parts}."
    some = (
        " Of those kept to be judged by, labels"
        if len(run.dataset.sentences) < run.dataset.counts["used"]
        else " Labels"
    )
    return [f"{counted}{some}: {sources}.{between}", *(f"* Note: {plain(note)}." for note in run.dataset.notes)]


def _scores(run: TrainingRun) -> list[str]:
    """Return the scores per topic with their intervals, and the baselines."""
    metrics, part, table = run.metrics, run.part, run.scores
    rows = [
        f"On {int(run.dataset.rows(part).sum())} sentences of {part}; 95 % intervals by bootstrap over articles.",
        "",
        "| topic | precision | recall | F1 | 95 % | average precision | calibration error | sentences |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    for topic in [*run.dataset.topics, "macro"]:
        row, is_topic = table.loc[topic], topic != "macro"
        error = metrics[f"{part}/ece/{topic}" if is_topic else f"{part}/ece_macro"]
        shown = " | ".join(f"{row[name]:.3f}" for name in ("precision", "recall", "f1"))
        support = f"{row['support']:.0f}" if is_topic else ""
        between = between_ends(metrics, part, "f1", topic, is_topic)
        rows.append(f"| {plain(topic)} | {shown} | {between} | {row['ap']:.3f} | {error:.3f} | {support} |")
    guesses = [
        f"* Baseline {name.replace('_', ' ')}: macro F1 {metrics[f'{part}/f1_macro_{name}']:.3f}"
        for name in BASELINES
        if f"{part}/f1_macro_{name}" in metrics
    ]
    articles = metrics[f"{part}/article/f1_macro"]
    return [*rows, "", *guesses, f"* On whole articles: macro F1 {articles:.3f}"]


def _weak_spots(run: TrainingRun) -> list[str]:
    """Return the slices that are worse than the rest beyond chance."""
    if "slices" not in run.tables:
        return ["No slices were looked at."]
    found = run.tables["slices"]
    worse = [
        f"* {plain(row['by'])} {plain(row['slice'])}: micro F1 {row['score']:.3f}, "
        f"else {row['rest']:.3f} (p {row['p_holm']:.3f})"
        for row in found[found["worse"]].to_dict("records")
    ]
    return worse or [f"In none of {len(found)} slices beyond chance; small ones can hardly be."]


def _caveats(run: TrainingRun) -> list[str]:
    """Return what the scores do not say."""
    part = run.part
    rare = [topic for topic in run.dataset.topics if run.metrics[f"{part}/support/{topic}"] < 20]
    lines = [
        f"* Scores hold for text like that of {part}; `slugline monitor` tells whether new text is.",
        "* Counts of sentences are off by the model's errors; `slugline monitor` corrects them.",
        "* It sees a sentence at a time, without what stands around it.",
    ]
    few = f"* Fewer than 20 sentences of {part} each, so little is known of: {', '.join(map(plain, rare))}."
    return [*lines, few] if rare else lines
