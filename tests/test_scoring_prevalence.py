"""Counts are corrected by the errors of labelled sentences, and the true numbers are where the intervals say."""

import numpy as np
import pandas as pd
import pytest

from slugline.errors import InputError
from slugline.scoring import count_articles, estimate_prevalence


def news(articles: int, seed: int, common: float = -2.5):
    """Return labels, probabilities and articles of one topic; how common it is, and the model's errors, go by article."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(articles), random.integers(4, 25, articles))
    Y = random.random((len(group), 1)) < 1 / (1 + np.exp(-random.normal(common, 1.2, articles)[group]))[:, None]
    seen = 2.5 * Y - 2.8 + random.normal(0, 0.5, articles)[group][:, None] + random.normal(0, 1, Y.shape)
    return Y, 1 / (1 + np.exp(-seen)), group


def test_adjusted_counts_are_those_of_the_formula():
    Y, P, group = news(60, 0)
    new, ranked, where = news(20, 1)
    table = estimate_prevalence(
        ranked > 0.3,
        ["all"] * len(new),
        where,
        count_articles(P > 0.3, group, Y),
        ["a"],
        method="adjusted",
        resamples=50,
    )
    tpr, fpr = (P[Y] > 0.3).mean(), (P[~Y] > 0.3).mean()
    assert table["corrected"].tolist() == pytest.approx([((ranked > 0.3).sum() - fpr * len(new)) / (tpr - fpr)])
    assert table["counted"].tolist() == [(ranked > 0.3).sum()]


def test_the_difference_is_what_labelled_sentences_were_given_too_much():
    Y, P, group = news(60, 0)
    new, ranked, where = news(20, 1)
    table = estimate_prevalence(ranked, ["all"] * len(new), where, count_articles(P, group, Y), ["a"], resamples=50)
    assert table["corrected"].tolist() == pytest.approx([ranked.sum() - (P - Y).mean() * len(new)])


def test_a_model_without_errors_is_not_corrected_and_sure():
    Y, _, group = news(40, 2)
    months = [f"2020-{1 + article % 3:02d}" for article in group]
    true = pd.Series(Y[:, 0]).groupby(months).sum()
    for method in ("difference", "adjusted"):
        table = estimate_prevalence(
            Y, months, group, count_articles(Y, group, Y), ["a"], method=method, resamples=50
        ).set_index("period")
        for column in ("counted", "corrected", "low", "high"):
            assert table[column].to_dict() == pytest.approx(true.to_dict())


def test_labels_counted_are_those_of_the_labelled_sentences_themselves():
    Y, P, group = news(50, 3)
    for given in (P, P > 0.5):
        for method in ("difference", "adjusted"):
            table = estimate_prevalence(
                given, ["all"] * len(Y), group, count_articles(given, group, Y), ["a"], method=method, resamples=50
            )
            assert table["corrected"].tolist() == pytest.approx([Y.sum()])


def test_where_a_topic_becomes_more_common_and_errors_stay_only_the_adjusted_count_is_right():
    known, more = news(3000, 4), news(3000, 5, common=-0.5)
    Y, P, group = known
    new, ranked, where = more
    found = {
        method: estimate_prevalence(
            ranked > 0.5, ["x"] * len(new), where, count_articles(P > 0.5, group, Y), ["a"], method=method, resamples=20
        )
        for method in ("difference", "adjusted")
    }
    off = {method: abs(table["corrected"][0] / new.sum() - 1) for method, table in found.items()}
    assert off["adjusted"] < 0.05 < 0.15 < off["difference"]


def test_all_is_possible_whole_and_in_order():
    Y, P, group = news(30, 6)
    new, ranked, where = news(40, 7)
    for method in ("difference", "adjusted"):
        table = estimate_prevalence(
            ranked > 0.9, where % 15, where, count_articles(P > 0.9, group, Y), ["a"], method=method, resamples=200
        )
        assert (
            (table["low"] >= 0)
            & (table["high"] <= table["sentences"])
            & table["corrected"].between(0, table["sentences"])
        ).all()
        assert (table["low"] <= table["high"]).all()
        assert (table[["low", "high"]] % 1 == 0).all().all()
        assert table["sentences"].sum() == len(new)


def test_a_sentence_without_a_period_is_counted_too():
    Y, P, group = news(20, 8)
    periods = np.where(group < 5, None, "2020")
    table = estimate_prevalence(P, periods, group, count_articles(P, group, Y), ["a"], resamples=20)
    assert table["sentences"].tolist() == [int((group >= 5).sum()), int((group < 5).sum())]
    assert table["period"].isna().tolist() == [False, True]


def test_of_a_topic_that_no_labelled_sentence_has_nothing_is_said():
    Y, P, group = news(20, 9)
    labels, given = np.hstack([Y, np.zeros_like(Y)]), np.hstack([P, P])
    table = estimate_prevalence(
        given, ["x"] * len(Y), group, count_articles(given, group, labels), ["a", "b"], resamples=20
    ).set_index("topic")
    assert table.loc["b", ["corrected", "low", "high"]].isna().all()
    assert table.loc["a"].notna().all()


def test_another_method_is_refused():
    Y, P, group = news(5, 10)
    with pytest.raises(InputError, match="method=magic; allowed: difference, adjusted"):
        estimate_prevalence(P, ["x"] * len(Y), group, count_articles(P, group, Y), ["a"], method="magic")


@pytest.mark.slow
@pytest.mark.parametrize(("cut", "method"), [(None, "difference"), (0.4, "difference"), (0.4, "adjusted")])
def test_intervals_hold_the_true_numbers_about_as_often_as_they_say(cut, method):
    held = []
    for seed in range(120):
        (Y, P, group), (new, ranked, where) = news(150, 1000 + seed), news(60, 5000 + seed)
        given, counted = (P, ranked) if cut is None else (cut < P, ranked > cut)
        table = estimate_prevalence(
            counted, where % 3, where, count_articles(given, group, Y), ["a"], method=method, resamples=300, seed=seed
        )
        true = [new[where % 3 == period].sum() for period in table["period"]]
        held += ((table["low"] <= true) & (table["high"] >= true)).tolist()
    assert 0.91 <= np.mean(held) <= 0.99
