"""`slugline compare`: runs side by side on the same sentences, each difference with its interval and p-value."""

from collections.abc import Mapping, Sequence

import pandas as pd

from slugline import report, tracking
from slugline.components import settings_to_config, to_params
from slugline.config.settings import CompareSettings
from slugline.data.digests import digest_sentences
from slugline.errors import InputError, listing
from slugline.launch import REPORT, Launch
from slugline.report.next_steps import describe_comparison_of
from slugline.scoring import Comparison, compare_predictions
from slugline.tracking import Record, SideRun, log_side_run
from slugline.tracking.run_predictions import CROSS_VALIDATED_PREDICTIONS, TEST_PREDICTIONS, read_predictions

_PREDICTIONS = (CROSS_VALIDATED_PREDICTIONS, TEST_PREDICTIONS)  # the first that all runs have
_DATA = ("data.path", "labels.", "split.", "seed")  # parameters that say on what a run was tested
_MAX_TOLD = 3  # of these
_SHOWN = ["difference", "low", "high", "p", "p_holm"]


def compare(settings: CompareSettings, launch: Launch) -> None:
    """Compare the first run with each of the others, print, and log."""
    settings.tracking.check()
    runs = _find_runs(settings)
    file = _choose_predictions(runs, settings.tracking_uri)
    which = "test" if file == _PREDICTIONS[-1] else "cross-validated"
    predictions = {}
    for number, run in enumerate(runs):
        frame = read_predictions(run, file, settings.tracking_uri)
        runs[number] = run._replace(digests={**run.digests, "testing": digest_sentences(frame)})
        predictions[run.run_id] = frame
    compared, *others = [runs] if settings.force else _group_by_data(runs)
    if others:
        described = [_describe_group(group, runs, predictions, which) for group in (compared, *others)]
        if len(compared) < 2:
            told = "; ".join(described)
            raise InputError(
                f"runs were tested on different data: {told}; force=true compares the sentences they share"
            )
        print("\n".join([f"data    {described[0]}", *(f"left    {group}" for group in described[1:])]))
    names = _tell_apart(compared)
    comparison = compare_predictions({name: predictions[run.run_id] for name, run in zip(names, compared, strict=True)})
    print(_describe(comparison, which))
    print(f"run     {_log(settings, launch, comparison, which)}\npage    {launch.folder / REPORT}")
    for group in others:
        if len(group) > 1:
            print(describe_comparison_of([run.run_id for run in group], settings.tracking_uri))


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


def _name(run: Record) -> str:
    """Return the name of a run with how its id begins, since several may have one name."""
    return f"{run.name} ({run.run_id[:8]})"


def _tell_apart(runs: Sequence[Record]) -> list[str]:
    """Return the names of runs without the parts that all have, each with how its id begins."""
    parts = [run.name.split(" · ") for run in runs]
    shared = set.intersection(*map(set, parts))
    short = [" · ".join(part for part in own if part not in shared) or own[0] for own in parts]
    return [_name(run._replace(name=name)) for run, name in zip(runs, short, strict=True)]


def _group_by_data(runs: Sequence[Record]) -> list[list[Record]]:
    """Return runs by the sentences and labels that they were tested on, the most first; of as many, the first ones."""
    groups: dict[str, list[Record]] = {}
    for run in runs:
        groups.setdefault(run.digests.get("testing", "none"), []).append(run)
    return sorted(groups.values(), key=len, reverse=True)


def _describe_group(
    group: Sequence[Record], runs: Sequence[Record], predictions: Mapping[str, pd.DataFrame], which: str
) -> str:
    """Return which runs were tested on the same data, and what tells it from that of the others."""
    first, names = group[0], listing(map(_name, group))
    varied = [name for name in tracking.find_varied([run.params for run in runs]) if name.startswith(_DATA)]
    settings = [f"{name}={first.params[name]}" for name in varied if name in first.params]
    told = f" ({listing(settings, _MAX_TOLD)})" if settings else ""
    return f"{names}: {len(predictions[first.run_id])} {which} sentences{told}"


def _choose_predictions(runs: Sequence[Record], uri: str | None) -> str:
    """Return the file of predictions that runs are compared by: cross-validated ones where all have them, else test."""
    cross_validated, on_test = _PREDICTIONS
    names = {_name(run): tracking.table_names(run.run_id, uri) for run in runs}
    if all(cross_validated in files for files in names.values()):
        return cross_validated
    if alone := [name for name, files in names.items() if cross_validated in files and on_test not in files]:
        others = listing(name for name, files in names.items() if cross_validated not in files)
        raise InputError(
            f"runs: {listing(alone)} held no test sentences back and can be compared by cross-validation alone, which "
            f"{others} did not do; allowed: evaluation=cross_validation in all of them"
        )
    return on_test


def _describe(comparison: Comparison, which: str) -> str:
    """Return a comparison as text for the terminal; `which` says what sentences they are."""
    tag = "test" if which == "test" else "judged"
    lines = [f"{tag:<8}{_describe_size(comparison, which)}, the same for all {len(comparison.scores.columns)} runs"]
    lines += [f"result  {told}" for told in report.describe_differences(comparison.first, comparison.differences)]
    if comparison.absent:
        lines.append(f"note    no sentence has, so no score is of: {listing(comparison.absent)}")
    lines.append(comparison.scores.rename(index=report.shorten_topic).to_string(float_format="{:.3f}".format))
    for name, table in comparison.differences.items():
        shown = table[_SHOWN].rename(index=report.shorten_topic)
        p_values = dict.fromkeys(("p", "p_holm"), report.format_p)
        text = shown.to_string(float_format="{:.3f}".format, formatters=p_values)
        lines.append(f"\n{name} less {comparison.first}\n{text}")
    lines.append(f"\nchanged {len(comparison.changes)} decisions")
    if len(comparison.changes):
        lines.append(comparison.tally_changes().rename(index=report.shorten_topic, level="topic").to_string())
    return "\n".join(lines)


def _describe_size(comparison: Comparison, which: str) -> str:
    """Return how many sentences and articles runs are compared on; `which` says what sentences they are."""
    kind = "" if which == "test" else f"{which} "
    return f"{comparison.sentences} {kind}sentences of {comparison.articles} articles"


def _log(settings: CompareSettings, launch: Launch, comparison: Comparison, which: str) -> str:
    """Log the comparison as a run of its own with a page, and return where it is."""
    macro = {name: table.loc["f1_macro"].to_dict() for name, table in comparison.differences.items()}
    gains = report.describe_differences(comparison.first, comparison.differences)
    tables = {"scores": comparison.scores.reset_index(), "changes": comparison.changes}
    for number, table in enumerate(comparison.differences.values(), 1):
        tables[f"differences_{number}"] = table[_SHOWN].reset_index()
    page = report.comparison_page(
        judged=_describe_size(comparison, which),
        reference=comparison.first,
        scores=comparison.scores,
        differences=comparison.differences,
        changes=comparison.changes,
        tally=comparison.tally_changes(),
        absent=comparison.absent,
    )
    content = SideRun(
        name=settings.name or f"compare {len(comparison.scores.columns)} runs",
        description="; ".join(gains),
        tables=tables,
        metrics={f"difference/f1_macro/{number}": row["difference"] for number, row in enumerate(macro.values(), 1)},
        texts={REPORT: page},
    )
    return log_side_run(settings.tracking, launch.folder, to_params(settings_to_config(settings)), content)
