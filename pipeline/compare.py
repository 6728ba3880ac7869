"""`slugline compare`: runs side by side on the same test sentences, each difference with its interval and p-value."""

from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig

from pipeline import report, tracking
from pipeline.config import flatten, instantiate, launch
from pipeline.intervals import Difference, paired
from pipeline.labels import to_matrix
from pipeline.metrics import Scores, score
from pipeline.tables import InputError, listing
from pipeline.tracking import Record

PREDICTIONS = "predictions_test.parquet"
COLUMNS = ("sentence_id", "article_id", "text", "labels", "topics")


def compare(config: DictConfig) -> None:
    """Compare the first run with each of the others, print, and log."""
    runs = find_runs(config)
    check_data(runs, config.force)
    frames = same_sentences([read_predictions(run, config.tracking_uri) for run in runs])
    columns = [frame[column] for frame in frames for column in ("labels", "topics")]
    topics = sorted({topic for column in columns for row in column for topic in row})
    Y = to_matrix(frames[0]["labels"], topics)
    given = [to_matrix(frame["topics"], topics) for frame in frames]
    articles = frames[0]["article_id"].to_numpy()
    scores = [score("test", Y, one, None, topics) for one in given]
    names = [f"{run.name} ({run.run_id[:8]})" for run in runs]
    table = pd.DataFrame({name: f1_of(found, topics) for name, found in zip(names, scores, strict=True)})
    found = {name: paired(Y, one, given[0], articles, topics) for name, one in zip(names[1:], given[1:], strict=True)}
    print(f"test    {len(Y)} sentences of {len(set(articles))} articles, the same for all {len(runs)} runs")
    print(table.to_string(float_format="{:.3f}".format))
    for name, rows in found.items():
        print(f"\n{name} less {names[0]}\n{differences(rows).to_string(index=False, float_format='{:.4f}'.format)}")
    changed = changes(frames, names)
    print(f"\nchanged {len(changed)} decisions")
    print(log(config, table, found, changed, names))


def find_runs(config: DictConfig) -> list[Record]:
    """Return the runs asked for: by their ids, or the last of an experiment, the oldest first."""
    ids = [str(run) for run in config.runs]
    if bool(ids) == (config.experiment_name is not None):
        raise InputError("give either runs=[RUN,RUN] or experiment=NAME last=5")
    if config.experiment_name is not None:
        ids = tracking.last_runs(config.experiment_name, config.last, PREDICTIONS, config.tracking_uri)
    if len(ids) < 2 or len(set(ids)) < len(ids):
        raise InputError(f"runs: found {listing(ids) or 'none'}; allowed: at least two, each once")
    return [tracking.read_run(run, config.tracking_uri) for run in ids]


def check_data(runs: Sequence[Record], force: bool) -> None:
    """Raise `InputError` for runs that were tested on different sentences or labels, unless that is wanted."""
    digests = {run.run_id: run.digests.get("testing", "none") for run in runs}
    if len(set(digests.values())) > 1 and not force:
        said = listing(f"{run[:8]} on {digest}" for run, digest in digests.items())
        raise InputError(f"runs were tested on different data: {said}; force=true compares the sentences they share")


def read_predictions(run: Record, uri: str | None) -> pd.DataFrame:
    """Return the predictions of a run on test; raise `InputError` where there are none."""
    found = pd.read_parquet(BytesIO(tracking.read_artifact(run.run_id, PREDICTIONS, uri)))
    if missing := [column for column in COLUMNS if column not in found]:
        raise InputError(f"run {run.run_id}: {PREDICTIONS} has no column '{missing[0]}'")
    return found


def same_sentences(frames: Sequence[pd.DataFrame]) -> list[pd.DataFrame]:
    """Return the sentences that all have, with the same labels, in the order of the first."""
    shared = frames[0]["sentence_id"]
    for frame in frames[1:]:
        labels = dict(zip(frame["sentence_id"], map(set, frame["labels"]), strict=True))
        here = dict(zip(frames[0]["sentence_id"], map(set, frames[0]["labels"]), strict=True))
        shared = shared[[key in labels and labels[key] == here[key] for key in shared]]
    if shared.empty:
        raise InputError("the runs have no test sentence with the same labels in common")
    return [frame.set_index("sentence_id").loc[shared].reset_index() for frame in frames]


