"""Profiles of sentences, and what changed from one to another.

A profile holds counts of held-out sentences, as data that JSON can hold; a model carries that of its own. Sentences of
an article are not independent, so standard errors are of sums over articles (Cochran 1977, "Sampling Techniques",
section 9A.1, ratio of cluster totals) and chi-square statistics are divided by the mean design effect (Rao and Scott
1981, "The analysis of categorical data from complex sample surveys").
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2, norm

from slugline.model import TopicModel
from slugline.model.vectorizers import count_words
from slugline.scoring import holm

ALPHA = 0.01  # for all tests together
# Cohen's h of shares, population stability index of distributions: below, a change is too small to act on.
MIN_EFFECT = {"share": 0.2, "distribution": 0.2}
# Errors are by the spread between articles; of news of one kind, 43 of 100 samples of 3 articles drifted, 15 of 10 and
# of 20, 5 of 30, 2 of 60 (`news` in tests/test_monitoring.py, 3 topics)
MIN_ARTICLES = 30
_BINS = 10  # of a distribution, by quantiles of the reference
_MAX_SOURCES = 30  # that are counted by name
Profile = dict[str, Any]


def profile_sentences(
    model: TopicModel, sentences: pd.DataFrame, probabilities: np.ndarray, reference: Profile | None = None
) -> Profile:
    """Return the profile of sentences, columns `article_id, text, source`, by the topics and words of a model.

    `probabilities` are what the model gives them, shape (sentences, topics). Bins and named sources are those of the
    reference, a profile, where there is one.
    """
    words, unknown = count_words(model.vectorizers, sentences["text"].tolist())
    group, ones = pd.factorize(sentences["article_id"])[0], np.ones(len(sentences))
    predicted = model.decide(probabilities)
    shares = {f"share/{topic}": share(predicted[:, column], ones, group) for column, topic in enumerate(model.topics)}
    if unknown is not None:  # else the model knows characters alone
        shares["share of unknown words"] = share(unknown, words, group)

    known = (reference or {}).get("distributions", {})
    values = {f"score/{topic}": probabilities[:, column] for column, topic in enumerate(model.topics)}
    distributions = {}
    for name, numbers in (values | {"words": words}).items():
        edges = list(known[name]["edges"] if name in known else _quantiles(numbers))
        distributions[name] = distribution(np.searchsorted(edges, numbers, side="left"), edges, group)
    # Sources have no order, so names replace edges; one extra bin counts all other sources and missing ones.
    sources = [source if isinstance(source, str) else None for source in sentences["source"]]
    common = pd.Series(sources, dtype=object).dropna().value_counts().index[:_MAX_SOURCES].tolist()
    names = known["source"]["edges"] if "source" in known else common
    place = {name: number for number, name in enumerate(names)}
    bins = np.array([place.get(source or "", len(names)) for source in sources], np.int64)
    distributions["source"] = distribution(bins, names, group)

    size = {"sentences": len(group), "articles": int(group.max(initial=-1)) + 1}
    return {**size, "shares": shares, "distributions": distributions}


def share(part: np.ndarray, whole: np.ndarray, group: np.ndarray) -> dict[str, float]:
    """Return the share of a part in a whole and its standard error, by the totals of groups."""
    parts, wholes = np.bincount(group, part), np.bincount(group, whole)
    value = parts.sum() / max(wholes.sum(), 1)
    groups = len(parts)
    spread = np.sum((parts - value * wholes) ** 2) * groups / max(groups - 1, 1)
    return {"value": float(value), "error": float(np.sqrt(spread) / max(wholes.sum(), 1))}


def distribution(bins: np.ndarray, edges: Sequence[Any], group: np.ndarray) -> dict[str, Any]:
    """Return how many values each bin has, and the mean design effect of their shares."""
    counts = np.bincount(bins, minlength=len(edges) + 1)
    effects = []
    for number in range(len(counts)):
        clustered = share((bins == number).astype(float), np.ones(len(bins)), group)
        variance = clustered["value"] * (1 - clustered["value"]) / max(len(bins), 1)  # were sentences independent
        if variance > 0:
            effects.append(clustered["error"] ** 2 / variance)
    return {"edges": list(edges), "counts": counts.tolist(), "effect": float(np.mean(effects)) if effects else 1.0}


def compare_profiles(reference: Profile, new: Profile) -> pd.DataFrame:
    """Return what changed from one profile to another: columns `what, part, reference, new, effect, p, drift`.

    Shares are compared by Cohen's h and a z test, distributions by the population stability index and a chi-square
    test; for these, `reference` and `new` are the shares of the bin that changed most, which `part` names. `p` is
    corrected for the number of tests (Holm 1979); there is drift where `p` is below `ALPHA` and the effect at least
    that of `MIN_EFFECT`. Fewer new articles than `MIN_ARTICLES` are not tested: `p` is NaN.
    """
    rows = []
    for kind, compare in (("shares", _compare_shares), ("distributions", compare_distributions)):
        names = [name for name in reference[kind] if name in new[kind]]
        rows += [compare(name, reference[kind][name], new[kind][name]) for name in names]

    table = pd.DataFrame(rows)
    table["p"] = holm(table["p"].to_numpy()) if new["articles"] >= MIN_ARTICLES else np.nan
    least = table["what"].map(lambda name: MIN_EFFECT["share" if name.startswith("share") else "distribution"])
    return table.assign(drift=(table["p"] < ALPHA) & (table["effect"].abs() >= least))


def compare_distributions(name: str, reference: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of `compare_profiles` for a distribution."""
    counts = np.array([reference["counts"], new["counts"]], float)
    filled = np.flatnonzero(counts.sum(axis=0))  # a bin that is empty on both sides says nothing
    counts = counts[:, filled]
    totals = counts.sum(axis=1, keepdims=True)
    shares = (counts + 0.5) / (totals + 0.5 * counts.shape[1])  # so that an empty bin has a logarithm
    stability = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))

    expected = totals * counts.sum(axis=0) / counts.sum()
    # Sentences of an article are alike, so there are fewer independent ones than are counted (Rao and Scott 1981).
    effects = [max(1.0, side["effect"]) for side in (reference, new)]
    statistic = float(np.sum((counts - expected) ** 2 / expected)) / np.mean(effects)
    p = float(chi2.sf(statistic, counts.shape[1] - 1)) if counts.shape[1] > 1 else 1.0

    most = int(np.abs(shares[1] - shares[0]).argmax())
    part = _name_bin(reference["edges"], int(filled[most]))
    before, after = counts[:, most] / np.maximum(totals[:, 0], 1)  # as they are, whatever the other side holds
    values = {"reference": before, "new": after, "effect": stability, "p": p}
    return {"what": name, "part": part, **values}


