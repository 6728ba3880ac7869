"""Evaluation of a model on held-out sentences: metrics of dev and test, tables of the part that it is judged by."""

from typing import Any

import numpy as np
import pandas as pd

from slugline.dataset import Dataset
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.scoring import (
    Counts,
    Scores,
    check_period,
    count_articles,
    estimate_prevalence,
    flatten_intervals,
    max_by_article,
    period_bins,
    prefixed,
    reading_budget,
    reliability_curve,
    score,
    score_all_slices,
    score_articles,
    score_calibration,
    score_intervals,
    slice_values,
    tabulate,
    work_saved,
)
from slugline.splits import HELD_OUT
from slugline.training.fit import FittedModel
from slugline.training.settings import EvaluationSettings

_BASELINE_SCORES = ("f1_macro", "f1_micro")
FEW_SENTENCES = 100  # by fewer a model is hardly judged: with 25 of a topic, the interval of its F1 is about 0.4 wide
CROSS_VALIDATED = "cross_validated"  # in place of a part, in metric keys


def check_evaluation(settings: EvaluationSettings, dataset: Dataset, split: Any) -> None:
    """Check that the dataset has the slices and periods to evaluate by, and that the splitter can draw again.

    Raises
    ------
    InputError
        With what there is to choose from.
    """
    if settings.repeats > 1 and not hasattr(split, "seed"):
        raise InputError(
            f"evaluation.repeats={settings.repeats}: this split is not random; allowed: split=article, split=random"
        )
    if settings.repeats > 1 and getattr(split, "keep", None) is not None:
        raise InputError(
            f"evaluation.repeats={settings.repeats}: split.keep draws no other parts; allowed: one of both"
        )
    for name in settings.slices:
        slice_values(dataset.sentences.head(1), name)
    check_period(settings.period, "evaluation.period")


def evaluate(
    dataset: Dataset, fitted: FittedModel, labels: Labels, settings: EvaluationSettings
) -> tuple[Scores, dict[str, pd.DataFrame]]:
    """Score a model on dev and test beside baselines, and look closer at the part that it is judged by.

    Parameters
    ----------
    dataset : Dataset
        With labels for dev and test.
    fitted : FittedModel
        The model, and its probabilities for the sentences of the dataset.
    labels : Labels
        The labeller, whose rules are a baseline.
    settings : EvaluationSettings
        How to judge.

    Returns
    -------
    metrics : dict of str to float
        By their keys, such as `test/f1_macro`; where few sentences are in the evaluated part, also those under
        `cross_validated`, of all sentences that people labelled, each decided by a model that did not learn from it.
    tables : dict of str to DataFrame
        `calibration, reliability, articles, slices, prevalence`; those that are empty are left out.
    """
    metrics: Scores = {}
    for part in HELD_OUT:
        if dataset.rows(part).any():
            metrics |= prefixed(part, _score_rows(dataset, fitted, labels, dataset.rows(part)))
    if dataset.rows("train").any() and dataset.rows(dataset.evaluated_part).sum() < FEW_SENTENCES:
        metrics |= prefixed(CROSS_VALIDATED, _score_rows(dataset, fitted, labels, judged_rows(dataset)))
    further_metrics, tables = _evaluate_further(dataset, fitted, settings)
    return metrics | further_metrics, {name: table for name, table in tables.items() if len(table)}


def reference_counts(dataset: Dataset, fitted: FittedModel) -> Counts:
    """Return by articles what was predicted and what is true: how far a model's counts are off.

    Of the sentences that people labelled, out of fold for train.
    """
    rows = judged_rows(dataset)
    decided = fitted.model.decide(fitted.probabilities[rows])
    return count_articles(decided, dataset.sentences["article_id"][rows].to_numpy(), dataset.Y[rows])


def _score_rows(dataset: Dataset, fitted: FittedModel, labels: Labels, rows: np.ndarray) -> Scores:
    """Return scores with 95 % intervals, and those of the baselines: the commonest topic, and the rules."""
    topics = dataset.topics
    Y, P, articles = dataset.Y[rows], fitted.probabilities[rows], dataset.sentences["article_id"][rows].to_numpy()
    decided = fitted.model.decide(P)
    intervals = score_intervals(Y, decided, topics, groups=articles, probabilities=P)
    scores = score(Y, decided, topics, probabilities=P) | flatten_intervals(intervals)

    for name, guess in _baselines(dataset, rows, labels).items():
        baseline = score(Y, guess, topics)
        scores |= {f"{key}_{name}": baseline[key] for key in _BASELINE_SCORES}
    return scores