def f1_of(scores: Scores, topics: Sequence[str]) -> dict[str, float]:
    """Return F1 of each topic, and the averages."""
    averages = {average: scores[f"test/f1_{average}"] for average in ("macro", "micro")}
    return {topic: scores[f"test/f1/{topic}"] for topic in topics} | averages


def differences(rows: Sequence[Difference]) -> pd.DataFrame:
    """Return differences as a table; p is corrected for the number of topics, but that of the macro average."""
    return pd.DataFrame(rows).assign(metric=[row.metric.removeprefix("f1/") for row in rows])


def changes(frames: Sequence[pd.DataFrame], names: Sequence[str]) -> pd.DataFrame:
    """Return the decisions that changed sides from the first run to another, a row each, with who was right."""
    rows: list[dict[str, Any]] = []
    before = frames[0].to_dict("records")
    for name, frame in zip(names[1:], frames[1:], strict=True):
        for first, other in zip(before, frame.to_dict("records"), strict=True):
            for topic in sorted({*first["topics"]} ^ {*other["topics"]}):
                gained = topic in other["topics"]
                right = "now right" if gained == (topic in first["labels"]) else "now wrong"
                change = {"run": name, "topic": topic, "change": "gained" if gained else "lost", "right": right}
                rows.append(change | {"sentence_id": first["sentence_id"], "text": first["text"]})
    return pd.DataFrame(rows, columns=["run", "topic", "change", "right", "sentence_id", "text"])


def log(
    config: DictConfig,
    table: pd.DataFrame,
    found: dict[str, list[Difference]],
    changed: pd.DataFrame,
    names: Sequence[str],
) -> str:
    """Log the comparison as a run of its own with a page, and return where it is."""
    how, settings = launch(), instantiate(config.tracking, "tracking")
    metrics = {f"difference/f1_macro/{number}": rows[-1].difference for number, rows in enumerate(found.values(), 1)}
    with settings.run(config.name or f"compare {len(names)} runs", how.folder, flatten(config)) as run:
        how.folder.mkdir(parents=True, exist_ok=True)
        table.rename_axis("F1").to_csv(how.folder / "scores.csv")
        changed.to_csv(how.folder / "changes.csv", index=False)
        for number, rows in enumerate(found.values(), 1):
            differences(rows).to_csv(how.folder / f"differences_{number}.csv", index=False)
        page = report.document("Comparison", page_body(table, found, changed, names[0]))
        (how.folder / "report.html").write_text(page, encoding="utf-8")
        gains = [f"{name}: macro F1 {rows[-1].difference:+.3f}, p {rows[-1].p:.3f}" for name, rows in found.items()]
        said = "; ".join(gains)
        run.log(lambda: metrics, how.folder, f"Against {names[0]}: {said}")
        return f"run     {run.where()}\npage    {Path(how.folder) / 'report.html'}"


def page_body(table: pd.DataFrame, found: dict[str, list[Difference]], changed: pd.DataFrame, first: str) -> str:
    """Return what the page of a comparison holds."""
    parts = ["<h2>F1 on the same test sentences</h2>", frame_table(table.rename_axis("topic").reset_index())]
    for name, rows in found.items():
        parts += [f"<h2>{escape(name)} less {escape(first)}</h2>", frame_table(differences(rows))]
    parts += [
        "<p class='quiet'>Intervals by bootstrap over articles; p by exchanging the two runs' decisions on whole "
        "articles, after Holm's correction over the topics; that of the macro average for itself.</p>",
        f"<h2>{len(changed)} decisions changed sides</h2>",
        frame_table(changed.groupby(["run", "topic", "change", "right"]).size().rename("sentences").reset_index()),
    ]
    return "\n".join(parts)


def frame_table(frame: pd.DataFrame) -> str:
    """Return a frame as a table of a page."""
    numbers = [place for place, name in enumerate(frame) if frame[name].dtype.kind in "if"]
    rows = [
        [f"{cell:.4f}" if isinstance(cell, float) else cell for cell in row] for row in frame.to_numpy(dtype=object)
    ]
    return report.table([str(name) for name in frame.columns], rows, numbers=numbers)
