"""`slugline compare`: runs side by side on the same test sentences, each difference with its interval and p-value."""

from collections.abc import Sequence
from html import escape
from io import BytesIO
from pathlib import Path

import pandas as pd
from omegaconf import DictConfig

from slugline import report, tracking
from slugline.config import flatten, instantiate, launch
from slugline.errors import InputError, listing
from slugline.scoring import Comparison, compare_predictions
from slugline.scoring.comparison import PREDICTION_COLUMNS
from slugline.tracking import Record

PREDICTIONS = "predictions_test.parquet"
SHOWN = ["difference", "low", "high", "p", "p_holm"]
LISTED = 500  # sentences on the page


def compare(config: DictConfig) -> None:
    """Compare the first run with each of the others, print, and log."""
    runs = find_runs(config)
    check_data(runs, config.force)
    comparison = compare_predictions(
        {f"{run.name} ({run.run_id[:8]})": read_predictions(run, config.tracking_uri) for run in runs}
    )
    print(describe(comparison))
    print(log(config, comparison))


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
        datasets = listing(f"{run[:8]} on {digest}" for run, digest in digests.items())
        raise InputError(
            f"runs were tested on different data: {datasets}; force=true compares the sentences they share"
        )


def read_predictions(run: Record, uri: str | None) -> pd.DataFrame:
    """Return the predictions of a run on test; raise `InputError` where there are none."""
    predictions = pd.read_parquet(BytesIO(tracking.read_artifact(run.run_id, PREDICTIONS, uri)))
    if missing := [column for column in PREDICTION_COLUMNS if column not in predictions]:
        raise InputError(f"run {run.run_id}: {PREDICTIONS} has no column '{missing[0]}'")
    return predictions


def describe(comparison: Comparison) -> str:
    """Return a comparison as text for the terminal."""
    size = f"{comparison.sentences} sentences of {comparison.articles} articles"
    lines = [f"test    {size}, the same for all {len(comparison.scores.columns)} runs"]
    lines.append(comparison.scores.to_string(float_format="{:.3f}".format))
    for name, table in comparison.differences.items():
        lines.append(f"\n{name} less {comparison.first}\n{table[SHOWN].to_string(float_format='{:.4f}'.format)}")
    lines.append(f"\nchanged {len(comparison.changes)} decisions")
    if len(comparison.changes):
        lines.append(comparison.tally_changes().to_string())
    return "\n".join(lines)


def log(config: DictConfig, comparison: Comparison) -> str:
    """Log the comparison as a run of its own with a page, and return where it is."""
    how, settings = launch(), instantiate(config.tracking, "tracking")
    name = config.name or f"compare {len(comparison.scores.columns)} runs"
    macro = {run_name: table.loc["f1_macro"].to_dict() for run_name, table in comparison.differences.items()}
    metrics = {f"difference/f1_macro/{number}": row["difference"] for number, row in enumerate(macro.values(), 1)}
    with settings.run(name, how.folder, flatten(config)) as run:
        how.folder.mkdir(parents=True, exist_ok=True)
        comparison.scores.to_csv(how.folder / "scores.csv")
        comparison.changes.to_csv(how.folder / "changes.csv", index=False)
        for number, table in enumerate(comparison.differences.values(), 1):
            table[SHOWN].to_csv(how.folder / f"differences_{number}.csv")
        page = report.document("Comparison", page_body(comparison))
        (how.folder / "report.html").write_text(page, encoding="utf-8")
        gains = [f"{run_name}: macro F1 {row['difference']:+.3f}, p {row['p']:.3f}" for run_name, row in macro.items()]
        run.log(lambda: metrics, how.folder, f"Against {comparison.first}: {'; '.join(gains)}")
        return f"run     {run.where()}\npage    {Path(how.folder) / 'report.html'}"


def page_body(comparison: Comparison) -> str:
    """Return what the page of a comparison holds."""
    changes, first = comparison.changes, escape(comparison.first)
    parts = ["<h2>Scores on the same test sentences</h2>", report.frame_table(comparison.scores.reset_index())]
    for name, table in comparison.differences.items():
        parts += [f"<h2>{escape(name)} less {first}</h2>", report.frame_table(table[SHOWN].reset_index())]
    parts += [
        "<p class='quiet'>95 % intervals and p by one bootstrap over articles; p_holm is corrected for the number of "
        "topics (Holm), averages stand alone.</p>",
        f"<h2>{len(changes)} decisions changed sides</h2>",
        report.frame_table(comparison.tally_changes().reset_index()),
        f"<details><summary>The sentences{f', the first {LISTED}' * (len(changes) > LISTED)}</summary>",
        report.frame_table(changes.drop(columns="sentence_id").head(LISTED)),
        "</details><p class='quiet'>All of them with their ids: changes.csv.</p>",
    ]
    return "\n".join(parts)
