"""A slice that is worse is found, one that is not is left alone."""

import numpy as np
import pandas as pd
import pytest

from slugline.scoring import score
from slugline.scoring.slices import length_bins, score_all_slices, score_slices

TOPICS = ["a", "b"]


def news(articles: int, seed: int):
    """Return labels, decisions and articles; errors go by article."""
    random = np.random.default_rng(seed)
    group = np.repeat(np.arange(articles), random.integers(3, 20, articles))
    Y = random.random((len(group), 2)) < 0.2
    skill = random.beta(8, 2, (articles, 2))[group]
    return Y, np.where(Y, random.random(Y.shape) < skill, random.random(Y.shape) < 0.05), group


def test_scores_are_those_of_the_sentences_inside_and_outside():
    Y, predicted, group = news(60, 0)
    sources = np.array(["wire", "paper", "blog"])[group % 3]
    table = score_slices(Y, predicted, TOPICS, groups=group, values=sources, resamples=50)
    for source, row in table.iterrows():
        inside = sources == source
        here, rest = (score(Y[rows], predicted[rows], TOPICS)["f1_micro"] for rows in (inside, ~inside))
        assert (row["score"], row["rest"]) == pytest.approx((here, rest))
        assert row["difference"] == pytest.approx(here - rest)
        assert row["low"] <= here <= row["high"]
        assert (row["sentences"], row["articles"]) == (inside.sum(), 20)


def test_a_slice_that_was_made_worse_is_the_only_one_that_is_called_so():
    Y, predicted, group = news(200, 1)
    predicted = predicted & ((group % 4 != 2)[:, None] | (np.random.default_rng(2).random(Y.shape) < 0.5))
    table = score_slices(Y, predicted, TOPICS, groups=group, values=group % 4, resamples=400)
    assert table.index[table["worse"]].tolist() == [2]
    assert table.loc[2, "p_holm"] <= 0.05
    assert (table["p_holm"] >= table["p"]).all()


def test_a_better_slice_is_not_worse_however_far_it_is_from_the_rest():
    Y, predicted, group = news(200, 3)
    predicted = np.where((group % 4 == 1)[:, None], Y, predicted)
    table = score_slices(Y, predicted, TOPICS, groups=group, values=group % 4, resamples=400)
    assert table.loc[1, "p_holm"] <= 0.05
    assert not table.loc[1, "worse"]


def test_slices_of_nothing_in_particular_are_seldom_worse():
    alarms = 0
    for seed in range(60):
        Y, predicted, group = news(60, 100 + seed)
        values = np.random.default_rng(seed).integers(0, 5, 60)[group]
        alarms += score_slices(Y, predicted, TOPICS, groups=group, values=values, resamples=150, seed=seed)[
            "worse"
        ].any()
    assert alarms <= 6


def test_one_slice_has_no_rest_and_sentences_without_a_value_are_a_slice_too():
    Y, predicted, group = news(20, 4)
    table = score_slices(Y, predicted, TOPICS, groups=group, values=["x"] * len(Y), resamples=20)
    assert table[["rest", "difference", "p", "p_holm"]].isna().all().all()
    assert not table["worse"].any()
    values = pd.Series(np.where(group < 5, None, "x"), index=np.arange(len(Y))[::-1])
    found = score_slices(Y, predicted, TOPICS, groups=group, values=values, resamples=20)
    assert found["articles"].tolist() == [15, 5]


def test_all_slices_together_have_the_scores_that_those_of_each_column_have_by_themselves():
    Y, predicted, group = news(40, 4)
    columns = {"desk": group % 3, "shift": np.where(group < 15, "day", "night")}
    sentences = pd.DataFrame({"article_id": group, "text": "x"} | columns).astype({"desk": str})
    together = score_all_slices(sentences, Y, predicted, TOPICS, list(columns)).set_index(["by", "slice"])
    for name in columns:
        alone = score_slices(Y, predicted, TOPICS, groups=group, values=sentences[name])
        pd.testing.assert_frame_equal(together.loc[name].drop(columns=["p_holm", "worse"]), alone.iloc[:, :-2])


def test_bins_of_length_are_named_by_their_words_and_in_order():
    bins = length_bins(["one two", "", " ".join("w" * 10), " ".join("w" * 19), " ".join("w" * 40)])
    names = ["under 10 words", "10 to 19 words", "20 to 39 words", "40 words or more"]
    assert bins.categories.tolist() == names
    assert list(bins) == [names[0], names[0], names[1], names[1], names[3]]
    Y = np.ones((5, 2), bool)
    assert score_slices(Y, Y, TOPICS, groups=np.arange(5), values=bins, resamples=20).index.tolist() == [
        names[0],
        names[1],
        names[3],
    ]
