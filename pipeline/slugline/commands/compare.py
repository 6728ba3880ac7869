"""`slugline compare`: runs side by side on the same test sentences, each difference with its interval and p-value."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from omegaconf import DictConfig

from slugline import report, tracking
from slugline.config import flatten, instantiate, launch
from slugline.data.schema import to_matrix
from slugline.errors import InputError, listing
from slugline.scoring import paired
from slugline.tracking import Record

PREDICTIONS = "predictions_test.parquet"
COLUMNS = ("sentence_id", "article_id", "text", "labels", "topics")
AVERAGES = ("f1_macro", "f1_micro", "ap_macro")
SHOWN = ["difference", "low", "high", "p", "p_holm"]


def compare(config: DictConfig) -> None:
    """Compare the first run with each of the others, print, and log."""
    runs = find_runs(config)
    check_data(runs, config.force)
    frames = same_sentences([read_predictions(run, config.tracking_uri) for run in runs])
    columns = [frame[column] for frame in frames for column in ("labels", "topics")]
    topics = sorted({topic for column in columns for row in column for topic in row})
    names = [f"{run.name} ({run.run_id[:8]})" for run in runs]
    found = {name: compare_two(frame, frames[0], topics) for name, frame in zip(names[1:], frames[1:], strict=True)}
    table = pd.DataFrame(
        {names[0]: next(iter(found.values()))["other"]} | {name: two["one"] for name, two in found.items()}
    )
    said = f"{len(frames[0])} sentences of {frames[0]['article_id'].nunique()} articles"
    print(f"test    {said}, the same for all {len(runs)} runs\n{table.to_string(float_format='{:.3f}'.format)}")
    for name, two in found.items():
        print(f"\n{name} less {names[0]}\n{two[SHOWN].to_string(float_format='{:.4f}'.format)}")
    changed = changes(frames, names)
    print(f"\nchanged {len(changed)} decisions")
    if len(changed):
        print(tally(changed).to_string())
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


def compare_two(one: pd.DataFrame, other: pd.DataFrame, topics: Sequence[str]) -> pd.DataFrame:
    """Return the scores of two runs and their differences; see `paired`. F1, and average precision where both rank."""
    Y, articles = to_matrix(one["labels"], topics), one["article_id"].to_numpy()
    ranked = all(topic in frame for frame in (one, other) for topic in topics)
    probabilities = (one[topics].to_numpy(), other[topics].to_numpy()) if ranked else None
    decided = [to_matrix(frame["topics"], topics) for frame in (one, other)]
    found = paired(Y, decided[0], decided[1], articles, topics, probabilities)
    wanted = [f"f1/{topic}" for topic in topics] + [name for name in AVERAGES if name in found.index]
    return found.loc[wanted]


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


def tally(changed: pd.DataFrame) -> pd.DataFrame:
    """Return how many decisions changed, by run and topic: in which direction, and whether they are right now."""
    now = changed["change"] + ", " + changed["right"]
    return pd.crosstab([changed["run"], changed["topic"]], now).rename_axis(columns=None)


def log(
    config: DictConfig,
    table: pd.DataFrame,
    found: dict[str, pd.DataFrame],
    changed: pd.DataFrame,
    names: Sequence[str],
) -> str:
    """Log the comparison as a run of its own with a page, and return where it is."""
    how, settings = launch(), instantiate(config.tracking, "tracking")
    gaps = {number: two.loc["f1_macro"].to_dict() for number, two in enumerate(found.values(), 1)}
    metrics = {f"difference/f1_macro/{number}": gap["difference"] for number, gap in gaps.items()}
    with settings.run(config.name or f"compare {len(names)} runs", how.folder, flatten(config)) as run:
        how.folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(how.folder / "scores.csv")
        changed.to_csv(how.folder / "changes.csv", index=False)
        for number, two in enumerate(found.values(), 1):
            two[SHOWN].to_csv(how.folder / f"differences_{number}.csv")
        page = report.comparison_page(
            reference=names[0], scores=table, differences=found, changes=changed, tally=tally(changed)
        )
        (how.folder / "report.html").write_text(page, encoding="utf-8")
        macro = {name: two.loc["f1_macro"] for name, two in found.items()}
        gains = [f"{name}: macro F1 {row['difference']:+.3f}, p {row['p']:.3f}" for name, row in macro.items()]
        said = "; ".join(gains)
        run.log(lambda: metrics, how.folder, f"Against {names[0]}: {said}")
        return f"run     {run.where()}\npage    {Path(how.folder) / 'report.html'}"
