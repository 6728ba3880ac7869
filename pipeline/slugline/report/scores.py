"""The scores of a part as text: the same numbers for the terminal, the page and the card."""

from collections.abc import Mapping, Sequence

import pandas as pd

from slugline.scoring import tabulate

_BASELINES = ("most_frequent", "rules")


def format_number(value: float, form: str = ".3f") -> str:
    """Return a number in a format of Python; "" for NaN."""
    return "" if value != value else format(value, form)


def format_p(value: float) -> str:
    """Return a p-value with three decimal places, never as 0; "" for NaN.

    Examples
    --------
    >>> format_p(0.0004), format_p(0.02)
    ('<0.001', '0.020')
    """
    return "<0.001" if value < 0.001 else format_number(value)


def format_interval(metrics: Mapping[str, float], key: str) -> str:
    """Return the 95 % interval of the score with a metric key; "" where there is none."""
    low, high = metrics.get(f"{key}_low"), metrics.get(f"{key}_high")
    return "" if low is None or high is None else f"{low:.3f} to {high:.3f}"


def format_scores(metrics: Mapping[str, float], topics: Sequence[str], part: str) -> pd.DataFrame:
    """Return the scores of a part as text, with their 95 % intervals.

    Parameters
    ----------
    metrics : mapping of str to float
        Scores by their metric keys, such as `test/f1_macro`.
    topics : sequence of str
        The topics of the model.
    part : str
        The first words of the keys: `test`, `dev`, `test/article`, ...

    Returns
    -------
    DataFrame
        Topics down, then macro and micro averages; `precision, recall, f1, f1_interval, ap, ap_interval, support`
        across. Missing ones are "", and those of a topic that no sentence has.

    Examples
    --------
    >>> metrics = {"test/f1/truce": 0.5, "test/f1/truce_low": 0.4, "test/f1/truce_high": 0.6}
    >>> format_scores(metrics, ["truce"], "test").loc["truce", ["f1", "f1_interval"]].to_list()
    ['0.500', '0.400 to 0.600']
    """
    scores = tabulate(metrics, part, topics).drop(index="samples")
    shown = scores.map(format_number)
    shown["support"] = [format_number(value, ".0f") for value in scores["support"]]

    for place, score in ((3, "f1"), (5, "ap")):
        keys = [f"{part}/{score}/{name}" if name in topics else f"{part}/{score}_{name}" for name in shown.index]
        shown.insert(place, f"{score}_interval", [format_interval(metrics, key) for key in keys])
    shown.loc[scores["support"] == 0, shown.columns.drop("support")] = ""
    return shown


def baseline_scores(metrics: Mapping[str, float], part: str) -> dict[str, tuple[float, float]]:
    """Return macro and micro F1 of each baseline by its name."""
    return {
        name.replace("_", " "): (metrics[f"{part}/f1_macro_{name}"], metrics[f"{part}/f1_micro_{name}"])
        for name in _BASELINES
        if f"{part}/f1_macro_{name}" in metrics
    }
