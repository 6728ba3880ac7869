"""The pages of `slugline compare` and `slugline monitor`."""

from collections.abc import Mapping

import pandas as pd

from slugline.report.rendering import Table, render

_MAX_LISTED = 500  # sentences whose topics changed, on the page
_DIFFERENCE_COLUMNS = ["difference", "low", "high", "p", "p_holm"]


def comparison_page(
    *,
    reference: str,
    scores: pd.DataFrame,
    differences: Mapping[str, pd.DataFrame],
    changes: pd.DataFrame,
    tally: pd.DataFrame,
) -> str:
    """Return the page of a comparison of runs as HTML.

    Parameters
    ----------
    reference : str
        The name of the run that the others are compared with.
    scores : DataFrame
        The scores of each run on the same sentences: metrics down (the index), runs across.
    differences : mapping of str to DataFrame
        For each other run, by its name, its scores less those of the reference, from `scoring.paired_differences`:
        metrics down (the index); `difference, low, high, p, p_holm` across, further columns are not shown.
    changes : DataFrame
        The decisions that changed sides, a row each: `run, topic, change, right, text`, and `sentence_id`, which is
        not shown. The page lists the first 500 and points to `changes.csv` for all.
    tally : DataFrame
        How many changed: run and topic down (the index), what changed across; not shown when none did.
    """
    shown_changes = changes.drop(columns="sentence_id").head(_MAX_LISTED)
    return render(
        "comparison.html.j2",
        title="Comparison",
        reference=reference,
        scores=Table.from_frame(scores.reset_index()),
        differences={
            name: Table.from_frame(table[_DIFFERENCE_COLUMNS].reset_index()) for name, table in differences.items()
        },
        changed=len(changes),
        tally=Table.from_frame(tally.reset_index()),
        sentences=Table.from_frame(shown_changes),
    )


def drift_page(*, summary: str, drift: pd.DataFrame, counts: pd.DataFrame) -> str:
    """Return the page on how new articles differ from those that a model was judged on, as HTML.

    Parameters
    ----------
    summary : str
        What was compared with what: a sentence without its full stop.
    drift : DataFrame
        What was tested, a row each, from `monitoring.compare_profiles`: `what, part, reference, new, effect, p`
        and the boolean `drift`.
    counts : DataFrame
        Estimated numbers of sentences by period and topic, from `scoring.estimate_prevalence`; shown without decimal
        places.
    """
    return render(
        "drift.html.j2",
        title="Drift",
        summary=summary,
        drift=Table.from_frame(drift.assign(drift=drift["drift"].map({True: "yes", False: ""}))),
        counts=Table.from_frame(counts, decimals=0),
    )
