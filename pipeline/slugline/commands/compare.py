"""`slugline compare`: runs side by side on the same test sentences, each difference with its interval and p-value."""

from collections.abc import Sequence
from io import BytesIO

import pandas as pd

from slugline import annotate, report, tracking
from slugline.components import settings_to_config, to_params
from slugline.config.settings import CompareSettings
from slugline.data.digests import digest_sentences
from slugline.errors import InputError, listing
from slugline.labels.codebook_change import CodebookChange
from slugline.launch import Launch
from slugline.scoring import Comparison, compare_predictions
from slugline.scoring.comparison import PREDICTION_COLUMNS
from slugline.tracking import Record, SideRun, log_side_run

_PREDICTIONS = "predictions_test.parquet"
_PLACE = ("position", "start", "end")  # further columns of predictions that are no topics
_SHOWN = ["difference", "low", "high", "p", "p_holm"]


def compare(settings: CompareSettings, launch: Launch) -> None:
    """Compare the first run with each of the others, print, and log."""
    settings.tracking.check()
    runs = _find_runs(settings)
    predictions = {}
    for number, run in enumerate(runs):
        frame = _read_predictions(run, settings.tracking_uri)
        for change in annotate.read_changes(run.started):
            frame = _apply_change(frame, change)
            runs[number] = run._replace(digests={**run.digests, "testing": digest_sentences(frame)})
        predictions[f"{run.name} ({run.run_id[:8]})"] = frame
    _check_same_data(runs, settings.force)
    comparison = compare_predictions(predictions)
    print(_describe(comparison))
    print(f"run     {_log(settings, launch, comparison)}\npage    {launch.folder / 'report.html'}")


def _find_runs(settings: CompareSettings) -> list[Record]:
    """Return the runs asked for: by what a user calls them, or the last of an experiment, the oldest first."""
    if settings.last < 2:
        raise InputError(f"last: {settings.last}; allowed: from 2")
    if bool(settings.runs) == (settings.experiment_name is not None):
        found = "both runs and an experiment" if settings.runs else "neither runs nor an experiment"
        raise InputError(f"found {found}; give either runs=[RUN,RUN] or experiment=NAME last=5")
    if settings.experiment_name is not None:
        ids = tracking.last_runs(settings.experiment_name, settings.last, _PREDICTIONS, settings.tracking_uri)
    else:
        ids = [tracking.find_run(run, settings.tracking_uri) for run in settings.runs]
    if len(ids) < 2 or len(set(ids)) < len(ids):
        raise InputError(f"runs: found {listing(ids) or 'none'}; allowed: at least two, each once")
    return [tracking.read_run(run, settings.tracking_uri) for run in ids]


def _check_same_data(runs: Sequence[Record], force: bool) -> None:
    """Raise `InputError` for runs that were tested on different sentences or labels, unless that is wanted."""
    digests = {run.run_id: run.digests.get("testing", "none") for run in runs}
    if len(set(digests.values())) > 1 and not force:
        datasets = listing(f"{run[:8]} on {digest}" for run, digest in digests.items())
        raise InputError(
            f"runs were tested on different data: {datasets}; force=true compares the sentences they share"
        )


def _read_predictions(run: Record, uri: str | None) -> pd.DataFrame:
    """Return the predictions of a run on test; raise `InputError` where there are none."""
    predictions = pd.read_parquet(BytesIO(tracking.read_artifact(run.run_id, _PREDICTIONS, uri)))
    if missing := [column for column in PREDICTION_COLUMNS if column not in predictions]:
        raise InputError(f"run {run.run_id}: {_PREDICTIONS} has no column '{missing[0]}'")
    return predictions


def _apply_change(predictions: pd.DataFrame, change: CodebookChange) -> pd.DataFrame:
    """Return predictions as if the topics had been those after a change; the surest part speaks for a merged topic."""
    others = [column for column in predictions if column in (*PREDICTION_COLUMNS, *_PLACE)]
    changed = predictions[others].assign(
        labels=predictions["labels"].map(change.apply_to_labels),
        topics=predictions["topics"].map(change.apply_to_labels),
    )
    topics = [str(column) for column in predictions if column not in others]
    for target in dict.fromkeys(map(change.apply_to_topic, topics)):
        if target is not None:
            parts = [topic for topic in topics if change.apply_to_topic(topic) == target]
            changed[target] = predictions[parts].max(axis=1)
    return changed


def _describe(comparison: Comparison) -> str:
    """Return a comparison as text for the terminal."""
    size = f"{comparison.sentences} sentences of {comparison.articles} articles"
    lines = [f"test    {size}, the same for all {len(comparison.scores.columns)} runs"]
    lines.append(comparison.scores.rename(index=report.shorten_topic).to_string(float_format="{:.3f}".format))
    for name, table in comparison.differences.items():
        shown = table[_SHOWN].rename(index=report.shorten_topic).to_string(float_format="{:.4f}".format)
        lines.append(f"\n{name} less {comparison.first}\n{shown}")
    lines.append(f"\nchanged {len(comparison.changes)} decisions")
    if len(comparison.changes):
        lines.append(comparison.tally_changes().rename(index=report.shorten_topic, level="topic").to_string())
    return "\n".join(lines)


def _log(settings: CompareSettings, launch: Launch, comparison: Comparison) -> str:
    """Log the comparison as a run of its own with a page, and return where it is."""
    macro = {name: table.loc["f1_macro"].to_dict() for name, table in comparison.differences.items()}
    gains = [f"{name}: macro F1 {row['difference']:+.3f}, p {row['p']:.3f}" for name, row in macro.items()]
    tables = {"scores": comparison.scores.reset_index(), "changes": comparison.changes}
    for number, table in enumerate(comparison.differences.values(), 1):
        tables[f"differences_{number}"] = table[_SHOWN].reset_index()
    page = report.comparison_page(
        reference=comparison.first,
        scores=comparison.scores,
        differences=comparison.differences,
        changes=comparison.changes,
        tally=comparison.tally_changes(),
    )
    content = SideRun(
        name=settings.name or f"compare {len(comparison.scores.columns)} runs",
        description=f"Against {comparison.first}: {'; '.join(gains)}",
        tables=tables,
        metrics={f"difference/f1_macro/{number}": row["difference"] for number, row in enumerate(macro.values(), 1)},
        texts={"report.html": page},
    )
    return log_side_run(settings.tracking, launch.folder, to_params(settings_to_config(settings)), content)
