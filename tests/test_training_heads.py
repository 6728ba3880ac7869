"""Heads: what cross-validation fits and decides, and a C that is left to the data."""

import numpy as np
import pytest
from scipy.sparse import csr_array, random_array
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC as SklearnLinearSVC

from slugline.encoder import SentenceEncoder
from slugline.errors import InputError
from slugline.model.rule_votes import RuleVotes
from slugline.ngrams import CountVectorizer, HashingVectorizer, TfidfVectorizer
from slugline.scoring import average_precision
from slugline.svm import LinearSVC, estimator
from slugline.training import heads
from slugline.training.chosen_features import least_frequency
from slugline.training.fold_features import Block, FoldFeatures
from slugline.training.heads import Examples, fit_head


@pytest.fixture(scope="module")
def examples():
    """Return 400 noisy examples of three topics, in groups of four."""
    random = np.random.default_rng(0)
    X = csr_array(random_array((400, 60), density=0.15, rng=random, format="csr"))
    Y = X @ random.normal(size=(60, 3)) + random.normal(size=(400, 3)) > 0.6
    return Examples([Block(X, "l2", min_df=1)], Y, np.arange(400) // 4)


def macro_precision(examples, fitted):
    """Return macro average precision out of fold."""
    return np.mean([average_precision(y, p) for y, p in zip(examples.Y.T, fitted.probabilities.T, strict=True)])


def test_a_c_left_to_the_data_is_the_usual_one_unless_another_is_clearly_better(examples, monkeypatch):
    alone = {C: fit_head(LinearSVC(C=C, tol=1e-6, max_iter=100_000), examples) for C in heads.C_VALUES}
    scores = {C: macro_precision(examples, fitted) for C, fitted in alone.items()}
    best = max(scores, key=scores.get)
    assert best != 0.3

    monkeypatch.setattr(heads, "_MARGIN", scores[best] - scores[0.3] - 1e-6)
    chosen = fit_head(LinearSVC(C="auto", tol=1e-6, max_iter=100_000), examples)
    assert chosen.classifier.get_params()["C"] == best
    np.testing.assert_array_equal(chosen.probabilities, alone[best].probabilities)

    monkeypatch.setattr(heads, "_MARGIN", scores[best] - scores[0.3] + 1e-6)
    assert fit_head(LinearSVC(C="auto", tol=1e-6, max_iter=100_000), examples).classifier.C == 0.3


def test_other_classifiers_have_no_c_that_is_left_to_the_data(examples):
    with pytest.raises(InputError, match="model LogisticRegression cannot be fitted: The 'C' parameter"):
        fit_head(LogisticRegression(C="auto"), examples)


def test_numba_and_liblinear_decide_alike_in_all_folds(examples, monkeypatch):
    monkeypatch.setattr(estimator, "_FEW_VALUES", 0)
    options = {"tol": 1e-7, "max_iter": 1_000_000, "dual": True, "random_state": 0}
    ours, theirs = (fit_head(kind(C=0.3, **options), examples) for kind in (LinearSVC, SklearnLinearSVC))
    np.testing.assert_allclose(ours.probabilities, theirs.probabilities, atol=1e-5)  # features in 32 bits
    np.testing.assert_allclose(ours.head.weights, theirs.head.weights, atol=1e-4)


TEXTS = [
    "rain fell", "rain and wind", "snow fell", "wind and rain", "rain", "a calm night", "snow and hail", "hail fell",
    "rain fell again", "wind fell", "calm seas", "snow again", "rain and snow", "wind", "night rain", "a truce held",
    "truce talks", "snow talks", "the seas fell", "the wind held",
]  # fmt: skip


@pytest.mark.parametrize("min_df", [1, 2, 0.05, 0.2])
@pytest.mark.parametrize("texts", [TEXTS, ["rain fell", "rain and snow", "snow fell"] * 8])  # with rare words, and none
def test_a_fold_has_the_terms_that_its_own_sentences_alone_would_give(texts, min_df):
    vectorizer = TfidfVectorizer(min_df=min_df)
    X, held_out = csr_array(vectorizer.fit_transform(texts)), np.arange(len(texts)) % 4 == 1
    texts = np.array(texts, dtype=object)
    alone = clone(vectorizer).fit(texts[~held_out])
    known = np.isin(vectorizer.get_feature_names_out(), alone.get_feature_names_out())
    for part, rows in zip(FoldFeatures([Block(X, "l2", min_df)]).divide(held_out), (~held_out, held_out), strict=True):
        expected = normalize(vectorizer.transform(texts[rows]).toarray() * known)  # with the idf of all
        np.testing.assert_allclose(part.toarray(), expected, rtol=0, atol=1e-15)


def test_columns_that_were_not_learned_are_the_same_in_all_folds():
    X, held_out = csr_array(np.array([[1, 1, 0], [1, 0, 0], [0, 0, 2.0]])), np.array([False, False, True])
    learned, rest = FoldFeatures([Block(X, "l2")]).divide(held_out)
    np.testing.assert_array_equal(np.vstack([learned.toarray(), rest.toarray()]), X.toarray())
    assert FoldFeatures([Block(csr_array((2, 0)), "l2", 1)]).divide(held_out[1:])[0].shape == (1, 0)


@pytest.mark.parametrize(
    ("component", "least"),
    [
        (TfidfVectorizer(min_df=2), 2),
        (CountVectorizer(min_df=0.1), 0.1),
        (TfidfVectorizer(vocabulary=["rain"]), None),
        (HashingVectorizer(), None),
        (RuleVotes(), None),
        (SentenceEncoder(), None),
    ],
)
def test_only_terms_that_are_learned_have_a_least_frequency(component, least):
    assert least_frequency(component) == least
