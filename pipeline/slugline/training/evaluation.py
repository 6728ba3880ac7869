"""Evaluation of a model: metrics of dev and test, metrics and tables of the part that it is judged by."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from slugline.dataset import Dataset, judged_rows
from slugline.errors import InputError
from slugline.labels import Labels
from slugline.scoring import (
    Counts,
    Scores,
    budget_intervals,
    calibration_intervals,
    check_period,
    count_articles,
    estimate_prevalence,
    flatten_intervals,
    macro_interval,
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
from slugline.training.judged import Judged, judge_part
from slugline.training.settings import EvaluationSettings

_BASELINE_SCORES = ("f1_macro", "f1_micro")
OUT_OF_FOLD = "out_of_fold/f1_macro"


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
    if (settings.repeats > 1 or settings.learning_curve) and not dataset.rows(dataset.evaluated_part).any():
        raise InputError(
            "evaluation.repeats and learning_curve score on a part that is held out; allowed: split.test above 0"
        )
    for name in settings.slices:
        slice_values(dataset.sentences.head(1), name)
    check_period(settings.period, "evaluation.period")


def evaluate(
    dataset: Dataset, fitted: FittedModel, judged: Judged, labels: Labels, settings: EvaluationSettings
) -> tuple[Scores, dict[str, pd.DataFrame]]:
    """Score a model on dev and test beside baselines, and look closer at what it is judged by.

    Parameters
    ----------
    dataset : Dataset
        With labels for dev and test.
    fitted : FittedModel
        The model, and its probabilities for the sentences of the dataset.
    judged : Judged
        What it is judged by: a part that is held out, or sentences that are cross-validated.
    labels : Labels
        The labeller, whose rules are a baseline.
    settings : EvaluationSettings
        How to judge.

    Returns
    -------
    metrics : dict of str to float
        By their keys, such as `test/f1_macro`.
    tables : dict of str to DataFrame
        `calibration, reliability, articles, slices, prevalence`; those that are empty are left out.
    """
    metrics = score_out_of_fold(dataset, fitted)
    for part in held_out_parts(dataset):
        metrics |= prefixed(part, _score_rows(dataset, judge_part(dataset, fitted, part), labels))
    metrics |= {} if judged.part in HELD_OUT else prefixed(judged.part, _score_rows(dataset, judged, labels))
    further_metrics, tables = _evaluate_further(dataset, fitted, judged, settings)
    return metrics | further_metrics, {name: table for name, table in tables.items() if len(table)}


def score_judged(dataset: Dataset, fitted: FittedModel, judged: Judged) -> Scores:
    """Return the scores of a job of a sweep: of what it is judged by, dev and test, and on train out of fold.

    They are among those of `evaluate`, which has baselines and more intervals beside them. Macro F1 of what it is
    judged by has its interval, by other random numbers.
    """
    scored = score_out_of_fold(dataset, fitted)
    parts = [judge_part(dataset, fitted, part) for part in held_out_parts(dataset)]
    for each in parts if judged.part in HELD_OUT else [judged, *parts]:
        scores = score(dataset.Y[each.rows], each.decided, dataset.topics, probabilities=each.probabilities)
        scored |= prefixed(each.part, scores)
    articles = dataset.sentences["article_id"][judged.rows].to_numpy()
    ends = macro_interval(dataset.Y[judged.rows], judged.decided, dataset.topics, groups=articles)
    return scored | flatten_intervals({f"{judged.part}/f1_macro": ends})


def held_out_parts(dataset: Dataset) -> list[str]:
    """Return which of dev and test have sentences."""
    return [part for part in HELD_OUT if dataset.rows(part).any()]


def score_out_of_fold(dataset: Dataset, fitted: FittedModel) -> Scores:
    """Return `out_of_fold/f1_macro`, of train, each sentence decided by weights that were not learned from it.

    Those sentences count that people labelled, if they labelled any. It flatters: thresholds were chosen on them.
    """
    rows = dataset.rows("train") & judged_rows(dataset)
    if not rows.any():
        return {}
    decided = fitted.model.decide(fitted.probabilities[rows])
    return {OUT_OF_FOLD: score(dataset.Y[rows], decided, dataset.topics)["f1_macro"]}


def reference_counts(dataset: Dataset, fitted: FittedModel) -> Counts:
    """Return by articles what was predicted and what is true: how far a model's counts are off.

    Of the sentences that people labelled, out of fold for train.
    """
    rows = judged_rows(dataset)
    decided = fitted.model.decide(fitted.probabilities[rows])
    return count_articles(decided, dataset.sentences["article_id"][rows].to_numpy(), dataset.Y[rows])


def _score_rows(dataset: Dataset, judged: Judged, labels: Labels) -> Scores:
    """Return scores with 95 % intervals, and those of the baselines: the commonest topic, and the rules."""
    topics, (_, rows, P, decided) = dataset.topics, judged
    Y, articles = dataset.Y[rows], dataset.sentences["article_id"][rows].to_numpy()
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
    dataset: Dataset, fitted: FittedModel, judged: Judged, settings: EvaluationSettings
) -> tuple[Scores, dict[str, pd.DataFrame]]:
    """Return calibration, ranking, scores on articles, slices and counts over time, of what a model is judged by."""
    topics, (part, rows, P, decided) = dataset.topics, judged
    sentences, Y = dataset.sentences[rows], dataset.Y[rows]
    articles = sentences["article_id"].to_numpy()

    on_probabilities, table = _score_probabilities(Y, P, topics, articles, settings.recall)
    metrics = prefixed(part, on_probabilities)
    on_articles = score_articles(Y, decided, topics, groups=articles, probabilities=P)
    article_Y, article_decided, article_P = (max_by_article(values, articles) for values in (Y, decided, P))
    each = range(len(article_Y))  # every article is a group of its own
    intervals = score_intervals(article_Y, article_decided, topics, groups=each, probabilities=article_P)
    metrics |= prefixed(f"{part}/article", on_articles | flatten_intervals(intervals))

    columns = zip(topics, Y.T, P.T, strict=True)
    tables = {
        "calibration": table.reset_index(),
        "reliability": pd.concat([reliability_curve(*pair).assign(topic=topic) for topic, *pair in columns]),
        "articles": tabulate(metrics, f"{part}/article", topics).rename_axis("topic").reset_index(),
        "slices": score_all_slices(sentences, Y, decided, topics, settings.slices),
        "prevalence": _count_over_time(dataset, fitted, judged, settings),
    }
    return {key: value for key, value in metrics.items() if value == value}, tables  # NaN: nothing to score


def _score_probabilities(
    Y: np.ndarray, P: np.ndarray, topics: Sequence[str], articles: np.ndarray, recall: float
) -> tuple[Scores, pd.DataFrame]:
    """Return how far probabilities can be believed, and how much must be read: as scores, and as a table of topics."""
    columns = list(zip(Y.T, P.T, strict=True))
    table = score_calibration(Y, P, topics)
    table["reading_budget"] = [reading_budget(y, p, recall) for y, p in columns]
    table["work_saved"] = [work_saved(y, p, recall) for y, p in columns]
    scores = {f"{name}/{topic}": value for name in table for topic, value in table[name].to_dict().items()}
    carried = Y.any(axis=0)  # by others no mean is judged
    scores |= {f"{name}_macro": float(table[name].to_numpy()[carried].mean()) for name in table}

    intervals = calibration_intervals(Y, P, topics, groups=articles)
    intervals |= budget_intervals(Y, P, topics, groups=articles, recall=recall)
    for name in ("ece_debiased", "reading_budget"):
        ends = [intervals.get(f"{name}/{topic}", (np.nan, np.nan)) for topic in topics]
        table[[f"{name}_low", f"{name}_high"]] = ends
    return scores | flatten_intervals(intervals), table


def _count_over_time(
    dataset: Dataset, fitted: FittedModel, judged: Judged, settings: EvaluationSettings
) -> pd.DataFrame:
    """Return estimated and true numbers of sentences per period and topic; see `estimate_prevalence`.

    Estimated as if those judged had no labels: errors are learned from all other sentences. Empty where no article has
    a date, or no other sentences are there.
    """
    rows = judged.rows
    sentences, Y = dataset.sentences[rows], dataset.Y[rows]
    periods = period_bins(sentences["published"], settings.period)
    others = judged_rows(dataset) & ~rows
    if not others.any() or not any(period is not None for period in periods):
        return pd.DataFrame()
    decided = fitted.model.decide(fitted.probabilities[others])
    known = count_articles(decided, dataset.sentences["article_id"][others].to_numpy(), dataset.Y[others])
    groups = sentences["article_id"].to_numpy()
    table = estimate_prevalence(judged.decided, periods, groups, known, dataset.topics, method=settings.prevalence)
    true: Any = pd.DataFrame(Y, columns=list(dataset.topics)).groupby(periods, dropna=False).sum()
    return table.assign(true=true.to_numpy().ravel())
