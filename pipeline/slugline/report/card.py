"""A run and its model in Markdown: the description that MLflow shows, and the model card.

Mitchell et al. 2019, "Model cards for model reporting".
"""

from slugline.report.counts import describe_labels
from slugline.report.markdown import cut_lines, plain, table_row
from slugline.report.scores import baseline_scores, format_p, format_scores
from slugline.splits import HELD_OUT
from slugline.training.run import TrainingRun

_FEW = 20  # sentences of a topic, below which its scores say little


_LONGEST_DESCRIPTION = 7600  # characters; MLflow cuts what is longer than 8000, and a link to the report comes first


def describe_run(run: TrainingRun) -> str:
    """Return the description of a run and of its model in Markdown: the scores, and what each topic means."""
    metrics, part = run.metrics, run.part
    scores = format_scores(metrics, run.dataset.topics, part).to_dict("index")
    macro, micro = metrics[f"{part}/f1_macro"], metrics[f"{part}/f1_micro"]
    where = f"on {part}" if part in HELD_OUT else "by cross-validation"
    lines = [
        f"Macro F1 {where} **{macro:.3f}**, micro F1 {micro:.3f}, {int(run.judged.rows.sum())} sentences.",
        "",
        table_row(["topic", "precision", "recall", "F1", "sentences", "definition"]),
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for topic in run.dataset.topics:
        numbers = [str(scores[topic][name]) for name in ("precision", "recall", "f1", "support")]
        lines.append(table_row([plain(topic), *numbers, plain(run.definitions.get(topic, ""))]))
    return cut_lines(lines, _LONGEST_DESCRIPTION, "more topics: see model_card.md")


def describe_model(run: TrainingRun) -> str:
    """Return the card of a model in Markdown: what it is for, how good it is, where it fails."""
    sections = {
        "What it does": _purpose(run),
        "What it learned from": _origin(run),
        "How good it is": _scores(run),
        "Where it is worse": _weak_slices(run),
        "What to keep in mind": _caveats(run),
        "How to train it again": [f"    {line}" for line in "\n".join(run.commands()).splitlines()],
        "What the topics mean": _definitions(run),  # last, since it is what registries have no room for
    }
    lines = [f"# {plain(run.name)}"]
    for title, content in sections.items():
        lines += ["", f"## {title}", "", *content]
    return "\n".join(lines) + "\n"


def _purpose(run: TrainingRun) -> list[str]:
    """Return which topics the model gives, and how it is used."""
    kind = "exactly one topic" if run.dataset.mode == "multiclass" else "any number of topics, or none,"
    number = f"{len(run.dataset.topics)} topics: {', '.join(map(plain, run.dataset.topics))}."
    use = '`slugline predict model_uri=... input=...`, or in Python `slugline.load_model("...").predict([...])`.'
    return [f"Gives each sentence of a news article {kind} with a probability each.{_rule(run)} {number} Use: {use}"]


def _definitions(run: TrainingRun) -> list[str]:
    """Return what each topic means."""
    return [
        f"* **{plain(topic)}**: {plain(run.definitions.get(topic) or 'not defined')}" for topic in run.dataset.topics
    ]


def _rule(run: TrainingRun) -> str:
    """Return which topic is given where thresholds make it another than the likeliest."""
    thresholds = run.model.thresholds
    if run.dataset.mode != "multiclass" or len(set(thresholds.tolist())) == 1:
        return ""
    each = ", ".join(f"{plain(topic)} {value:.2f}" for topic, value in zip(run.dataset.topics, thresholds, strict=True))
    return (
        " Not always the likeliest: the topic whose probability is the largest multiple of its threshold, which is "
        f"lower for rare topics ({each})."
    )


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
        f"On {run.describe_judged()}; 95 % intervals by bootstrap over articles.",
        "",
        table_row(
            ["topic", "precision", "recall", "F1", "95 %", "average precision", "calibration error", "sentences"]
        ),
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
        lines.append(table_row([plain(name), *cells]))

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
        f"else {row['rest']:.3f} (p {format_p(row['p_holm'])})"
        for row in slices[slices["worse"]].to_dict("records")
    ]
    return worse or [
        f"None of {len(slices)} slices is worse than the rest beyond chance; in small ones that could hardly be seen."
    ]


def _name(part: str) -> str:
    """Return a part as it is called in a sentence."""
    return part if part in HELD_OUT else "what it was judged by"


def _caveats(run: TrainingRun) -> list[str]:
    """Return what the scores do not say."""
    part = run.part
    lines = [
        f"* Scores hold for text like that of {_name(part)}; `slugline monitor` tells whether new text is.",
        "* Counts of sentences are off by the model's errors; `slugline monitor` corrects them.",
        "* It sees a sentence at a time, without the sentences around it.",
    ]
    rare = [plain(topic) for topic in run.dataset.topics if run.metrics[f"{part}/support/{topic}"] < _FEW]
    if rare:
        lines.append(f"* Fewer than {_FEW} sentences of {_name(part)} each, so little is known of: {', '.join(rare)}.")
    return lines
