"""Drift: whether new text is like the text that a model was judged on. No input or output.

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
from slugline.scoring import Counts, holm

BINS = 10  # of a distribution, by quantiles of the reference
SOURCES = 30  # that are counted by name
ALPHA = 0.01  # for all tests together
MOST_ARTICLES, MOST_NUMBERS = 2000, 500_000  # of the counts that go with a model
MOST_SENTENCES = 1_000_000  # of an article
LEAST = {
    "share": 0.2,
    "distribution": 0.2,
}  # Cohen's h, population stability index: below, a change is too small to act on
Profile = dict[str, Any]


def profile_sentences(
    model: TopicModel, sentences: pd.DataFrame, probabilities: np.ndarray, reference: Profile | None = None
) -> Profile:
    """Return the profile of sentences (`article_id, text, source`) and their probabilities; see `profile`."""
    texts = sentences["text"].tolist()
    words, unknown = count_words(model.vectorizers, texts)
    sources = [source if isinstance(source, str) else None for source in sentences["source"]]
    articles = sentences["article_id"].tolist()
    decided = model.decide(probabilities)
    return profile(decided, probabilities, words, unknown, articles, sources, model.topics, reference)


def profile(
    decided: np.ndarray,
    probabilities: np.ndarray,
    words: np.ndarray,
    unknown: np.ndarray | None,
    articles: Sequence[str],
    sources: Sequence[str | None],
    topics: Sequence[str],
    reference: Profile | None = None,
) -> Profile:
    """Return the profile of sentences; bins and named sources are those of the reference where one is given.

    `decided` and `probabilities` have shape (sentences, topics), `words` and `unknown` count the words of each sentence
    and those of them that the model does not know (None: it knows characters alone).
    """
    group = pd.factorize(np.asarray(articles, object))[0]
    ones = np.ones(len(group))
    shares = {f"share/{topic}": share(decided[:, column], ones, group) for column, topic in enumerate(topics)}
    if unknown is not None:
        shares["share of unknown words"] = share(unknown, words, group)
    values = {f"score/{topic}": probabilities[:, column] for column, topic in enumerate(topics)} | {"words": words}
    known = (reference or {}).get("distributions", {})
    binned = {
        name: distribution(*cut(column, known[name]["edges"] if name in known else quantiles(column)), group)
        for name, column in values.items()
    }
    names = known["source"]["edges"] if "source" in known else most_common(sources)
    binned["source"] = distribution(by_name(sources, names), names, group)
    size = {"sentences": len(group), "articles": int(group.max(initial=-1)) + 1}
    return {**size, "shares": shares, "distributions": binned}


def share(part: np.ndarray, whole: np.ndarray, group: np.ndarray) -> dict[str, float]:
    """Return the share of a part in a whole and its standard error, by the totals of groups."""
    parts, wholes = np.bincount(group, part), np.bincount(group, whole)
    value = parts.sum() / max(wholes.sum(), 1)
    groups = len(parts)
    spread = np.sum((parts - value * wholes) ** 2) * groups / max(groups - 1, 1)
    return {"value": float(value), "error": float(np.sqrt(spread) / max(wholes.sum(), 1))}


def quantiles(values: np.ndarray) -> list[float]:
    """Return what parts values into bins as full as can be."""
    return np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1])).tolist() if len(values) else []


def cut(values: np.ndarray, edges: Sequence[float]) -> tuple[np.ndarray, list[float]]:
    """Return the bin of each value, and the edges."""
    return np.searchsorted(edges, values, side="left"), list(edges)


def most_common(sources: Sequence[str | None]) -> list[str]:
    """Return the sources that are counted by name."""
    return pd.Series(list(sources), dtype=object).dropna().value_counts().index[:SOURCES].tolist()


def by_name(sources: Sequence[str | None], names: Sequence[str]) -> np.ndarray:
    """Return the place of each source among names; others, and none, come last."""
    place = {name: number for number, name in enumerate(names)}
    return np.array([place.get(source or "", len(names)) for source in sources], np.int64)


def distribution(bins: np.ndarray, edges: Sequence[Any], group: np.ndarray) -> dict[str, Any]:
    """Return how many values each bin has, and the mean design effect of their shares."""
    counts = np.bincount(bins, minlength=len(edges) + 1)
    found = [share((bins == number).astype(float), np.ones(len(bins)), group) for number in range(len(counts))]
    simple = [one["value"] * (1 - one["value"]) / max(len(bins), 1) for one in found]
    effects = [one["error"] ** 2 / plain for one, plain in zip(found, simple, strict=True) if plain > 0]
    return {"edges": list(edges), "counts": counts.tolist(), "effect": float(np.mean(effects)) if effects else 1.0}


def compare(reference: Profile, new: Profile) -> pd.DataFrame:
    """Return what changed, a row each: `what, reference, new, effect, p, drift`.

    Shares: Cohen's h and a z test. Distributions: population stability index and a chi-square test; `reference` and
    `new` are then the shares of the bin that changed most. `p` is corrected for the number of tests (Holm 1979); there
    is drift where `p` is below `ALPHA` and the effect at least that of `LEAST`.
    """
    found = [(compare_shares, "shares"), (compare_distributions, "distributions")]
    rows = [
        test(name, one, new[kind][name])
        for test, kind in found
        for name, one in reference[kind].items()
        if name in new[kind]
    ]
    table = pd.DataFrame(rows)
    table["p"] = holm(table["p"].to_numpy())
    least = table["what"].map(lambda name: LEAST["share" if name.startswith("share") else "distribution"])
    return table.assign(drift=(table["p"] < ALPHA) & (table["effect"].abs() >= least))


def compare_shares(name: str, reference: Mapping[str, float], new: Mapping[str, float]) -> dict[str, Any]:
    """Return one row of the comparison, of a share."""
    one, other = reference["value"], new["value"]
    error = float(np.hypot(reference["error"], new["error"]))
    z = abs(other - one) / error if error > 0 else (0.0 if one == other else np.inf)
    effect = 2 * (np.arcsin(np.sqrt(other)) - np.arcsin(np.sqrt(one)))  # Cohen 1988, section 6.2
    return {"what": name, "reference": one, "new": other, "effect": float(effect), "p": float(2 * norm.sf(z))}


def compare_distributions(name: str, reference: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """Return one row of the comparison, of a distribution."""
    counts = np.array([reference["counts"], new["counts"]], float)
    counts = counts[:, counts.sum(axis=0) > 0]
    totals = counts.sum(axis=1, keepdims=True)
    shares = (counts + 0.5) / (totals + 0.5 * counts.shape[1])  # so that an empty bin has a logarithm
    stability = float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))
    expected = totals * counts.sum(axis=0) / counts.sum()
    effects = [max(1.0, one["effect"]) for one in (reference, new)]
    statistic = float(np.sum((counts - expected) ** 2 / expected)) / np.mean(effects)
    most = int(np.abs(shares[1] - shares[0]).argmax())
    p = float(chi2.sf(statistic, counts.shape[1] - 1)) if counts.shape[1] > 1 else 1.0
    return {"what": name, "reference": shares[0, most], "new": shares[1, most], "effect": stability, "p": p}


def pack_counts(counts: Counts) -> dict[str, list[str]]:
    """Return counts by articles as JSON can hold them: for each column its whole numbers, blanks between.

    Of at most `MOST_ARTICLES`, fewer where there are many topics, drawn at random.
    """
    most = min(MOST_ARTICLES, MOST_NUMBERS // sum(values.shape[1] for values in counts))
    drawn = np.sort(np.random.default_rng(0).permutation(len(counts.true))[: max(1, most)])
    return {
        name: [" ".join(map(str, column)) for column in values[drawn].astype(int).T.tolist()]
        for name, values in counts._asdict().items()
    }


def unpack_counts(packed: Mapping[str, Sequence[str]], topics: int) -> Counts:
    """Return the counts of `pack_counts`; raise ValueError where they are none of so many topics."""
    counts = Counts(*(np.array([column.split() for column in packed[name]], float).T for name in Counts._fields))
    articles, shapes = len(counts.true), [values.shape for values in counts]
    if not 0 < articles <= MOST_ARTICLES or shapes != [(articles, 1), *[(articles, topics)] * 3]:
        raise ValueError(f"counts of {topics} topics have shapes {shapes}")
    sentences, given, true, both = counts
    right = (sentences >= 1) & (sentences <= MOST_SENTENCES) & (np.maximum(given, true) <= sentences)
    if not (right & (both >= 0) & (both <= np.minimum(given, true))).all():  # so is NaN refused
        raise ValueError("counts of sentences are none")
    return counts