def _name_bin(edges: Sequence[Any], number: int) -> str:
    """Return in words what is in a bin of a distribution, by number; by name of sources."""
    if not edges or any(isinstance(edge, str) for edge in edges):
        return str(edges[number]) if number < len(edges) else "other, or none given"
    if number == 0:
        return f"up to {edges[0]:.3g}"
    above = f"above {edges[number - 1]:.3g}"
    return above if number == len(edges) else f"{above} to {edges[number]:.3g}"


def _quantiles(values: np.ndarray) -> list[float]:
    """Return the edges between bins that are as equally full as can be."""
    return np.unique(np.quantile(values, np.linspace(0, 1, _BINS + 1)[1:-1])).tolist() if len(values) else []


def _compare_shares(name: str, reference: Mapping[str, float], new: Mapping[str, float]) -> dict[str, Any]:
    """Return the row of `compare_profiles` for a share."""
    before, after = reference["value"], new["value"]
    error = float(np.hypot(reference["error"], new["error"]))
    z = abs(after - before) / error if error > 0 else (0.0 if before == after else np.inf)
    effect = 2 * (np.arcsin(np.sqrt(after)) - np.arcsin(np.sqrt(before)))  # Cohen 1988, section 6.2
    values = {"reference": before, "new": after, "effect": float(effect), "p": float(2 * norm.sf(z))}
    return {"what": name, "part": "", **values}
