"""The page of a run: one HTML file that needs nothing else, for the screen, the phone and paper."""

import shlex
from base64 import b64encode
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from pipeline.material import Material
from pipeline.metrics import tabulate
from pipeline.models.fit import Outcome
from pipeline.report.terminal import BASELINES, f1_interval, main_part

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { max-width: 46rem; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: left; vertical-align: top; border-bottom: 1px solid #ddd; }
.number { text-align: right; }
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
    "threshold": "Precision, recall and F1 against the threshold; the red line is the one in use.",
    "top_terms": "The terms with the largest weights.",
}


class Facts(NamedTuple):
    """What the page says of a run beside its scores."""

    name: str
    run_id: str | None
    config: str
    definitions: Mapping[str, str]
    digests: Mapping[str, str]
    overrides: Sequence[str]


def write_page(
    folder: Path,
    facts: Facts,
    metrics: Mapping[str, float],
    material: Material,
    outcome: Outcome,
    errors: pd.DataFrame,
) -> None:
    """Write `report.html` beside the plots that it takes in; `errors` are of `find_errors`."""
    part = main_part(metrics)
    sections = [
        ("Question", question(material, facts)),
        ("Data", data(material, facts)),
        (f"Scores on {part}", scores(metrics, material.topics, part)),
        ("Plots", plots(folder, part)),
        ("Mistakes of which the model is surest", mistakes(errors)),
        ("How to reproduce", again(facts)),
    ]
    body = "\n".join(f"<h2>{escape(title)}</h2>\n{content}" for title, content in sections if content)
    page = document(facts.name, f"{headline(metrics, material, part)}\n{body}")
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


def headline(metrics: Mapping[str, float], material: Material, part: str) -> str:
    """Return the score that counts, with its interval, and the baselines."""
    key = f"{part}/f1_macro"
    between = f1_interval(metrics, part, "macro", False)
    found = {name.replace("_", " "): metrics.get(f"{key}_{name}") for name in BASELINES}
    beside = ", ".join(f"{name} {value:.3f}" for name, value in found.items() if value is not None)
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in material.notes)
    return (
        f'<p><span class="big">{metrics[key]:.3f}</span> macro F1{f" ({between})" if between else ""} on '
        f"{int(material.rows(part).sum())} sentences of {part}{f'; baselines: {beside}' if beside else ''}.</p>{notes}"
    )


def question(material: Material, facts: Facts) -> str:
    """Return what the model is to tell: the topics and what they mean."""
    kind = "exactly one of these topics" if material.mode == "multiclass" else "any of these topics, or none"
    said = f"<p>Which sentences carry {kind}: {escape(', '.join(material.topics))}?</p>"
    rows = [(topic, facts.definitions[topic]) for topic in material.topics if facts.definitions.get(topic)]
    more = table(["topic", "what it means"], rows)
    return f"{said}<details><summary>What they mean</summary>{more}</details>" if rows else said


def data(material: Material, facts: Facts) -> str:
    """Return what was read, left out and parted, with how far the split leaks."""
    counts, leakage, parted = material.counts, material.leakage, material.label_counts
    left = [f"{counts[key]} {key}" for key in ("debris", "unlabelled", "rejected") if counts.get(key)]
    labels = [f"{count} {source}" for source, count in material.sentences["label_source"].value_counts().items()]
    said = (
        f"<p>{counts['used']} of {counts['sentences']} sentences of {counts['articles']} articles; left out: "
        f"{', '.join(left) or 'none'}. Labels: {escape(', '.join(labels))}. "
        f"{leakage.articles} articles stand in more than one part.</p>"
    )
    rows = [
        (part, size, leakage.sentences.get(part, ""), facts.digests.get(part, ""))
        for part, size in material.sizes.items()
    ]
    topics = [(str(topic), *map(int, row)) for topic, *row in parted.itertuples()]
    return (
        said
        + table(["part", "sentences", "word for word in train too", "digest"], rows, numbers=(1, 2))
        + table(["sentences with", *parted.columns], topics, numbers=range(1, 1 + parted.shape[1]))
    )


def scores(metrics: Mapping[str, float], topics: Sequence[str], part: str) -> str:
    """Return the scores per topic and their averages, with intervals where there are some."""
    found = tabulate(metrics, part, topics)
    intervals = [f1_interval(metrics, part, str(name), name in topics) for name in found.index]
    has, rows = any(intervals), []
    for (name, row), between in zip(found.iterrows(), intervals, strict=True):
        cells = ["" if value != value else f"{value:.3f}" for value in row[["precision", "recall", "f1", "ap"]]]
        shown = [*cells[:3], between, cells[3]] if has else cells
        rows.append((str(name), *shown, "" if row["support"] != row["support"] else f"{row['support']:.0f}"))
    columns = ["topic", "precision", "recall", "F1", "95 % interval", "average precision", "sentences"]
    if not has:
        columns.remove("95 % interval")
    method = "<p class=quiet>Intervals by bootstrap over articles.</p>" if has else ""
    return table(columns, rows, numbers=range(1, len(columns))) + method


def plots(folder: Path, part: str) -> str:
    """Return the plots of the folder, taken into the page."""
    files = [(folder / f"{name}_{part}.png", caption) for name, caption in CAPTIONS.items()]
    files[-1] = (folder / "top_terms.png", CAPTIONS["top_terms"])
    return "\n".join(
        f'<figure><img alt="{escape(caption)}" src="data:image/png;base64,{b64encode(file.read_bytes()).decode()}">'
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for file, caption in files
        if file.is_file()
    )


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


def again(facts: Facts) -> str:
    """Return the commands that train the run again, and its whole config."""
    commands = [shlex.join(["slugline", "train", *facts.overrides])]
    commands += [f"slugline reproduce run_id={facts.run_id}"] if facts.run_id else []
    return (
        f"<pre>{escape(chr(10).join(commands))}</pre>"
        f"<details><summary>The whole config</summary><pre>{escape(facts.config)}</pre></details>"
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
