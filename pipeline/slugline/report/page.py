"""The page of a run: one HTML file that needs nothing else, for the screen, the phone and paper."""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd

from slugline.report.terminal import BASELINES, between_ends
from slugline.scoring import tabulate
from slugline.training.run import TrainingRun

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { max-width: 46rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; }
.number { text-align: right; }
td.number { white-space: nowrap; }
.wide { overflow-x: auto; margin-bottom: 1rem; }
.big { font-size: 2rem; font-weight: 600; }
.quiet { color: #666; }
.note { background: #fff5d6; padding: .4rem .8rem; border-radius: 4px; }
.wrong { border-left: 3px solid #c44; padding-left: .8rem; margin: 1rem 0; }
.wrong p, blockquote { margin: .2rem 0; }
figure { margin: 1rem 0; }
img { max-width: 100%; height: auto; }
pre, code { font-size: .8rem; white-space: pre-wrap; overflow-wrap: anywhere; }
pre { background: #f5f5f5; padding: .8rem; }
@media screen and (max-width: 45rem) {
  figure { overflow-x: auto; }
  figure img { max-width: none; }
}
@media print {
  body { max-width: none; font-size: 10pt; padding: 0; }
  h2, h3 { break-after: avoid; }
  figure, .wrong, tr { break-inside: avoid; }
  .wide { overflow: visible; }
}
"""
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"  # nothing from elsewhere, no script
CAPTIONS = {
    "precision_recall": "Precision against recall; the red point is the threshold in use, the dotted line is chance.",
    "confusion": "Labels against decisions, shaded by the share of the row.",
    "reliability": "The share of sentences with the topic, against their probability; ten bins of as many sentences.",
    "prevalence": "Sentences per period: corrected with its interval, as counted, and the true number (points).",
    "learning_curve": "Macro F1 with fewer training articles, each with its 95 % interval.",
    "threshold": "Precision, recall and F1 against the threshold; the red line is the one in use.",
    "top_terms": "The terms with the largest weights.",
}
HOW = {
    "sentences": "Intervals by studentised bootstrap over articles: sentences of one article are alike.",
    "articles": "An article has a topic where one of its sentences has.",
}


def write_page(run: TrainingRun, errors: pd.DataFrame) -> None:
    """Write `report.html` beside the plots that it takes in; `errors` are of `find_mistakes`."""
    part, metrics, tables, folder, topics = run.part, run.metrics, run.tables, run.folder, run.dataset.topics
    sections = [
        ("Question", question(run)),
        ("Data", data(run)),
        (f"Scores on {part}", scores(metrics, topics, part, "sentences")),
        ("Scores on other splits", repeats(tables)),
        ("With fewer articles", learning_curve(tables) + plots(folder, part, ["learning_curve"])),
        ("Whole articles", scores(metrics, topics, f"{part}/article", "articles")),
        ("Probabilities and ranking", calibrated(tables) + plots(folder, part, ["reliability"])),
        ("Slices", slices(tables)),
        ("Counts over time", counts(tables, folder, part)),
        ("Plots", plots(folder, part, ["precision_recall", "confusion", "threshold", "top_terms"])),
        ("Mistakes of which the model is surest", mistakes(errors)),
        ("How to reproduce", again(run)),
    ]
    body = "\n".join(f"<h2>{escape(title)}</h2>\n{content}" for title, content in sections if content)
    page = document(run.name, f"{headline(run)}\n{body}")
    (folder / "report.html").write_text(page, encoding="utf-8")


def document(title: str, body: str) -> str:
    """Return a whole page; `body` is HTML."""
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
            f"<title>{escape(title)}</title><style>{STYLE}</style></head>",
            f"<body><h1>{escape(title)}</h1>\n{body}\n</body></html>\n",
        ]
    )


def headline(run: TrainingRun) -> str:
    """Return the score that counts, with its interval, and the baselines."""
    metrics, part = run.metrics, run.part
    key = f"{part}/f1_macro"
    between = between_ends(metrics, part, "f1", "macro", False)
    found = {name.replace("_", " "): metrics.get(f"{key}_{name}") for name in BASELINES}
    beside = ", ".join(f"{name} {value:.3f}" for name, value in found.items() if value is not None)
    sentences = int(run.dataset.rows(part).sum())
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in run.dataset.notes)
    return (
        f'<p><span class="big">{metrics[key]:.3f}</span> macro F1{f" ({between})" if between else ""} on '
        f"{sentences} sentences of {part}{f'; baselines: {beside}' if beside else ''}.</p>{notes}"
    )


def question(run: TrainingRun) -> str:
    """Return what the model is to tell: the topics and what they mean."""
    kind = "exactly one of these topics" if run.dataset.mode == "multiclass" else "any of these topics, or none"
    said = f"<p>Which sentences carry {kind}: {escape(', '.join(run.dataset.topics))}?</p>"
    rows = [(topic, run.definitions[topic]) for topic in run.dataset.topics if run.definitions.get(topic)]
    more = table(["topic", "what it means"], rows)
    return f"{said}<details><summary>What they mean</summary>{more}</details>" if rows else said


def data(run: TrainingRun) -> str:
    """Return what was read, left out and parted, with how far the split leaks."""
    counts, leakage, parted = run.dataset.counts, run.dataset.leakage, run.dataset.label_counts
    left = [f"{counts[key]} {key}" for key in ("debris", "unlabelled", "rejected") if counts.get(key)]
    labels = [f"{count} {source}" for source, count in run.dataset.sentences["label_source"].value_counts().items()]
    some = "Labels:" if len(run.dataset.sentences) == counts["used"] else "Labels of those kept to be judged by:"
    said = (
        f"<p>{counts['used']} of {counts['sentences']} sentences of {counts['articles']} articles; left out: "
        f"{', '.join(left) or 'none'}. {some} {escape(', '.join(labels))}. "
        f"{leakage.articles} articles stand in more than one part.</p>"
    )
    rows = [
        (part, size, leakage.sentences.get(part, ""), run.digests.get(part, ""))
        for part, size in run.dataset.sizes.items()
    ]
    topics = [(str(topic), *map(int, row)) for topic, *row in parted.itertuples()]
    return (
        said
        + table(["part", "sentences", "word for word in train too", "digest"], rows, numbers=(1, 2))
        + table(["sentences with", *parted.columns], topics, numbers=range(1, 1 + parted.shape[1]))
    )


def scores(metrics: Mapping[str, float], topics: Sequence[str], part: str, unit: str) -> str:
    """Return the scores per topic and their averages, with intervals; `unit` is what has topics."""
    found, rows = tabulate(metrics, part, topics), []
    for name, row in found.iterrows():
        cells = ["" if value != value else f"{value:.3f}" for value in row[["precision", "recall", "f1", "ap"]]]
        between = [between_ends(metrics, part, kind, str(name), name in topics) for kind in ("f1", "ap")]
        rows.append((str(name), *cells[:3], between[0], cells[3], between[1], whole(row["support"])))
    columns = ["topic", "precision", "recall", "F1", "95 %", "average precision", "95 %", unit]
    return table(columns, rows, numbers=range(1, len(columns))) + quiet(HOW[unit])


def repeats(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return the scores of each split, their mean and their spread."""
    if "repeats" not in tables:
        return ""
    found = tables["repeats"].set_index("seed").rename(index="seed {}".format)
    notes = "".join(quiet(f"{name}: {note}") for name, note in found.get("note", pd.Series()).dropna().items())
    shown = found[["f1_macro", "f1_micro", "ap_macro"]].dropna()
    shown = pd.concat([shown, shown.agg(["mean", "std"]).rename(index={"std": "standard deviation"})])
    shown.columns = ["macro F1", "micro F1", "macro average precision"]
    return frame_table(shown.rename_axis("split").reset_index(), 3) + notes


def learning_curve(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return macro F1 with each share of the training articles."""
    if "learning_curve" not in tables:
        return ""
    rows = []
    for row in tables["learning_curve"].to_dict("records"):
        scored = row.get("f1_macro")
        known = scored is not None and scored == scored
        said = (
            [f"{scored:.3f}", f"{row['f1_macro_low']:.3f} to {row['f1_macro_high']:.3f}"]
            if known
            else [row["note"], ""]
        )
        rows.append([f"{row['share']:.0%}", row["articles"], row["sentences"], *said])
    return table(["of train", "articles", "sentences", "macro F1", "95 %"], rows, numbers=range(5))


def calibrated(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return how far probabilities can be believed, and how much must be read to find nearly all."""
    columns = {
        "brier": ("Brier score", "{:.4f}"),
        "brier_constant": ("of a constant", "{:.4f}"),
        "ece": ("calibration error", "{:.3f}"),
        "ece_debiased": ("less chance", "{:.3f}"),
        "reading_budget": ("reading budget", "{:.1%}"),
        "work_saved": ("work saved", "{:.1%}"),
    }
    rows = [
        [
            row["topic"],
            *("" if row[name] != row[name] else form.format(row[name]) for name, (_, form) in columns.items()),
        ]
        for row in tables["calibration"].to_dict("records")
    ]
    said = quiet(
        "Reading budget: the share of sentences to read, most probable first, to find the share of the topic that "
        "evaluation.recall names (0.95 by default); work saved: how much less that is than reading at random."
    )
    return table(["topic", *(name for name, _ in columns.values())], rows, numbers=range(1, 7)) + said


def slices(tables: Mapping[str, pd.DataFrame]) -> str:
    """Return micro F1 of each slice beside the rest, those that are worse marked."""
    if "slices" not in tables:
        return ""
    rows = []
    for row in tables["slices"].to_dict("records"):
        gap = f"{row['difference']:+.3f} ({row['difference_low']:+.3f} to {row['difference_high']:+.3f})"
        score = [f"{row['score']:.3f}", f"{row['low']:.3f} to {row['high']:.3f}"]
        mark = "worse" if row["worse"] else ""
        rows.append(
            [row["by"], row["slice"], row["sentences"], row["articles"], *score, gap, f"{row['p_holm']:.3f}", mark]
        )
    columns = ["by", "slice", "sentences", "articles", "micro F1", "95 %", "less the rest", "p", ""]
    said = quiet("p is corrected for all slices together (Holm); worse: lower than the rest with p of at most 0.05.")
    return table(columns, rows, numbers=range(2, 8)) + said


def counts(tables: Mapping[str, pd.DataFrame], folder: Path, part: str) -> str:
    """Return how counts of sentences over time, corrected for the model's errors, compare with the true ones."""
    if "prevalence" not in tables:
        return ""
    found = tables["prevalence"].dropna(subset="corrected")
    if found.empty:
        return ""
    held = ((found["low"] <= found["true"]) & (found["true"] <= found["high"])).mean()
    off = {name: (found[name] - found["true"]).abs().mean() for name in ("counted", "corrected")}
    said = (
        f"<p>Sentences per period and topic, estimated as if {part} had no labels, against the true number: "
        f"mean error {off['counted']:.2f} as counted, {off['corrected']:.2f} corrected for the errors on all other "
        f"labelled sentences; the 95 % interval holds the true number in {held:.0%} of {len(found)} cases.</p>"
    )
    return said + plots(folder, part, ["prevalence"])


def plots(folder: Path, part: str, names: Sequence[str]) -> str:
    """Return those plots that are in the folder, taken into the page."""
    files = [(folder / f"{name}{'' if name == 'top_terms' else f'_{part}'}.png", CAPTIONS[name]) for name in names]
    return "\n".join(
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{b64encode(file.read_bytes()).decode()}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for file, caption in files
        if file.is_file()
    )


def whole(value: float) -> str:
    """Return a number of sentences, nothing where there is none."""
    return "" if value != value else f"{value:.0f}"


def quiet(text: str) -> str:
    """Return a remark."""
    return f'<p class="quiet">{escape(text)}</p>'


def mistakes(errors: pd.DataFrame) -> str:
    """Return the mistakes, topic by topic, each with its article's context and what led to it."""
    lines = []
    for topic, rows in errors.groupby("topic", sort=False):
        lines.append(f"<h3>{escape(str(topic))}</h3>")
        for row in rows.to_dict("records"):
            said = {key: escape(str(value)) for key, value in row.items()}
            terms = f" Terms: <code>{said['terms']}</code>." if row["terms"] else ""
            lines.append(
                f'<div class="wrong"><p><b>{said["kind"]}</b>, probability {row["probability"]:.2f}, threshold '
                f"{row['threshold']:.2f}; labelled {said['labels'] or 'without a topic'}</p>"
                f'<blockquote><span class="quiet">{said["before"]}</span> <b>{said["text"]}</b> '
                f'<span class="quiet">{said["after"]}</span></blockquote>'
                f'<p class="quiet">{terms} Nearest in train ({row["similarity"]:.2f}, '
                f"{said['nearest_labels'] or 'without a topic'}): {said['nearest']}</p></div>"
            )
    return "\n".join(lines)


def again(run: TrainingRun) -> str:
    """Return the commands that train the run again, and its whole config."""
    return (
        f"<pre>{escape(chr(10).join(run.commands()))}</pre>"
        f"<details><summary>The whole config</summary><pre>{escape(run.config)}</pre></details>"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], numbers: Sequence[int] | range = ()) -> str:
    """Return a table; the columns with the given places hold numbers."""
    side = ['class="number"' if place in numbers else "" for place in range(len(columns))]
    head = "".join(f"<th {kind}>{escape(name)}</th>" for name, kind in zip(columns, side, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td {kind}>{escape(str(cell))}</td>" for cell, kind in zip(row, side, strict=True)) + "</tr>"
        for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def frame_table(frame: pd.DataFrame, places: int = 4) -> str:
    """Return a frame as a table of a page, numbers with so many decimal places, nothing for NaN."""
    numbers = [place for place, name in enumerate(frame) if frame[name].dtype.kind in "if"]

    def show(cell: object) -> object:
        return ("" if cell != cell else f"{cell:.{places}f}") if isinstance(cell, float) else cell

    rows = [[show(cell) for cell in row] for row in frame.to_numpy(dtype=object)]
    return table([str(name) for name in frame.columns], rows, numbers=numbers)
