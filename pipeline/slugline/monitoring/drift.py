"""Drift of new sentences from those that a model was judged on."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from slugline.data.context import read_context
from slugline.errors import InputError
from slugline.known_sentences import find_known
from slugline.model import TopicModel
from slugline.monitoring.profiles import MIN_ARTICLES, compare_profiles, profile_sentences
from slugline.scoring import estimate_prevalence, period_bins, unpack_counts


@dataclass(frozen=True)
class DriftReport:
    """New sentences against those that a model was judged on.

    The table of `compare_profiles`; counts of sentences by topic, of all periods together (`period` is `all`) and of
    each, as `estimate_prevalence` gives them; one line on what was compared; what to mind; and how many articles are
    new, of which too few have no drift.
    """

    table: pd.DataFrame
    counts: pd.DataFrame
    summary: str
    cautions: Sequence[str] = ()
    n_articles: int = MIN_ARTICLES

    @property
    def verdict(self) -> str:
        """What was found, in words."""
        if self.n_articles < MIN_ARTICLES:
            few = f"{self.n_articles} {'article' if self.n_articles == 1 else 'articles'}"
            return f"Not tested: {few} cannot tell chance from drift; {MIN_ARTICLES} or more can."
        if not self.n_drifted:
            return "No drift: in all that was measured, the new articles are like those that the model was judged on."
        drifted = self.table[self.table["drift"]]
        most = str(drifted["what"].iloc[int(drifted["effect"].abs().to_numpy().argmax())])
        return (
            f"Drift: the new articles differ in {self.n_drifted} of {len(self.table)} measures from those that the "
            f"model was judged on, most in {describe_measure(most)}. Its scores may not hold for them: have some "
            "labelled."
        )

    @property
    def n_drifted(self) -> int:
        """The number of rows of the table that drifted."""
        return int(self.table["drift"].sum())

    @property
    def totals(self) -> pd.DataFrame:
        """The counts of all periods together."""
        return self.counts[self.counts["period"].eq("all")]


def check_reference(model: TopicModel, model_uri: str) -> None:
    """Raise `InputError` for a model that does not carry the profile of what it was judged on."""
    if not model.info.get("reference"):
        raise InputError(f"model {model_uri} holds no reference; train it again with this version of Slugline")


def detect_drift(
    model: TopicModel, sentences: pd.DataFrame, *, model_uri: str, period: str | None, prevalence: str
) -> DriftReport:
    """Compare new sentences with those that a model was judged on, and count their topics.

    The model must carry a reference, see `check_reference`; messages name it by `model_uri`. Sentences have columns
    `article_id, text, source, published`, for a model that reads the context also those of `add_context`. `period` is
    that of the counts, see `period_bins`, and `prevalence` how they are corrected, see `estimate_prevalence`. Raises
    `InputError` when the reference cannot be read.
    """
    reference = model.info["reference"]
    sentences, cautions, all_known = _leave_out_known(model, sentences)
    context = read_context(sentences) if model.reads_context else None
    probabilities = model.predict_proba(sentences["text"].tolist(), context)
    # Whoever made the model made its reference too, so it may hold anything.
    try:
        new = profile_sentences(model, sentences, probabilities, reference)
        table = compare_profiles(reference, new)
        labelled = unpack_counts(reference["counts"], len(model.topics))
        summary = (
            f"{new['sentences']} sentences of {new['articles']} articles against {reference['sentences']} of "
            f"{reference['articles']} that {model_uri} was judged on"
        )
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {str(error)[:80]}"
        raise InputError(f"model {model_uri}: its reference cannot be read ({reason}); train it again") from error

    predicted, articles = model.decide(probabilities), sentences["article_id"].to_numpy()
    bins = period_bins(sentences["published"], period)
    periods = [np.full(len(sentences), "all", object)]
    if pd.notna(bins).any():  # without any date there is nothing to count over time
        periods.append(bins)
    count = partial(estimate_prevalence, groups=articles, labelled=labelled, topics=model.topics, method=prevalence)
    counts = pd.concat([count(predicted, values) for values in periods])
    if all_known:
        counts[["corrected", "low", "high"]] = np.nan
    return DriftReport(table, counts, summary, cautions, new["articles"])


def _leave_out_known(model: TopicModel, sentences: pd.DataFrame) -> tuple[pd.DataFrame, list[str], bool]:
    """Return the sentences without those of articles that the model learned from, unless all are; what to mind."""
    learned_from = model.info.get("learned_from")
    if learned_from is None:  # trained out of core, or by an earlier version
        return sentences, [], False
    try:
        known = find_known(sentences, learned_from)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise InputError("the model's digests of what it learned from cannot be read; train it again") from error
    if not known.any():
        return sentences, [], False
    articles = sentences["article_id"]
    count = f"{articles[known].nunique()} of {articles.nunique()} articles are among those that the model learned from"
    if known.all():
        return sentences, [f"{count}: it makes fewer errors on them, so counts are not corrected"], True
    return (
        sentences[~known].reset_index(drop=True),
        [f"{count}, and are left out: it makes fewer errors on them"],
        False,
    )


def describe_measure(what: str) -> str:
    """Return the name of a measure in words.

    Examples
    --------
    >>> describe_measure("share/truce"), describe_measure("score/truce")
    ('the share of sentences with truce', 'the probabilities of truce')
    """
    kind, _, topic = what.partition("/")
    words = {"words": "the length of sentences", "source": "the sources", "share of unknown words": "unknown words"}
    kinds = {"share": f"the share of sentences with {topic}", "score": f"the probabilities of {topic}"}
    return words.get(what) or kinds.get(kind, what)