def _baselines(dataset: Dataset, rows: np.ndarray, labels: Labels) -> dict[str, np.ndarray]:
    """Return what each baseline predicts for some sentences, booleans (sentences, topics)."""
    commonest = int(dataset.label_counts["train"].argmax())
    one_row = np.arange(len(dataset.topics)) == commonest
    baselines = {"most_frequent": np.tile(one_row, (int(rows.sum()), 1))}
    if labels.all_rules():
        votes = labels.vote(dataset.sentences["text"][rows].tolist())
        unknown = np.full((int(rows.sum()), len(labels.topics)), -1)
        columns = [list(labels.topics).index(topic) for topic in dataset.topics]  # not of those set aside
        baselines["rules"] = labels.combine_votes(votes, unknown)[:, columns] > 0.5
    return baselines


def _evaluate_further(
    dataset: Dataset, fitted: FittedModel, settings: EvaluationSettings
) -> tuple[Scores, dict[str, pd.DataFrame]]:
    """Return calibration, ranking, scores on articles, slices and counts over time, on the evaluated part."""
    part, topics = dataset.evaluated_part, dataset.topics
    rows = dataset.rows(part)
    sentences, Y, P = dataset.sentences[rows], dataset.Y[rows], fitted.probabilities[rows]
    decided, articles = fitted.model.decide(P), sentences["article_id"].to_numpy()

    columns = list(zip(topics, Y.T, P.T, strict=True))
    table = score_calibration(Y, P, topics)
    table["reading_budget"] = [reading_budget(y, p, settings.recall) for _, y, p in columns]
    table["work_saved"] = [work_saved(y, p, settings.recall) for _, y, p in columns]
    metrics = {f"{part}/{name}/{topic}": value for name in table for topic, value in table[name].to_dict().items()}
    metrics |= {f"{part}/{name}_macro": float(table[name].mean()) for name in table}

    on_articles = score_articles(Y, decided, topics, groups=articles, probabilities=P)
    article_Y, article_decided, article_P = (max_by_article(values, articles) for values in (Y, decided, P))
    each = range(len(article_Y))  # every article is a group of its own
    intervals = score_intervals(article_Y, article_decided, topics, groups=each, probabilities=article_P)
    metrics |= prefixed(f"{part}/article", on_articles | flatten_intervals(intervals))

    tables = {
        "calibration": table.reset_index(),
        "reliability": pd.concat([reliability_curve(y, p).assign(topic=topic) for topic, y, p in columns]),
        "articles": tabulate(metrics, f"{part}/article", topics).rename_axis("topic").reset_index(),
        "slices": score_all_slices(sentences, Y, decided, topics, settings.slices),
        "prevalence": _count_over_time(dataset, fitted, settings),
    }
    return {key: value for key, value in metrics.items() if value == value}, tables  # NaN: nothing to score


def _count_over_time(dataset: Dataset, fitted: FittedModel, settings: EvaluationSettings) -> pd.DataFrame:
    """Return estimated and true numbers of sentences per period and topic; see `estimate_prevalence`.

    Estimated as if the part had no labels: errors are learned from all other sentences. Empty where no article has a
    date, or no other sentences are there.
    """
    rows = dataset.rows(dataset.evaluated_part)
    sentences, Y = dataset.sentences[rows], dataset.Y[rows]
    periods = period_bins(sentences["published"], settings.period)
    others = judged_rows(dataset) & ~rows
    if not others.any() or not any(period is not None for period in periods):
        return pd.DataFrame()
    decided = fitted.model.decide(fitted.probabilities)
    known = count_articles(decided[others], dataset.sentences["article_id"][others].to_numpy(), dataset.Y[others])
    groups = sentences["article_id"].to_numpy()
    table = estimate_prevalence(decided[rows], periods, groups, known, dataset.topics, method=settings.prevalence)
    true: Any = pd.DataFrame(Y, columns=list(dataset.topics)).groupby(periods, dropna=False).sum()
    return table.assign(true=true.to_numpy().ravel())


def judged_rows(dataset: Dataset) -> np.ndarray:
    """Return which sentences people labelled; all, where they labelled none."""
    by_people = dataset.labelled_by_people()
    return by_people if by_people.any() else np.ones_like(by_people)
