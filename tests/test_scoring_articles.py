"""An article has a topic where one of its sentences has."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, f1_score

from slugline.scoring import max_by_article, score_articles


def test_articles_take_the_most_of_their_sentences_in_any_order():
    random = np.random.default_rng(0)
    group = random.integers(0, 12, 60)
    Y, P = random.random((60, 3)) < 0.1, random.random((60, 3))
    expected = pd.DataFrame(P).groupby(group, sort=False).max().to_numpy()
    assert max_by_article(P, group).tolist() == expected.tolist()
    assert (
        max_by_article(Y, [f"article {key}" for key in group]).tolist()
        == pd.DataFrame(Y).groupby(group, sort=False).any().to_numpy().tolist()
    )
    assert max_by_article(Y, group).dtype == bool


def test_scores_on_articles_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    group = np.repeat(np.arange(40), 5)
    Y, P = random.random((200, 2)) < 0.1, random.random((200, 2))
    predicted = P > 0.8
    scores = score_articles(Y, predicted, ["a", "b"], groups=group, probabilities=P)
    y, given, p = (part.reshape(40, 5, 2).max(axis=1) for part in (Y, predicted, P))
    assert scores["f1_macro"] == pytest.approx(f1_score(y, given, average="macro"))
    assert scores["ap/a"] == pytest.approx(average_precision_score(y[:, 0], p[:, 0]))
    assert scores["support/b"] == y[:, 1].sum()
    assert not [key for key in score_articles(Y, predicted, ["a", "b"], groups=group) if "/ap" in key]


def test_two_wrong_sentences_of_a_right_article_count_once():
    Y = np.array([[True], [False], [False]])
    predicted = np.array([[False], [True], [True]])
    assert score_articles(Y, predicted, ["a"], groups=["one"] * 3)["f1/a"] == 1.0
