"""A run and its model in Markdown: the description that MLflow shows, and the model card.

Mitchell et al. 2019, "Model cards for model reporting".
"""

from itertools import accumulate

from slugline.report.counts import describe_labels
from slugline.report.markdown import plain
from slugline.report.scores import baseline_scores, format_scores
from slugline.training.run import TrainingRun

_FEW = 20  # sentences of a topic, below which its scores say little


_LONGEST_DESCRIPTION = 7900  # characters; MLflow cuts what is longer than 8000


def describe_run(run: TrainingRun) -> str:
    """Return the description of a run and of its model in Markdown: the scores, and what each topic means."""
    metrics, part, scores = run.metrics, run.part, run.scores
    macro, micro = metrics[f"{part}/f1_macro"], metrics[f"{part}/f1_micro"]
    sentences = run.dataset.rows(part).sum()
    lines = [
        f"Macro F1 on {part} **{macro:.3f}**, micro F1 {micro:.3f}, {sentences} sentences.",
        "",
        "| topic | precision | recall | F1 | sentences | definition |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for topic in run.dataset.topics:
        row = scores.loc[topic]
        numbers = f"{row['precision']:.2f} | {row['recall']:.2f} | {row['f1']:.2f} | {row['support']:.0f}"
        lines.append(f"| {plain(topic)} | {numbers} | {plain(run.definitions.get(topic, ''))} |")
    lengths = accumulate(len(line) + 1 for line in lines)
    kept = [line for line, length in zip(lines, lengths, strict=True) if length < _LONGEST_DESCRIPTION]
    more = ["", f"And {len(lines) - len(kept)} more topics: see model_card.md."] if len(kept) < len(lines) else []
    return "\n".join([*kept, *more])


def describe_model(run: TrainingRun) -> str:
    """Return the card of a model in Markdown: what it is for, how good it is, where it fails."""
    sections = {
        "What it does": _purpose(run),
        "What it learned from": _origin(run),
        "How good it is": _scores(run),
        "Where it is worse": _weak_slices(run),
        "What to keep in mind": _caveats(run),
        "How to train it again": [f"    {line}" for line in "\n".join(run.commands()).splitlines()],
    }
    lines = [f"# {plain(run.name)}"]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _purpose(run: TrainingRun) -> list[str]:
    """Return which topics the model gives, and how it is used."""
    kind = "exactly one topic" if run.dataset.mode == "multiclass" else "any number of topics, or none,"
    definitions = [
        f"* **{plain(topic)}**: {plain(run.definitions.get(topic) or 'not defined')}" for topic in run.dataset.topics
    ]
    use = '`slugline predict model_uri=... input=...`, or in Python `slugline.load_model("...").predict([...])`.'
    return [f"Gives each sentence of a news article {kind} with a probability each. Use: {use}", "", *definitions]


def _origin(run: TrainingRun) -> list[str]:
    """Return the data: how much, who labelled it, how it was split."""
    dataset = run.dataset
    parts = ", ".join(f"{part} {size} (digest {run.digests.get(part, 'none')})" for part, size in dataset.sizes.items())
    size = f"{dataset.counts['used']} sentences of {dataset.counts['articles']} articles: {parts}."

    dates = dataset.sentences["published"].dropna()
    period = f" Published {str(dates.min())[:10]} to {str(dates.max())[:10]}." if len(dates) else ""
    notes = [f"* Note: {plain(note)}." for note in dataset.notes]
    return [f"{size} {describe_labels(dataset, plain)}.{period}", *notes]


def _scores(run: TrainingRun) -> list[str]:
    """Return the scores per topic with their intervals, and the baselines."""
    metrics, part = run.metrics, run.part
    scores = format_scores(metrics, run.dataset.topics, part).to_dict("index")
    lines = [
        f"On {int(run.dataset.rows(part).sum())} sentences of {part}; 95 % intervals by bootstrap over articles.",
        "",
        "| topic | precision | recall | F1 | 95 % | average precision | calibration error | sentences |",
        "| --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |",
    ]
    errors = {topic: metrics[f"{part}/ece/{topic}"] for topic in run.dataset.topics}
    for name, error in [*errors.items(), ("macro", metrics[f"{part}/ece_macro"])]:
        row = scores[name]
        cells = [
            row["precision"],
            row["recall"],
            row["f1"],
            row["f1_interval"],
            row["ap"],
            f"{error:.3f}",
            row["support"],
        ]
        lines.append(f"| {plain(name)} | {' | '.join(cells)} |")

    baselines = [
        f"* Baseline {name}: macro F1 {macro:.3f}" for name, (macro, _) in baseline_scores(metrics, part).items()
    ]
    return [*lines, "", *baselines, f"* On whole articles: macro F1 {metrics[f'{part}/article/f1_macro']:.3f}"]


def _weak_slices(run: TrainingRun) -> list[str]:
    """Return the slices that are worse than the rest beyond chance."""
    if "slices" not in run.tables:
        return ["No slices were looked at."]
    slices = run.tables["slices"]
    worse = [
        f"* {plain(row['by'])} {plain(row['slice'])}: micro F1 {row['score']:.3f}, "
        f"else {row['rest']:.3f} (p {row['p_holm']:.3f})"
        for row in slices[slices["worse"]].to_dict("records")
    ]
    return worse or [
        f"None of {len(slices)} slices is worse than the rest beyond chance; in small ones that could hardly be seen."
    ]


def _caveats(run: TrainingRun) -> list[str]:
    """Return what the scores do not say."""
    part = run.part
    lines = [
        f"* Scores hold for text like that of {part}; `slugline monitor` tells whether new text is.",
        "* Counts of sentences are off by the model's errors; `slugline monitor` corrects them.",
        "* It sees a sentence at a time, without the sentences around it.",
    ]
    rare = [plain(topic) for topic in run.dataset.topics if run.metrics[f"{part}/support/{topic}"] < _FEW]
    if rare:
        lines.append(f"* Fewer than {_FEW} sentences of {part} each, so little is known of: {', '.join(rare)}.")
    return lines
