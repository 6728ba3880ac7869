"""The pages of `slugline compare` and `slugline monitor`."""

from collections.abc import Mapping, Sequence

import pandas as pd

from slugline.monitoring import MIN_EFFECT, DriftReport, describe_measure
from slugline.report.plots import Plot, draw_bars, draw_counts
from slugline.report.rendering import Table, render

_MAX_LISTED = 500  # sentences whose topics changed, on the page
_MAX_BARS = 20  # effects that are drawn
_DIFFERENCE_COLUMNS = ["difference", "low", "high", "p", "p_holm"]


def comparison_page(
    *,
    judged: str,
    reference: str,
    scores: pd.DataFrame,
    differences: Mapping[str, pd.DataFrame],
    changes: pd.DataFrame,
    tally: pd.DataFrame,
    absent: Sequence[str] = (),
) -> str:
    """Return the page of a comparison of runs as HTML.

    Parameters
    ----------
    judged : str
        What the runs are compared on: `212 sentences of 60 articles`.
    reference : str
        The name of the run that the others are compared with.
    scores : DataFrame
        The scores of each run on the same sentences: metrics down (the index), runs across.
    differences : mapping of str to DataFrame
        For each other run, by its name, its scores less those of the reference, from `scoring.paired_differences`:
        metrics down (the index); `difference, low, high, p, p_holm` across, further columns are not shown.
    changes : DataFrame
        The decisions that changed sides, a row each: `run, topic, change, right, text`, and `sentence_id`, which is
        not shown. The page lists the first 500 and points to `tables/changes.csv` for all.
    tally : DataFrame
        How many changed: run and topic down (the index), what changed across; not shown when none did.
    absent : sequence of str
        The topics that no sentence has, of which there are no scores.
    """
    shown_changes = changes.drop(columns="sentence_id").head(_MAX_LISTED)
    return render(
        "comparison.html.j2",
        title="Comparison",
        judged=judged,
        verdicts=describe_differences(reference, differences),
        reference=reference,
        scores=Table.from_frame(scores.reset_index()),
        differences={
            name: Table.from_frame(table[_DIFFERENCE_COLUMNS].reset_index()) for name, table in differences.items()
        },
        changed=len(changes),
        absent=absent,
        tally=Table.from_frame(tally.reset_index()),
        sentences=Table.from_frame(shown_changes),
    )


def describe_differences(reference: str, differences: Mapping[str, pd.DataFrame]) -> list[str]:
    """Return for each run, in words, whether its macro F1 is better or worse than that of a reference.

    Parameters
    ----------
    reference, differences
        As for `comparison_page`; a table without macro F1 is left out.

    Examples
    --------
    >>> table = pd.DataFrame({"difference": [0.1], "low": [-0.02], "high": [0.2]}, index=["f1_macro"])
    >>> describe_differences("A", {"B": table})
    ['B: macro F1 +0.100 (-0.020 to +0.200) against A: a difference within chance']
    """
    told = []
    for name, table in differences.items():
        if "f1_macro" in table.index:
            row = table.loc["f1_macro"].to_dict()
            gap, low, high = (row[end] for end in ("difference", "low", "high"))
            verdict = "a difference within chance" if low <= 0 <= high else "better" if gap > 0 else "worse"
            beyond = "" if low <= 0 <= high else ", beyond chance"
            numbers = f"macro F1 {gap:+.3f} ({low:+.3f} to {high:+.3f})"
            told.append(f"{name}: {numbers} against {reference}: {verdict}{beyond}")
    return told


def drift_page(report: DriftReport) -> str:
    """Return the page on how new articles differ from those that a model was judged on, as HTML."""
    drift = report.table.sort_values(["drift", "effect"], key=abs, ascending=False)
    totals = report.totals[["topic", "counted", "corrected", "low", "high"]]
    return render(
        "drift.html.j2",
        title="New articles against those that the model was judged on",
        verdict=report.verdict,
        summary=report.summary,
        cautions=report.cautions,
        drifted=_tabulate_drift(drift[drift["drift"]]),
        drift=_tabulate_drift(drift),
        totals=Table.from_frame(totals, decimals=0),
        counts=Table.from_frame(report.counts[report.counts["period"].ne("all")], decimals=0),
        plots=_draw_drift(report),
    )


def _tabulate_drift(drift: pd.DataFrame) -> Table:
    """Return measures in words, a row each."""
    shown = drift.assign(what=drift["what"].map(describe_measure), drift=drift["drift"].map({True: "drift", False: ""}))
    return Table.from_frame(shown.rename(columns={"part": "most in", "drift": ""}))


def _name_bar(what: str) -> str:
    """Return the name of a measure so that it fits beside its bar: the topic first."""
    kind, _, topic = what.partition("/")
    return f"{topic}, {kind}" if topic else what.replace("share of ", "")


def _draw_drift(report: DriftReport) -> dict[str, Plot]:
    """Draw the largest effects, the counts of all, and those of each period where there are any."""
    largest = report.table.sort_values("effect", key=abs, ascending=False).head(_MAX_BARS)
    names, least, totals = [_name_bar(str(what)) for what in largest["what"]], max(MIN_EFFECT.values()), report.totals
    bars = draw_bars("Effect", names, largest["effect"].abs().to_numpy(float), at_least=1.25 * least)
    bars.rule("mark", x=least)
    numbers = totals["corrected"].fillna(totals["counted"]).to_numpy(float)
    topics = [str(topic) for topic in totals["topic"]]
    plots = {
        "drift": Plot("The largest effects; drift is looked for beyond the red line.", [bars]),
        "totals": Plot(
            "Sentences with each topic, corrected where that is possible.", [draw_bars("Sentences", topics, numbers)]
        ),
    }
    if report.counts["period"].ne("all").any():
        plots["prevalence"] = draw_counts(report.counts[report.counts["period"].ne("all")], topics)
    return plots
